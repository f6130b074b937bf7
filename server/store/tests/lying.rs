//! The laws catch stores that break one rule each: a law that nothing can break would prove nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Entry, Envelope, Error, Fence, Give, Head, Lease, LogId,
    Page, Place, Recipe, Sequence, Snapshot, State, Store, TransactionId, Transfer,
};
use store::Memory;
use store::laws::{self, Subject};
use syncretic_store as store;

/// One rule that a store breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    ComparesSequencesOnly,
    ForgetsTransactions,
    StaleWithoutEntries,
    TakesAnyLog,
    IgnoresTheLimit,
    LeavesAnEntryOut,
    AcceptsAnyCursor,
    OneLogForAll,
    ForgetsOnOpening,
    AcknowledgesAndDrops,
    TakesAnyBlob,
    TakesAnyChunk,
    TakesAnyRecipe,
    TakesChunksAgain,
    ShufflesChunks,
    SharesBlobs,
    TruncatesBlobs,
    TakesAnySize,
    IgnoresFences,
    ForgetsToWake,
    PlacesBeyondTheHead,
    FindsWhatIsNotThere,
    NeverCompacts,
    OldSnapshots,
    ForgetsArrivals,
    LeasesToAnyone,
    CountsFencesAnew,
    NeverEndsALease,
}

struct Liar {
    lie: Lie,
    truth: Memory,
    forgotten: Mutex<u64>,
}

impl Liar {
    fn collection(&self, collection: &Collection, lie: Lie) -> Collection {
        if self.lie == lie { "all".parse().unwrap() } else { collection.clone() }
    }

    /// The envelope as a store sees it that does not look at what this one does not look at.
    fn unseen(&self, collection: &Collection, envelope: &Envelope) -> Envelope {
        let mut envelope = envelope.clone();
        let head = self.truth.head(collection).unwrap();
        match self.lie {
            Lie::ComparesSequencesOnly if envelope.base.sequence == head.sequence && envelope.base.log == head.log => envelope.base = head,
            Lie::TakesAnyLog => envelope.base.log = head.log,
            Lie::TakesAnySize => envelope.payload.truncate(1 << 20),
            Lie::ForgetsTransactions if envelope.base.sequence < head.sequence => envelope.transaction = fresh(&self.forgotten),
            _ => {}
        }
        envelope
    }
}

fn fresh(counter: &Mutex<u64>) -> TransactionId {
    let mut counter = counter.lock().unwrap();
    *counter += 1;
    let mut id = [0xee; 16];
    id[..8].copy_from_slice(&counter.to_be_bytes());
    TransactionId(id)
}

