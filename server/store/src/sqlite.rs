//! The embedded store: logs in one SQLite file, large envelopes and chunks of blobs in files beside it.

mod append;
mod audit;
pub mod backup;
mod blobs;
mod chunks;
mod failure;
mod files;
mod leases;
mod log;
pub mod manage;
mod moved;
mod readers;
mod registry;
mod schema;
mod snapshots;
mod standing;
pub mod sweep;
pub mod upkeep;
mod writer;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::{
    Appended, BlobId, Canonical, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Entry, Envelope, Error, Fence, Give, Head, Lease,
    LogId, Page, Place as Held, Recipe, Right, Sequence, Snapshot, State, Store, TransactionId, Transfer,
};
use rusqlite::{OptionalExtension, Transaction};
use sha2::{Digest, Sha256};

use self::append::{Row, Verdict};
use self::files::{Files, Room};
use self::log::{Log, Place};
use self::moved::Moved;
use self::readers::Readers;
use self::writer::{Outcome, Writer};
use crate::clock::{Clock, System};
use crate::shelf;

pub use self::append::Caller;
pub use self::registry::Authorised;

/// Payloads from this length on lie in files of their own.
const LARGE: usize = 64 << 10;

/// A store in a folder. Any number of processes may have the same folder open.
///
/// Opening reads one page; the thread that writes starts with the first append.
pub struct Sqlite {
    path: PathBuf,
    files: Files,
    // Before the writer: the last connection to close folds the WAL into the file, and that is to be the writer's.
    readers: Readers,
    writer: Mutex<Option<Arc<Writer>>>,
    moved: Arc<Moved>,
    clock: Arc<dyn Clock>,
}

