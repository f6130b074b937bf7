//! What names a row: the digest of its cells, its key, and its place among equal rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use adapter::{Fingerprint, Key};
use rayon::prelude::*;
use record::Digest;

use crate::layout::Layout;
use crate::span::{Row, Shape};
use crate::table::Table;

/// What stands between the cells of a key of several columns.
const UNIT: char = '\u{1f}';

/// What is known of one row without mapping it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// The head of the digest of its cells.
    pub(crate) content: [u8; 16],
    /// The head of the digest of its key, or of its content if it has none.
    name: [u8; 16],
    /// Its place among the rows of one content that have no key.
    ordinal: u32,
    pub(crate) state: State,
}

/// Whether a row can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It has a key.
    Keyed,
    /// It is named by its content.
    #[default]
    Bare,
    /// Another row has the same key.
    Twin,
    /// It is damaged.
    Faulty,
}

/// The sketches of all rows of a table, in order.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) sketches: Vec<Sketch>,
    /// The rows that share a key, by its digest.
    twins: Names<Vec<usize>>,
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

    fn write_usize(&mut self, _length: usize) {}

    fn write_u32(&mut self, ordinal: u32) {
        self.0 ^= u64::from(ordinal).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type Names<T> = HashMap<[u8; 16], T, BuildHasherDefault<Already>>;

impl Index {
    /// Reads every row once.
    pub(crate) fn of(table: &Table, layout: &Layout) -> Self {
        const CHUNK: usize = 4096;
        let mut sketches = vec![Sketch::default(); table.rows.len()];
        sketches.par_chunks_mut(CHUNK).zip(table.rows.par_chunks(CHUNK)).for_each(|(sketches, rows)| {
            let mut room = Room::default();
            for (sketch, row) in sketches.iter_mut().zip(rows) {
                *sketch = room.sketch(table, layout, *row);
            }
        });
        let mut index = Self { sketches, twins: Names::default() };
        index.tell_apart();
        index
    }

    /// Numbers equal rows without a key, and marks rows that share one.
    fn tell_apart(&mut self) {
        let mut seen: Names<u32> = Names::with_capacity_and_hasher(self.sketches.len(), BuildHasherDefault::default());
        for sketch in self.sketches.iter_mut().filter(|sketch| sketch.state != State::Faulty) {
            let count = seen.entry(sketch.name).or_insert(0);
            sketch.ordinal = *count;
            *count += 1;
        }
        for (at, sketch) in self.sketches.iter_mut().enumerate().filter(|(_, sketch)| sketch.state == State::Keyed) {
            if seen.get(&sketch.name).is_some_and(|count| *count > 1) {
                sketch.state = State::Twin;
                self.twins.entry(sketch.name).or_default().push(at);
            }
        }
    }

    /// Returns the key of a row; none if it cannot be told.
    pub(crate) fn key(&self, table: &Table, layout: &Layout, at: usize) -> Option<Key> {
        let mut ends = Vec::with_capacity(layout.names.len());
        table.cell_ends(*table.rows.get(at)?, &mut ends).ok()?;
        self.key_of(table, layout, at, &ends)
    }

    /// Returns the key of a row whose cells end at `ends`; none if it cannot be told.
    pub(crate) fn key_of(&self, table: &Table, layout: &Layout, at: usize, ends: &[usize]) -> Option<Key> {
        let sketch = self.sketches.get(at)?;
        match sketch.state {
            State::Faulty => None,
            State::Bare => Some(Key(content_text(sketch.content, sketch.ordinal))),
            State::Keyed | State::Twin => {
                let row = *table.rows.get(at)?;
                let part = |column: &usize| table.text_at(row, ends, *column).unwrap_or_default();
                let parts: Vec<Cow<'_, str>> = layout.key.iter().map(part).collect();
                join_key(parts.iter().map(AsRef::as_ref)).map(Key)
            }
        }
    }

    /// Returns the fingerprint of a row.
    pub(crate) fn fingerprint(&self, layout: &Layout, at: usize) -> Fingerprint {
        let content = self.sketches.get(at).map(|sketch| sketch.content).unwrap_or_default();
        Fingerprint([content, layout.digest].concat())
    }

    /// Returns the places of the rows that these keys name.
    pub(crate) fn find<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> HashMap<&'k Key, usize> {
        let mut wanted: HashMap<([u8; 16], u32), Vec<&Key>> = HashMap::new();
        for key in keys {
            wanted.entry((name_of(&key.0), 0)).or_default().push(key);
            if let Some(by_content) = content_key(&key.0) {
                wanted.entry(by_content).or_default().push(key);
            }
        }
        let mut found = HashMap::with_capacity(wanted.len());
        for (at, sketch) in self.sketches.iter().enumerate() {
            if matches!(sketch.state, State::Keyed | State::Bare)
                && let Some(keys) = wanted.get(&(sketch.name, sketch.ordinal))
            {
                found.extend(keys.iter().map(|key| (*key, at)));
            }
        }
        found
    }

    /// Returns the other rows that share the key of the row at `at`.
    pub(crate) fn twins(&self, at: usize) -> impl Iterator<Item = usize> {
        let twins = self.sketches.get(at).and_then(|sketch| self.twins.get(&sketch.name));
        twins.into_iter().flatten().copied().filter(move |other| *other != at)
    }
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
pub(crate) fn content_of(cells: &[impl AsRef<str>]) -> [u8; 16] {
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
    fn sketch(&mut self, table: &Table, layout: &Layout, row: Row) -> Sketch {
        let faulty = Sketch { state: State::Faulty, ..Sketch::default() };
        if table.cell_ends(row, &mut self.ends).is_err() {
            return faulty;
        }
        let (buffer, cells) = (&mut self.buffer, &mut self.cells);
        buffer.clear();
        cells.clear();
        let mut texts = Vec::new();
        let whole = table.whole_text(row).filter(|_| row.shape == Shape::Plain);
        if whole.is_none() && table.read_cells(row, &self.ends, &mut texts).is_err() {
            return faulty;
        }
        let mut start = 0;
        let plain = self.ends.iter().filter_map(|end| whole?.get(std::mem::replace(&mut start, end + 1)..*end));
        for text in plain.chain(texts.iter().map(AsRef::as_ref)) {
            append(buffer, text.as_bytes());
            cells.push(buffer.len() - text.len()..buffer.len());
        }
        (cells.len()..table.headers.len()).for_each(|_| append(buffer, &[]));
        let content = Digest::of(buffer).head();
        match self.key(layout) {
            Some(key) => Sketch { content, name: name_of(&key), ordinal: 0, state: State::Keyed },
            None => Sketch { content, name: content, ordinal: 0, state: State::Bare },
        }
    }

    fn key(&self, layout: &Layout) -> Option<String> {
        let cell = |column: &usize| self.cells.get(*column).and_then(|range| self.buffer.get(range.clone())).unwrap_or_default();
        join_key(layout.key.iter().map(|column| std::str::from_utf8(cell(column)).unwrap_or_default()))
    }
}

fn name_of(key: &str) -> [u8; 16] {
    Digest::of_parts(&[b"syncretic.csv-key/1", key.as_bytes()]).head()
}

fn content_text(content: [u8; 16], ordinal: u32) -> String {
    format!("{:032x}#{ordinal}", u128::from_be_bytes(content))
}

/// Reads a key that was made of a row's content and its ordinal.
fn content_key(key: &str) -> Option<([u8; 16], u32)> {
    let (digits, ordinal) = key.split_once('#')?;
    let content = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some((content.to_be_bytes(), ordinal.parse().ok()?))
}
