//! Staged replacement of files: written beside, exchanged atomically, kept until the step is settled.
//!
//! A step's files lie in `<area>/<step>/`: one numbered slot for each exchange, and a journal that is durable before
//! the first exchange. A slot holds the new content before its exchange and the displaced file after it, so the
//! folder itself tells what happened. `docs/format/staging.md` specifies it.

mod exchange;
mod journal;
mod note;
mod platform;
mod recovery;
mod stat;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use record::Digest;

use crate::error::Error;
use crate::item::{Fingerprint, Key};
use crate::operation::StepId;
use exchange::Slots;
use journal::{Action, Entry, Journal};
pub use note::Note;
use platform::Disk;
pub use platform::copy_attributes;
pub use stat::{Moment, Stat, digest_whole, now, read_whole, stat};

/// Where the steps of one endpoint stage their files: a folder on the same file system as the targets.
///
/// The folder is made when a step begins and removed when nothing is left in it.
#[derive(Clone, Debug)]
pub struct Staging {
    area: PathBuf,
    disk: Disk,
}

/// One operation's answer should the step be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// The operation's place in its step.
    pub index: usize,
    /// The key that the item will have; none for a deletion.
    pub key: Option<Key>,
    /// The fingerprint that the item will have, as far as it can be known before; none for a deletion.
    pub fingerprint: Option<Fingerprint>,
}

/// What became of one staged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is in place: what the file system says of it now, or nothing for a deletion.
    Done(Option<Stat>),
    /// The target is not what was expected and stands as it was.
    Stale,
}

/// The files of one step, until they are exchanged. Dropping it instead leaves everything as it was.
#[derive(Debug)]
pub struct Stage {
    staging: Staging,
    step: StepId,
    folder: PathBuf,
    entries: Vec<Entry>,
    calls: Vec<Call>,
    /// The folder that was resolved and checked last, as it was named and as it is.
    parent: Option<(PathBuf, PathBuf)>,
    open: bool,
}

/// One call of `create`, `replace` or `delete`.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// The target was not what was expected already.
    Stale,
    /// It became the entry of this number; the stat of the staged file, unless it is a deletion.
    Entry(usize, Option<Stat>),
}

impl Staging {
    /// Names the area, as `<folder>/.syncretic/` or `<dir of file>/.<file name>.syncretic/`. Touches nothing.
    #[must_use]
    pub fn at(area: PathBuf) -> Self {
        Self { area, disk: Disk::default() }
    }

    /// Begins a step.
    ///
    /// # Errors
    /// Fails if the area cannot be made or written, or if the step was begun before and is not settled.
    pub fn begin(&self, step: StepId) -> Result<Stage, Error> {
        let folder = self.folder(step);
        self.make_folder(&folder)?;
        Ok(Stage { staging: self.clone(), step, folder, entries: Vec::new(), calls: Vec::new(), parent: None, open: true })
    }

    fn folder(&self, step: StepId) -> PathBuf {
        self.area.join(step.to_string())
    }

    /// Makes the area and the step's folder; another step that is settled at the same time may remove the empty area in between.
    fn make_folder(&self, folder: &Path) -> Result<(), Error> {
        const ATTEMPTS: usize = 8;
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            match self.disk.make_folder(&self.area) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Error::io(&self.area, error)),
                _ => {}
            }
            outcome = self.disk.make_folder(folder);
            match &outcome {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::Source { path: folder.to_owned(), reason: "this step was begun before; recover and settle it first".to_owned() }
            }
            _ => {
                let _ = self.disk.remove_folder(&self.area);
                Error::io(folder, error)
            }
        })
    }
}

impl Stage {
    /// Stages a new file. If `target` is there, now or at the exchange, the answer is [`Placed::Stale`].
    ///
    /// # Errors
    /// Fails if the file cannot be staged, or its folder cannot be written or lies on another file system.
    pub fn create(&mut self, ops: Vec<Staged>, target: &Path, bytes: &[u8]) -> Result<(), Error> {
        if fs::symlink_metadata(target).is_ok() {
            self.calls.push(Call::Stale);
            return Ok(());
        }
        let target = self.resolve_parent(target)?;
        self.stage_file(ops, target, Action::Create { new: Digest::of(bytes) }, bytes, None)
    }

