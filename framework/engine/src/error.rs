//! Why a sync stopped.

use crate::report::Hold;

/// An error of the path. Texts are lower-case and fit after "cannot sync job `home`: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The application cannot be read or written; nothing was taken for deleted.
    #[error("endpoint `{endpoint}`: {source}")]
    Adapter {
        /// The endpoint.
        endpoint: String,
        /// The adapter's reason.
        source: adapter::Error,
    },
    /// The guard stopped before anything was written.
    #[error("{0}")]
    Held(Box<Hold>),
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] protocol::Error),
    /// The object store cannot be read or written.
    #[error("the object store {place}: {reason}")]
    Objects {
        /// Where it is.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An entry of the log is not what it says.
    #[error("entry {sequence} of collection `{collection}`: {reason}; nothing of it was taken")]
    Entry {
        /// The entry.
        sequence: u64,
        /// The collection.
        collection: String,
        /// What is wrong.
        reason: String,
    },
    /// A sync was cut off while it wrote: what it did must be found out before anything else is decided.
    #[error("a sync of collection `{0}` was cut off; sync it first, then decide")]
    Unfinished(String),
    /// Too many others push at the same time.
    #[error("others keep writing to collection `{0}`; sync again")]
    Contended(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    Unknown(String),
}
