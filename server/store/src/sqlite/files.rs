//! Files that are written once: staged, synced, renamed into place, and never changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use protocol::{Collection, Error, Hash};
use sha2::{Digest, Sha256};

use super::failure;

/// What a file is kept for.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// Blobs of stores before version 3, by their ids.
    Blobs,
    /// Envelopes too large for a row, by their digests.
    Envelopes,
    /// Snapshots, by their digests.
    Snapshots,
    /// Packs of chunks, by their digests.
    Packs,
}

/// The files beside the database: `<room>/<digest of the collection's name>/<2 digits>/<64 digits>`.
pub(super) struct Files {
    root: PathBuf,
    swept: Once,
    durable: Mutex<BTreeSet<PathBuf>>,
}

/// Where copying failed.
pub(super) enum Copying {
    /// The source.
    Read(io::Error),
    /// The target.
    Write(io::Error),
}

impl Files {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), swept: Once::new(), durable: Mutex::default() }
    }

    /// Returns where a file is, whether it is there or not.
    pub(super) fn path(&self, room: Room, collection: &Collection, digest: [u8; 32]) -> PathBuf {
        let room = match room {
            Room::Blobs => "blobs",
            Room::Envelopes => "envelopes",
            Room::Snapshots => "snapshots",
            Room::Packs => "packs",
        };
        let name = Hash(digest).to_string();
        let shelf: String = name.chars().take(2).collect();
        let owner = Hash(Sha256::digest(collection.as_str()).into()).to_string();
        self.root.join(room).join(owner).join(shelf).join(name)
    }

    /// Keeps what `from` yields at `target`, durably, if its digest is the expected one; otherwise nothing.
    pub(super) fn keep(&self, target: &Path, expected: [u8; 32], from: &mut dyn Read) -> Result<(), Error> {
        let mut staged = self.stage()?;
        let found = copy(from, &mut staged.file).map_err(|error| match error {
            Copying::Read(error) => Error::Failed(format!("what was to be kept as {} cannot be read: {error}", Hash(expected))),
            Copying::Write(error) => failure::io("write", &staged.path, &error),
        })?;
        if found != expected {
            return Err(Error::Integrity(format!("what was given as {} is {}; nothing was kept", Hash(expected), Hash(found))));
        }
        self.publish(&staged, target)
    }

    /// Keeps bytes at `target`, durably, whose digest is known to be the right one.
    pub(super) fn keep_known(&self, target: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut staged = self.stage()?;
        staged.file.write_all(bytes).map_err(|error| failure::io("write", &staged.path, &error))?;
        self.publish(&staged, target)
    }

    fn publish(&self, staged: &Staged, target: &Path) -> Result<(), Error> {
        staged.file.sync_all().map_err(|error| failure::io("write", &staged.path, &error))?;
        let folder = target.parent().unwrap_or(&self.root);
        self.make_folder(folder)?;
        fs::rename(&staged.path, target).map_err(|error| failure::io("write", target, &error))?;
        sync_folder(folder)
    }

    /// Removes a file that nothing names; one that cannot be removed only takes space.
    pub(super) fn remove(&self, target: &Path) {
        let _ = fs::remove_file(target);
    }

    /// Makes a folder whose name, and the names above it, survive a power loss.
    fn make_folder(&self, folder: &Path) -> Result<(), Error> {
        let durable = || self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if durable().contains(folder) || folder == self.root {
            return Ok(());
        }
        let above = folder.parent().unwrap_or(&self.root);
        self.make_folder(above)?;
        make(folder)?;
        sync_folder(above)?;
        durable().insert(folder.to_owned());
        Ok(())
    }

    /// Makes an empty file that is this process's alone for as long as it is open, and goes if it is not renamed.
    fn stage(&self) -> Result<Staged, Error> {
        let folder = self.root.join("staging");
        make(&folder)?;
        self.swept.call_once(|| sweep(&folder));
        loop {
            let name = Hash(crate::random::bytes()?).to_string();
            let path = folder.join(name);
            let file = File::create_new(&path).map_err(|error| failure::io("make", &path, &error))?;
            // Where there are no locks nothing is swept either.
            let _ = file.lock();
            // Another process that sweeps may have had the lock before: then the file is gone, and the next one is tried.
            if path.exists() {
                return Ok(Staged { path, file });
            }
        }
    }
}

/// A staged file; dropping it removes it, if it was not renamed.
struct Staged {
    path: PathBuf,
    file: File,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing left to remove; else the next sweep removes what this does not.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what processes left that were cut off: files that nobody holds locked.
fn sweep(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|item| item.path()) {
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Copies all bytes and returns their SHA-256; memory does not grow with the source.
pub(super) fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<[u8; 32], Copying> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copying::Read(error)),
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        hasher.update(bytes);
        to.write_all(bytes).map_err(Copying::Write)?;
    }
}

/// Makes the store's folder and those above it, so that their names survive a power loss.
pub(super) fn make_root(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_root(above)?;
        make(folder)?;
        return sync_folder(above);
    }
    make(folder)
}

fn make(folder: &Path) -> Result<(), Error> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failure::io("make", folder, &error)),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failure::io("write", folder, &error))
}

/// Elsewhere a folder cannot be synced by itself; its file system's journal keeps its names.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), Error> {
    Ok(())
}
