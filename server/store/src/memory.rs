//! A store in memory: for tests and simulations, where a process is never long enough to need a disk.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chunks::ChunkKey;
use chunks::pack::unpack;
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Entry, Envelope, Error, Fence, Give, Head, Lease, LeaseMode,
    LogId, Member, Page, Piece, Place, Recipe, Right, Sequence, Snapshot, State as Standing, Store, TransactionId, Transfer,
};
use sha2::{Digest, Sha256};

use crate::clock::{Clock, System};
use crate::lease;
use crate::page::Filling;
use crate::shelf;

/// A store in memory. Clones share what they hold, as two processes share a folder.
#[derive(Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    moved: Arc<Condvar>,
    clock: Arc<dyn Clock>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { state: Arc::default(), moved: Arc::default(), clock: Arc::new(System) }
    }
}

#[derive(Debug, Default)]
struct State {
    seed: Option<u64>,
    logs: BTreeMap<Collection, Log>,
    chunks: BTreeMap<(Collection, ChunkId), Chunk>,
    recipes: BTreeMap<(Collection, BlobId), Recipe>,
}

#[derive(Debug)]
struct Log {
    id: LogId,
    entries: Vec<Entry>,
    transactions: BTreeMap<TransactionId, Entry>,
    horizon: usize,
    snapshot: Option<Snapshot>,
    lease: Option<Lease>,
    fence: Fence,
    arrived: BTreeMap<DeviceId, Cursor>,
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
        Self { state: Arc::new(Mutex::new(state)), ..Self::default() }
    }

    /// Returns an empty store whose leases end by `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Every change to the state is one insertion, so a panic elsewhere cannot leave half of one behind.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chunk(&self, collection: &Collection, id: ChunkId) -> Result<Chunk, Error> {
        self.locked().chunks.get(&(collection.clone(), id)).cloned().ok_or_else(|| Error::NoSuchChunk(id.to_string()))
    }
}

impl State {
    fn log(&mut self, collection: &Collection) -> Result<&mut Log, Error> {
        if !self.logs.contains_key(collection) {
            let id = log_id(self.seed, collection)?;
            self.logs.insert(collection.clone(), Log::new(id));
        }
        self.logs.get_mut(collection).ok_or_else(|| Error::Failed("the log that was just made is gone".into()))
    }
}

impl Log {
    fn new(id: LogId) -> Self {
        let (entries, transactions, arrived) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { id, entries, transactions, horizon: 0, snapshot: None, lease: None, fence: Fence(0), arrived }
    }

    fn head(&self) -> Head {
        self.entries.last().map_or_else(|| Cursor::start(self.id), |entry| entry.cursor(self.id))
    }

    /// Returns the place after so many entries, if there are as many.
    fn at(&self, count: usize) -> Option<Cursor> {
        match count.checked_sub(1) {
            None => Some(Cursor::start(self.id)),
            Some(index) => self.entries.get(index).map(|entry| entry.cursor(self.id)),
        }
    }

    /// Returns how many entries lie before and at the cursor.
    fn place(&self, collection: &Collection, cursor: &Cursor) -> Result<usize, Error> {
        let count = usize::try_from(cursor.sequence.0).ok().filter(|count| self.at(*count) == Some(*cursor));
        count.ok_or_else(|| Error::UnknownCursor { collection: collection.to_string(), cursor: cursor.to_string() })
    }

    fn horizon(&self) -> Cursor {
        self.at(self.horizon).unwrap_or_else(|| self.head())
    }

