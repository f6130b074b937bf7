//! The care of a store's files: counted, checked, copied into one file, put back from it, and shrunk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Collection, Cursor, Error, Hash, Snapshot, Store};
use rusqlite::{Connection, OpenFlags, params};
use sha2::{Digest, Sha256};

use super::{Sqlite, failure};

/// The folders beside the database whose files belong to a backup.
const ROOMS: &[&str] = &["blobs", "envelopes", "snapshots"];
/// How many entries are checked at once.
const PAGE: usize = 256;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Each collection, by name, with its head and the number of entries that are still there.
    pub collections: Vec<(String, u64, u64)>,
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
    /// Lines of the audit log that follow each other.
    pub audited: u64,
}

impl Sqlite {
    fn all(&self) -> Result<Vec<Collection>, Error> {
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
        let files = files_of(self.root())?;
        stats.files = files.len() as u64;
        for file in files.iter().chain([&self.path]) {
            stats.bytes += fs::metadata(file).map_err(|error| failure::io("read", file, &error))?.len();
        }
        Ok(stats)
    }

    fn root(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Checks the database, every entry that is there with its link, every file against its name, and the audit log.
    ///
    /// # Errors
    /// Fails with [`Error::Integrity`] at the first thing that is not what it should be.
    pub fn check(&self) -> Result<Checked, Error> {
        self.readers.read(&self.path, |connection| {
            let found: Result<String, _> = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
            match found.map_err(|error| failure::database(&self.path, &error))?.as_str() {
                "ok" => Ok(()),
                wrong => Err(failure::damaged(&self.path, wrong)),
            }
        })?;
        let mut checked = Checked::default();
        for collection in self.all()? {
            checked.entries += self.check_log(&collection)?;
        }
        for file in files_of(self.root())? {
            check_file(&file)?;
            checked.files += 1;
        }
        checked.audited = self.check_audit()?;
        Ok(checked)
    }

    fn check_log(&self, collection: &Collection) -> Result<u64, Error> {
        let mut place: Cursor = self.state(collection)?.horizon;
        let mut entries = 0;
        loop {
            let page = self.read(collection, &place, PAGE)?;
            for entry in &page.entries {
                if !entry.follows(&place) {
                    return Err(failure::damaged(&self.path, format_args!("entry {} of `{collection}` does not follow", entry.sequence)));
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
                if line.number != number + 1 || line.previous != hash {
                    return Err(failure::damaged(&self.path, format_args!("line {} of the audit log does not follow", line.number)));
                }
                (number, hash) = (line.number, line.hash);
            }
        }
    }

    /// Copies the whole store into one new file, durable before this returns. Others may go on using the store.
    ///
    /// The file is an SQLite database: the store's own tables, and `backup_file` with what lies in files beside it.
    ///
    /// # Errors
    /// Fails with [`Error::Conflict`] if there is such a file already, and if the disk or the store fails.
    pub fn backup(&self, file: &Path) -> Result<(), Error> {
        if file.exists() {
            return Err(Error::Conflict(format!("`{}` is there already, and a backup overwrites nothing", file.display())));
        }
        let staged = beside(file, "unfinished");
        let _ = fs::remove_file(&staged);
        let name = staged.to_str().ok_or_else(|| Error::Malformed(format!("path `{}`: it is not UTF-8", staged.display())))?;
        // What a row names was there before the row, and files never change, so that files may be copied after the rows.
        // A reader is inside a transaction, and there nothing can be vacuumed.
        let connection = Connection::open(&self.path).map_err(|error| failure::database(&self.path, &error))?;
        connection.execute("VACUUM INTO ?1", [name]).map_err(|error| failure::database(&staged, &error))?;
        drop(connection);
        self.pack(&staged).inspect_err(|_| drop(fs::remove_file(&staged)))?;
        let end = File::open(&staged).and_then(|staged| staged.sync_all()).and_then(|()| fs::rename(&staged, file));
        end.map_err(|error| failure::io("write", file, &error))
    }

    fn pack(&self, staged: &Path) -> Result<(), Error> {
        let wrong = |error: rusqlite::Error| failure::database(staged, &error);
        let connection = Connection::open(staged).map_err(wrong)?;
        connection
            .execute_batch("BEGIN; CREATE TABLE backup_file (path TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;")
            .map_err(wrong)?;
        for file in files_of(self.root())? {
            let content = match fs::read(&file) {
                Ok(content) => content,
                // It was compacted away meanwhile: the copied rows are older, and a check of the backup would tell.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failure::io("read", &file, &error)),
            };
            let path = file.strip_prefix(self.root()).unwrap_or(&file).to_string_lossy().into_owned();
            connection.execute("INSERT INTO backup_file VALUES (?1, ?2)", params![path, content]).map_err(wrong)?;
        }
        connection.execute_batch("COMMIT").map_err(wrong)
    }

    /// Gives back the space of what was compacted away.
    ///
    /// # Errors
    /// Fails if the store is in use at that very moment, or the disk fails.
    pub fn shrink(&self) -> Result<(), Error> {
        let wrong = |error: rusqlite::Error| failure::database(&self.path, &error);
        let connection = Connection::open(&self.path).map_err(wrong)?;
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(wrong)
    }
}

/// Puts a backup in the place of the store in `folder`. What stood there is kept beside it; returns where, if anything did.
///
/// # Errors
/// Fails with [`Error::Unavailable`] if the store is in use, with [`Error::Malformed`] if the file is no backup, and with
/// [`Error::Integrity`] if the backup does not hold what it should; the store stays as it is then.
pub fn restore(folder: &Path, file: &Path) -> Result<Option<PathBuf>, Error> {
    let staged = beside(folder, "restoring");
    let _ = fs::remove_dir_all(&staged);
    unpack(file, &staged).and_then(|()| Sqlite::open(&staged)?.check().map(drop)).inspect_err(|_| drop(fs::remove_dir_all(&staged)))?;
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

fn unpack(file: &Path, folder: &Path) -> Result<(), Error> {
    let no_backup = |_| Error::Malformed(format!("backup: `{}` is none", file.display()));
    let packed = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(no_backup)?;
    let database = folder.join("store.db");
    let mut files = packed.prepare("SELECT path, content FROM backup_file").map_err(no_backup)?;
    fs::create_dir_all(folder).map_err(|error| failure::io("make", folder, &error))?;
    let rows = files.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))).map_err(no_backup)?;
    for row in rows {
        let (path, content) = row.map_err(|error| failure::database(file, &error))?;
        let safe = path.split('/').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !safe {
            return Err(Error::Malformed(format!("backup: it holds a file called `{path}`")));
        }
        let target = folder.join(path);
        let written = target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&target, content));
        written.and_then(|()| File::open(&target)?.sync_all()).map_err(|error| failure::io("write", &target, &error))?;
    }
    fs::copy(file, &database).map_err(|error| failure::io("write", &database, &error))?;
    let wrong = |error: rusqlite::Error| failure::database(&database, &error);
    let connection = Connection::open(&database).map_err(wrong)?;
    connection.execute_batch("DROP TABLE backup_file; VACUUM;").map_err(wrong)?;
    drop(connection);
    File::open(&database).and_then(|database| database.sync_all()).map_err(|error| failure::io("write", &database, &error))
}

/// Returns a name beside a file or folder.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

/// Returns every file beside the database, sorted.
fn files_of(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders: Vec<PathBuf> = ROOMS.iter().map(|room| root.join(room)).filter(|room| room.is_dir()).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failure::io("read", &folder, &error))? {
            let path = entry.map_err(|error| failure::io("read", &folder, &error))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

fn check_file(file: &Path) -> Result<(), Error> {
    let content = fs::read(file).map_err(|error| failure::io("read", file, &error))?;
    let digest = Hash(Sha256::digest(&content).into()).to_string();
    // A snapshot lies under the digest of its bytes, too; whether it is one is looked at besides.
    let snapshot = file.components().any(|part| part.as_os_str() == "snapshots");
    if file.file_name().and_then(|name| name.to_str()) != Some(digest.as_str()) || (snapshot && Snapshot::decode(&content).is_err()) {
        return Err(failure::damaged(file, "its content is not what its name says"));
    }
    Ok(())
}
