//! The adapter over an application: the engine's view of it, with everything that can go wrong.

use std::io::Write;
use std::path::PathBuf;

use adapter::{Adapter, Blobs, Broken, Error, Fate, Item, Key, Known, Mode, Op, Outcomes, Place, Profile, Scan, Sink, StepId};
use record::Digest;

use super::application::Application;
use super::faults::Fault;
use super::fuse::Fuse;
use super::mutation::Mutation;
use super::shared::Shared;
use super::weather::Weather;

/// One endpoint's adapter. It keeps nothing but its profile and which root its last scan opened.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) application: Shared<Application>,
    pub(super) weather: Shared<Weather>,
    pub(super) fuse: Fuse,
    profile: Profile,
    /// The root that the last scan opened is the other place.
    pinned: Option<bool>,
}

impl Window {
    /// Opens an application.
    pub(super) fn onto(application: Shared<Application>, weather: Shared<Weather>, fuse: Fuse) -> Self {
        let profile = application.look().shape.profile();
        Self { application, weather, fuse, profile, pinned: None }
    }

    /// Makes sure that the root is still the one that was scanned.
    pub(super) fn pinned(&self, application: &Application) -> Result<(), Error> {
        let same = application.mounted && self.pinned == Some(application.replaced) && !application.replaced;
        if same { Ok(()) } else { Err(missing()) }
    }

    /// Passes a place where the device can die.
    pub(super) fn live(&self) -> Result<(), Error> {
        if self.fuse.burn() { Err(Error::Fatal("the device is dead".into())) } else { Ok(()) }
    }
}

/// Returns the error of a place that is not there.
fn missing() -> Error {
    Error::Source { path: place().path, reason: "the root is missing".into() }
}

fn place() -> Place {
    Place { path: PathBuf::from("/sim/root"), ..Place::default() }
}

impl Adapter for Window {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        self.live()?;
        let application = &mut *self.application.look();
        let mut weather = self.weather.look();
        if !application.mounted && application.mutation != Some(Mutation::EmptyWhenMissing) {
            return Err(missing());
        }
        if weather.strikes(Fault::Torn, 60) {
            return Err(Error::Changed { path: place().path });
        }
        self.pinned = Some(application.replaced);
        if application.replaced {
            return Ok(Scan { root: b"another place".to_vec(), note: None });
        }
        for (number, key) in application.listing().into_iter().filter(|_| application.mounted) {
            let Some(item) = application.items.get_mut(&number) else { continue };
            item.scanned = Some((item.record(&application.shape), number));
            match key {
                _ if item.broken.is_some() && application.mutation == Some(Mutation::DropsBroken) => {}
                key if item.broken.is_some() => {
                    let place = Place { line: Some(number), ..place() };
                    out.broken(Broken { key, title: None, place, reason: "it is cut off".into() });
                }
                Some(key) if known.fingerprint(&key) == Some(item.fingerprint()) && !weather.dice.chance(100) => {
                    out.unchanged(key, item.fingerprint());
                }
                Some(key) => {
                    let record = item.record(&application.shape);
                    out.item(Item { key, fingerprint: item.fingerprint(), record, place: Place { line: Some(number), ..place() } });
                }
                None => {}
            }
        }
        Ok(Scan { root: b"the place".to_vec(), note: None })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, _: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        self.live()?;
        match mode {
            Mode::Rehearse => self.rehearse(step, ops, out),
            Mode::Perform => self.perform(step, ops, out),
        }
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        self.live()?;
        let application = self.application.look();
        if !application.mounted {
            return Err(missing());
        }
        if application.replaced {
            return Ok(Vec::new());
        }
        let fates = application.journal.get(&step).cloned().unwrap_or_default();
        self.weather.look().tally.count("recoveries");
        Ok(match application.mutation {
            Some(Mutation::ForgetsSteps) => Vec::new(),
            Some(Mutation::ClaimsSteps) => fates.into_iter().map(claim).collect(),
            _ => fates,
        })
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.live()?;
        let mut application = self.application.look();
        if !application.mounted || application.replaced {
            return Err(missing());
        }
        application.journal.remove(&step);
        application.reserved.retain(|(of, _), _| *of != step);
        Ok(())
    }

    fn blob(&mut self, key: &Key, _: Digest, _: &mut dyn Write) -> Result<(), Error> {
        Err(Error::Fatal(format!("item `{key}` holds no blob")))
    }
}

fn claim(fate: Fate) -> Fate {
    match fate {
        Fate::NotDone | Fate::Unknown => Fate::Done { key: None, fingerprint: None },
        done @ Fate::Done { .. } => done,
    }
}
