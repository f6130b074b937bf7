//! One adapter in one temporary folder: opening, scanning, applying, and looking at the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use adapter::format::Silent;
use adapter::{
    Adapter, Blobs, Broken, Error, Expect, Fingerprint, Host, Item, Key, Known, Mode, Op, Outcome, Outcomes, Scan, Sink, StepId,
};
use record::{Digest, Pointer, Record, RecordId};
use tempfile::TempDir;

use crate::report::{Stop, fail};
use crate::subject::Subject;

/// How many items a seeded place has.
pub(crate) const SEEDED: usize = 5;

/// One adapter in one temporary folder.
pub(crate) struct Trial<'s> {
    pub(crate) subject: &'s dyn Subject,
    folder: TempDir,
    pub(crate) path: PathBuf,
}

/// What a scan reported.
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    pub(crate) unchanged: Vec<(Key, Fingerprint)>,
    pub(crate) broken: Vec<Broken>,
    pub(crate) scan: Scan,
}

/// A file as it lies on disk.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Lying {
    pub(crate) content: Vec<u8>,
    pub(crate) link: Option<PathBuf>,
    pub(crate) modified: Option<SystemTime>,
}

impl<'s> Trial<'s> {
    /// Makes a place with `count` items.
    pub(crate) fn with(subject: &'s dyn Subject, count: usize) -> Result<Self, Stop> {
        let trial = Self::without(subject)?;
        prepared(subject.make(&trial.path, count))?;
        Ok(trial)
    }

    /// Makes a place with [`SEEDED`] items.
    pub(crate) fn seeded(subject: &'s dyn Subject) -> Result<Self, Stop> {
        Self::with(subject, SEEDED)
    }

    /// Names a place that is not there.
    pub(crate) fn without(subject: &'s dyn Subject) -> Result<Self, Stop> {
        let folder = prepared(tempfile::tempdir())?;
        let path = subject.place(folder.path());
        Ok(Self { subject, folder, path })
    }

    /// Returns the temporary folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the place.
    pub(crate) fn open(&self) -> Result<Box<dyn Adapter>, Stop> {
        self.open_with(Box::new(Silent))
    }

    /// Opens the place with a host.
    pub(crate) fn open_with(&self, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Stop> {
        went(self.subject.format().open(self.path.clone(), &self.subject.options(), host), "opening")
    }

    /// Opens the place and scans it with nothing known.
    pub(crate) fn opened(&self) -> Result<(Box<dyn Adapter>, Found), Stop> {
        let mut adapter = self.open()?;
        let found = scan(adapter.as_mut(), &Memory::default())?;
        Ok((adapter, found))
    }

    /// Returns every file in the temporary folder.
    pub(crate) fn files(&self) -> Result<BTreeMap<PathBuf, Lying>, Stop> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in prepared(fs::read_dir(folder))? {
                let path = prepared(entry)?.path();
                let metadata = prepared(fs::symlink_metadata(&path))?;
                if metadata.is_dir() {
                    folders.push(path);
                    continue;
                }
                let link = fs::read_link(&path).ok();
                let content = if link.is_some() { Vec::new() } else { prepared(fs::read(&path))? };
                files.insert(path, Lying { content, link, modified: metadata.modified().ok() });
            }
        }
        Ok(files)
    }

    /// Fails if the files are not what they were.
    pub(crate) fn unchanged_since(&self, before: &BTreeMap<PathBuf, Lying>, what: &str) -> Result<(), Stop> {
        let now = self.files()?;
        let differs = |path: &&PathBuf| before.get(*path) != now.get(*path);
        match before.keys().chain(now.keys()).find(differs) {
            None => Ok(()),
            Some(path) => fail(format!("{what} changed {}", path.strip_prefix(self.folder()).unwrap_or(path).display())),
        }
    }

    /// Sets the time of every file of the place.
    pub(crate) fn touch(&self, time: SystemTime) -> Result<(), Stop> {
        for (path, _) in self.files()?.iter().filter(|(_, file)| file.link.is_none()) {
            prepared(File::options().append(true).open(path).and_then(|file| file.set_modified(time)))?;
        }
        Ok(())
    }
}

/// Ends a check whose own preparations failed.
pub(crate) fn prepared<T>(outcome: io::Result<T>) -> Result<T, Stop> {
    outcome.map_err(|error| Stop::Fail(format!("the subject could not be prepared: {error}")))
}

/// Ends a check in which the adapter failed and must not.
pub(crate) fn went<T>(outcome: Result<T, Error>, what: &str) -> Result<T, Stop> {
    outcome.map_err(|error| Stop::Fail(format!("{what} failed: {error}")))
}

/// Scans, and fails the check if the scan fails.
pub(crate) fn scan(adapter: &mut dyn Adapter, known: &Memory) -> Result<Found, Stop> {
    went(try_scan(adapter, known), "the scan")
}

