//! `syncretic status`: one screen: each job, its version, its endpoints, and what waits for a person.

use std::collections::BTreeSet;

use crate::commands::sync::each_job;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::jobs;
use crate::report::network;
use crate::terminal::{Paint, columns, shown};
use crate::work::{Deed, Done, work};

/// Shows the jobs of these names, all if there are none. Looks at the applications, and writes nothing anywhere.
pub(crate) fn status(context: &Context, names: &[String]) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let nothing = BTreeSet::new();
    Ok(each_job(context, &prepared, "status", |job| work(job, &context.home, &context.terminal, Deed::Plan, &nothing)))
}

/// Prints the screen.
pub(crate) fn print(context: &Context, jobs: &[Done]) {
    let terminal = &context.terminal;
    let rows: Vec<Vec<String>> = jobs.iter().map(|done| row(context, done)).collect();
    for (line, done) in columns(&rows).iter().zip(jobs) {
        terminal.line(line);
        if let Some((state, own)) = &done.standing {
            network::lines(state, *own, network::now()).iter().for_each(|line| terminal.line(line));
        }
        if terminal.verbosity > 0 {
            for (name, adapter, path) in &done.endpoints {
                terminal.line(format!("  {}   {adapter}   {}", shown(name), path));
            }
        }
    }
    if terminal.verbosity > 0 {
        terminal.line(format!("state in {}", context.home.root().display()));
    }
}

fn row(context: &Context, done: &Done) -> Vec<String> {
    let (paint, word, next) = word(done);
    let names: Vec<String> = done.endpoints.iter().map(|(name, _, _)| shown(name)).collect();
    vec![
        context.terminal.paint(Paint::Bold, &shown(&done.job)),
        context.terminal.paint(paint, &word),
        format!("v{}", done.report.head),
        format!("{} records", done.records),
        names.join(", "),
        next,
    ]
}

/// Returns the state of a job, and what to type about it.
fn word(done: &Done) -> (Paint, String, String) {
    let changes = done.sum(|report| report.effects.len());
    match done.exit() {
        Exit::Done if changes > 0 => (Paint::Yellow, format!("{changes} to sync"), format!("syncretic plan {}", done.job)),
        Exit::Done if done.doubts > 0 => (Paint::Green, "in sync".to_owned(), "syncretic link list".to_owned()),
        Exit::Done => (Paint::Green, "in sync".to_owned(), String::new()),
        Exit::Partial => (Paint::Magenta, format!("HELD {}", done.quarantined.len()), "syncretic quarantine list".to_owned()),
        Exit::Conflicts => (Paint::Magenta, format!("CONFLICTS {}", done.conflicts()), "syncretic conflicts list".to_owned()),
        _ => (Paint::Red, "STOPPED".to_owned(), format!("syncretic sync {}", done.job)),
    }
}
