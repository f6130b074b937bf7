//! What a device and a store say to each other: collections, envelopes, entries, cursors and the [`Store`] trait.
//!
//! This crate knows sequences, hashes, devices and opaque bytes. It never meets a record:
//! a store cannot read one even by mistake.

pub mod cursor;
pub mod entry;
pub mod envelope;
pub mod error;
pub mod ids;
pub mod store;

pub use cursor::{Cursor, Head};
pub use entry::Entry;
pub use envelope::{Envelope, Header, MAX_PAYLOAD, MAX_RECORDS};
pub use error::Error;
pub use ids::{BlobId, Collection, DeviceId, Hash, LogId, RecordDigest, Sequence, Signature, TransactionId};
pub use store::{Appended, Page, Store};
