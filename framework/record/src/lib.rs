//! The universal record: the ground that every other room stands on.
//!
//! A [`Record`] is a kind and a flat map from [`Pointer`] to [`Value`]. This
//! crate knows ids, fields, values and bytes; it never touches files, the
//! network, the time of day or any format.

pub mod change;
pub mod codec;
pub mod digest;
pub mod fields;
pub mod id;
pub mod kind;
pub mod pointer;
pub mod record;
pub mod value;
pub mod vocabulary;

pub use change::{Against, Change, Conflict, Life};
pub use codec::CodecError;
pub use digest::Digest;
pub use fields::{ByPointer, Fields};
pub use id::{ConflictId, RecordId};
pub use kind::Kind;
pub use pointer::{Pattern, Pointer};
pub use record::Record;
pub use value::{Blob, Value};
