//! Large values in pieces: cut where their content says, named by keyed digests, packed, sent and put together again.
//!
//! A blob is a digest and a length to everyone else. How it travels is decided here: [`cut`] finds its chunks, [`key`] names
//! them, [`pack`] makes them small, [`upload`] sends what the other side lacks, and [`download`] fetches what is lacking here.

pub mod cut;
pub mod download;
pub mod key;
pub mod pack;
pub mod upload;

pub use cut::Cutter;
pub use key::ChunkKey;