    fn page(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        let skip = self.place(collection, after)?;
        if skip < self.horizon {
            return Err(Error::Compacted { collection: collection.to_string(), horizon: self.horizon() });
        }
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
        Ok(self.locked().log(collection)?.head())
    }

    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        envelope.check()?;
        let now = self.clock.now();
        let mut state = self.locked();
        let log = state.log(collection)?;
        if let Some(entry) = log.transactions.get(&envelope.transaction) {
            return Ok(Appended::Entry(entry.clone()));
        }
        lease::may_append(collection, lease::held(log.lease.clone(), now).as_ref(), &envelope.device, fence)?;
        let head = log.head();
        if head != envelope.base {
            return log.page(collection, &envelope.base, usize::MAX).map(Appended::Stale);
        }
        let entry = Entry::after(&head, envelope.clone());
        log.transactions.insert(envelope.transaction, entry.clone());
        log.entries.push(entry.clone());
        self.moved.notify_all();
        Ok(Appended::Entry(entry))
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        self.locked().log(collection)?.page(collection, after, limit)
    }

    fn wait(&self, collection: &Collection, known: &Head, patience: Duration) -> Result<Head, Error> {
        let begin = Instant::now();
        let mut state = self.locked();
        loop {
            let head = state.log(collection)?.head();
            let left = patience.saturating_sub(begin.elapsed());
            if head != *known || left.is_zero() {
                return Ok(head);
            }
            state = self.moved.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Place, Error> {
        let mut state = self.locked();
        let log = state.log(collection)?;
        let place = usize::try_from(sequence.0).ok().and_then(|count| log.at(count));
        Ok(match place {
            None => Place::Beyond(log.head()),
            Some(place) if place.sequence < log.horizon().sequence => Place::Compacted(log.horizon()),
            Some(place) => Place::Here(place),
        })
    }

    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        let mut state = self.locked();
        let log = state.log(collection)?;
        let find = |id: &TransactionId| log.transactions.get(id).map(|entry| (*id, entry.cursor(log.id)));
        Ok(transactions.iter().filter_map(find).collect())
    }

    fn arrived(&self, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error> {
        let mut state = self.locked();
        let log = state.log(collection)?;
        log.place(collection, cursor)?;
        log.arrived.insert(*device, *cursor);
        Ok(())
    }

    fn state(&self, collection: &Collection) -> Result<Standing, Error> {
        let now = self.clock.now();
        let mut state = self.locked();
        let log = state.log(collection)?;
        let head = log.head();
        let member = |(device, cursor): (&DeviceId, &Cursor)| Member {
            device: *device,
            name: String::new(),
            right: Some(Right::Admin),
            cursor: Some(*cursor),
            lag: head.sequence.0.saturating_sub(cursor.sequence.0),
            seen: None,
            revoked: None,
        };
        Ok(Standing {
            head,
            horizon: log.horizon(),
            snapshot: log.snapshot.as_ref().map(|snapshot| snapshot.cursor),
            lease_mode: LeaseMode::Write,
            lease: lease::held(log.lease.clone(), now),
            right: Right::Admin,
            members: log.arrived.iter().map(member).collect(),
        })
    }

    fn put_snapshot(&self, collection: &Collection, snapshot: &Snapshot) -> Result<(), Error> {
        snapshot.check()?;
        let mut state = self.locked();
        let log = state.log(collection)?;
        log.place(collection, &snapshot.cursor)?;
        if log.snapshot.as_ref().is_none_or(|newest| newest.cursor.sequence < snapshot.cursor.sequence) {
            log.snapshot = Some(snapshot.clone());
        }
        Ok(())
    }

    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, Error> {
        Ok(self.locked().log(collection)?.snapshot.clone())
    }

    fn compact(&self, collection: &Collection, horizon: &Cursor) -> Result<Compacted, Error> {
        let mut state = self.locked();
        let log = state.log(collection)?;
        let count = log.place(collection, horizon)?;
        if log.snapshot.as_ref().is_none_or(|snapshot| snapshot.cursor.sequence < horizon.sequence) {
            return Err(Error::NoSnapshot(collection.to_string()));
        }
        let gone: Vec<u64> = log.entries.iter().take(count).skip(log.horizon).map(|entry| entry.envelope.encode().len() as u64).collect();
        log.horizon = log.horizon.max(count);
        Ok(Compacted { entries: gone.len() as u64, bytes: gone.iter().sum() })
    }

    fn acquire(&self, collection: &Collection, device: &DeviceId, time: Duration) -> Result<Lease, Error> {
        let now = self.clock.now();
        let mut state = self.locked();
        let log = state.log(collection)?;
        let held = lease::held(log.lease.clone(), now);
        let lease = lease::acquire(collection, held.as_ref(), log.fence, device, now.after(time))?;
        log.fence = lease.fence;
        log.lease = Some(lease.clone());
        Ok(lease)
    }

    fn renew(&self, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error> {
        let now = self.clock.now();
        let mut state = self.locked();
        let log = state.log(collection)?;
        let lease = lease::renew(collection, lease::held(log.lease.clone(), now), fence, now, time)?;
        log.lease = Some(lease.clone());
        Ok(lease)
    }

    fn release(&self, collection: &Collection, fence: Fence) -> Result<(), Error> {
        let mut state = self.locked();
        let log = state.log(collection)?;
        log.lease.take_if(|lease| lease.fence == fence);
        Ok(())
    }

    fn lease(&self, collection: &Collection) -> Result<Option<Lease>, Error> {
        let now = self.clock.now();
        Ok(lease::held(self.locked().log(collection)?.lease.clone(), now))
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        let state = self.locked();
        Ok(blobs.iter().filter(|id| !state.recipes.contains_key(&(collection.clone(), **id))).copied().collect())
    }

    fn put_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        shelf::upload(self, collection, blobs, give)
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        let recipe = self.recipe(collection, id)?;
        let key = ChunkKey::of(collection);
        let handed = |error: std::io::Error| Error::Failed(format!("blob {id} cannot be handed on: {error}"));
        recipe.pieces.iter().try_for_each(|piece| to.write_all(&unpack(&self.chunk(collection, piece.chunk)?, &key)?).map_err(handed))
    }

    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        let state = self.locked();
        Ok(chunks.iter().filter(|id| !state.chunks.contains_key(&(collection.clone(), **id))).copied().collect())
    }

    fn put_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        shelf::check(collection, chunks)?;
        let mut state = self.locked();
        state.chunks.extend(chunks.iter().map(|chunk| ((collection.clone(), chunk.id), chunk.clone())));
        Ok(())
    }

    fn chunks(&self, collection: &Collection, chunks: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        shelf::check_count(chunks.len())?;
        chunks.iter().try_for_each(|id| take(self.chunk(collection, *id)?))
    }

    fn put_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
        for recipe in recipes {
            let chunk = |piece: &Piece| self.chunk(collection, piece.chunk);
            shelf::check_recipe(collection, recipe, &mut |piece| chunk(piece))?;
        }
        let mut state = self.locked();
        state.recipes.extend(recipes.iter().map(|recipe| ((collection.clone(), recipe.blob), recipe.clone())));
        Ok(())
    }

    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
        let known = self.locked().recipes.get(&(collection.clone(), id)).cloned();
        known.ok_or_else(|| Error::NoSuchBlob(id.to_string()))
    }
}

fn log_id(seed: Option<u64>, collection: &Collection) -> Result<LogId, Error> {
    let Some(seed) = seed else { return crate::random::bytes().map(LogId) };
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(collection.as_str()).finalize();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Ok(LogId(id))
}
