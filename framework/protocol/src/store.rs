//! The Store trait: what keeps the logs, embedded or at the other end of a network. Blocking.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chunk::{Chunk, Recipe};
use crate::cursor::{Cursor, Head};
use crate::entry::Entry;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::ids::{BlobId, ChunkId, Collection, DeviceId, Fence, Sequence, TransactionId};
use crate::snapshot::Snapshot;
use crate::state::{Lease, Place, State};

/// The answer to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one answer is held at a time, and a box would only be opened again")]
pub enum Appended {
    /// It is in the log, durably, as this entry: by this call or by an earlier one with the same transaction id.
    Entry(Entry),
    /// The head moved: the entries after the envelope's base, as many as fit a page.
    Stale(Page),
}

/// Entries that follow a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, in order, without a gap.
    pub entries: Vec<Entry>,
    /// The head when the page was read. More entries follow if it is beyond the last one.
    pub head: Head,
}

/// What a compaction removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Compacted {
    /// How many entries lost their envelopes.
    pub entries: u64,
    /// How many bytes those had.
    pub bytes: u64,
}

/// What a transfer of blobs took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// The chunks that were not there yet.
    pub chunks: u64,
    /// Their bytes, as they were packed.
    pub bytes: u64,
}

/// Streams a blob's bytes to where they are wanted.
pub type Give<'g> = dyn FnMut(BlobId, &mut dyn Write) -> io::Result<()> + 'g;

/// What keeps the transactions of each collection in one order.
///
/// Every store passes the same law suite. A store on the network refuses besides with [`Error::Unauthenticated`],
/// [`Error::Revoked`], [`Error::NotAuthorised`], [`Error::NoSuchCollection`] and [`Error::TooMany`], whatever it is asked.
pub trait Store: Send + Sync {
    /// Tells whether devices that cannot see each other meet here: then whoever is going to append takes the lease first.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns the head of a collection's log, making the log if there is none.
    ///
    /// # Errors
    /// Fails if the store cannot be reached or is not whole.
    fn head(&self, collection: &Collection) -> Result<Head, Error>;

    /// Appends an envelope if the head is exactly its base: log, sequence and hash. Durable before it returns.
    ///
    /// The same transaction id twice is one entry, and the second answer is the first one's entry. The envelope may be another
    /// device's, as when a device puts back what a store lost: its own signature and its own device's rights count.
    ///
    /// # Errors
    /// Fails if the store cannot be reached, the envelope is beyond a limit, or its base is no place of this log; with
    /// [`Error::Compacted`] if what came after the base is no longer there, [`Error::Leased`] if another device holds the lease,
    /// [`Error::Held`] if it deletes more than the device may without approval.
    fn append(&self, collection: &Collection, envelope: &Envelope) -> Result<Appended, Error> {
        self.append_fenced(collection, envelope, None)
    }

    /// Appends as [`Store::append`] does, and only while the lease with this number is held.
    ///
    /// # Errors
    /// As [`Store::append`]; with [`Error::StaleFence`] if the lease is another one by now, or none.
    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error>;

    /// Returns at most `limit` entries after the cursor.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if the cursor is no place of this log, and with [`Error::Compacted`], which names the
    /// horizon, if the entries after it are no longer there.
    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error>;

    /// Returns the head as soon as it is another one than `known`, or after `patience`.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn wait(&self, collection: &Collection, known: &Head, patience: Duration) -> Result<Head, Error>;

    /// Tells what the log holds at a sequence.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Place, Error>;

    /// Returns those of `transactions` that are in the log, with the place of each, in the order asked; compacted ones too.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error>;

