//! `syncretic conflicts`: fields that were changed on two sides, and their settlement.

use engine::decide::{Dispute, Take, disputes, resolve};
use engine::objects::Objects;
use record::{Against, Value};
use serde_json::json;

use crate::arguments::Conflicts;
use crate::commands::review::{Waiting, choose, decide, gather, length};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs::{self, Prepared};
use crate::prefix::short;
use crate::terminal::{Paint, columns, shown};
use crate::values::{self, field, quoted};
use crate::work::newest;

/// How conflicts are called on the command line.
const CALLED: (&str, &str) = ("open conflict", "c-");

/// Lists, shows or settles.
pub(crate) fn conflicts(context: &Context, command: &Conflicts) -> Outcome<Exit> {
    let names = if let Conflicts::List { jobs } = command { jobs.as_slice() } else { &[] };
    let config = jobs::read(context.config.as_deref())?;
    let prepared = jobs::prepare(&config, names)?;
    let open = open(context, &prepared)?;
    match command {
        Conflicts::List { .. } => list(context, &prepared, &open),
        Conflicts::Show { id } => {
            let length = length(&open);
            show(context, &prepared, &choose(open, CALLED, id)?, length)
        }
        Conflicts::Resolve { id, take } => settle(context, &prepared, &choose(open, CALLED, id)?, take),
    }
}

