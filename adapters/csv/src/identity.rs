//! What names a row: the digest of its cells, its key, and its place among equal rows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use adapter::{Error, Fingerprint, Host, Key};
use rayon::prelude::*;
use record::Digest;

use crate::layout::Layout;
use crate::opened::Opened;
use crate::pieces::Piece;
use crate::span::Shape;
use crate::table::Table;

/// What stands between the cells of a key of several columns.
const UNIT: char = '\u{1f}';
/// How many rows one thread looks at before the next.
const BATCH: usize = 256;

/// What is known of one row without mapping it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// The head of the digest of its cells.
    pub(crate) content: Name,
    /// The head of the digest of its key, or of its content if it has none.
    pub(crate) name: Name,
    pub(crate) state: State,
}

/// The head of a digest.
pub(crate) type Name = [u8; 16];

/// Whether a row can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It has a key.
    Keyed,
    /// It is named by its content.
    #[default]
    Bare,
    /// It is damaged.
    Faulty,
}

/// What tells a row from all others of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is named by its key, or by its content and its place among the rows of one content.
    Alone(u32),
    /// Another row has the same key.
    Twin,
    /// It is damaged.
    Faulty,
}

/// Passes on bits that are random already.
#[derive(Default)]
pub(crate) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(head) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*head);
        }
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }

    fn write_usize(&mut self, _length: usize) {}
}

/// Something for each of many names.
pub(crate) type Names<T> = HashMap<Name, T, BuildHasherDefault<Already>>;

/// Which names of a table more than one row has, and where.
///
/// Of a row that has its name alone nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// How many rows the table has.
    pub(crate) count: usize,
    /// The heads of names that seem to stand more than once.
    heads: HashSet<u64, BuildHasherDefault<Already>>,
    /// The lines of the first rows that share a key.
    twins: Names<Vec<u64>>,
    /// How many rows of one content stood before, of those that seem to stand more than once.
    before: Names<u32>,
    /// The sketches of the first pieces, so that they need not be made again.
    kept: VecDeque<Vec<Sketch>>,
}

/// How many rows of one key are named.
const NAMED: usize = 4;
/// Of how many rows the sketches are kept: some 30 MB.
const KEPT: usize = 1 << 20;

impl Repeats {
    /// Reads every row once; twice if some seem to share a key.
    ///
    /// # Errors
    /// Fails if the table cannot be read, or someone asked to stop.
    pub(crate) fn of(opened: &Opened<'_>, host: &dyn Host) -> Result<Self, Error> {
        // The first half of a name is enough to find those that may stand twice; eight bytes a row are little.
        let mut all: Vec<u64> = Vec::new();
        let (mut count, mut kept) = (0, VecDeque::new());
        each_piece(opened, host, &mut |piece, sketches| {
            count += piece.rows.len();
            all.extend(sketches.iter().filter(|sketch| sketch.state != State::Faulty).map(|sketch| head_of(&sketch.name)));
            if count <= KEPT {
                kept.push_back(sketches);
            }
        })?;
        all.par_sort_unstable();
        let heads = all.array_windows().filter(|[one, other]| one == other).map(|[one, _]| *one).collect();
        drop(all);
        let mut repeats = Self { count, heads, kept, ..Self::default() };
        if !repeats.heads.is_empty() && !opened.layout.key.is_empty() {
            repeats.find_twins(opened, host)?;
        }
        Ok(repeats)
    }

    fn find_twins(&mut self, opened: &Opened<'_>, host: &dyn Host) -> Result<(), Error> {
        let mut twins = Names::<Vec<u64>>::default();
        each_piece(opened, host, &mut |piece, sketches| {
            for (row, sketch) in piece.rows.iter().zip(&sketches) {
                if sketch.state == State::Keyed && self.heads.contains(&head_of(&sketch.name)) {
                    let lines = twins.entry(sketch.name).or_default();
                    if lines.len() < NAMED {
                        lines.push(row.line());
                    }
                }
            }
        })?;
        twins.retain(|_, lines| lines.len() > 1);
        self.twins = twins;
        Ok(())
    }

