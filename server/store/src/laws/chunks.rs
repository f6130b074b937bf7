//! Laws of chunks: only those that are missing move, each is what its id says, and a blob is made of them or not there.

use std::io::{self, Write};

use chunks::ChunkKey;
use chunks::download::{self, Source};
use chunks::pack::pack;
use protocol::chunk::{Form, MAX_CHUNKS};
use protocol::{BlobId, Chunk, ChunkId, Collection, Error, Piece, Recipe, Store, Transfer};
use sha2::{Digest, Sha256};

use super::{Bench, Broken, Law, equal, refused, require};

pub(super) const LAWS: &[Law] = &[
    Law { name: "chunks and a recipe that are put make a blob", check: by_hand },
    Law { name: "chunks come in the order asked, and one that is not there is named", check: order },
    Law { name: "a chunk that is not what it says is refused and nothing is kept", check: false_chunks },
    Law { name: "a recipe without its chunks, or of another blob, is refused", check: false_recipes },
    Law { name: "a blob in which one byte was inserted moves two chunks at most", check: insertion },
    Law { name: "an upload that was broken off goes on where it stopped", check: interrupted_upload },
    Law { name: "a download uses what an interrupted one left, and what the device has", check: local_download },
    Law { name: "a blob that is opened is read piece by piece to its end", check: opened },
    Law { name: "blobs before one that fails are kept", check: several },
    Law { name: "chunks of one collection are not seen in another", check: own_collection },
];

/// Returns bytes that do not repeat.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..length).map(|_| next()).collect()
}

fn id(bytes: &[u8]) -> BlobId {
    BlobId(Sha256::digest(bytes).into())
}

fn chunk(collection: &Collection, content: &[u8]) -> Chunk {
    pack(ChunkKey::of(collection).id(content), content.to_vec())
}

fn recipe(blob: BlobId, chunks: &[&Chunk]) -> Recipe {
    Recipe { blob, pieces: chunks.iter().map(|chunk| Piece { chunk: chunk.id, length: chunk.length }).collect() }
}

fn put(store: &dyn Store, collection: &Collection, bytes: &[u8]) -> Result<Transfer, Error> {
    store.put_blobs(collection, &[id(bytes)], &mut |_, to| to.write_all(bytes))
}

fn content(store: &dyn Store, collection: &Collection, id: BlobId) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    store.blob(collection, id, &mut bytes)?;
    Ok(bytes)
}

fn get(store: &dyn Store, collection: &Collection, ids: &[ChunkId]) -> Result<Vec<Chunk>, Error> {
    let mut chunks = Vec::new();
    store.chunks(collection, ids, &mut |chunk| {
        chunks.push(chunk);
        Ok(())
    })?;
    Ok(chunks)
}

fn by_hand(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let store = &*bench.store;
    let (one, two) = (chunk(&collection, b"one"), chunk(&collection, &vec![2; 100_000]));
    let whole = [b"one".as_slice(), &vec![2; 100_000], b"one"].concat();
    equal("the missing before", &store.missing_chunks(&collection, &[two.id, one.id])?, &vec![two.id, one.id])?;
    store.put_chunks(&collection, &[one.clone(), two.clone()])?;
    store.put_chunks(&collection, &[])?;
    equal("the missing after", &store.missing_chunks(&collection, &[two.id, one.id])?, &Vec::new())?;
    let recipe = recipe(id(&whole), &[&one, &two, &one]);
    refused("a recipe that is not there", store.recipe(&collection, recipe.blob), |error| matches!(error, Error::NoSuchBlob(_)))?;
    store.put_recipes(&collection, std::slice::from_ref(&recipe))?;
    store.put_recipes(&collection, std::slice::from_ref(&recipe))?;
    equal("the missing blobs", &store.missing(&collection, &[recipe.blob])?, &Vec::new())?;
    equal("the recipe", &store.recipe(&collection, recipe.blob)?, &recipe)?;
    require(content(store, &collection, recipe.blob)? == whole, || "the blob came back as another one".into())
}

