//! The world of a seed: endpoints on devices, a log, users and weather, one step at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use delta::Policy;
use engine::Guard;
use engine::objects::memory::Memory;
use engine::{Error, Report, Settings};
use protocol::{Collection, Entry, Envelope};

use super::adapter::Window;
use super::application::Application;
use super::dice::{Dice, Ids};
use super::endpoint::{Endpoint, Errand};
use super::faults::{Fault, Faults};
use super::fuse::Fuse;
use super::history::History;
use super::keeper::Keeper;
use super::keys::DeviceKey;
use super::ledger::Ledger;
use super::log::Log;
use super::mutation::Mutation;
use super::shape::{Identity, Shape};
use super::shared::Shared;
use super::tally::Tally;
use super::token::Form;
use super::weather::Weather;
use super::wire::Wire;

/// The most endpoints of a run.
const MOST: usize = 6;

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which oracle noticed.
    pub kind: &'static str,
    /// What it noticed.
    pub detail: String,
}

impl Violation {
    pub(super) fn new(kind: &'static str, detail: String) -> Self {
        Self { kind, detail }
    }
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first law that was broken.
    pub violation: Option<Violation>,
    /// What happened.
    pub tally: Tally,
    /// What happened, for people, if asked for.
    pub trace: Vec<String>,
    /// A digest of the log and of every choice: the same for the same seed.
    pub digest: u64,
}

/// How the endpoints of a run name their items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// All alike.
    All(Identity),
    /// Some by UID, some not at all: cards and a sheet.
    Mixed,
}

/// The world.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub(super) naming: Naming,
    pub(super) weather: Shared<Weather>,
    pub(super) log: Shared<Log>,
    pub(super) ledger: Ledger,
    pub(super) history: History,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) under_way: Shared<Vec<Envelope>>,
    pub(super) collection: Collection,
    pub(super) ids: Ids,
    pub(super) violation: Option<Violation>,
    pub(super) mutation: Option<Mutation>,
    /// An endpoint joined with a copy of another's data.
    pub(super) copied: bool,
    /// The UIDs that were given to new items.
    pub(super) names: BTreeSet<String>,
    /// The UIDs and paths that an item got while another had them, or was thought to.
    pub(super) reused: BTreeSet<String>,
}

/// Runs a seed under at most these faults, and tells what became of it.
#[must_use]
pub fn simulate(seed: u64, faults: Faults, mutation: Option<Mutation>, traced: bool) -> Outcome {
    let mut world = World::new(seed, faults, mutation, traced);
    if catch_unwind(AssertUnwindSafe(|| world.run())).is_err() {
        world.violated(Violation::new("PANIC", "the engine panicked".into()));
    }
    world.outcome()
}

impl World {
    fn new(seed: u64, faults: Faults, mutation: Option<Mutation>, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let subset = if dice.chance(100) { u64::MAX } else { dice.roll() | dice.roll() };
        let subset = if dice.chance(300) { subset & dice.roll() } else { subset };
        let faults = Faults(faults.0 & u32::try_from(subset & u64::from(u32::MAX)).unwrap_or_default());
        let naming = match dice.below(4) {
            0 => Naming::All(Identity::Uid),
            1 => Naming::All(Identity::Path),
            2 => Naming::All(Identity::Rows),
            _ => Naming::Mixed,
        };
        let weather = Weather { faults, calm: false, dice: dice.fork(), tally: Tally::default(), trace: traced.then(Vec::new) };
        Self {
            faults,
            naming,
            weather: Shared::new(weather),
            log: Shared::new(Log::new(mutation)),
            ledger: Ledger::default(),
            history: History::default(),
            endpoints: Vec::new(),
            under_way: Shared::default(),
            collection: "sim".parse().unwrap_or_else(|_| unreachable!()),
            ids: Ids(Shared::new(dice.fork())),
            violation: None,
            mutation,
            copied: false,
            names: BTreeSet::new(),
            reused: BTreeSet::new(),
            dice,
        }
    }

    fn outcome(self) -> Outcome {
        let mut weather = self.weather.look();
        let head = self.log.look().head();
        let mut digest = super::dice::fold(&head.hash.0).iter().fold(0, |sum: u64, byte| sum << 7 ^ sum >> 57 ^ u64::from(*byte));
        digest ^= weather.dice.roll() ^ self.dice.clone().roll().rotate_left(17);
        let trace = weather.trace.take().unwrap_or_default();
        Outcome { violation: self.violation, tally: weather.tally.clone(), trace, digest }
    }

    /// Keeps the first law that was broken.
    pub(super) fn violated(&mut self, violation: Violation) {
        self.say(|| format!("VIOLATION {} {}", violation.kind, violation.detail));
        if self.violation.is_none() {
            self.violation = Some(violation);
        }
    }

