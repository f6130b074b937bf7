//! What users meant: which version they wrote over which, what they moved, deleted or mixed up with another file.

use std::collections::{BTreeMap, BTreeSet};

use record::{Blob, Digest};

use super::disk::folders;

/// A content that nobody wrote before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulator) struct Version(pub(super) u32);

/// What stands in a digest before the number of the version: no digest is made twice, so it need not be computed.
const MARK: [u8; 28] = *b"a version of a file, number ";

impl Version {
    /// Returns the blob that stands for it.
    pub(super) fn blob(self) -> Blob {
        let mut digest = [0; 32];
        digest.iter_mut().zip(MARK.into_iter().chain(self.bytes())).for_each(|(to, from)| *to = from);
        Blob { digest: Digest(digest), length: 4 }
    }

    /// Returns its bytes.
    pub(super) fn bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// Returns the version of a digest.
    pub(super) fn of(digest: &Digest) -> Option<Self> {
        let number = digest.0.strip_prefix(&MARK)?;
        Some(Self(u32::from_be_bytes(number.try_into().ok()?)))
    }
}

/// What became of a version by users' hands.
#[derive(Clone, Debug)]
struct Meaning {
    line: usize,
    /// Versions that someone wrote over it, having seen it.
    successors: Vec<Version>,
    /// Someone who saw it wrote over it or deleted it.
    given_up: bool,
}

/// A new name that a user gave to a file.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// Where.
    pub(super) at: usize,
    /// How many scans there had been.
    scans: u64,
}

/// A file as users see it: its versions, each written over the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Its versions.
    pub(super) versions: Vec<Version>,
    /// Where it was made, and its number there.
    pub(super) made: (usize, u64),
    /// The name that a user gave it last.
    pub(super) path: String,
    paths: BTreeSet<String>,
    /// Where it was written last, and how many scans there had been.
    written: (usize, u64),
    /// The new names that it got.
    pub(super) moves: Vec<Move>,
    /// Someone wrote it under a name that someone else had replaced, or named anew what someone else had written over.
    pub(super) met: bool,
    /// How often someone let it be run, or not.
    pub(super) toggles: usize,
    /// What someone deleted.
    pub(super) deleted: Vec<Version>,
    /// Why nobody can tell what is to become of it, if so.
    pub(super) tangled: Option<&'static str>,
}

/// What is to become of a file of which that is plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is gone.
    Gone,
    /// This version stands under this name alone, and may be run or not.
    Stands(Version, String, bool),
}

/// Everything that users did, as they meant it.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    meanings: Vec<Meaning>,
    lines: Vec<Line>,
    /// Which files ever stood under a name, letter case aside.
    names: BTreeMap<String, BTreeSet<usize>>,
    /// The names that a folder ever had.
    folders: BTreeSet<String>,
    /// How often each endpoint was scanned.
    scans: BTreeMap<usize, u64>,
}

impl Versions {
    fn fresh(&mut self, line: usize) -> Version {
        let version = Version(u32::try_from(self.meanings.len()).unwrap_or(u32::MAX));
        self.meanings.push(Meaning { line, successors: Vec::new(), given_up: false });
        if let Some(line) = self.lines.get_mut(line) {
            line.versions.push(version);
        }
        version
    }

    fn line_of(&mut self, version: Version) -> Option<&mut Line> {
        let line = self.meanings.get(version.0 as usize)?.line;
        self.lines.get_mut(line)
    }

    fn name(&mut self, line: usize, path: &str) {
        self.names.entry(path.to_lowercase()).or_default().insert(line);
        if let Some(line) = self.lines.get_mut(line) {
            path.clone_into(&mut line.path);
            line.paths.insert(path.to_lowercase());
        }
        folders(path).for_each(|folder| {
            self.folders.insert(folder.to_lowercase());
        });
    }

    /// A user made a file.
    pub(super) fn create(&mut self, at: usize, path: &str) -> Version {
        let line = self.lines.len();
        self.lines.push(Line { made: (at, 0), ..Line::default() });
        self.name(line, path);
        self.fresh(line)
    }

    /// Takes down the number of a file that was just made.
    pub(super) fn numbered(&mut self, version: Version, inode: u64) {
        if let Some(line) = self.line_of(version) {
            line.made.1 = inode;
        }
    }

    /// A user who saw a version wrote another over it; `same` tells whether the file is known for what it was by itself.
    pub(super) fn edit(&mut self, at: usize, old: Version, same: bool) -> Version {
        let scans = self.scans.get(&at).copied().unwrap_or_default();
        let line = self.meanings.get(old.0 as usize).map_or(0, |meaning| meaning.line);
        if let Some(line) = self.line_of(old)
            && !same
            && line.moves.iter().any(|one| one.at == at && one.scans == scans)
        {
            line.tangled = Some("edited before its new name was seen");
        }
        let new = self.fresh(line);
        if let Some(line) = self.lines.get_mut(line) {
            line.written = (at, scans);
        }
        if let Some(meaning) = self.meanings.get_mut(old.0 as usize) {
            meaning.given_up = true;
            meaning.successors.push(new);
        }
        new
    }

    /// Tells whether a file was written since the last scan.
    pub(super) fn is_just_written(&self, at: usize, version: Version) -> bool {
        let scans = self.scans.get(&at).copied().unwrap_or_default();
        self.line(version).is_some_and(|line| line.versions.len() > 1 && line.written == (at, scans))
    }

