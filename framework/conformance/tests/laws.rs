//! The suite itself under test: the honest adapter passes every check, and each check fails on its own lie.

#[path = "laws/keyvalue.rs"]
mod keyvalue;

use conformance::{Verdict, checks};
use keyvalue::Folder;

#[test]
fn the_honest_adapter_passes_every_check() {
    let report = conformance::run(&Folder::honest());
    assert!(report.passed(), "{report}");
    assert_eq!(report.skipped().map(|(name, _)| name).collect::<Vec<_>>(), ["apply-batch-atomic"]);
}

#[test]
fn the_honest_adapter_that_claims_batches_passes_every_check_and_skips_none() {
    let report = conformance::run(&Folder::batch(""));
    assert!(report.passed(), "{report}");
    assert_eq!(report.skipped().count(), 0, "{report}");
}

#[test]
fn every_check_fails_on_its_own_lie() {
    let caught = |name| match checks().iter().find(|check| check.name == name).unwrap().run(&Folder::batch(name)) {
        Verdict::Fail(_) => None,
        other => Some((name, other)),
    };
    let missed: Vec<_> = checks().iter().filter_map(|check| caught(check.name)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// The test that is run in a process of its own, and what it is told.
const ACTOR: &str = "an_actor_performs_the_step_that_it_is_told_to";
const FOLDER: &str = "SYNCRETIC_ACTOR_FOLDER";
const LIE: &str = "SYNCRETIC_ACTOR_LIE";

#[test]
fn an_actor_performs_the_step_that_it_is_told_to() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        // Nobody watches: this is where the suite looks that there is something to watch.
        assert!(conformance::Subject::actor(&Folder::honest(), std::path::Path::new("x")).is_some());
        return;
    };
    let lie = std::env::var(LIE).unwrap_or_default();
    let lie = checks().iter().map(|check| check.name).find(|name| *name == lie).unwrap_or_default();
    if let Err(reason) = conformance::act(&Folder::batch(lie), std::path::Path::new(&folder)) {
        println!("act: {reason}");
    }
}

#[test]
fn names_are_unique_and_in_kebab_case() {
    let mut names: Vec<_> = checks().iter().map(|check| check.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    assert!(checks().iter().all(|check| plain(check.name) && check.law.ends_with('.')));
}

#[test]
fn an_exemption_needs_a_check_and_a_reason() {
    let exempt = |exemption| {
        let subject = Folder { exemptions: vec![exemption], ..Folder::batch("nul-kept-or-refused") };
        conformance::run(&subject)
    };
    assert!(exempt(("nul-kept-or-refused", "the format ends at a NUL")).passed());
    assert!(!exempt(("nul-kept-or-refused", " ")).passed());
    assert!(!exempt(("no-such-check", "because")).passed());
}

#[test]
fn an_adapter_that_panics_fails() {
    let check = checks().iter().find(|check| check.name == "scan-empty").unwrap();
    assert_eq!(check.run(&Folder::batch("panic")), Verdict::Fail("it panicked".to_owned()));
}

#[test]
#[should_panic(expected = "scan-root-missing")]
fn a_broken_law_is_named() {
    conformance::assert_conforms(&Folder::batch("scan-root-missing"));
}
