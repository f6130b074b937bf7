//! `syncretic lint`: what strict readers say of cards and calendars; looks, and never writes.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::lint::{Finding, Report, files, look, silently};
use crate::terminal::{Paint, shown};

/// Looks at files and folders; exits with 3 if anything was found.
pub(crate) fn lint(context: &Context, paths: &[PathBuf]) -> Outcome<Exit> {
    let mut reports = Vec::new();
    for path in paths {
        let listed = files(path).map_err(|error| Failure::io("look at", path, &error).exiting(Exit::Usage))?;
        reports.extend(silently(|| listed.into_iter().map(|file| (look(&file), file)).collect::<Vec<_>>()));
    }
    for (report, file) in &reports {
        for finding in &report.findings {
            print(context, &file.display().to_string(), finding);
        }
    }
    let found: usize = reports.iter().map(|(report, _)| report.findings.len()).sum();
    let exit = if found == 0 { Exit::Done } else { Exit::Partial };
    sum_up(context, &reports, found, exit);
    Ok(exit)
}

fn print(context: &Context, file: &str, finding: &Finding) {
    let terminal = &context.terminal;
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    terminal.line(format!(
        "{}: {} ({})",
        terminal.paint(Paint::Bold, &format!("{}{line}", shown(file))),
        visible(&finding.message),
        finding.rule
    ));
    let mut event = json_of(file, finding);
    if let Some(object) = event.as_object_mut() {
        object.insert("type".to_owned(), "finding".into());
    }
    terminal.event(&event);
}

/// Returns a message as a terminal may show it: readers quote what stands in files.
fn visible(message: &str) -> String {
    message.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

fn json_of(file: &str, finding: &Finding) -> Value {
    json!({ "file": file, "line": finding.line, "message": finding.message, "rule": finding.rule })
}

fn sum_up(context: &Context, reports: &[(Report, PathBuf)], found: usize, exit: Exit) {
    let terminal = &context.terminal;
    let touched = reports.iter().filter(|(report, _)| !report.findings.is_empty()).count();
    let unchecked: usize = reports.iter().map(|(report, _)| report.unchecked).sum();
    let checked: usize = reports.iter().map(|(report, _)| report.checked).sum();
    match found {
        0 => terminal.line(format!("nothing found in {} files", reports.len())),
        _ => terminal.line(format!("{found} found in {touched} of {} files", reports.len())),
    }
    if unchecked > 0 {
        terminal.note(format!("note: {unchecked} cards of versions 2.1 and 3.0 were not judged: the strict reader reads 4.0 alone"));
    }
    let all = reports.iter().flat_map(|(report, file)| report.findings.iter().map(move |finding| (file, finding)));
    let object = json!({
        "schema": "syncretic.lint/1",
        "files": reports.len(),
        "checked": checked,
        "not_judged": unchecked,
        "findings": all.map(|(file, finding)| json_of(&file.display().to_string(), finding)).collect::<Vec<_>>(),
        "exit": exit.code(),
    });
    terminal.object(&object);
    if !terminal.human() {
        terminal.event(&json!({ "type": "summary", "files": reports.len(), "findings": found, "exit": exit.code() }));
    }
}
