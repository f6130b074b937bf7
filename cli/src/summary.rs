//! A job on one line, and what moved below it.

use crate::exit::Exit;
use crate::prefix;
use crate::report::changes;
use crate::terminal::{Paint, Terminal, columns, shown};
use crate::values::{field, quoted};
use crate::work::{Deed, Done};

/// The conflicts that are shown below a job.
const SHOWN: usize = 10;

/// Prints jobs, one line each with its changes and conflicts below it.
pub(crate) fn print(terminal: &Terminal, jobs: &[Done], deed: Deed) {
    let rows: Vec<Vec<String>> = jobs.iter().map(|done| row(terminal, done, deed)).collect();
    for (line, done) in columns(&rows).iter().zip(jobs) {
        terminal.line(line);
        for change in changes::lines(terminal, &done.report.reports) {
            terminal.line(change);
        }
        for conflict in conflicts(terminal, done) {
            terminal.line(conflict);
        }
        if done.doubts > 0 {
            let pairs = if done.doubts == 1 { "1 pair may be one record" } else { &format!("{} pairs may be one record", done.doubts) };
            terminal.line(format!("  {} {pairs}: syncretic link list", terminal.paint(Paint::Magenta, "?")));
        }
    }
}

fn row(terminal: &Terminal, done: &Done, deed: Deed) -> Vec<String> {
    let (paint, word) = word(done, deed);
    let records = if done.records == 1 { "1 record".to_owned() } else { format!("{} records", done.records) };
    vec![
        terminal.paint(Paint::Bold, &shown(&done.job)),
        terminal.paint(paint, &word),
        format!("v{}", done.report.head),
        records,
        moved(done, deed),
    ]
}

/// Returns the state of a job in a word or two.
fn word(done: &Done, deed: Deed) -> (Paint, String) {
    let held = done.quarantined.len();
    match done.exit() {
        Exit::Done if deed == Deed::Plan && changes(done) > 0 => (Paint::Yellow, format!("{} TO SYNC", changes(done))),
        Exit::Done => (Paint::Green, "in sync".to_owned()),
        Exit::Partial => (Paint::Magenta, format!("HELD {held}")),
        Exit::Conflicts => (Paint::Magenta, format!("CONFLICTS {}", done.conflicts())),
        Exit::Temporary => (Paint::Yellow, "NOT DONE".to_owned()),
        _ => (Paint::Red, "STOPPED".to_owned()),
    }
}

fn changes(done: &Done) -> usize {
    done.sum(|report| report.effects.len())
}

fn moved(done: &Done, deed: Deed) -> String {
    let (pushed, pulled) = (done.sum(|report| report.pushed), done.sum(|report| report.pulled));
    match (pushed, pulled, deed) {
        (0, 0, _) => String::new(),
        (pushed, pulled, Deed::Sync) => format!("{pushed} pushed, {pulled} pulled, {} bytes written", done.bytes_written()),
        (pushed, pulled, Deed::Plan) => format!("would push {pushed}, pull {pulled}"),
    }
}

fn conflicts(terminal: &Terminal, done: &Done) -> Vec<String> {
    let ids: Vec<String> = done.disputes.iter().map(|dispute| dispute.id.to_string()).collect();
    let length = prefix::length(ids.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = done
        .disputes
        .iter()
        .zip(&ids)
        .take(SHOWN)
        .map(|(dispute, id)| {
            vec![
                format!("  {} {}", terminal.paint(Paint::Magenta, "!"), shown(&dispute.title)),
                field(&dispute.field),
                format!("{} or {}", quoted(dispute.stands.as_ref()), quoted(Some(&dispute.kept))),
                format!("syncretic conflicts show c-{}", prefix::short(id, length)),
            ]
        })
        .collect();
    let mut lines = columns(&rows);
    if done.disputes.len() > SHOWN {
        lines.push(format!("  ... and {} more: syncretic conflicts list", done.disputes.len() - SHOWN));
    }
    lines
}
