//! Staging: exchanges, lost races, and a crash at every action.

mod crashes;
mod exchanges;
mod races;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use record::Digest;
use tempfile::TempDir;

use crate::item::{Fingerprint, Key};
use crate::operation::StepId;
use crate::staging::platform::{Act, Disk};
use crate::staging::{Staged, Staging};

pub(super) const STEP: StepId = StepId([7; 16]);

/// What a test does before each action of the disk; an error stands for the disk's own.
#[derive(Clone)]
pub(super) struct Script(Arc<Mutex<Play>>);

type Play = dyn FnMut(Act<'_>) -> io::Result<()> + Send;

impl Script {
    pub(super) fn before(&self, act: Act<'_>) -> io::Result<()> {
        (self.0.lock().unwrap())(act)
    }
}

/// A folder with an area beside its files.
pub(super) struct Place {
    dir: TempDir,
}

impl Place {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        for (name, content) in files {
            fs::write(place.file(name), content).unwrap();
        }
        place
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn area(&self) -> PathBuf {
        self.file(".syncretic")
    }

    pub(super) fn staging(&self) -> Staging {
        Staging::at(self.area())
    }

    pub(super) fn scripted(&self, play: impl FnMut(Act<'_>) -> io::Result<()> + Send + 'static) -> Staging {
        Staging { area: self.area(), disk: Disk { script: Some(Script(Arc::new(Mutex::new(play)))) } }
    }

    /// Returns the content of a file, or nothing if it is not there.
    pub(super) fn content(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.file(name)).ok()
    }

    /// Returns the names of everything in the folder, in order.
    pub(super) fn names(&self) -> Vec<String> {
        listing(self.dir.path())
    }
}

pub(super) fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(super) fn of(content: &str) -> Digest {
    Digest::of(content.as_bytes())
}

pub(super) fn op(index: usize) -> Vec<Staged> {
    vec![Staged { index, key: Some(Key(format!("key-{index}"))), fingerprint: Some(Fingerprint(vec![u8::try_from(index).unwrap()])) }]
}

pub(super) fn gone(index: usize) -> Vec<Staged> {
    vec![Staged { index, key: None, fingerprint: None }]
}

/// Replaces a file as editors do: written beside, renamed over.
pub(super) fn edit_by_rename(path: &Path, content: &str) {
    let beside = path.with_extension("editor");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}
