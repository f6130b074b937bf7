//! Blobs: rows that name their chunks in order; those of older stores are files of their own, and are read as ever.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use chunks::ChunkKey;
use chunks::upload::{self, Shelf};
use protocol::{BlobId, Chunk, ChunkId, Collection, Error, Give, Piece, Recipe, Store, Transfer};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::append::bound;
use super::chunks::{LOCATED, Located, Reading, locate};
use super::files::Room;
use super::{Sqlite, failure, find_log};
use crate::shelf;

/// How many pieces are looked up at a time.
const PAGE: i64 = 512;

/// A collection, as blobs go to it that are taken apart here: their chunks are what their ids say.
struct Own<'a> {
    store: &'a Sqlite,
    collection: &'a Collection,
}

impl Shelf for Own<'_> {
    fn missing(&self, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        self.store.lacking_chunks(self.collection, chunks)
    }

    fn put(&self, chunks: Vec<Chunk>) -> Result<(), Error> {
        self.store.keep_chunks(self.collection, &chunks)
    }

    fn keep(&self, recipes: &[Recipe]) -> Result<(), Error> {
        self.store.keep_recipes(self.collection, recipes.to_vec())
    }
}

impl Sqlite {
    pub(super) fn take_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        upload::upload(&Own { store: self, collection }, &ChunkKey::of(collection), blobs, give)
    }

    pub(super) fn lacking_blobs(&self, collection: &Collection, ids: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        let known: Vec<bool> = self.readers.read(&self.path, |connection| {
            let look = || {
                let Some(log) = find_log(connection, collection)? else { return Ok(vec![false; ids.len()]) };
                ids.iter().map(|id| is_whole(connection, log, *id)).collect()
            };
            look().map_err(|error| failure::database(&self.path, &error))
        })?;
        let mut missing = Vec::new();
        for (id, _) in ids.iter().zip(known).filter(|(_, known)| !known) {
            let path = self.files.path(Room::Blobs, collection, id.0);
            match std::fs::metadata(&path) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push(*id),
                Err(error) => return Err(failure::io("read", &path, &error)),
            }
        }
        Ok(missing)
    }

    /// Keeps recipes whose chunks are known to make their blobs.
    fn keep_recipes(&self, collection: &Collection, recipes: Vec<Recipe>) -> Result<(), Error> {
        let now = bound(self.clock.now().0);
        self.write_log(collection, move |transaction, log| {
            let mut rows = Vec::with_capacity(recipes.len());
            for recipe in &recipes {
                match pieces(transaction, log, recipe)? {
                    Ok(pieces) => rows.push(pieces),
                    Err(refused) => return Ok(Err(refused)),
                }
            }
            recipes.iter().zip(rows).try_for_each(|(recipe, pieces)| insert(transaction, (log, now), recipe, &pieces)).map(Ok)
        })
    }

    /// Keeps recipes after reading through what their chunks make.
    pub(super) fn take_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
        let mut reading = Reading::new(self, collection);
        for recipe in recipes {
            shelf::check_recipe(collection, recipe, &mut |piece| self.one_chunk(&mut reading, piece.chunk))?;
        }
        self.keep_recipes(collection, recipes.to_vec())
    }

    pub(super) fn find_recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
        if let Some(pieces) = self.known_pieces(collection, id)? {
            return Ok(Recipe { blob: id, pieces });
        }
        // A blob of an older store gets its recipe when one is asked for.
        let (mut file, _) = self.old_blob(collection, id)?;
        self.take_blobs(collection, &[id], &mut |_, to| io::copy(&mut file, to).map(drop))?;
        let pieces = self.known_pieces(collection, id)?.ok_or_else(|| Error::NoSuchBlob(id.to_string()))?;
        Ok(Recipe { blob: id, pieces })
    }

    fn known_pieces(&self, collection: &Collection, id: BlobId) -> Result<Option<Vec<Piece>>, Error> {
        self.on_blob(collection, id, |connection, blob| {
            let sql =
                "SELECT chunk.chunk, chunk.length FROM piece JOIN chunk ON chunk.id = piece.chunk WHERE piece.blob = ?1 ORDER BY position";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_map([blob], |row| Ok(Piece { chunk: ChunkId(row.get(0)?), length: row.get(1)? }))?.collect()
        })
    }

    /// Looks at a blob's row, if there is one.
    fn on_blob<T>(
        &self,
        collection: &Collection,
        id: BlobId,
        look: impl FnOnce(&Connection, i64) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.readers.read(&self.path, |connection| {
            let find = || {
                let Some(log) = find_log(connection, collection)? else { return Ok(None) };
                find_blob(connection, log, id)?.map(|blob| look(connection, blob)).transpose()
            };
            find().map_err(|error| failure::database(&self.path, &error))
        })
    }

    fn old_blob(&self, collection: &Collection, id: BlobId) -> Result<(File, PathBuf), Error> {
        let path = self.files.path(Room::Blobs, collection, id.0);
        match File::open(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NoSuchBlob(id.to_string())),
            Err(error) => Err(failure::io("read", &path, &error)),
        }
    }

    /// Opens a blob; its errors are those of the store, inside of those of reading.
    pub(super) fn read_blob(&self, collection: &Collection, id: BlobId) -> Result<Box<dyn Read + '_>, Error> {
        if let Some(blob) = self.on_blob(collection, id, |_, blob| Ok(blob))? {
            let reading = Reading::new(self, collection);
            let pieces = Pieces { store: self, reading, blob, next: 0, page: VecDeque::new(), content: io::Cursor::new(Vec::new()) };
            return Ok(Box::new(Verified { inner: pieces, hasher: Sha256::new(), id, path: self.path.clone() }));
        }
        let (inner, path) = self.old_blob(collection, id)?;
        Ok(Box::new(Verified { inner, hasher: Sha256::new(), id, path }))
    }

    pub(super) fn write_blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        let mut from = self.read_blob(collection, id)?;
        let mut buffer = vec![0; 128 << 10];
        loop {
            let length = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(store_error(error)),
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            to.write_all(bytes).map_err(|error| Error::Failed(format!("blob {id} cannot be handed on: {error}")))?;
        }
    }
}

