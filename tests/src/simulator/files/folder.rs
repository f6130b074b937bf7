//! The adapter over a folder in memory: the engine's view of it, with everything that can go wrong.

use std::io::Write;

use adapter::{
    Adapter, Atomicity, Blobs, Error, Fate, Fingerprint, Item, Key, Keys, Known, Mode, Op, Outcome, Outcomes, Profile, Scan, Sink, StepId,
    View,
};
use record::{Digest, Kind, Pattern, Pointer};

use super::face::{CONTENT, EXECUTABLE, Face, MODIFIED, Mark, PATH};
use super::place::Place;
use super::plan::{Plan, plan, rehearsed};
use super::scan::scan;
use super::step::{Area, Done, Draft, Halt};
use crate::simulator::faults::Fault;
use crate::simulator::fuse::Fuse;
use crate::simulator::mutation::Mutation;
use crate::simulator::shared::Shared;
use crate::simulator::weather::Weather;

/// One endpoint's adapter. It keeps nothing but its profile and which root its last scan opened.
pub(super) struct Folder {
    place: Shared<Place>,
    weather: Shared<Weather>,
    fuse: Fuse,
    profile: Profile,
    /// The root that the last scan opened is the other place.
    pinned: Option<bool>,
}

fn missing() -> Error {
    Error::Source { path: "/sim/root".into(), reason: "the root is missing".into() }
}

fn dead() -> Error {
    Error::Fatal("the device is dead".into())
}

/// Returns what the adapter says of a folder of files.
pub(super) fn profile() -> Profile {
    Profile {
        kinds: vec![Kind::FILE],
        keys: Keys::Stable,
        atomicity: Atomicity::Item,
        view: View([PATH, CONTENT, MODIFIED, EXECUTABLE].into_iter().map(Pattern::new).collect()),
        volatile: View::default(),
        unique: Some(Pointer::new(PATH)),
    }
}

impl Folder {
    /// Opens a folder.
    pub(super) fn onto(place: Shared<Place>, weather: Shared<Weather>, fuse: Fuse) -> Self {
        Self { place, weather, fuse, profile: profile(), pinned: None }
    }

    /// Makes sure that the root is still the one that was scanned.
    fn pinned(&self, place: &Place) -> Result<(), Error> {
        let same = place.whole() && self.pinned == Some(false);
        if same { Ok(()) } else { Err(missing()) }
    }

    fn live(&self) -> Result<(), Error> {
        if self.fuse.burn() { Err(dead()) } else { Ok(()) }
    }

    fn perform(&self, place: &mut Place, step: StepId, plans: Vec<Plan>, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        if self.weather.look().strikes(Fault::ApplyBreaks, 20) {
            return Err(Error::Transient { reason: "the disk is busy".into(), retry_after: None });
        }
        let drafts: Vec<Draft> = plans
            .iter()
            .filter_map(|plan| match plan {
                Plan::Do(doing) => Some(doing.draft.clone()),
                Plan::Answer(_) => None,
            })
            .collect();
        let mut area = Area { place, step, fuse: &self.fuse, weather: &self.weather };
        let mut done = if drafts.is_empty() { Vec::new() } else { area.perform(&drafts, plans.len(), blobs).map_err(halted)? }.into_iter();
        for (index, plan) in plans.into_iter().enumerate() {
            let outcome = match plan {
                Plan::Answer(outcome) => outcome,
                Plan::Do(doing) => match (done.next().unwrap_or(Done::Stale), doing.becomes) {
                    (Done::Yes, Some((path, face))) => stands(place, &path, face, doing.bytes),
                    (Done::Yes, None) => Outcome::Deleted { bytes: doing.bytes },
                    (Done::Stale, _) => Outcome::Stale,
                    (Done::Refused(reason), _) => Outcome::Refused { reason },
                },
            };
            self.weather.look().say(|| format!("    e{} operation {index}: {}", place.at, answered(&outcome)));
            out.outcome(index, outcome);
        }
        Ok(())
    }
}

fn halted(halt: Halt) -> Error {
    match halt {
        Halt::Dead => dead(),
        Halt::Refused(refusal) => Error::Fatal(format!("{refusal:?}")),
    }
}

/// Answers what a scan would show of a name that was just written.
fn stands(place: &Place, path: &str, face: Face, bytes: u64) -> Outcome {
    match (face, place.disk.find(path)) {
        (Face::File { version, executable, .. }, Some(node)) if !node.is_folder() => {
            let modified = match Face::of(node) {
                Face::File { modified, .. } => modified,
                Face::Folder => 0,
            };
            let face = Face::File { version, executable, modified };
            let mark = Mark { face, ..Mark::of(node) };
            Outcome::Put { key: Key::new(path), fingerprint: mark.fingerprint(), record: face.record(path), bytes }
        }
        _ => rehearsed(path, face, bytes),
    }
}

