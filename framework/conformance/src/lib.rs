//! The laws that every adapter must pass, ours and third parties' alike.
//!
//! An adapter's test describes it as a [`Subject`] and says `conformance::assert_conforms(&subject)`.
//! Each check works in a fresh temporary folder and answers pass, fail or skipped, never without a reason.

mod acting;
mod checks;
mod content;
#[cfg(target_os = "linux")]
mod killing;
pub mod mutation;
mod report;
mod subject;
mod texts;
mod trial;

pub use checks::act;
pub use report::{Report, Verdict};
pub use subject::{Fuzzing, Subject};
pub use texts::Texts;

use std::panic::{AssertUnwindSafe, catch_unwind};

use report::Stop;

/// One law, and how to see whether an adapter keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// What it is about, in one word.
    pub group: &'static str,
    /// What must hold: one sentence for people.
    pub law: &'static str,
    run: fn(&dyn Subject) -> Result<(), Stop>,
}

/// Returns every check, in order.
#[must_use]
pub fn checks() -> &'static [Check] {
    checks::ALL
}

impl Check {
    /// Runs this check alone. An exempted one is skipped; an adapter that panics fails.
    #[must_use]
    pub fn run(&self, subject: &dyn Subject) -> Verdict {
        if let Some((_, reason)) = subject.exemptions().iter().find(|(name, _)| *name == self.name) {
            return Verdict::Skipped((*reason).to_owned());
        }
        match catch_unwind(AssertUnwindSafe(|| (self.run)(subject))) {
            Ok(Ok(())) => Verdict::Pass,
            Ok(Err(Stop::Fail(reason))) => Verdict::Fail(reason),
            Ok(Err(Stop::Skip(reason))) => Verdict::Skipped(reason),
            Err(_) => Verdict::Fail("it panicked".to_owned()),
        }
    }
}

/// Runs all checks against an adapter.
#[must_use]
pub fn run(subject: &dyn Subject) -> Report {
    let mut report = Report::default();
    for (name, reason) in subject.exemptions() {
        if reason.trim().is_empty() || !checks().iter().any(|check| check.name == *name) {
            report.verdicts.push((name, Verdict::Fail("an exemption must name a check and give its reason".to_owned())));
        }
    }
    report.verdicts.extend(checks().iter().map(|check| (check.name, check.run(subject))));
    report
}

/// Runs all checks and panics with the report if one fails: the line for an adapter's test.
///
/// # Panics
/// Panics if a check fails.
pub fn assert_conforms(subject: &dyn Subject) {
    let report = run(subject);
    assert!(report.passed(), "the adapter `{}` breaks laws:\n{report}", subject.format().describe().id);
}
