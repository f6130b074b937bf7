//! The download: chunks that this device has are used, the others are fetched several at once, and nothing is whole before its digest is.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use protocol::{BlobId, Chunk, ChunkId, Error, Recipe, Transfer};
use sha2::{Digest, Sha256};

use crate::cut::Cutter;
use crate::key::ChunkKey;
use crate::pack::unpack;

/// How many chunks are asked for together.
const TOGETHER: usize = 32;
/// How many such questions are asked at once.
const THREADS: usize = 4;
/// How many are asked or wait to be used.
const AHEAD: usize = 2 * THREADS;

/// Where chunks come from.
pub trait Source: Sync {
    /// Returns a blob's recipe.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchBlob`] if there is none.
    fn recipe(&self, id: BlobId) -> Result<Recipe, Error>;

    /// Returns chunks in the order asked.
    ///
    /// # Errors
    /// Fails if one cannot be had.
    fn get(&self, chunks: &[ChunkId]) -> Result<Vec<Chunk>, Error>;
}

/// A place that a blob is put together in. What an interrupted transfer left in it is used.
pub trait Assembly: Read + Write + Seek {
    /// Makes it exactly so long.
    ///
    /// # Errors
    /// Fails if it cannot be that long.
    fn resize(&mut self, length: u64) -> io::Result<()>;

    /// Hears of bytes that were in their place already; all others are written, each once.
    fn present(&mut self, length: u64) {
        let _ = length;
    }
}

impl Assembly for std::fs::File {
    fn resize(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

impl Assembly for io::Cursor<Vec<u8>> {
    fn resize(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.get_mut().resize(length, 0);
        Ok(())
    }
}

/// Streams what this device has that may share chunks with a blob.
pub type Local<'l> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'l;

/// Writes a blob's bytes to `to`, in order; memory does not grow with it.
///
/// # Errors
/// Fails as the source does, with [`Error::Integrity`] if the bytes are not the blob, and with [`Error::Failed`] if they cannot be
/// written: what was written is not whole then.
pub fn stream(source: &dyn Source, key: &ChunkKey, id: BlobId, to: &mut dyn Write) -> Result<Transfer, Error> {
    let recipe = source.recipe(id)?;
    let mut hasher = Sha256::new();
    let ids: Vec<ChunkId> = recipe.pieces.iter().map(|piece| piece.chunk).collect();
    let moved = fetch(source, key, &ids, &mut |_, content| {
        hasher.update(content);
        to.write_all(content).map_err(|error| Error::Failed(format!("blob {id} cannot be handed on: {error}")))
    })?;
    require(id, BlobId(hasher.finalize().into()))?;
    Ok(moved)
}

/// Puts a blob together in `into`: from what is in there already, from what `local` streams, and from the source.
///
/// # Errors
/// As [`stream`]; what is in `into` then is used when it is tried again.
pub fn assemble(
    source: &dyn Source,
    key: &ChunkKey,
    id: BlobId,
    local: &mut Local<'_>,
    into: &mut dyn Assembly,
) -> Result<Transfer, Error> {
    let recipe = source.recipe(id)?;
    let mut wanted = Wanted::of(&recipe);
    let failed = |error: io::Error| Error::Failed(format!("blob {id} cannot be put together: {error}"));
    wanted.leave_out_present(&recipe, key, into).map_err(failed)?;
    into.resize(recipe.length()).map_err(failed)?;
    if !wanted.is_empty() {
        wanted.take_local(key, local, into).map_err(failed)?;
    }
    let ids: Vec<ChunkId> = recipe.pieces.iter().map(|piece| piece.chunk).filter(|chunk| wanted.pending(chunk)).collect();
    let moved = fetch(source, key, &ids, &mut |chunk, content| wanted.place(chunk, content, into).map_err(failed).map(drop))?;
    into.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = into.read(&mut buffer).map_err(failed)?;
        if length == 0 {
            break;
        }
        hasher.update(buffer.get(..length).unwrap_or_default());
    }
    require(id, BlobId(hasher.finalize().into()))?;
    into.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(moved)
}

fn require(id: BlobId, found: BlobId) -> Result<(), Error> {
    if found == id { Ok(()) } else { Err(Error::Integrity(format!("what was fetched as blob {id} is {found}"))) }
}

/// The places of chunks that are still to be filled.
struct Wanted {
    places: HashMap<ChunkId, Vec<u64>>,
    asked: std::collections::HashSet<ChunkId>,
    /// From here on nothing was ever written: it is zeros, and holes if the file system has them.
    fresh: u64,
}

impl Wanted {
    fn of(recipe: &Recipe) -> Self {
        let (mut places, mut place) = (HashMap::<ChunkId, Vec<u64>>::new(), 0);
        for piece in &recipe.pieces {
            places.entry(piece.chunk).or_default().push(place);
            place += u64::from(piece.length);
        }
        Self { places, asked: std::collections::HashSet::new(), fresh: 0 }
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Tells, once for each chunk, whether it is still to be had.
    fn pending(&mut self, chunk: &ChunkId) -> bool {
        self.places.contains_key(chunk) && self.asked.insert(*chunk)
    }

    /// Leaves out what is in its place already.
    fn leave_out_present(&mut self, recipe: &Recipe, key: &ChunkKey, into: &mut dyn Assembly) -> io::Result<()> {
        let present = into.seek(SeekFrom::End(0))?;
        self.fresh = present;
        into.seek(SeekFrom::Start(0))?;
        let (mut place, mut buffer) = (0, Vec::new());
        for piece in &recipe.pieces {
            let end = place + u64::from(piece.length);
            if end > present {
                return Ok(());
            }
            buffer.resize(piece.length as usize, 0);
            into.read_exact(&mut buffer)?;
            if key.id(&buffer) == piece.chunk {
                into.present(u64::from(piece.length));
            }
            if key.id(&buffer) == piece.chunk
                && let Some(places) = self.places.get_mut(&piece.chunk)
            {
                places.retain(|known| *known != place);
                if places.is_empty() {
                    self.places.remove(&piece.chunk);
                }
            }
            place = end;
        }
        Ok(())
    }

    fn take_local(&mut self, key: &ChunkKey, local: &mut Local<'_>, into: &mut dyn Assembly) -> io::Result<()> {
        let mut cutting =
            Cutting { cutter: Cutter::default(), failed: None, take: &mut |content| self.place(key.id(content), content, into) };
        let given = local(&mut cutting).and_then(|()| cutting.end());
        match cutting.failed {
            Some(error) => Err(error),
            // What cannot be read here is fetched.
            None => given.or(Ok(())),
        }
    }

    /// Writes a chunk to its places, if it has any.
    fn place(&mut self, chunk: ChunkId, content: &[u8], into: &mut dyn Assembly) -> io::Result<()> {
        let is_zero = content.iter().all(|byte| *byte == 0);
        for place in self.places.remove(&chunk).unwrap_or_default() {
            if is_zero && place >= self.fresh {
                continue;
            }
            into.seek(SeekFrom::Start(place))?;
            into.write_all(content)?;
        }
        Ok(())
    }
}

/// Cuts what is written to it.
struct Cutting<'a> {
    cutter: Cutter,
    failed: Option<io::Error>,
    take: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
}

impl Cutting<'_> {
    fn end(&mut self) -> io::Result<()> {
        let Self { cutter, failed, take } = self;
        cutter.finish(&mut |content: &[u8]| noted(take(content), failed))
    }
}

