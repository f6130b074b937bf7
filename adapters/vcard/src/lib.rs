//! vCard 2.1, 3.0 and 4.0: a folder of one card a file, or a single file of many (RFC 6350, RFC 2426).
//!
//! The rooms: `source` finds cards and replaces files, `card` reads one card, `map` is the table that both
//! directions go through, `write` changes a card by its lines and proves the result by reading it back.

mod card;
pub mod holding;
mod map;
mod source;
mod unreadable;
mod version;
mod write;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use adapter::{Adapter, Atomicity, Description, Error, Format, Host, Keys, OptionKind, OptionSpec, OptionValue, Options};
use record::Kind;
use vdir::folder::Folder;
use vdir::place::{self, CREATE, is_folder, may_create};

use crate::source::codec::CardFile;
use crate::source::profile::profile;
use crate::source::single::Single;
use crate::version::Version;

/// The adapter `vcard`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vcard;

/// Returns the adapter.
#[must_use]
pub fn format() -> &'static dyn Format {
    &Vcard
}

const VERSION: &str = "version";

impl Format for Vcard {
    fn describe(&self) -> Description {
        Description {
            id: "vcard",
            summary: "Contacts as vCards: a folder of one card a file, or a single file of many.",
            kinds: vec![Kind::CONTACT, Kind::GROUP],
            options: vec![
                OptionSpec {
                    name: VERSION,
                    kind: OptionKind::Choice(&["2.1", "3.0", "4.0"]),
                    summary: "The version of new cards; by default the one that most cards have, else 4.0.",
                },
                place::option(),
            ],
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        known(options)?;
        let version = version(options)?;
        let create = may_create(options)?;
        if is_folder(&path, create, "vcf")? {
            let profile = profile(Keys::Stable, Atomicity::Item);
            Ok(Box::new(Folder::new(path, create, Box::new(CardFile { version }), profile, host)))
        } else {
            Ok(Box::new(Single::new(path, create, version, host)))
        }
    }
}

fn known(options: &Options) -> Result<(), Error> {
    match options.keys().find(|name| ![VERSION, CREATE].contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::Config { option: name.clone(), reason: format!("is not known; `{VERSION}` and `{CREATE}` are") }),
    }
}

fn version(options: &Options) -> Result<Option<Version>, Error> {
    let wrong = || Error::Config { option: VERSION.to_owned(), reason: "write \"2.1\", \"3.0\" or \"4.0\"".to_owned() };
    match options.get(VERSION) {
        None => Ok(None),
        Some(OptionValue::Text(text)) => Version::read(text).map(Some).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}
