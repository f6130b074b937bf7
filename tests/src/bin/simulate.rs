//! Runs simulated worlds: one seed with a trace, or a campaign of many.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to whoever runs it")]

use std::process::ExitCode;
use std::time::Instant;

use syncretic_tests::simulator::{Campaign, Faults, Mutation, Worlds};

const USAGE: &str =
    "usage: simulate --seed N [--trace] | --runs N [--from S] [--threads T]   both: [--files] [--faults MASK] [--mutation NAME]";

struct Arguments {
    campaign: Campaign,
    seed: Option<u64>,
    trace: bool,
}

fn number(text: &str) -> Option<u64> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

fn arguments() -> Option<Arguments> {
    let campaign = Campaign { worlds: Worlds::Records, first: 1, runs: 1000, threads: 2, faults: Faults::MAIN, mutation: None };
    let mut found = Arguments { campaign, seed: None, trace: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--trace" {
            found.trace = true;
            continue;
        }
        if word == "--files" {
            found.campaign.worlds = Worlds::Files;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--seed" => found.seed = Some(number(&value)?),
            "--runs" => found.campaign.runs = number(&value)?,
            "--from" => found.campaign.first = number(&value)?,
            "--threads" => found.campaign.threads = number(&value)?,
            "--faults" => found.campaign.faults = Faults(u32::try_from(number(&value)?).ok()? & Faults::EVERY.0),
            "--mutation" => found.campaign.mutation = Some(Mutation::named(&value)?),
            _ => return None,
        }
    }
    Some(found)
}

fn replay(campaign: &Campaign, seed: u64, trace: bool) -> ExitCode {
    let outcome = campaign.worlds.simulate(seed, campaign.faults, campaign.mutation, trace);
    outcome.trace.iter().for_each(|line| println!("{line}"));
    println!("seed {seed}, digest {:016x}: {}", outcome.digest, outcome.tally);
    match outcome.violation {
        Some(violation) => {
            println!("{}: {}", violation.kind, violation.detail);
            println!("needs no more faults than {}", campaign.shrink(seed));
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn run(campaign: &Campaign) -> ExitCode {
    let begin = Instant::now();
    let findings = campaign.run();
    let seconds = begin.elapsed().as_secs_f64();
    let speed = findings.tally.of("runs") as f64 / seconds;
    println!("{} runs from seed {} in {seconds:.1} s, {speed:.0} a second, faults {}", campaign.runs, campaign.first, campaign.faults);
    println!("{}", findings.tally);
    for (kind, tried) in &findings.violations {
        println!("{kind}: {} runs, first seed {}: {}", tried.count, tried.seed, tried.detail);
    }
    if findings.violations.is_empty() {
        println!("0 violations");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    match arguments() {
        Some(Arguments { campaign, seed: Some(seed), trace }) => replay(&campaign, seed, trace),
        Some(Arguments { campaign, .. }) => run(&campaign),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
