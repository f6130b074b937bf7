//! `syncretic audit`: what was done at a server, and by whom; the chain of its lines is checked.

use client::manage;
use protocol::messages::AuditLine;
use serde_json::json;

use crate::arguments::server::Which;
use crate::commands::which::{refused, server};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::{columns, shown};

/// How many lines are asked for at once.
const PAGE: usize = 1000;

/// Prints the newest lines, or all after one.
pub(crate) fn run(context: &Context, after: Option<u64>, count: u64, which: &Which) -> Outcome<Exit> {
    let remote = server(context, which)?.remote(&context.home)?;
    let session = remote.session();
    let newest = manage::audit(session, 0, 1).map_err(|error| refused(&error))?.newest;
    let mut after = after.unwrap_or_else(|| newest.saturating_sub(count));
    let mut lines: Vec<AuditLine> = Vec::new();
    loop {
        let page = manage::audit(session, after, PAGE).map_err(|error| refused(&error))?;
        let Some(last) = page.lines.last() else { break };
        after = last.number;
        lines.extend(page.lines);
    }
    let broken = lines.windows(2).find(|pair| matches!(pair, [one, next] if next.previous != one.hash || next.number != one.number + 1));
    if let Some([one, _]) = broken {
        let failure =
            Failure::new(Exit::Integrity, format!("the audit log is not whole: line {} is not followed by the one after it", one.number));
        return Err(failure.help("look at the server's disk and backups: `syncretic store fsck --data DIR` there"));
    }
    let row = |line: &AuditLine| {
        vec![line.number.to_string(), line.at.to_string(), shown(&line.by), line.action.clone(), shown(&line.object), shown(&line.detail)]
    };
    columns(&lines.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| context.terminal.line(line));
    let json = |line: &AuditLine| serde_json::to_value(line).unwrap_or_default();
    let all: Vec<_> = lines.iter().map(json).collect();
    all.iter().for_each(|line| context.terminal.event(line));
    context.terminal.object(&json!({ "schema": "syncretic.audit/1", "lines": all, "newest": newest, "exit": 0 }));
    Ok(Exit::Done)
}
