//! Changes and conflicts: what happened to one record.

use std::collections::BTreeSet;

use crate::fields::Fields;
use crate::id::{ConflictId, RecordId};
use crate::kind::Kind;
use crate::pointer::Pointer;
use crate::value::Value;

/// What happened to a record as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It came to be, or came back.
    Born,
    /// It was deleted. Its content is kept until compaction.
    Dead,
    /// It turned out to be another record: later changes to it are read as changes to that one.
    Linked(RecordId),
}

/// What happened to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose change it is.
    pub id: RecordId,
    /// The kind of the record.
    pub kind: Kind,
    /// Birth, death or link, where it was one.
    pub life: Option<Life>,
    /// Fields that got a value.
    pub set: Fields,
    /// Fields that lost theirs.
    pub unset: BTreeSet<Pointer>,
}

impl Change {
    /// Makes a change that says nothing yet.
    #[must_use]
    pub fn new(id: RecordId, kind: Kind) -> Self {
        Self { id, kind, life: None, set: Fields::new(), unset: BTreeSet::new() }
    }

    /// Tells whether the change says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.life.is_none() && self.set.is_empty() && self.unset.is_empty()
    }
}

/// What a conflicting value lost to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Against {
    /// Another value of the same field stands.
    Value,
    /// The record was deleted.
    Death,
}

/// One field changed on two sides: the value that does not stand, kept until someone settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Made once, the same on every device.
    pub id: ConflictId,
    /// The record.
    pub record: RecordId,
    /// The field.
    pub field: Pointer,
    /// The value that does not stand.
    pub value: Value,
    /// What it lost to.
    pub against: Against,
    /// The value that both sides started from, if there was one.
    pub base: Option<Value>,
    /// The endpoint that wrote it, for people.
    pub origin: String,
}