impl Write for Cutting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { cutter, failed, take } = self;
        cutter.feed(bytes, &mut |content: &[u8]| noted(take(content), failed))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps why the other side of a stream failed.
fn noted(result: io::Result<()>, failed: &mut Option<io::Error>) -> io::Result<()> {
    result.map_err(|error| {
        let kind = error.kind();
        *failed = Some(error);
        kind.into()
    })
}

/// Takes a chunk's content.
type Take<'t> = dyn FnMut(ChunkId, &[u8]) -> Result<(), Error> + 't;
/// What one question was answered with.
type Answer = Result<Fetched, Error>;

/// Contents in the order asked, and what travelled for them.
struct Fetched {
    contents: Vec<(ChunkId, Vec<u8>)>,
    transfer: Transfer,
}

/// A question, and where its answer goes.
type Question<'q> = (&'q [ChunkId], SyncSender<Answer>);

/// Fetches chunks, several questions at once, and gives their contents to `take` in order.
fn fetch(source: &dyn Source, key: &ChunkKey, ids: &[ChunkId], take: &mut Take<'_>) -> Result<Transfer, Error> {
    let mut parts = ids.chunks(TOGETHER);
    if ids.len() <= TOGETHER {
        let mut moved = Transfer::default();
        return parts.try_for_each(|part| give(ask(source, key, part)?, &mut moved, take)).map(|()| moved);
    }
    let (questions, asked) = channel::<Question<'_>>();
    let asked = Mutex::new(asked);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| work(source, key, &asked));
        }
        // However this ends, the questions end with it, and so do the threads.
        let questions = questions;
        let mut waiting: VecDeque<Receiver<Answer>> = VecDeque::new();
        let mut moved = Transfer::default();
        loop {
            while waiting.len() < AHEAD
                && let Some(part) = parts.next()
            {
                let (answer, answered) = sync_channel(1);
                questions.send((part, answer)).map_err(|_| gone())?;
                waiting.push_back(answered);
            }
            let Some(next) = waiting.pop_front() else { return Ok(moved) };
            give(next.recv().map_err(|_| gone())??, &mut moved, take)?;
        }
    })
}

fn gone() -> Error {
    Error::Failed("a thread that fetches chunks has ended".into())
}

