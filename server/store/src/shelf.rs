//! What every store does with chunks: checks them before they are kept, and takes blobs apart into those that it lacks.

use chunks::ChunkKey;
use chunks::pack::unpack;
use chunks::upload::{self, Shelf};
use protocol::chunk::{MAX_BATCH, MAX_CHUNKS};
use protocol::{BlobId, Chunk, ChunkId, Collection, Error, Give, Piece, Recipe, Store, Transfer};
use sha2::{Digest, Sha256};

/// A collection of a store, as chunks go to it.
struct Own<'a> {
    store: &'a dyn Store,
    collection: &'a Collection,
}

impl Shelf for Own<'_> {
    fn missing(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        self.store.missing_chunks(self.collection, chunks)
    }

    fn put(&self, chunks: Vec<Chunk>) -> Result<(), Error> {
        self.store.put_chunks(self.collection, &chunks)
    }

    fn keep(&self, recipes: &[Recipe]) -> Result<(), Error> {
        self.store.put_recipes(self.collection, recipes)
    }
}

/// Keeps blobs in a store by way of its chunks.
pub(crate) fn upload(store: &dyn Store, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
    upload::upload(&Own { store, collection }, &ChunkKey::of(collection), blobs, give)
}

/// Refuses more chunks than may be together.
pub(crate) fn check_count(count: usize) -> Result<(), Error> {
    if count <= MAX_CHUNKS { Ok(()) } else { Err(Error::Malformed(format!("chunks: at most {MAX_CHUNKS} together"))) }
}

/// Checks that chunks are what their ids say, and within the limits.
pub(crate) fn check(collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
    check_count(chunks.len())?;
    let length = chunks.iter().map(Chunk::size).sum();
    if length > MAX_BATCH {
        return Err(Error::TooLarge { length, limit: MAX_BATCH });
    }
    let key = ChunkKey::of(collection);
    chunks.iter().try_for_each(|chunk| unpack(chunk, &key).map(drop))
}

/// Checks that a recipe's chunks are there and make its blob.
pub(crate) fn check_recipe(
    collection: &Collection,
    recipe: &Recipe,
    chunk: &mut dyn FnMut(&Piece) -> Result<Chunk, Error>,
) -> Result<(), Error> {
    let (key, mut hasher) = (ChunkKey::of(collection), Sha256::new());
    for piece in &recipe.pieces {
        let content = unpack(&chunk(piece)?, &key)?;
        if content.len() != piece.length as usize {
            return Err(Error::Integrity(format!("chunk {} is {} bytes long and not {}", piece.chunk, content.len(), piece.length)));
        }
        hasher.update(&content);
    }
    let found = BlobId(hasher.finalize().into());
    if found == recipe.blob {
        Ok(())
    } else {
        Err(Error::Integrity(format!("the chunks of blob {} make {found}; nothing was kept", recipe.blob)))
    }
}
