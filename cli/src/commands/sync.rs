//! `syncretic sync`: every job, one after the other; a job that stops leaves the others alone.

use std::collections::{BTreeMap, BTreeSet};

use record::RecordId;
use serde_json::{Value, json};

use crate::arrival::WentBack;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs::{self, Prepared};
use crate::report::held;
use crate::state::Home;
use crate::summary;
use crate::terminal::Terminal;
use crate::work::{Deed, Done, work};

/// The deletions that were confirmed, by collection.
type Confirmed = BTreeMap<String, BTreeSet<RecordId>>;

/// Syncs the jobs of these names, all if there are none.
pub(crate) fn sync(context: &Context, names: &[String], confirm: &[String]) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let confirmed = confirmed(&context.home, &prepared, confirm)?;
    let nothing = BTreeSet::new();
    let each = |job: &Prepared<'_>| {
        let confirmed = confirmed.get(job.collection.as_str()).unwrap_or(&nothing);
        work(job, &context.home, &context.terminal, Deed::Sync, confirmed)
    };
    Ok(each_job(context, &prepared, "sync", each))
}

/// Reads the holds; each must be one of a job that is synced now.
fn confirmed(home: &Home, prepared: &[Prepared<'_>], names: &[String]) -> Outcome<Confirmed> {
    let mut confirmed = Confirmed::new();
    for name in names {
        let kept = home.holds().find(name)?;
        if !prepared.iter().any(|job| job.collection.as_str() == kept.collection) {
            let failure = Failure::usage(format!("`{}` is a hold of collection `{}`, which is not synced now", kept.name, kept.collection));
            return Err(failure.help("name its job, or none to sync all"));
        }
        confirmed.entry(kept.collection).or_default().extend(kept.records);
    }
    Ok(confirmed)
}

/// Does something with each job, prints what became of it, and returns the exit code of all.
pub(crate) fn each_job(context: &Context, prepared: &[Prepared<'_>], name: &str, each: impl Fn(&Prepared<'_>) -> Done) -> Exit {
    let terminal = &context.terminal;
    let deed = if name == "sync" { Deed::Sync } else { Deed::Plan };
    let mut jobs = Vec::new();
    let mut exit = Exit::Done;
    for job in prepared {
        let done = each(job);
        exit = exit.or(done.exit());
        tell(context, &done, deed);
        jobs.push(done);
        if exit == Exit::Interrupted {
            break;
        }
    }
    if name != "status" {
        summary::print(terminal, &jobs, deed);
    }
    if terminal.wants_objects() {
        let all: Vec<Value> = jobs.iter().map(Done::json).collect();
        terminal.object(&json!({ "schema": format!("syncretic.{name}/1"), "jobs": all, "exit": exit.code() }));
    }
    terminal.event(&json!({ "v": 1, "type": "end", "exit": exit.code() }));
    if name == "status" {
        super::status::print(context, &jobs);
    }
    exit
}

/// Tells what stopped, what is quarantined, and the events of a job to whoever wants them.
pub(crate) fn tell(context: &Context, done: &Done, deed: Deed) {
    let terminal = &context.terminal;
    if let Some(failure) = &done.failure {
        terminal.error(failure);
    } else if !done.report.settled {
        terminal.error(format!(
            "warning: job `{}` is not done: something kept changing while it was synced\n  = help: type `syncretic sync {}`",
            done.job, done.job
        ));
    }
    if let Some(WentBack { was, is }) = done.went_back {
        terminal.error(format!(
            "warning: job `{}`: the server knows this device at v{was}, and this state directory is at v{is}: it was restored from a \
             backup, or copied\n  = note: what others changed stays, and what this device has not told is kept\n  = help: a copy that runs \
             beside the first needs an identity of its own: move its `device.key` away, and enroll it under another name",
            done.job
        ));
    }
    let said = |event: &engine::Event| if deed == Deed::Sync { event.to_string() } else { event.ahead() };
    let events: BTreeSet<String> = done.report.reports.iter().flat_map(|report| &report.events).map(said).collect();
    events.iter().for_each(|event| terminal.error(format!("note: job `{}`: {event}", done.job)));
    held::warn(terminal, &done.quarantined);
    if terminal.wants_events() {
        tell_events(terminal, done, deed);
    }
}

/// Tells programs each change, and the job as a whole.
fn tell_events(terminal: &Terminal, done: &Done, deed: Deed) {
    for report in &done.report.reports {
        for effect in &report.effects {
            let mut event = crate::report::json::effect(effect);
            if let Value::Object(members) = &mut event {
                members.insert("v".to_owned(), json!(1));
                members.insert("type".to_owned(), json!(if deed == Deed::Sync { "change" } else { "planned" }));
                members.insert("job".to_owned(), json!(done.job));
                members.insert("endpoint".to_owned(), json!(report.endpoint));
            }
            terminal.event(&event);
        }
    }
    let mut event = done.json();
    if let Value::Object(members) = &mut event {
        members.insert("v".to_owned(), json!(1));
        members.insert("type".to_owned(), json!("job"));
    }
    terminal.event(&event);
}
