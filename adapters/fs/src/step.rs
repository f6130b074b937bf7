//! A step: new content is staged beside the files, everything is durable, and then each name is exchanged.

use adapter::staging::Moment;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use adapter::{Blobs, Error, Fate, Fingerprint, Host, Key, StepId};
use rayon::prelude::*;
use record::Blob;
use record::digest::Hasher;

use crate::beneath::{Root, leads_astray, set_executable, set_modified};
use crate::exchange::Slots;
use crate::journal::{Act, Entry, Journal, Told, Was};
use crate::name;
use crate::read::PIECE;
use crate::trash::{self, AREA};

/// What is to stand under a name.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A file.
    File { blob: Blob, executable: bool, modified: Option<i64> },
    /// A symbolic link with this text.
    Link(Vec<u8>),
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Create { target: Vec<u8>, content: Content },
    Replace { target: Vec<u8>, content: Content, expected: Was },
    Delete { target: Vec<u8>, expected: Was },
    Move { from: Vec<u8>, target: Vec<u8>, expected: Was },
    MakeFolder { target: Vec<u8> },
    RemoveFolder { target: Vec<u8> },
    Set { target: Vec<u8>, executable: bool, expected: Was },
}

impl Work {
    fn target(&self) -> &[u8] {
        match self {
            Self::Create { target, .. }
            | Self::Replace { target, .. }
            | Self::Delete { target, .. }
            | Self::Move { target, .. }
            | Self::MakeFolder { target }
            | Self::RemoveFolder { target }
            | Self::Set { target, .. } => target,
        }
    }
}

/// What one operation does: all of it or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The operation's place in its step.
    pub(crate) index: usize,
    /// The key and the fingerprint, as far as it can be known before; none for a deletion.
    pub(crate) becomes: Option<(String, Fingerprint)>,
    pub(crate) works: Vec<Work>,
}

/// What became of a draft.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Yes,
    Stale,
    Refused(String),
}

/// Where steps are staged.
pub(crate) struct Area<'a> {
    pub(crate) root: &'a Root,
    /// The root's path, for people.
    pub(crate) path: &'a Path,
    /// For how many days what was displaced is kept; none are removed at once.
    pub(crate) days: i64,
    pub(crate) now: Moment,
}

