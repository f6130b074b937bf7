//! The care of a store's files: counted, checked, put back from a backup, and shrunk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Collection, Cursor, DeviceId, Error, Hash, Signature, Store};
use rusqlite::Connection;

use super::backup::{self, files_of};
use super::files::{self, Copying};
use super::{Sqlite, failure};

/// Tells whether a device signed a message.
pub type Verifies<'a> = &'a dyn Fn(&DeviceId, &[u8], &Signature) -> bool;

/// How many entries are checked at once.
const PAGE: usize = 256;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Each collection, by name, with its head and the number of entries that are still there.
    pub collections: Vec<(String, u64, u64)>,
    /// How many blobs are made of chunks.
    pub blobs: u64,
    /// How many chunks there are.
    pub chunks: u64,
    /// How many of them no blob is made of: uploads that are not complete.
    pub unused: u64,
    /// How many files lie beside the database.
    pub files: u64,
    /// How many bytes the database and the files have.
    pub bytes: u64,
}

/// What a check went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries whose digest, form, hash and link are true.
    pub entries: u64,
    /// Files whose content is what their name says.
    pub files: u64,
    /// Blobs that are made of chunks, each read to its end.
    pub blobs: u64,
    /// Lines of the audit log that follow each other.
    pub audited: u64,
}

impl Sqlite {
    pub(super) fn all(&self) -> Result<Vec<Collection>, Error> {
        let names = self.readers.read(&self.path, |connection| {
            let read = || -> rusqlite::Result<Vec<String>> {
                connection.prepare("SELECT collection FROM log ORDER BY collection")?.query_map([], |row| row.get(0))?.collect()
            };
            read().map_err(|error| failure::database(&self.path, &error))
        })?;
        let parse = |name: String| name.parse().map_err(|_| failure::damaged(&self.path, format_args!("`{name}` is no collection")));
        names.into_iter().map(parse).collect()
    }

    /// Counts what the store holds.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn stats(&self) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        for collection in self.all()? {
            let state = self.state(&collection)?;
            let (head, horizon) = (state.head.sequence.0, state.horizon.sequence.0);
            stats.collections.push((collection.to_string(), head, head.saturating_sub(horizon)));
        }
        (stats.blobs, stats.chunks, stats.unused) = self.count_chunks()?;
        let files = files_of(self.root())?;
        stats.files = files.len() as u64;
        for file in files.iter().chain([&self.path]) {
            stats.bytes += fs::metadata(file).map_err(|error| failure::io("read", file, &error))?.len();
        }
        Ok(stats)
    }

    fn count_chunks(&self) -> Result<(u64, u64, u64), Error> {
        let sql = "SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM chunk),
                   (SELECT count(*) FROM chunk WHERE NOT EXISTS (SELECT 1 FROM piece WHERE piece.chunk = chunk.id))";
        self.readers.read(&self.path, |connection| {
            let counts = connection.query_row(sql, [], |row| Ok((number(row, 0)?, number(row, 1)?, number(row, 2)?)));
            counts.map_err(|error| failure::database(&self.path, &error))
        })
    }

    pub(super) fn root(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Checks the database, every entry that is there with its link, every file against its name, and the audit log.
    ///
    /// # Errors
    /// Fails with [`Error::Integrity`] at the first thing that is not what it should be.
    pub fn check(&self) -> Result<Checked, Error> {
        self.check_signed(&|_, _, _| true)
    }

    /// Checks as [`Sqlite::check`] does, and that every entry and snapshot is signed by its device, as `verifies` tells.
    ///
    /// # Errors
    /// As [`Sqlite::check`].
    pub fn check_signed(&self, verifies: Verifies<'_>) -> Result<Checked, Error> {
        self.readers.read(&self.path, |connection| {
            let found: Result<String, _> = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
            match found.map_err(|error| failure::database(&self.path, &error))?.as_str() {
                "ok" => Ok(()),
                wrong => Err(failure::damaged(&self.path, wrong)),
            }
        })?;
        let mut checked = Checked::default();
        for collection in self.all()? {
            checked.entries += self.check_log(&collection, verifies)?;
            checked.blobs += self.check_blobs(&collection)?;
        }
        for file in files_of(self.root())? {
            check_file(&file)?;
            checked.files += 1;
        }
        checked.audited = self.check_audit()?;
        Ok(checked)
    }

    fn check_log(&self, collection: &Collection, verifies: Verifies<'_>) -> Result<u64, Error> {
        let mut place: Cursor = self.state(collection)?.horizon;
        let unsigned = |what: &dyn std::fmt::Display, device: &DeviceId| {
            failure::damaged(&self.path, format_args!("{what} of `{collection}` is not signed by its device {device}"))
        };
        if let Some(snapshot) = self.snapshot(collection)?
            && !verifies(&snapshot.device, &snapshot.signed(collection), &snapshot.signature)
        {
            return Err(unsigned(&"the snapshot", &snapshot.device));
        }
        let mut entries = 0;
        loop {
            let page = self.read(collection, &place, PAGE)?;
            for entry in &page.entries {
                if !entry.follows(&place) {
                    return Err(failure::damaged(&self.path, format_args!("entry {} of `{collection}` does not follow", entry.sequence)));
                }
                let envelope = &entry.envelope;
                if !verifies(&envelope.device, &envelope.signed(collection), &envelope.signature) {
                    return Err(unsigned(&entry.sequence, &envelope.device));
                }
                place = entry.cursor(place.log);
                entries += 1;
            }
            if page.entries.is_empty() || place == page.head {
                return Ok(entries);
            }
        }
    }

    fn check_audit(&self) -> Result<u64, Error> {
        let (mut number, mut hash) = (0, Hash::ZERO);
        loop {
            let page = self.audit(number, PAGE)?;
            if page.lines.is_empty() {
                return Ok(number);
            }
            for line in page.lines {
                if line.number != number + 1 || line.previous != hash || line.hash != line.chain() {
                    return Err(failure::damaged(&self.path, format_args!("line {} of the audit log does not follow", line.number)));
                }
                (number, hash) = (line.number, line.hash);
            }
        }
    }

    /// Gives back the space of what was compacted away, and of chunks that no blob is made of ([`Sqlite::sweep`]).
    ///
    /// # Errors
    /// Fails if the store is in use at that very moment, or the disk fails.
    pub fn shrink(&self) -> Result<(), Error> {
        self.sweep()?;
        let wrong = |error: rusqlite::Error| failure::database(&self.path, &error);
        let connection = Connection::open(&self.path).map_err(wrong)?;
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(wrong)
    }
}

fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

/// Puts a backup in the place of the store in `folder`. What stood there is kept beside it; returns where, if anything did.
///
/// # Errors
/// Fails with [`Error::Unavailable`] if the store is in use, and with [`Error::Integrity`] if the file is no backup, not a whole one, or
/// does not hold what it should; the store stays as it is then.
pub fn restore(folder: &Path, file: &Path) -> Result<Option<PathBuf>, Error> {
    let staged = beside(folder, "restoring");
    let _ = fs::remove_dir_all(&staged);
    backup::unpack(file, &staged)
        .and_then(|_| Sqlite::open(&staged)?.check().map(drop))
        .inspect_err(|_| drop(fs::remove_dir_all(&staged)))?;
    let mut kept = None;
    if folder.exists() {
        require_unused(&folder.join("store.db"))?;
        let number = (1..).find(|number| !beside(folder, &format!("before-restore-{number}")).exists()).unwrap_or(0);
        let aside = beside(folder, &format!("before-restore-{number}"));
        fs::rename(folder, &aside).map_err(|error| failure::io("move", folder, &error))?;
        kept = Some(aside);
    }
    fs::rename(&staged, folder).map_err(|error| failure::io("move", &staged, &error))?;
    Ok(kept)
}

/// Every connection to a database in WAL mode holds a lock on it, so that nobody else can have it alone.
fn require_unused(database: &Path) -> Result<(), Error> {
    if !database.exists() {
        return Ok(());
    }
    let wrong = |error: rusqlite::Error| failure::database(database, &error);
    let connection = Connection::open(database).map_err(wrong)?;
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;").map_err(wrong)
}

/// Returns a name beside a file or folder.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

/// Compares a file's content with its name; memory does not grow with it.
fn check_file(path: &Path) -> Result<(), Error> {
    let mut file = File::open(path).map_err(|error| failure::io("read", path, &error))?;
    let found = files::copy(&mut file, &mut io::sink()).map_err(|error| match error {
        Copying::Read(error) | Copying::Write(error) => failure::io("read", path, &error),
    })?;
    if path.file_name().and_then(|name| name.to_str()) == Some(Hash(found).to_string().as_str()) {
        return Ok(());
    }
    Err(failure::damaged(path, "its content is not what its name says"))
}
