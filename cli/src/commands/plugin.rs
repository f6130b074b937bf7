//! `syncretic plugin`: third parties' adapters made, let in, shown, checked, measured and taken away.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use conformance::Verdict;
use serde_json::{Value, json};

use crate::arguments::{CheckArguments, PluginCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::formats;
use crate::plugins::{self, Finding, Installed, Kind, Manifest, Offer, Patient, Shelf, Vault};
use crate::terminal::{Paint, columns, shown};

/// What everyone who lets a plugin in should know.
const RIGHTS: &str = "it runs with all your rights, wherever it runs: add only what you trust";

/// Runs a command; `yes` answers every question.
pub(crate) fn plugin(context: &Context, command: &PluginCommand, yes: bool) -> Outcome<Exit> {
    let shelf = Shelf::of(&context.home);
    match command {
        PluginCommand::New { name, lang, id, sdk } => {
            let build = plugins::create(name, *lang, id.as_deref(), sdk.as_deref())?;
            let folder = name.display();
            context.terminal.line(format!("made {folder}"));
            let build = if build.is_empty() { String::new() } else { format!("cd {folder} && {build} && cd -; ") };
            context.terminal.note(format!("next: {build}syncretic plugin check {folder}; syncretic plugin add {folder}"));
            Ok(done(context, "syncretic.plugin-new/1", json!({ "folder": folder.to_string() })))
        }
        PluginCommand::Add { folder } => add(context, &shelf, folder, yes),
        PluginCommand::List => list(context, &shelf),
        PluginCommand::Info { plugin } => info(context, &shelf.find(plugin)?),
        PluginCommand::Check(arguments) => check(context, &shelf, arguments),
        PluginCommand::Bench { plugin, items } => {
            let rows = plugins::bench(&shelf.find(plugin)?, *items)?;
            for (way, new, known) in &rows {
                context.terminal.line(format!("isolation {way:<8} {new:>8} ns an item, all new; {known:>8} ns an item, all known"));
            }
            let rows: Vec<Value> =
                rows.iter().map(|(way, new, known)| json!({ "isolation": way, "new_ns": new, "known_ns": known })).collect();
            Ok(done(context, "syncretic.plugin-bench/1", json!({ "items": items, "rows": rows })))
        }
        PluginCommand::Secret { id, name, remove } => secret(context, &shelf, id, name.as_deref(), *remove),
        PluginCommand::Remove { id } => {
            shelf.remove(id)?;
            context.terminal.line(format!("removed {id}"));
            Ok(done(context, "syncretic.plugin-remove/1", json!({ "id": id })))
        }
    }
}

/// Prints the result for programs.
fn done(context: &Context, schema: &str, mut object: Value) -> Exit {
    let more = [("schema", schema.into()), ("exit", Exit::Done.code().into())];
    object.as_object_mut().into_iter().for_each(|object| object.extend(more.clone().map(|(name, value)| (name.to_owned(), value))));
    context.terminal.object(&object);
    context.terminal.event(&object);
    Exit::Done
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Library => "library",
        Kind::Command => "program",
    }
}

fn rows(manifest: &Manifest, sha256: &str) -> Vec<Vec<String>> {
    let description = &manifest.description;
    let row = |name: &str, value: &str| vec![name.to_owned(), shown(value)];
    let kinds: Vec<&str> = description.kinds.iter().map(record::Kind::as_str).collect();
    let options: Vec<&str> = description.options.iter().map(|option| option.name).collect();
    let mut rows = vec![
        row("plugin", description.id),
        row("version", &manifest.version),
        row("what", description.summary),
        row("runs as", kind(manifest.kind)),
        row("holds", &kinds.join(", ")),
        row("options", &options.join(", ")),
    ];
    for capability in plugins::CAPABILITIES.iter().filter(|known| manifest.capabilities.contains(&known.name)) {
        rows.push(row("capability", &format!("{}: {}", capability.name, capability.meaning)));
    }
    rows.extend(manifest.notes.iter().map(|(name, value)| row(name, value)));
    rows.push(vec!["sha256".to_owned(), sha256.to_owned()]);
    rows
}

fn add(context: &Context, shelf: &Shelf, folder: &Path, yes: bool) -> Outcome<Exit> {
    let offer = Offer::of(folder)?;
    let id = offer.manifest.description.id;
    for line in columns(&rows(&offer.manifest, &offer.sha256)) {
        context.terminal.note(line);
    }
    context.terminal.note(RIGHTS);
    if !yes && !agreed(id)? {
        context.terminal.note(format!("{id} was not let in"));
        return Ok(Exit::Usage);
    }
    shelf.add(&context.home, &offer)?;
    context.terminal.line(format!("added {id} {}", offer.manifest.version));
    context.terminal.note(format!("use it in a job: adapter = \"{id}\""));
    Ok(done(context, "syncretic.plugin-add/1", json!({ "id": id, "version": offer.manifest.version, "sha256": offer.sha256 })))
}