    /// Notes that a device has everything up to a cursor. The last note stands, be it behind an earlier one.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if the cursor is no place of this log.
    fn arrived(&self, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error>;

    /// Tells where the collection stands and who takes part.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn state(&self, collection: &Collection) -> Result<State, Error>;

    /// Keeps a snapshot, durably. One behind the newest, or at the same place, is accepted and not kept.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if its cursor is no place of this log.
    fn put_snapshot(&self, collection: &Collection, snapshot: &Snapshot) -> Result<(), Error>;

    /// Returns the newest snapshot, if there is one.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, Error>;

    /// Removes the envelopes up to `horizon`. Places, hashes and transaction ids stay.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if the horizon is no place of this log, and with [`Error::NoSnapshot`] if no snapshot
    /// stands at or after it.
    fn compact(&self, collection: &Collection, horizon: &Cursor) -> Result<Compacted, Error>;

    /// Gives `device` the lease for `time`, with a new, greater number: if nobody holds it, it has ended, or the device holds it itself.
    ///
    /// # Errors
    /// Fails with [`Error::Leased`] if another device holds it.
    fn acquire(&self, collection: &Collection, device: &DeviceId, time: Duration) -> Result<Lease, Error>;

    /// Lets the lease with this number last for `time` from now on.
    ///
    /// # Errors
    /// Fails with [`Error::StaleFence`] if it is not held any more.
    fn renew(&self, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error>;

    /// Ends the lease with this number; one that is not held any more is no error.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn release(&self, collection: &Collection, fence: Fence) -> Result<(), Error>;

    /// Returns the lease, if one is held.
    ///
    /// # Errors
    /// Fails as [`Store::head`] does.
    fn lease(&self, collection: &Collection) -> Result<Option<Lease>, Error>;

    /// Returns those of `blobs` that the collection lacks.
    ///
    /// # Errors
    /// Fails if the store cannot be reached.
    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error>;

    /// Keeps a blob, durably, after checking that its SHA-256 is its id.
    ///
    /// # Errors
    /// Fails with [`Error::Integrity`] if it is another blob; nothing is kept then.
    fn put_blob(&self, collection: &Collection, id: BlobId, from: &mut dyn Read) -> Result<(), Error> {
        self.put_blobs(collection, &[id], &mut |_, to| io::copy(from, to).map(drop)).map(drop)
    }

    /// Keeps blobs, durably, each as `give` streams it. Only chunks that the collection lacks move, many at a time, so that what was
    /// broken off goes on where it stopped when it is tried again.
    ///
    /// # Errors
    /// As [`Store::put_blob`], with the first blob that fails; the whole ones before it are kept.
    fn put_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error>;

    /// Writes a blob's bytes, checked against its id, to `to`.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchBlob`] if the collection lacks it, and if it is not the blob: what was written is not whole then.
    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error>;

    /// Opens a blob's bytes for reading; one that turns out not to be the blob ends with an error instead of its end.
    ///
    /// # Errors
    /// As [`Store::blob`].
    fn open_blob<'a>(&'a self, collection: &'a Collection, id: BlobId) -> Result<Box<dyn Read + 'a>, Error> {
        let mut bytes = Vec::new();
        self.blob(collection, id, &mut bytes)?;
        Ok(Box::new(io::Cursor::new(bytes)))
    }

    /// Returns those of `chunks` that the collection lacks, in the order asked. The others stay long enough to be used in a recipe.
    ///
    /// # Errors
    /// Fails if the store cannot be reached.
    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error>;

    /// Keeps at most [`MAX_CHUNKS`](crate::chunk::MAX_CHUNKS) chunks, durably, after checking each against its id.
    ///
    /// # Errors
    /// Fails with [`Error::Integrity`] if one is not what its id says, or unpacks to more than it says, and with
    /// [`Error::Malformed`] or [`Error::TooLarge`] if it is beyond a limit; none is kept then.
    fn put_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error>;

    /// Hands on at most [`MAX_CHUNKS`](crate::chunk::MAX_CHUNKS) chunks, in the order asked.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchChunk`] if the collection lacks one, and with what `take` fails with.
    fn chunks(&self, collection: &Collection, chunks: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error>;

    /// Keeps recipes, durably, after checking that their chunks are there and make the blobs: these are not missing from then on.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchChunk`] if a chunk is missing, and with [`Error::Integrity`] if the chunks make another blob; none
    /// is kept then.
    fn put_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error>;

    /// Returns a blob's recipe.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchBlob`] if the collection lacks it.
    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error>;
}
