//! `syncretic lease`: who holds a collection now, and how to end it.

use client::manage;
use protocol::Store;
use serde_json::json;

use crate::arguments::server::Lease;
use crate::commands::which::{collection, refused, server};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::moment::clock;
use crate::terminal::{Paint, columns, shown};

/// Does it.
pub(crate) fn run(context: &Context, command: &Lease) -> Outcome<Exit> {
    let (Lease::List { which } | Lease::Release { which, .. }) = command;
    let remote = server(context, which)?.remote(&context.home)?;
    let names = match command {
        Lease::List { .. } => {
            let listed = manage::collections(remote.session()).map_err(|error| refused(&error))?;
            listed.into_iter().map(|one| one.collection).collect()
        }
        Lease::Release { collection: name, .. } => vec![collection(name)?],
    };
    let mut held = Vec::new();
    for name in names {
        if let Some(lease) = remote.lease(&name).map_err(|error| refused(&error))? {
            held.push((name, lease));
        }
    }
    let terminal = &context.terminal;
    let released = matches!(command, Lease::Release { .. });
    if released {
        for (name, lease) in &held {
            remote.release(name, lease.fence).map_err(|error| refused(&error))?;
        }
    }
    let row = |(name, lease): &(protocol::Collection, protocol::Lease)| {
        let until = if released { "released".to_owned() } else { format!("until {}", clock(lease.until)) };
        vec![terminal.paint(Paint::Bold, name.as_str()), shown(&lease.name), until]
    };
    columns(&held.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    if held.is_empty() {
        terminal.line("No lease is held.");
    }
    let json = |(name, lease): &(protocol::Collection, protocol::Lease)| json!({ "collection": name.as_str(), "holder": lease.name, "device": lease.holder.to_string(), "fence": lease.fence.0, "until": lease.until.to_string() });
    let leases: Vec<_> = held.iter().map(json).collect();
    let object = json!({ "schema": "syncretic.leases/1", "released": released, "leases": leases, "exit": 0 });
    terminal.object(&object);
    terminal.event(&object);
    Ok(Exit::Done)
}
