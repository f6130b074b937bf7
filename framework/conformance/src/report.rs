//! What the checks found.

use std::fmt;

/// The answer of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The law holds.
    Pass,
    /// It does not, and how that showed.
    Fail(String),
    /// It was not looked at, and why.
    Skipped(String),
}

/// The answers of all checks, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Name and answer, in the order of the checks.
    pub verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// Tells whether no check failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Iterates over the failures: name and reason.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.verdicts.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::Fail(reason) => Some((*name, reason.as_str())),
            Verdict::Pass | Verdict::Skipped(_) => None,
        })
    }

    /// Iterates over what was skipped: name and reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.verdicts.iter().filter_map(|(name, verdict)| match verdict {
            Verdict::Skipped(reason) => Some((*name, reason.as_str())),
            Verdict::Pass | Verdict::Fail(_) => None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.verdicts {
            match verdict {
                Verdict::Pass => writeln!(f, "pass     {name}")?,
                Verdict::Fail(reason) => writeln!(f, "FAIL     {name}: {reason}")?,
                Verdict::Skipped(reason) => writeln!(f, "skipped  {name}: {reason}")?,
            }
        }
        Ok(())
    }
}

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The law does not hold.
    Fail(String),
    /// The law does not apply.
    Skip(String),
}

/// Ends a check as failed.
pub(crate) fn fail<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(reason.into()))
}

/// Ends a check as skipped.
pub(crate) fn skip<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(reason.into()))
}

/// Ends a check as failed unless `holds`.
pub(crate) fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Stop::Fail(reason())) }
}