    /// Stages new content for a file whose content has the digest `expected`. Symlinks are followed; mode, owner, group
    /// and extended attributes are kept.
    ///
    /// # Errors
    /// Fails if the file cannot be staged, its owner cannot be kept, or its folder cannot be written or lies on another file system.
    pub fn replace(&mut self, ops: Vec<Staged>, target: &Path, expected: Digest, bytes: &[u8]) -> Result<(), Error> {
        let Some(target) = self.replaceable(target)? else { return self.stale() };
        let like = target.clone();
        self.stage_file(ops, target, Action::Replace { new: Digest::of(bytes), expected }, bytes, Some(&like))
    }

    /// Stages new content as [`Stage::replace`] does, but takes it from a reader, so that it need never be held whole.
    ///
    /// # Errors
    /// Fails as [`Stage::replace`] does, or if the content cannot be read.
    pub fn replace_from(&mut self, ops: Vec<Staged>, target: &Path, expected: Digest, content: &mut dyn Read) -> Result<(), Error> {
        let Some(target) = self.replaceable(target)? else { return self.stale() };
        let slot = self.slots().slot(self.entries.len());
        let new = self.staging.disk.write_from(&slot, content, &target).map_err(|error| Error::io(&target, error))?;
        let staged = stat(&slot)?;
        self.enter(ops, target, Action::Replace { new, expected }, Some(staged));
        Ok(())
    }

