//! Seeded worlds over the real engine: no law breaks, seeds are reproducible, and every wrong design is caught.

use syncretic_tests::simulator::{Campaign, Fault, Faults, Mutation, Worlds, simulate};

/// Runs that fit a minute of two cores in the development profile.
const RUNS: u64 = 2_400;

fn campaign(runs: u64, faults: Faults) -> Campaign {
    Campaign { worlds: Worlds::Records, first: 1, runs, threads: 2, faults, mutation: None }
}

#[track_caller]
fn nothing_breaks(campaign: Campaign) {
    let findings = campaign.run();
    assert_eq!(findings.tally.of("runs"), campaign.runs);
    assert!(findings.tally.of("transactions") > campaign.runs, "{}", findings.tally);
    assert!(findings.violations.is_empty(), "{:#?}", findings.violations);
}

#[test]
fn no_law_breaks_under_any_fault() {
    nothing_breaks(campaign(RUNS, Faults::MAIN));
}

#[test]
fn no_law_breaks_when_stores_and_devices_are_restored_copied_and_compacted() {
    nothing_breaks(campaign(RUNS / 4, Faults::EVERY));
}

#[test]
fn no_law_breaks_where_power_is_lost() {
    nothing_breaks(campaign(RUNS / 4, Faults::MAIN.with(Fault::PowerLost)));
}

#[test]
fn no_law_breaks_without_faults() {
    nothing_breaks(campaign(RUNS / 6, Faults::NONE));
}

#[test]
fn no_law_breaks_when_devices_die_and_roots_go() {
    let faults = [Fault::Crash, Fault::Cut, Fault::Replaced, Fault::Unmounted].into_iter().fold(Faults::NONE, Faults::with);
    nothing_breaks(campaign(RUNS / 6, faults));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 1..=60 {
        let (one, other) = (simulate(seed, Faults::EVERY, None, true), simulate(seed, Faults::EVERY, None, true));
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.digest, other.digest, "seed {seed}");
        assert_eq!(one.digest, simulate(seed, Faults::EVERY, None, false).digest, "seed {seed}, untraced");
    }
}

#[test]
fn another_seed_gives_another_run() {
    let digests: std::collections::BTreeSet<u64> = (1..=30).map(|seed| simulate(seed, Faults::EVERY, None, false).digest).collect();
    assert_eq!(digests.len(), 30);
}

#[test]
fn every_wrong_design_is_caught() {
    for (mutation, name) in Mutation::ALL {
        let caught = (1..=400).find_map(|seed| simulate(seed, Faults::EVERY, Some(*mutation), false).violation);
        assert!(caught.is_some(), "`{name}` passes 400 seeds");
    }
}

#[test]
fn every_fault_strikes() {
    let tally = campaign(3000, Faults::EVERY).run().tally;
    for fault in Faults::EVERY.iter().filter(|fault| fault.strikes()) {
        assert!(tally.of(fault.name()) > 0, "{} never struck: {tally}", fault.name());
    }
}

mod files {
    //! Worlds of files: no law breaks, and wrong designs are caught.

    use super::*;

    /// Runs that fit ten seconds of two cores in the development profile.
    const RUNS: u64 = 800;

    fn campaign(runs: u64, faults: Faults) -> Campaign {
        Campaign { worlds: Worlds::Files, ..super::campaign(runs, faults) }
    }

    #[test]
    fn no_law_breaks_in_folders_of_files() {
        nothing_breaks(campaign(RUNS, Faults::MAIN.with(Fault::PowerLost)));
    }

    #[test]
    fn no_law_breaks_in_folders_of_files_without_faults() {
        nothing_breaks(campaign(RUNS / 4, Faults::NONE));
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let run = |seed: u64, traced: bool| Worlds::Files.simulate(seed, Faults::EVERY, None, traced);
        for seed in 1..=20 {
            assert_eq!(run(seed, true).trace, run(seed, true).trace, "seed {seed}");
            assert_eq!(run(seed, true).digest, run(seed, false).digest, "seed {seed}, untraced");
        }
    }

    #[test]
    fn wrong_designs_are_caught() {
        for (mutation, name) in Mutation::FILES {
            let faults = Faults::MAIN.with(Fault::PowerLost);
            let caught = (1..=300).find_map(|seed| Worlds::Files.simulate(seed, faults, Some(*mutation), false).violation);
            assert!(caught.is_some(), "`{name}` passes 300 seeds");
        }
    }

    #[test]
    fn people_meet_and_files_are_known_again() {
        let tally = campaign(200, Faults::MAIN).run().tally;
        for what in [
            "conflict files",
            "moves that met an edit",
            "moves recognised",
            "files of plain fate",
            "recoveries",
            "saves while a step writes",
        ] {
            assert!(tally.of(what) > 0, "{what}: {tally}");
        }
    }
}