/// Scans.
pub(crate) fn try_scan(adapter: &mut dyn Adapter, known: &Memory) -> Result<Found, Error> {
    let mut found = Found { items: Vec::new(), unchanged: Vec::new(), broken: Vec::new(), scan: Scan::default() };
    found.scan = adapter.scan(known, &mut found)?;
    Ok(found)
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.unchanged.push((key, fingerprint));
    }

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

impl Found {
    /// Returns what an engine would know after this scan.
    pub(crate) fn memory(&self) -> Memory {
        let items = self.items.iter().map(|item| (item.key.clone(), item.fingerprint.clone()));
        Memory(items.chain(self.unchanged.iter().cloned()).collect())
    }

    /// Returns the items in order of their keys.
    pub(crate) fn sorted(&self) -> Vec<&Item> {
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by(|one, other| one.key.cmp(&other.key));
        items
    }

    /// Returns the item of this number, or fails the check.
    pub(crate) fn at(&self, number: usize) -> Result<&Item, Stop> {
        self.items.get(number).ok_or_else(|| Stop::Fail(format!("the scan shows {} items, not {SEEDED}", self.items.len())))
    }

    /// Returns the item with this key, or fails the check.
    pub(crate) fn of(&self, key: &Key) -> Result<&Item, Stop> {
        self.items.iter().find(|item| item.key == *key).ok_or_else(|| Stop::Fail(format!("the scan does not show {key}")))
    }
}

/// What an engine knows.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Memory(pub(crate) BTreeMap<Key, Fingerprint>);

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        self.0.iter().for_each(|(key, fingerprint)| take(key, fingerprint));
        true
    }
}

/// Blobs by digest.
#[derive(Default)]
pub(crate) struct Chest(pub(crate) BTreeMap<Digest, Vec<u8>>);

impl Blobs for Chest {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        match self.0.get(&digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(Error::Transient { reason: format!("the blob {digest} is not here"), retry_after: None }),
        }
    }
}

/// A host that says stop after it has been asked a number of times.
#[derive(Clone)]
pub(crate) struct Stopper(pub(crate) Arc<AtomicUsize>);

impl Host for Stopper {
    fn log(&self, _message: &str) {}

    fn progress(&self, _done: u64, _of: Option<u64>) {}

    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Collects answers, and remembers what must not happen.
struct Answers {
    answers: Vec<Option<Outcome>>,
    wrong: Option<String>,
}

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        match self.answers.get_mut(index) {
            Some(answer) if answer.is_none() => *answer = Some(outcome),
            Some(_) => self.wrong = Some(format!("operation {index} was answered twice")),
            None => self.wrong = Some(format!("there is no operation {index} to answer")),
        }
    }
}

/// The step of this number.
pub(crate) fn step(number: u8) -> StepId {
    StepId([number; 16])
}

/// Applies and returns one answer for each operation, or fails the check.
pub(crate) fn apply(adapter: &mut dyn Adapter, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs) -> Result<Vec<Outcome>, Stop> {
    went(try_apply(adapter, step, ops, mode, blobs), "applying")?
}

/// Applies; the inner result fails the check if an answer is missing or doubled.
pub(crate) fn try_apply(
    adapter: &mut dyn Adapter,
    step: StepId,
    ops: &[Op<'_>],
    mode: Mode,
    blobs: &dyn Blobs,
) -> Result<Result<Vec<Outcome>, Stop>, Error> {
    let mut answers = Answers { answers: vec![None; ops.len()], wrong: None };
    adapter.apply(step, ops, mode, blobs, &mut answers)?;
    if let Some(wrong) = answers.wrong {
        return Ok(fail(wrong));
    }
    let answer =
        |(index, answer): (usize, Option<Outcome>)| answer.ok_or_else(|| Stop::Fail(format!("operation {index} was not answered")));
    Ok(answers.answers.into_iter().enumerate().map(answer).collect())
}

/// Performs one operation and returns its answer.
pub(crate) fn perform(adapter: &mut dyn Adapter, step: StepId, op: Op<'_>) -> Result<Outcome, Stop> {
    let answers = apply(adapter, step, &[op], Mode::Perform, &Chest::default())?;
    answers.into_iter().next().ok_or_else(|| Stop::Fail("there is no answer".to_owned()))
}

/// Returns the operation that makes an item.
pub(crate) fn create<'a>(number: u8, record: &'a Record) -> Op<'a> {
    Op::Put { id: RecordId([number; 16]), key: None, expect: Expect::Absent, record, changed: &[] }
}

/// Returns the operation that changes an item.
pub(crate) fn update<'a>(number: u8, item: &'a Item, record: &'a Record, changed: &'a [Pointer]) -> Op<'a> {
    Op::Put { id: RecordId([number; 16]), key: Some(&item.key), expect: Expect::Fingerprint(&item.fingerprint), record, changed }
}

/// Returns the operation that removes an item.
pub(crate) fn delete(number: u8, item: &Item) -> Op<'_> {
    Op::Delete { id: RecordId([number; 16]), key: &item.key, expect: Expect::Fingerprint(&item.fingerprint) }
}
