//! A store in memory: for tests and simulations, where a process is never long enough to need a disk.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Appended, BlobId, Collection, Cursor, Entry, Envelope, Error, Head, LogId, Page, Store, TransactionId};
use sha2::{Digest, Sha256};

use crate::page::Filling;

/// A store in memory. Clones share what they hold, as two processes share a folder.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    seed: Option<u64>,
    logs: BTreeMap<Collection, Log>,
    blobs: BTreeMap<(Collection, BlobId), Vec<u8>>,
}

#[derive(Debug)]
struct Log {
    id: LogId,
    entries: Vec<Entry>,
    transactions: BTreeMap<TransactionId, Entry>,
}

impl Memory {
    /// Returns an empty store whose log ids are random.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty store whose log ids follow from `seed` and the collection's name alone.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let state = State { seed: Some(seed), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Every change to the state is one insertion, so a panic elsewhere cannot leave half of one behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn log(&mut self, collection: &Collection) -> Result<&mut Log, Error> {
        if !self.logs.contains_key(collection) {
            let id = log_id(self.seed, collection)?;
            self.logs.insert(collection.clone(), Log { id, entries: Vec::new(), transactions: BTreeMap::new() });
        }
        self.logs.get_mut(collection).ok_or_else(|| Error::Failed("the log that was just made is gone".into()))
    }
}

impl Log {
    fn head(&self) -> Head {
        self.entries.last().map_or_else(|| Cursor::start(self.id), |entry| entry.cursor(self.id))
    }

    /// Returns how many entries lie before and at the cursor, if it is a place of this log.
    fn place(&self, cursor: &Cursor) -> Option<usize> {
        let count = usize::try_from(cursor.sequence.0).ok()?;
        let place = match count.checked_sub(1) {
            None => Cursor::start(self.id),
            Some(index) => self.entries.get(index)?.cursor(self.id),
        };
        (place == *cursor).then_some(count)
    }

    fn page(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        let unknown = || Error::UnknownCursor { collection: collection.to_string(), cursor: after.to_string() };
        let skip = self.place(after).ok_or_else(unknown)?;
        let mut filling = Filling::new(limit);
        for entry in self.entries.iter().skip(skip) {
            if filling.is_full() {
                break;
            }
            filling.push(entry.clone());
        }
        Ok(filling.page(self.head()))
    }
}

impl Store for Memory {
    fn head(&self, collection: &Collection) -> Result<Head, Error> {
        Ok(self.state().log(collection)?.head())
    }

    fn append(&self, collection: &Collection, envelope: &Envelope) -> Result<Appended, Error> {
        envelope.check()?;
        let mut state = self.state();
        let log = state.log(collection)?;
        if let Some(entry) = log.transactions.get(&envelope.transaction) {
            return Ok(Appended::Entry(entry.clone()));
        }
        let head = log.head();
        if head != envelope.base {
            return log.page(collection, &envelope.base, usize::MAX).map(Appended::Stale);
        }
        let entry = Entry::after(&head, envelope.clone());
        log.transactions.insert(envelope.transaction, entry.clone());
        log.entries.push(entry.clone());
        Ok(Appended::Entry(entry))
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        self.state().log(collection)?.page(collection, after, limit)
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        let state = self.state();
        Ok(blobs.iter().filter(|id| !state.blobs.contains_key(&(collection.clone(), **id))).copied().collect())
    }

    fn put_blob(&self, collection: &Collection, id: BlobId, from: &mut dyn Read) -> Result<(), Error> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map_err(|error| Error::Failed(format!("blob {id} cannot be read: {error}")))?;
        let found = BlobId(Sha256::digest(&bytes).into());
        if found != id {
            return Err(Error::Integrity(format!("what was given as blob {id} is {found}; nothing was kept")));
        }
        self.state().blobs.insert((collection.clone(), id), bytes);
        Ok(())
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        let state = self.state();
        let bytes = state.blobs.get(&(collection.clone(), id)).ok_or_else(|| Error::NoSuchBlob(id.to_string()))?;
        to.write_all(bytes).map_err(|error| Error::Failed(format!("blob {id} cannot be handed on: {error}")))
    }
}

fn log_id(seed: Option<u64>, collection: &Collection) -> Result<LogId, Error> {
    let Some(seed) = seed else { return crate::random::bytes().map(LogId) };
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(collection.as_str()).finalize();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Ok(LogId(id))
}