/// Returns the open conflicts, as the endpoint of each job that pulled last knows them.
fn open(context: &Context, prepared: &[Prepared<'_>]) -> Outcome<Vec<Waiting<Dispute>>> {
    gather(context, prepared, |job, stores| {
        let Some((at, store)) = newest(stores) else { return Ok(Vec::new()) };
        let found = disputes(store).map_err(|error| job.about().engine(error))?;
        Ok(found.into_iter().map(|dispute| (at, dispute.id.to_string(), dispute)).collect())
    })
}

fn job<'p>(prepared: &'p [Prepared<'_>], at: usize) -> Outcome<&'p Prepared<'p>> {
    prepared.get(at).ok_or_else(|| Failure::new(Exit::Internal, "the job is gone from the configuration"))
}

fn list(context: &Context, prepared: &[Prepared<'_>], open: &[Waiting<Dispute>]) -> Outcome<Exit> {
    let terminal = &context.terminal;
    let length = length(open);
    let mut objects = Vec::new();
    let mut rows = Vec::new();
    for waiting in open {
        let name = &job(prepared, waiting.job)?.job.name.value;
        let dispute = &waiting.what;
        objects.push(json_of(name, waiting, length));
        rows.push(vec![
            format!("c-{}", short(&waiting.id, length)),
            shown(name),
            terminal.paint(Paint::Bold, &shown(&dispute.title)),
            field(&dispute.field),
            format!("1 {}", quoted(dispute.stands.as_ref())),
            format!("2 {}", quoted(Some(&dispute.kept))),
        ]);
    }
    columns(&rows).iter().for_each(|line| terminal.line(line));
    match rows.first().and_then(|row| row.first()) {
        Some(first) => terminal.line(format!("1 stands, 2 is kept aside. Type for instance `syncretic conflicts show {first}`.")),
        None => terminal.line("No conflicts are open."),
    }
    objects.iter().for_each(|object| terminal.event(object));
    terminal.object(&json!({ "schema": "syncretic.conflicts/1", "conflicts": objects, "exit": 0 }));
    Ok(Exit::Done)
}

fn json_of(job: &str, waiting: &Waiting<Dispute>, length: usize) -> serde_json::Value {
    let dispute = &waiting.what;
    let against = match dispute.against {
        Against::Value => "value",
        Against::Death => "deletion",
    };
    json!({
        "id": waiting.id,
        "short": format!("c-{}", short(&waiting.id, length)),
        "job": job,
        "record": dispute.record.to_string(),
        "title": dispute.title,
        "field": dispute.field.as_str(),
        "1": values::json(dispute.stands.as_ref()),
        "2": values::json(Some(&dispute.kept)),
        "base": values::json(dispute.base.as_ref()),
        "against": against,
        "origin": dispute.origin,
    })
}

fn show(context: &Context, prepared: &[Prepared<'_>], waiting: &Waiting<Dispute>, length: usize) -> Outcome<Exit> {
    let terminal = &context.terminal;
    let name = &job(prepared, waiting.job)?.job.name.value;
    let dispute = &waiting.what;
    let id = format!("c-{}", short(&waiting.id, length));
    let title = terminal.paint(Paint::Bold, &shown(&dispute.title));
    terminal.line(format!("{id}   {title}   {}   job {}", field(&dispute.field), shown(name)));
    let stands = match dispute.against {
        Against::Death if dispute.stands.is_none() => "it was deleted, which stands everywhere now",
        _ => "stands everywhere now",
    };
    let mut rows = vec![
        vec!["  1".to_owned(), quoted(dispute.stands.as_ref()), stands.to_owned()],
        vec!["  2".to_owned(), quoted(Some(&dispute.kept)), format!("was written in {}, and is kept aside", shown(&dispute.origin))],
    ];
    match &dispute.base {
        Some(base) => rows.push(vec!["  base".to_owned(), quoted(Some(base)), "was there before both".to_owned()]),
        None => rows.push(vec!["  base".to_owned(), "nothing".to_owned(), "is known to have been there before both".to_owned()]),
    }
    columns(&rows).iter().for_each(|line| terminal.line(line));
    let base = if dispute.base.is_some() { "|base" } else { "" };
    terminal.line(format!("Settle it: syncretic conflicts resolve {id} --take 1|2{base}|VALUE"));
    let object = json_of(name, waiting, length);
    terminal.object(&object);
    terminal.event(&object);
    Ok(Exit::Done)
}

fn settle(context: &Context, prepared: &[Prepared<'_>], waiting: &Waiting<Dispute>, text: &str) -> Outcome<Exit> {
    let job = job(prepared, waiting.job)?;
    let dispute = &waiting.what;
    let take = take(dispute, text)?;
    let value = match &take {
        Take::Standing => dispute.stands.clone(),
        Take::Kept => Some(dispute.kept.clone()),
        Take::Base => dispute.base.clone(),
        Take::Value(value) => Some(value.clone()),
    };
    let exit = decide(context, job, waiting.endpoint, |opened, objects: &mut dyn Objects| {
        resolve(&opened.machine.doors(), &job.collection, objects, dispute.id, &take)
    })?;
    let settled = format!("Settled: {} of {} is {}.", field(&dispute.field), shown(&dispute.title), quoted(value.as_ref()));
    context.terminal.line(settled);
    let object = json!({
        "schema": "syncretic.resolve/1",
        "id": waiting.id,
        "job": job.job.name.value,
        "field": dispute.field.as_str(),
        "value": values::json(value.as_ref()),
        "exit": exit.code(),
    });
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(exit)
}

/// Reads what a person takes: a number as `show` prints it, or another value.
fn take(dispute: &Dispute, text: &str) -> Outcome<Take> {
    match text {
        "1" => return Ok(Take::Standing),
        "2" => return Ok(Take::Kept),
        "base" if dispute.base.is_some() => return Ok(Take::Base),
        "base" => {
            let failure = Failure::usage("nothing is known to have been there before both");
            return Err(failure.help("take 1, 2, or another value (`=base` is the text base)"));
        }
        _ => {}
    }
    let text = text.strip_prefix('=').unwrap_or(text);
    let like: &Value = &dispute.kept;
    values::typed(text, Some(like)).map(Take::Value).ok_or_else(|| {
        let failure = Failure::usage(format!("`{}` cannot be a value of {}", shown(text), field(&dispute.field)));
        failure
            .note(format!("its other values are {} and {}", quoted(dispute.stands.as_ref()), quoted(Some(like))))
            .help("write it like those")
    })
}
