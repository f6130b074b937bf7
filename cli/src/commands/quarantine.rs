//! `syncretic quarantine`: what the last sync could not read or write.

use serde_json::{Value, json};

use crate::arguments::Quarantine;
use crate::commands::review::{Waiting, choose, gather, length};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::jobs::{self, Prepared};
use crate::prefix::short;
use crate::report::held::Quarantined;
use crate::terminal::{columns, shown};

/// Lists or shows.
pub(crate) fn quarantine(context: &Context, command: &Quarantine) -> Outcome<Exit> {
    let names = if let Quarantine::List { jobs } = command { jobs.as_slice() } else { &[] };
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let held = held(context, &prepared)?;
    match command {
        Quarantine::List { .. } => list(context, &held),
        Quarantine::Show { id } => {
            let length = length(&held);
            let item = choose(held, ("quarantined item", "q-"), id)?.what;
            context.terminal.line(item.warning(length));
            context.terminal.object(&item.json());
            context.terminal.event(&item.json());
        }
    }
    Ok(Exit::Done)
}

fn held(context: &Context, prepared: &[Prepared<'_>]) -> Outcome<Vec<Waiting<Quarantined>>> {
    gather(context, prepared, |job, stores| {
        let mut found = Vec::new();
        for (at, (endpoint, store)) in job.endpoints().zip(stores).enumerate() {
            for held in store.held().map_err(|error| job.about().engine(error))? {
                let item = Quarantined::new(&job.job.name.value, &endpoint.name.value, &held);
                found.push((at, item.id.clone(), item));
            }
        }
        Ok(found)
    })
}

fn list(context: &Context, held: &[Waiting<Quarantined>]) {
    let terminal = &context.terminal;
    let length = length(held);
    let row = |waiting: &Waiting<Quarantined>| {
        let item = &waiting.what;
        vec![
            format!("q-{}", short(&waiting.id, length)),
            shown(&item.job),
            shown(&item.held.title),
            item.held.place.clone(),
            match item.trouble() {
                "missing" => "missing",
                "write" => "not written",
                _ => "not read",
            }
            .to_owned(),
            item.held.reason.clone(),
        ]
    };
    columns(&held.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    if held.is_empty() {
        terminal.line("Nothing is quarantined.");
    } else {
        terminal.line("Nothing of this was taken for deleted. Correct the files, then type `syncretic sync`.");
    }
    let items: Vec<Value> = held.iter().map(|waiting| waiting.what.json()).collect();
    items.iter().for_each(|item| terminal.event(item));
    terminal.object(&json!({ "schema": "syncretic.quarantine/1", "quarantine": items, "exit": 0 }));
}
