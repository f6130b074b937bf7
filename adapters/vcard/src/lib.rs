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

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adapter::{Adapter, Atomicity, Description, Error, Format, Host, Keys, OptionKind, OptionSpec, OptionValue, Options};
use record::Kind;
use vdir::folder::Folder;
use vdir::naming::is_item;

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
const CREATE: &str = "create";

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
                OptionSpec {
                    name: CREATE,
                    kind: OptionKind::Boolean,
                    summary: "Whether to make the folder or file where there is none yet.",
                },
            ],
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        known(options)?;
        let version = version(options)?;
        let create = create(options)?;
        if is_folder(&path, create)? {
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

fn create(options: &Options) -> Result<bool, Error> {
    match options.get(CREATE) {
        None => Ok(false),
        Some(OptionValue::Boolean(create)) => Ok(*create),
        Some(_) => Err(Error::Config { option: CREATE.to_owned(), reason: "write true or false".to_owned() }),
    }
}

/// Tells a folder from a file; a name that ends in `.vcf` is a file where nothing is there yet.
fn is_folder(path: &Path, create: bool) -> Result<bool, Error> {
    let named = || path.file_name().is_some_and(|name| is_item(&name.to_string_lossy(), "vcf"));
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
