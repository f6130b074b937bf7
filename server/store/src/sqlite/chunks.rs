//! Chunks: many lie in one pack, a file that is written once, and a row says where each begins.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};

use chunks::ChunkKey;
use chunks::pack::unpack;
use protocol::{Chunk, ChunkId, Collection, Error, chunk};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::append::bound;
use super::files::Room;
use super::{Sqlite, failure, find_log};
use crate::shelf;

/// How long a chunk stays that no blob is made of yet, in milliseconds: longer than any upload is interrupted. Seven days.
pub(super) const GRACE: i64 = 7 * 86_400_000;

/// Where a chunk lies.
#[derive(Clone, Copy)]
pub(super) struct Located {
    pub(super) row: i64,
    pub(super) id: ChunkId,
    pub(super) length: u32,
    pack: [u8; 32],
    place: u64,
    size: usize,
    touched: i64,
    damaged: bool,
}

/// What a row of chunk and pack is read from, in the order of [`Located::read`].
pub(super) const LOCATED: &str = "chunk.id, chunk.chunk, chunk.length, pack.digest, chunk.place, chunk.size, chunk.touched, chunk.damaged";

impl Located {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (place, size): (i64, u32) = (row.get(4)?, row.get(5)?);
        Ok(Self {
            row: row.get(0)?,
            id: ChunkId(row.get(1)?),
            length: row.get(2)?,
            pack: row.get(3)?,
            place: u64::try_from(place).unwrap_or(u64::MAX),
            size: size as usize,
            touched: row.get(6)?,
            damaged: row.get(7)?,
        })
    }
}

/// Looks up a chunk.
pub(super) fn locate(connection: &Connection, log: i64, id: &ChunkId) -> rusqlite::Result<Option<Located>> {
    let sql = format!("SELECT {LOCATED} FROM chunk JOIN pack ON pack.id = chunk.pack WHERE chunk.log = ?1 AND chunk.chunk = ?2");
    connection.prepare_cached(&sql)?.query_row(params![log, id.0], Located::read).optional()
}

/// The rows of a pack that is on the disk already.
struct Pack {
    digest: [u8; 32],
    length: i64,
    at: i64,
    chunks: Vec<(ChunkId, u32, i64, i64)>,
}

impl Pack {
    fn name(&self, transaction: &Transaction<'_>, log: i64) -> rusqlite::Result<i64> {
        transaction.execute("INSERT INTO pack (log, digest, length) VALUES (?1, ?2, ?3)", params![log, self.digest, self.length])?;
        Ok(transaction.last_insert_rowid())
    }

    /// Names the pack as the place of chunks that lie elsewhere; one that was swept away meanwhile stays away.
    fn replace(&self, transaction: &Transaction<'_>, log: i64) -> rusqlite::Result<()> {
        let pack = self.name(transaction, log)?;
        let mut moved =
            transaction.prepare_cached("UPDATE chunk SET pack = ?3, place = ?4, size = ?5, damaged = 0 WHERE log = ?1 AND chunk = ?2")?;
        self.chunks.iter().try_for_each(|(id, _, place, size)| moved.execute(params![log, id.0, pack, place, size]).map(drop))
    }

    /// Names the pack and its chunks. A chunk that lies whole elsewhere stays there.
    fn insert(&self, transaction: &Transaction<'_>, log: i64) -> rusqlite::Result<()> {
        let pack = self.name(transaction, log)?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO chunk (log, chunk, pack, place, size, length, touched) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (log, chunk) DO UPDATE SET pack = ?3, place = ?4, size = ?5, damaged = 0, touched = ?7 WHERE damaged = 1",
        )?;
        for (id, length, place, size) in &self.chunks {
            insert.execute(params![log, id.0, pack, place, size, length, self.at])?;
        }
        Ok(())
    }
}

/// Reads chunks from their packs; the last pack stays open.
pub(super) struct Reading<'a> {
    store: &'a Sqlite,
    collection: Collection,
    key: ChunkKey,
    open: Option<([u8; 32], File)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(store: &'a Sqlite, collection: &Collection) -> Self {
        Self { store, collection: collection.clone(), key: ChunkKey::of(collection), open: None }
    }

    /// Returns a chunk as it is kept, and its content. One that is damaged is missing from then on, until it is put again.
    pub(super) fn read(&mut self, located: &Located) -> Result<(Chunk, Vec<u8>), Error> {
        let read = self.attempt(located);
        // A pack whose chunks moved to another one is removed: where it lies now is looked up once more.
        let moved = |now: &Located| now.pack != located.pack;
        if read.is_err()
            && let Some(now) = self.store.locate(&self.collection, &[located.id])?.pop().flatten().filter(moved)
        {
            return self.attempt(&now);
        }
        // A disk that cannot be read at present, or too many open files, say nothing of what lies there.
        read.inspect_err(|error| {
            if matches!(error, Error::Integrity(_)) {
                self.store.note_damage(located);
            }
        })
    }

    fn attempt(&mut self, located: &Located) -> Result<(Chunk, Vec<u8>), Error> {
        let path = self.store.files.path(Room::Packs, &self.collection, located.pack);
        let damaged = |what: &dyn std::fmt::Display| failure::damaged(&path, format_args!("chunk {}: {what}", located.id));
        if self.open.as_ref().is_none_or(|(pack, _)| *pack != located.pack) {
            let file = File::open(&path).map_err(|error| match error.kind() {
                ErrorKind::NotFound => damaged(&"the file is not there"),
                _ => failure::io("read", &path, &error),
            })?;
            self.open = Some((located.pack, file));
        }
        let Some((_, file)) = &mut self.open else { return Err(damaged(&"it cannot be read")) };
        let mut bytes = vec![0; located.size];
        let whole = file.seek(SeekFrom::Start(located.place)).and_then(|_| file.read_exact(&mut bytes));
        whole.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => damaged(&"the file is too short"),
            _ => failure::io("read", &path, &error),
        })?;
        let (chunk, _) = Chunk::decode(&bytes).map_err(|error| damaged(&error))?.ok_or_else(|| damaged(&"it is not all there"))?;
        if chunk.id != located.id || chunk.length != located.length {
            return Err(damaged(&"another one lies there"));
        }
        let content = unpack(&chunk, &self.key).map_err(|error| damaged(&error))?;
        Ok((chunk, content))
    }
}