    /// Takes down under which name a user saw what was written over.
    pub(super) fn seen_at(&mut self, version: Version, path: &str) {
        if let Some(line) = self.line_of(version) {
            line.met |= line.path.to_lowercase() != path.to_lowercase();
        }
    }

    /// A version that was written over stands still: the backup of it does.
    pub(super) fn keep(&mut self, version: Version) {
        if let Some(meaning) = self.meanings.get_mut(version.0 as usize) {
            meaning.given_up = false;
        }
    }

    /// A user who saw a version did away with it.
    pub(super) fn delete(&mut self, version: Version) {
        if let Some(meaning) = self.meanings.get_mut(version.0 as usize) {
            meaning.given_up = true;
        }
        if let Some(line) = self.line_of(version) {
            line.deleted.push(version);
        }
    }

    /// A user gave a file another name.
    pub(super) fn rename(&mut self, at: usize, version: Version, to: &str) {
        let scans = self.scans.get(&at).copied().unwrap_or_default();
        let Some(line) = self.meanings.get(version.0 as usize).map(|meaning| meaning.line) else { return };
        if let Some(line) = self.lines.get_mut(line) {
            line.met |= line.versions.last() != Some(&version);
            line.moves.push(Move { at, scans });
        }
        self.name(line, to);
    }

    /// Takes down that a folder stands somewhere.
    pub(super) fn folder(&mut self, path: &str) {
        self.folders.insert(path.to_lowercase());
    }

    /// A user let a file be run, or not.
    pub(super) fn toggle(&mut self, version: Version) {
        if let Some(line) = self.line_of(version) {
            line.toggles += 1;
        }
    }

    /// What a user did cannot be told from something else, or says nothing of one file alone.
    pub(super) fn tangle(&mut self, version: Version, why: &'static str) {
        if let Some(line) = self.line_of(version) {
            line.tangled = line.tangled.or(Some(why));
        }
    }

    /// An endpoint was scanned.
    pub(super) fn scanned(&mut self, at: usize) {
        *self.scans.entry(at).or_default() += 1;
    }

    /// Tells whether nobody who saw a version did away with it.
    pub(super) fn stands(&self, version: Version) -> bool {
        self.meanings.get(version.0 as usize).is_some_and(|meaning| !meaning.given_up)
    }

    /// Iterates over all versions.
    pub(super) fn all(&self) -> impl Iterator<Item = Version> + '_ {
        (0..self.meanings.len()).filter_map(|number| u32::try_from(number).ok().map(Version))
    }

    /// Iterates over all files.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Returns the number of the file of a version.
    pub(super) fn line_number(&self, version: Version) -> Option<usize> {
        self.meanings.get(version.0 as usize).map(|meaning| meaning.line)
    }

    /// Returns the file of a version.
    pub(super) fn line(&self, version: Version) -> Option<&Line> {
        self.lines.get(self.meanings.get(version.0 as usize)?.line)
    }

    /// Tells whether each version of a file was written over one that nobody else wrote over.
    pub(super) fn is_linear(&self, line: &Line) -> bool {
        line.versions.iter().all(|version| self.meanings.get(version.0 as usize).is_none_or(|meaning| meaning.successors.len() < 2))
    }

    /// Returns what is to become of a file, if that is plain: one person after the other edited it, nobody else ever used its
    /// names, and it was renamed once at most.
    pub(super) fn fate(&self, line: &Line) -> Option<Fate> {
        let last = line.versions.last().copied()?;
        if line.tangled.is_some() || !self.is_linear(line) || !self.has_own_names(line) {
            return None;
        }
        if !line.deleted.is_empty() {
            let quiet = line.moves.is_empty() && line.toggles == 0;
            if quiet && line.deleted.iter().all(|deleted| *deleted != last) {
                // Who edited it did not see that it was deleted: the edit lives.
                return Some(Fate::Stands(last, line.path.clone(), false));
            }
            return (quiet && line.deleted.iter().all(|deleted| *deleted == last)).then_some(Fate::Gone);
        }
        (line.moves.len() < 2 && line.toggles < 2).then(|| Fate::Stands(last, line.path.clone(), line.toggles == 1))
    }

    fn has_own_names(&self, line: &Line) -> bool {
        line.paths.iter().all(|path| {
            let alone = self.names.get(path).is_none_or(|files| files.len() == 1) && !self.folders.contains(path);
            alone && !folders(path).any(|folder| self.names.contains_key(folder))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_back_from_its_digest() {
        assert_eq!(Version::of(&Version(70_000).blob().digest), Some(Version(70_000)));
        assert_eq!(Version::of(&Digest([7; 32])), None);
    }

    #[test]
    fn what_becomes_of_a_file_is_plain_unless_two_people_meet_in_it() {
        let mut versions = Versions::default();
        let one = versions.create(0, "a/x");
        let two = versions.edit(1, one, false);
        versions.rename(0, two, "b/x");
        let fate = |versions: &Versions| versions.fate(versions.line(one).expect("a line"));
        assert_eq!(fate(&versions), Some(Fate::Stands(two, "b/x".to_owned(), false)));
        assert!(!versions.stands(one) && versions.stands(two));
        let mut met = versions.clone();
        met.create(1, "B/X");
        assert_eq!(fate(&met), None, "another file has its name");
        let mut met = versions.clone();
        met.edit(0, one, false);
        assert_eq!(fate(&met), None, "two people wrote over one version");
        versions.edit(0, two, false);
        assert_eq!(fate(&versions), None, "edited before the new name was seen");
    }
}
