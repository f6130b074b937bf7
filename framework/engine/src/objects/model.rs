//! What an object store keeps.

use std::collections::{BTreeMap, BTreeSet};

use adapter::{Fingerprint, Key, StepId};
use delta::State;
use delta::align::Parts;
use protocol::{Cursor, Entry, Envelope, Hash, Sequence, TransactionId};
use record::{Conflict, ConflictId, Pointer, Record, RecordId};

use crate::report::Held;

/// What the application showed of a record when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The item's key.
    pub key: Key,
    /// The item's fingerprint.
    pub fingerprint: Fingerprint,
    /// The record as this adapter reads it back, under shared part ids.
    pub shown: Record,
    /// The full record that it stands for.
    pub meant: Record,
    /// Which local part id stands for which shared one.
    pub parts: Parts,
}

/// The line of an item that a scan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item's key.
    pub key: Key,
    /// The item's fingerprint.
    pub fingerprint: Fingerprint,
    /// The record that it is.
    pub id: RecordId,
    /// The UID that it showed, if any.
    pub uid: Option<String>,
}

impl Item {
    /// Returns the line of an item.
    #[must_use]
    pub fn of(id: RecordId, seen: &Seen) -> Self {
        let uid = seen.shown.text("uid").map(str::to_owned);
        Self { key: seen.key.clone(), fingerprint: seen.fingerprint.clone(), id, uid }
    }
}

/// What is kept about the endpoint as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The identity of the place that was scanned; none before the first scan.
    pub root: Option<Vec<u8>>,
    /// What the last scan left for the next one to ask with, if nothing was broken and nothing was written since.
    pub note: Option<Vec<u8>>,
    /// The fields that the endpoint could hold at the last scan; another view makes every record be looked at again.
    pub view: Vec<String>,
    /// Up to where the collection has been pulled; none before the first pull.
    pub cursor: Option<Cursor>,
    /// Transactions that were sent and whose fate is not known.
    pub frozen: Vec<Frozen>,
    /// The transaction that waits for its answer.
    pub out: Option<Envelope>,
    /// Conflicts that were made here and wait to be pushed.
    pub pending: Vec<Conflict>,
    /// Records that must never be linked with each other, smaller id first.
    pub apart: BTreeSet<(RecordId, RecordId)>,
    /// Deletions that a person confirmed and that have not been pushed yet.
    pub confirmed: BTreeSet<RecordId>,
}

/// A transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// Its id.
    pub transaction: TransactionId,
    /// The cursor that it was made on.
    pub base: Cursor,
    /// The pending conflicts that it carries.
    pub conflicts: Vec<ConflictId>,
    /// All of it; a store of version 1 did not keep that.
    pub envelope: Option<Envelope>,
}

/// How many of the newest entries are retained verbatim.
pub(crate) const TAIL: usize = 128;
/// The longest payload of an entry that is retained verbatim, in bytes.
const MAX_RETAINED: usize = 512 << 10;
/// Of the older ones, one in so many is retained as a place.
pub(crate) const MARK: u64 = 64;

/// An entry of the log that this endpoint took in: a store that loses it can get it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Its sequence.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: Hash,
    /// Its envelope, if it is one of the newest and not too long.
    pub envelope: Option<Envelope>,
}

impl Retained {
    /// Returns what is retained of an entry.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let envelope = (entry.envelope.payload.len() <= MAX_RETAINED).then(|| entry.envelope.clone());
        Self { sequence: entry.sequence, hash: entry.hash, envelope }
    }

    /// Returns what is retained of a place alone.
    #[must_use]
    pub fn mark(sequence: Sequence, hash: Hash) -> Self {
        Self { sequence, hash, envelope: None }
    }
}

