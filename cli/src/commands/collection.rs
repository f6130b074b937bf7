//! `syncretic collection`: what a server keeps, where it stands, and who takes part.

use std::sync::Arc;

use client::{Remote, manage};
use protocol::messages::{Listed, Settings};
use protocol::{Collection as Name, LeaseMode, Store};
use serde_json::{Value, json};

use crate::arguments::server::{Collection, Which};
use crate::commands::snapshot;
use crate::commands::which::{collection, refused, server};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::report::network;
use crate::terminal::{Paint, columns};

/// Does it.
pub(crate) fn run(context: &Context, command: &Collection) -> Outcome<Exit> {
    let (schema, members) = match command {
        Collection::List { which } => list(context, &*remote(context, which)?)?,
        Collection::Create { name, lease, which } => create(context, &*remote(context, which)?, name, lease.as_deref())?,
        Collection::Show { name, which } => show(context, &*remote(context, which)?, name)?,
        Collection::Set { name, lease, retention, which } => set(context, &*remote(context, which)?, name, (lease.as_deref(), *retention))?,
        Collection::Snapshot { name, which } => ("collection-snapshot", snapshot::leave(context, which, name)?),
        Collection::Compact { name, which } => ("collection-compacted", snapshot::compact(context, which, name)?),
    };
    let mut object = json!({ "schema": format!("syncretic.{schema}/1") });
    if let (Value::Object(object), Value::Object(members)) = (&mut object, members) {
        object.extend(members);
        object.insert("exit".to_owned(), json!(0));
    }
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}

/// What is told to programs: the schema's name, and its members.
type Told = (&'static str, Value);

fn remote(context: &Context, which: &Which) -> Outcome<Arc<Remote>> {
    server(context, which)?.remote(&context.home)
}

fn list(context: &Context, remote: &Remote) -> Outcome<Told> {
    let terminal = &context.terminal;
    let collections = manage::collections(remote.session()).map_err(|error| refused(&error))?;
    let row =
        |one: &Listed| vec![terminal.paint(Paint::Bold, one.collection.as_str()), one.head.sequence.to_string(), one.right.to_string()];
    columns(&collections.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    if collections.is_empty() {
        terminal.line("There is no collection that this device may read.");
    }
    let json = |one: &Listed| json!({ "collection": one.collection.as_str(), "head": one.head.sequence.0, "right": one.right.to_string() });
    Ok(("collections", json!({ "collections": collections.iter().map(json).collect::<Vec<_>>() })))
}

fn create(context: &Context, remote: &Remote, name: &str, lease: Option<&str>) -> Outcome<Told> {
    let (name, lease) = (collection(name)?, mode(lease)?);
    manage::create(remote.session(), &name).map_err(|error| refused(&error))?;
    if lease.is_some() {
        let settings = Settings { lease, ..Settings::default() };
        manage::set(remote.session(), &name, &settings).map_err(|error| refused(&error))?;
    }
    context.terminal.line(format!("collection `{name}` is there"));
    Ok(("collection", shown(remote, &name)?))
}

fn set(context: &Context, remote: &Remote, name: &str, (lease, retention_days): (Option<&str>, Option<u64>)) -> Outcome<Told> {
    let (name, lease) = (collection(name)?, mode(lease)?);
    let settled = manage::set(remote.session(), &name, &Settings { lease, retention_days }).map_err(|error| refused(&error))?;
    let kept = match settled.retention_days {
        0 => "entries stay until they are compacted".to_owned(),
        days => format!("entries stay at least {days} d"),
    };
    context.terminal.line(format!("{name}: lease = \"{}\", {kept}", settled.lease));
    let members = json!({ "lease_mode": settled.lease.to_string(), "retention_days": settled.retention_days });
    Ok(("collection-settings", with_name(&name, members)))
}

fn mode(typed: Option<&str>) -> Outcome<Option<LeaseMode>> {
    typed.map(|mode| mode.parse::<LeaseMode>().map_err(|error| Failure::usage(error.to_string()))).transpose()
}

fn show(context: &Context, remote: &Remote, name: &str) -> Outcome<Told> {
    let name = collection(name)?;
    let terminal = &context.terminal;
    let state = remote.state(&name).map_err(|error| refused(&error))?;
    let horizon = if state.horizon.sequence.0 == 0 { String::new() } else { format!("   compacted up to {}", state.horizon.sequence) };
    terminal.line(format!(
        "{}   {}   {}   lease = \"{}\"{horizon}",
        terminal.paint(Paint::Bold, name.as_str()),
        state.head.sequence,
        state.right,
        state.lease_mode
    ));
    network::lines(&state, remote.session().device(), network::now()).iter().for_each(|line| terminal.line(line));
    Ok(("collection", with_name(&name, network::json(&state, remote.session().device()))))
}

fn shown(remote: &Remote, name: &Name) -> Outcome<Value> {
    let state = remote.state(name).map_err(|error| refused(&error))?;
    Ok(with_name(name, network::json(&state, remote.session().device())))
}

/// Puts the collection's name to what is told.
fn with_name(name: &Name, mut members: Value) -> Value {
    if let Value::Object(members) = &mut members {
        members.insert("collection".to_owned(), json!(name.as_str()));
    }
    members
}
