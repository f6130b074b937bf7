//! Finding the rows that a step means, in one pass over the table; of all others nothing is kept.

use std::collections::HashMap;

use adapter::{Error, Host, Key};

use crate::identity::{Name, Names, Sketch, State, each_piece, names_of};
use crate::opened::Opened;
use crate::pieces::Piece;
use crate::span::{Row, Shape};

/// One row as it stands in the table.
#[derive(Debug)]
pub(crate) struct Spot {
    /// Where in the text it begins.
    pub(crate) start: u64,
    /// Where its last cell ends.
    pub(crate) end: u64,
    /// Where its line ending ends.
    pub(crate) next: u64,
    pub(crate) shape: Shape,
    /// Its bytes without the line ending.
    pub(crate) bytes: Vec<u8>,
    pub(crate) content: Name,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) next: u64,
}

/// The rows that a step means.
#[derive(Debug, Default)]
pub(crate) struct Spots {
    by_key: HashMap<Key, usize>,
    spots: Vec<Spot>,
    /// The last row that is whole: new ones come behind it, since one with an open quote would swallow them.
    pub(crate) last: Option<Place>,
}

/// How often a name was seen.
#[derive(Default)]
struct Seen {
    count: u32,
    keyed: bool,
    /// The rows that were asked for, by their places among those of this name.
    found: Vec<(u32, usize)>,
}

impl Spots {
    /// Finds the rows of these keys.
    ///
    /// # Errors
    /// Fails if the table cannot be read, or someone asked to stop.
    pub(crate) fn find<'k>(opened: &Opened<'_>, host: &dyn Host, keys: impl Iterator<Item = &'k Key>) -> Result<Self, Error> {
        let mut wanted = Names::<Vec<(u32, &Key)>>::default();
        for key in keys {
            names_of(key).for_each(|(name, ordinal)| wanted.entry(name).or_default().push((ordinal, key)));
        }
        let mut spots = Self::default();
        let mut seen = Names::<Seen>::default();
        each_piece(opened, host, &mut |piece, sketches| {
            let whole = piece.rows.iter().rfind(|row| row.shape != Shape::Open);
            spots.last = whole.map(|row| place(piece, *row)).or(spots.last);
            for (row, sketch) in piece.rows.iter().zip(&sketches).filter(|(_, sketch)| sketch.state != State::Faulty) {
                if let Some(keys) = wanted.get(&sketch.name) {
                    spots.meet(piece, *row, sketch, keys, seen.entry(sketch.name).or_default());
                }
            }
        })?;
        for (name, keys) in &wanted {
            // Of rows that share a key none is meant.
            let Some(seen) = seen.get(name).filter(|seen| !seen.keyed || seen.count == 1) else { continue };
            for (ordinal, key) in keys {
                let found = seen.found.iter().find(|(place, _)| place == ordinal);
                spots.by_key.extend(found.map(|(_, at)| ((*key).clone(), *at)));
            }
        }
        Ok(spots)
    }

    fn meet(&mut self, piece: &Piece, row: Row, sketch: &Sketch, keys: &[(u32, &Key)], seen: &mut Seen) {
        if keys.iter().any(|(ordinal, _)| *ordinal == seen.count) {
            let Place { start, end, next } = place(piece, row);
            seen.found.push((seen.count, self.spots.len()));
            self.spots.push(Spot { start, end, next, shape: row.shape, bytes: piece.bytes(row).to_vec(), content: sketch.content });
        }
        seen.keyed = sketch.state == State::Keyed;
        seen.count += 1;
    }

    /// Returns the number of the row of a key.
    pub(crate) fn of(&self, key: &Key) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Returns a row by its number.
    pub(crate) fn spot(&self, at: usize) -> Option<&Spot> {
        self.spots.get(at)
    }
}

fn place(piece: &Piece, row: Row) -> Place {
    Place { start: piece.start(row), end: piece.end(row), next: piece.next(row) }
}
