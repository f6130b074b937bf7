//! The endpoint: a folder whose files are records.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adapter::staging::{Moment, now, stat};
use adapter::{
    Adapter, Atomicity, Blobs, Error, Fate, Fingerprint, Host, Key, Keys, Known, Mode, NothingKnown, Op, Outcome, Outcomes, Profile, Scan,
    Selection, Sink, StepId, View,
};
use record::{Digest, Kind, Pattern, Pointer, Record};

use crate::beneath::{Look, Root};
use crate::mark::{Mark, Sort};
use crate::name;
use crate::plan::{Becomes, Plan, Planner};
use crate::read;
use crate::rules::Rules;
use crate::scan::Scanner;
use crate::shape::{CONTENT, EXECUTABLE, MODIFIED, PATH, SYMLINK, Shape};
use crate::step::{Area, Done, Draft};

/// How one folder is synced.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) rules: Rules,
    /// Whether symbolic links are synced, as links.
    pub(crate) symlinks: bool,
    /// Whether a missing folder is made.
    pub(crate) create: bool,
    /// The file without which the folder is not the one that is meant.
    pub(crate) marker: Option<String>,
    /// For how many days what was deleted or replaced is kept.
    pub(crate) days: i64,
}

impl Selection for Settings {
    fn takes(&self, record: &Record) -> bool {
        let Some(path) = record.text(PATH).and_then(|path| name::writable(path).ok()) else { return true };
        // What is no file at all is refused with its reason.
        let Ok(shape) = Shape::of(record) else { return true };
        let is_wanted = self.symlinks || !matches!(shape, Shape::Link(_));
        is_wanted && self.rules.take_wholly(&path, shape == Shape::Folder)
    }

    fn digest(&self) -> Digest {
        Digest::of_parts(&[&self.rules.digest().0, &[u8::from(self.symlinks)]])
    }
}

/// An endpoint that is a folder of files.
pub(crate) struct Folder {
    path: PathBuf,
    settings: Settings,
    host: Box<dyn Host>,
    profile: Profile,
    /// Which folder the last scan saw: nothing is written to another one that took its place since.
    scanned: Option<Vec<u8>>,
    /// Which folder a step made, or turned out to have made.
    made: Option<Vec<u8>>,
    clock: fn() -> Moment,
}

impl Folder {
    /// Opens a folder; nothing is read yet.
    pub(crate) fn new(path: PathBuf, settings: Settings, host: Box<dyn Host>) -> Self {
        let fields = [PATH, CONTENT, MODIFIED, EXECUTABLE].into_iter().chain(settings.symlinks.then_some(SYMLINK));
        let profile = Profile {
            kinds: vec![Kind::FILE],
            keys: Keys::Stable,
            atomicity: Atomicity::Item,
            view: View(fields.map(Pattern::new).collect()),
            volatile: View::default(),
            unique: Some(Pointer::new(PATH)),
        };
        Self { path, settings, host, profile, scanned: None, made: None, clock: now }
    }

    /// Lets another clock tell the time.
    #[cfg(test)]
    pub(crate) fn at(self, clock: fn() -> Moment) -> Self {
        Self { clock, ..self }
    }

