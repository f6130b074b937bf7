//! `plugins.lock`: which plugins were let in, and the hashes that pin them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use toml::{Table, Value};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The version of the file.
const VERSION: i64 = 1;

/// One plugin that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// Its version.
    pub(crate) version: String,
    /// SHA-256 of its file.
    pub(crate) sha256: String,
    /// SHA-256 of its manifest.
    pub(crate) manifest: String,
    /// When, in seconds since 1970.
    pub(crate) added: i64,
}

/// Reads the pins, by id.
pub(crate) fn read(path: &Path) -> Outcome<BTreeMap<String, Pin>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Failure::io("read", path, &error)),
    };
    let table: Table = toml::from_str(&text).map_err(|error| damaged(path, &error.to_string()))?;
    match table.get("version").and_then(Value::as_integer) {
        Some(VERSION) => {}
        other => return Err(damaged(path, &format!("its version is {other:?}, and this program knows {VERSION}"))),
    }
    let plugins = table.get("plugin").and_then(Value::as_table).cloned().unwrap_or_default();
    plugins
        .iter()
        .map(|(id, pin)| Ok((id.clone(), pin_of(pin).ok_or_else(|| damaged(path, &format!("the entry of `{id}` is not whole")))?)))
        .collect()
}

fn damaged(path: &Path, reason: &str) -> Failure {
    let failure = Failure::new(Exit::Integrity, format!("`{}` cannot be read: {}", path.display(), reason.trim_end()));
    failure.note("no plugin is run without it").help("put it back, or remove it and add the plugins again")
}

fn pin_of(value: &Value) -> Option<Pin> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some(Pin { version: text("version")?, sha256: text("sha256")?, manifest: text("manifest")?, added: value.get("added")?.as_integer()? })
}

/// Writes the pins in one step.
pub(crate) fn write(path: &Path, pins: &BTreeMap<String, Pin>) -> Outcome<()> {
    let mut text = format!("# Plugins that were let in with `syncretic plugin add`. Do not edit.\nversion = {VERSION}\n");
    for (id, pin) in pins {
        // A text of JSON is a basic string of TOML.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        // Writing to memory cannot fail.
        let _ = write!(
            text,
            "\n[plugin.{}]\nversion = {}\nsha256 = {}\nmanifest = {}\nadded = {}\n",
            quoted(id),
            quoted(&pin.version),
            quoted(&pin.sha256),
            quoted(&pin.manifest),
            pin.added
        );
    }
    let staged = path.with_extension(format!("lock.{}", std::process::id()));
    let written = fs::File::create(&staged).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&staged, path)).map_err(|error| Failure::io("write", path, &error))
}
