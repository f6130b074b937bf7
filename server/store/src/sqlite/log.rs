//! One collection's log in the database, read and checked: within one read transaction it is one state.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::{Appended, Collection, Cursor, Entry, Envelope, Error, Hash, Head, LogId, Page, Place as Held, Sequence, TransactionId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::failure;
use super::files::{Files, Room};
use crate::page::Filling;

/// The database that a log lies in, and the files beside it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) files: &'a Files,
    pub(super) connection: &'a Connection,
}

/// A log.
pub(super) struct Log<'a> {
    pub(super) place: Place<'a>,
    pub(super) collection: &'a Collection,
    pub(super) row: i64,
    pub(super) id: LogId,
    horizon: i64,
}

/// An entry as it is stored.
struct Stored {
    sequence: i64,
    hash: [u8; 32],
    digest: [u8; 32],
    envelope: Option<Vec<u8>>,
}

impl<'a> Log<'a> {
    /// Finds a collection's log.
    pub(super) fn find(place: Place<'a>, collection: &'a Collection) -> Result<Option<Self>, Error> {
        let find = || {
            let mut statement = place.connection.prepare_cached("SELECT id, log, horizon FROM log WHERE collection = ?1")?;
            statement.query_row([collection.as_str()], |row| Ok((row.get(0)?, LogId(row.get(1)?), row.get(2)?))).optional()
        };
        let found = find().map_err(|error| failure::database(place.path, &error))?;
        Ok(found.map(|(row, id, horizon)| Self { place, collection, row, id, horizon }))
    }

    /// Returns the newest place.
    pub(super) fn head(&self) -> Result<Head, Error> {
        head(self.place.connection, self.row, self.id).map_err(|error| self.failed(&error))
    }

    /// Returns at most `limit` entries after the cursor.
    pub(super) fn page(&self, after: &Cursor, limit: usize) -> Result<Page, Error> {
        if !self.holds(after)? {
            return Err(unknown(self.collection, after));
        }
        if i64::try_from(after.sequence.0).is_ok_and(|after| after < self.horizon) {
            return Err(self.compacted()?);
        }
        let head = self.head()?;
        let mut filling = Filling::new(limit);
        let mut place = *after;
        self.each_after(after, |stored| {
            if filling.is_full() {
                return Ok(false);
            }
            let entry = self.entry(&place, stored)?;
            place = entry.cursor(self.id);
            filling.push(entry);
            Ok(true)
        })?;
        Ok(filling.page(head))
    }

    /// Returns what is known of an envelope: its entry, or what came after its base; nothing if its base is the head.
    pub(super) fn answer(&self, envelope: &Envelope) -> Result<Option<Appended>, Error> {
        if let Some(entry) = self.transaction(envelope)? {
            return Ok(Some(Appended::Entry(entry)));
        }
        if self.head()? == envelope.base {
            return Ok(None);
        }
        self.page(&envelope.base, usize::MAX).map(|page| Some(Appended::Stale(page)))
    }

    /// Returns the entry with an envelope's transaction id.
    fn transaction(&self, sent: &Envelope) -> Result<Option<Entry>, Error> {
        let find = || {
            let mut statement = self
                .place
                .connection
                .prepare_cached("SELECT sequence, hash, digest, envelope FROM entry WHERE log = ?1 AND transaction_id = ?2")?;
            statement.query_row(params![self.row, sent.transaction.0], Stored::read).optional()
        };
        let Some(mut stored) = find().map_err(|error| self.failed(&error))? else { return Ok(None) };
        if stored.sequence <= self.horizon {
            // What was compacted away can still be told from another envelope under its id.
            let bytes = sent.encode();
            if <[u8; 32]>::from(Sha256::digest(&bytes)) != stored.digest {
                return Err(self.compacted()?);
            }
            stored.envelope = Some(bytes);
        }
        let before = stored.sequence.saturating_sub(1);
        let hash = self.hash(before)?.ok_or_else(|| self.damaged(format_args!("v{before} of `{}` is missing", self.collection)))?;
        let before = Cursor { log: self.id, sequence: sequence(before), hash };
        self.entry(&before, stored).map(Some)
    }

    /// Returns the place up to which entries are compacted away.
    pub(super) fn horizon(&self) -> Result<Cursor, Error> {
        self.cursor_at(sequence(self.horizon))
    }

    fn compacted(&self) -> Result<Error, Error> {
        Ok(Error::Compacted { collection: self.collection.to_string(), horizon: self.horizon()? })
    }

    /// Returns the place at a sequence that is known to be there.
    pub(super) fn cursor_at(&self, sequence: Sequence) -> Result<Cursor, Error> {
        let hash = i64::try_from(sequence.0).ok().map(|stored| self.hash(stored)).transpose()?.flatten();
        let hash = hash.ok_or_else(|| self.damaged(format_args!("{sequence} of `{}` is missing", self.collection)))?;
        Ok(Cursor { log: self.id, sequence, hash })
    }

    /// Tells what the log holds at a sequence.
    pub(super) fn at(&self, asked: Sequence) -> Result<Held, Error> {
        let stored = i64::try_from(asked.0).ok();
        let hash = stored.map(|stored| self.hash(stored)).transpose()?.flatten();
        Ok(match hash {
            None => Held::Beyond(self.head()?),
            Some(_) if stored.is_some_and(|stored| stored < self.horizon) => Held::Compacted(self.horizon()?),
            Some(hash) => Held::Here(Cursor { log: self.id, sequence: asked, hash }),
        })
    }

