//! The journal of a step: what each slot is for, durable before the first exchange (`docs/format/files.md`).

use adapter::staging::{Moment, Stat};
use adapter::{Error, StepId};
use record::codec::{Reader, Writer};
use record::{CodecError, Digest};

use crate::beneath::{Look, Root};
use crate::mark::Sort;
use crate::read;

const VERSION: u64 = 1;
const CREATE: u64 = 0;
const REPLACE: u64 = 1;
const DELETE: u64 = 2;
const MOVE: u64 = 3;
const MAKE_FOLDER: u64 = 4;
const REMOVE_FOLDER: u64 = 5;
const SET: u64 = 6;
const MAX_ENTRIES: u64 = 1 << 24;
const DIGEST_LENGTH: usize = 32;

/// What a name must still be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Was {
    pub(crate) sort: Sort,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) modified: Moment,
    pub(crate) inode: u64,
    /// Whether the same size, time and number prove the same content.
    pub(crate) settled: bool,
}

impl Was {
    /// Takes down what was looked at just now.
    pub(crate) fn of(look: &Look, digest: Digest, now: Moment) -> Self {
        let Stat { size, modified, inode, .. } = look.stat;
        Self { sort: look.sort, digest, size, modified, inode, settled: look.stat.is_settled(now) }
    }

    /// Tells whether what stands at a path now is that.
    pub(crate) fn stands_at(&self, root: &Root, path: &[u8]) -> bool {
        let Ok(look) = root.look(path) else { return false };
        if look.sort != self.sort {
            return false;
        }
        let unwritten = look.stat.size == self.size && look.stat.modified == self.modified && look.stat.inode == self.inode;
        unwritten && self.settled || read::holds(root, path, self.sort, self.digest)
    }
}

/// What is done to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// What is staged under this number gets the target's name.
    Create { inode: u64 },
    /// What is staged under this number changes places with the target.
    Replace { inode: u64, expected: Was },
    /// The target moves into the slot.
    Delete { expected: Was },
    /// The name `from` becomes the target.
    Move { from: Vec<u8>, expected: Was },
    /// A folder is made.
    MakeFolder,
    /// An empty folder is removed.
    RemoveFolder,
    /// A file is made one that may be run, or that may not.
    Set { executable: bool, expected: Was },
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The number that its slot is called by.
    pub(crate) slot: usize,
    pub(crate) act: Act,
    /// The path beneath the root.
    pub(crate) target: Vec<u8>,
}

/// One operation: its exchanges happen all or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its place in the step.
    pub(crate) index: usize,
    /// The key and the fingerprint that its item will have; none for a deletion.
    pub(crate) becomes: Option<(String, Vec<u8>)>,
    pub(crate) entries: Vec<Entry>,
}

/// A journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) told: Vec<Told>,
    /// Folders that were not there when the step began.
    pub(crate) made: Vec<Vec<u8>>,
}

impl Journal {
    /// Returns the bytes: canonical CBOR, then its SHA-256.
    pub(crate) fn encode(&self, step: StepId) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.array(4).unsigned(VERSION).bytes(&step.0).array(self.told.len());
        for told in &self.told {
            writer.array(4).unsigned(told.index as u64);
            match &told.becomes {
                Some((key, fingerprint)) => writer.bytes(key.as_bytes()).bytes(fingerprint),
                None => writer.null().null(),
            };
            writer.array(told.entries.len());
            told.entries.iter().for_each(|entry| write_entry(&mut writer, entry));
        }
        writer.array(self.made.len());
        for folder in &self.made {
            writer.bytes(folder);
        }
        let mut bytes = writer.finish();
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(&digest.0);
        bytes
    }

    /// Reads a journal, or nothing if it was not written whole: then no exchange was begun either.
    ///
    /// # Errors
    /// Fails if a newer version made it, or if it is another step's.
    pub(crate) fn decode(step: StepId, bytes: &[u8]) -> Result<Option<Self>, Error> {
        let Some((body, digest)) = bytes.len().checked_sub(DIGEST_LENGTH).and_then(|at| bytes.split_at_checked(at)) else {
            return Ok(None);
        };
        if Digest::of(body).0 != *digest {
            return Ok(None);
        }
        let unread = |error: CodecError| {
            Error::Fatal(format!("the journal of step {step} cannot be read ({error}); a newer version may have made it"))
        };
        read(step, body).map(Some).map_err(unread)
    }
}

