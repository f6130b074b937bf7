//! A format as an adapter offers it: its description, its options, and how an endpoint is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;

use record::Kind;

use crate::contract::Adapter;
use crate::error::Error;

/// An adapter before it is configured.
pub trait Format: Sync {
    /// Describes the format and its options.
    fn describe(&self) -> Description;

    /// Opens one endpoint. Opening reads little and writes nothing.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] if an option is wrong, and with [`Error::Source`] if the place is not there.
    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error>;
}

/// What a format is called, holds and takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The name by which jobs ask for it: `vcard`.
    pub id: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// The kinds of records it can hold.
    pub kinds: Vec<Kind>,
    /// Its options, in the order of the documentation.
    pub options: Vec<OptionSpec>,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// What it does: one sentence for people.
    pub summary: &'static str,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionKind {
    /// A text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    List,
    /// A table of texts, in order.
    Table,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
    /// A table of texts, in the order in which they were written.
    Table(Vec<(String, String)>),
}

/// An endpoint's own options by name.
pub type Options = BTreeMap<String, OptionValue>;

/// What the host offers to an adapter while it works.
pub trait Host: Send + Sync {
    /// Tells people something: lower-case, without record contents.
    fn log(&self, message: &str);

    /// Tells how far the work is: items done, and of how many if known.
    fn progress(&self, done: u64, of: Option<u64>);

    /// Tells whether someone asked to stop.
    fn cancelled(&self) -> bool;

    /// Returns a secret by name.
    fn secret(&self, name: &str) -> Option<String>;
}

/// A host that offers nothing and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Host for Silent {
    fn log(&self, _message: &str) {}

    fn progress(&self, _done: u64, _of: Option<u64>) {}

    fn cancelled(&self) -> bool {
        false
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}
