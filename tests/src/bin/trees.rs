//! Runs trees of files under the real program: three devices with users and kills, or one sync that is killed again and again.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to whoever runs it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use syncretic_tests::trees::{Tally, campaign, kill_loop};

const USAGE: &str = "usage: trees --minutes N [--turns T] | --kills N [--files F]   both: [--seed S] [--program PATH]
The program is the `syncretic` beside this one: build it first.";

struct Arguments {
    minutes: Option<u64>,
    turns: usize,
    kills: Option<usize>,
    files: usize,
    seed: u64,
    program: PathBuf,
}

fn arguments() -> Option<Arguments> {
    let program = std::env::current_exe().ok()?.with_file_name("syncretic");
    let mut found = Arguments { minutes: None, turns: 150, kills: None, files: 2000, seed: 1, program };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--minutes" => found.minutes = Some(value.parse().ok()?),
            "--turns" => found.turns = value.parse().ok()?,
            "--kills" => found.kills = Some(value.parse().ok()?),
            "--files" => found.files = value.parse().ok()?,
            "--seed" => found.seed = value.parse().ok()?,
            "--program" => found.program = value.into(),
            _ => return None,
        }
    }
    (found.program.is_file() && (found.minutes.is_some() || found.kills.is_some())).then_some(found)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let fresh = || tempfile::tempdir().map_err(|error| error.to_string());
    if let Some(kills) = arguments.kills {
        let root = fresh()?;
        tell(kill_loop(&arguments.program, root.path(), arguments.seed, arguments.files, kills)?, arguments.seed);
    }
    let begin = std::time::Instant::now();
    let time = Duration::from_secs(60 * arguments.minutes.unwrap_or_default());
    for seed in arguments.seed.. {
        if begin.elapsed() >= time {
            break;
        }
        let root = fresh()?;
        tell(campaign(&arguments.program, root.path(), seed, arguments.turns)?, seed);
    }
    Ok(())
}

fn tell(tally: Tally, seed: u64) {
    let Tally { turns, versions, syncs, kills, conflicts, merged, files } = tally;
    let ended = format!("{files} files, {conflicts} conflict files, {merged} merged");
    println!("seed {seed}: {turns} turns, {versions} versions, {syncs} syncs, {kills} kills, {ended}");
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