/// Asks a person.
fn agreed(id: &str) -> Outcome<bool> {
    if !io::stdin().is_terminal() {
        let failure = Failure::usage(format!("nobody is here to be asked whether `{id}` may be let in"));
        return Err(failure.help("look at what is above, then type the same with --yes"));
    }
    let mut err = io::stderr().lock();
    let _ = write!(err, "let {id} in? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Lists a plugin's secrets, gives it one, or takes one away. What is secret is never printed.
fn secret(context: &Context, shelf: &Shelf, id: &str, name: Option<&str>, remove: bool) -> Outcome<Exit> {
    let vault = Vault::of(&context.home);
    let Some(name) = name else {
        let names = vault.names(id)?;
        names.iter().for_each(|name| context.terminal.line(name));
        if names.is_empty() {
            context.terminal.note(format!("{} has no secret; give it one with `syncretic plugin secret {0} NAME`", shown(id)));
        }
        return Ok(done(context, "syncretic.plugin-secrets/1", json!({ "id": id, "names": names })));
    };
    let what = if remove {
        if !vault.remove(id, name)? {
            return Err(Failure::usage(format!("{} has no secret `{}`", shown(id), shown(name))));
        }
        "taken from"
    } else {
        give(context, shelf, &vault, id, name)?;
        "given to"
    };
    context.terminal.line(format!("{name}: {what} {id}"));
    Ok(done(context, "syncretic.plugin-secret/1", json!({ "id": id, "name": name, "removed": remove })))
}

fn give(context: &Context, shelf: &Shelf, vault: &Vault, id: &str, name: &str) -> Outcome<()> {
    let Some(plugin) = shelf.named(id)? else {
        let failure = Failure::usage(format!("no plugin of the id `{}` was let in", shown(id)));
        return Err(failure.help("let it in first: `syncretic plugin add DIR`"));
    };
    if !plugin.manifest.capabilities.contains(&plugins::SECRETS) {
        let failure = Failure::usage(format!("`{id}` asks for no secrets: its manifest has no capability `{}`", plugins::SECRETS));
        return Err(failure.note("nothing was kept"));
    }
    let _unseen = io::stdin().is_terminal().then(|| {
        context.terminal.note(format!("type the secret `{}` of {id}, then Return; it is not shown", shown(name)));
        Unseen::new()
    });
    if io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(|error| Failure::usage(format!("the secret cannot be read: {error}")))?;
        return vault.set(&context.home, id, name, &mut line.as_bytes());
    }
    vault.set(&context.home, id, name, &mut io::stdin().lock())
}

/// What is typed is not shown until this is dropped.
#[cfg(unix)]
struct Unseen(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Unseen {
    fn new() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let was = tcgetattr(io::stdin()).ok();
        if let Some(mut now) = was.clone() {
            now.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &now);
        }
        Self(was)
    }
}

#[cfg(unix)]
impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(was) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, was);
        }
    }
}

/// Elsewhere it is shown.
#[cfg(not(unix))]
struct Unseen;

#[cfg(not(unix))]
impl Unseen {
    fn new() -> Self {
        Self
    }
}

fn list(context: &Context, shelf: &Shelf) -> Outcome<Exit> {
    let pins = shelf.pins()?;
    if pins.is_empty() {
        context.terminal.line("no plugin was let in yet");
    }
    let row =
        |(id, pin): (&String, &plugins::Pin)| vec![id.clone(), pin.version.clone(), pin.sha256.get(..16).unwrap_or_default().to_owned()];
    for line in columns(&pins.iter().map(row).collect::<Vec<_>>()) {
        context.terminal.line(line);
    }
    let plugins: Vec<Value> =
        pins.iter().map(|(id, pin)| json!({ "id": id, "version": pin.version, "sha256": pin.sha256, "added": pin.added })).collect();
    Ok(done(context, "syncretic.plugin-list/1", json!({ "plugins": plugins })))
}