    /// Returns the file that a replacement of `target` would replace; none if it is not there.
    fn replaceable(&self, target: &Path) -> Result<Option<PathBuf>, Error> {
        let target = match fs::canonicalize(target) {
            Ok(target) if target.is_file() => target,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(target, error)),
        };
        self.reachable(&target)?;
        Ok(Some(target))
    }

    /// Stages the removal of a file whose content has the digest `expected`. Of a symlink only the link goes.
    ///
    /// # Errors
    /// Fails if the file's folder cannot be written or lies on another file system.
    pub fn delete(&mut self, ops: Vec<Staged>, target: &Path, expected: Digest) -> Result<(), Error> {
        let link = match fs::symlink_metadata(target) {
            Ok(metadata) => metadata.is_symlink(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.stale(),
            Err(error) => return Err(Error::io(target, error)),
        };
        let target = self.resolve_parent(target)?;
        let expected = if link {
            // What is moved is the link, so the link is what must still be the same at the exchange.
            let content = fs::canonicalize(&target).ok().and_then(|file| exchange::digest(&file));
            match exchange::digest(&target) {
                Some(of_link) if content == Some(expected) => of_link,
                _ => return self.stale(),
            }
        } else {
            expected
        };
        self.enter(ops, target, Action::Delete { expected }, None);
        Ok(())
    }

    /// Makes everything staged durable, exchanges it, and answers each call in order.
    ///
    /// # Errors
    /// Fails if an exchange is refused; what was exchanged before is put back as far as possible, and
    /// [`Staging::recover`] tells what stands.
    pub fn commit(mut self) -> Result<Vec<Placed>, Error> {
        if !self.entries.is_empty() {
            self.write_journal()?;
            self.open = false;
            let done = self.exchange_all()?;
            return Ok(self.answers(&done));
        }
        Ok(self.answers(&[]))
    }

    fn stale(&mut self) -> Result<(), Error> {
        self.calls.push(Call::Stale);
        Ok(())
    }

    fn slots(&self) -> Slots<'_> {
        Slots { disk: &self.staging.disk, folder: &self.folder }
    }

    /// Resolves the folder of `target`, but not `target` itself, and checks that files can be exchanged there.
    fn resolve_parent(&mut self, target: &Path) -> Result<PathBuf, Error> {
        let name = target.file_name().ok_or_else(|| Error::Source { path: target.to_owned(), reason: "this names no file".to_owned() })?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if let Some((named, resolved)) = &self.parent
            && named == parent
        {
            return Ok(resolved.join(name));
        }
        let folder = fs::canonicalize(parent).map_err(|error| Error::io(parent, error))?;
        let resolved = folder.join(name);
        self.reachable(&resolved)?;
        self.parent = Some((parent.to_owned(), folder));
        Ok(resolved)
    }

    fn reachable(&self, target: &Path) -> Result<(), Error> {
        let parent = target.parent().unwrap_or(target);
        platform::writable(parent).map_err(|error| Error::io(parent, error))?;
        if stat(parent)?.device == stat(&self.folder)?.device {
            return Ok(());
        }
        let reason = format!("it is on another file system than {}, so it cannot be replaced safely", self.staging.area.display());
        Err(Error::Source { path: target.to_owned(), reason })
    }

    fn stage_file(&mut self, ops: Vec<Staged>, target: PathBuf, action: Action, bytes: &[u8], like: Option<&Path>) -> Result<(), Error> {
        let slot = self.slots().slot(self.entries.len());
        self.staging.disk.write(&slot, bytes, like).map_err(|error| Error::io(like.unwrap_or(&slot), error))?;
        let staged = stat(&slot)?;
        self.enter(ops, target, action, Some(staged));
        Ok(())
    }

    fn enter(&mut self, ops: Vec<Staged>, target: PathBuf, action: Action, staged: Option<Stat>) {
        self.calls.push(Call::Entry(self.entries.len(), staged));
        self.entries.push(Entry { action, target, ops });
    }

    fn write_journal(&self) -> Result<(), Error> {
        let path = self.folder.join(journal::NAME);
        let bytes = Journal::encode(self.step, &self.entries)?;
        self.staging.disk.write(&path, &bytes, None).map_err(|error| Error::io(&path, error))?;
        let staged = (0..self.entries.len()).map(|n| self.slots().slot(n));
        let all = [self.folder.clone(), self.staging.area.clone(), path].into_iter().chain(staged);
        self.staging.disk.sync(&self.folder, all).map_err(|error| Error::io(&self.folder, error))
    }

    fn exchange_all(&self) -> Result<Vec<bool>, Error> {
        let mut done = Vec::with_capacity(self.entries.len());
        for (n, entry) in self.entries.iter().enumerate() {
            match self.slots().perform(n, entry) {
                Ok(placed) => done.push(placed),
                Err(error) => {
                    self.put_back(&done);
                    return Err(Error::io(&entry.target, error));
                }
            }
        }
        let folders = self.entries.iter().filter_map(|entry| entry.target.parent()).map(Path::to_owned);
        self.staging.disk.sync(&self.folder, folders).map_err(|error| Error::io(&self.folder, error))?;
        Ok(done)
    }

    /// Undoes what was done, newest first. What cannot be undone now stays as it is for [`Staging::recover`] to tell.
    fn put_back(&self, done: &[bool]) {
        let undone = self.entries.iter().zip(done).enumerate().rev().all(|(n, (entry, done))| !done || self.slots().undo(n, entry).is_ok());
        if undone && self.staging.fates_of(&self.folder, &self.entries).is_ok_and(|fates| !fates.contains(&true)) {
            let _ = self.staging.settle(self.step);
        }
    }

    fn answers(&self, done: &[bool]) -> Vec<Placed> {
        let answer = |call: &Call| match *call {
            Call::Entry(n, staged) if done.get(n) == Some(&true) => {
                let target = self.entries.get(n).map(|entry| entry.target.as_path());
                Placed::Done(staged.map(|staged| target.map_or(staged, |target| in_place(target, staged))))
            }
            Call::Entry(..) | Call::Stale => Placed::Stale,
        };
        self.calls.iter().map(answer).collect()
    }
}

/// Returns the stat of the file at `target` if it is still the one that was staged. Otherwise someone has written
/// since, and the staged file's own stat makes the next scan notice.
fn in_place(target: &Path, staged: Stat) -> Stat {
    let same = |found: &Stat| found.inode == staged.inode && found.size == staged.size && found.modified == staged.modified;
    stat(target).ok().filter(same).unwrap_or(staged)
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.open {
            // Nothing was exchanged, so a folder that cannot be removed now harms nothing; recovery removes it.
            let _ = self.staging.discard(&self.folder);
        }
    }
}
