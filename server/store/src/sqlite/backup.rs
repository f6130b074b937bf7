//! Backups: one file with the database as SQLite copies it while it is in use, and every file beside it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use protocol::{Error, Hash};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::{Sqlite, failure, files};

/// What a backup begins with.
const MAGIC: &[u8] = b"syncretic backup 1\n";
/// The rooms whose files are in it.
const ROOMS: [&str; 4] = ["envelopes", "blobs", "packs", "snapshots"];
/// How many pages SQLite copies at a time.
const PAGES: i32 = 1024;
/// How often a backup begins anew because a compaction took a file away meanwhile.
const ATTEMPTS: usize = 3;

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Files, the database among them.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Sqlite {
    /// Writes everything that the store keeps to `target`, which must not be there yet. The store may be in use.
    ///
    /// # Errors
    /// Fails with [`Error::Conflict`] if the target is there, and if the store cannot be read or the target cannot be written; then there
    /// is none.
    pub fn backup(&self, target: &Path) -> Result<BackedUp, Error> {
        if target.exists() {
            return Err(Error::Conflict(format!("`{}` is there already, and a backup overwrites nothing", target.display())));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = Hash(crate::random::bytes()?).to_string();
        let (database, staged) = (folder.join(format!(".{name}.db")), folder.join(format!(".{name}.backup")));
        let done = self.attempt(&database, &staged, target);
        // What is not there any more needs no removal.
        let _ = (fs::remove_file(&database), fs::remove_file(&staged));
        done
    }

    /// Writes a backup until it holds every file that its database names: a compaction may take some away meanwhile.
    fn attempt(&self, database: &Path, staged: &Path, target: &Path) -> Result<BackedUp, Error> {
        for _ in 0..ATTEMPTS {
            self.copy_database(database)?;
            let Some(done) = self.write_backup(database, staged)? else { continue };
            // A link, since a rename would replace what is there.
            fs::hard_link(staged, target).map_err(|error| failure::io("make", target, &error))?;
            return Ok(done);
        }
        Err(Error::Unavailable("files that belong to it are not there; try again when no compaction runs, and if that does not help, `syncretic store fsck` says what is wrong".into()))
    }

    fn copy_database(&self, to: &Path) -> Result<(), Error> {
        let _ = fs::remove_file(to);
        self.readers.read(&self.path, |connection| {
            let copy = || {
                let mut target = Connection::open(to)?;
                Backup::new(connection, &mut target)?.run_to_completion(PAGES, std::time::Duration::ZERO, None)?;
                // One file by itself: a restored store turns WAL on again.
                target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
            };
            copy().map_err(|error| failure::database(to, &error))
        })
    }

    /// Writes the backup; nothing if it lacks a file that its database names.
    fn write_backup(&self, database: &Path, staged: &Path) -> Result<Option<BackedUp>, Error> {
        let root = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        let failed = |error: io::Error| failure::io("write", staged, &error);
        let mut out = Digesting { inner: BufWriter::new(File::create(staged).map_err(failed)?), hasher: Sha256::new() };
        out.write_all(MAGIC).map_err(failed)?;
        let mut done = BackedUp::default();
        let mut missing = named(database)?;
        for path in files_of(&root)? {
            let Some(name) = path.strip_prefix(&root).ok().and_then(Path::to_str) else { continue };
            match append(&mut out, name, &path, &mut done) {
                Ok(()) => drop(missing.remove(path.file_name().and_then(|name| name.to_str()).unwrap_or_default())),
                // Whether it is missed is seen below.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        if !missing.is_empty() {
            return Ok(None);
        }
        append(&mut out, "store.db", database, &mut done).map_err(failed)?;
        out.write_all(&0_u32.to_be_bytes()).map_err(failed)?;
        let digest = out.hasher.finalize();
        let mut file = out.inner;
        file.write_all(&digest).map_err(failed)?;
        file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
        Ok(Some(done))
    }
}

/// Returns the names of the files that a database's rows stand on.
fn named(database: &Path) -> Result<BTreeSet<String>, Error> {
    let list = || {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = connection.prepare(
            "SELECT digest FROM entry JOIN log ON log.id = entry.log WHERE envelope IS NULL AND sequence > log.horizon
             UNION SELECT digest FROM snapshot UNION SELECT digest FROM pack",
        )?;
        statement.query_map([], |row| Ok(Hash(row.get(0)?).to_string()))?.collect::<rusqlite::Result<_>>()
    };
    list().map_err(|error| failure::database(database, &error))
}

/// Puts what a backup holds into `folder`, which holds no store. Every device notices that the store went back in time.
///
/// # Errors
/// Fails with [`Error::Integrity`] if the backup is not whole, or none.
pub(super) fn unpack(backup: &Path, folder: &Path) -> Result<BackedUp, Error> {
    files::make_root(folder)?;
    let file = File::open(backup).map_err(|error| failure::io("read", backup, &error))?;
    let mut from = Reading { inner: BufReader::new(file), hasher: Sha256::new() };
    let unpacked = read_members(&mut from, folder).map_err(|error| match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            Error::Integrity(format!("`{}` is no whole backup: {error}; nothing was put back", backup.display()))
        }
        _ => failure::io("restore to", folder, &error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failure::io("write", folder, &error))?;
    Ok(unpacked)
}

/// Writes one member: the length of its name, the name, its length, its bytes.
fn append(out: &mut Digesting, name: &str, path: &Path, done: &mut BackedUp) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    out.write_all(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes())?;
    out.write_all(name.as_bytes())?;
    out.write_all(&length.to_be_bytes())?;
    if io::copy(&mut file, out)? != length {
        return Err(io::Error::other("it changed while it was copied"));
    }
    done.files += 1;
    done.bytes += length;
    Ok(())
}

fn read_members(from: &mut Reading, folder: &Path) -> io::Result<BackedUp> {
    let wrong = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(wrong("it does not begin as one"));
    }
    let mut done = BackedUp::default();
    loop {
        let (mut name, mut length) = ([0; 4], [0; 8]);
        from.read_exact(&mut name)?;
        let name = u32::from_be_bytes(name);
        if name == 0 {
            break;
        }
        let mut text = vec![0; usize::try_from(name).ok().filter(|length| *length <= 256).ok_or_else(|| wrong("a name is too long"))?];
        from.read_exact(&mut text)?;
        from.read_exact(&mut length)?;
        let path = place(&text, folder).ok_or_else(|| wrong("a name is none of a store's"))?;
        let length = u64::from_be_bytes(length);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut file = File::create(&path)?;
        if io::copy(&mut from.take(length), &mut file)? != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        file.sync_all()?;
        done.files += 1;
        done.bytes += length;
    }
    let expected: [u8; 32] = from.hasher.clone().finalize().into();
    let mut found = [0; 32];
    from.inner.read_exact(&mut found)?;
    if found == expected { Ok(done) } else { Err(wrong("its digest does not fit")) }
}