fn info(context: &Context, plugin: &Installed) -> Outcome<Exit> {
    let state = match (plugin.verify(), &plugin.pin) {
        (Ok(()), Some(_)) => "as it was let in".to_owned(),
        (Ok(()), None) => "not let in".to_owned(),
        (Err(error), _) => error.to_string(),
    };
    let sha256 = plugin.pin.as_ref().map_or("not pinned", |pin| pin.sha256.as_str()).to_owned();
    let mut rows = rows(&plugin.manifest, &sha256);
    rows.push(vec!["file".to_owned(), plugin.file().display().to_string()]);
    rows.push(vec!["state".to_owned(), state.clone()]);
    for line in columns(&rows) {
        context.terminal.line(line);
    }
    for option in &plugin.manifest.description.options {
        context.terminal.line(format!("  {}: {}", option.name, shown(option.summary)));
    }
    let object = json!({ "id": plugin.manifest.description.id, "version": plugin.manifest.version, "sha256": sha256, "state": state });
    Ok(done(context, "syncretic.plugin-info/1", object))
}

/// Checks a plugin, or every shape of an adapter that is built in.
fn check(context: &Context, shelf: &Shelf, arguments: &CheckArguments) -> Outcome<Exit> {
    let plugin = shelf.find(&arguments.plugin);
    let shapes: Vec<_> = plugins::shapes(&arguments.plugin).collect();
    let patients: Vec<Patient<'_>> = match &plugin {
        Ok(plugin) => vec![Patient::Plugin(plugin)],
        Err(_) => {
            shapes.into_iter().filter_map(|shape| Some(Patient::BuiltIn(shape, shape.seen(formats::named(shape.adapter)?)))).collect()
        }
    };
    if patients.is_empty() {
        return plugin.map(|_| Exit::Usage);
    }
    if let Some(folder) = &arguments.act {
        return act(context, &patients, arguments, folder);
    }
    let mut all = Vec::new();
    for patient in patients {
        let mut group = "";
        let findings = plugins::check(patient, arguments, &mut |finding| {
            if group != finding.group && !arguments.inside {
                context.terminal.line(format!("{}: {}", patient.name(), finding.group));
            }
            group = finding.group;
            tell(context, patient, finding);
        })?;
        all.push((patient.name().to_owned(), findings));
    }
    Ok(sum_up(context, &arguments.plugin, &all))
}

/// Performs a step, and says if that failed: whoever watches reads it.
fn act(context: &Context, patients: &[Patient<'_>], arguments: &CheckArguments, folder: &Path) -> Outcome<Exit> {
    for patient in patients {
        if let Err(reason) = plugins::act(*patient, arguments, folder)? {
            context.terminal.line(format!("act: {reason}"));
        }
    }
    Ok(Exit::Done)
}

fn tell(context: &Context, patient: Patient<'_>, finding: &Finding) {
    let terminal = &context.terminal;
    match &finding.verdict {
        Verdict::Pass => terminal.line(format!("  {}     {}", terminal.paint(Paint::Green, "pass"), finding.name)),
        Verdict::Skipped(reason) => terminal.line(format!("  {}  {}: {reason}", terminal.paint(Paint::Dim, "skipped"), finding.name)),
        Verdict::Fail(reason) => {
            terminal.line(format!("  {}     {}: {reason}", terminal.paint(Paint::Red, "FAIL"), finding.name));
            terminal.line(format!("           {} docs/plugins/checks.md#{}", finding.law, finding.name));
        }
    }
    terminal.event(&json!({ "type": "check", "subject": patient.name(), "check": finding.json() }));
}

fn sum_up(context: &Context, name: &str, all: &[(String, Vec<Finding>)]) -> Exit {
    let findings = || all.iter().flat_map(|(subject, findings)| findings.iter().map(move |finding| (subject, finding)));
    let count = |wanted: fn(&Verdict) -> bool| findings().filter(|(_, finding)| wanted(&finding.verdict)).count();
    let passed = count(|verdict| matches!(verdict, Verdict::Pass));
    let failed = count(|verdict| matches!(verdict, Verdict::Fail(_)));
    let exit = if failed == 0 { Exit::Done } else { Exit::Internal };
    let id = match all {
        [(id, _)] => id.as_str(),
        _ => name,
    };
    let skipped = findings().count() - passed - failed;
    context.terminal.line(format!("{id}: {passed} passed, {failed} failed, {skipped} skipped"));
    let checks: Vec<Value> = findings()
        .map(|(subject, finding)| {
            let mut check = finding.json();
            check.as_object_mut().into_iter().for_each(|check| drop(check.insert("subject".to_owned(), subject.as_str().into())));
            check
        })
        .collect();
    let object = json!({
        "schema": "syncretic.plugin-check/1",
        "plugin": id,
        "checks": checks,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "exit": exit.code(),
    });
    context.terminal.object(&object);
    exit
}