impl Sqlite {
    /// Looks up chunks, in the order asked.
    fn locate(&self, collection: &Collection, ids: &[ChunkId]) -> Result<Vec<Option<Located>>, Error> {
        self.readers.read(&self.path, |connection| {
            let look = || {
                let Some(log) = find_log(connection, collection)? else { return Ok(vec![None; ids.len()]) };
                ids.iter().map(|id| locate(connection, log, id)).collect()
            };
            look().map_err(|error| failure::database(&self.path, &error))
        })
    }

    pub(super) fn lacking_chunks(&self, collection: &Collection, ids: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        let now = bound(self.clock.now().0);
        let (mut missing, mut old) = (Vec::new(), Vec::new());
        for (id, located) in ids.iter().zip(self.locate(collection, ids)?) {
            match located.filter(|located| !located.damaged) {
                Some(located) if located.touched < now - GRACE / 4 => old.push(located.row),
                Some(_) => {}
                None => missing.push(*id),
            }
        }
        if old.is_empty() {
            return Ok(missing);
        }
        // Whoever is told that a chunk is there relies on it: it must not be swept away before it is used.
        let touched = old.clone();
        self.write(move |transaction| {
            let mut touch = transaction.prepare_cached("UPDATE chunk SET touched = ?2 WHERE id = ?1")?;
            touched.iter().try_for_each(|row| touch.execute([*row, now]).map(drop)).map(Ok)
        })?;
        let still = self.locate(collection, ids)?;
        Ok(ids.iter().zip(still).filter(|(_, located)| located.is_none_or(|located| located.damaged)).map(|(id, _)| *id).collect())
    }

    /// Keeps chunks that are known to be what their ids say.
    pub(super) fn keep_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        shelf::check_count(chunks.len())?;
        let Some(pack) = self.keep_pack(collection, chunks)? else { return Ok(()) };
        self.write_log(collection, move |transaction, log| pack.insert(transaction, log).map(Ok))
    }

    /// Keeps chunks once more, in a new pack, and lets go of where they lay.
    pub(super) fn move_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        let Some(pack) = self.keep_pack(collection, chunks)? else { return Ok(()) };
        self.write_log(collection, move |transaction, log| pack.replace(transaction, log).map(Ok))
    }

    /// Writes a pack, and returns its rows.
    fn keep_pack(&self, collection: &Collection, chunks: &[Chunk]) -> Result<Option<Pack>, Error> {
        if chunks.is_empty() {
            return Ok(None);
        }
        // With random bytes in it no two packs have one name, so that one may be removed while another is made of the same chunks.
        let (bytes, places) = chunk::encode_chunks(chunks, crate::random::bytes()?);
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let number = |number: usize| bound(number as u64);
        let rows = chunks.iter().zip(places).map(|(chunk, place)| (chunk.id, chunk.length, number(place), number(chunk.size()))).collect();
        let pack = Pack { digest, length: number(bytes.len()), at: bound(self.clock.now().0), chunks: rows };
        // The file is durable before the rows that name it.
        self.files.keep_known(&self.files.path(Room::Packs, collection, digest), &bytes)?;
        Ok(Some(pack))
    }

    pub(super) fn each_chunk(
        &self,
        collection: &Collection,
        ids: &[ChunkId],
        take: &mut dyn FnMut(Chunk) -> Result<(), Error>,
    ) -> Result<(), Error> {
        shelf::check_count(ids.len())?;
        let mut reading = Reading::new(self, collection);
        for (id, located) in ids.iter().zip(self.locate(collection, ids)?) {
            let located = located.ok_or_else(|| Error::NoSuchChunk(id.to_string()))?;
            take(reading.read(&located)?.0)?;
        }
        Ok(())
    }

    pub(super) fn one_chunk(&self, reading: &mut Reading<'_>, id: ChunkId) -> Result<Chunk, Error> {
        let located = self.locate(&reading.collection, &[id])?.pop().flatten().ok_or_else(|| Error::NoSuchChunk(id.to_string()))?;
        reading.read(&located).map(|(chunk, _)| chunk)
    }

    /// Notes that a chunk is not what was put. That it cannot be noted is no further harm: it is found again.
    fn note_damage(&self, located: &Located) {
        let (row, pack) = (located.row, located.pack);
        let _ = self.write(move |transaction| {
            let sql = "UPDATE chunk SET damaged = 1 WHERE id = ?1 AND pack = (SELECT id FROM pack WHERE digest = ?2)";
            transaction.execute(sql, params![row, pack]).map(Ok)
        });
    }
}
