//! The journal of a step: what each slot is for, durable before the first exchange.

use std::path::{Path, PathBuf};

use record::codec::{Reader, Writer};
use record::{CodecError, Digest};

use crate::error::Error;
use crate::item::{Fingerprint, Key};
use crate::operation::StepId;
use crate::staging::{Staged, platform};

/// The journal's name in its step's folder.
pub(super) const NAME: &str = "journal";

const VERSION: u64 = 1;
const CREATE: u64 = 0;
const REPLACE: u64 = 1;
const DELETE: u64 = 2;
// Fates are listed by index, so the indices are limited as well as the counts.
const MAX_ENTRIES: u64 = 1 << 24;
const DIGEST_LENGTH: usize = 32;

/// What is done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A file is made.
    Create {
        /// The new content.
        new: Digest,
    },
    /// A file is exchanged.
    Replace {
        /// The new content.
        new: Digest,
        /// The content that is displaced.
        expected: Digest,
    },
    /// A file is moved away.
    Delete {
        /// Its content, or for a symlink its text.
        expected: Digest,
    },
}

impl Action {
    /// Returns the new content's digest.
    pub(super) fn new_content(&self) -> Option<Digest> {
        match *self {
            Self::Create { new } | Self::Replace { new, .. } => Some(new),
            Self::Delete { .. } => None,
        }
    }

    /// Returns the digest of what is displaced.
    pub(super) fn expected(&self) -> Option<Digest> {
        match *self {
            Self::Replace { expected, .. } | Self::Delete { expected } => Some(expected),
            Self::Create { .. } => None,
        }
    }
}

/// One exchange. Its number is its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is done.
    pub(super) action: Action,
    /// To which file, resolved.
    pub(super) target: PathBuf,
    /// The operations that it answers.
    pub(super) ops: Vec<Staged>,
}

/// A journal as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// The step that it belongs to.
    pub(super) step: StepId,
    /// Its exchanges.
    pub(super) entries: Vec<Entry>,
}

impl Journal {
    /// Returns the bytes: canonical CBOR, then its SHA-256.
    pub(super) fn encode(step: StepId, entries: &[Entry]) -> Result<Vec<u8>, Error> {
        let mut writer = Writer::default();
        writer.array(3).unsigned(VERSION).bytes(&step.0).array(entries.len());
        for entry in entries {
            write_entry(&mut writer, entry)?;
        }
        let mut bytes = writer.finish();
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(&digest.0);
        Ok(bytes)
    }

    /// Reads a journal, or nothing if it was not written whole: then no exchange was begun either.
    pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Option<Self>, Error> {
        let Some((body, digest)) = bytes.len().checked_sub(DIGEST_LENGTH).and_then(|at| bytes.split_at_checked(at)) else {
            return Ok(None);
        };
        if Digest::of(body).0 != *digest {
            return Ok(None);
        }
        read(body).map(Some).map_err(|error| {
            Error::Fatal(format!("{}: cannot read this journal ({error}); a newer version may have made it", path.display()))
        })
    }
}

fn write_entry(writer: &mut Writer, entry: &Entry) -> Result<(), Error> {
    let target = platform::path_to_bytes(&entry.target)
        .ok_or_else(|| Error::Source { path: entry.target.clone(), reason: "this name is not Unicode".to_owned() })?;
    let action = match entry.action {
        Action::Create { .. } => CREATE,
        Action::Replace { .. } => REPLACE,
        Action::Delete { .. } => DELETE,
    };
    writer.array(5).unsigned(action).bytes(target);
    for digest in [entry.action.new_content(), entry.action.expected()] {
        optional(writer, digest.as_ref().map(|digest| digest.0.as_slice()));
    }
    writer.array(entry.ops.len());
    for staged in &entry.ops {
        writer.array(3).unsigned(staged.index as u64);
        optional(writer, staged.key.as_ref().map(|key| key.0.as_bytes()));
        optional(writer, staged.fingerprint.as_ref().map(|fingerprint| fingerprint.0.as_slice()));
    }
    Ok(())
}

fn optional(writer: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => writer.bytes(bytes),
        None => writer.null(),
    };
}

fn read(body: &[u8]) -> Result<Journal, CodecError> {
    let mut reader = Reader::new(body);
    reader.tuple("a journal of three parts", 3)?;
    if reader.unsigned()? != VERSION {
        return Err(malformed("version 1"));
    }
    let step = StepId(reader.exactly()?);
    let count = reader.array("exchanges", MAX_ENTRIES)?;
    let entries = (0..count).map(|_| read_entry(&mut reader)).collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok(Journal { step, entries })
}

fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, CodecError> {
    reader.tuple("an exchange of five parts", 5)?;
    let action = reader.unsigned()?;
    let target = platform::path_from_bytes(reader.bytes()?).ok_or_else(|| malformed("a path"))?;
    let new = read_optional(reader, Reader::exactly)?.map(Digest);
    let expected = read_optional(reader, Reader::exactly)?.map(Digest);
    let action = match (action, new, expected) {
        (CREATE, Some(new), None) => Action::Create { new },
        (REPLACE, Some(new), Some(expected)) => Action::Replace { new, expected },
        (DELETE, None, Some(expected)) => Action::Delete { expected },
        _ => return Err(malformed("an action with its digests")),
    };
    let count = reader.array("operations", MAX_ENTRIES)?;
    let ops = (0..count).map(|_| read_staged(reader)).collect::<Result<_, _>>()?;
    Ok(Entry { action, target, ops })
}

fn read_staged(reader: &mut Reader<'_>) -> Result<Staged, CodecError> {
    reader.tuple("an operation of three parts", 3)?;
    let index = Some(reader.unsigned()?).filter(|index| *index < MAX_ENTRIES).and_then(|index| usize::try_from(index).ok());
    let index = index.ok_or_else(|| malformed("an index"))?;
    let key = read_optional(reader, Reader::bytes)?.map(|bytes| String::from_utf8(bytes.to_vec()).map_err(|_| malformed("a key")));
    let fingerprint = read_optional(reader, Reader::bytes)?.map(|bytes| Fingerprint(bytes.to_vec()));
    Ok(Staged { index, key: key.transpose()?.map(Key), fingerprint })
}

fn read_optional<'b, T>(
    reader: &mut Reader<'b>,
    take: impl FnOnce(&mut Reader<'b>) -> Result<T, CodecError>,
) -> Result<Option<T>, CodecError> {
    if reader.null()? { Ok(None) } else { take(reader).map(Some) }
}

fn malformed(expected: &str) -> CodecError {
    CodecError::Malformed { at: 0, reason: format!("{expected} is expected") }
}
