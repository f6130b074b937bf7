//! The names of chunks: BLAKE3 of the content, under a key of the collection.

use protocol::{ChunkId, Collection};

/// What the keys of collections are derived for. Another version of the ids would have another text.
const CONTEXT: &str = "syncretic 2026-11-26 ids of a collection's chunks, version 1";

/// The key under which a collection's chunks are named.
///
/// It follows from the collection's name: the same content has other ids in another collection, and whoever sees ids alone cannot
/// tell that two collections share content. It is no secret: who knows the name can tell whether a known file is there.
#[derive(Clone)]
pub struct ChunkKey([u8; 32]);

impl ChunkKey {
    /// Returns a collection's key.
    #[must_use]
    pub fn of(collection: &Collection) -> Self {
        Self(blake3::derive_key(CONTEXT, collection.as_str().as_bytes()))
    }

    /// Returns a chunk's id.
    #[must_use]
    pub fn id(&self, content: &[u8]) -> ChunkId {
        ChunkId(*blake3::keyed_hash(&self.0, content).as_bytes())
    }
}