/// Takes the store's error out of one of reading.
fn store_error(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::Failed(format!("a blob cannot be read: {error}")),
    }
}

fn find_blob(connection: &Connection, log: i64, id: BlobId) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM blob WHERE log = ?1 AND blob = ?2")?;
    find.query_row(params![log, id.0], |row| row.get(0)).optional()
}

/// Tells whether a blob is there, and none of its chunks is known to be damaged.
fn is_whole(connection: &Connection, log: i64, id: BlobId) -> rusqlite::Result<bool> {
    let Some(blob) = find_blob(connection, log, id)? else { return Ok(false) };
    has_damage(connection, log, blob).map(|damaged| !damaged)
}

fn has_damage(connection: &Connection, log: i64, blob: i64) -> rusqlite::Result<bool> {
    let mut damage = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM chunk JOIN piece ON piece.chunk = chunk.id
         WHERE chunk.log = ?1 AND chunk.damaged = 1 AND piece.blob = ?2)",
    )?;
    damage.query_row([log, blob], |row| row.get(0))
}

/// Returns the rows of a recipe's chunks; a refusal if one is not there as the recipe says.
fn pieces(transaction: &Transaction<'_>, log: i64, recipe: &Recipe) -> rusqlite::Result<Result<Vec<i64>, Error>> {
    let mut rows = Vec::with_capacity(recipe.pieces.len());
    for piece in &recipe.pieces {
        match locate(transaction, log, &piece.chunk)? {
            Some(located) if located.length == piece.length => rows.push(located.row),
            Some(_) => return Ok(Err(Error::Integrity(format!("chunk {} has another length", piece.chunk)))),
            None => return Ok(Err(Error::NoSuchChunk(piece.chunk.to_string()))),
        }
    }
    Ok(Ok(rows))
}

