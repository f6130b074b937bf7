//! The collection's log in memory, honest unless a wrong design is asked for.

use protocol::{Appended, Cursor, Entry, Envelope, Error, Hash, Head, LogId, Page, Place, Sequence, TransactionId};

use super::mutation::Mutation;

/// The log.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// Its entries.
    pub(super) entries: Vec<Entry>,
    /// What is wrong with the store.
    pub(super) mutation: Option<Mutation>,
    lies: u64,
}

/// The log's id.
pub(super) const LOG: LogId = LogId([7; 16]);

impl Log {
    /// Makes an empty log.
    pub(super) fn new(mutation: Option<Mutation>) -> Self {
        Self { entries: Vec::new(), mutation, lies: 0 }
    }

    /// Returns its newest place.
    pub(super) fn head(&self) -> Head {
        self.entries.last().map_or(Cursor::start(LOG), |entry| entry.cursor(LOG))
    }

    /// Returns how many entries it has.
    pub(super) fn length(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Returns the entries after a cursor up to a head, which may be an older one.
    pub(super) fn page(&self, after: &Cursor, head: u64, limit: usize) -> Result<Page, Error> {
        let place = self.place(after.sequence.0);
        if after.log != LOG || place.is_none_or(|hash| hash != after.hash) {
            return Err(Error::UnknownCursor { collection: "sim".into(), cursor: after.to_string() });
        }
        let entries: Vec<Entry> =
            self.entries.iter().filter(|e| e.sequence > after.sequence && e.sequence.0 <= head).take(limit).cloned().collect();
        let hash = self.place(head).unwrap_or(Hash::ZERO);
        Ok(Page { entries, head: Cursor { log: LOG, sequence: Sequence(head), hash } })
    }

    /// Returns the hash of an entry.
    fn place(&self, sequence: u64) -> Option<Hash> {
        let Some(before) = sequence.checked_sub(1) else { return Some(Hash::ZERO) };
        self.entries.get(usize::try_from(before).ok()?).map(|entry| entry.hash)
    }

    /// Tells what it holds at a sequence.
    pub(super) fn at(&self, sequence: Sequence) -> Place {
        let here = self.place(sequence.0).map(|hash| Place::Here(Cursor { log: LOG, sequence, hash }));
        here.unwrap_or_else(|| Place::Beyond(self.head()))
    }

    /// Returns those of the transactions that it holds.
    pub(super) fn find(&self, ids: &[TransactionId]) -> Vec<(TransactionId, Cursor)> {
        let place = |id: &TransactionId| self.entries.iter().find(|entry| entry.envelope.transaction == *id).map(|entry| entry.cursor(LOG));
        ids.iter().filter_map(|id| place(id).map(|cursor| (*id, cursor))).collect()
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
