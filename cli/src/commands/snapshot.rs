//! `syncretic collection snapshot|compact`: what this device knows of a collection, left at the server for newcomers.

use std::sync::Arc;

use client::Remote;
use engine::snapshot::snapshot;
use protocol::{Collection, Cursor, Store};
use serde_json::{Value, json};

use crate::arguments::server::Which;
use crate::cause;
use crate::commands::which::{collection, refused, server};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::jobs::{self, Prepared, State};
use crate::work;

/// Leaves a snapshot.
pub(crate) fn leave(context: &Context, which: &Which, name: &str) -> Outcome<Value> {
    let name = collection(name)?;
    let (at, _) = put(context, which, &name)?;
    context.terminal.line(format!("a snapshot of {name} {} is at the server", at.sequence));
    Ok(json!({ "collection": name.as_str(), "snapshot": at.sequence.0 }))
}

/// Leaves a snapshot and removes what it stands for.
pub(crate) fn compact(context: &Context, which: &Which, name: &str) -> Outcome<Value> {
    let name = collection(name)?;
    let (at, remote) = put(context, which, &name)?;
    let done = remote.compact(&name, &at).map_err(|error| refused(&error))?;
    context.terminal.line(format!("a snapshot of {name} {} is at the server", at.sequence));
    let line = match done.entries {
        0 => "no entry was old enough to be removed".to_owned(),
        entries => format!("{entries} entries with {} bytes are removed; who lacks them goes on from the snapshot", done.bytes),
    };
    context.terminal.line(line);
    Ok(json!({ "collection": name.as_str(), "snapshot": at.sequence.0, "entries": done.entries, "bytes": done.bytes }))
}

/// Makes a snapshot of what the endpoint knows that pulled last, and puts it where it belongs.
fn put(context: &Context, which: &Which, name: &Collection) -> Outcome<(Cursor, Arc<Remote>)> {
    let server = server(context, which)?;
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, &[])?;
    let keeps = |job: &&Prepared<'_>| job.collection == *name && job.server().is_some_and(|own| own.address() == server.address());
    let job = prepared.iter().find(keeps).ok_or_else(|| stranger(name))?;
    let opened = work::open(job, &context.home, State::Make)?;
    let nothing = || Failure::usage(format!("this device has nothing of `{name}` yet")).help("type `syncretic sync` first");
    let (_, objects) = work::newest(&opened.objects).ok_or_else(nothing)?;
    let made = snapshot(&opened.machine.doors(), name, objects).map_err(|error| job.about().engine(error))?;
    let made = made.filter(|made| made.cursor.sequence.0 > 0).ok_or_else(nothing)?;
    let remote = server.remote(&context.home)?;
    remote.put_snapshot(name, &made).map_err(|error| cause::management(&error))?;
    Ok((made.cursor, remote))
}

fn stranger(name: &Collection) -> Failure {
    let failure = Failure::usage(format!("no job of the configuration keeps collection `{name}` of this server"));
    failure.help("only a device that syncs a collection knows what is in it: do it there")
}
