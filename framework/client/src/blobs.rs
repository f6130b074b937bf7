//! Blobs over HTTP: in chunks, of which only those move that the other side lacks, and an answer that breaks off is gone on with.

use std::io::{Read, Write};
use std::time::Duration;

use chunks::ChunkKey;
use chunks::download::{self, Source};
use chunks::upload::{self, Shelf};
use protocol::chunk::{self, MAX_CHUNKS, MAX_PIECES, MAX_RECIPES};
use protocol::messages::{Chunks, MAX_IDS};
use protocol::routes::Route;
use protocol::{BlobId, Chunk, ChunkId, Collection, Error, Give, Recipe, Transfer, wire};

use crate::http::{Broken, Line};
use crate::session::{Call, Session};

/// How many bytes of blobs a store reads through in a second, at the least: it does so before it takes a recipe.
const READ_THROUGH: u64 = 16 << 20;
/// How many pieces of recipes are sent together, and how many bytes the store reads through for them; one recipe may have more.
const TOGETHER: (usize, u64) = (MAX_PIECES / 4, 1 << 30);
/// The most bytes of an answer with chunks.
const MAX_ANSWER: u64 = (MAX_CHUNKS as u64) * (chunk::MAX_CHUNK as u64 + 64) + 64;

/// A collection of the store, as chunks go to it and come from it.
struct Own<'a> {
    session: &'a Session,
    collection: &'a Collection,
}

impl Shelf for Own<'_> {
    fn missing(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        missing(self.session, self.collection, chunks)
    }

    fn put(&self, chunks: Vec<Chunk>) -> Result<(), Error> {
        put_chunks(self.session, self.collection, &chunks)
    }

    fn keep(&self, recipes: &[Recipe]) -> Result<(), Error> {
        put_recipes(self.session, self.collection, recipes)
    }
}

impl Source for Own<'_> {
    fn recipe(&self, id: BlobId) -> Result<Recipe, Error> {
        recipe(self.session, self.collection, id)
    }

    fn get(&self, chunks: &[ChunkId]) -> Result<Vec<Chunk>, Error> {
        fetch(self.session, self.collection, chunks)
    }
}

/// Sends blobs.
pub(crate) fn put(session: &Session, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
    upload::upload(&Own { session, collection }, &ChunkKey::of(collection), blobs, give)
}

/// Fetches a blob, several parts of it at once.
pub(crate) fn get(session: &Session, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
    download::stream(&Own { session, collection }, &ChunkKey::of(collection), id, to).map(drop)
}

/// Opens a blob that is fetched as it is read.
pub(crate) fn open<'a>(session: &'a Session, collection: &'a Collection, id: BlobId) -> Result<impl Read + use<'a>, Error> {
    download::Reader::open(Own { session, collection }, ChunkKey::of(collection), id)
}

/// Asks which chunks are missing.
pub(crate) fn missing(session: &Session, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
    let mut missing = Vec::new();
    for some in chunks.chunks(MAX_IDS) {
        let name = [collection.as_str()];
        let answer: Chunks = session.exchange(&Call::to(Route::MissingChunks, &name), &Chunks { chunks: some.to_vec() })?;
        missing.extend(answer.chunks);
    }
    Ok(missing)
}

/// Sends chunks.
pub(crate) fn put_chunks(session: &Session, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
    let (bytes, _) = chunk::encode_chunks(chunks, [0; 16]);
    session.ask(&Call::to(Route::PutChunks, &[collection.as_str()]).with(wire::BYTES, &bytes), 0).map(drop)
}

/// Fetches chunks in the order asked. Those that arrived before an answer broke off are not asked for again.
pub(crate) fn fetch(session: &Session, collection: &Collection, ids: &[ChunkId]) -> Result<Vec<Chunk>, Error> {
    let mut found: Vec<Chunk> = Vec::new();
    while let Some(rest) = ids.get(found.len()..).filter(|rest| !rest.is_empty()) {
        let message = crate::session::write(&Chunks { chunks: rest.to_vec() })?;
        let name = [collection.as_str()];
        let call = Call::to(Route::GetChunks, &name).with("application/json", &message);
        let some = session.asking(&call, |answer| {
            let (mut bytes, mut from) = (Vec::new(), Line::reader(answer, MAX_ANSWER));
            let read = from.read_to_end(&mut bytes);
            let (chunks, all) = chunk::decode_chunks(&bytes).map_err(|error| Broken::Wrong(error.to_string()))?;
            let whole = read.is_ok() && all && chunks.len() == rest.len();
            // What came is worth keeping; only if nothing did, it is the same question again, after a pause.
            if whole || !chunks.is_empty() { Ok(chunks) } else { Err(Broken::Silent("the connection broke".to_owned())) }
        })?;
        let as_asked = some.len() <= rest.len() && some.iter().zip(rest).all(|(chunk, id)| chunk.id == *id);
        if !as_asked {
            return Err(Error::Integrity("the store sent other chunks than were asked for".to_owned()));
        }
        found.extend(some);
    }
    Ok(found)
}

/// Sends recipes. The store reads the blobs through before it answers, and is given the time for it.
pub(crate) fn put_recipes(session: &Session, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
    let mut left = recipes;
    while !left.is_empty() {
        let mut sum = (0, 0);
        let fits = left.iter().take_while(|recipe| {
            sum = (sum.0 + recipe.pieces.len(), sum.1 + recipe.length());
            sum.0 <= TOGETHER.0 && sum.1 <= TOGETHER.1
        });
        let (some, others) = left.split_at(fits.count().clamp(1, MAX_IDS).min(left.len()));
        let bytes = chunk::encode_recipes(some);
        let length: u64 = some.iter().map(Recipe::length).sum();
        let name = [collection.as_str()];
        let call = Call { patience: Duration::from_secs(length / READ_THROUGH), ..Call::to(Route::PutRecipes, &name) };
        session.ask(&call.with(wire::BYTES, &bytes), 0)?;
        left = others;
    }
    Ok(())
}

/// Asks for a recipe.
pub(crate) fn recipe(session: &Session, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
    let reply = session.ask(&Call::to(Route::GetRecipe, &[collection.as_str(), &id.to_string()]), MAX_RECIPES as u64)?;
    let recipe = Recipe::decode(&reply.bytes)?;
    if recipe.blob == id {
        Ok(recipe)
    } else {
        Err(Error::Integrity(format!("the store sent the recipe of blob {} for {id}", recipe.blob)))
    }
}
