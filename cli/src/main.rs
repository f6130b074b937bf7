//! `syncretic`: the one place that names every adapter and every store.

mod arguments;
mod arrival;
mod cause;
mod commands;
mod context;
mod conversion;
mod demo;
mod diff;
mod doors;
mod exit;
mod failure;
mod formats;
mod interrupt;
mod jobs;
mod lint;
mod moment;
mod plugins;
mod prefix;
mod progress;
mod reach;
mod report;
mod span;
mod state;
mod summary;
mod terminal;
mod values;
mod watch;
mod work;

use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Records are many small allocations: a first sync takes a quarter less processor time with this allocator than with
/// that of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    interrupt::listen();
    let terminal = Terminal::new(arguments.format, arguments.quiet, arguments.verbose);
    let exit = match commands::run(arguments, terminal) {
        Ok(exit) => exit,
        Err(failure) => {
            report(&terminal, &failure);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

fn report(terminal: &Terminal, failure: &Failure) {
    terminal.error(failure);
    let object = json!({ "schema": "syncretic.error/1", "jobs": [], "exit": failure.exit.code(), "error": failure.json() });
    terminal.object(&object);
    terminal.event(&object);
}