    /// Opens the folder, if it is the one that is meant.
    fn root(&self) -> Result<Root, Error> {
        let root = Root::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Source {
                path: self.path.clone(),
                reason: "is not there; restore it, mount its disk, or add `create = true` to have it made".to_owned(),
            },
            _ => Error::io(&self.path, error),
        })?;
        if let Some(marker) = &self.settings.marker
            && !self.path.join(marker).symlink_metadata().is_ok_and(|found| found.is_file())
        {
            let reason = format!("`{marker}` is not in it, so this is not the folder that is meant; is its disk mounted?");
            return Err(Error::Source { path: self.path.clone(), reason });
        }
        Ok(root)
    }

    /// Returns the identity of the folder; a folder that is to be made has none yet.
    fn identity(&self) -> Result<Vec<u8>, Error> {
        let path = match fs::canonicalize(&self.path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&self.path, error)),
        };
        let found = stat(&path)?;
        let mut root = path.into_os_string().into_encoded_bytes();
        root.push(0);
        root.extend(found.device.to_be_bytes());
        root.extend(found.inode.to_be_bytes());
        Ok(root)
    }

    fn is_to_be_made(&self) -> bool {
        let missing = |path: &Path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        self.settings.create && missing(&self.path)
    }

    fn scanner<'s>(&'s self, root: &'s Root, now: Moment, known: &'s dyn Known) -> Scanner<'s> {
        let Settings { rules, symlinks, .. } = &self.settings;
        Scanner { root, path: &self.path, rules, symlinks: *symlinks, now, host: &*self.host, known }
    }

    fn area<'a>(&'a self, root: &'a Root, now: Moment) -> Area<'a> {
        Area { root, path: &self.path, days: self.settings.days, now }
    }

    fn perform(&mut self, step: StepId, plans: Vec<Plan>, blobs: &dyn Blobs, now: Moment, out: &mut dyn Outcomes) -> Result<(), Error> {
        if plans.iter().all(|plan| matches!(plan, Plan::Answer(_))) {
            answer(plans, out);
            return Ok(());
        }
        if self.is_to_be_made() {
            fs::create_dir_all(&self.path).map_err(|error| Error::io(&self.path, error))?;
            self.made = Some(self.identity()?);
            self.scanned.clone_from(&self.made);
        }
        let root = self.root()?;
        let drafts: Vec<Draft> = plans
            .iter()
            .filter_map(|plan| match plan {
                Plan::Do(doing) => Some(doing.draft.clone()),
                Plan::Answer(_) => None,
            })
            .collect();
        let mut done = self.area(&root, now).perform(step, &drafts, blobs, &*self.host)?.into_iter();
        for (index, plan) in plans.into_iter().enumerate() {
            let outcome = match plan {
                Plan::Answer(outcome) => outcome,
                Plan::Do(doing) => match (done.next().unwrap_or(Done::Stale), doing.becomes) {
                    (Done::Yes, Some(becomes)) => stands(&root, &becomes, doing.bytes, now),
                    (Done::Yes, None) => Outcome::Deleted { bytes: doing.bytes },
                    (Done::Stale, _) => Outcome::Stale,
                    (Done::Refused(reason), _) => Outcome::Refused { reason },
                },
            };
            out.outcome(index, outcome);
        }
        Ok(())
    }
}

/// Answers as performing would, as far as can be known.
fn answer(plans: Vec<Plan>, out: &mut dyn Outcomes) {
    for (index, plan) in plans.into_iter().enumerate() {
        let outcome = match plan {
            Plan::Answer(outcome) => outcome,
            Plan::Do(doing) => match doing.becomes {
                Some(becomes) => becomes.rehearsed(doing.bytes),
                None => Outcome::Deleted { bytes: doing.bytes },
            },
        };
        out.outcome(index, outcome);
    }
}

/// Answers what a scan would show of a name that was just written.
fn stands(root: &Root, becomes: &Becomes, bytes: u64, now: Moment) -> Outcome {
    let found = root.look(&becomes.path).ok().filter(|look| look.sort == becomes.shape.sort());
    let (shape, fingerprint) = match (&becomes.shape, found) {
        (Shape::File { content, executable, .. }, Some(look)) => {
            let shape = Shape::File { content: *content, executable: *executable, modified: Some(look.stat.modified.0) };
            (shape, mark(&look, becomes.digest, *executable, now))
        }
        (Shape::Link(target), Some(look)) => (Shape::Link(target.clone()), mark(&look, becomes.digest, false, now)),
        (Shape::Folder, _) => (Shape::Folder, Mark::folder().fingerprint()),
        // It went or was exchanged since: the next scan finds out.
        _ => return becomes.rehearsed(bytes),
    };
    Outcome::Put { key: Key(becomes.key.clone()), fingerprint, record: shape.record(&becomes.key), bytes }
}

fn mark(look: &Look, digest: Digest, executable: bool, now: Moment) -> Fingerprint {
    Mark { trusted: look.stat.is_settled(now), sort: look.sort, executable, stat: look.stat, born: look.born, digest }.fingerprint()
}

impl Adapter for Folder {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn selection(&self) -> Option<&dyn Selection> {
        Some(&self.settings)
    }

