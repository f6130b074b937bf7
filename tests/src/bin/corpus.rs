//! Holds every card, calendar and table below some folders before its adapter, and prints what survives.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to whoever runs it")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use syncretic_tests::corpus::{Format, examine, table};

const USAGE: &str = "usage: corpus [--edits N] PATH...   N: at most so many fields of one file are edited, each alone; default 60";

fn gather(path: &Path, files: &mut Vec<(PathBuf, Format)>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| gather(&entry.path(), files));
    } else if let Some(format) = Format::of(path) {
        files.push((path.to_owned(), format));
    }
}

fn main() -> ExitCode {
    let mut most = 60;
    let mut files = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--edits" {
            match words.next().and_then(|number| number.parse().ok()) {
                Some(number) => most = number,
                None => {
                    eprintln!("{USAGE}");
                    return ExitCode::from(2);
                }
            }
        } else {
            gather(Path::new(&word), &mut files);
        }
    }
    if files.is_empty() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    files.sort();
    let examined: Vec<_> = files.iter().map(|(path, format)| examine(path, *format, most)).collect();
    table(&examined).iter().for_each(|line| println!("{line}"));
    ExitCode::SUCCESS
}
