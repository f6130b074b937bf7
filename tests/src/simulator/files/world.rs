//! The world of a seed: folders on devices, a log, users and weather, one step at a time.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use delta::Policy;
use engine::objects::memory::Memory;
use engine::{Error, Guard, Report, Settings};
use protocol::{Collection, Envelope};

use super::disk::Habits;
use super::endpoint::{Endpoint, Errand};
use super::folder::Folder;
use super::place::Place;
use super::versions::Versions;
use crate::simulator::dice::{Dice, Ids, fold};
use crate::simulator::endpoint::Running;
use crate::simulator::faults::{Fault, Faults};
use crate::simulator::fuse::Fuse;
use crate::simulator::keeper::Keeper;
use crate::simulator::keys::DeviceKey;
use crate::simulator::log::Log;
use crate::simulator::mutation::Mutation;
use crate::simulator::shared::Shared;
use crate::simulator::tally::Tally;
use crate::simulator::weather::Weather;
use crate::simulator::wire::Wire;
use crate::simulator::world::{Outcome, Violation};

/// The most endpoints of a run.
const MOST: usize = 5;

/// The world.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub(super) weather: Shared<Weather>,
    pub(super) log: Shared<Log>,
    pub(super) versions: Shared<Versions>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) under_way: Shared<Vec<Envelope>>,
    pub(super) violation: Option<Violation>,
    pub(super) mutation: Option<Mutation>,
    /// How many names nobody else has were given.
    pub(super) named: usize,
    /// Files that two people had at once: they do not meet in them again.
    pub(super) met: BTreeSet<usize>,
    /// The file that somebody had last.
    pub(super) latest: Option<usize>,
    /// A device lost what it had not synced.
    pub(super) powerless: bool,
    pub(super) collection: Collection,
    ids: Ids,
}

/// Runs a seed under at most these faults, and tells what became of it.
pub(in crate::simulator) fn simulate(seed: u64, faults: Faults, mutation: Option<Mutation>, traced: bool) -> Outcome {
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
        let weather = Weather { faults, calm: false, dice: dice.fork(), tally: Tally::default(), trace: traced.then(Vec::new) };
        Self {
            faults,
            weather: Shared::new(weather),
            log: Shared::new(Log::new(mutation)),
            versions: Shared::new(Versions::default()),
            endpoints: Vec::new(),
            under_way: Shared::default(),
            collection: "sim".parse().unwrap_or_else(|_| unreachable!()),
            ids: Ids(Shared::new(dice.fork())),
            violation: None,
            mutation,
            named: 0,
            met: BTreeSet::new(),
            latest: None,
            powerless: false,
            dice,
        }
    }

    fn outcome(self) -> Outcome {
        let mut weather = self.weather.look();
        let head = self.log.look().head();
        let mut digest = fold(&head.hash.0).iter().fold(0, |sum: u64, byte| sum << 7 ^ sum >> 57 ^ u64::from(*byte));
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
        self.say(|| format!("files, faults {}", self.faults));
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
        let another = at > 0 && self.dice.chance(if self.faults.on(Fault::Embedded) { 600 } else { 200 });
        let device =
            if another { self.endpoints.get(at - 1).map_or(1, |before| before.device) } else { u8::try_from(at).unwrap_or_default() + 1 };
        let habits = Habits {
            caseless: self.faults.on(Fault::Forms) && self.dice.chance(350),
            reuses: self.dice.chance(500),
            birthless: self.dice.chance(250),
            no_exchange: self.dice.chance(250),
        };
        let place = Place::new(at, habits, self.versions.clone(), self.mutation);
        let keeper = Keeper {
            memory: Memory::default(),
            synced: Memory::default(),
            weather: self.weather.clone(),
            fuse: Fuse::default(),
            mutation: self.mutation,
        };
        self.say(|| format!("endpoint e{at} on device {device}: {habits:?}"));
        self.endpoints.push(Endpoint {
            name: format!("e{at}"),
            device,
            place: Shared::new(place),
            keeper,
            running: None,
            held: Vec::new(),
            latest: Shared::default(),
        });
        Some(at)
    }

    fn step(&mut self) {
        let at = self.dice.below(self.endpoints.len());
        match self.dice.below(1000) {
            0..620 => self.poll(at),
            620..780 => self.user(at),
            780..840 => self.deliver(),
            840..860 if self.faults.on(Fault::Crash) => self.crash(at, Fault::Crash),
            860..985 => self.mishap(at),
            985..1000 => self.join(),
            _ => self.poll(at),
        }
    }

    /// Lets an endpoint's session go on by one point, beginning one if there is none.
    pub(super) fn poll(&mut self, at: usize) {
        let Some(mut running) = self.endpoints.get_mut(at).and_then(|endpoint| endpoint.running.take()).or_else(|| self.begin(at)) else {
            return;
        };
        let cut = self.weather.look().strikes(Fault::Cut, 60);
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        if cut {
            endpoint.keeper.fuse.light(1 + u32::try_from(self.dice.below(12)).unwrap_or_default());
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

    fn begin(&mut self, at: usize) -> Option<Running> {
        self.count("sessions");
        self.say(|| format!("e{at} begins a session"));
        self.errand(at).map(Errand::begin)
    }

    /// The guard is held against by the worlds of records; here people delete whole folders. Only what is replaced holds.
    fn settings(&self, at: usize) -> Settings {
        Settings {
            collection: self.collection.clone(),
            policy: if self.faults.on(Fault::Mine) && at % 2 == 1 { Policy::Mine } else { Policy::Store },
            guard: Guard { percent: 100, minimum: usize::MAX },
            link: true,
            merge_text: false,
            confirmed: BTreeSet::new(),
            device: format!("device {at}"),
        }
    }

    fn errand(&self, at: usize) -> Option<Errand> {
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
        Some(Errand {
            name: endpoint.name.clone(),
            folder: Folder::onto(endpoint.place.clone(), self.weather.clone(), fuse),
            keeper: endpoint.keeper.clone(),
            wire,
            key: DeviceKey(endpoint.device),
            ids: self.ids.clone(),
            settings: self.settings(at),
            weather: self.weather.clone(),
        })
    }

    fn ended(&mut self, at: usize, result: Result<Report, Error>) {
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        let what = match result {
            Ok(report) => {
                endpoint.held = report.held;
                "sessions that ended well"
            }
            Err(Error::Held(_)) => "guard holds",
            Err(error) => {
                self.weather.look().say(|| format!("  e{at} fails: {error}"));
                "sessions that failed"
            }
        };
        self.count(what);
        self.say(|| format!("  e{at}: {what}"));
    }

    /// Ends everything on an endpoint's device.
    fn crash(&mut self, at: usize, fault: Fault) {
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
        self.powerless |= powerless;
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
}
