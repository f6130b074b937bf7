//! `syncretic store`: the care of a store's files on this machine: a server's, or this device's own.

use std::path::Path;

use serde_json::{Value, json};
use store::Sqlite;
use store::sqlite::upkeep::restore;

use crate::arguments::server::{Store, StoreCommand};
use crate::cause;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::columns;

/// Does it.
pub(crate) fn run(context: &Context, store: &Store) -> Outcome<Exit> {
    let folder = store.data.clone().unwrap_or_else(|| context.home.store());
    let refused = |error: protocol::Error| cause::management(&error);
    let (lines, members) = match &store.command {
        StoreCommand::Restore { file } => {
            let kept = restore(&folder, file).map_err(|error| refused(error).note("the store is as it was"))?;
            let mut lines =
                vec![format!("{} is what the backup holds; devices put back what came later when they next sync", folder.display())];
            lines.extend(kept.iter().map(|kept| format!("what was there is kept in {}", kept.display())));
            (lines, json!({ "kept": kept.map(|kept| kept.display().to_string()) }))
        }
        StoreCommand::Backup { file } => {
            open(&folder)?.backup(file).map_err(refused)?;
            (vec![format!("the whole store is in {}", file.display())], json!({ "file": file.display().to_string() }))
        }
        StoreCommand::Fsck => {
            let checked = open(&folder)?.check_signed(&http::verifies).map_err(refused)?;
            let line = format!(
                "in order: {} entries, {} blobs, {} files, {} lines of the audit log",
                checked.entries, checked.blobs, checked.files, checked.audited
            );
            (vec![line], json!({ "entries": checked.entries, "blobs": checked.blobs, "files": checked.files, "audited": checked.audited }))
        }
        StoreCommand::Stats => stats(&open(&folder)?)?,
        StoreCommand::Compact => {
            let store = open(&folder)?;
            let before = store.stats().map_err(refused)?.bytes;
            store.shrink().map_err(refused)?;
            let after = store.stats().map_err(refused)?.bytes;
            (vec![format!("{before} bytes before, {after} bytes now")], json!({ "before": before, "after": after }))
        }
    };
    lines.iter().for_each(|line| context.terminal.line(line));
    let mut object = json!({ "schema": "syncretic.store/1", "folder": folder.display().to_string() });
    if let (Value::Object(object), Value::Object(members)) = (&mut object, members) {
        object.extend(members);
        object.insert("exit".to_owned(), json!(0));
    }
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}

/// Opens a store that is there; none is made by looking for it.
fn open(folder: &Path) -> Outcome<Sqlite> {
    if !folder.join("store.db").exists() {
        let failure = Failure::usage(format!("there is no store in `{}`", folder.display()));
        return Err(failure.help("name the folder that `syncretic serve --data` was given: `--data DIR`"));
    }
    Sqlite::open(folder).map_err(|error| cause::management(&error))
}

fn stats(store: &Sqlite) -> Outcome<(Vec<String>, Value)> {
    let stats = store.stats().map_err(|error| cause::management(&error))?;
    let rows: Vec<Vec<String>> = stats
        .collections
        .iter()
        .map(|(name, head, entries)| vec![name.clone(), format!("v{head}"), format!("{entries} entries")])
        .collect();
    let mut lines = columns(&rows);
    lines.push(format!("{} blobs of {} chunks, and {} chunks that no blob is made of yet", stats.blobs, stats.chunks, stats.unused));
    lines.push(format!("{} bytes, {} files beside the database", stats.bytes, stats.files));
    let collection = |(name, head, entries): &(String, u64, u64)| json!({ "collection": name, "head": head, "entries": entries });
    let collections: Vec<Value> = stats.collections.iter().map(collection).collect();
    Ok((
        lines,
        json!({ "collections": collections, "blobs": stats.blobs, "chunks": stats.chunks, "unused": stats.unused, "files": stats.files, "bytes": stats.bytes }),
    ))
}
