//! What the engine asks of an endpoint, and what became of it.

use std::fmt;

use record::{Pointer, Record, RecordId};

use crate::item::{Fingerprint, Key};

/// The name of one step of writing, made once and kept until the step is settled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub [u8; 16]);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepId({self})")
    }
}

/// What an item must still be when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// No item of this key, name or UID may be there.
    Absent,
    /// The item must have this fingerprint still (the same content; a newer time alone does not matter).
    Fingerprint(&'a Fingerprint),
}

/// One operation of a step.
#[derive(Clone, Copy, Debug)]
pub enum Op<'a> {
    /// Makes or changes an item so that it shows `record`.
    Put {
        /// The record's id: a new item without a UID gets `id.urn()`.
        id: RecordId,
        /// The item, or none to make one.
        key: Option<&'a Key>,
        /// What it must still be.
        expect: Expect<'a>,
        /// The whole record. Parts that the item showed at its last scan carry the local ids they had then; other ids are new parts.
        record: &'a Record,
        /// The fields that differ from what the item showed last: a hint.
        changed: &'a [Pointer],
    },
    /// Removes an item.
    Delete {
        /// The record's id.
        id: RecordId,
        /// The item.
        key: &'a Key,
        /// What it must still be.
        expect: Expect<'a>,
    },
}

/// Whether a step is tried out or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything but the exchange of files: the answers say what performing would answer, as far as can be known.
    /// The key and the record are exact; the fingerprint need not be.
    Rehearse,
    /// For good.
    Perform,
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The item stands as asked, as far as the format can hold it.
    Put {
        /// Its key.
        key: Key,
        /// Its fingerprint, as the next scan would find it.
        fingerprint: Fingerprint,
        /// The record as a scan would now show it, with local ids.
        record: Record,
        /// Bytes written to the application's files for it; zero where nothing visible had to change.
        bytes: u64,
    },
    /// The item is gone.
    Deleted {
        /// Bytes written to the application's files for it.
        bytes: u64,
    },
    /// The precondition failed: the item is not what was expected. Nothing was done.
    Stale,
    /// The format or the place cannot take it. Nothing was done.
    Refused {
        /// Why, and what to do if we know: a lower-case sentence without a full stop.
        reason: String,
    },
}

/// What became of one operation of a step that was cut off, in the order of the step's operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its exchange happened: the item has, or had until someone changed it again, this key and fingerprint.
    Done {
        /// The item's key; none for a deletion.
        key: Option<Key>,
        /// The fingerprint of what the step wrote; none for a deletion.
        fingerprint: Option<Fingerprint>,
    },
    /// It did not happen.
    NotDone,
    /// It cannot be told; the next scan finds out.
    Unknown,
}
