//! Decisions keep away from an endpoint whose last step of writing was cut off.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::Write;
use std::time::Duration;

use adapter::StepId;
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Envelope, Error as StoreError, Fence, Give, Head, Lease,
    Page, Place, Recipe, Sequence, Signature, Snapshot, State, Store, TransactionId, Transfer,
};
use record::{ConflictId, RecordId};
use syncretic_engine::decide::{Take, resolve};
use syncretic_engine::objects::memory::Memory;
use syncretic_engine::objects::{Batch, Intent, Objects, Step};
use syncretic_engine::{Doors, Error, Keys, Randomness};

/// A store that nobody should ask anything.
struct Untouched;

fn asked<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the store was asked".into()))
}

impl Store for Untouched {
    fn head(&self, _: &Collection) -> Result<Head, StoreError> {
        asked()
    }

    fn append_fenced(&self, _: &Collection, _: &Envelope, _: Option<Fence>) -> Result<Appended, StoreError> {
        asked()
    }

    fn wait(&self, _: &Collection, _: &Head, _: Duration) -> Result<Head, StoreError> {
        asked()
    }

    fn place(&self, _: &Collection, _: Sequence) -> Result<Place, StoreError> {
        asked()
    }

    fn find(&self, _: &Collection, _: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, StoreError> {
        asked()
    }

    fn arrived(&self, _: &Collection, _: &DeviceId, _: &Cursor) -> Result<(), StoreError> {
        asked()
    }

    fn state(&self, _: &Collection) -> Result<State, StoreError> {
        asked()
    }

    fn put_snapshot(&self, _: &Collection, _: &Snapshot) -> Result<(), StoreError> {
        asked()
    }

    fn snapshot(&self, _: &Collection) -> Result<Option<Snapshot>, StoreError> {
        asked()
    }

    fn compact(&self, _: &Collection, _: &Cursor) -> Result<Compacted, StoreError> {
        asked()
    }

    fn acquire(&self, _: &Collection, _: &DeviceId, _: Duration) -> Result<Lease, StoreError> {
        asked()
    }

    fn renew(&self, _: &Collection, _: Fence, _: Duration) -> Result<Lease, StoreError> {
        asked()
    }

    fn release(&self, _: &Collection, _: Fence) -> Result<(), StoreError> {
        asked()
    }

    fn lease(&self, _: &Collection) -> Result<Option<Lease>, StoreError> {
        asked()
    }

    fn read(&self, _: &Collection, _: &Cursor, _: usize) -> Result<Page, StoreError> {
        asked()
    }

    fn missing(&self, _: &Collection, _: &[BlobId]) -> Result<Vec<BlobId>, StoreError> {
        asked()
    }

    fn put_blobs(&self, _: &Collection, _: &[BlobId], _: &mut Give<'_>) -> Result<Transfer, StoreError> {
        asked()
    }

    fn missing_chunks(&self, _: &Collection, _: &[ChunkId]) -> Result<Vec<ChunkId>, StoreError> {
        asked()
    }

    fn put_chunks(&self, _: &Collection, _: &[Chunk]) -> Result<(), StoreError> {
        asked()
    }

    fn chunks(&self, _: &Collection, _: &[ChunkId], _: &mut dyn FnMut(Chunk) -> Result<(), StoreError>) -> Result<(), StoreError> {
        asked()
    }

    fn put_recipes(&self, _: &Collection, _: &[Recipe]) -> Result<(), StoreError> {
        asked()
    }

    fn recipe(&self, _: &Collection, _: BlobId) -> Result<Recipe, StoreError> {
        asked()
    }

    fn blob(&self, _: &Collection, _: BlobId, _: &mut dyn Write) -> Result<(), StoreError> {
        asked()
    }
}

struct Nobody;

impl Keys for Nobody {
    fn device(&self) -> DeviceId {
        DeviceId([0; 32])
    }

    fn sign(&self, _: &[u8]) -> Signature {
        Signature([0; 64])
    }

    fn verify(&self, _: &Collection, _: &DeviceId, _: &[u8], _: &Signature) -> bool {
        false
    }
}

impl Randomness for Nobody {
    fn id(&self) -> [u8; 16] {
        [0; 16]
    }
}

fn settle(objects: &mut Memory) -> Error {
    let doors = Doors { store: &Untouched, keys: &Nobody, randomness: &Nobody, progress: &syncretic_engine::Nobody, pass: &|_| true };
    resolve(&doors, &"contacts".parse().unwrap(), objects, ConflictId([1; 16]), &Take::Kept).unwrap_err()
}

#[test]
fn nothing_is_decided_before_it_is_known_what_a_cut_off_sync_wrote() {
    let mut objects = Memory::default();
    let intent = Intent { id: RecordId([2; 16]), becomes: None, losers: Vec::new() };
    let step = Step { id: StepId([3; 16]), intents: vec![intent] };
    objects.commit(Batch { step: Some(Some(step)), ..Batch::default() }).unwrap();
    assert!(matches!(settle(&mut objects), Error::Unfinished(_)));
}

#[test]
fn an_endpoint_at_rest_asks_the_store() {
    assert!(matches!(settle(&mut Memory::default()), Error::Store(StoreError::Unavailable(_))));
}
