//! The collection's log in memory, honest unless a wrong design is asked for.

use std::collections::BTreeMap;

use protocol::{Appended, Cursor, DeviceId, Entry, Envelope, Error, Hash, Head, LogId, Page, Place, Sequence, Snapshot, TransactionId};

use super::mutation::Mutation;

/// The log.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// Its entries.
    pub(super) entries: Vec<Entry>,
    /// What is wrong with the store.
    pub(super) mutation: Option<Mutation>,
    /// Its id.
    pub(super) id: LogId,
    /// The newest snapshot: entries up to it are compacted away.
    pub(super) snapshot: Option<Snapshot>,
    /// Where devices said that they stand.
    pub(super) members: BTreeMap<DeviceId, Cursor>,
    /// The contents that it has, by digest.
    pub(super) blobs: BTreeMap<[u8; 32], Vec<u8>>,
    lies: u64,
}

/// The first log's id.
pub(super) const LOG: LogId = LogId([7; 16]);

impl Log {
    /// Makes an empty log.
    pub(super) fn new(mutation: Option<Mutation>) -> Self {
        Self { entries: Vec::new(), mutation, id: LOG, snapshot: None, members: BTreeMap::new(), blobs: BTreeMap::new(), lies: 0 }
    }

    /// Returns its newest place.
    pub(super) fn head(&self) -> Head {
        self.entries.last().map_or(Cursor::start(self.id), |entry| entry.cursor(self.id))
    }

    /// Returns how many entries it has.
    pub(super) fn length(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Returns the entries after a cursor up to a head, which may be an older one.
    pub(super) fn page(&self, after: &Cursor, head: u64, limit: usize) -> Result<Page, Error> {
        let known =
            self.place(after.sequence.0).is_some_and(|hash| hash == after.hash || self.mutation == Some(Mutation::KnowsCursorsBySequence));
        if after.log != self.id || !known {
            return Err(Error::UnknownCursor { collection: "sim".into(), cursor: after.to_string() });
        }
        if let Some(horizon) = self.snapshot.as_ref().map(|snapshot| snapshot.cursor).filter(|horizon| after.sequence < horizon.sequence) {
            return Err(Error::Compacted { collection: "sim".into(), horizon });
        }
        let entries: Vec<Entry> =
            self.entries.iter().filter(|e| e.sequence > after.sequence && e.sequence.0 <= head).take(limit).cloned().collect();
        Ok(Page { entries, head: self.at(head) })
    }

    /// Returns the place of an entry that it has.
    pub(super) fn at(&self, sequence: u64) -> Cursor {
        Cursor { log: self.id, sequence: Sequence(sequence), hash: self.place(sequence).unwrap_or(Hash::ZERO) }
    }

    /// Tells what it holds at a sequence.
    pub(super) fn tell(&self, sequence: Sequence) -> Place {
        match self.place(sequence.0) {
            Some(hash) => Place::Here(Cursor { log: self.id, sequence, hash }),
            None => Place::Beyond(self.head()),
        }
    }

    /// Returns the places of those of the transactions that it has.
    pub(super) fn find(&self, wanted: &[TransactionId]) -> Vec<(TransactionId, Cursor)> {
        let place = |id: &TransactionId| {
            let entry = self.entries.iter().find(|entry| entry.envelope.transaction == *id)?;
            Some((*id, entry.cursor(self.id)))
        };
        wanted.iter().filter_map(place).collect()
    }

    /// Loses its newest entries, but none that a snapshot stands for. Tells how many.
    pub(super) fn roll_back(&mut self, count: usize) -> usize {
        let floor = self.snapshot.as_ref().map_or(0, |snapshot| usize::try_from(snapshot.cursor.sequence.0).unwrap_or_default());
        let left = self.entries.len().saturating_sub(count).max(floor);
        let lost = self.entries.len().saturating_sub(left);
        self.entries.truncate(left);
        lost
    }

    /// Becomes another, empty log.
    pub(super) fn make_anew(&mut self, id: LogId) {
        *self = Self { id, lies: self.lies, ..Self::new(self.mutation) };
    }

    /// Returns the hash of an entry.
    fn place(&self, sequence: u64) -> Option<Hash> {
        let Some(before) = sequence.checked_sub(1) else { return Some(Hash::ZERO) };
        self.entries.get(usize::try_from(before).ok()?).map(|entry| entry.hash)
    }

    /// Appends an envelope by compare-and-swap; the same transaction twice is one entry.
    pub(super) fn append(&mut self, envelope: &Envelope) -> Result<Appended, Error> {
        envelope.check()?;
        let known = self.entries.iter().find(|entry| entry.envelope.transaction == envelope.transaction);
        if let Some(entry) = known.filter(|_| self.mutation != Some(Mutation::DoubleEntries)) {
            return Ok(Appended::Entry(entry.clone()));
        }
        let head = self.head();
        let blind = matches!(self.mutation, Some(Mutation::NoCompareAndSwap | Mutation::DoubleEntries)) && known.is_some()
            || self.mutation == Some(Mutation::NoCompareAndSwap);
        if envelope.base != head && !blind {
            return Ok(Appended::Stale(self.page(&envelope.base, self.length(), usize::MAX)?));
        }
        // What travels is bytes: the log keeps what was read from them.
        let entry = Entry::after(&head, Envelope::decode(&envelope.encode())?);
        self.lies += 1;
        if self.mutation != Some(Mutation::LostAcknowledged) || !self.lies.is_multiple_of(5) {
            self.entries.push(entry.clone());
        }
        Ok(Appended::Entry(entry))
    }
}
