//! What every case has: where it is run, with how much data, and what several of them prepare.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::contestant::{Contestant, Field};
use crate::data::Sizes;
use crate::error::Error;

/// Everything that a case needs.
pub(crate) struct Bench {
    /// Where it is run.
    pub(crate) field: Field,
    /// How much data there is.
    pub(crate) sizes: Sizes,
}

/// How long files must have rested until their times alone say that they did not change.
const REST: Duration = Duration::from_secs(3);

/// Syncs until everything is known and at rest.
pub(crate) fn at_rest(bench: &Bench, sync: impl Fn() -> Command) -> Result<(), Error> {
    bench.field.settle(sync())?;
    std::thread::sleep(REST);
    bench.field.settle(sync())
}

/// Returns what is done before a run that needs nothing.
pub(crate) fn nothing() -> Box<dyn Fn(usize) -> Result<(), Error>> {
    Box::new(|_| Ok(()))
}

/// Returns the bare walk of some folders.
pub(crate) fn walk<'a>(bench: &'a Bench, name: &str, folders: Vec<PathBuf>) -> Contestant<'a> {
    let command = move || {
        let arguments: Vec<&std::ffi::OsStr> =
            std::iter::once("walk".as_ref()).chain(folders.iter().map(|folder| folder.as_os_str())).collect();
        bench.field.bare(&arguments)
    };
    Contestant { name: name.to_owned(), before: nothing(), command: Box::new(command) }
}
