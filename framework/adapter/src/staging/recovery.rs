//! After a step: what became of it, and clearing it away.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::operation::{Fate, StepId};
use crate::staging::exchange::Slots;
use crate::staging::journal::{self, Entry, Journal};
use crate::staging::{Staged, Staging};

/// Where files are kept that a step displaced and nobody had seen.
const KEPT: &str = "kept";

impl Staging {
    /// Tells what became of each operation of a step, by index; empty if the step is unknown or exchanged nothing.
    ///
    /// Operations that staged nothing (they were stale or refused) are not done.
    /// Races that were lost when the step was cut off are put right first. Can be asked any number of times.
    ///
    /// # Errors
    /// Fails if the area cannot be read, or an editor's file cannot be put back.
    pub fn recover(&self, step: StepId) -> Result<Vec<Fate>, Error> {
        let folder = self.folder(step);
        let Some(entries) = self.journal(step, &folder)? else {
            self.discard(&folder)?;
            return Ok(Vec::new());
        };
        let done = self.fates_of(&folder, &entries)?;
        let folders = entries.iter().filter_map(|entry| entry.target.parent()).filter(|parent| parent.exists()).map(Path::to_owned);
        self.disk.sync(&folder, folders).map_err(|error| Error::io(&folder, error))?;
        let told: BTreeMap<usize, Fate> = entries
            .iter()
            .zip(done)
            .flat_map(|(entry, done)| entry.ops.iter().map(move |staged| (staged.index, fate(staged, done))))
            .collect();
        let count = told.last_key_value().map_or(0, |(last, _)| last + 1);
        Ok((0..count).map(|index| told.get(&index).cloned().unwrap_or(Fate::NotDone)).collect())
    }

    /// Removes what a step left. A displaced file that nobody had seen is kept in `<area>/kept/`.
    ///
    /// # Errors
    /// Fails if something cannot be removed, and with [`Error::Source`] if a file was kept; a second call then succeeds.
    pub fn settle(&self, step: StepId) -> Result<(), Error> {
        let folder = self.folder(step);
        let kept = match self.journal(step, &folder)? {
            Some(entries) => self.keep_unexpected(step, &folder, &entries)?,
            None => None,
        };
        self.discard(&folder)?;
        match kept {
            None => Ok(()),
            Some(path) => {
                Err(Error::Source { path, reason: "saved by another program while the step was written; kept here, not lost".to_owned() })
            }
        }
    }

    /// Tells of each entry whether its exchange happened.
    pub(super) fn fates_of(&self, folder: &Path, entries: &[Entry]) -> Result<Vec<bool>, Error> {
        let slots = Slots { disk: &self.disk, folder };
        entries.iter().enumerate().map(|(n, entry)| slots.fate(n, entry).map_err(|error| Error::io(&entry.target, error))).collect()
    }

    /// Removes a step's folder, journal first, and then the area if nothing is left in it.
    pub(super) fn discard(&self, folder: &Path) -> Result<(), Error> {
        let fails = |error| Error::io(folder, error);
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let listing = match fs::read_dir(folder) {
            Ok(listing) => listing.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>().map_err(fails)?,
            Err(error) if absent(&error) => Vec::new(),
            Err(error) => return Err(fails(error)),
        };
        let journal = folder.join(journal::NAME);
        // Without its journal a step is over, so the rest may then go in any order.
        for path in listing.iter().filter(|path| **path == journal).chain(listing.iter().filter(|path| **path != journal)) {
            self.disk.remove(path).map_err(fails)?;
        }
        match self.disk.remove_folder(folder) {
            Err(error) if !absent(&error) => return Err(fails(error)),
            _ => {}
        }
        // The area stays as long as other steps or kept files lie in it.
        let _ = self.disk.remove_folder(&self.area);
        Ok(())
    }

    fn journal(&self, step: StepId, folder: &Path) -> Result<Option<Vec<Entry>>, Error> {
        let path = folder.join(journal::NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, error)),
        };
        match Journal::decode(&path, &bytes)? {
            Some(journal) if journal.step != step => {
                Err(Error::Fatal(format!("{}: this is the journal of step {}", path.display(), journal.step)))
            }
            journal => Ok(journal.map(|journal| journal.entries)),
        }
    }

    /// Moves aside what must not be removed; returns the first such file.
    ///
    /// Nothing is swapped back here: the step was answered, and the engine counts on what stands.
    fn keep_unexpected(&self, step: StepId, folder: &Path, entries: &[Entry]) -> Result<Option<PathBuf>, Error> {
        let slots = Slots { disk: &self.disk, folder };
        let mut first = None;
        for (n, entry) in entries.iter().enumerate() {
            if let Some(displaced) = slots.unexpected(n, entry) {
                let kept = self.keep_aside(step, n, entry, &displaced)?;
                first = first.or(Some(kept));
            }
        }
        Ok(first)
    }

    fn keep_aside(&self, step: StepId, n: usize, entry: &Entry, displaced: &Path) -> Result<PathBuf, Error> {
        let home = self.area.join(KEPT);
        match self.disk.make_folder(&home) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Error::io(home, error)),
            _ => {}
        }
        let name = entry.target.file_name().unwrap_or_default().to_string_lossy();
        let kept = home.join(format!("{step}-{n}-{}", ending(&name)));
        self.disk.rename(displaced, &kept).map_err(|error| Error::io(&kept, error))?;
        Ok(kept)
    }
}

/// Returns the end of a name, short enough to stand behind a step's id.
fn ending(name: &str) -> &str {
    const LONGEST: usize = 128;
    (name.len().saturating_sub(LONGEST)..=name.len()).find_map(|at| name.get(at..)).unwrap_or_default()
}

fn fate(staged: &Staged, done: bool) -> Fate {
    if done { Fate::Done { key: staged.key.clone(), fingerprint: staged.fingerprint.clone() } } else { Fate::NotDone }
}