    /// Returns the sketches of the next piece.
    pub(crate) fn next_sketches(&mut self, opened: &Opened<'_>, piece: &Piece) -> Vec<Sketch> {
        self.kept.pop_front().unwrap_or_else(|| sketches(opened, piece))
    }

    /// Tells a row from all others; rows are asked about once each, in order.
    pub(crate) fn standing(&mut self, sketch: &Sketch) -> Standing {
        match sketch.state {
            State::Faulty => Standing::Faulty,
            _ if !self.heads.contains(&head_of(&sketch.name)) => Standing::Alone(0),
            State::Keyed if self.twins.contains_key(&sketch.name) => Standing::Twin,
            State::Keyed => Standing::Alone(0),
            State::Bare => {
                let before = self.before.entry(sketch.name).or_default();
                *before += 1;
                Standing::Alone(*before - 1)
            }
        }
    }

    /// Returns the lines of the first rows that share this row's key, but for its own.
    pub(crate) fn twins(&self, sketch: &Sketch, line: u64) -> impl Iterator<Item = u64> {
        self.twins.get(&sketch.name).into_iter().flatten().copied().filter(move |other| *other != line)
    }
}

fn head_of(name: &Name) -> u64 {
    name.first_chunk().map(|head| u64::from_le_bytes(*head)).unwrap_or_default()
}

/// Calls `each` with every piece of a table and the sketches of its rows.
///
/// # Errors
/// Fails if the table cannot be read, or someone asked to stop.
pub(crate) fn each_piece(opened: &Opened<'_>, host: &dyn Host, each: &mut dyn FnMut(&Piece, Vec<Sketch>)) -> Result<(), Error> {
    let mut body = opened.body();
    while let Some(piece) = body.next().map_err(|error| opened.origin.failure(error))? {
        if host.cancelled() {
            return Err(Error::Cancelled);
        }
        each(&piece, sketches(opened, &piece));
    }
    Ok(())
}

/// Returns the sketches of the rows of a piece.
fn sketches(opened: &Opened<'_>, piece: &Piece) -> Vec<Sketch> {
    let rows = piece.rows.par_iter().with_min_len(BATCH);
    rows.map_init(Room::default, |room, row| room.sketch(&opened.table, &opened.layout, piece.bytes(*row), row.shape)).collect()
}

/// Returns the key of a row of this content whose cells end at `ends`, the `ordinal`th of its content.
pub(crate) fn key_of(opened: &Opened<'_>, bytes: &[u8], ends: &[usize], content: Name, ordinal: u32) -> Key {
    if opened.layout.key.is_empty() {
        return Key(content_text(content, ordinal));
    }
    let part = |column: &usize| opened.table.text_at(bytes, ends, *column).unwrap_or_default();
    let parts: Vec<Cow<'_, str>> = opened.layout.key.iter().map(part).collect();
    Key(join_key(parts.iter().map(AsRef::as_ref)).unwrap_or_else(|| content_text(content, ordinal)))
}

/// Returns the key of a row of these cells, the `ordinal`th of its content.
pub(crate) fn key_of_cells(cells: &[impl AsRef<str>], layout: &Layout, ordinal: u32) -> Key {
    Key(key_text(cells, layout).unwrap_or_else(|| content_text(content_of(cells), ordinal)))
}

/// Returns the name of a row of these cells, and whether it is that of its key.
pub(crate) fn name_of_cells(cells: &[impl AsRef<str>], layout: &Layout) -> (Name, State) {
    match key_text(cells, layout) {
        Some(key) => (name_of(&key), State::Keyed),
        None => (content_of(cells), State::Bare),
    }
}

/// Returns the fingerprint of a row of this content.
pub(crate) fn fingerprint(content: Name, layout: &Layout) -> Fingerprint {
    Fingerprint([content, layout.digest].concat())
}