fn answer(plans: Vec<Plan>, out: &mut dyn Outcomes) {
    for (index, plan) in plans.into_iter().enumerate() {
        let outcome = match plan {
            Plan::Answer(outcome) => outcome,
            Plan::Do(doing) => match doing.becomes {
                Some((path, face)) => rehearsed(&path, face, doing.bytes),
                None => Outcome::Deleted { bytes: doing.bytes },
            },
        };
        out.outcome(index, outcome);
    }
}

/// Says for people what an operation is.
fn told(op: &Op<'_>) -> String {
    match op {
        Op::Put { id, key, record, .. } => {
            format!("put {:.4} {key:?} as {:?} {:?}", id.to_string(), record.text(PATH), Face::wanted(record))
        }
        Op::Delete { id, key, .. } => format!("delete {:.4} {key}", id.to_string()),
    }
}

/// Says for people what became of an operation.
fn answered(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Put { key, record, .. } => format!("{key} shows {:?}", Face::wanted(record)),
        other => format!("{other:?}"),
    }
}

impl Adapter for Folder {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        self.live()?;
        let place = &mut *self.place.look();
        if !place.mounted && place.mutation != Some(Mutation::EmptyWhenMissing) {
            return Err(missing());
        }
        if self.weather.look().strikes(Fault::Torn, 60) {
            return Err(Error::Changed { path: "/sim/root".into() });
        }
        self.pinned = Some(place.replaced);
        if place.replaced {
            return Ok(Scan { root: b"another place".to_vec(), note: None });
        }
        place.versions.look().scanned(place.at);
        if place.mounted {
            let told = &mut Telling { out, weather: &self.weather, at: place.at };
            scan(&place.disk, known, place.mutation, told);
        }
        Ok(Scan { root: b"the place".to_vec(), note: None })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        self.live()?;
        let place = &mut *self.place.look();
        self.pinned(place)?;
        let plans = plan(&place.disk, ops, place.mutation == Some(Mutation::BlindWrites));
        match mode {
            Mode::Rehearse => {
                answer(plans, out);
                Ok(())
            }
            Mode::Perform => {
                ops.iter().for_each(|op| self.weather.look().say(|| format!("    e{} is to {}", place.at, told(op))));
                self.perform(place, step, plans, blobs, out)
            }
        }
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        self.live()?;
        let place = &mut *self.place.look();
        if !place.mounted {
            return Err(missing());
        }
        if place.replaced {
            return Ok(Vec::new());
        }
        self.weather.look().tally.count("recoveries");
        let mutation = place.mutation;
        let mut area = Area { place, step, fuse: &self.fuse, weather: &self.weather };
        let fates = area.recover().map_err(halted)?;
        self.weather.look().say(|| format!("    recovered {fates:?}"));
        Ok(match mutation {
            Some(Mutation::ForgetsSteps) => Vec::new(),
            Some(Mutation::ClaimsSteps) => fates.into_iter().map(|_| Fate::Done { key: None, fingerprint: None }).collect(),
            _ => fates,
        })
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.live()?;
        let place = &mut *self.place.look();
        if !place.whole() {
            return Err(missing());
        }
        let kept = Area { place, step, fuse: &self.fuse, weather: &self.weather }.settle();
        if kept {
            let reason = "saved by another program while the step was written; kept here, not lost".to_owned();
            return Err(Error::Source { path: "/sim/root/.syncretic/kept".into(), reason });
        }
        Ok(())
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        self.live()?;
        let place = self.place.look();
        if !place.whole() {
            return Err(missing());
        }
        let node = place.disk.find(&key.0).ok_or_else(missing)?;
        let changed = || Error::Changed { path: key.0.clone().into() };
        let version = node.version().filter(|version| version.blob().digest == digest).ok_or_else(changed)?;
        if place.disk.unreadable.contains(&node.inode) {
            return Err(missing());
        }
        to.write_all(&version.bytes()).map_err(|error| Error::io(&key.0, error))
    }
}

/// A sink that writes what it takes into the trace.
struct Telling<'a> {
    out: &'a mut dyn Sink,
    weather: &'a Shared<Weather>,
    at: usize,
}

impl Telling<'_> {
    fn say(&self, what: &str, key: &Key, more: &dyn std::fmt::Debug) {
        self.weather.look().say(|| format!("    e{} shows {what} {key}: {more:?}", self.at));
    }
}

impl Sink for Telling<'_> {
    fn item(&mut self, item: Item) {
        self.say("item", &item.key, &Face::wanted(&item.record));
        self.out.item(item);
    }

    fn moved(&mut self, item: Item, from: Key) {
        self.say("moved", &item.key, &(&from, Face::wanted(&item.record)));
        self.weather.look().tally.count("moves recognised");
        self.out.moved(item, from);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.out.unchanged(key, fingerprint);
    }

    fn broken(&mut self, broken: adapter::Broken) {
        self.say("broken", broken.key.as_ref().unwrap_or(&Key::new("?")), &broken.title);
        self.out.broken(broken);
    }
}