    fn made(&mut self) -> Option<Vec<u8>> {
        self.made.take()
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        if self.is_to_be_made() {
            return Ok(false);
        }
        let (now, identity) = ((self.clock)(), self.identity()?);
        let root = self.root()?;
        let same = self.scanner(&root, now, &NothingKnown).same(&identity, note)? && self.identity()? == identity;
        self.root()?;
        if same {
            self.scanned = Some(identity);
        }
        Ok(same)
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let now = (self.clock)();
        let identity = self.identity()?;
        if self.is_to_be_made() && known.count() == 0 {
            return Ok(Scan { root: identity, note: None });
        }
        let root = self.root()?;
        let mut found = Held::default();
        let note = self.scanner(&root, now, known).scan(&identity, &mut found)?;
        // A folder that was exchanged while it was read shows neither the old nor the new one.
        if self.identity()? != identity {
            return Err(Error::Changed { path: self.path.clone() });
        }
        self.root()?;
        found.hand_on(out);
        self.scanned = Some(identity.clone());
        Ok(Scan { root: identity, note })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let now = (self.clock)();
        if self.scanned.is_some() && self.scanned != Some(self.identity()?) {
            return Err(Error::Changed { path: self.path.clone() });
        }
        let root =
            if self.is_to_be_made() { Root::open(&above(&self.path)).map_err(|error| Error::io(&self.path, error))? } else { self.root()? };
        let Settings { rules, symlinks, .. } = &self.settings;
        let planner = Planner { root: &root, rules, symlinks: *symlinks, fresh: self.is_to_be_made(), now };
        let plans = planner.plan(ops, &*self.host)?;
        match mode {
            Mode::Rehearse => {
                answer(plans, out);
                Ok(())
            }
            Mode::Perform => self.perform(step, plans, blobs, now, out),
        }
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if self.is_to_be_made() {
            return Ok(Vec::new());
        }
        let root = self.root()?;
        let fates = self.area(&root, (self.clock)()).recover(step)?;
        if !fates.is_empty() {
            // The step's own journal stands in this folder, so whatever was to be made for it is this one.
            self.made = Some(self.identity()?);
        }
        Ok(fates)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        if self.is_to_be_made() {
            return Ok(());
        }
        let root = self.root()?;
        self.area(&root, (self.clock)()).settle(step)
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        let root = self.root()?;
        let path = self.path.join(&key.0);
        let gone = || Error::Changed { path: path.clone() };
        let raw = name::writable(&key.0).map_err(|_| gone())?;
        let look = root.find(&raw).map_err(|error| Error::io(&path, error))?;
        if look.is_none_or(|look| look.sort != Sort::File) {
            return Err(gone());
        }
        let mut file = root.read(&raw).map_err(|error| Error::io(&path, error))?;
        let (found, _) = read::copy(&mut file, to).map_err(|error| Error::io(&path, error))?;
        if found == digest { Ok(()) } else { Err(Error::Changed { path }) }
    }
}

/// Returns the nearest folder above that is there.
fn above(path: &Path) -> PathBuf {
    let there = path.ancestors().skip(1).find(|above| above.is_dir());
    there.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// What a scan reports, until it is known that the folder stayed the same.
#[derive(Default)]
struct Held(Vec<Report>);

enum Report {
    Item(Box<adapter::Item>),
    Moved(Box<adapter::Item>, Key),
    Unchanged(Key, Fingerprint),
    Broken(Box<adapter::Broken>),
}

impl Sink for Held {
    fn item(&mut self, item: adapter::Item) {
        self.0.push(Report::Item(Box::new(item)));
    }

    fn moved(&mut self, item: adapter::Item, from: Key) {
        self.0.push(Report::Moved(Box::new(item), from));
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.0.push(Report::Unchanged(key, fingerprint));
    }

    fn broken(&mut self, broken: adapter::Broken) {
        self.0.push(Report::Broken(Box::new(broken)));
    }
}

impl Held {
    fn hand_on(self, out: &mut dyn Sink) {
        for report in self.0 {
            match report {
                Report::Item(item) => out.item(*item),
                Report::Moved(item, from) => out.moved(*item, from),
                Report::Unchanged(key, fingerprint) => out.unchanged(key, fingerprint),
                Report::Broken(broken) => out.broken(*broken),
            }
        }
    }
}
