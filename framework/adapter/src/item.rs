//! What a scan reports: items, and input that cannot be read.

use std::fmt;
use std::path::PathBuf;

use record::Record;

/// The name of an item inside its application: a file name, a UID, a row's key.
///
/// Where an endpoint's keys are [`Unstable`](crate::Keys::Unstable) a key holds only until the item changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub String);

impl Key {
    /// Makes a key from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

/// What tells whether an item is still what it was: opaque bytes, at most 128 of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub Vec<u8>);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// One item as the application shows it.
///
/// Repeated parts carry *local* ids that need to hold within this reading only. An id that begins with `=`
/// is the format's own stable id (PROP-ID). One that begins with `@` names a place of this endpoint that
/// outlives readings (a column). Any other id, a position will do, means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name in the application.
    pub key: Key,
    /// Its fingerprint now.
    pub fingerprint: Fingerprint,
    /// What it shows, with local ids.
    pub record: Record,
    /// Where it stands, for people.
    pub place: Place,
}

/// Where something stands in a person's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from one; none for the file as a whole.
    pub line: Option<u64>,
    /// The column in bytes, counted from one.
    pub column: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// Input that could not be read: it is held and reported, and never taken for a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The item's key, where it can still be told. Without one, no missing item of this scan counts as deleted.
    pub key: Option<Key>,
    /// What a person calls the item, where that can still be read.
    pub title: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// What is wrong, and what to do if we know: a lower-case sentence without a full stop.
    pub reason: String,
}