impl Sqlite {
    /// Opens the store in `folder`, and makes it if there is none.
    ///
    /// # Errors
    /// Fails with [`Error::Newer`] if a later program made it, with [`Error::Integrity`] if its database is damaged,
    /// and with [`Error::Failed`] if the folder cannot be written or another program's database is in it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_with(folder, Arc::new(System))
    }

    /// Opens the store as [`Sqlite::open`] does; leases and whatever else ends, ends by `clock`.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_with(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        files::make_root(folder)?;
        let path = folder.join("store.db");
        let connection = schema::open(&path)?;
        let (writer, moved) = (Mutex::new(None), Arc::default());
        Ok(Self { files: Files::new(folder), readers: Readers::new(connection), writer, moved, clock, path })
    }

    /// Returns the head of a collection's log, or nothing if there is no log; unlike [`Store::head`] it never makes one.
    ///
    /// # Errors
    /// As [`Store::head`].
    pub fn known_head(&self, collection: &Collection) -> Result<Option<Head>, Error> {
        self.read_log(collection, |log| log.map(|log| log.head()).transpose())
    }

    fn read_log<T>(&self, collection: &Collection, read: impl FnOnce(Option<Log<'_>>) -> Result<T, Error>) -> Result<T, Error> {
        self.readers.read(&self.path, |connection| {
            let place = Place { path: &self.path, files: &self.files, connection };
            read(Log::find(place, collection)?)
        })
    }

    /// Returns what is known of an envelope; nothing if its base is the head.
    fn answer(&self, collection: &Collection, envelope: &Envelope) -> Result<Option<Appended>, Error> {
        self.read_log(collection, |log| match log {
            Some(log) => log.answer(envelope),
            None => Err(log::unknown(collection, &envelope.base)),
        })
    }

    fn writer(&self) -> Result<Arc<Writer>, Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = &*writer {
            return Ok(Arc::clone(writer));
        }
        let started = Arc::new(Writer::start(&self.path)?);
        *writer = Some(Arc::clone(&started));
        Ok(started)
    }

    /// Does a piece of work in the writer's next transaction, and waits until it is durable.
    fn write<T: Send + 'static>(&self, work: impl FnMut(&Transaction<'_>) -> Outcome<T> + Send + 'static) -> Result<T, Error> {
        self.writer()?.run(work)
    }

    /// Does a piece of work on a collection's log, making the log if there is none.
    fn write_log<T: Send + 'static>(
        &self,
        collection: &Collection,
        mut work: impl FnMut(&Transaction<'_>, i64) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (name, id) = (collection.clone(), LogId(crate::random::bytes()?));
        self.write(move |transaction| {
            let log = make_log(transaction, &name, id)?;
            work(transaction, log)
        })
    }

    fn log<T>(&self, collection: &Collection, read: impl FnOnce(Log<'_>) -> Result<T, Error>) -> Result<T, Error> {
        if self.known_head(collection)?.is_none() {
            self.write_log(collection, |_, _| Ok(Ok(())))?;
        }
        self.read_log(collection, |log| match log {
            Some(log) => read(log),
            None => Err(failure::damaged(&self.path, format_args!("the log of `{collection}` was made and is not there"))),
        })
    }

    /// Calls `listener` with every head that this process moves, on the thread that writes: it must return at once.
    pub fn on_moved(&self, listener: impl Fn(&Collection, &Head) + Send + Sync + 'static) {
        self.moved.listen(Box::new(listener));
    }

    /// Appends as [`Store::append_fenced`] does, for a caller whose rights, lease and budget are looked at in the same transaction.
    ///
    /// # Errors
    /// As [`Store::append_fenced`].
    pub fn append_as(&self, caller: Caller, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        envelope.check()?;
        let large = envelope.payload.len() >= LARGE;
        let entry = Entry::after(&envelope.base, envelope.clone());
        let Some(mut row) = Row::new(collection, caller, fence, self.clock.now(), &entry) else {
            // No log is that long: the base cannot be its head.
            return Err(log::unknown(collection, &envelope.base));
        };
        // Not to write a large file for what is refused anyway.
        if large {
            self.may_ask(&row)?;
            if let Some(answer) = self.answer(collection, envelope)? {
                return Ok(answer);
            }
        }
        let bytes = envelope.encode();
        row.digest = Sha256::digest(&bytes).into();
        let file = self.files.path(Room::Envelopes, collection, row.digest);
        if large {
            // The file is durable before the row that names it.
            self.files.keep(&file, row.digest, &mut bytes.as_slice())?;
        } else {
            row.bytes = Some(bytes);
        }
        let verdict = self.write(move |transaction| row.append(transaction));
        if matches!(verdict, Ok(Verdict::Kept)) {
            self.moved.ring(collection, &entry.cursor(envelope.base.log));
            return Ok(Appended::Entry(entry));
        }
        let answer = verdict.and_then(|verdict| self.refused(collection, envelope, verdict));
        if large && matches!(&answer, Ok(Appended::Stale(page)) if !page.entries.is_empty()) {
            // A head never comes back, so nobody, at any time, can append this very envelope: nobody misses its file.
            self.files.remove(&file);
        }
        answer
    }

    /// Appends a small envelope without waiting: `done` is called on the thread that writes. Nothing stands for "ask [`Sqlite::settle`]".
    pub fn submit(
        &self,
        caller: Caller,
        collection: &Collection,
        (entry, bytes): (&Entry, Canonical),
        fence: Option<Fence>,
        done: impl FnOnce(Result<bool, Error>) + Send + 'static,
    ) {
        let Some(mut row) = Row::new(collection, caller, fence, self.clock.now(), entry) else {
            return done(Err(log::unknown(collection, &entry.envelope.base)));
        };
        row.digest = bytes.digest();
        row.bytes = Some(bytes.into_bytes());
        let (moved, name, head) = (Arc::clone(&self.moved), collection.clone(), entry.cursor(entry.envelope.base.log));
        let answer = move |verdict: Result<Verdict, Error>| {
            if matches!(verdict, Ok(Verdict::Kept)) {
                moved.ring(&name, &head);
            }
            done(match verdict {
                Ok(Verdict::Kept) => Ok(true),
                Ok(Verdict::Refused) => Ok(false),
                Ok(Verdict::Held(error)) | Err(error) => Err(error),
            });
        };
        match self.writer() {
            Ok(writer) => writer.submit(move |transaction| row.append(transaction), answer),
            Err(error) => answer(Err(error)),
        }
    }

    /// Returns what became of an envelope that was not appended: its entry if it was there already, or what came after its base.
    ///
    /// # Errors
    /// As [`Store::append`]; the caller's rights and the lease are looked at first.
    pub fn settle(&self, caller: Caller, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        let entry = Entry::after(&envelope.base, envelope.clone());
        if let Some(row) = Row::new(collection, caller, fence, self.clock.now(), &entry) {
            self.may_ask(&row)?;
        }
        self.refused(collection, envelope, Verdict::Refused)
    }

    fn may_ask(&self, row: &Row) -> Result<(), Error> {
        self.readers.read(&self.path, |connection| row.may_ask(connection).map_err(|error| failure::database(&self.path, &error))?)
    }

    fn refused(&self, collection: &Collection, envelope: &Envelope, verdict: Verdict) -> Result<Appended, Error> {
        if let Verdict::Held(error) = verdict {
            return Err(error);
        }
        let answer = self.answer(collection, envelope)?;
        // The head may have moved on to its base in between: to whoever asks that is the same as a stale one, with nothing missing.
        match answer {
            Some(answer) => Ok(answer),
            None => Ok(Appended::Stale(Page { entries: Vec::new(), head: envelope.base })),
        }
    }
}

/// Returns the row of a collection's log, made with `id` if there is none.
fn make_log(transaction: &Transaction<'_>, collection: &Collection, id: LogId) -> rusqlite::Result<i64> {
    if let Some(row) = find_log(transaction, collection)? {
        return Ok(row);
    }
    transaction.execute("INSERT INTO log (collection, log) VALUES (?1, ?2)", (collection.as_str(), id.0))?;
    Ok(transaction.last_insert_rowid())
}

fn find_log(connection: &rusqlite::Connection, collection: &Collection) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM log WHERE collection = ?1")?;
    find.query_row([collection.as_str()], |row| row.get(0)).optional()
}

