//! Bytes that nobody would write, and what must hold for a file of them: the body of fuzz targets and of bounded tests.
#![expect(clippy::panic, reason = "a broken law ends a fuzz target by a panic")]

use std::path::Path;

use adapter::format::Silent;
use adapter::{Adapter, Expect, Format, Item, Mode, Op, Options, Outcome, StepId};
use record::{Pointer, RecordId, Value};

use crate::trial::{Chest, Found, Memory, try_apply, try_scan};

/// A row of numbers that is the same on every run (xorshift64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Begins the row of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns any number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number below `limit`, or zero.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % (limit.max(1) as u64)).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.number().to_be_bytes()[3]
    }
}

const PIECES: &[&[u8]] = &[
    b"\0",
    b"\r",
    b"\n",
    b"\r\n ",
    b"\"",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"BEGIN:VCARD\r\n",
    b"END:VCARD\r\n",
    b";;;;",
    b"=\r\n",
    b"\xf0\x9f",
    b";ENCODING=QUOTED-PRINTABLE",
    b";ENCODING=b",
    b";CHARSET=ISO-8859-1",
    b"item1.",
    b",",
    b";",
    b":",
    b"\\",
    b"^n",
    b"--",
    b"\t",
];

/// Damages a file: cut, doubled, filled with noise, a byte changed, a line moved, pieces inserted.
#[must_use]
pub fn damaged(content: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(8) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(..at.min(4096)),
            2 => bytes = (0..chance.below(400)).map(|_| chance.byte()).collect(),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = chance.byte()),
            4 => {
                let end = (at + chance.below(40)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            _ => {
                let piece = PIECES.get(chance.below(PIECES.len())).copied().unwrap_or_default();
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
    bytes
}

/// How many items of a file are edited.
const EDITED: usize = 2;

/// Reads a file of any bytes, changes one field after the other, and looks that nothing else changes.
///
/// A file or a change that is refused is an honest answer.
///
/// # Panics
/// Panics if a law is broken, or if the temporary file cannot be written.
pub fn survives(format: &dyn Format, options: &Options, name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("no temporary file: {error}"));
    let Ok(mut adapter) = format.open(path.clone(), options, Box::new(Silent)) else { return };
    let Ok(found) = try_scan(adapter.as_mut(), &Memory::default()) else { return };
    let left = std::fs::read(&path).unwrap_or_default();
    assert!(left == bytes, "a scan changed the file");
    let items: Vec<Item> = found.items.iter().take(EDITED).cloned().collect();
    for (number, item) in (1..).zip(items) {
        edit(adapter.as_mut(), &path, &item, number);
    }
}

/// Returns a field to change: the first text that people would edit.
fn field_of(item: &Item) -> Option<Pointer> {
    let editable = |(pointer, value): &(&Pointer, &Value)| {
        let last = pointer.segments().next_back().unwrap_or_default();
        matches!(value, Value::Text(_))
            && !pointer.as_str().starts_with("ext/")
            && !matches!(last, "uid" | "kind" | "mediaType" | "relation" | "service" | "level" | "privacy" | "grammaticalGender")
    };
    item.record.fields.iter().find(editable).map(|(pointer, _)| pointer.clone())
}

fn edit(adapter: &mut dyn Adapter, path: &Path, item: &Item, number: u8) {
    let Some(field) = field_of(item) else { return };
    let before = std::fs::read(path).unwrap_or_default();
    let Ok(known) = try_scan(adapter, &Memory::default()) else { return };
    let Some(now) = known.items.iter().find(|found| found.key == item.key) else { return };
    let record = item.record.clone().with(field.as_str(), Value::text("Fuzz, and; \"more\"\n\\"));
    let step = StepId([number; 16]);
    let changed = [field];
    let op = Op::Put {
        id: RecordId([number; 16]),
        key: Some(&item.key),
        expect: Expect::Fingerprint(&now.fingerprint),
        record: &record,
        changed: &changed,
    };
    let Ok(Ok(answers)) = try_apply(adapter, step, &[op], Mode::Perform, &Chest::default()) else { return };
    let after = try_scan(adapter, &Memory::default()).unwrap_or_else(|error| panic!("after an edit the file is not read: {error}"));
    match answers.as_slice() {
        [Outcome::Put { key, record: shown, .. }] => {
            let found = after.items.iter().find(|found| found.key == *key).unwrap_or_else(|| panic!("after an edit {key} is gone"));
            assert!(found.record == *shown, "the answer is not what a scan shows: {:?} and {shown:?}", found.record);
            untouched(&known, &after, now, key);
        }
        _ => assert!(std::fs::read(path).unwrap_or_default() == before, "what was refused was written"),
    }
    adapter.settle(step).unwrap_or_else(|error| panic!("settling failed: {error}"));
}

/// Fails unless all other items show what they did.
fn untouched(before: &Found, after: &Found, edited: &Item, key: &adapter::Key) {
    let others = |found: &Found, key: &adapter::Key| {
        let mut all: Vec<_> = found.items.iter().filter(|item| item.key != *key).map(|item| item.record.digest()).collect();
        all.sort_unstable();
        all
    };
    assert!(others(before, &edited.key) == others(after, key), "another item shows something else");
    assert!(before.broken.len() == after.broken.len(), "an edit broke or mended something");
}
