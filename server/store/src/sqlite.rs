//! The embedded store: logs in one SQLite file, large envelopes and blobs in files beside it.

mod failure;
mod files;
mod log;
mod readers;
mod schema;
mod writer;

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Appended, BlobId, Collection, Cursor, Entry, Envelope, Error, Head, Page, Store};
use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest, Sha256};

use self::files::{Copying, Files, Room};
use self::log::{Log, Place};
use self::readers::Readers;
use self::writer::{Row, Verdict, Writer};

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
}

impl Sqlite {
    /// Opens the store in `folder`, and makes it if there is none.
    ///
    /// # Errors
    /// Fails with [`Error::Newer`] if a later program made it, with [`Error::Integrity`] if its database is damaged,
    /// and with [`Error::Failed`] if the folder cannot be written or another program's database is in it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        files::make_root(folder)?;
        let path = folder.join("store.db");
        let connection = schema::open(&path)?;
        Ok(Self { files: Files::new(folder), readers: Readers::new(connection), writer: Mutex::new(None), path })
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

    fn make_log(&self, collection: &Collection) -> Result<(), Error> {
        let id: [u8; 16] = crate::random::bytes()?;
        let mut connection = schema::writer(&self.path)?;
        let make = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let insert = "INSERT INTO log (collection, log) VALUES (?1, ?2) ON CONFLICT (collection) DO NOTHING";
            transaction.execute(insert, (collection.as_str(), id))?;
            transaction.commit()
        };
        make(&mut connection).map_err(|error| failure::database(&self.path, &error))
    }

    /// Appends an entry whose envelope goes into the row.
    fn append_small(&self, collection: &Collection, entry: &Entry, bytes: Vec<u8>) -> Result<Verdict, Error> {
        let digest = Sha256::digest(&bytes).into();
        self.store(collection, entry, digest, Some(bytes))
    }

    /// Appends an entry whose envelope goes into a file, which is durable before the row that names it.
    fn append_large(&self, collection: &Collection, entry: &Entry, bytes: &[u8]) -> Result<Verdict, Error> {
        let digest = Sha256::digest(bytes).into();
        let path = self.files.path(Room::Envelopes, collection, digest);
        self.files.keep(&path, digest, &mut { bytes })?;
        self.store(collection, entry, digest, None)
    }

    fn store(&self, collection: &Collection, entry: &Entry, digest: [u8; 32], bytes: Option<Vec<u8>>) -> Result<Verdict, Error> {
        match Row::new(collection, entry.envelope.base, entry, digest, bytes) {
            Some(row) => self.writer()?.append(row),
            // No log is that long: the base cannot be its head.
            None => Ok(Verdict::Refused),
        }
    }
}

impl Store for Sqlite {
    fn head(&self, collection: &Collection) -> Result<Head, Error> {
        if let Some(head) = self.known_head(collection)? {
            return Ok(head);
        }
        self.make_log(collection)?;
        self.known_head(collection)?
            .ok_or_else(|| failure::damaged(&self.path, format_args!("the log of `{collection}` was made and is not there")))
    }

    fn append(&self, collection: &Collection, envelope: &Envelope) -> Result<Appended, Error> {
        envelope.check()?;
        let large = envelope.payload.len() >= LARGE;
        // Not to write a large file for what is refused anyway.
        if large && let Some(answer) = self.answer(collection, envelope)? {
            return Ok(answer);
        }
        let entry = Entry::after(&envelope.base, envelope.clone());
        let bytes = envelope.encode();
        let verdict = if large { self.append_large(collection, &entry, &bytes)? } else { self.append_small(collection, &entry, bytes)? };
        if verdict == Verdict::Kept {
            return Ok(Appended::Entry(entry));
        }
        let answer = self.answer(collection, envelope)?;
        if large && matches!(answer, Some(Appended::Stale(_))) {
            // A head never comes back, so nobody, at any time, can append this very envelope: nobody misses its file.
            self.files.remove(&self.files.path(Room::Envelopes, collection, Sha256::digest(envelope.encode()).into()));
        }
        answer.ok_or_else(|| failure::damaged(&self.path, format_args!("the log of `{collection}` takes no entry after its head")))
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        self.read_log(collection, |log| match log {
            Some(log) => log.page(after, limit),
            None => Err(log::unknown(collection, after)),
        })
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        let mut missing = Vec::new();
        for blob in blobs {
            let path = self.files.path(Room::Blobs, collection, blob.0);
            match fs::metadata(&path) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push(*blob),
                Err(error) => return Err(failure::io("read", &path, &error)),
            }
        }
        Ok(missing)
    }

    fn put_blob(&self, collection: &Collection, id: BlobId, from: &mut dyn Read) -> Result<(), Error> {
        // Written again even where there is one: that heals a damaged one.
        self.files.keep(&self.files.path(Room::Blobs, collection, id.0), id.0, from)
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        let path = self.files.path(Room::Blobs, collection, id.0);
        let mut file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NoSuchBlob(id.to_string()),
            _ => failure::io("read", &path, &error),
        })?;
        let found = files::copy(&mut file, to).map_err(|error| match error {
            Copying::Read(error) => failure::io("read", &path, &error),
            Copying::Write(error) => Error::Failed(format!("blob {id} cannot be handed on: {error}")),
        })?;
        if found == id.0 { Ok(()) } else { Err(failure::damaged(&path, "it is not the blob that was put")) }
    }
}