fn order(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let store = &*bench.store;
    let chunks: [Chunk; 9] = std::array::from_fn(|number| chunk(&collection, format!("chunk {number}").as_bytes()));
    store.put_chunks(&collection, &chunks)?;
    let ids = chunks.each_ref().map(|chunk| chunk.id);
    equal("the chunks", &get(store, &collection, &ids)?, &chunks.to_vec())?;
    let backwards: Vec<ChunkId> = ids.iter().rev().chain(&ids).copied().collect();
    let found: Vec<ChunkId> = get(store, &collection, &backwards)?.iter().map(|chunk| chunk.id).collect();
    equal("the chunks backwards, and again", &found, &backwards)?;
    let ([mine, ..], lacking) = (ids, ChunkId([1; 32]));
    refused("a chunk that is not there", get(store, &collection, &[mine, lacking]), |error| matches!(error, Error::NoSuchChunk(_)))?;
    refused("too many at once", get(store, &collection, &vec![lacking; MAX_CHUNKS + 1]), |error| matches!(error, Error::Malformed(_)))
}

fn false_chunks(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let store = &*bench.store;
    let (good, other) = (chunk(&collection, b"good"), chunk(&collection, &vec![7; 200_000]));
    let bomb = zeros(64 << 20);
    let id = ChunkKey::of(&collection).id(&vec![0; 1000]);
    let lies = [
        Chunk { id: good.id, ..other.clone() },
        Chunk { length: other.length - 1, ..other.clone() },
        Chunk { form: Form::Raw, ..other.clone() },
        Chunk { id, form: Form::Zstd, length: 1000, bytes: bomb.clone() },
        Chunk { id, form: Form::Zstd, length: 200_000, bytes: bomb.clone() },
        Chunk { id, form: Form::Zstd, length: 1 << 31, bytes: bomb },
        Chunk { bytes: Vec::new(), length: 0, form: Form::Raw, id },
    ];
    for lie in lies {
        let id = lie.id;
        let answer = store.put_chunks(&collection, &[good.clone(), lie]);
        refused("a chunk that lies", answer, |error| matches!(error, Error::Integrity(_) | Error::Malformed(_)))?;
        equal("what is missing then", &store.missing_chunks(&collection, &[good.id, id])?, &vec![good.id, id])?;
    }
    let many: Vec<Chunk> = (0..=u32::try_from(MAX_CHUNKS).unwrap_or(0)).map(|number| chunk(&collection, &number.to_be_bytes())).collect();
    refused("too many chunks", store.put_chunks(&collection, &many), |error| matches!(error, Error::Malformed(_)))
}

/// Returns a frame that unpacks to so many zeros.
fn zeros(length: usize) -> Vec<u8> {
    pack(ChunkId([0; 32]), vec![0; length]).bytes
}

fn false_recipes(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let store = &*bench.store;
    let (one, two) = (chunk(&collection, b"one"), chunk(&collection, b"two"));
    store.put_chunks(&collection, std::slice::from_ref(&one))?;
    let answer = store.put_recipes(&collection, &[recipe(id(b"one"), &[&one]), recipe(id(b"onetwo"), &[&one, &two])]);
    refused("a recipe whose chunk is not there", answer, |error| matches!(error, Error::NoSuchChunk(_)))?;
    let other = recipe(id(b"another"), &[&one]);
    let longer = Recipe { blob: id(b"one"), pieces: vec![Piece { chunk: one.id, length: 4 }] };
    for lie in [other, longer] {
        refused("a recipe of another blob", store.put_recipes(&collection, &[lie]), |error| matches!(error, Error::Integrity(_)))?;
    }
    let ids = [id(b"one"), id(b"onetwo"), id(b"another")];
    equal("the blobs that are missing", &store.missing(&collection, &ids)?, &ids.to_vec())
}

fn insertion(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let before = noise(2 << 20);
    let after = [b"x".as_slice(), &before].concat();
    let first = put(&*bench.store, &collection, &before)?;
    require(first.chunks > 8 && first.bytes >= 2 << 20, || format!("the first time {first:?} moved"))?;
    let second = put(&*bench.store, &collection, &after)?;
    require((1..=2).contains(&second.chunks), || format!("for one byte {second:?} moved"))?;
    equal("what moves for nothing", &put(&*bench.store, &collection, &after)?, &Transfer::default())?;
    require(content(&*bench.store, &collection, id(&after))? == after, || "it came back as another one".into())
}

