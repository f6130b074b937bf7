//! A plugin's manifest, `adapter.toml`: read without running anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use adapter::{Description, OptionKind, OptionSpec, told};
use serde_json::json;
use toml::{Table, Value};

use crate::failure::{Failure, Outcome};

/// The name of the file.
pub(crate) const NAME: &str = "adapter.toml";
/// The longest manifest in bytes.
const LONGEST: u64 = 256 * 1024;
/// The version of the boundary that this program speaks.
const MAJOR: &str = "1";
const KEYS: &[&str] =
    &["id", "version", "abi", "kind", "summary", "kinds", "license", "homepage", "arguments", "capabilities", "file", "sha256", "option"];

/// Something that not every adapter can do or needs, and that its manifest says.
pub(crate) struct Capability {
    /// Its word.
    pub(crate) name: &'static str,
    /// What it means, for people.
    pub(crate) meaning: &'static str,
    /// The check that must apply to whoever claims it.
    pub(crate) check: Option<&'static str>,
}

/// Every capability.
pub(crate) const CAPABILITIES: &[Capability] = &[
    Capability { name: "blobs", meaning: "its items hold large values", check: Some("blob-roundtrip") },
    Capability { name: "note", meaning: "it tells by a look that nothing changed", check: Some("scan-note-same") },
    Capability { name: "secrets", meaning: "it asks for secrets, as passwords", check: Some("secret-never-told") },
    Capability { name: "network", meaning: "it talks to the network", check: None },
];

/// The capability without which no secret is given.
pub(crate) const SECRETS: &str = "secrets";

/// How a plugin is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A dynamic library.
    Library,
    /// A program that speaks the protocol.
    Command,
}

/// What a plugin says it is.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// What it is called, holds and takes; `isolation` and `deadline` among its options.
    pub(crate) description: Description,
    /// Its version.
    pub(crate) version: String,
    /// How it is run.
    pub(crate) kind: Kind,
    /// Its file for this machine, relative to the manifest.
    pub(crate) file: PathBuf,
    /// The arguments of a program.
    pub(crate) arguments: Vec<String>,
    /// What it can do or needs beside what every adapter does.
    pub(crate) capabilities: Vec<&'static str>,
    /// The hash that the file should have, if the manifest says so.
    pub(crate) sha256: Option<String>,
    /// Its licence and home page, for people.
    pub(crate) notes: BTreeMap<&'static str, String>,
    /// The manifest's own bytes.
    pub(crate) bytes: Vec<u8>,
}

/// The option that says where a library runs.
pub(crate) const ISOLATION: &str = "isolation";
/// The option that says how long a plugin may be silent.
pub(crate) const DEADLINE: &str = "deadline";

impl Manifest {
    /// Reads the manifest of a folder.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join(NAME);
        let wrong = |reason: String| {
            Failure::usage(format!("{}: {reason}", path.display())).help("correct the manifest, or tell the plugin's author")
        };
        let length = fs::metadata(&path).map_err(|error| {
            let failure = Failure::usage(format!("`{}` cannot be read: {error}", path.display()));
            failure.help(format!("name the folder in which the plugin's `{NAME}` lies"))
        })?;
        if length.len() > LONGEST {
            return Err(wrong(format!("the manifest has {} bytes; at most {LONGEST} are read", length.len())));
        }
        let bytes = fs::read(&path).map_err(|error| Failure::io("read", &path, &error))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("the manifest is not UTF-8".to_owned()))?;
        let table: Table = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        Self::of(&table, bytes.clone()).map_err(wrong)
    }

    fn of(table: &Table, bytes: Vec<u8>) -> Result<Self, String> {
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("there is no key `{unknown}`; keys: {}", KEYS.join(", ")));
        }
        let text = |name: &str| table.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is missing or no text"));
        let id = text("id")?;
        check_id(id)?;
        let abi = text("abi")?;
        if abi.split('.').next() != Some(MAJOR) {
            return Err(format!("it is for ABI {abi}, and this Syncretic speaks {MAJOR}.0; get the plugin for this version"));
        }
        let kind = match text("kind")? {
            "library" => Kind::Library,
            "command" => Kind::Command,
            other => return Err(format!("`kind` is `{other}`; it is `library` or `command`")),
        };
        let of_here = |name: &str| {
            let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
            let files = table.get(name)?.as_table()?;
            files.get(&platform).or_else(|| files.get("any")).map(|file| file.as_str().map(str::to_owned))
        };
        let file = of_here("file").flatten().ok_or_else(|| {
            format!("it has no file for this machine, `{}-{}`, below [file]", std::env::consts::ARCH, std::env::consts::OS)
        })?;
        let file = PathBuf::from(file);
        if file.is_absolute() || file.components().any(|part| matches!(part, std::path::Component::ParentDir)) {
            return Err(format!("the file `{}` lies outside the plugin's folder", file.display()));
        }
        let strings = |name: &str| table.get(name).and_then(Value::as_array).into_iter().flatten();
        let arguments = strings("arguments").map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
        let notes = ["license", "homepage"].into_iter().filter_map(|name| Some((name, table.get(name)?.as_str()?.to_owned())));
        Ok(Self {
            description: description(table)?,
            version: text("version")?.to_owned(),
            kind,
            file,
            arguments: arguments.ok_or("`arguments` is no list of texts")?,
            capabilities: capabilities(table)?,
            sha256: of_here("sha256").flatten(),
            notes: notes.collect(),
            bytes,
        })
    }
}

fn capabilities(table: &Table) -> Result<Vec<&'static str>, String> {
    let Some(list) = table.get("capabilities") else { return Ok(Vec::new()) };
    let known = || CAPABILITIES.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
    let list = list.as_array().ok_or("`capabilities` is no list of texts")?;
    let one = |value: &Value| {
        let found = CAPABILITIES.iter().find(|known| value.as_str() == Some(known.name));
        found
            .map(|known| known.name)
            .ok_or_else(|| format!("there is no capability `{}`; there are {}", value.as_str().unwrap_or_default(), known()))
    };
    list.iter().map(one).collect()
}

fn check_id(id: &str) -> Result<(), String> {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if id.len() <= 100 && id.contains('.') && id.split('.').all(plain) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no id; it is like `org.example.notes`: a-z, 0-9 and `-`, in parts with dots between them",
        crate::terminal::shown(id)
    ))
}

fn description(table: &Table) -> Result<Description, String> {
    let plain = serde_json::to_value(table).map_err(|error| error.to_string())?;
    let options = plain.get("option").cloned().unwrap_or_else(|| json!([]));
    let document = json!({ "id": plain.get("id"), "summary": plain.get("summary"), "kinds": plain.get("kinds"), "options": options });
    let mut description = told::description(document.to_string().as_bytes())?;
    if let Some(taken) = description.options.iter().find(|option| [ISOLATION, DEADLINE].contains(&option.name)) {
        return Err(format!("the option `{}` is Syncretic's own; rename it", taken.name));
    }
    description.options.push(OptionSpec {
        name: ISOLATION,
        kind: OptionKind::Choice(&["process", "none"]),
        summary: "Where a library runs: in a helper process, or in Syncretic's own.",
    });
    description.options.push(OptionSpec {
        name: DEADLINE,
        kind: OptionKind::Integer,
        summary: "How many seconds it may work without a word before it is ended.",
    });
    Ok(description)
}

/// Returns the description without the options that every plugin has.
pub(crate) fn own(description: &Description) -> Description {
    let mut own = description.clone();
    own.options.retain(|option| ![ISOLATION, DEADLINE].contains(&option.name));
    own
}