impl Area<'_> {
    /// Stages, makes durable and exchanges, and tells what became of each draft.
    ///
    /// # Errors
    /// Fails if the area cannot be written: then nothing was exchanged.
    pub(crate) fn perform(&self, step: StepId, drafts: &[Draft], blobs: &dyn Blobs, host: &dyn Host) -> Result<Vec<Done>, Error> {
        let folder = folder(step);
        self.make(&folder)?;
        let outcome = self.stage(&folder, drafts, blobs, host).and_then(|staged| {
            let journal = self.journal(drafts, &staged);
            self.write(&folder, step, &journal)?;
            Ok((staged, journal))
        });
        let (staged, journal) = match outcome {
            Ok(staged) => staged,
            Err(error) => {
                // Without a journal nothing was begun, so what cannot be removed now is removed by recovery.
                let _ = self.discard(&folder);
                return Err(error);
            }
        };
        let done = self.exchange_all(&folder, &journal);
        self.sync()?;
        let mut done = done.into_iter();
        Ok(staged.into_iter().map(|staged| staged.map_or_else(Done::Refused, |_| done.next().unwrap_or(Done::Stale))).collect())
    }

    /// Tells what became of each operation of a step, by index; empty if the step is unknown or exchanged nothing.
    ///
    /// # Errors
    /// Fails if the area cannot be read, or a file cannot be put back.
    pub(crate) fn recover(&self, step: StepId) -> Result<Vec<Fate>, Error> {
        let folder = folder(step);
        let Some(journal) = self.read(&folder, step)? else {
            self.discard(&folder)?;
            return Ok(Vec::new());
        };
        let slots = Slots { root: self.root, folder: &folder };
        let needed = needed(&journal.told);
        let count = journal.told.iter().map(|told| told.index + 1).max().unwrap_or_default();
        let mut fates = vec![Fate::NotDone; count];
        for told in &journal.told {
            let done = self.fate(&slots, told).map_err(|error| self.io(told.entries.first(), error))?;
            if done && let Some(fate) = fates.get_mut(told.index) {
                *fate = Fate::Done {
                    key: told.becomes.as_ref().map(|(key, _)| Key(key.clone())),
                    fingerprint: told.becomes.as_ref().map(|(_, fingerprint)| Fingerprint(fingerprint.clone())),
                };
                self.prune(told, &needed);
            }
        }
        // The innermost first: what was made for an exchange that did not happen goes again, if it is empty.
        journal.made.iter().rev().for_each(|made| drop(self.root.remove_folder(made)));
        self.sync()?;
        Ok(fates)
    }

    /// Takes away what a step left: to the trash, or for good. What nobody had seen is kept aside.
    ///
    /// # Errors
    /// Fails if something cannot be moved, and with [`Error::Source`] if a file was kept aside; a second call then succeeds.
    pub(crate) fn settle(&self, step: StepId) -> Result<(), Error> {
        let folder = folder(step);
        let mut kept = None;
        if let Some(journal) = self.read(&folder, step)? {
            let slots = Slots { root: self.root, folder: &folder };
            for entry in journal.told.iter().flat_map(|told| &told.entries) {
                let Some((displaced, unseen)) = slots.displaced(entry) else { continue };
                if unseen {
                    let aside = trash::keep(self.root, &displaced, &entry.target).map_err(|error| self.io(Some(entry), error))?;
                    kept = kept.or(Some(aside));
                } else if self.days > 0 {
                    trash::bury(self.root, &displaced, &entry.target, self.now).map_err(|error| self.io(Some(entry), error))?;
                }
            }
        }
        self.discard(&folder)?;
        trash::empty(self.root, self.days, self.now).map_err(|error| Error::io(self.path, error))?;
        match kept {
            None => Ok(()),
            Some(aside) => {
                let reason = "saved by another program while the step was written; kept here, not lost".to_owned();
                Err(Error::Source { path: self.place(&aside), reason })
            }
        }
    }

    fn make(&self, folder: &[u8]) -> Result<(), Error> {
        let made = trash::made(self.root.make_folder(AREA, 0o700)).and_then(|()| self.root.make_folder(folder, 0o700));
        made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::Source { path: self.place(folder), reason: "this step was begun before; recover and settle it first".to_owned() }
            }
            _ => Error::io(self.place(folder), error),
        })
    }

    /// Writes the new content of every draft into its slots; what cannot be written is refused alone.
    fn stage(&self, folder: &[u8], drafts: &[Draft], blobs: &dyn Blobs, host: &dyn Host) -> Result<Vec<Result<Vec<Entry>, String>>, Error> {
        let mut next = 0;
        let number = |draft: &Draft| {
            let first = next;
            next += draft.works.len();
            first
        };
        let firsts: Vec<usize> = drafts.iter().map(number).collect();
        let slots = Slots { root: self.root, folder };
        firsts
            .into_par_iter()
            .zip(drafts)
            .map(|(first, draft)| {
                if host.cancelled() {
                    return Err(Error::Cancelled);
                }
                let entries = draft.works.iter().enumerate().map(|(at, work)| self.stage_one(&slots, first + at, work, blobs));
                Ok(entries.collect::<Result<Vec<Entry>, String>>())
            })
            .collect()
    }

    fn stage_one(&self, slots: &Slots<'_>, slot: usize, work: &Work, blobs: &dyn Blobs) -> Result<Entry, String> {
        let path = slots.slot(slot);
        let act = match work {
            Work::Create { content, .. } => Act::Create { inode: self.stage_content(&path, content, None, blobs)? },
            Work::Replace { target, content, expected } => {
                Act::Replace { inode: self.stage_content(&path, content, Some(target), blobs)?, expected: expected.clone() }
            }
            Work::Delete { expected, .. } => Act::Delete { expected: expected.clone() },
            Work::Move { from, expected, .. } => Act::Move { from: from.clone(), expected: expected.clone() },
            Work::MakeFolder { .. } => Act::MakeFolder,
            Work::RemoveFolder { .. } => Act::RemoveFolder,
            Work::Set { executable, expected, .. } => Act::Set { executable: *executable, expected: expected.clone() },
        };
        Ok(Entry { slot, act, target: work.target().to_vec() })
    }

    /// Writes content to a slot, and returns the number of the file on the disk.
    fn stage_content(&self, slot: &[u8], content: &Content, like: Option<&[u8]>, blobs: &dyn Blobs) -> Result<u64, String> {
        let staged = match content {
            Content::Link(target) => self.root.link(slot, target).map_err(|error| refusal(&error)),
            Content::File { blob, executable, modified } => self
                .stage_file(slot, *blob, *executable, like, blobs)
                .and_then(|()| modified.map_or(Ok(()), |seconds| self.date(slot, seconds).map_err(|error| refusal(&error)))),
        };
        let number = staged.and_then(|()| self.root.look(slot).map(|look| look.stat.inode).map_err(|error| refusal(&error)));
        number.inspect_err(|_| drop(self.root.remove(slot)))
    }

    fn stage_file(&self, slot: &[u8], blob: Blob, executable: bool, like: Option<&[u8]>, blobs: &dyn Blobs) -> Result<(), String> {
        let fails = |error: io::Error| refusal(&error);
        let free = self.root.free().map_err(fails)?;
        if blob.length > free {
            return Err(format!("no space left: it is {} bytes long, and {free} are free", blob.length));
        }
        let mut from = blobs.open(blob.digest).map_err(|error| error.to_string())?;
        let mut file = self.root.create(slot, if executable { 0o777 } else { 0o666 }).map_err(fails)?;
        copy(&mut *from, blob, &mut file)?;
        if let Some(like) = like {
            self.resemble(&file, like).map_err(|error| format!("its owner and permissions cannot be kept: {error}"))?;
            set_executable(&file, executable).map_err(fails)?;
        }
        Ok(())
    }

    /// Gives a file the mode, owner and attributes of the file that it replaces.
    fn resemble(&self, file: &File, like: &[u8]) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let model = match self.root.read(like) {
            Ok(model) => model,
            // A link is replaced, or it is gone by now, which the exchange finds out.
            Err(error) if leads_astray(&error) || error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let (wanted, own) = (model.metadata()?, file.metadata()?);
        if !wanted.is_file() {
            return Ok(());
        }
        if (wanted.uid(), wanted.gid()) != (own.uid(), own.gid()) {
            fchown(file, Some(wanted.uid()), Some(wanted.gid()))?;
        }
        adapter::staging::copy_attributes(&model, file);
        file.set_permissions(wanted.permissions())
    }

    fn date(&self, slot: &[u8], seconds: i64) -> io::Result<()> {
        use std::os::fd::AsFd as _;
        let (parent, name) = self.root.parent(slot)?;
        set_modified(parent.as_fd(), name, seconds)
    }

    fn journal(&self, drafts: &[Draft], staged: &[Result<Vec<Entry>, String>]) -> Journal {
        let told = drafts.iter().zip(staged).filter_map(|(draft, staged)| {
            let becomes = draft.becomes.as_ref().map(|(key, fingerprint)| (key.clone(), fingerprint.0.clone()));
            Some(Told { index: draft.index, becomes, entries: staged.as_ref().ok()?.clone() })
        });
        let told: Vec<Told> = told.collect();
        let missing = |folder: &&Vec<u8>| self.root.find(folder).is_ok_and(|found| found.is_none());
        // In order, an outer folder stands before what is in it.
        let own: HashSet<&[u8]> = told.iter().flat_map(|told| &told.entries).map(|entry| entry.target.as_slice()).collect();
        let above = needed(&told);
        let made = above.iter().filter(|folder| !own.contains(folder.as_slice())).collect::<BTreeSet<_>>();
        let made = made.into_iter().filter(missing).cloned().collect();
        Journal { told, made }
    }

    fn write(&self, folder: &[u8], step: StepId, journal: &Journal) -> Result<(), Error> {
        let path = journal_of(folder);
        let written = self.root.create(&path, 0o600).and_then(|mut file| file.write_all(&journal.encode(step)));
        written.map_err(|error| Error::io(self.place(&path), error))?;
        self.sync()
    }

    fn read(&self, folder: &[u8], step: StepId) -> Result<Option<Journal>, Error> {
        let path = journal_of(folder);
        let mut bytes = Vec::new();
        match self.root.read(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => Journal::decode(step, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(self.place(&path), error)),
        }
    }

    fn exchange_all(&self, folder: &[u8], journal: &Journal) -> Vec<Done> {
        let slots = Slots { root: self.root, folder };
        let needed = needed(&journal.told);
        let one = |told: &Told| {
            for (at, entry) in told.entries.iter().enumerate() {
                let undone = match slots.perform(entry) {
                    Ok(true) => continue,
                    Ok(false) => Done::Stale,
                    Err(error) => Done::Refused(refusal(&error)),
                };
                // What cannot be put back now is told by recovery.
                told.entries.iter().take(at).rev().for_each(|entry| drop(slots.undo(entry)));
                return undone;
            }
            self.prune(told, &needed);
            Done::Yes
        };
        journal.told.iter().map(one).collect()
    }

    /// Tells whether all exchanges of an operation happened; where only some did, they are undone.
    ///
    /// What stands in the place of what went before proves that it went: that cannot be told from its own name any more.
    fn fate(&self, slots: &Slots<'_>, told: &Told) -> io::Result<bool> {
        let mut done = told.entries.iter().map(|entry| slots.fate(entry)).collect::<io::Result<Vec<bool>>>()?;
        let stands = |(entry, done): (&Entry, &bool)| *done && matches!(entry.act, Act::Create { .. } | Act::Replace { .. });
        if let Some(at) = told.entries.iter().zip(&done).rposition(stands) {
            done.iter_mut().take(at).for_each(|before| *before = true);
        }
        if done.iter().all(|done| *done) {
            return Ok(true);
        }
        told.entries.iter().zip(done).rev().filter(|(_, done)| *done).try_for_each(|(entry, _)| slots.undo(entry))?;
        Ok(false)
    }

    /// Removes the folders that an operation emptied: a folder lives by what is in it, unless it has a record of its own.
    fn prune(&self, told: &Told, needed: &HashSet<Vec<u8>>) {
        for entry in &told.entries {
            let left = match &entry.act {
                Act::Delete { .. } | Act::RemoveFolder => &entry.target,
                Act::Move { from, .. } => from,
                _ => continue,
            };
            for folder in name::folders(left) {
                if needed.contains(folder) || self.root.remove_folder(folder).is_err() {
                    break;
                }
            }
        }
    }

    /// Removes a step's folder, journal first, and then the area if nothing is left in it.
    fn discard(&self, folder: &[u8]) -> Result<(), Error> {
        let fails = |error| Error::io(self.place(folder), error);
        self.root.find(folder).map_err(fails)?.map_or(Ok(()), |_| self.root.remove(&journal_of(folder))).map_err(fails)?;
        trash::remove_all(self.root, folder).map_err(fails)?;
        // The area stays as long as something lies in it.
        let _ = self.root.remove_folder(AREA);
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.root.sync().map_err(|error| Error::io(self.path, error))
    }

    fn place(&self, path: &[u8]) -> std::path::PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        self.path.join(std::ffi::OsStr::from_bytes(path))
    }

    fn io(&self, entry: Option<&Entry>, error: io::Error) -> Error {
        Error::io(entry.map_or_else(|| self.path.to_owned(), |entry| self.place(&entry.target)), error)
    }
}

