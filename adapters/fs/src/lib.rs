//! A folder of files of any kind, each of them a record: path, content, time, permission to run.
//!
//! The rooms: `walk` finds names and `scan` compares them with what was known, `plan` says what operations do, `step` does it by
//! exchanges that a `journal` describes; whatever touches the disk goes through `beneath`, which never leaves the folder.

mod beneath;
mod endpoint;
mod exchange;
mod journal;
mod mark;
mod name;
mod plan;
mod read;
mod rules;
mod scan;
mod shape;
mod step;
mod trash;
mod walk;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::PathBuf;

use adapter::{Adapter, Description, Error, Format, Host, OptionKind, OptionSpec, OptionValue, Options};
use record::Kind;

use crate::endpoint::{Folder, Settings};
use crate::rules::Rules;

/// The adapter `fs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

/// Returns the adapter.
#[must_use]
pub fn format() -> &'static dyn Format {
    &Files
}

const INCLUDE: &str = "include";
const EXCLUDE: &str = "exclude";
const SYMLINKS: &str = "symlinks";
const MARKER: &str = "marker";
const TRASH: &str = "trash";
const CREATE: &str = "create";

/// For how many days what was deleted or replaced is kept where nothing else is asked for.
const TRASH_DAYS: i64 = 30;
/// The most days that can be asked for: a hundred years.
const MOST_DAYS: i64 = 36_500;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: INCLUDE,
        kind: OptionKind::List,
        summary: "Which files are synced, as lines of a .gitignore would name them; all of them by default.",
    },
    OptionSpec { name: EXCLUDE, kind: OptionKind::List, summary: "Which files and folders are left out, as lines of a .gitignore." },
    OptionSpec {
        name: SYMLINKS,
        kind: OptionKind::Boolean,
        summary: "Whether symbolic links that stay inside the folder are synced, as links; never followed. By default they are passed over.",
    },
    OptionSpec {
        name: MARKER,
        kind: OptionKind::Text,
        summary: "A file in the folder that proves that its disk is mounted: without it nothing is read or written.",
    },
    OptionSpec {
        name: TRASH,
        kind: OptionKind::Integer,
        summary: "For how many days what a sync deletes or replaces is kept in .syncretic/trash; 30 by default, 0 for not at all.",
    },
    OptionSpec { name: CREATE, kind: OptionKind::Boolean, summary: "Whether to make the folder where there is none yet." },
];

impl Format for Files {
    fn describe(&self) -> Description {
        Description { id: "fs", summary: "A folder of files of any kind.", kinds: vec![Kind::FILE], options: OPTIONS.to_vec() }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        Ok(Box::new(folder(path, options, host)?))
    }
}

fn folder(path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Folder, Error> {
    if let Some(name) = options.keys().find(|name| !OPTIONS.iter().any(|option| option.name == name.as_str())) {
        let known: Vec<String> = OPTIONS.iter().map(|option| format!("`{}`", option.name)).collect();
        return Err(Error::Config { option: name.clone(), reason: format!("is not known; known are {}", known.join(", ")) });
    }
    let (create, marker) = (truth(options, CREATE)?, marker(options)?);
    match fs::metadata(&path) {
        Ok(found) if !found.is_dir() => {
            return Err(Error::Source { path, reason: "is no folder; `fs` syncs whole folders".to_owned() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !create => {
            let reason = "is not there; restore it, mount its disk, correct `path`, or add `create = true` to have it made".to_owned();
            return Err(Error::Source { path, reason });
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(path, error)),
        _ => {}
    }
    let rules = Rules::new(&texts(options, INCLUDE)?, &texts(options, EXCLUDE)?, marker.as_deref())?;
    let settings = Settings { rules, symlinks: truth(options, SYMLINKS)?, create, marker, days: days(options)? };
    Ok(Folder::new(path, settings, host))
}

fn wrong(option: &str, reason: &str) -> Error {
    Error::Config { option: option.to_owned(), reason: reason.to_owned() }
}

fn truth(options: &Options, name: &str) -> Result<bool, Error> {
    match options.get(name) {
        None => Ok(false),
        Some(OptionValue::Boolean(truth)) => Ok(*truth),
        Some(_) => Err(wrong(name, "write true or false")),
    }
}

fn texts(options: &Options, name: &str) -> Result<Vec<String>, Error> {
    match options.get(name) {
        None => Ok(Vec::new()),
        Some(OptionValue::List(texts)) => Ok(texts.clone()),
        Some(OptionValue::Text(text)) => Ok(vec![text.clone()]),
        Some(_) => Err(wrong(name, "write a list of patterns, as [\"*.tmp\", \"/build/\"]")),
    }
}

fn marker(options: &Options) -> Result<Option<String>, Error> {
    match options.get(MARKER) {
        None => Ok(None),
        Some(OptionValue::Text(text)) if name::writable(text).is_ok() => Ok(Some(text.clone())),
        Some(_) => Err(wrong(MARKER, "write the path of a file inside the folder, as \"here.txt\"")),
    }
}

fn days(options: &Options) -> Result<i64, Error> {
    match options.get(TRASH) {
        None => Ok(TRASH_DAYS),
        Some(OptionValue::Integer(days)) if (0..=MOST_DAYS).contains(days) => Ok(*days),
        Some(_) => Err(wrong(TRASH, "write a number of days from 0 to 36500")),
    }
}
