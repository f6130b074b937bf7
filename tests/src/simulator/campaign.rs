//! A campaign: many seeds over some threads, counted, and the faults that a failing seed does not need taken away.

use std::collections::BTreeMap;
use std::thread;

use super::faults::Faults;
use super::files;
use super::mutation::Mutation;
use super::tally::Tally;
use super::world::{self, Outcome};

/// What the worlds of a campaign are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worlds {
    /// Cards and rows in applications.
    #[default]
    Records,
    /// Files in folders.
    Files,
}

impl Worlds {
    /// Runs a seed under at most these faults, and tells what became of it.
    #[must_use]
    pub fn simulate(self, seed: u64, faults: Faults, mutation: Option<Mutation>, traced: bool) -> Outcome {
        match self {
            Self::Records => world::simulate(seed, faults, mutation, traced),
            Self::Files => files::simulate(seed, faults, mutation, traced),
        }
    }
}

/// Which seeds to run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// What the worlds are made of.
    pub worlds: Worlds,
    /// The first seed.
    pub first: u64,
    /// How many.
    pub runs: u64,
    /// How many threads share them.
    pub threads: u64,
    /// At most these faults.
    pub faults: Faults,
    /// What is wrong outside the engine.
    pub mutation: Option<Mutation>,
}

/// A kind of violation.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How many runs had it.
    pub count: u64,
    /// The first seed that had it.
    pub seed: u64,
    /// What that run's oracle noticed.
    pub detail: String,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Violations by kind.
    pub violations: BTreeMap<&'static str, Tried>,
    /// What happened in all runs.
    pub tally: Tally,
}

impl Campaign {
    /// Runs every seed.
    #[must_use]
    pub fn run(&self) -> Findings {
        let threads = self.threads.max(1);
        let mut findings = Findings::default();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || self.share(thread, threads))).collect();
            for worker in workers {
                if let Ok(share) = worker.join() {
                    findings.add(share);
                }
            }
        });
        findings
    }

    fn share(&self, thread: u64, threads: u64) -> Findings {
        let mut findings = Findings::default();
        for run in (thread..self.runs).step_by(usize::try_from(threads).unwrap_or(1)) {
            let seed = self.first + run;
            let outcome = self.worlds.simulate(seed, self.faults, self.mutation, false);
            findings.tally.count("runs");
            findings.tally.add(&outcome.tally);
            if let Some(violation) = outcome.violation {
                let mut one = Findings::default();
                one.violations.insert(violation.kind, Tried { count: 1, seed, detail: violation.detail });
                findings.add(one);
            }
        }
        findings
    }

    /// Returns the fewest faults, taken away one by one, under which a seed still breaks a law.
    #[must_use]
    pub fn shrink(&self, seed: u64) -> Faults {
        let breaks = |faults: Faults| self.worlds.simulate(seed, faults, self.mutation, false).violation.is_some();
        self.faults.iter().fold(self.faults, |faults, fault| {
            let fewer = faults.without(fault);
            if breaks(fewer) { fewer } else { faults }
        })
    }
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.tally.add(&other.tally);
        for (kind, tried) in other.violations {
            let known = self.violations.entry(kind).or_insert_with(|| Tried { count: 0, ..tried.clone() });
            known.count += tried.count;
            if tried.seed < known.seed {
                (known.seed, known.detail) = (tried.seed, tried.detail);
            }
        }
    }
}