fn interrupted_upload(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let bytes = noise(20 << 20);
    let half = bytes.split_at(bytes.len() / 2).0;
    let broken = bench.store.put_blobs(&collection, &[id(&bytes)], &mut |_, to| {
        to.write_all(half)?;
        Err(io::ErrorKind::ConnectionReset.into())
    });
    refused("a source that breaks off", broken, |_| true)?;
    equal("what is missing", &bench.store.missing(&collection, &[id(&bytes)])?, &vec![id(&bytes)])?;
    let rest = put(&*bench.store, &collection, &bytes)?;
    require(rest.bytes < (11 << 20), || format!("{rest:?} moved where half was there"))
}

/// A collection of a store, as blobs are fetched from it.
struct From<'a>(&'a dyn Store, &'a Collection);

impl Source for From<'_> {
    fn recipe(&self, id: BlobId) -> Result<Recipe, Error> {
        self.0.recipe(self.1, id)
    }

    fn get(&self, chunks: &[ChunkId]) -> Result<Vec<Chunk>, Error> {
        get(self.0, self.1, chunks)
    }
}

fn local_download(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let (old, key) = (noise(5 << 20), ChunkKey::of(&collection));
    let (front, back) = old.split_at(3 << 20);
    let new = [front, b"an insertion".as_slice(), back].concat();
    put(&*bench.store, &collection, &new)?;
    let from = From(&*bench.store, &collection);
    let assemble = |left: &[u8], local: &[u8]| {
        let mut into = io::Cursor::new(left.to_vec());
        let moved = download::assemble(&from, &key, id(&new), &mut |to: &mut dyn Write| to.write_all(local), &mut into)?;
        require(into.get_ref() == &new, || "it was put together wrongly".into()).map(|()| moved)
    };
    let all = assemble(&[], &[])?;
    require(all.bytes >= 5 << 20, || format!("{all:?} moved for all of it"))?;
    let few = assemble(&[], &old)?;
    require((1..=3).contains(&few.chunks), || format!("{few:?} moved where the old one is there"))?;
    let rest = assemble(front, &[])?;
    require(rest.bytes < (5 << 19), || format!("{rest:?} moved where three of five were there"))?;
    let longer = [new.as_slice(), b"and what does not belong to it"].concat();
    equal("what moves for nothing", &assemble(&longer, &[])?, &Transfer::default())
}

fn opened(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let bytes = noise(700_000);
    put(&*bench.store, &collection, &bytes)?;
    let (mut read, mut all) = (bench.store.open_blob(&collection, id(&bytes))?, Vec::new());
    let done = read.read_to_end(&mut all);
    require(done.is_ok() && all == bytes, || format!("{done:?}: it was read as another one"))?;
    refused("a blob that is not there", bench.store.open_blob(&collection, id(b"x")).map(drop), |error| {
        matches!(error, Error::NoSuchBlob(_))
    })
}

fn several(bench: &Bench<'_>) -> Result<(), Broken> {
    let (collection, _) = bench.log()?;
    let contents: [&[u8]; 4] = [b"first", b"", b"third", b"fourth"];
    let ids = contents.map(id);
    let answer = bench.store.put_blobs(&collection, &ids, &mut |id, to| {
        let position = ids.iter().position(|known| *known == id).unwrap_or(0);
        to.write_all(contents.get(position).copied().filter(|_| position != 2).unwrap_or(b"something else"))
    });
    refused("a blob that is another one", answer, |error| matches!(error, Error::Integrity(_)))?;
    equal("the missing", &bench.store.missing(&collection, &ids)?, &vec![ids[2], ids[3]])
}

fn own_collection(bench: &Bench<'_>) -> Result<(), Broken> {
    let ((one, _), (other, _)) = (bench.log()?, bench.log()?);
    let mine = chunk(&one, b"mine");
    bench.store.put_chunks(&one, std::slice::from_ref(&mine))?;
    equal("the missing elsewhere", &bench.store.missing_chunks(&other, &[mine.id])?, &vec![mine.id])?;
    require(chunk(&other, b"mine").id != mine.id, || "two collections name their chunks alike".into())
}