fn work(source: &dyn Source, key: &ChunkKey, asked: &Mutex<Receiver<Question<'_>>>) {
    loop {
        let question = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((part, answer)) = question else { return };
        // Whoever asked may have given up.
        let _ = answer.send(ask(source, key, part));
    }
}

fn give(answer: Fetched, moved: &mut Transfer, take: &mut Take<'_>) -> Result<(), Error> {
    moved.chunks += answer.transfer.chunks;
    moved.bytes += answer.transfer.bytes;
    answer.contents.into_iter().try_for_each(|(id, content)| take(id, &content))
}

/// Asks once for chunks, each of which may be wanted several times.
fn ask(source: &dyn Source, key: &ChunkKey, part: &[ChunkId]) -> Answer {
    let chunks = source.get(part)?;
    let mut transfer = Transfer::default();
    let mut contents = Vec::with_capacity(part.len());
    if chunks.len() != part.len() {
        return Err(Error::Integrity(format!("{} chunks were sent where {} were asked for", chunks.len(), part.len())));
    }
    for (id, chunk) in part.iter().zip(chunks) {
        if chunk.id != *id {
            return Err(Error::Integrity(format!("chunk {} was sent where {id} was asked for", chunk.id)));
        }
        transfer.chunks += 1;
        transfer.bytes += chunk.bytes.len() as u64;
        contents.push((*id, unpack(&chunk, key)?));
    }
    Ok(Fetched { contents, transfer })
}

/// A blob that is fetched as it is read, a few chunks at a time; one that turns out to be another ends with an error.
pub struct Reader<S> {
    source: S,
    key: ChunkKey,
    recipe: Recipe,
    next: usize,
    content: VecDeque<io::Cursor<Vec<u8>>>,
    hasher: Sha256,
}

impl<S: Source> Reader<S> {
    /// Asks for the recipe.
    ///
    /// # Errors
    /// Fails as the source does.
    pub fn open(source: S, key: ChunkKey, id: BlobId) -> Result<Self, Error> {
        let recipe = source.recipe(id)?;
        Ok(Self { source, key, recipe, next: 0, content: VecDeque::new(), hasher: Sha256::new() })
    }

    /// Fetches the next chunks; false after the last ones.
    fn advance(&mut self) -> Result<bool, Error> {
        let some = self.recipe.pieces.iter().skip(self.next).take(TOGETHER);
        let part: Vec<ChunkId> = some.map(|piece| piece.chunk).collect();
        if part.is_empty() {
            return require(self.recipe.blob, BlobId(self.hasher.clone().finalize().into())).map(|()| false);
        }
        let Fetched { contents, .. } = ask(&self.source, &self.key, &part)?;
        self.next += part.len();
        self.content.extend(contents.into_iter().map(|(_, content)| io::Cursor::new(content)));
        Ok(true)
    }
}

impl<S: Source> Read for Reader<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(content) = self.content.front_mut() {
                let length = content.read(buffer)?;
                self.hasher.update(buffer.get(..length).unwrap_or_default());
                if length > 0 || buffer.is_empty() {
                    return Ok(length);
                }
                self.content.pop_front();
            } else if !self.advance().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use protocol::Piece;

    use super::*;
    use crate::pack::pack;

    struct Shelf(Recipe, BTreeMap<ChunkId, Chunk>);

    impl Source for Shelf {
        fn recipe(&self, _: BlobId) -> Result<Recipe, Error> {
            Ok(self.0.clone())
        }

        fn get(&self, chunks: &[ChunkId]) -> Result<Vec<Chunk>, Error> {
            Ok(chunks.iter().map(|chunk| self.1[chunk].clone()).collect())
        }
    }

    /// A place that counts what is written to it.
    struct Counted(io::Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += bytes.len();
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    impl Assembly for Counted {
        fn resize(&mut self, length: u64) -> io::Result<()> {
            self.0.resize(length)
        }
    }

    #[test]
    fn zeros_are_written_only_over_what_is_none() {
        let (key, zeros, text) = (ChunkKey::of(&"files".parse().unwrap()), vec![0; 100_000], vec![b'x'; 1000]);
        let parts = [&zeros, &text, &zeros];
        let content: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let pieces = parts.iter().map(|part| Piece { chunk: key.id(part), length: part.len().try_into().unwrap() }).collect();
        let blob = BlobId(Sha256::digest(&content).into());
        let chunks = parts.iter().map(|part| (key.id(part), pack(key.id(part), part.to_vec()))).collect();
        let shelf = Shelf(Recipe { blob, pieces }, chunks);
        for (before, written) in [(Vec::new(), 1000), (vec![b'y'; 50], 101_000), (vec![b'y'; 201_000], 201_000), (content.clone(), 0)] {
            let mut into = Counted(io::Cursor::new(before), 0);
            assemble(&shelf, &key, blob, &mut |_| Ok(()), &mut into).unwrap();
            assert!(*into.0.get_ref() == content);
            assert_eq!(into.1, written);
        }
    }
}
