//! `syncretic wait --converged`: ends when every device has everything, or tells who has not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::Store;
use serde_json::{Value, json};

use crate::commands::sync::tell;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::interrupt;
use crate::jobs::{self, Prepared};
use crate::report::network;
use crate::summary;
use crate::terminal::shown;
use crate::work::{Deed, Done, work};

/// How long one question waits for the head to move; devices that arrive do not move it.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until nothing is left to sync here and no device is behind, for at most `timeout`.
pub(crate) fn run(context: &Context, names: &[String], timeout: Duration) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let end = Instant::now() + timeout;
    loop {
        let jobs: Vec<Done> = prepared.iter().map(|job| look(context, job)).collect();
        let waiting: Vec<String> = jobs.iter().flat_map(reasons).collect();
        let graver = jobs.iter().fold(Exit::Done, |exit, done| exit.or(done.exit()));
        let hopeless = !matches!(graver, Exit::Done | Exit::Temporary | Exit::Partial | Exit::Conflicts);
        if waiting.is_empty() || hopeless || interrupt::asked() || Instant::now() >= end {
            let exit = if interrupt::asked() { Exit::Interrupted } else { graver };
            return Ok(conclude(context, &jobs, &waiting, exit));
        }
        pause(context, &prepared, end);
    }
}

fn look(context: &Context, job: &Prepared<'_>) -> Done {
    work(job, &context.home, &context.terminal, Deed::Plan, &BTreeSet::new())
}

/// Returns why a job has not converged.
fn reasons(done: &Done) -> Vec<String> {
    let job = shown(&done.job);
    let changes = done.sum(|report| report.effects.len());
    let mut reasons = Vec::new();
    if let Some(failure) = &done.failure {
        reasons.push(format!("{job}: {}", failure.message));
    } else if changes > 0 || done.is_behind() {
        reasons.push(format!("{job}: this device has something to sync"));
    }
    if let Some((state, own)) = &done.standing {
        let others = network::behind(state).into_iter().filter(|member| member.device != *own);
        reasons.extend(others.map(|member| format!("{job}: device `{}` is {} behind", shown(&member.name), member.lag)));
    }
    reasons
}

/// Waits a little; for the head to move, where there is one to wait for.
fn pause(context: &Context, prepared: &[Prepared<'_>], end: Instant) {
    let length = LOOK.min(end.saturating_duration_since(Instant::now()));
    let server = prepared.iter().find_map(|job| Some((job, job.server()?.remote(&context.home).ok()?)));
    let heard = server.and_then(|(job, remote)| {
        let known = remote.state(&job.collection).ok()?.head;
        remote.wait(&job.collection, &known, length).ok()
    });
    if heard.is_none() {
        std::thread::sleep(length);
    }
}

fn conclude(context: &Context, jobs: &[Done], waiting: &[String], exit: Exit) -> Exit {
    let terminal = &context.terminal;
    let exit = if waiting.is_empty() { exit } else { exit.or(Exit::Temporary) };
    for done in jobs.iter().filter(|done| done.failure.is_some()) {
        tell(context, done, Deed::Plan);
    }
    if waiting.is_empty() {
        summary::print(terminal, jobs, Deed::Plan);
    } else {
        terminal.error("not converged:");
        waiting.iter().for_each(|reason| terminal.error(format!("  {reason}")));
    }
    let all: Vec<Value> = jobs.iter().map(Done::json).collect();
    let object =
        json!({ "schema": "syncretic.wait/1", "converged": waiting.is_empty(), "waiting": waiting, "jobs": all, "exit": exit.code() });
    terminal.object(&object);
    terminal.event(&object);
    exit
}