/// Returns the names that the row of a key may have, each with its place among the rows of that name.
pub(crate) fn names_of(key: &Key) -> impl Iterator<Item = (Name, u32)> {
    std::iter::once((name_of(&key.0), 0)).chain(content_key(&key.0))
}

fn join_key<'p>(parts: impl Iterator<Item = &'p str>) -> Option<String> {
    let mut key = String::new();
    let mut some = false;
    for (at, part) in parts.enumerate() {
        if at > 0 {
            key.push(UNIT);
        }
        key.push_str(part);
        some |= !part.trim().is_empty();
    }
    some.then_some(key)
}

/// Returns the key of a row from its cells; none if they are empty.
pub(crate) fn key_text(cells: &[impl AsRef<str>], layout: &Layout) -> Option<String> {
    join_key(layout.key.iter().map(|column| cells.get(*column).map(AsRef::as_ref).unwrap_or_default()))
}

/// Returns the digest that a row of these cells has.
pub(crate) fn content_of(cells: &[impl AsRef<str>]) -> Name {
    let mut buffer = Vec::new();
    cells.iter().for_each(|cell| append(&mut buffer, cell.as_ref().as_bytes()));
    Digest::of(&buffer).head()
}

fn append(buffer: &mut Vec<u8>, cell: &[u8]) {
    // Cells of less than 255 bytes, which most are, cost one byte of length.
    match u8::try_from(cell.len()) {
        Ok(length) if length < 255 => buffer.push(length),
        _ => {
            buffer.push(255);
            buffer.extend_from_slice(&(cell.len() as u64).to_le_bytes());
        }
    }
    buffer.extend_from_slice(cell);
}

/// Room for the work on one row, used again for the next.
#[derive(Default)]
struct Room {
    ends: Vec<usize>,
    buffer: Vec<u8>,
    cells: Vec<Range<usize>>,
}

impl Room {
    fn sketch(&mut self, table: &Table, layout: &Layout, bytes: &[u8], shape: Shape) -> Sketch {
        let faulty = Sketch { state: State::Faulty, ..Sketch::default() };
        if table.cell_ends(bytes, shape, &mut self.ends).is_err() {
            return faulty;
        }
        let (buffer, cells) = (&mut self.buffer, &mut self.cells);
        buffer.clear();
        cells.clear();
        let read = table.each_cell(bytes, &self.ends, |text| {
            append(buffer, text.as_bytes());
            cells.push(buffer.len() - text.len()..buffer.len());
        });
        if read.is_err() {
            return faulty;
        }
        let content = Digest::of(buffer).head();
        match self.key(layout) {
            Some(key) => Sketch { content, name: name_of(&key), state: State::Keyed },
            None => Sketch { content, name: content, state: State::Bare },
        }
    }

    fn key(&self, layout: &Layout) -> Option<String> {
        let cell = |column: &usize| self.cells.get(*column).and_then(|range| self.buffer.get(range.clone())).unwrap_or_default();
        join_key(layout.key.iter().map(|column| std::str::from_utf8(cell(column)).unwrap_or_default()))
    }
}

fn name_of(key: &str) -> Name {
    Digest::of_parts(&[b"syncretic.csv-key/1", key.as_bytes()]).head()
}

fn content_text(content: Name, ordinal: u32) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
    // One a row: the digits of `{:032x}`, without its detours.
    let mut digits = [b'0'; 32];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(content) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    let mut text = String::with_capacity(34);
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    text.push('#');
    if ordinal == 0 {
        text.push('0');
    } else {
        text.push_str(&ordinal.to_string());
    }
    text
}

/// Reads a key that was made of a row's content and its ordinal.
fn content_key(key: &str) -> Option<(Name, u32)> {
    let (digits, ordinal) = key.split_once('#')?;
    let content = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some((content.to_be_bytes(), ordinal.parse().ok()?))
}