impl Store for Liar {
    fn head(&self, collection: &Collection) -> Result<Head, Error> {
        self.truth.head(&self.collection(collection, Lie::OneLogForAll))
    }

    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        let fence = fence.filter(|_| self.lie != Lie::IgnoresFences);
        let collection = &self.collection(collection, Lie::OneLogForAll);
        if self.lie == Lie::AcknowledgesAndDrops {
            return Ok(Appended::Entry(Entry::after(&envelope.base, envelope.clone())));
        }
        match self.truth.append_fenced(collection, &self.unseen(collection, envelope), fence)? {
            Appended::Stale(page) if self.lie == Lie::StaleWithoutEntries => Ok(Appended::Stale(Page { entries: Vec::new(), ..page })),
            answer => Ok(answer),
        }
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        let collection = &self.collection(collection, Lie::OneLogForAll);
        let limit = if self.lie == Lie::IgnoresTheLimit { usize::MAX } else { limit };
        let mut after = *after;
        if self.lie == Lie::AcceptsAnyCursor && self.truth.read(collection, &after, 0).is_err() {
            after = self.truth.head(collection)?;
        }
        let mut page = self.truth.read(collection, &after, limit)?;
        if self.lie == Lie::LeavesAnEntryOut {
            page.entries.retain(|entry| entry.sequence != Sequence(2));
        }
        Ok(page)
    }

    fn wait(&self, collection: &Collection, known: &Head, patience: Duration) -> Result<Head, Error> {
        let head = self.truth.wait(collection, known, patience)?;
        Ok(if self.lie == Lie::ForgetsToWake { *known } else { head })
    }

    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Place, Error> {
        Ok(match self.truth.place(collection, sequence)? {
            Place::Beyond(head) if self.lie == Lie::PlacesBeyondTheHead => Place::Here(Cursor { sequence, ..head }),
            place => place,
        })
    }

    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        let head = self.truth.head(collection)?;
        if self.lie == Lie::FindsWhatIsNotThere {
            return Ok(transactions.iter().map(|id| (*id, head)).collect());
        }
        self.truth.find(collection, transactions)
    }

    fn arrived(&self, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error> {
        if self.lie == Lie::ForgetsArrivals { Ok(()) } else { self.truth.arrived(collection, device, cursor) }
    }

    fn state(&self, collection: &Collection) -> Result<State, Error> {
        self.truth.state(collection)
    }

    fn put_snapshot(&self, collection: &Collection, snapshot: &Snapshot) -> Result<(), Error> {
        if self.lie == Lie::OldSnapshots && self.truth.snapshot(collection)?.is_some() {
            return Ok(());
        }
        self.truth.put_snapshot(collection, snapshot)
    }

    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, Error> {
        self.truth.snapshot(collection)
    }

    fn compact(&self, collection: &Collection, horizon: &Cursor) -> Result<Compacted, Error> {
        if self.lie == Lie::NeverCompacts { Ok(Compacted::default()) } else { self.truth.compact(collection, horizon) }
    }

    fn acquire(&self, collection: &Collection, device: &DeviceId, time: Duration) -> Result<Lease, Error> {
        if self.lie == Lie::LeasesToAnyone
            && let Some(lease) = self.truth.lease(collection)?
        {
            self.truth.release(collection, lease.fence)?;
        }
        let lease = self.truth.acquire(collection, device, time)?;
        Ok(if self.lie == Lie::CountsFencesAnew { Lease { fence: Fence(1), ..lease } } else { lease })
    }

    fn renew(&self, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error> {
        self.truth.renew(collection, fence, time)
    }

    fn release(&self, collection: &Collection, fence: Fence) -> Result<(), Error> {
        if self.lie == Lie::NeverEndsALease { Ok(()) } else { self.truth.release(collection, fence) }
    }

    fn lease(&self, collection: &Collection) -> Result<Option<Lease>, Error> {
        self.truth.lease(collection)
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        self.truth.missing(&self.collection(collection, Lie::SharesBlobs), blobs)
    }

    fn put_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        let collection = self.collection(collection, Lie::SharesBlobs);
        let kept = match self.lie {
            // A store that asks about nothing and takes all chunks again.
            Lie::TakesChunksAgain => self.truth.put_blobs(&collection, blobs, give).and_then(|_| all_of(&self.truth, &collection, blobs)),
            _ => self.truth.put_blobs(&collection, blobs, give),
        };
        if self.lie == Lie::TakesAnyBlob { Ok(Transfer::default()) } else { kept }
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.truth.blob(&self.collection(collection, Lie::SharesBlobs), id, &mut bytes)?;
        if self.lie == Lie::TruncatesBlobs {
            bytes.pop();
        }
        to.write_all(&bytes).map_err(|error| Error::Failed(error.to_string()))
    }

    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        self.truth.missing_chunks(&self.collection(collection, Lie::SharesBlobs), chunks)
    }

    fn put_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        let kept = self.truth.put_chunks(&self.collection(collection, Lie::SharesBlobs), chunks);
        if self.lie == Lie::TakesAnyChunk { Ok(()) } else { kept }
    }

    fn chunks(&self, collection: &Collection, chunks: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        let mut asked = chunks.to_vec();
        if self.lie == Lie::ShufflesChunks {
            asked.sort_unstable();
        }
        self.truth.chunks(&self.collection(collection, Lie::SharesBlobs), &asked, take)
    }

    fn put_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
        let kept = self.truth.put_recipes(&self.collection(collection, Lie::SharesBlobs), recipes);
        if self.lie == Lie::TakesAnyRecipe { Ok(()) } else { kept }
    }

    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
        self.truth.recipe(&self.collection(collection, Lie::SharesBlobs), id)
    }
}

/// Returns what it would take to move blobs from the beginning.
fn all_of(truth: &Memory, collection: &Collection, blobs: &[BlobId]) -> Result<Transfer, Error> {
    let mut moved = Transfer::default();
    for blob in blobs {
        let recipe = truth.recipe(collection, *blob)?;
        moved.chunks += recipe.pieces.len() as u64;
        moved.bytes += recipe.length();
    }
    Ok(moved)
}

struct Case {
    lie: Lie,
    truth: Memory,
}

