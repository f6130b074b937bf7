//! One exchange: done, undone, and told from what lies in its slot.
//!
//! The state is always read from the files themselves, so every function here can be cut off anywhere and run again.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use record::Digest;
use record::digest::Hasher;

use crate::staging::journal::{Action, Entry};
use crate::staging::platform::{self, BLOCK, Disk};

/// The slots of one step.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a> {
    /// What changes files.
    pub(super) disk: &'a Disk,
    /// The step's folder.
    pub(super) folder: &'a Path,
}

impl Slots<'_> {
    /// Returns the slot of the exchange number `n`.
    pub(super) fn slot(&self, n: usize) -> PathBuf {
        self.folder.join(n.to_string())
    }

    /// Returns where a file system without exchange keeps the displaced file.
    fn old(&self, n: usize) -> PathBuf {
        self.folder.join(format!("{n}.old"))
    }

    /// Exchanges, and tells whether what was displaced is what was expected; if not, it stands in its place again.
    pub(super) fn perform(&self, n: usize, entry: &Entry) -> io::Result<bool> {
        let slot = self.slot(n);
        match entry.action {
            Action::Create { .. } => happened(self.disk.place(&slot, &entry.target)),
            Action::Replace { new, expected } => match happened(self.disk.exchange(&slot, &entry.target)) {
                Ok(true) if is(&slot, expected) => Ok(true),
                Ok(true) => self.swap_back(&slot, &entry.target, new).map(|()| false),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => self.replace_checked(n, &entry.target, new, expected),
                otherwise => otherwise,
            },
            Action::Delete { expected } => {
                if !happened(self.disk.rename(&entry.target, &slot))? {
                    return Ok(false);
                }
                if is(&slot, expected) {
                    return Ok(true);
                }
                self.return_moved(&slot, &entry.target).map(|()| false)
            }
        }
    }

    /// Puts back what was exchanged, unless someone has written the target since.
    pub(super) fn undo(&self, n: usize, entry: &Entry) -> io::Result<()> {
        let slot = self.slot(n);
        match entry.action {
            Action::Create { new } => {
                if !is(&entry.target, new) || !happened(self.disk.rename(&entry.target, &slot))? || is(&slot, new) {
                    return Ok(());
                }
                self.return_moved(&slot, &entry.target)
            }
            Action::Replace { new, .. } if exists(&slot) => self.swap_back(&slot, &entry.target, new),
            Action::Replace { new, .. } => self.restore(&self.old(n), &entry.target, new),
            Action::Delete { .. } => self.return_moved(&slot, &entry.target),
        }
    }

    /// Tells whether the exchange happened; a lost race is put right first.
    pub(super) fn fate(&self, n: usize, entry: &Entry) -> io::Result<bool> {
        let slot = self.slot(n);
        match entry.action {
            Action::Create { .. } => Ok(!exists(&slot) || platform::same_file(&slot, &entry.target)),
            Action::Replace { new, expected } if exists(&slot) => {
                if exists(&self.old(n)) {
                    return Ok(false);
                }
                match digest(&slot) {
                    Some(found) if found == expected => Ok(true),
                    Some(found) if found == new => Ok(false),
                    _ => self.swap_back(&slot, &entry.target, new).map(|()| false),
                }
            }
            Action::Replace { new, expected } => {
                let old = self.old(n);
                if is(&old, expected) {
                    return Ok(true);
                }
                self.restore(&old, &entry.target, new).map(|()| false)
            }
            Action::Delete { expected } => {
                if !exists(&slot) {
                    return Ok(false);
                }
                if is(&slot, expected) {
                    return Ok(true);
                }
                self.return_moved(&slot, &entry.target).map(|()| false)
            }
        }
    }

    /// Returns the file that the exchange displaced and nobody expected, if it lies here still: it must be kept.
    pub(super) fn unexpected(&self, n: usize, entry: &Entry) -> Option<PathBuf> {
        let expected = entry.action.expected()?;
        let slot = self.slot(n);
        let displaced = match entry.action {
            Action::Replace { .. } if !exists(&slot) => self.old(n),
            _ => slot,
        };
        let ours = |found: Digest| found == expected || Some(found) == entry.action.new_content();
        (exists(&displaced) && !digest(&displaced).is_some_and(ours)).then_some(displaced)
    }

    /// Exchanges back after a lost race. Someone who has written the target meanwhile stands: then the displaced file stays staged.
    fn swap_back(&self, slot: &Path, target: &Path, new: Digest) -> io::Result<()> {
        if !is(target, new) || !happened(self.disk.exchange(slot, target))? || is(slot, new) {
            return Ok(());
        }
        happened(self.disk.exchange(slot, target)).map(|_| ())
    }

    /// Returns a file that was moved away; whoever has taken its place meanwhile stands.
    fn return_moved(&self, slot: &Path, target: &Path) -> io::Result<()> {
        if platform::same_file(slot, target) {
            // Cut off after it got its name back and before it lost the other one.
            return self.disk.remove(slot);
        }
        happened(self.disk.place(slot, target)).map(|_| ())
    }

    /// Replaces where nothing can be exchanged: the old file is kept by a second name, checked, and renamed over.
    fn replace_checked(&self, n: usize, target: &Path, new: Digest, expected: Digest) -> io::Result<bool> {
        let old = self.old(n);
        if !happened(self.disk.keep(target, &old))? {
            return Ok(false);
        }
        if !is(&old, expected) {
            return self.disk.remove(&old).map(|()| false);
        }
        self.disk.rename(&self.slot(n), target)?;
        if is(&old, expected) {
            return Ok(true);
        }
        self.restore(&old, target, new).map(|()| false)
    }

    /// Renames the kept file back, unless someone has written the target since.
    fn restore(&self, old: &Path, target: &Path, new: Digest) -> io::Result<()> {
        if !exists(old) || !is(target, new) {
            return Ok(());
        }
        self.disk.rename(old, target)
    }
}

/// Tells whether an action happened; a target that is missing or taken is an answer and no error.
fn happened(outcome: io::Result<()>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => Ok(false),
        Err(error) => Err(error),
    }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn is(path: &Path, content: Digest) -> bool {
    digest(path) == Some(content)
}

/// Returns the digest of a file's content or of a symlink's text; nothing for what is neither or cannot be read.
pub(super) fn digest(path: &Path) -> Option<Digest> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if metadata.is_symlink() {
        let text = fs::read_link(path).ok()?;
        return Some(Digest::of(platform::path_to_bytes(&text)?));
    }
    if metadata.is_file() { of_file(path).ok() } else { None }
}

/// Returns the digest of a file's content, read block by block.
fn of_file(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hasher, mut block) = (fs::File::open(path)?, Hasher::default(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(block.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