    /// Writes a line of the trace.
    pub(super) fn say(&self, line: impl FnOnce() -> String) {
        self.weather.look().say(line);
    }

    /// Counts something.
    pub(super) fn count(&self, what: &'static str) {
        self.weather.look().tally.count(what);
    }

    fn run(&mut self) {
        self.say(|| format!("{:?}, faults {}", self.naming, self.faults));
        for _ in 0..2 + self.dice.below(3) {
            self.settle_in();
        }
        for _ in 0..120 + self.dice.below(280) {
            self.step();
            if self.violation.is_some() {
                return;
            }
        }
        self.come_to_rest();
    }

    /// Adds an endpoint and returns its place in the list.
    pub(super) fn settle_in(&mut self) -> Option<usize> {
        let at = self.endpoints.len();
        if at >= MOST {
            return None;
        }
        let embedded = self.faults.on(Fault::Embedded);
        let another = at > 0 && self.dice.chance(if embedded { 600 } else { 250 });
        let device =
            if another { self.endpoints.get(at - 1).map_or(1, |before| before.device) } else { u8::try_from(at).unwrap_or_default() + 1 };
        let mut application = Application::new(self.shape(), 10_000 * (at as u64 + 1));
        application.mutation = self.mutation;
        if self.faults.on(Fault::Refusing) && self.dice.chance(400) {
            application.picky = u32::try_from(self.dice.below(41)).ok();
        }
        let keeper = Keeper {
            memory: Memory::default(),
            synced: Memory::default(),
            weather: self.weather.clone(),
            fuse: Fuse::default(),
            mutation: self.mutation,
        };
        self.say(|| format!("endpoint e{at} on device {device}: {:?} picky {:?}", application.shape, application.picky));
        self.endpoints.push(Endpoint {
            name: format!("e{at}"),
            device,
            application: Shared::new(application),
            keeper,
            running: None,
            hold: None,
            confirmed: BTreeSet::new(),
            trash: BTreeMap::new(),
            backup: None,
            latest: Shared::default(),
        });
        Some(at)
    }

    fn shape(&mut self) -> Shape {
        let identity = match self.naming {
            Naming::All(identity) => identity,
            Naming::Mixed => {
                if self.dice.chance(500) {
                    Identity::Uid
                } else {
                    Identity::Rows
                }
            }
        };
        let form = if self.faults.on(Fault::Forms) { self.dice.pick(&[Form::Exact, Form::Loud, Form::Stopped]) } else { None };
        Shape {
            identity,
            form: form.unwrap_or(Form::Exact),
            narrow: self.faults.on(Fault::Narrow) && self.dice.chance(350),
            parts: self.faults.on(Fault::Parts) && identity != Identity::Path,
            stamped: self.faults.on(Fault::Stamped) && identity == Identity::Uid,
            batch: identity == Identity::Rows || identity == Identity::Uid && self.dice.chance(250),
        }
    }

    fn step(&mut self) {
        let at = self.dice.below(self.endpoints.len());
        match self.dice.below(1000) {
            0..600 => self.poll(at),
            600..740 => self.user(at),
            740..770 => self.answer_hold(at),
            770..830 => self.deliver(),
            830..850 if self.faults.on(Fault::Crash) => self.crash(at, Fault::Crash),
            850..985 if self.faults.upset() && self.dice.chance(120) => self.upset(at),
            850..985 => self.mishap(at),
            985..1000 => self.join(),
            _ => self.poll(at),
        }
        self.follow();
    }

    /// Lets an endpoint's session go on by one point, beginning one if there is none.
    pub(super) fn poll(&mut self, at: usize) {
        let Some(mut running) = self.endpoints.get_mut(at).and_then(|endpoint| endpoint.running.take()).or_else(|| self.begin(at)) else {
            return;
        };
        let cut = self.weather.look().strikes(Fault::Cut, 50);
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        if cut {
            endpoint.keeper.fuse.light(1 + u32::try_from(self.dice.below(9)).unwrap_or_default());
        }
        let polled = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if endpoint.keeper.fuse.burnt() {
            drop(running);
            self.crash(at, Fault::Cut);
            return;
        }
        endpoint.keeper.fuse.remove();
        match polled {
            Poll::Pending => endpoint.running = Some(running),
            Poll::Ready(result) => self.ended(at, result),
        }
    }

    fn begin(&mut self, at: usize) -> Option<super::endpoint::Running> {
        self.count("sessions");
        self.say(|| format!("e{at} begins a session"));
        let settings = self.settings(at);
        self.errand(at, settings).map(Errand::begin)
    }

    pub(super) fn settings(&self, at: usize) -> Settings {
        let generous = self.mutation == Some(Mutation::NoGuard);
        Settings {
            collection: self.collection.clone(),
            policy: if self.faults.on(Fault::Mine) && at % 2 == 1 { Policy::Mine } else { Policy::Store },
            guard: Guard { percent: 40, minimum: if generous { usize::MAX } else { 2 } },
            link: true,
            confirmed: self.endpoints.get(at).map(|endpoint| endpoint.confirmed.clone()).unwrap_or_default(),
            merge_text: false,
            device: format!("device {at}"),
        }
    }

