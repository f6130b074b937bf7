//! What crosses the boundary to plugins: the same records by a direct call, through a library, through a helper process
//! and from a program in Python, each way in a process of its own and in processor time a record.

mod sample;
mod ways;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use crate::contestant::{Contestant, Field, Score};
use crate::error::Error;
use crate::table::median;
use ways::Way;

/// How much crosses, and what.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many records one scan shows.
    #[arg(long, default_value_t = 100_000)]
    items: u64,
    #[command(subcommand)]
    one: Option<One>,
}

/// One way, in this process.
#[derive(Subcommand)]
enum One {
    /// Scans so often in one way.
    Scan { way: String, place: PathBuf, times: u32 },
    /// Serves the library, as `syncretic adapter-host` does.
    Serve,
}

/// How often a process scans, so that its start does not count; Python's processes scan once.
const TIMES: u32 = 10;

pub(crate) fn run(arguments: &Arguments, runs: usize, limit: u64) -> Result<(), Error> {
    let library = library()?;
    match &arguments.one {
        Some(One::Serve) => ways::serve(&library),
        Some(One::Scan { way, place, times }) => ways::scan(way, place, *times, &library),
        None => race(arguments.items, runs, limit),
    }
}

/// Returns the library, which stands beside this program.
fn library() -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(|error| Error::io(Path::new("this program"), error))?;
    let (head, tail) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(own.with_file_name("examples").join(format!("{head}boundary_plugin{tail}")))
}

/// Builds the library as this program was built.
fn build() -> Result<(), Error> {
    let Some(cargo) = std::env::var_os("CARGO") else { return Ok(()) };
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--package", "syncretic-benches", "--example", "boundary-plugin", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if build.status().map_err(|error| Error::io(Path::new("cargo"), error))?.success() {
        return Ok(());
    }
    Err(Error::Failed { command: "cargo build".to_owned(), said: "see above".to_owned() })
}

/// Writes rows of about 350 bytes, one JSON object a line.
fn rows(path: &Path, items: u64) -> Result<(), Error> {
    let row = |number: u64| {
        format!(
            "{{\"id\": \"6ba7b810-9dad-11d1-80b4-{number:012}\", \"name\": \"Person With A Name {number}\", \"given\": \"Person {number}\", \
             \"email\": \"person.number.{number}@mail.example.org\", \"phone\": \"+49 30 555 {number}\", \
             \"note\": \"met at the meeting about the {number} things that matter most to us all\", \
             \"street\": \"Unter den vielen Linden {number}\", \"city\": \"Berlin\"}}\n"
        )
    };
    std::fs::write(path, (0..items).map(row).collect::<String>()).map_err(|error| Error::io(path, error))
}

fn race(items: u64, runs: usize, limit: u64) -> Result<(), Error> {
    build()?;
    let folder = tempfile::tempdir().map_err(|error| Error::io(Path::new("a temporary folder"), error))?;
    let file = folder.path().join("rows.jsonl");
    rows(&file, items)?;
    let own = std::env::current_exe().map_err(|error| Error::io(Path::new("this program"), error))?;
    let field = Field { root: folder.path().to_owned(), program: own.clone(), runs, limit };
    let contestants: Vec<Contestant<'_>> = ways::ALL
        .iter()
        .map(|way| {
            let (own, place) = (own.clone(), if way.python { file.clone() } else { PathBuf::from(items.to_string()) });
            let times = times(way).to_string();
            let command = move || {
                let mut command = Command::new(&own);
                command.args(["boundary", "scan", way.name]).arg(&place).arg(&times);
                command
            };
            Contestant { name: way.name.to_owned(), before: Box::new(|_| Ok(())), command: Box::new(command) }
        })
        .collect();
    let scores = field.race(&contestants)?;
    print(items, &scores);
    Ok(())
}

fn times(way: &Way) -> u32 {
    if way.python { 1 } else { TIMES }
}

fn print(items: u64, scores: &[Score]) {
    let whole = |score: &Score| median(score, |taken| taken.cpu) * 1e9 / items_f64(items);
    let taken: Vec<(&Way, f64)> = ways::ALL
        .iter()
        .zip(scores)
        .map(|(way, score)| {
            // Whoever knows everything has scanned once before, with nothing known.
            let first = way.name.strip_suffix("-known").and_then(|name| ways::ALL.iter().zip(scores).find(|(other, _)| other.name == name));
            let before = first.map_or(0.0, |(other, score)| whole(score) / f64::from(times(other)));
            (way, (whole(score) - before) / f64::from(times(way)))
        })
        .collect();
    println!("| {items} records of about 350 bytes | CPU ns a record |\n|---|--:|");
    for (way, nanoseconds) in &taken {
        println!("| {} | {nanoseconds:.0} |", way.title);
    }
    let of = |name: &str| taken.iter().find(|(way, _)| way.name == name).map_or(f64::NAN, |(_, taken)| *taken);
    println!("\n| figure | set | measured |\n|---|--:|--:|");
    println!("| in-process crossing, over the direct call, encoded and decoded | 150 | {:.0} |", of("library") - of("decoded"));
    println!("| the same over the direct call, encoded alone | | {:.0} |", of("library") - of("encoded"));
    println!("| process isolation, over the library in process | 1000 | {:.0} |", of("helper") - of("library"));
    println!("| an unchanged item, over the direct call: in process | | {:.0} |", of("library-known") - of("direct-known"));
    println!("| an unchanged item, over the direct call: in a helper | | {:.0} |", of("helper-known") - of("direct-known"));
    println!("| an adapter in Python | 30000 | {:.0} |", of("python"));
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts more records than a float tells apart")]
fn items_f64(items: u64) -> f64 {
    items as f64
}
