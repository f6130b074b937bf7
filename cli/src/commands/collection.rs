//! `syncretic collection`: what a server keeps, where it stands, and who takes part.

use client::manage;
use protocol::messages::Listed;
use protocol::{Collection as Name, LeaseMode, Store};
use serde_json::{Value, json};

use crate::arguments::server::Collection;
use crate::commands::which::{refused, server};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::report::network;
use crate::terminal::{Paint, columns};

/// Does it.
pub(crate) fn run(context: &Context, command: &Collection) -> Outcome<Exit> {
    let (Collection::List { which } | Collection::Create { which, .. } | Collection::Show { which, .. }) = command;
    let remote = server(context, which)?.remote(&context.home)?;
    let terminal = &context.terminal;
    let (schema, members) = match command {
        Collection::List { .. } => {
            let collections = manage::collections(remote.session()).map_err(|error| refused(&error))?;
            let row = |one: &Listed| {
                vec![terminal.paint(Paint::Bold, one.collection.as_str()), one.head.sequence.to_string(), one.right.to_string()]
            };
            columns(&collections.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
            if collections.is_empty() {
                terminal.line("There is no collection that this device may read.");
            }
            let json = |one: &Listed| json!({ "collection": one.collection.as_str(), "head": one.head.sequence.0, "right": one.right.to_string() });
            ("collections", json!({ "collections": collections.iter().map(json).collect::<Vec<_>>() }))
        }
        Collection::Create { name, lease, .. } => {
            let name = parse(name)?;
            let mode =
                lease.as_ref().map(|mode| mode.parse::<LeaseMode>().map_err(|error| Failure::usage(error.to_string()))).transpose()?;
            manage::create(remote.session(), &name).map_err(|error| refused(&error))?;
            if let Some(mode) = mode {
                manage::lease_mode(remote.session(), &name, mode).map_err(|error| refused(&error))?;
            }
            terminal.line(format!("collection `{name}` is there"));
            ("collection", shown(&remote, &name)?)
        }
        Collection::Show { name, .. } => {
            let name = parse(name)?;
            let state = remote.state(&name).map_err(|error| refused(&error))?;
            let horizon =
                if state.horizon.sequence.0 == 0 { String::new() } else { format!("   compacted up to {}", state.horizon.sequence) };
            terminal.line(format!(
                "{}   {}   {}   lease = \"{}\"{horizon}",
                terminal.paint(Paint::Bold, name.as_str()),
                state.head.sequence,
                state.right,
                state.lease_mode
            ));
            network::lines(&state, remote.session().device(), network::now()).iter().for_each(|line| terminal.line(line));
            ("collection", with_name(&name, network::json(&state, remote.session().device())))
        }
    };
    let mut object = json!({ "schema": format!("syncretic.{schema}/1") });
    if let (Value::Object(object), Value::Object(members)) = (&mut object, members) {
        object.extend(members);
        object.insert("exit".to_owned(), json!(0));
    }
    terminal.object(&object);
    terminal.event(&object);
    Ok(Exit::Done)
}

fn shown(remote: &client::Remote, name: &Name) -> Outcome<Value> {
    let state = remote.state(name).map_err(|error| refused(&error))?;
    Ok(with_name(name, network::json(&state, remote.session().device())))
}

fn with_name(name: &Name, mut members: Value) -> Value {
    if let Value::Object(members) = &mut members {
        members.insert("collection".to_owned(), json!(name.as_str()));
    }
    members
}

/// Reads a collection's name.
pub(crate) fn parse(name: &str) -> Outcome<Name> {
    name.parse().map_err(|error: protocol::ids::NotACollection| Failure::usage(error.to_string()))
}