impl Store for Sqlite {
    fn head(&self, collection: &Collection) -> Result<Head, Error> {
        self.log(collection, |log| log.head())
    }

    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        self.append_as(Caller::Local, collection, envelope, fence)
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        self.read_log(collection, |log| match log {
            Some(log) => log.page(after, limit),
            None => Err(log::unknown(collection, after)),
        })
    }

    fn wait(&self, collection: &Collection, known: &Head, patience: Duration) -> Result<Head, Error> {
        self.moved.wait(known, patience, || self.head(collection))
    }

    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Held, Error> {
        self.log(collection, |log| log.at(sequence))
    }

    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        self.log(collection, |log| log.find_transactions(transactions))
    }

    fn arrived(&self, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error> {
        self.log(collection, |log| log.require(cursor))?;
        let (device, cursor) = (*device, *cursor);
        self.write_log(collection, move |transaction, log| standing::arrive(transaction, log, &device, &cursor).map(Ok))
    }

    fn state(&self, collection: &Collection) -> Result<State, Error> {
        self.log(collection, |log| standing::state(&log, Right::Admin, self.clock.now()))
    }

    fn put_snapshot(&self, collection: &Collection, snapshot: &Snapshot) -> Result<(), Error> {
        snapshot.check()?;
        let newest = self.log(collection, |log| {
            log.require(&snapshot.cursor)?;
            snapshots::newest(log.place.connection, log.row).map_err(|error| failure::database(&self.path, &error))
        })?;
        if newest.is_some_and(|(newest, _)| append::bound(snapshot.cursor.sequence.0) <= newest) {
            return Ok(());
        }
        let bytes = snapshot.encode();
        let digest = Sha256::digest(&bytes).into();
        self.files.keep(&self.files.path(Room::Snapshots, collection, digest), digest, &mut bytes.as_slice())?;
        let sequence = snapshot.cursor.sequence;
        let old = self.write_log(collection, move |transaction, log| snapshots::keep(transaction, log, sequence, digest).map(Ok))?;
        old.into_iter().for_each(|digest| self.files.remove(&self.files.path(Room::Snapshots, collection, digest)));
        Ok(())
    }

    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, Error> {
        let newest = self.log(collection, |log| {
            snapshots::newest(log.place.connection, log.row).map_err(|error| failure::database(&self.path, &error))
        })?;
        newest.map(|(_, digest)| snapshots::read(&self.files, collection, digest)).transpose()
    }

    fn compact(&self, collection: &Collection, horizon: &Cursor) -> Result<Compacted, Error> {
        let now = self.clock.now();
        let mut range = self.log(collection, |log| {
            snapshots::range(&log, log.place.connection, horizon, now)?.map_err(|error| failure::database(&self.path, &error))?
        })?;
        let mut total = Compacted::default();
        while range.after < range.until {
            let (done, files, until) = self.write(move |transaction| snapshots::compact(transaction, range).map(Ok))?;
            total.entries += done.entries;
            total.bytes += done.bytes;
            for digest in files {
                let path = self.files.path(Room::Envelopes, collection, digest);
                total.bytes += fs::metadata(&path).map_or(0, |file| file.len());
                self.files.remove(&path);
            }
            range.after = until;
        }
        Ok(total)
    }

    fn acquire(&self, collection: &Collection, device: &DeviceId, time: Duration) -> Result<Lease, Error> {
        let (name, device, now) = (collection.clone(), *device, self.clock.now());
        self.write_log(collection, move |transaction, log| leases::acquire(transaction, (&name, log), &device, now, time))
    }

    fn renew(&self, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error> {
        let (name, now) = (collection.clone(), self.clock.now());
        self.write_log(collection, move |transaction, log| leases::renew(transaction, (&name, log), fence, now, time))
    }

    fn release(&self, collection: &Collection, fence: Fence) -> Result<(), Error> {
        self.write_log(collection, move |transaction, log| leases::release(transaction, log, fence).map(|_| Ok(())))
    }

    fn lease(&self, collection: &Collection) -> Result<Option<Lease>, Error> {
        let lease = |log: Log<'_>| leases::find(log.place.connection, log.row).map_err(|error| failure::database(&self.path, &error));
        Ok(crate::lease::held(self.log(collection, lease)?, self.clock.now()))
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        self.lacking_blobs(collection, blobs)
    }

    fn put_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        self.take_blobs(collection, blobs, give)
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        self.write_blob(collection, id, to)
    }

    fn open_blob<'a>(&'a self, collection: &'a Collection, id: BlobId) -> Result<Box<dyn Read + 'a>, Error> {
        self.read_blob(collection, id)
    }

    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        self.lacking_chunks(collection, chunks)
    }

    fn put_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        shelf::check(collection, chunks)?;
        self.keep_chunks(collection, chunks)
    }

    fn chunks(&self, collection: &Collection, chunks: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        self.each_chunk(collection, chunks, take)
    }

    fn put_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
        self.take_recipes(collection, recipes)
    }

    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
        self.find_recipe(collection, id)
    }
}
