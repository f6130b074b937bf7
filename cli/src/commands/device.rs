//! `syncretic device`: who may take part: enrolled, invited, listed, renamed, granted, revoked.

use std::path::Path;
use std::time::Duration;

use client::{Session, manage};
use protocol::messages::{Device as Known, DeviceGrant, Grant, Invite};
use protocol::{Code, Collection, Right};
use serde_json::{Value, json};

use crate::arguments::server::{Device, Which};
use crate::commands::which::{address, device, refused, server, short};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::moment::day;
use crate::reach;
use crate::report::network;
use crate::span;
use crate::state::Enrolled;
use crate::terminal::{Paint, columns, shown};

/// Does it.
pub(crate) fn run(context: &Context, command: &Device) -> Outcome<Exit> {
    match command {
        Device::Enroll { url, code, name, authority, insecure_http } => {
            enroll(context, url, (code, name), authority.as_deref(), *insecure_http)
        }
        Device::Invite { grant, delete_budget, administrator, expires, which } => {
            invite(context, (&grants(grant, *delete_budget)?, *administrator), *expires, which)
        }
        Device::List { which } => with(context, which, |session| list(context, session)),
        Device::Show { device: typed, which } => with(context, which, |session| show(context, session, typed)),
        Device::Rename { device: typed, name, which } => with(context, which, |session| {
            let known = device(session, typed)?;
            let renamed = manage::rename(session, &known.device, name).map_err(|error| refused(&error))?;
            context.terminal.line(format!("{} is now called {}", shown(&known.name), shown(&renamed.name)));
            Ok(tell(context, "device-rename", &json_of(&renamed)))
        }),
        Device::Revoke { device: typed, which } => with(context, which, |session| {
            let known = device(session, typed)?;
            let revoked = manage::revoke(session, &known.device).map_err(|error| refused(&error))?;
            context
                .terminal
                .line(format!("{} is revoked: it can read and write nothing there any more; what it wrote stays", shown(&revoked.name)));
            Ok(tell(context, "device-revoke", &json_of(&revoked)))
        }),
        Device::Grant { device: typed, grant, delete_budget, which } => {
            with(context, which, |session| set(context, session, typed, (grant, *delete_budget)))
        }
    }
}

fn with(context: &Context, which: &Which, act: impl FnOnce(&Session) -> Outcome<Exit>) -> Outcome<Exit> {
    let remote = server(context, which)?.remote(&context.home)?;
    act(remote.session())
}

fn tell(context: &Context, name: &str, members: &Value) -> Exit {
    let mut object = json!({ "schema": format!("syncretic.{name}/1") });
    if let (Value::Object(object), Value::Object(members)) = (&mut object, members) {
        object.extend(members.clone());
        object.insert("exit".to_owned(), json!(0));
    }
    context.terminal.object(&object);
    context.terminal.event(&object);
    Exit::Done
}

fn enroll(context: &Context, url: &str, (code, name): (&str, &str), authority: Option<&Path>, insecure: bool) -> Outcome<Exit> {
    let address = address(url)?;
    if !address.is_private() && !insecure {
        let failure = Failure::usage(format!("{address} is another machine, and whoever is on the way could read everything"));
        return Err(failure.help("use an `https://` address, or, in a network that you trust, add `--insecure-http`"));
    }
    let typed: Code = code.trim().parse().map_err(|_| Failure::usage("that is no code: a code has 32 digits, 0-9 and a-f"))?;
    let authority =
        authority.map(|path| std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error).exiting(Exit::Usage)));
    let authority = authority.transpose()?;
    context.home.establish()?;
    let key = context.home.device()?;
    let line = reach::line(&address, authority.as_deref())?;
    let enrolled =
        manage::enroll(line, Box::new(key), reach::manners(), typed, name).map_err(|error| refused(&error).within(address.host()))?;
    let known = enrolled.device;
    context.home.servers().keep(&Enrolled { address: address.clone(), store: enrolled.store, name: known.name.clone(), authority })?;
    let role = if known.administrator { " as its administrator" } else { "" };
    context.terminal.line(format!("this device is now `{}` at {address}{role}", shown(&known.name)));
    let grants: Vec<String> = known.grants.iter().map(|grant| format!("{} = {}", grant.collection, grant.right)).collect();
    if !grants.is_empty() {
        context.terminal.line(format!("it may use: {}", grants.join(", ")));
    }
    context.terminal.line(format!("to sync with it, put this into `syncretic.toml`:\n  [store]\n  url = \"{address}\""));
    let mut members = json_of(&known);
    if let Value::Object(members) = &mut members {
        members.insert("url".to_owned(), json!(address.as_str()));
        members.insert("store".to_owned(), json!(enrolled.store.to_string()));
    }
    Ok(tell(context, "device-enroll", &members))
}

fn grants(typed: &[String], budget: Option<u64>) -> Outcome<Vec<Grant>> {
    typed.iter().map(|grant| parse(grant, budget)?.ok_or_else(|| wrong(grant))).collect()
}

