//! The weather: which faults strike now, what they did, and the trace of a run.

use super::dice::Dice;
use super::faults::{Fault, Faults};
use super::tally::Tally;

/// What the world does to everyone in it.
#[derive(Debug)]
pub(super) struct Weather {
    /// The faults that this run may meet.
    pub(super) faults: Faults,
    /// No fault strikes any more.
    pub(super) calm: bool,
    /// Decides when one strikes.
    pub(super) dice: Dice,
    /// What happened.
    pub(super) tally: Tally,
    /// What happened, for people; kept only if someone asked.
    pub(super) trace: Option<Vec<String>>,
}

impl Weather {
    /// Tells whether a fault strikes now, which it does so many times in a thousand.
    pub(super) fn strikes(&mut self, fault: Fault, permille: usize) -> bool {
        if self.calm || !self.faults.on(fault) || !self.dice.chance(permille) {
            return false;
        }
        self.struck(fault);
        true
    }

    /// Counts a fault that strikes.
    pub(super) fn struck(&mut self, fault: Fault) {
        self.tally.count(fault.name());
    }

    /// Writes a line of the trace.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }
}
