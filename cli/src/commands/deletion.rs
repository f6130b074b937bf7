//! `syncretic deletion`: transactions that delete more than their device may, and wait for an administrator's word.

use client::{Session, manage};
use protocol::messages::{HeldTransaction, Verdict};
use protocol::{Collection, Right};
use serde_json::{Value, json};

use crate::arguments::server::Deletion;
use crate::commands::which::{refused, server};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moment::day;
use crate::prefix::{self, short};
use crate::terminal::{Paint, columns, shown};

/// How transactions are called on the command line.
const CALLED: (&str, &str) = ("held transaction", "t-");

type Held = (Collection, HeldTransaction);

/// Lists, approves or rejects.
pub(crate) fn run(context: &Context, command: &Deletion) -> Outcome<Exit> {
    let (Deletion::List { which } | Deletion::Approve { which, .. } | Deletion::Reject { which, .. }) = command;
    let remote = server(context, which)?.remote(&context.home)?;
    let held = gather(remote.session())?;
    match command {
        Deletion::List { .. } => {
            list(context, &held);
            Ok(Exit::Done)
        }
        Deletion::Approve { transaction, .. } => decide(context, remote.session(), &held, (transaction, Verdict::Approve)),
        Deletion::Reject { transaction, .. } => decide(context, remote.session(), &held, (transaction, Verdict::Reject)),
    }
}

/// Returns what is held in every collection that this device administers.
fn gather(session: &Session) -> Outcome<Vec<Held>> {
    let collections = manage::collections(session).map_err(|error| refused(&error))?;
    if !collections.is_empty() && collections.iter().all(|one| one.right < Right::Admin) {
        let failure = Failure::new(Exit::Unauthorised, "this device administers no collection there");
        return Err(failure.help("do it on a device that does: `syncretic device grant DEVICE COLLECTION=admin` makes it one"));
    }
    let mut held = Vec::new();
    for one in collections.into_iter().filter(|one| one.right == Right::Admin) {
        let found = manage::held(session, &one.collection).map_err(|error| refused(&error))?;
        held.extend(found.into_iter().map(|transaction| (one.collection.clone(), transaction)));
    }
    Ok(held)
}

fn ids(held: &[Held]) -> Vec<String> {
    held.iter().map(|(_, one)| one.transaction.to_string()).collect()
}

fn list(context: &Context, held: &[Held]) {
    let terminal = &context.terminal;
    let length = prefix::length(ids(held).iter().map(String::as_str));
    let row = |(collection, one): &Held| {
        let state = match one.verdict {
            None => terminal.paint(Paint::Magenta, "waits"),
            Some(Verdict::Approve) => terminal.paint(Paint::Green, "approved"),
            Some(Verdict::Reject) => terminal.paint(Paint::Red, "rejected"),
        };
        let id = format!("t-{}", short(&one.transaction.to_string(), length));
        let what = format!("{} deletions of {}", one.deletions, shown(&one.name));
        vec![id, collection.to_string(), state, what, day(one.at)]
    };
    columns(&held.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    if held.is_empty() {
        terminal.line("No deletion waits for approval.");
    } else if held.iter().any(|(_, one)| one.verdict.is_none()) {
        terminal
            .line("Type `syncretic deletion approve TRANSACTION` where that is meant, `syncretic deletion reject TRANSACTION` where not.");
    }
    let items: Vec<Value> = held.iter().map(json_of).collect();
    items.iter().for_each(|item| terminal.event(item));
    terminal.object(&json!({ "schema": "syncretic.deletions/1", "deletions": items, "exit": 0 }));
}

fn decide(context: &Context, session: &Session, held: &[Held], (typed, verdict): (&str, Verdict)) -> Outcome<Exit> {
    let (what, letters) = CALLED;
    let ids = ids(held);
    let found = prefix::find(ids.iter().map(String::as_str), letters, typed);
    let id = found.map_err(|unclear| unclear.failure(what, typed).help("`syncretic deletion list` shows them"))?;
    let chosen = held.iter().find(|(_, one)| one.transaction.to_string() == id);
    let (collection, one) = chosen.ok_or_else(|| Failure::usage(format!("there is no {what} `{}`", shown(typed))))?;
    let decided = manage::decide(session, collection, one.transaction, verdict).map_err(|error| refused(&error))?;
    let (name, count) = (shown(&decided.name), decided.deletions);
    context.terminal.line(match verdict {
        Verdict::Approve => format!("{name} may delete these {count} records of {collection}: its next sync does"),
        Verdict::Reject => format!("{name} may not delete these {count} records of {collection}: they stay, and its next sync says so"),
    });
    let mut object = json!({ "schema": "syncretic.deletion/1" });
    if let (Value::Object(object), Value::Object(members)) = (&mut object, json_of(&(collection.clone(), decided))) {
        object.extend(members);
        object.insert("exit".to_owned(), json!(0));
    }
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}

fn json_of((collection, one): &Held) -> Value {
    let mut value = serde_json::to_value(one).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.insert("collection".to_owned(), json!(collection.as_str()));
    }
    value
}