fn write_entry(writer: &mut Writer, entry: &Entry) {
    writer.array(6).unsigned(entry.slot as u64);
    match &entry.act {
        Act::Create { inode } => writer.unsigned(CREATE).bytes(&entry.target).unsigned(*inode).null().null(),
        Act::Replace { inode, expected } => write_was(writer.unsigned(REPLACE).bytes(&entry.target).unsigned(*inode).null(), expected),
        Act::Delete { expected } => write_was(writer.unsigned(DELETE).bytes(&entry.target).unsigned(0).null(), expected),
        Act::Move { from, expected } => write_was(writer.unsigned(MOVE).bytes(&entry.target).unsigned(0).bytes(from), expected),
        Act::MakeFolder => writer.unsigned(MAKE_FOLDER).bytes(&entry.target).unsigned(0).null().null(),
        Act::RemoveFolder => writer.unsigned(REMOVE_FOLDER).bytes(&entry.target).unsigned(0).null().null(),
        Act::Set { executable, expected } => {
            write_was(writer.unsigned(SET).bytes(&entry.target).unsigned(u64::from(*executable)).null(), expected)
        }
    };
}

fn write_was<'w>(writer: &'w mut Writer, was: &Was) -> &'w mut Writer {
    let seconds = u64::from_ne_bytes(was.modified.0.to_ne_bytes());
    writer.array(7).unsigned(number(was.sort)).bytes(&was.digest.0).unsigned(was.size).unsigned(seconds);
    writer.unsigned(u64::from(was.modified.1)).unsigned(was.inode).unsigned(u64::from(was.settled))
}

fn number(sort: Sort) -> u64 {
    match sort {
        Sort::File => 0,
        Sort::Link => 1,
        Sort::Folder => 2,
        Sort::Other => 3,
    }
}

fn read(step: StepId, body: &[u8]) -> Result<Journal, CodecError> {
    let mut reader = Reader::new(body);
    reader.tuple("a journal of four parts", 4)?;
    if reader.unsigned()? != VERSION {
        return Err(malformed("version 1"));
    }
    if reader.exactly()? != step.0 {
        return Err(malformed("this step"));
    }
    let count = reader.array("operations", MAX_ENTRIES)?;
    let told = (0..count).map(|_| read_told(&mut reader)).collect::<Result<_, _>>()?;
    let count = reader.array("folders", MAX_ENTRIES)?;
    let made = (0..count).map(|_| Ok(reader.bytes()?.to_vec())).collect::<Result<_, CodecError>>()?;
    reader.finish()?;
    Ok(Journal { told, made })
}

fn read_told(reader: &mut Reader<'_>) -> Result<Told, CodecError> {
    reader.tuple("an operation of four parts", 4)?;
    let index = read_index(reader)?;
    let becomes = if reader.null()? {
        if !reader.null()? {
            return Err(malformed("no fingerprint without a key"));
        }
        None
    } else {
        let key = String::from_utf8(reader.bytes()?.to_vec()).map_err(|_| malformed("a key"))?;
        Some((key, reader.bytes()?.to_vec()))
    };
    let count = reader.array("exchanges", MAX_ENTRIES)?;
    let entries = (0..count).map(|_| read_entry(reader)).collect::<Result<_, _>>()?;
    Ok(Told { index, becomes, entries })
}

fn read_index(reader: &mut Reader<'_>) -> Result<usize, CodecError> {
    let index = Some(reader.unsigned()?).filter(|index| *index < MAX_ENTRIES).and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| malformed("an index"))
}

fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, CodecError> {
    reader.tuple("an exchange of six parts", 6)?;
    let slot = read_index(reader)?;
    let act = reader.unsigned()?;
    let target = reader.bytes()?.to_vec();
    let inode = reader.unsigned()?;
    let from = if reader.null()? { None } else { Some(reader.bytes()?.to_vec()) };
    let expected = if reader.null()? { None } else { Some(read_was(reader)?) };
    let act = match (act, from, expected) {
        (CREATE, None, None) => Act::Create { inode },
        (REPLACE, None, Some(expected)) => Act::Replace { inode, expected },
        (DELETE, None, Some(expected)) => Act::Delete { expected },
        (MOVE, Some(from), Some(expected)) => Act::Move { from, expected },
        (MAKE_FOLDER, None, None) => Act::MakeFolder,
        (REMOVE_FOLDER, None, None) => Act::RemoveFolder,
        (SET, None, Some(expected)) => Act::Set { executable: inode == 1, expected },
        _ => return Err(malformed("an act with what it needs")),
    };
    Ok(Entry { slot, act, target })
}

fn read_was(reader: &mut Reader<'_>) -> Result<Was, CodecError> {
    reader.tuple("seven parts of what was expected", 7)?;
    let sort = match reader.unsigned()? {
        0 => Sort::File,
        1 => Sort::Link,
        2 => Sort::Folder,
        _ => Sort::Other,
    };
    let digest = Digest(reader.exactly()?);
    let size = reader.unsigned()?;
    let seconds = i64::from_ne_bytes(reader.unsigned()?.to_ne_bytes());
    let nanoseconds = u32::try_from(reader.unsigned()?).map_err(|_| malformed("nanoseconds"))?;
    let inode = reader.unsigned()?;
    Ok(Was { sort, digest, size, modified: (seconds, nanoseconds), inode, settled: reader.unsigned()? == 1 })
}

fn malformed(expected: &str) -> CodecError {
    CodecError::Malformed { at: 0, reason: format!("{expected} is expected") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal with every act.
    pub(crate) fn sample() -> Journal {
        let was = Was { sort: Sort::File, digest: Digest::of(b"old"), size: 3, modified: (-5, 7), inode: 11, settled: true };
        let entry = |act, target: &[u8]| Entry { slot: target.len(), act, target: target.to_vec() };
        let told = vec![
            Told { index: 0, becomes: Some(("a".into(), vec![1, 2])), entries: vec![entry(Act::Create { inode: 5 }, b"a")] },
            Told {
                index: 2,
                becomes: Some(("c".into(), vec![3])),
                entries: vec![
                    entry(Act::Replace { inode: 6, expected: was.clone() }, b"b"),
                    entry(Act::Move { from: b"b".to_vec(), expected: was.clone() }, b"x/c\xff"),
                ],
            },
            Told { index: 3, becomes: None, entries: vec![entry(Act::Delete { expected: was.clone() }, b"d")] },
            Told {
                index: 4,
                becomes: Some(("e".into(), vec![])),
                entries: vec![entry(Act::MakeFolder, b"e"), entry(Act::RemoveFolder, b"f")],
            },
            Told {
                index: 5,
                becomes: Some(("g".into(), vec![])),
                entries: vec![entry(Act::Set { executable: true, expected: was }, b"g")],
            },
        ];
        Journal { told, made: vec![b"x".to_vec()] }
    }

    #[test]
    fn a_journal_reads_back_and_a_torn_one_is_none() {
        let (step, journal) = (StepId([7; 16]), sample());
        let bytes = journal.encode(step);
        assert_eq!(Journal::decode(step, &bytes).unwrap(), Some(journal));
        assert_eq!(Journal::decode(step, &bytes[..bytes.len() - 1]).unwrap(), None);
        assert!(Journal::decode(StepId([8; 16]), &bytes).is_err());
    }

    #[test]
    fn the_bytes_of_a_journal_are_those_of_version_1() {
        let bytes = sample().encode(StepId([7; 16]));
        let golden = include_bytes!("../tests/fixtures/journal-1.cbor");
        assert!(bytes == golden, "the journal's format changed: {}", bytes.escape_ascii());
    }
}
