//! What a device and a store say to each other: collections, envelopes, entries, cursors and the [`Store`] trait.
//!
//! This crate knows sequences, hashes, devices and opaque bytes. It never meets a record:
//! a store cannot read one even by mistake.

pub mod canonical;
pub mod chunk;
mod codec;
pub mod cursor;
pub mod entry;
pub mod envelope;
pub mod error;
pub mod ids;
pub mod json;
pub mod messages;
pub mod problem;
pub mod routes;
pub mod signed;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod timestamp;
pub mod wire;

pub use canonical::Canonical;
pub use chunk::{Chunk, Piece, Recipe};
pub use cursor::{Cursor, Head};
pub use entry::Entry;
pub use envelope::{Envelope, Header, MAX_PAYLOAD, MAX_RECORDS};
pub use error::Error;
pub use ids::{
    BlobId, ChunkId, Code, Collection, DeviceId, Fence, Hash, LogId, Nonce, RecordDigest, Sequence, Signature, StoreId, Token,
    TransactionId,
};
pub use snapshot::{MAX_SNAPSHOT, Snapshot};
pub use state::{Lease, LeaseMode, Member, Place, Revocation, Right, State};
pub use store::{Appended, Compacted, Give, Page, Store, Transfer};
pub use timestamp::Timestamp;
