//! Why a store did not do what it was asked.

use std::time::Duration;

use crate::cursor::Cursor;
use crate::ids::{DeviceId, Fence, TransactionId};
use crate::timestamp::Timestamp;

/// An error of a store. Texts are lower-case and fit after "cannot sync job `home`: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be reached or did not answer; whether it acted is not known.
    #[error("the store did not answer: {0}")]
    Unavailable(String),
    /// The log does not hold this cursor: it is another log, or it went back in time.
    #[error("the store of collection `{collection}` does not know {cursor}: it is another store, or it was restored from a backup")]
    UnknownCursor {
        /// The collection.
        collection: String,
        /// What was asked for.
        cursor: String,
    },
    /// Bytes that are not what they should be.
    #[error("malformed {0}")]
    Malformed(String),
    /// Something that a later program wrote.
    #[error("{what} has version {found}, and this program knows versions up to {known}; upgrade it")]
    Newer {
        /// What it is, with its path if it has one.
        what: String,
        /// Its version.
        found: u64,
        /// The newest version known here.
        known: u64,
    },
    /// Something is larger than its limit.
    #[error("{length} bytes are too many; the limit is {limit}")]
    TooLarge {
        /// The length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// What is stored does not agree with itself, or a signature does not verify.
    #[error("integrity: {0}")]
    Integrity(String),
    /// A blob that the store does not hold.
    #[error("blob {0} is not in the store")]
    NoSuchBlob(String),
    /// A chunk that the store does not hold.
    #[error("chunk {0} is not in the store")]
    NoSuchChunk(String),
    /// The entries after a place have been compacted away.
    #[error("the entries of collection `{collection}` up to {} have been compacted away", horizon.sequence)]
    Compacted {
        /// The collection.
        collection: String,
        /// The newest place that was compacted away: reading goes on from it, or from a snapshot.
        horizon: Cursor,
    },
    /// No snapshot stands where one is needed.
    #[error("collection `{0}` has no snapshot at or after that place; sync a device first")]
    NoSnapshot(String),
    /// A collection that the store does not have.
    #[error("the store has no collection `{0}`")]
    NoSuchCollection(String),
    /// Something else that is not there: a device, a held transaction, a route.
    #[error("{0} is not there")]
    NotFound(String),
    /// A method that a path does not have.
    #[error("{0}")]
    NotAllowed(String),
    /// It is there already, as another one.
    #[error("{0}")]
    Conflict(String),
    /// The device may not do this.
    #[error("not authorised: {0}")]
    NotAuthorised(String),
    /// The device may read the collection, and tried to write it.
    #[error("this device may read collection `{0}` and not write it")]
    ReadOnly(String),
    /// Whoever asks has not shown who it is, or not lately: a token is missing, wrong or expired.
    #[error("not signed in: {0}")]
    Unauthenticated(String),
    /// The device was revoked.
    #[error("device `{device}` was revoked on {at} by `{by}`")]
    Revoked {
        /// The device's name.
        device: String,
        /// The name of the device that revoked it.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// A device that the store, or the collection, has never known.
    #[error("device {0} is not known to the store")]
    UnknownDevice(DeviceId),
    /// An enrollment code that is wrong, used or expired: which one, nobody is told.
    #[error("the code is wrong, was used already, or has expired; ask for another one")]
    WrongCode,
    /// Another device holds the lease.
    #[error("device `{holder}` holds the lease of collection `{collection}` until {until}")]
    Leased {
        /// The collection.
        collection: String,
        /// The holder's name, or its key where it has none.
        holder: String,
        /// When it ends by itself.
        until: Timestamp,
    },
    /// The lease under which this was done is not held any more.
    #[error("the lease {fence} of collection `{collection}` is not held any more")]
    StaleFence {
        /// The collection.
        collection: String,
        /// The lease's number.
        fence: Fence,
    },
    /// The transaction deletes more than the device may without approval, and waits for it.
    #[error(
        "transaction {transaction} deletes {deletions} records of `{collection}`, where {left} are left to this device without approval"
    )]
    Held {
        /// The collection.
        collection: String,
        /// The transaction, under which it is approved or rejected.
        transaction: TransactionId,
        /// How many records it deletes.
        deletions: u64,
        /// How many it might have deleted.
        left: u64,
    },
    /// The transaction was held, and an administrator rejected it.
    #[error("`{by}` rejected transaction {transaction}")]
    Rejected {
        /// The transaction.
        transaction: TransactionId,
        /// The name of the device that did.
        by: String,
    },
    /// More was asked at a time than the store answers.
    #[error("the store is asked too much; try again in {} s", retry_after.as_secs().max(1))]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store's own disk or database failed.
    #[error("the store failed: {0}")]
    Failed(String),
}