impl Subject for Case {
    fn open(&self) -> Result<Box<dyn Store>, Error> {
        let truth = if self.lie == Lie::ForgetsOnOpening { Memory::new() } else { self.truth.clone() };
        Ok(Box::new(Liar { lie: self.lie, truth, forgotten: Mutex::new(0) }))
    }
}

/// Requires that the lie breaks a law whose name holds `law`.
fn catches(lie: Lie, law: &str) {
    let case = Case { lie, truth: Memory::new() };
    let laws: Vec<_> = laws::all().into_iter().filter(|known| known.name.contains(law)).collect();
    assert!(!laws.is_empty(), "no law is called {law}");
    assert!(laws.iter().any(|law| law.check(&case).is_err()), "{law}: not broken");
}

#[test]
fn a_store_that_compares_sequences_only_is_caught() {
    catches(Lie::ComparesSequencesOnly, "the right sequence with another hash");
}

#[test]
fn a_store_that_forgets_transactions_is_caught() {
    catches(Lie::ForgetsTransactions, "the same transaction twice is one entry");
}

#[test]
fn a_store_that_keeps_the_missing_entries_to_itself_is_caught() {
    catches(Lie::StaleWithoutEntries, "carries what is missing");
}

#[test]
fn a_store_that_takes_any_log_is_caught() {
    catches(Lie::TakesAnyLog, "a base of another log");
}

#[test]
fn a_store_that_ignores_the_limit_of_a_page_is_caught() {
    catches(Lie::IgnoresTheLimit, "pages of any limit");
}

#[test]
fn a_store_that_leaves_an_entry_out_is_caught() {
    catches(Lie::LeavesAnEntryOut, "pages of any limit");
}

#[test]
fn a_store_that_accepts_any_cursor_is_caught() {
    catches(Lie::AcceptsAnyCursor, "is unknown");
}

#[test]
fn a_store_that_mixes_collections_is_caught() {
    catches(Lie::OneLogForAll, "collections are independent");
    catches(Lie::SharesBlobs, "not seen in another");
}

#[test]
fn a_store_that_forgets_is_caught() {
    catches(Lie::ForgetsOnOpening, "opened again");
    catches(Lie::AcknowledgesAndDrops, "becomes the head");
}

#[test]
fn a_store_that_keeps_any_blob_is_caught() {
    catches(Lie::TakesAnyBlob, "another digest");
    catches(Lie::TruncatesBlobs, "put and comes back");
}

#[test]
fn a_store_that_is_careless_with_chunks_is_caught() {
    catches(Lie::TakesAnyChunk, "says is refused");
    catches(Lie::TakesAnyRecipe, "a recipe");
    catches(Lie::TakesChunksAgain, "one byte");
    catches(Lie::ShufflesChunks, "in the order asked");
}

#[test]
fn a_store_that_takes_any_size_is_caught() {
    catches(Lie::TakesAnySize, "beyond the limit");
}

#[test]
fn a_store_that_does_not_wake_is_caught() {
    catches(Lie::ForgetsToWake, "whoever waits");
}

#[test]
fn a_store_that_makes_up_places_is_caught() {
    catches(Lie::PlacesBeyondTheHead, "every sequence has its place");
    catches(Lie::FindsWhatIsNotThere, "found with their places");
}

#[test]
fn a_store_that_does_not_compact_is_caught() {
    catches(Lie::NeverCompacts, "names the horizon");
}

#[test]
fn a_store_that_keeps_old_snapshots_is_caught() {
    catches(Lie::OldSnapshots, "the newest snapshot");
}

#[test]
fn a_store_that_forgets_who_arrived_is_caught() {
    catches(Lie::ForgetsArrivals, "who has arrived");
}

#[test]
fn a_store_that_is_careless_with_leases_is_caught() {
    catches(Lie::IgnoresFences, "under a lease that ended");
    catches(Lie::LeasesToAnyone, "keeps others out");
    catches(Lie::CountsFencesAnew, "greater number");
    catches(Lie::NeverEndsALease, "free again");
}

#[test]
fn a_log_id_is_not_shared_by_two_stores() {
    let collection: Collection = "one".parse().unwrap();
    assert_ne!(Memory::new().head(&collection).unwrap().log, Memory::new().head(&collection).unwrap().log);
    assert_ne!(Memory::new().head(&collection).unwrap().log, LogId([0; 16]));
}