/// Keeps the newest entries and, of the others, some as places.
pub(crate) fn thin_out(tail: &mut Vec<Retained>) {
    let newest = tail.last().map_or(0, |retained| retained.sequence.0);
    let old = newest.saturating_sub(TAIL as u64);
    tail.retain(|retained| retained.sequence.0 > old || retained.sequence.0.is_multiple_of(MARK));
    for retained in tail.iter_mut().filter(|retained| retained.sequence.0 <= old) {
        retained.envelope = None;
    }
}

/// One thing that a step of writing means to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The record.
    pub id: RecordId,
    /// What the item will be once it is done; none for a deletion.
    pub becomes: Option<Seen>,
    /// Conflicts that count once it is done.
    pub losers: Vec<Conflict>,
}

/// A step of writing, in the order of its operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, as the adapter knows it.
    pub id: StepId,
    /// Its operations.
    pub intents: Vec<Intent>,
}

/// A link that the join of an endpoint made, or a doubt that it left to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The record that the item would have been by itself.
    pub newcomer: RecordId,
    /// The record of the collection that it was taken for; several where it is in doubt.
    pub residents: Vec<RecordId>,
    /// Whether it was linked, rather than left in doubt.
    pub linked: bool,
    /// Whether a person linked it: both records had items of their own then.
    pub accepted: bool,
    /// What speaks for it, and what speaks against it.
    pub evidence: String,
    /// What the item showed when it joined.
    pub shown: Record,
    /// What the record it was linked to held before.
    pub before: Option<Record>,
}

/// What is to be kept at once. Only what is named changes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The endpoint as a whole.
    pub meta: Option<Meta>,
    /// What was seen; none forgets it.
    pub seen: BTreeMap<RecordId, Option<Seen>>,
    /// New fingerprints of items that are otherwise unchanged.
    pub fingerprints: BTreeMap<RecordId, Fingerprint>,
    /// What was agreed; none forgets it.
    pub agreed: BTreeMap<RecordId, Option<State>>,
    /// The collection's state; none forgets it.
    pub remote: BTreeMap<RecordId, Option<State>>,
    /// Conflicts that opened or closed.
    pub conflicts: BTreeMap<ConflictId, Option<Conflict>>,
    /// Records that need attention, or no longer do.
    pub attention: BTreeMap<RecordId, bool>,
    /// The step of writing; none inside ends it.
    pub step: Option<Option<Step>>,
    /// All that is held, where it changed.
    pub held: Option<Vec<Held>>,
    /// Joins that were made or forgotten, by newcomer.
    pub joined: BTreeMap<RecordId, Option<Joined>>,
    /// Retained entries after this sequence are forgotten, before others are added.
    pub cut: Option<u64>,
    /// Entries to retain, in order.
    pub tail: Vec<Retained>,
    /// Whether all this must outlast a power loss before the commit returns, with everything that was committed before.
    ///
    /// Otherwise a power loss may take the newest commits back, last first, as if the process had been cut off earlier.
    pub durable: bool,
}

/// Returns what an endpoint holds, as text for comparison with a later one: the fields of its view, and its selection.
#[must_use]
pub fn view_text(adapter: &dyn adapter::Adapter) -> Vec<String> {
    let profile = adapter.profile();
    let volatile = profile.volatile.0.iter().map(|pattern| format!("-{}", pattern.as_str()));
    let unique = profile.unique.iter().map(|pointer: &Pointer| format!("!{pointer}"));
    let selection = adapter.selection().map(|selection| format!("?{}", selection.digest()));
    profile.view.0.iter().map(|pattern| pattern.as_str().to_owned()).chain(volatile).chain(unique).chain(selection).collect()
}

impl Batch {
    /// Tells whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meta.is_none()
            && self.seen.is_empty()
            && self.fingerprints.is_empty()
            && self.agreed.is_empty()
            && self.remote.is_empty()
            && self.conflicts.is_empty()
            && self.attention.is_empty()
            && self.step.is_none()
            && self.held.is_none()
            && self.joined.is_empty()
            && self.cut.is_none()
            && self.tail.is_empty()
    }
}
