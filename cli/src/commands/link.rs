//! `syncretic link`: who was taken for whom when an endpoint joined, and who might be.

use engine::decide::{accept, split};
use engine::objects::{Joined, Objects};
use record::RecordId;
use serde_json::{Value, json};

use crate::arguments::Link;
use crate::commands::review::{Waiting, choose, decide, gather, length};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs::{self, Prepared};
use crate::prefix::{self, short};
use crate::terminal::{Paint, columns, shown};

/// How links are called on the command line.
const CALLED: (&str, &str) = ("link", "l-");

/// A link, with what people call the records that it is about.
struct Pair {
    joined: Joined,
    residents: Vec<(RecordId, String)>,
}

/// Lists, accepts or splits.
pub(crate) fn link(context: &Context, command: &Link) -> Outcome<Exit> {
    let names = if let Link::List { jobs } = command { jobs.as_slice() } else { &[] };
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let pairs = pairs(context, &prepared)?;
    let (waiting, resident) = match command {
        Link::List { .. } => {
            list(context, &prepared, &pairs);
            return Ok(Exit::Done);
        }
        Link::Accept { id, resident } => {
            let waiting = choose(pairs, CALLED, id)?;
            let resident = resident_of(&waiting.what, resident.as_deref())?;
            (waiting, Some(resident))
        }
        Link::Split { id } => (choose(pairs, CALLED, id)?, None),
    };
    let Some(job) = prepared.get(waiting.job) else { return Ok(Exit::Internal) };
    let newcomer = waiting.what.joined.newcomer;
    let exit = decide(context, job, waiting.endpoint, |opened, objects: &mut dyn Objects| {
        let doors = opened.machine.doors();
        match resident {
            Some(resident) => accept(&doors, &job.collection, objects, newcomer, resident),
            None => split(&doors, &job.collection, objects, newcomer),
        }
    })?;
    let done = if resident.is_some() { "is one record now" } else { "is a record of its own again" };
    context.terminal.line(format!("{} {done}.", shown(&waiting.what.joined.shown.title())));
    let object = json!({ "schema": "syncretic.link-decision/1", "id": waiting.id, "linked": resident.is_some(), "exit": exit.code() });
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(exit)
}

fn pairs(context: &Context, prepared: &[Prepared<'_>]) -> Outcome<Vec<Waiting<Pair>>> {
    gather(context, prepared, |job, stores| {
        let mut pairs = Vec::new();
        for (at, store) in stores.iter().enumerate() {
            let joined = store.joined().map_err(|error| job.about().engine(error))?;
            for joined in joined {
                let title = |id: RecordId| store.remote(id).ok().flatten().map_or_else(|| id.to_string(), |state| state.record.title());
                let residents = joined.residents.iter().map(|id| (*id, title(*id))).collect();
                pairs.push((at, joined.newcomer.to_string(), Pair { joined, residents }));
            }
        }
        Ok(pairs)
    })
}

/// Finds the record that a newcomer is to be: the only candidate, or the one that was named.
fn resident_of(pair: &Pair, named: Option<&str>) -> Outcome<RecordId> {
    if pair.joined.linked {
        return Err(Failure::usage(format!("{} is linked already", shown(&pair.joined.shown.title()))));
    }
    let ids: Vec<String> = pair.residents.iter().map(|(id, _)| id.to_string()).collect();
    match (pair.residents.as_slice(), named) {
        ([(only, _)], None) => Ok(*only),
        (residents, None) => {
            let length = prefix::length(ids.iter().map(String::as_str));
            let names = residents.iter().map(|(id, title)| format!("{} {}", short(&id.to_string(), length), shown(title)));
            let failure = Failure::usage("it may be one of several records");
            Err(failure.note(names.collect::<Vec<_>>().join("\n")).help("name the record too: syncretic link accept ID RECORD"))
        }
        (residents, Some(named)) => {
            let found = prefix::find(ids.iter().map(String::as_str), "", named).map_err(|error| error.failure("candidate", named))?;
            let id = residents.iter().map(|(id, _)| *id).find(|id| id.to_string() == found);
            id.ok_or_else(|| Failure::usage(format!("there is no candidate `{}`", shown(named))))
        }
    }
}

fn list(context: &Context, prepared: &[Prepared<'_>], pairs: &[Waiting<Pair>]) {
    let terminal = &context.terminal;
    let length = length(pairs);
    let mut rows = Vec::new();
    let mut items: Vec<Value> = Vec::new();
    for waiting in pairs {
        let Pair { joined, residents } = &waiting.what;
        let job = prepared.get(waiting.job).map(|job| job.job.name.value.as_str()).unwrap_or_default();
        let titles: Vec<String> = residents.iter().map(|(_, title)| shown(title)).collect();
        let state = if joined.linked { terminal.paint(Paint::Green, "linked") } else { terminal.paint(Paint::Magenta, "in doubt") };
        let title = joined.shown.title();
        rows.push(vec![
            format!("l-{}", short(&waiting.id, length)),
            shown(job),
            state,
            format!("{} = {}", shown(&title), titles.join(" or ")),
            shown(&joined.evidence),
        ]);
        let candidates = residents.iter().map(|(id, title)| json!({ "record": id.to_string(), "title": title }));
        items.push(json!({
            "id": waiting.id,
            "short": format!("l-{}", short(&waiting.id, length)),
            "job": job,
            "title": title,
            "linked": joined.linked,
            "residents": candidates.collect::<Vec<_>>(),
            "evidence": joined.evidence,
        }));
    }
    columns(&rows).iter().for_each(|line| terminal.line(line));
    if rows.is_empty() {
        terminal.line("Nothing was linked.");
    } else {
        terminal
            .line("Type `syncretic link accept ID` where a doubtful pair is one, `syncretic link split ID` where a linked pair is two.");
    }
    items.iter().for_each(|item| terminal.event(item));
    terminal.object(&json!({ "schema": "syncretic.links/1", "links": items, "exit": 0 }));
}
