//! iCalendar: a folder of one event a file, or a single file of many (RFC 5545, RFC 7986, RFC 9074).
//!
//! The rooms: `source` finds items and replaces files, `calendar` finds the components of a file, `entry` reads one item,
//! `map` is the table that both directions go through, `write` changes an item by its lines and proves the result by
//! reading it back, `zone` knows the names of time zones.

mod calendar;
mod entry;
mod map;
mod source;
mod unreadable;
mod write;
pub mod zone;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adapter::{Adapter, Atomicity, Description, Error, Format, Host, Keys, OptionKind, OptionSpec, OptionValue, Options};
use record::Kind;
use vdir::folder::Folder;
use vdir::naming::is_item;

use crate::map::table::FILE;
use crate::source::codec::ItemFile;
use crate::source::profile::profile;
use crate::source::single::Single;

/// The adapter `ical`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ical;

/// Returns the adapter.
#[must_use]
pub fn format() -> &'static dyn Format {
    &Ical
}

const CREATE: &str = "create";

impl Format for Ical {
    fn describe(&self) -> Description {
        Description {
            id: "ical",
            summary: "Events, tasks and journal entries as iCalendar: a folder of one a file, or a single file of many.",
            kinds: vec![Kind::EVENT, Kind::TASK, Kind::JOURNAL, Kind::FREEBUSY, Kind::CALENDAR],
            options: vec![OptionSpec {
                name: CREATE,
                kind: OptionKind::Boolean,
                summary: "Whether to make the folder or file where there is none yet.",
            }],
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        if let Some(name) = options.keys().find(|name| *name != CREATE) {
            return Err(Error::Config { option: name.clone(), reason: format!("is not known; `{CREATE}` is") });
        }
        let create = create(options)?;
        if is_folder(&path, create)? {
            let profile = profile(Keys::Stable, Atomicity::Item, FILE);
            Ok(Box::new(Folder::new(path, create, Box::new(ItemFile), profile, host)))
        } else {
            Ok(Box::new(Single::new(path, create, host)))
        }
    }
}

fn create(options: &Options) -> Result<bool, Error> {
    match options.get(CREATE) {
        None => Ok(false),
        Some(OptionValue::Boolean(create)) => Ok(*create),
        Some(_) => Err(Error::Config { option: CREATE.to_owned(), reason: "write true or false".to_owned() }),
    }
}

/// Tells a folder from a file; a name that ends in `.ics` is a file where nothing is there yet.
fn is_folder(path: &Path, create: bool) -> Result<bool, Error> {
    let named = || path.file_name().is_some_and(|name| is_item(&name.to_string_lossy(), "ics"));
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => Ok(!named()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Source {
            path: path.to_owned(),
            reason: "is not there; restore it, correct `path`, or add `create = true` to have it made".to_owned(),
        }),
        Err(error) => Err(Error::io(path, error)),
    }
}
