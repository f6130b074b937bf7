//! The upload: blobs are cut as they come, and only the chunks that the other side lacks are packed and sent, many at a time.

use std::collections::HashSet;
use std::io::{self, Write};
use std::thread;

use protocol::chunk::{MAX_CHUNKS, MAX_PIECES};
use protocol::{BlobId, Chunk, ChunkId, Error, Give, Piece, Recipe, Transfer};
use sha2::{Digest, Sha256};

use crate::cut::Cutter;
use crate::key::ChunkKey;
use crate::pack::pack;

/// How many bytes of chunks are gathered before the other side is asked.
const BATCH: usize = 8 << 20;
/// How many pieces of recipes wait at most until they are kept.
const WAITING: usize = 20_000;
/// How many threads pack.
const THREADS: usize = 4;

/// Where chunks go.
pub trait Shelf {
    /// Returns which chunks it lacks.
    ///
    /// # Errors
    /// Fails if it cannot be asked.
    fn missing(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error>;

    /// Takes chunks.
    ///
    /// # Errors
    /// Fails if it cannot keep them.
    fn put(&self, chunks: Vec<Chunk>) -> Result<(), Error>;

    /// Takes recipes whose chunks it has.
    ///
    /// # Errors
    /// Fails if it cannot keep them.
    fn keep(&self, recipes: &[Recipe]) -> Result<(), Error>;
}

/// Sends blobs as `give` streams them. What was whole before one that fails is kept, and so are that one's chunks.
///
/// # Errors
/// Fails with [`Error::Integrity`] if `give` streams another blob, with [`Error::Failed`] if it fails, and as the shelf does.
pub fn upload(shelf: &dyn Shelf, key: &ChunkKey, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
    let batch = Batch { shelf, key, chunks: Vec::new(), held: HashSet::new(), bytes: 0, flushes: 0, moved: Transfer::default() };
    let mut sending = Sending { batch, cutter: Cutter::default(), waiting: Vec::new(), waiting_pieces: 0 };
    for blob in blobs {
        let sent = sending.send(*blob, give);
        // Whatever became of this one, the ones before it are kept.
        if sent.is_err() || sending.waiting_pieces > WAITING {
            let flushed = sending.flush();
            sent.and(flushed)?;
        }
    }
    sending.flush()?;
    Ok(sending.batch.moved)
}

struct Sending<'a> {
    batch: Batch<'a>,
    cutter: Cutter,
    waiting: Vec<Recipe>,
    waiting_pieces: usize,
}

impl Sending<'_> {
    fn send(&mut self, id: BlobId, give: &mut Give<'_>) -> Result<(), Error> {
        let before = self.batch.mark();
        let mut blob = Blob { batch: &mut self.batch, cutter: &mut self.cutter, hasher: Sha256::new(), pieces: Vec::new(), failed: None };
        let given = give(id, &mut blob).and_then(|()| blob.end());
        let Blob { hasher, pieces, failed, .. } = blob;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Err(error) = given {
            // What was begun of it must not be taken for the next one's.
            self.cutter = Cutter::default();
            return Err(Error::Failed(format!("what was to be kept as blob {id} cannot be read: {error}")));
        }
        let found = BlobId(hasher.finalize().into());
        if found != id {
            // Nobody will ask for these again.
            self.batch.go_back(before);
            return Err(Error::Integrity(format!("what was given as blob {id} is {found}; nothing was kept")));
        }
        self.waiting_pieces += pieces.len();
        self.waiting.push(Recipe { blob: id, pieces });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.batch.flush()?;
        if !self.waiting.is_empty() {
            self.batch.shelf.keep(&self.waiting)?;
        }
        self.waiting.clear();
        self.waiting_pieces = 0;
        Ok(())
    }
}

/// Chunks that wait to be asked about.
struct Batch<'a> {
    shelf: &'a dyn Shelf,
    key: &'a ChunkKey,
    chunks: Vec<(ChunkId, Vec<u8>)>,
    held: HashSet<ChunkId>,
    bytes: usize,
    flushes: usize,
    moved: Transfer,
}

