//! Where items stand: a folder of one item a file, or one file of many, and whether it may be made.

use std::fs;
use std::io;
use std::path::Path;

use adapter::{Error, OptionKind, OptionSpec, OptionValue, Options};

use crate::naming::is_item;

/// The name of the option that lets a place be made.
pub const CREATE: &str = "create";

/// Returns the option `create`.
#[must_use]
pub fn option() -> OptionSpec {
    OptionSpec { name: CREATE, kind: OptionKind::Boolean, summary: "Whether to make the folder or file where there is none yet." }
}

/// Reads the option `create`; false if it is not there.
///
/// # Errors
/// Fails if it is neither true nor false.
pub fn may_create(options: &Options) -> Result<bool, Error> {
    match options.get(CREATE) {
        None => Ok(false),
        Some(OptionValue::Boolean(create)) => Ok(*create),
        Some(_) => Err(Error::Config { option: CREATE.to_owned(), reason: "write true or false".to_owned() }),
    }
}

/// Tells a folder from a file; a name with the items' ending is a file where nothing is there yet.
///
/// # Errors
/// Fails if nothing is there and nothing may be made, or if it cannot be asked about.
pub fn is_folder(path: &Path, create: bool, ending: &str) -> Result<bool, Error> {
    let named = || path.file_name().is_some_and(|name| is_item(&name.to_string_lossy(), ending));
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