/// Returns the folders that must be there once the step is done.
fn needed(told: &[Told]) -> HashSet<Vec<u8>> {
    let mut needed = HashSet::new();
    for entry in told.iter().flat_map(|told| &told.entries) {
        match &entry.act {
            Act::Create { .. } | Act::Replace { .. } | Act::Move { .. } | Act::Set { .. } => {}
            Act::MakeFolder => {
                needed.insert(entry.target.clone());
            }
            Act::Delete { .. } | Act::RemoveFolder => continue,
        }
        needed.extend(name::folders(&entry.target).map(<[u8]>::to_vec));
    }
    needed
}

/// From how many bytes on zeros are left to the file system as a hole.
const HOLE: usize = 4096;

/// Copies a blob, and proves that it is the one. Where it is nothing but zeros, the file gets a hole.
fn copy(from: &mut dyn Read, blob: Blob, to: &mut File) -> Result<(), String> {
    let (mut hasher, mut piece, mut length) = (Hasher::default(), vec![0; PIECE], 0_u64);
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => piece.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("its content cannot be had: {error}")),
        };
        length += read.len() as u64;
        if length > blob.length {
            break;
        }
        hasher.update(read);
        let is_hole = read.len() >= HOLE && read.iter().all(|byte| *byte == 0);
        let written =
            if is_hole { to.seek(SeekFrom::Current(read.len().try_into().unwrap_or_default())).map(drop) } else { to.write_all(read) };
        written.map_err(|error| refusal(&error))?;
    }
    if length == blob.length && hasher.finish() == blob.digest {
        // A hole at the end is no part of the file yet.
        return to.set_len(length).map_err(|error| refusal(&error));
    }
    Err("the store's copy of its content is damaged; the file stays as it was".to_owned())
}

fn folder(step: StepId) -> Vec<u8> {
    [AREA, b"/", step.to_string().as_bytes()].concat()
}

fn journal_of(folder: &[u8]) -> Vec<u8> {
    [folder, b"/journal"].concat()
}

/// Says for people why something cannot be written.
pub(crate) fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "it cannot be written: permission denied".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        io::ErrorKind::NotADirectory => "a file stands where its folder would be".to_owned(),
        io::ErrorKind::InvalidFilename => "its name is too long for this disk".to_owned(),
        io::ErrorKind::CrossesDevices => "it is on another disk than the folder, so that it cannot be replaced safely".to_owned(),
        _ if leads_astray(error) => "its path leads over a symbolic link, or out of the folder".to_owned(),
        _ => format!("it cannot be written: {error}"),
    }
}
