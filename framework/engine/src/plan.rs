//! The plan: what a job would do, found by doing it where nothing is kept.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::absent::Absent;
use crate::context::Settings;
use crate::doors::{Doors, block_on};
use crate::error::Error;
use crate::job::{Endpoint, JobReport, rounds};
use crate::objects::overlay::Overlay;
use crate::rehearsing::Rehearsing;
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Entry, Envelope, Fence, Give, Head, Lease, Page, Place,
    Recipe, Sequence, Snapshot, State, Store, Timestamp, TransactionId, Transfer,
};

/// Returns what [`run`](crate::job::run) would do, and keeps nothing: not in the application, not in the store, not here.
///
/// # Errors
/// Fails as [`run`](crate::job::run) does.
pub fn plan(doors: &Doors<'_>, endpoints: &mut [Endpoint], settings: &Settings) -> Result<JobReport, Error> {
    let store = Imagined { inner: doors.store, appended: Mutex::default(), blobs: Mutex::default() };
    let doors = Doors { store: &store, ..*doors };
    let rehearsing = endpoints.iter_mut().map(|endpoint| Endpoint {
        name: endpoint.name.clone(),
        adapter: Box::new(Rehearsing::new(std::mem::replace(&mut endpoint.adapter, Box::new(Absent::default())))),
        objects: Box::new(Overlay::over(std::mem::replace(&mut endpoint.objects, Box::new(crate::objects::memory::Memory::default())))),
    });
    let mut rehearsing: Vec<Endpoint> = rehearsing.collect();
    block_on(rounds(&doors, &mut rehearsing, settings, true))
}

/// The most bytes of a blob that a plan holds.
const SMALL: usize = 4 << 20;

/// A blob as long as it is small.
struct Small {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.full |= self.bytes.len() + bytes.len() > SMALL;
        if self.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A lease that keeps nobody away: a plan appends nothing.
fn imagined_lease(holder: DeviceId) -> Lease {
    Lease { holder, name: String::new(), fence: Fence(0), until: Timestamp(0) }
}

/// A store with entries that nobody appended.
struct Imagined<'s> {
    inner: &'s dyn Store,
    appended: Mutex<BTreeMap<Collection, Vec<Entry>>>,
    /// What would have been sent: what is not small is only known by name.
    blobs: Mutex<BTreeMap<BlobId, Option<Vec<u8>>>>,
}

impl Imagined<'_> {
    fn appended(&self) -> MutexGuard<'_, BTreeMap<Collection, Vec<Entry>>> {
        self.appended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobId, Option<Vec<u8>>>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Imagined<'_> {
    fn head(&self, collection: &Collection) -> Result<Head, protocol::Error> {
        let head = self.inner.head(collection)?;
        Ok(self.appended().get(collection).and_then(|entries| entries.last()).map_or(head, |entry| entry.cursor(head.log)))
    }

    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, _: Option<Fence>) -> Result<Appended, protocol::Error> {
        let head = self.head(collection)?;
        if head != envelope.base {
            return Ok(Appended::Stale(self.read(collection, &envelope.base, 256)?));
        }
        let entry = Entry::after(&head, envelope.clone());
        self.appended().entry(collection.clone()).or_default().push(entry.clone());
        Ok(Appended::Entry(entry))
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, protocol::Error> {
        let head = self.head(collection)?;
        let imagined: Vec<Entry> = self.appended().get(collection).cloned().unwrap_or_default();
        let first = imagined.first().map_or(u64::MAX, |entry| entry.sequence.0);
        let mut entries = Vec::new();
        if after.sequence.0 + 1 < first {
            entries = self.inner.read(collection, after, limit)?.entries;
        }
        let next = entries.last().map_or(after.sequence.0, |entry: &Entry| entry.sequence.0) + 1;
        entries.extend(imagined.into_iter().filter(|entry| entry.sequence.0 >= next));
        entries.truncate(limit);
        Ok(Page { entries, head })
    }

    fn wait(&self, collection: &Collection, _: &Head, _: Duration) -> Result<Head, protocol::Error> {
        self.head(collection)
    }

    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Place, protocol::Error> {
        let head = self.head(collection)?;
        let imagined = self.appended().get(collection).and_then(|entries| {
            let entry = entries.iter().find(|entry| entry.sequence == sequence)?;
            Some(entry.cursor(head.log))
        });
        imagined.map_or_else(|| self.inner.place(collection, sequence), |place| Ok(Place::Here(place)))
    }

    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, protocol::Error> {
        self.inner.find(collection, transactions)
    }

    fn arrived(&self, _: &Collection, _: &DeviceId, _: &Cursor) -> Result<(), protocol::Error> {
        Ok(())
    }

    fn state(&self, collection: &Collection) -> Result<State, protocol::Error> {
        self.inner.state(collection)
    }

    fn put_snapshot(&self, _: &Collection, _: &Snapshot) -> Result<(), protocol::Error> {
        Ok(())
    }

    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, protocol::Error> {
        self.inner.snapshot(collection)
    }

    fn compact(&self, _: &Collection, _: &Cursor) -> Result<Compacted, protocol::Error> {
        Ok(Compacted::default())
    }

    fn acquire(&self, _: &Collection, device: &DeviceId, _: Duration) -> Result<Lease, protocol::Error> {
        Ok(imagined_lease(*device))
    }

    fn renew(&self, _: &Collection, fence: Fence, _: Duration) -> Result<Lease, protocol::Error> {
        Ok(Lease { fence, ..imagined_lease(DeviceId([0; 32])) })
    }

    fn release(&self, _: &Collection, _: Fence) -> Result<(), protocol::Error> {
        Ok(())
    }

    fn lease(&self, _: &Collection) -> Result<Option<Lease>, protocol::Error> {
        Ok(None)
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, protocol::Error> {
        let missing = self.inner.missing(collection, blobs)?;
        let sent = self.blobs();
        Ok(missing.into_iter().filter(|id| !sent.contains_key(id)).collect())
    }

    /// Keeps what a rehearsal may want to embed; a plan of large files reads none of them.
    fn put_blobs(&self, _: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, protocol::Error> {
        for id in blobs {
            let mut small = Small { bytes: Vec::new(), full: false };
            let given = give(*id, &mut small);
            if !small.full {
                given.map_err(|error| protocol::Error::Failed(error.to_string()))?;
            }
            self.blobs().insert(*id, (!small.full).then_some(small.bytes));
        }
        Ok(Transfer::default())
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), protocol::Error> {
        let Some(bytes) = self.blobs().get(&id).cloned() else { return self.inner.blob(collection, id, to) };
        let bytes = bytes.ok_or_else(|| protocol::Error::Failed(format!("blob {id} is too large for a plan to hold; sync writes it")))?;
        to.write_all(&bytes).map_err(|error| protocol::Error::Failed(error.to_string()))
    }

    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, protocol::Error> {
        self.inner.missing_chunks(collection, chunks)
    }

    fn put_chunks(&self, _: &Collection, _: &[Chunk]) -> Result<(), protocol::Error> {
        Ok(())
    }

    fn chunks(
        &self,
        collection: &Collection,
        chunks: &[ChunkId],
        take: &mut dyn FnMut(Chunk) -> Result<(), protocol::Error>,
    ) -> Result<(), protocol::Error> {
        self.inner.chunks(collection, chunks, take)
    }

    fn put_recipes(&self, _: &Collection, _: &[Recipe]) -> Result<(), protocol::Error> {
        Ok(())
    }

    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, protocol::Error> {
        self.inner.recipe(collection, id)
    }
}
