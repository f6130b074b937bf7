//! What a configuration says once it is known to be right.

use std::path::PathBuf;

use crate::options::Options;
use crate::source::{Source, Span, Spanned};

/// A whole configuration file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from, to report at its lines.
    pub source: Source,
    /// Where the logs are kept.
    pub store: StoreChoice,
    /// The jobs, in the order of the file; at least one.
    pub jobs: Vec<Job>,
}

/// Where the logs of the collections are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// In this machine's state directory.
    Embedded,
    /// On the server of this address, as it was written.
    Url(Spanned<String>),
}

/// One collection and this device's endpoints of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: Spanned<String>,
    /// The collection, which is the job's name unless something else was written.
    pub collection: Spanned<String>,
    /// The kind of record, unless the adapters decide.
    pub kind: Option<Spanned<String>>,
    /// The endpoints, in the order of the file; at least one.
    pub endpoints: Vec<Endpoint>,
    /// What becomes of a field that was changed on two sides.
    pub same_field: SameField,
    /// What becomes of a file whose content was changed on two sides.
    pub merge: Merge,
    /// The limit on deletions.
    pub guard: Guard,
    /// How records are linked when an endpoint joins.
    pub link: Link,
}

/// An adapter and a place on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name, unique in the collection; by default adapter and path, like `csv:contacts.csv`.
    pub name: Spanned<String>,
    /// The adapter's id.
    pub adapter: Spanned<String>,
    /// The absolute path; neither it nor its parents need to exist.
    pub path: Spanned<PathBuf>,
    /// The adapter's own options, unchecked.
    pub options: Options,
    /// Where the endpoint's table begins.
    pub at: Span,
}

/// The value that stands when a field was changed on two sides; the other one is always kept in the conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SameField {
    /// What the store already has.
    #[default]
    Store,
    /// What this device has.
    Mine,
    /// What the device of this name has.
    Prefer(String),
}

/// What becomes of a file whose content was changed on two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// Both contents stand, one under a name of its own.
    #[default]
    Nothing,
    /// Text is merged line by line, where the changes do not meet.
    Text,
}

/// The limit on deletions: a sync stops when more than both numbers would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// In percent of what the endpoint last showed, 0 to 100.
    pub max_delete_percent: u8,
    /// In records.
    pub min_delete: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self { max_delete_percent: 10, min_delete: 5 }
    }
}

/// How records are linked when an endpoint joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether certain matches are linked without asking.
    pub auto: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { auto: true }
    }
}
