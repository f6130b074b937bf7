//! What a sync did: counts, effects, what is held.

use std::collections::BTreeSet;
use std::fmt;

use record::{Digest, Pointer, RecordId, Value};

/// What one session did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The endpoint.
    pub endpoint: String,
    /// Records whose changes were pushed.
    pub pushed: usize,
    /// Records whose changes were written to the application.
    pub pulled: usize,
    /// Bytes written to the application's files and to the log.
    pub bytes_written: u64,
    /// Conflicts that are open in the collection.
    pub conflicts: usize,
    /// Input that could not be read, and records that could not be written.
    pub held: Vec<Held>,
    /// Each change, for people.
    pub effects: Vec<Effect>,
    /// The sequence of the collection's head as this session left it.
    pub head: u64,
    /// Whether anything was not done because the application changed meanwhile: another session finds out.
    pub unfinished: bool,
    /// What a person should know about the store and this device.
    pub events: Vec<Event>,
}

/// Something about the store that a person should know: nothing was lost, and nothing has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The store went back in time, as by a backup that was restored, and got back what it had lost.
    StoreWentBack {
        /// The version that was known here.
        from: u64,
        /// The newest version that the store still had of it.
        to: u64,
        /// How many entries were put back as they were.
        entries: usize,
        /// How many records were told again, where entries could not be put back as they were.
        records: usize,
    },
    /// The store of the collection was made anew, and got everything back.
    StoreMadeAnew {
        /// The version that was known here, of the store that is no more.
        from: u64,
        /// How many records were told again.
        records: usize,
    },
    /// The entries after what was known here are no longer kept: a snapshot took their place.
    FromSnapshot {
        /// The version that was known here.
        from: u64,
        /// The snapshot's version.
        to: u64,
    },
}

impl Event {
    /// Says what a plan found: what the next sync will do about it.
    #[must_use]
    pub fn ahead(&self) -> String {
        self.told("will be", "will be caught up")
    }

    fn told(&self, were: &str, caught_up: &str) -> String {
        match self {
            Self::StoreWentBack { from, to, entries, records: 0 } => {
                format!("the store went back from v{from} to v{to}; {entries} versions {were} put back as they were")
            }
            Self::StoreWentBack { from, to, records, .. } => {
                format!("the store went back from v{from} to v{to}, and went on; {records} records {were} told again")
            }
            Self::StoreMadeAnew { from, records } => format!("the store was made anew since v{from}; {records} records {were} told again"),
            Self::FromSnapshot { from, to } => format!("{caught_up} from v{from} to v{to} by a snapshot"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told("were", "caught up"))
    }
}

/// Where a change went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From this application to the collection.
    Push,
    /// From the collection to this application.
    Pull,
}

/// What happened to a record or field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A record came to be, with so many fields.
    Born(usize),
    /// A record went.
    Died,
    /// A field changed from one value to another.
    Field {
        /// The field.
        field: Pointer,
        /// Its value before.
        before: Option<Value>,
        /// Its value now.
        now: Option<Value>,
    },
    /// A conflict arose in a field: this value does not stand.
    Conflict {
        /// The field.
        field: Pointer,
        /// The value that stands.
        stands: Option<Value>,
        /// The value that is kept aside.
        kept: Value,
    },
    /// A text that was changed on two sides was merged line by line.
    Merged {
        /// The field.
        field: Pointer,
        /// What the collection had.
        with: Option<Value>,
        /// What both sides together are.
        now: Option<Value>,
    },
    /// An item was taken for a record that the collection had under another id.
    Linked {
        /// What speaks for it.
        evidence: String,
    },
}

/// One change, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Where it went.
    pub direction: Direction,
    /// The record.
    pub record: RecordId,
    /// What a person calls it.
    pub title: String,
    /// What happened.
    pub deed: Deed,
}

/// Input that could not be read, or a record that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The item's key, if it is known.
    pub key: Option<String>,
    /// The record, if it is known.
    pub record: Option<RecordId>,
    /// What a person calls it.
    pub title: String,
    /// Where it stands: file and line, or the endpoint.
    pub place: String,
    /// What is wrong.
    pub reason: String,
    /// Whether it is a record that could not be written, rather than input that could not be read.
    pub unwritten: bool,
    /// Whether it is a record whose item is missing while something else cannot be read: it may be that one, so it is not taken for deleted.
    pub missing: bool,
}

/// Why the guard stopped, with the exact deletions that a confirmation lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The endpoint.
    pub endpoint: String,
    /// Where the deletions would happen.
    pub direction: Direction,
    /// The records that would be deleted.
    pub records: BTreeSet<RecordId>,
    /// What people call the first of them.
    pub titles: Vec<String>,
    /// How many records the endpoint showed last.
    pub of: usize,
    /// How many deletions would have passed.
    pub limit: usize,
    /// Whether the endpoint's folder was replaced by an empty one.
    pub replaced: bool,
}

impl Hold {
    /// Returns the name by which a person confirms exactly these deletions.
    #[must_use]
    pub fn name(&self) -> String {
        let ids: Vec<&[u8]> = self.records.iter().map(|id| id.0.as_slice()).collect();
        let digest = Digest::of_parts(&ids).to_string();
        format!("hold-{}", digest.get(..12).unwrap_or_default())
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, of, limit, .. } = self;
        let count = self.records.len();
        if self.replaced {
            return write!(f, "the place of endpoint `{endpoint}` was replaced by an empty one, where {of} records were");
        }
        match self.direction {
            Direction::Push => write!(f, "{count} of {of} records are gone from endpoint `{endpoint}`; at most {limit} may go at once"),
            Direction::Pull => {
                write!(f, "{count} of {of} records would be deleted from endpoint `{endpoint}`; at most {limit} may go at once")
            }
        }
    }
}