impl Batch<'_> {
    /// Returns where a blob begins: what was flushed, and what waits.
    fn mark(&self) -> (usize, usize) {
        (self.flushes, self.chunks.len())
    }

    /// Forgets what came after a mark and was not flushed.
    fn go_back(&mut self, (flushes, length): (usize, usize)) {
        let length = if flushes == self.flushes { length } else { 0 };
        for (id, content) in self.chunks.drain(length..) {
            self.held.remove(&id);
            self.bytes -= content.len();
        }
    }

    fn take(&mut self, content: &[u8]) -> Result<Piece, Error> {
        let chunk = self.key.id(content);
        if self.held.insert(chunk) {
            self.chunks.push((chunk, content.to_vec()));
            self.bytes += content.len();
        }
        if self.bytes >= BATCH || self.chunks.len() >= MAX_CHUNKS {
            self.flush()?;
        }
        Ok(Piece { chunk, length: u32::try_from(content.len()).unwrap_or(u32::MAX) })
    }

    fn flush(&mut self) -> Result<(), Error> {
        let ids: Vec<ChunkId> = self.chunks.iter().map(|(id, _)| *id).collect();
        let missing: HashSet<ChunkId> = if ids.is_empty() { HashSet::new() } else { self.shelf.missing(&ids)?.into_iter().collect() };
        let lacking: Vec<_> = self.chunks.drain(..).filter(|(id, _)| missing.contains(id)).collect();
        self.held.clear();
        self.bytes = 0;
        self.flushes += 1;
        if lacking.is_empty() {
            return Ok(());
        }
        let packed = packed(lacking);
        let (chunks, bytes) = (packed.len() as u64, packed.iter().map(|chunk| chunk.bytes.len() as u64).sum::<u64>());
        self.shelf.put(packed)?;
        self.moved.chunks += chunks;
        self.moved.bytes += bytes;
        Ok(())
    }
}

/// Packs chunks, several at once where there are many.
fn packed(chunks: Vec<(ChunkId, Vec<u8>)>) -> Vec<Chunk> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let share = chunks.len().div_ceil(threads).max(4);
    let mut shares: Vec<Vec<_>> = Vec::new();
    let mut left = chunks.into_iter().peekable();
    while left.peek().is_some() {
        shares.push(left.by_ref().take(share).collect());
    }
    let one = |share: Vec<(ChunkId, Vec<u8>)>| share.into_iter().map(|(id, content)| pack(id, content)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let last = shares.pop().unwrap_or_default();
        let others: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || one(share))).collect();
        let last = one(last);
        let mut all: Vec<Chunk> = others.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
        all.extend(last);
        all
    })
}

/// A blob on its way.
struct Blob<'a, 'b> {
    batch: &'a mut Batch<'b>,
    cutter: &'a mut Cutter,
    hasher: Sha256,
    pieces: Vec<Piece>,
    failed: Option<Error>,
}

impl Blob<'_, '_> {
    fn end(&mut self) -> io::Result<()> {
        let Self { batch, cutter, pieces, failed, .. } = self;
        cutter.finish(&mut |content: &[u8]| piece(batch, pieces, failed, content))
    }
}

impl Write for Blob<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { batch, cutter, hasher, pieces, failed } = self;
        hasher.update(bytes);
        cutter.feed(bytes, &mut |content: &[u8]| piece(batch, pieces, failed, content))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the next piece. What the shelf says is kept for whoever asked, who hears only that it failed.
fn piece(batch: &mut Batch<'_>, pieces: &mut Vec<Piece>, failed: &mut Option<Error>, content: &[u8]) -> io::Result<()> {
    let taken = if pieces.len() == MAX_PIECES {
        Err(Error::TooLarge { length: usize::MAX, limit: MAX_PIECES * crate::cut::MIN })
    } else {
        batch.take(content)
    };
    match taken {
        Ok(piece) => {
            pieces.push(piece);
            Ok(())
        }
        Err(error) => {
            let text = error.to_string();
            *failed = Some(error);
            Err(io::Error::other(text))
        }
    }
}
