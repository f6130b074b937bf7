//! Why a store did not do what it was asked.

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
    /// The device may not do this.
    #[error("not authorised: {0}")]
    NotAuthorised(String),
    /// The store's own disk or database failed.
    #[error("the store failed: {0}")]
    Failed(String),
}
