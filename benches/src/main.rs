//! Timings of the built program as a whole process, beside the peers that are installed, as a Markdown table.
//!
//! `cargo run --release -p syncretic-benches` makes its own data in a temporary folder, runs every case several times,
//! alternating with the peers, and prints medians. It measures; it never judges.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

mod bare;
mod bench;
mod boundary;
mod cases;
mod contestant;
mod data;
mod error;
mod peers;
mod people;
mod process;
mod table;
mod trees;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::contestant::Field;
use crate::data::Sizes;
use crate::error::Error;

/// What is measured in this process runs on the allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times syncretic beside its peers and prints a Markdown table.
#[derive(Parser)]
struct Arguments {
    /// How many contacts the folders and the sheet hold.
    #[arg(long, default_value_t = 10_000)]
    cards: usize,
    /// How many contacts the single file holds.
    #[arg(long, default_value_t = 100_000)]
    single: usize,
    /// How many small files a tree holds.
    #[arg(long, default_value_t = 100_000)]
    files: usize,
    /// How many documents of 100 KB a tree holds.
    #[arg(long, default_value_t = 3_000)]
    documents: usize,
    /// How often each command is timed, after one run that is not counted.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How many seconds one run may take.
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Only cases whose title contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// The program to time; the release is built first if none is named.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the data is made, rather than in the system's temporary folder.
    #[arg(long)]
    place: Option<PathBuf>,
    #[command(subcommand)]
    bare: Option<Bare>,
}

/// What the product is measured against, as a process of its own; and what is measured apart from it.
#[derive(Subcommand)]
enum Bare {
    /// Lists folders and asks for the state of every file in them.
    Walk { folders: Vec<PathBuf> },
    /// Times what crosses the boundary to plugins, in processor time a record.
    Boundary(boundary::Arguments),
    /// Copies a folder: every file is made under another name and renamed; all is synced once.
    Copy { from: PathBuf, to: PathBuf },
}

impl Arguments {
    fn sizes(&self) -> Sizes {
        Sizes { cards: self.cards, single: self.single, files: self.files, documents: self.documents }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.bare {
        Some(Bare::Walk { folders }) => bare::walk(folders).map(|files| println!("{files}")),
        Some(Bare::Copy { from, to }) => bare::copy(from, to),
        Some(Bare::Boundary(boundary)) => boundary::run(boundary, arguments.runs, arguments.limit),
        None => run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let program = match &arguments.program {
        Some(program) => std::fs::canonicalize(program).map_err(|error| Error::io(program, error))?,
        None => build()?,
    };
    let place = match &arguments.place {
        Some(place) => tempfile::tempdir_in(place),
        None => tempfile::tempdir(),
    };
    let place = place.map_err(|error| Error::io(Path::new("a temporary folder"), error))?;
    let field = Field { root: place.path().to_owned(), program, runs: arguments.runs, limit: arguments.limit };
    let bench = Bench { field, sizes: arguments.sizes() };
    println!("| case | command | median s | least s | CPU s | peak MB | ratio |\n|---|---|--:|--:|--:|--:|--:|");
    for (title, case) in cases::ALL.iter().filter(|(title, _)| title.contains(&arguments.only)) {
        eprintln!("{title} ...");
        print!("{}", table::rows(title, &case(&bench)?));
    }
    if "bytes".contains(&arguments.only) {
        println!("\n{}", wire::measure(&bench)?);
    }
    peers::absent().into_iter().for_each(|peer| println!("\n`{peer}` is not installed, so it was not timed."));
    Ok(())
}

/// Builds the program as its users get it; where there is no cargo, takes the one that lies beside this program.
fn build() -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(|error| Error::io(Path::new("this program"), error))?;
    let name = format!("syncretic{}", std::env::consts::EXE_SUFFIX);
    let Some(cargo) = std::env::var_os("CARGO") else {
        let beside = own.with_file_name(name);
        eprintln!("timing {} (started without cargo: nothing is built)", beside.display());
        return beside.canonicalize().map_err(|error| Error::io(&beside, error));
    };
    // Its folder is that of a profile: the program's, which is always the release, lies beside it.
    let program = own.parent().and_then(Path::parent).unwrap_or(Path::new("target")).join("release").join(name);
    eprintln!("building {} first: some minutes, if it was never built ...", program.display());
    let mut build = std::process::Command::new(cargo);
    build.args(["build", "--release", "--locked", "--package", "syncretic-cli", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml"));
    if !build.status().map_err(|error| Error::io(Path::new("cargo"), error))?.success() {
        return Err(Error::Failed { command: "cargo build".to_owned(), said: "see above".to_owned() });
    }
    program.canonicalize().map_err(|error| Error::io(&program, error))
}
