//! Coming to rest: all faults end, sessions run in turns, and within a bounded number of rounds nothing moves any more.

use super::world::World;
use crate::simulator::world::Violation;

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
        for endpoint in &mut self.endpoints {
            endpoint.running = None;
            endpoint.keeper.fuse.remove();
            let mut place = endpoint.place.look();
            (place.mounted, place.replaced) = (true, false);
            place.disk.unreadable.clear();
            place.disk.locked = None;
        }
        self.take_stock();
        if let Some(rounds) = self.settle_down() {
            self.say(|| format!("AT REST after {rounds} rounds"));
            self.take_stock();
            self.judge();
        }
    }

    /// Writes what stands in every folder into the trace.
    fn take_stock(&self) {
        for endpoint in &self.endpoints {
            for (path, node) in endpoint.place.look().disk.list() {
                self.say(|| format!("  {} has {path}: {:?}", endpoint.name, node.body));
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
            writes: self.endpoints.iter().map(|endpoint| endpoint.place.look().writes).collect(),
            holds: weather.tally.of("guard holds"),
            failed: weather.tally.of("sessions that failed"),
        }
    }

    /// Runs one session of an endpoint from beginning to end.
    fn run_session(&mut self, at: usize) -> Option<()> {
        let failures = |world: &Self| {
            let weather = world.weather.look();
            weather.tally.of("sessions that failed") + weather.tally.of("guard holds")
        };
        let failed = failures(self);
        for _ in 0..POINTS {
            self.poll(at);
            if self.violation.is_some() {
                return None;
            }
            if self.endpoints.get(at).is_none_or(|endpoint| endpoint.running.is_none()) {
                break;
            }
        }
        if failures(self) > failed {
            self.violated(Violation::new("FAILED", format!("a session of e{at} failed though no fault struck")));
            return None;
        }
        Some(())
    }
}