    /// Returns what a session of an endpoint owns.
    pub(super) fn errand(&self, at: usize, settings: Settings) -> Option<Errand> {
        let endpoint = self.endpoints.get(at)?;
        let fuse = endpoint.keeper.fuse.clone();
        let wire = Wire {
            log: self.log.clone(),
            weather: self.weather.clone(),
            fuse: fuse.clone(),
            under_way: self.under_way.clone(),
            embedded: self.faults.on(Fault::Embedded),
            latest: endpoint.latest.clone(),
        };
        let window = Window::onto(endpoint.application.clone(), self.weather.clone(), fuse);
        let (name, keeper, key, ids) = (endpoint.name.clone(), endpoint.keeper.clone(), DeviceKey(endpoint.device), self.ids.clone());
        Some(Errand { name, window, keeper, wire, key, ids, settings })
    }

    fn ended(&mut self, at: usize, result: Result<Report, Error>) {
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        let what = match result {
            Ok(_) => {
                endpoint.hold = None;
                endpoint.confirmed.clear();
                "sessions that ended well"
            }
            Err(Error::Held(hold)) => {
                endpoint.hold = Some(*hold);
                "guard holds"
            }
            Err(error) => {
                self.weather.look().say(|| format!("  e{at} fails: {error}"));
                "sessions that failed"
            }
        };
        self.count(what);
        self.say(|| format!("  e{at}: {what}"));
    }

    /// Ends everything on an endpoint's device.
    pub(super) fn crash(&mut self, at: usize, fault: Fault) {
        let Some(device) = self.endpoints.get(at).map(|endpoint| endpoint.device) else { return };
        let busy = fault == Fault::Cut || self.endpoints.iter().any(|e| e.device == device && e.running.is_some());
        if !busy {
            return;
        }
        if fault == Fault::Crash {
            self.weather.look().struck(fault);
        }
        let powerless = self.weather.look().strikes(Fault::PowerLost, 400);
        let how = if powerless { ", power lost" } else { "" };
        self.say(|| format!("CRASH of device {device} ({fault:?}{how})"));
        for endpoint in self.endpoints.iter_mut().filter(|endpoint| endpoint.device == device) {
            endpoint.running = None;
            endpoint.keeper.fuse.remove();
            if powerless {
                endpoint.keeper.lose_power();
            }
        }
    }

    /// Lets an envelope arrive that is late or arrives once more.
    pub(super) fn deliver(&mut self) {
        let mut under_way = self.under_way.look();
        let at = self.dice.below(under_way.len());
        if at < under_way.len() {
            let envelope = under_way.swap_remove(at);
            let answer = self.log.look().append(&envelope);
            self.weather.look().say(|| format!("LATE {:.24?} arrives: {:.12?}", envelope.transaction, answer));
        }
    }

    /// Follows the log.
    pub(super) fn follow(&mut self) {
        let followed = usize::try_from(self.ledger.followed()).unwrap_or_default();
        let entries: Vec<Entry> = self.log.look().entries.iter().skip(followed).cloned().collect();
        for entry in entries {
            self.count("transactions");
            let (wrong, said) = self.ledger.take(&entry, &self.collection, &self.history);
            self.say(|| said);
            for violation in wrong {
                self.weigh(violation);
            }
        }
    }

    /// Counts what cannot be avoided when copies join or an application refuses records; everything else is a violation.
    pub(super) fn weigh(&mut self, violation: Violation) {
        // Of what a store lost, or a restored device forgot, nobody knows any more what it came from.
        let forgetful = [Fault::RolledBack, Fault::MadeAnew, Fault::Restored].into_iter().any(|fault| self.faults.on(fault));
        let avoidable = !self.copied && !self.faults.on(Fault::Refusing) && !forgetful;
        match violation.kind {
            "SPURIOUS" | "REGRESSED" if !avoidable => self.count("conflicts between relatives"),
            // Rows that are equal, or equally like what was there, cannot be told apart: one goes for the other.
            // A restored device takes rows and files that it forgot for new ones, until it hears of them.
            "DUPLICATE" | "RESURRECTED" if self.faults.on(Fault::Restored) && !self.all_by_uid() => self.count("items that were forgotten"),
            "KILLED" | "LOST" if self.copied && self.nameless() => self.count("copies that were taken for each other"),
            _ => self.violated(violation),
        }
    }

    /// Tells whether every application names its items by UID.
    fn all_by_uid(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.application.look().shape.identity == Identity::Uid)
    }

    /// Tells whether some application does not name its items.
    fn nameless(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.application.look().shape.identity == Identity::Rows)
    }
}
