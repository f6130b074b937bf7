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

use std::path::PathBuf;

use adapter::{Adapter, Atomicity, Description, Error, Format, Host, Keys, Options};
use record::Kind;
use vdir::folder::Folder;
use vdir::place::{self, CREATE, is_folder, may_create};

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

impl Format for Ical {
    fn describe(&self) -> Description {
        Description {
            id: "ical",
            summary: "Events, tasks and journal entries as iCalendar: a folder of one a file, or a single file of many.",
            kinds: vec![Kind::EVENT, Kind::TASK, Kind::JOURNAL, Kind::FREEBUSY, Kind::CALENDAR],
            options: vec![place::option()],
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        if let Some(name) = options.keys().find(|name| *name != CREATE) {
            return Err(Error::Config { option: name.clone(), reason: format!("is not known; `{CREATE}` is") });
        }
        let create = may_create(options)?;
        if is_folder(&path, create, "ics")? {
            let profile = profile(Keys::Stable, Atomicity::Item, FILE);
            Ok(Box::new(Folder::new(path, create, Box::new(ItemFile), profile, host)))
        } else {
            Ok(Box::new(Single::new(path, create, host)))
        }
    }
}
