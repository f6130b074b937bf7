//! Coming to rest: all faults end, sessions run in turns, and within a bounded number of rounds nothing moves any more.

use record::Value;

use super::faults::Fault;
use super::users::describe;
use super::world::{Violation, World};

/// The most rounds until nothing moves.
const ROUNDS: usize = 25;
/// The most points of one session.
const POINTS: usize = 2000;

/// What a round must leave as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standstill {
    length: u64,
    writes: Vec<u64>,
    holds: u64,
    failed: u64,
}

impl World {
    /// Ends all faults, runs sessions until nothing moves, and asks every oracle.
    pub(super) fn come_to_rest(&mut self) {
        self.say(|| "ALL FAULTS END".to_owned());
        self.weather.look().calm = true;
        while !self.under_way.look().is_empty() {
            self.deliver();
        }
        let heal = self.dice.chance(500);
        for endpoint in &mut self.endpoints {
            endpoint.running = None;
            endpoint.keeper.fuse.remove();
            let mut application = endpoint.application.look();
            (application.mounted, application.replaced) = (true, false);
            application.hidden.clear();
            application.items.values_mut().for_each(|item| item.broken = None);
            if heal {
                application.picky = None;
            }
        }
        self.follow();
        self.take_stock();
        if let Some(rounds) = self.settle_down() {
            self.say(|| format!("AT REST after {rounds} rounds"));
            self.judge();
        }
    }

    /// Writes what every application shows and every object store remembers into the trace.
    fn take_stock(&self) {
        for endpoint in &self.endpoints {
            let application = endpoint.application.look();
            for (number, item) in &application.items {
                self.say(|| format!("  {} shows {number}: {}", endpoint.name, describe(item)));
            }
            for (key, shown) in endpoint.remembered() {
                let values: Vec<String> = shown.fields.values().map(Value::display).collect();
                self.say(|| format!("  {} remembers {key}: {values:?}", endpoint.name));
            }
        }
    }

    fn settle_down(&mut self) -> Option<usize> {
        let mut still = 0;
        for round in 0..ROUNDS {
            let before = self.standstill();
            for at in 0..self.endpoints.len() {
                self.run_session(at)?;
            }
            still = if self.standstill() == before { still + 1 } else { 0 };
            if still == 2 {
                return Some(round);
            }
        }
        self.violated(Violation::new("LIVELOCK", format!("something still moves after {ROUNDS} rounds without faults")));
        None
    }

    fn standstill(&self) -> Standstill {
        let weather = self.weather.look();
        Standstill {
            length: self.log.look().length(),
            writes: self.endpoints.iter().map(|endpoint| endpoint.application.look().writes).collect(),
            holds: weather.tally.of("guard holds"),
            failed: weather.tally.of("sessions that failed"),
        }
    }

    /// Runs one session of an endpoint from beginning to end, its user confirming what the guard holds.
    pub(super) fn run_session(&mut self, at: usize) -> Option<()> {
        let failed = self.weather.look().tally.of("sessions that failed");
        for _ in 0..POINTS {
            self.poll(at);
            self.follow();
            if self.violation.is_some() {
                return None;
            }
            if self.endpoints.get(at).is_none_or(|endpoint| endpoint.running.is_none()) {
                break;
            }
        }
        if self.weather.look().tally.of("sessions that failed") > failed {
            self.violated(Violation::new("FAILED", format!("a session of e{at} failed though no fault struck")));
            return None;
        }
        if let Some(endpoint) = self.endpoints.get_mut(at) {
            if let Some(hold) = endpoint.hold.take() {
                endpoint.confirmed = hold.records;
            }
            endpoint.trash.clear();
        }
        Some(())
    }

    fn judge(&mut self) {
        let violation = self
            .diverged()
            .or_else(|| self.doubled())
            .or_else(|| self.lost())
            .or_else(|| self.resurrected())
            .or_else(|| self.stubs())
            .or_else(|| self.out_of_harmony())
            .or_else(|| self.restless());
        if let Some(violation) = violation {
            self.weigh(violation);
        }
    }

    /// Tells whether an endpoint's application refuses something that lives.
    pub(super) fn hindered(&self, at: usize) -> bool {
        let Some(endpoint) = self.endpoints.get(at).filter(|_| self.faults.on(Fault::Refusing)) else { return false };
        let application = endpoint.application.look();
        application.picky.is_some()
    }
}
