//! The sweep: chunks that no blob is made of go after a grace period, and the packs that only they were in.
//!
//! Nothing is counted: whether a chunk is needed is looked up in the rows of the blobs, in the transaction that removes it.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::{ChunkId, Collection, Error};
use rusqlite::{Connection, Transaction, params};

use super::append::bound;
use super::chunks::{GRACE, Reading};
use super::files::Room;
use super::{Sqlite, backup, failure};

/// How many chunks move to a new pack at a time.
const TOGETHER: usize = 128;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Chunks that no blob was made of.
    pub chunks: u64,
    /// Packs of which nothing was needed any more.
    pub packs: u64,
}

impl Sqlite {
    /// Removes the chunks that no blob is made of and nobody asked about for seven days, and gives back the space of packs.
    ///
    /// # Errors
    /// Fails if the store cannot be read or written; whatever blobs are made of is there in any case.
    pub fn sweep(&self) -> Result<Swept, Error> {
        let before = bound(self.clock.now().0) - GRACE;
        let mut swept = Swept { chunks: self.write(move |transaction| unneeded(transaction, before).map(Ok))?, packs: 0 };
        for collection in self.all()? {
            self.repack(&collection)?;
        }
        let packs = self.write(|transaction| empty(transaction).map(Ok))?;
        for (collection, digest) in packs {
            let Ok(collection) = collection.parse::<Collection>() else { continue };
            self.files.remove(&self.files.path(Room::Packs, &collection, digest));
            swept.packs += 1;
        }
        self.remove_unnamed()?;
        Ok(swept)
    }

    /// Moves what is needed out of packs that are needed for less than half.
    fn repack(&self, collection: &Collection) -> Result<(), Error> {
        let ids = self
            .readers
            .read(&self.path, |connection| scattered(connection, collection).map_err(|error| failure::database(&self.path, &error)))?;
        let mut reading = Reading::new(self, collection);
        for some in ids.chunks(TOGETHER) {
            let mut chunks = Vec::new();
            for id in some {
                // What is damaged stays where it is, and is named when it is asked for.
                chunks.extend(self.one_chunk(&mut reading, *id).ok());
            }
            self.move_chunks(collection, &chunks)?;
        }
        Ok(())
    }

    /// Removes files that no row names and that are older than any upload: what a process left that was killed.
    fn remove_unnamed(&self) -> Result<(), Error> {
        let limit = SystemTime::now().checked_sub(Duration::from_millis(GRACE.unsigned_abs()));
        let Some(limit) = limit else { return Ok(()) };
        let old = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).is_ok_and(|modified| modified < limit);
        for path in backup::files_in(&self.root().join("packs"))?.into_iter().filter(|path| old(path)) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let named = name.parse::<ChunkId>().ok().map(|digest| self.names_pack(digest.0)).transpose()?;
            if named == Some(false) {
                self.files.remove(&path);
            }
        }
        Ok(())
    }

    fn names_pack(&self, digest: [u8; 32]) -> Result<bool, Error> {
        self.readers.read(&self.path, |connection| {
            let named = connection.query_row("SELECT EXISTS (SELECT 1 FROM pack WHERE digest = ?1)", [digest], |row| row.get(0));
            named.map_err(|error| failure::database(&self.path, &error))
        })
    }
}

/// Removes chunks that no blob is made of, if nobody was told of them since.
fn unneeded(transaction: &Transaction<'_>, before: i64) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM chunk WHERE touched < ?1 AND NOT EXISTS (SELECT 1 FROM piece WHERE piece.chunk = chunk.id)";
    transaction.execute(sql, [before]).map(|count| count as u64)
}

/// Forgets packs in which no chunk is, and returns their collections and digests.
fn empty(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(String, [u8; 32])>> {
    let mut find = transaction.prepare(
        "SELECT pack.id, log.collection, pack.digest FROM pack JOIN log ON log.id = pack.log
         WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.pack = pack.id)",
    )?;
    let found = find.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut forget = transaction.prepare("DELETE FROM pack WHERE id = ?1")?;
    found.iter().try_for_each(|(id, ..)| forget.execute(params![id]).map(drop))?;
    Ok(found.into_iter().map(|(_, collection, digest)| (collection, digest)).collect())
}

/// Returns the chunks of packs that are needed for less than half.
fn scattered(connection: &Connection, collection: &Collection) -> rusqlite::Result<Vec<ChunkId>> {
    let mut find = connection.prepare(
        "SELECT chunk.chunk FROM chunk JOIN log ON log.id = chunk.log WHERE log.collection = ?1 AND damaged = 0 AND pack IN
         (SELECT pack.id FROM pack JOIN chunk ON chunk.pack = pack.id GROUP BY pack.id HAVING sum(chunk.size) * 2 < pack.length)
         ORDER BY pack, place",
    )?;
    find.query_map([collection.as_str()], |row| Ok(ChunkId(row.get(0)?)))?.collect()
}