    /// Returns those of the transactions that are in the log.
    pub(super) fn find_transactions(&self, ids: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        let find = || {
            let select = "SELECT sequence, hash FROM entry WHERE log = ?1 AND transaction_id = ?2";
            let mut statement = self.place.connection.prepare_cached(select)?;
            let mut found = Vec::new();
            for id in ids {
                let place = |row: &Row<'_>| Ok(Cursor { log: self.id, sequence: sequence(row.get(0)?), hash: Hash(row.get(1)?) });
                found.extend(statement.query_row(params![self.row, id.0], place).optional()?.map(|cursor| (*id, cursor)));
            }
            Ok(found)
        };
        find().map_err(|error| self.failed(&error))
    }

    /// Fails with [`Error::UnknownCursor`] unless the cursor is a place of this log.
    pub(super) fn require(&self, cursor: &Cursor) -> Result<(), Error> {
        if self.holds(cursor)? { Ok(()) } else { Err(unknown(self.collection, cursor)) }
    }

    /// Tells whether the cursor is a place of this log.
    fn holds(&self, cursor: &Cursor) -> Result<bool, Error> {
        let Ok(sequence) = i64::try_from(cursor.sequence.0) else { return Ok(false) };
        Ok(cursor.log == self.id && self.hash(sequence)? == Some(cursor.hash))
    }

    fn hash(&self, sequence: i64) -> Result<Option<Hash>, Error> {
        if sequence == 0 {
            return Ok(Some(Hash::ZERO));
        }
        let find = || {
            let mut statement = self.place.connection.prepare_cached("SELECT hash FROM entry WHERE log = ?1 AND sequence = ?2")?;
            statement.query_row([self.row, sequence], |row| row.get(0).map(Hash)).optional()
        };
        find().map_err(|error| self.failed(&error))
    }

    /// Hands the stored entries after a cursor to `take`, in order, until it says that it has enough.
    fn each_after(&self, after: &Cursor, mut take: impl FnMut(Stored) -> Result<bool, Error>) -> Result<(), Error> {
        let Ok(after) = i64::try_from(after.sequence.0) else { return Ok(()) };
        let failed = |error: rusqlite::Error| self.failed(&error);
        let select = "SELECT sequence, hash, digest, envelope FROM entry WHERE log = ?1 AND sequence > ?2 ORDER BY sequence";
        let mut statement = self.place.connection.prepare_cached(select).map_err(failed)?;
        let mut rows = statement.query([self.row, after]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !take(Stored::read(row).map_err(failed)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads a stored entry whole, and checks its digest, its form and its link to the place before it.
    fn entry(&self, before: &Cursor, stored: Stored) -> Result<Entry, Error> {
        let (source, bytes) = match stored.envelope {
            Some(bytes) => (self.place.path.to_owned(), bytes),
            None => self.file(stored.digest)?,
        };
        let what = || format!("v{} of `{}`", stored.sequence, self.collection);
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != stored.digest {
            return Err(failure::damaged(&source, format_args!("{} is not what was appended", what())));
        }
        let envelope = match Envelope::decode(&bytes) {
            Err(Error::Newer { found, known, .. }) => {
                return Err(Error::Newer { what: format!("the envelope {} in `{}`", what(), source.display()), found, known });
            }
            read => read.map_err(|error| failure::damaged(&source, format_args!("{}: {error}", what())))?,
        };
        let entry = Entry { sequence: sequence(stored.sequence), previous: before.hash, hash: Hash(stored.hash), envelope };
        if entry.follows(before) { Ok(entry) } else { Err(self.damaged(format_args!("{} does not follow {}", what(), before.sequence))) }
    }

    fn file(&self, digest: [u8; 32]) -> Result<(PathBuf, Vec<u8>), Error> {
        let path = self.place.files.path(Room::Envelopes, self.collection, digest);
        match fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) => Err(failure::damaged(&path, format_args!("it cannot be read ({error})"))),
        }
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        failure::database(self.place.path, error)
    }

    fn damaged(&self, what: impl std::fmt::Display) -> Error {
        failure::damaged(self.place.path, what)
    }
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { sequence: row.get(0)?, hash: row.get(1)?, digest: row.get(2)?, envelope: row.get(3)? })
    }
}

/// Returns the newest place of the log in row `log`.
pub(super) fn head(connection: &Connection, log: i64, id: LogId) -> rusqlite::Result<Head> {
    let mut statement = connection.prepare_cached("SELECT sequence, hash FROM entry WHERE log = ?1 ORDER BY sequence DESC LIMIT 1")?;
    let newest =
        statement.query_row([log], |row| Ok(Cursor { log: id, sequence: sequence(row.get(0)?), hash: Hash(row.get(1)?) })).optional()?;
    Ok(newest.unwrap_or_else(|| Cursor::start(id)))
}

/// Says that the log does not hold a cursor.
pub(super) fn unknown(collection: &Collection, cursor: &Cursor) -> Error {
    Error::UnknownCursor { collection: collection.to_string(), cursor: cursor.to_string() }
}

/// Reads a stored number; a damaged, negative one is the largest.
pub(super) fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(u64::MAX)
}

/// A damaged, negative number is no entry's place: the chain refuses it.
pub(super) fn sequence(stored: i64) -> Sequence {
    Sequence(number(stored))
}
