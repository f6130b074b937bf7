//! A folder of one item a file, as vdirsyncer and khard keep it: found, looked at and replaced, whatever the format.
//!
//! A format says what one file shows and how it is changed ([`Codec`]); [`folder::Folder`] is then a whole adapter.

pub mod folder;
mod listing;
mod mark;
pub mod naming;
pub mod place;
mod plan;
mod rehearsed;

use std::collections::BTreeMap;

use adapter::Blobs;
use record::{Digest, Record};

/// What is told of a file besides its record, and kept in its fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// A digest of its item's UID ([`uid_digest`]).
    pub uid: Option<[u8; 16]>,
    /// Whether its lines end in a bare LF.
    pub bare: bool,
    /// Something of the format's own, such as a version.
    pub own: u8,
}

/// What the files of a folder have in common, so that new ones look like them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Whether most lines end in a bare LF.
    pub bare: bool,
    /// The format's own trait that most files have.
    pub own: Option<u8>,
}

impl Habits {
    /// Returns what items with these traits have in common; the larger of two traits that as many have.
    pub fn of(traits: impl IntoIterator<Item = Traits>) -> Self {
        let (mut own, mut bare, mut all) = (BTreeMap::<u8, usize>::new(), 0, 0);
        for one in traits {
            *own.entry(one.own).or_default() += 1;
            bare += usize::from(one.bare);
            all += 1;
        }
        let own = own.into_iter().max_by_key(|(own, count)| (*count, *own)).map(|(own, _)| own);
        Self { bare: bare * 2 > all, own }
    }
}

/// Why a file cannot be read, with the physical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What a person calls the item.
    pub title: Option<String>,
    /// The physical line, from 1.
    pub line: Option<usize>,
    /// A lower-case sentence without a full stop.
    pub reason: String,
}

impl Fault {
    /// Describes a file that could not be looked into.
    #[must_use]
    pub fn of_file(reason: &str) -> Self {
        Self { title: None, line: None, reason: reason.to_owned() }
    }
}

/// A file as it was written, and the record that it then shows.
#[derive(Clone, Debug)]
pub struct Written {
    /// The whole content of the file.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub record: Record,
    /// What is told of it.
    pub traits: Traits,
}

/// One file's format: bytes to record and back.
pub trait Codec: Send + Sync {
    /// Returns the name and version of what reads: a note that another one made tells it nothing.
    fn reader(&self) -> &'static str;

    /// Returns the ending of the files, without the dot, in lower case.
    fn ending(&self) -> &'static str;

    /// Returns what people call one item: `event`.
    fn noun(&self) -> &'static str;

    /// Reads the one item of a file.
    ///
    /// # Errors
    /// Fails where the file cannot be read as one item.
    fn read(&self, bytes: &[u8]) -> Result<(Record, Traits), Fault>;

    /// Returns the UID of a file's item and what a person calls it, as far as they can be told.
    fn glance(&self, bytes: &[u8]) -> (Option<String>, Option<String>);

    /// Makes the content of a new file.
    ///
    /// # Errors
    /// Fails with a reason for people where the record cannot be written.
    fn create(&self, record: &Record, habits: Habits, blobs: &dyn Blobs) -> Result<Written, String>;

    /// Changes the content of a file so that it shows `record`; what does not change keeps its bytes.
    ///
    /// # Errors
    /// As [`Codec::create`].
    fn edit(&self, bytes: &[u8], record: &Record, blobs: &dyn Blobs) -> Result<Written, String>;

    /// Returns the bytes of a blob that a file holds.
    fn blob(&self, bytes: &[u8], digest: Digest) -> Option<Vec<u8>>;
}

/// Returns what stands for a UID where it is only compared.
#[must_use]
pub fn uid_digest(uid: &str) -> [u8; 16] {
    Digest::of(uid.as_bytes()).head()
}