/// Makes a blob's rows. One that is there and whole stays as it is.
fn insert(transaction: &Transaction<'_>, (log, now): (i64, i64), recipe: &Recipe, pieces: &[i64]) -> rusqlite::Result<()> {
    let blob = match find_blob(transaction, log, recipe.blob)? {
        Some(blob) if has_damage(transaction, log, blob)? => {
            transaction.execute("DELETE FROM piece WHERE blob = ?1", [blob])?;
            blob
        }
        Some(_) => return Ok(()),
        None => {
            let sql = "INSERT INTO blob (log, blob, length, at) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(sql, params![log, recipe.blob.0, bound(recipe.length()), now])?;
            transaction.last_insert_rowid()
        }
    };
    let mut insert = transaction.prepare_cached("INSERT INTO piece (blob, position, chunk) VALUES (?1, ?2, ?3)")?;
    (0_i64..).zip(pieces).try_for_each(|(position, chunk)| insert.execute([blob, position, *chunk]).map(drop))
}

/// A blob's content, piece by piece.
struct Pieces<'a> {
    store: &'a Sqlite,
    reading: Reading<'a>,
    blob: i64,
    next: i64,
    page: VecDeque<Located>,
    content: io::Cursor<Vec<u8>>,
}

impl Pieces<'_> {
    /// Goes on to the next piece; false after the last one.
    fn advance(&mut self) -> Result<bool, Error> {
        if self.page.is_empty() {
            let (blob, next) = (self.blob, self.next);
            let page = self.store.readers.read(&self.store.path, |connection| {
                let look = || -> rusqlite::Result<VecDeque<Located>> {
                    let sql = format!(
                        "SELECT {LOCATED} FROM piece JOIN chunk ON chunk.id = piece.chunk JOIN pack ON pack.id = chunk.pack
                         WHERE piece.blob = ?1 AND piece.position >= ?2 ORDER BY piece.position LIMIT ?3"
                    );
                    connection.prepare_cached(&sql)?.query_map([blob, next, PAGE], Located::read)?.collect()
                };
                look().map_err(|error| failure::database(&self.store.path, &error))
            })?;
            self.next += PAGE;
            self.page = page;
        }
        let Some(located) = self.page.pop_front() else { return Ok(false) };
        self.content = io::Cursor::new(self.reading.read(&located)?.1);
        Ok(true)
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.content.read(buffer)?;
            if length > 0 || buffer.is_empty() || !self.advance().map_err(io::Error::other)? {
                return Ok(length);
            }
        }
    }
}

/// A blob that ends only if it was the one that was put.
struct Verified<R> {
    inner: R,
    hasher: Sha256,
    id: BlobId,
    path: PathBuf,
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        if length == 0 && !buffer.is_empty() && BlobId(self.hasher.clone().finalize().into()) != self.id {
            return Err(io::Error::other(failure::damaged(&self.path, format_args!("blob {} is not the one that was put", self.id))));
        }
        Ok(length)
    }
}

impl Sqlite {
    /// Checks that every blob that has rows is made of chunks that are there, and returns how many there are.
    pub(super) fn check_blobs(&self, collection: &Collection) -> Result<u64, Error> {
        let ids: Vec<BlobId> = self.readers.read(&self.path, |connection| {
            let list = || -> rusqlite::Result<Vec<BlobId>> {
                let Some(log) = find_log(connection, collection)? else { return Ok(Vec::new()) };
                let mut all = connection.prepare("SELECT blob FROM blob WHERE log = ?1 ORDER BY id")?;
                all.query_map([log], |row| Ok(BlobId(row.get(0)?)))?.collect()
            };
            list().map_err(|error| failure::database(&self.path, &error))
        })?;
        ids.iter().try_for_each(|id| self.blob(collection, *id, &mut io::sink()))?;
        Ok(ids.len() as u64)
    }
}