/// Returns where a member belongs: only the names that a store gives are taken, so that none leads elsewhere.
fn place(name: &[u8], folder: &Path) -> Option<PathBuf> {
    let name = std::str::from_utf8(name).ok()?;
    if name == "store.db" {
        return Some(folder.join(name));
    }
    let parts: Vec<&str> = name.split('/').collect();
    let [room, owner, shelf, digest] = parts.as_slice() else { return None };
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let known = ROOMS.contains(room) && digits(owner, 64) && digits(shelf, 2) && digits(digest, 64);
    known.then(|| folder.join(room).join(owner).join(shelf).join(digest))
}

/// Returns every file beside the database, sorted.
pub(super) fn files_of(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for room in ROOMS {
        files.extend(files_in(&root.join(room))?);
    }
    files.sort();
    Ok(files)
}

/// Returns every file below a folder, if there is one.
pub(super) fn files_in(room: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders: Vec<PathBuf> = [room.to_owned()].into_iter().filter(|room| room.is_dir()).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failure::io("read", &folder, &error))? {
            let path = entry.map_err(|error| failure::io("read", &folder, &error))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

struct Digesting {
    inner: BufWriter<File>,
    hasher: Sha256,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct Reading {
    inner: BufReader<File>,
    hasher: Sha256,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