fn invite(context: &Context, (grants, administrator): (&[Grant], bool), expires: Duration, which: &Which) -> Outcome<Exit> {
    if grants.is_empty() && !administrator {
        return Err(Failure::usage("a device without any right could do nothing").help("say what it may do: `--grant COLLECTION=write`"));
    }
    let server = server(context, which)?;
    let remote = server.remote(&context.home)?;
    let message = Invite { grants: grants.to_vec(), administrator, seconds: Some(expires.as_secs()) };
    let invitation = manage::invite(remote.session(), &message).map_err(|error| refused(&error))?;
    let command = format!("syncretic device enroll {} --code {} --name NAME", server.address(), invitation.code);
    context.terminal.line(format!("good once, for {}; on the other device type", span::shown(expires.as_secs())));
    context.terminal.line(&command);
    let members = json!({ "code": invitation.code.to_string(), "until": invitation.until.to_string(), "url": server.address().as_str(), "command": command });
    Ok(tell(context, "device-invite", &members))
}

fn set(context: &Context, session: &Session, typed: &str, (grant, budget): (&str, Option<u64>)) -> Outcome<Exit> {
    let known = device(session, typed)?;
    let Some((collection, _)) = grant.split_once('=') else { return Err(wrong(grant)) };
    let collection: Collection = collection.parse().map_err(|error: protocol::ids::NotACollection| Failure::usage(error.to_string()))?;
    let result = match parse(grant, budget)? {
        Some(grant) => manage::grant(session, &known.device, &grant),
        None => manage::withdraw(session, &known.device, &collection),
    };
    result.map_err(|error| refused(&error))?;
    let now = device(session, &known.device.to_string())?;
    context.terminal.line(format!("{}: {}", shown(&now.name), rights(&now)));
    Ok(tell(context, "device-grant", &json_of(&now)))
}

/// Reads `COLLECTION=RIGHT`; no right for `none`.
fn parse(text: &str, delete_budget: Option<u64>) -> Outcome<Option<Grant>> {
    let (collection, right) = text.split_once('=').ok_or_else(|| wrong(text))?;
    let collection: Collection = collection.parse().map_err(|error: protocol::ids::NotACollection| Failure::usage(error.to_string()))?;
    if right == "none" {
        return Ok(None);
    }
    let right: Right = right.parse().map_err(|_| wrong(text))?;
    Ok(Some(Grant { collection, right, delete_budget }))
}

fn wrong(text: &str) -> Failure {
    Failure::usage(format!("`{}` is no grant", shown(text))).help("write for instance `contacts=write`; rights are read, write and admin")
}

fn rights(device: &Known) -> String {
    if device.administrator {
        return "administrator".to_owned();
    }
    let budget = |grant: &DeviceGrant| grant.delete_budget.map_or_else(String::new, |budget| format!(", at most {budget} deletions a day"));
    let right = |grant: &DeviceGrant| format!("{} = {}{}", grant.collection, grant.right, budget(grant));
    let grants: Vec<String> = device.grants.iter().map(right).collect();
    if grants.is_empty() { "no rights".to_owned() } else { grants.join(", ") }
}

fn list(context: &Context, session: &Session) -> Outcome<Exit> {
    let devices = manage::devices(session).map_err(|error| refused(&error))?;
    let terminal = &context.terminal;
    let row = |device: &Known| {
        let name = if device.device == session.device() { format!("{} (this device)", shown(&device.name)) } else { shown(&device.name) };
        let seen = device
            .seen
            .map_or_else(|| "never seen".to_owned(), |seen| format!("seen {} ago", span::shown(network::now().since(seen).as_secs())));
        let what = match &device.revoked {
            Some(revoked) => terminal.paint(Paint::Red, &format!("revoked on {} by {}", day(revoked.at), shown(&revoked.by))),
            None => rights(device),
        };
        vec![terminal.paint(Paint::Bold, &name), short(&device.device), seen, what]
    };
    columns(&devices.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    let all: Vec<Value> = devices.iter().map(json_of).collect();
    Ok(tell(context, "devices", &json!({ "devices": all })))
}

fn show(context: &Context, session: &Session, typed: &str) -> Outcome<Exit> {
    let known = device(session, typed)?;
    let terminal = &context.terminal;
    terminal.line(format!("{}   {}", terminal.paint(Paint::Bold, &shown(&known.name)), rights(&known)));
    terminal.line(format!("  key        {}", known.device));
    terminal.line(format!("  enrolled   {}", known.enrolled));
    terminal.line(format!("  seen       {}", known.seen.map_or_else(|| "never".to_owned(), |seen| seen.to_string())));
    if let Some(revoked) = &known.revoked {
        terminal.line(format!("  revoked    {} by {}", revoked.at, shown(&revoked.by)));
    }
    let row = |grant: &DeviceGrant| {
        let at = grant.cursor.map_or_else(|| "nothing yet".to_owned(), |cursor| cursor.sequence.to_string());
        let lag = if grant.lag == 0 { String::new() } else { format!("{} behind", grant.lag) };
        vec![format!("  {}", grant.collection), grant.right.to_string(), at, lag]
    };
    columns(&known.grants.iter().map(row).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    Ok(tell(context, "device", &json_of(&known)))
}

fn json_of(device: &Known) -> Value {
    serde_json::to_value(device).unwrap_or_default()
}
