//! The Store trait: what keeps the logs, embedded or at the other end of a network. Blocking.

use std::io::{Read, Write};

use crate::cursor::{Cursor, Head};
use crate::entry::Entry;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::ids::{BlobId, Collection};

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

/// What keeps the transactions of each collection in one order.
///
/// Every store passes the same law suite.
pub trait Store: Send + Sync {
    /// Returns the head of a collection's log, making the log if there is none.
    ///
    /// # Errors
    /// Fails if the store cannot be reached or is not whole.
    fn head(&self, collection: &Collection) -> Result<Head, Error>;

    /// Appends an envelope if the head is exactly its base: log, sequence and hash. Durable before it returns.
    ///
    /// The same transaction id twice is one entry, and the second answer is the first one's entry.
    ///
    /// # Errors
    /// Fails if the store cannot be reached, the envelope is beyond a limit, or its base is no place of this log.
    fn append(&self, collection: &Collection, envelope: &Envelope) -> Result<Appended, Error>;

    /// Returns at most `limit` entries after the cursor.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if the cursor is no place of this log.
    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error>;

    /// Returns those of `blobs` that the collection lacks.
    ///
    /// # Errors
    /// Fails if the store cannot be reached.
    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error>;

    /// Keeps a blob, durably, after checking that its SHA-256 is its id.
    ///
    /// # Errors
    /// Fails with [`Error::Integrity`] if it is another blob; nothing is kept then.
    fn put_blob(&self, collection: &Collection, id: BlobId, from: &mut dyn Read) -> Result<(), Error>;

    /// Writes a blob's bytes, checked against its id, to `to`.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchBlob`] if the collection lacks it.
    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error>;
}
