//! `syncretic demo`: two address books of the same people, synced, edited on both sides, and synced again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::context::Context;
use crate::demo::{CARD, EDITS, Edit, FILES};
use crate::diff;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs;
use crate::report::held;
use crate::state::{Home, VARIABLE};
use crate::summary;
use crate::terminal::{Paint, Terminal};
use crate::work::{Deed, Done, work};

/// Runs the demonstration in a folder, which is made.
pub(crate) fn demo(context: &Context, folder: &Path) -> Outcome<Exit> {
    let terminal = &context.terminal;
    make(folder)?;
    let own_state = std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty());
    let folder = fs::canonicalize(folder).map_err(|error| Failure::io("find", folder, &error))?;
    let home = if own_state { Home::at(folder.join(".state")) } else { context.home.clone() };
    let mut syncs = Vec::new();

    terminal.line(format!("In {}:", folder.display()));
    terminal.line("  contacts.csv      12 people, as somebody keeps them in a spreadsheet");
    terminal.line("  address-book/     12 cards of another application: 10 of the same people, two others, a photo");
    terminal.line("  syncretic.toml    seven lines that tie the two together");
    heading(terminal, "The first sync links the same people and brings the others over:");
    syncs.push(sync(&folder, &home, terminal)?);

    heading(terminal, "Now both sides are edited, as two applications would do it:");
    let before = edit(&folder, terminal)?;
    heading(terminal, "The second sync:");
    syncs.push(sync(&folder, &home, terminal)?);
    heading(terminal, "What it wrote into the two files, and nothing else:");
    for (path, text) in &before {
        show(terminal, path, text, &text_of(&folder.join(path))?);
    }

    heading(terminal, "A third sync has nothing to do:");
    let last = sync(&folder, &home, terminal)?;
    terminal.line(format!("  {} bytes written", last.bytes_written()));
    syncs.push(last);
    onwards(terminal, &folder, own_state);
    let exit = syncs.iter().fold(Exit::Done, |exit, done| exit.or(done.exit()));
    let all: Vec<Value> = syncs.iter().map(Done::json).collect();
    let object = json!({ "schema": "syncretic.demo/1", "folder": folder.display().to_string(), "syncs": all, "exit": exit.code() });
    terminal.object(&object);
    terminal.event(&object);
    Ok(exit)
}

/// Makes the folder and its files; refuses a folder that holds anything.
fn make(folder: &Path) -> Outcome<()> {
    let occupied = fs::read_dir(folder).map(|mut entries| entries.next().is_some()).unwrap_or(folder.exists());
    if occupied {
        let failure = Failure::usage(format!("`{}` is not empty, and the demonstration never overwrites anything", folder.display()));
        return Err(failure.help("name another folder: syncretic demo DIR"));
    }
    for (name, content) in FILES {
        let path = folder.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, content));
        written.map_err(|error| Failure::io("write", &path, &error))?;
    }
    Ok(())
}

fn sync(folder: &Path, home: &Home, terminal: &Terminal) -> Outcome<Done> {
    let config = config::read(&folder.join("syncretic.toml"))?;
    let prepared = jobs::prepare(&config, &[])?;
    let job = prepared.first().ok_or_else(|| Failure::new(Exit::Internal, "the demonstration has no job"))?;
    let mut done = work(job, home, terminal, Deed::Sync, &BTreeSet::new());
    if let Some(failure) = done.failure.take() {
        return Err(failure);
    }
    held::warn(terminal, &done.quarantined);
    summary::print(terminal, std::slice::from_ref(&done), Deed::Sync);
    Ok(done)
}

/// Makes the edits, shows them, and returns the edited files as they are now.
fn edit(folder: &Path, terminal: &Terminal) -> Outcome<Vec<(PathBuf, String)>> {
    let mut edited = Vec::new();
    for Edit { file, from, to } in EDITS {
        let path = folder.join(file);
        let before = text_of(&path)?;
        let after = before.replacen(from, to, 1);
        fs::write(&path, &after).map_err(|error| Failure::io("write", &path, &error))?;
        show(terminal, Path::new(file), &before, &after);
        edited.push((PathBuf::from(file), after));
    }
    Ok(edited)
}

fn text_of(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))
}

fn heading(terminal: &Terminal, text: &str) {
    terminal.line(format!("\n{}", terminal.paint(Paint::Bold, text)));
}

fn show(terminal: &Terminal, path: &Path, before: &str, after: &str) {
    terminal.line(format!("  {}", path.display()));
    for line in diff::unified(before, after).lines() {
        let painted = match line.chars().next() {
            Some('-') => terminal.paint(Paint::Red, line),
            Some('+') => terminal.paint(Paint::Green, line),
            _ => terminal.paint(Paint::Dim, line),
        };
        terminal.line(format!("    {painted}"));
    }
}

/// Says how the reader goes on.
fn onwards(terminal: &Terminal, folder: &Path, own_state: bool) {
    heading(terminal, "Go on in that folder:");
    terminal.line(format!("  cd {}", quoted(&folder.display().to_string())));
    if own_state {
        terminal.line(format!("  export {VARIABLE}=\"$PWD/.state\"     # the demonstration keeps its state there"));
    }
    if let Some(program) = unknown_to_the_shell() {
        terminal.line(format!("  alias syncretic={}", quoted(&program.display().to_string())));
    }
    for (command, what) in [
        ("syncretic link list", "who was taken for whom; Petra and Jonas share an address and stay two"),
        ("$EDITOR contacts.csv", "change a number, add a row, delete one"),
        (&format!("$EDITOR {CARD}"), "change another line of the same person"),
        ("syncretic plan", "what a sync would do"),
        ("syncretic sync", "do it"),
        ("syncretic status -v", "where everything stands"),
    ] {
        terminal.line(format!("  {command:<38} # {what}"));
    }
}

/// Returns the program's path, where it was not started by its bare name.
fn unknown_to_the_shell() -> Option<PathBuf> {
    let called = PathBuf::from(std::env::args_os().next()?);
    (called.components().count() > 1).then(|| std::env::current_exe().ok()).flatten()
}

/// Returns a path as a shell reads it.
fn quoted(path: &str) -> String {
    let plain = path.chars().all(|character| character.is_ascii_alphanumeric() || "/._-".contains(character));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
