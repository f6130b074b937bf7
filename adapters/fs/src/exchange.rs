//! One exchange: done, undone, and told from what lies in its slot.
//!
//! The state is always read from the files themselves, so every function here can be cut off anywhere and run again.

use std::io;

use crate::beneath::{Root, is_unsupported};
use crate::journal::{Act, Entry, Was};
use crate::mark::Sort;
use crate::name;

/// The slots of one step.
pub(crate) struct Slots<'s> {
    pub(crate) root: &'s Root,
    /// The step's folder, beneath the root.
    pub(crate) folder: &'s [u8],
}

impl Slots<'_> {
    /// Returns the slot of the exchange number `n`.
    pub(crate) fn slot(&self, n: usize) -> Vec<u8> {
        [self.folder, b"/", n.to_string().as_bytes()].concat()
    }

    /// Returns where a file system without exchange keeps the displaced file.
    pub(crate) fn old(&self, n: usize) -> Vec<u8> {
        [self.folder, b"/", n.to_string().as_bytes(), b".old"].concat()
    }

    /// Exchanges, and tells whether what was displaced is what was expected; if not, it stands in its place again.
    pub(crate) fn perform(&self, entry: &Entry) -> io::Result<bool> {
        let (n, target) = (entry.slot, &entry.target);
        let slot = self.slot(n);
        match &entry.act {
            Act::Create { .. } => happened(self.place_in_folder(&slot, target)),
            Act::Replace { inode, expected } => match happened(self.root.exchange(&slot, target)) {
                Ok(true) if expected.stands_at(self.root, &slot) => Ok(true),
                Ok(true) => self.swap_back(&slot, target, *inode).map(|()| false),
                Err(error) if is_unsupported(&error) => self.replace_by_two(n, target, expected),
                otherwise => otherwise,
            },
            Act::Delete { expected } => {
                if !happened(self.root.place(target, &slot))? {
                    return Ok(false);
                }
                if expected.stands_at(self.root, &slot) {
                    return Ok(true);
                }
                happened(self.root.place(&slot, target)).map(|_| false)
            }
            Act::Move { from, expected } => {
                if !happened(self.place_in_folder(from, target))? {
                    return Ok(false);
                }
                if expected.stands_at(self.root, target) {
                    return Ok(true);
                }
                happened(self.root.place(target, from)).map(|_| false)
            }
            Act::MakeFolder => self.make_folder(target),
            Act::RemoveFolder => match self.root.remove_folder(target) {
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
                outcome => outcome.map(|()| true),
            },
            Act::Set { executable, expected } => {
                if !expected.stands_at(self.root, target) {
                    return Ok(false);
                }
                self.root.set_executable(target, *executable).map(|()| true)
            }
        }
    }

    /// Puts back what was exchanged, unless someone has written the target since.
    pub(crate) fn undo(&self, entry: &Entry) -> io::Result<()> {
        let (n, target) = (entry.slot, &entry.target);
        let slot = self.slot(n);
        match &entry.act {
            Act::Create { inode } if self.is(target, *inode) => happened(self.root.place(target, &slot)).map(|_| ()),
            Act::Create { .. } => Ok(()),
            Act::Replace { inode, .. } if self.exists(&slot) => self.swap_back(&slot, target, *inode),
            Act::Replace { inode, .. } if self.is(target, *inode) => {
                self.root.place(target, &slot)?;
                happened(self.root.place(&self.old(n), target)).map(|_| ())
            }
            Act::Replace { .. } => Ok(()),
            Act::Delete { .. } => happened(self.place_in_folder(&slot, target)).map(|_| ()),
            Act::Move { from, .. } => happened(self.place_in_folder(target, from)).map(|_| ()),
            Act::MakeFolder => self.root.remove_folder(target),
            Act::RemoveFolder => self.make_folder(target).map(|_| ()),
            Act::Set { executable, .. } => self.root.set_executable(target, !executable),
        }
    }

    /// Tells whether the exchange happened; a lost race is put right first.
    pub(crate) fn fate(&self, entry: &Entry) -> io::Result<bool> {
        let (n, target) = (entry.slot, &entry.target);
        let slot = self.slot(n);
        match &entry.act {
            Act::Create { .. } => Ok(!self.exists(&slot)),
            Act::Replace { inode, .. } if self.is(&slot, *inode) => {
                if self.exists(&self.old(n)) {
                    happened(self.root.place(&self.old(n), target))?;
                }
                Ok(false)
            }
            Act::Replace { inode, expected } if self.exists(&slot) => {
                if expected.stands_at(self.root, &slot) {
                    return Ok(true);
                }
                self.swap_back(&slot, target, *inode).map(|()| false)
            }
            Act::Replace { .. } => Ok(self.exists(&self.old(n))),
            Act::Delete { expected } => {
                if !self.exists(&slot) {
                    return Ok(false);
                }
                if expected.stands_at(self.root, &slot) {
                    return Ok(true);
                }
                happened(self.place_in_folder(&slot, target)).map(|_| false)
            }
            // Who saved the file anew under its new name gave it another number: then the old name is free.
            Act::Move { from, expected } => {
                let moved = self.is(target, expected.inode) || self.exists(target) && !self.exists(from);
                Ok(moved && !self.is(from, expected.inode))
            }
            Act::MakeFolder => Ok(self.root.find(target)?.is_some_and(|look| look.sort == Sort::Folder)),
            Act::RemoveFolder => Ok(self.root.find(target)?.is_none()),
            Act::Set { executable, .. } => Ok(self.root.find(target)?.is_some_and(|look| look.executable() == *executable)),
        }
    }

    /// Returns what the exchange displaced, and whether nobody had seen it.
    pub(crate) fn displaced(&self, entry: &Entry) -> Option<(Vec<u8>, bool)> {
        let n = entry.slot;
        let slot = self.slot(n);
        let (path, expected) = match &entry.act {
            Act::Replace { inode, expected } if !self.is(&slot, *inode) && self.exists(&slot) => (slot, expected),
            Act::Replace { expected, .. } => (self.old(n), expected),
            Act::Delete { expected } => (slot, expected),
            _ => return None,
        };
        let unseen = !expected.stands_at(self.root, &path);
        self.exists(&path).then_some((path, unseen))
    }

    /// Moves to a name that must be free, in a folder that is made if it is missing.
    fn place_in_folder(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        match self.root.place(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.exists(from) => {
                self.make_folders_of(to)?;
                self.root.place(from, to)
            }
            otherwise => otherwise,
        }
    }

    fn make_folders_of(&self, path: &[u8]) -> io::Result<()> {
        let above: Vec<&[u8]> = name::folders(path).collect();
        for folder in above.into_iter().rev() {
            match self.root.make_folder(folder, 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn make_folder(&self, target: &[u8]) -> io::Result<bool> {
        self.make_folders_of(target)?;
        match self.root.make_folder(target, 0o777) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(self.root.find(target)?.is_some_and(|look| look.sort == Sort::Folder))
            }
            outcome => outcome.map(|()| true),
        }
    }

    /// Exchanges back after a lost race. Someone who has written the target meanwhile stands: then the displaced file stays staged.
    fn swap_back(&self, slot: &[u8], target: &[u8], inode: u64) -> io::Result<()> {
        if !self.is(target, inode) || !happened(self.root.exchange(slot, target))? || self.is(slot, inode) {
            return Ok(());
        }
        happened(self.root.exchange(slot, target)).map(|_| ())
    }

    /// Replaces where nothing can be exchanged: the old file is moved aside and checked, and the new one gets its name.
    fn replace_by_two(&self, n: usize, target: &[u8], expected: &Was) -> io::Result<bool> {
        let old = self.old(n);
        if !happened(self.root.place(target, &old))? {
            return Ok(false);
        }
        if expected.stands_at(self.root, &old) && happened(self.root.place(&self.slot(n), target))? {
            return Ok(true);
        }
        happened(self.root.place(&old, target)).map(|_| false)
    }

    fn is(&self, path: &[u8], inode: u64) -> bool {
        self.root.look(path).is_ok_and(|look| look.stat.inode == inode)
    }

    fn exists(&self, path: &[u8]) -> bool {
        self.root.look(path).is_ok()
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
