//! What a test tells the suite about its adapter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter::{Format, Item, Options};
use record::{Blob, Record, Value};

/// How much chance a check takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuzzing {
    /// The number of the first row of actions: the same number is the same row.
    pub seed: u64,
    /// How many rows are tried.
    pub rounds: u64,
}

impl Default for Fuzzing {
    fn default() -> Self {
        Self { seed: 1, rounds: 6 }
    }
}

/// An adapter under test: how its places are made and changed behind its back, without the adapter itself.
pub trait Subject {
    /// Returns the format.
    fn format(&self) -> &dyn Format;

    /// Returns the options with which every place is opened.
    fn options(&self) -> Options {
        Options::new()
    }

    /// Names the endpoint's file or folder inside a fresh folder. Makes nothing.
    fn place(&self, folder: &Path) -> PathBuf;

    /// Makes a place that holds `count` different items, written as the application would; with none it is empty and still whole.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    fn make(&self, path: &Path, count: usize) -> io::Result<()>;

    /// Returns a record that the endpoint can hold in full. Different numbers are different people or things, numbers
    /// from 1000 on are others than those [`Subject::make`] makes, and each holds [`Subject::field`].
    fn sample(&self, number: usize) -> Record;

    /// Names an optional text field that every item shows and that takes any text: `notes/1/note`.
    fn field(&self) -> &'static str;

    /// Changes the content of one item as an editor would, keeping the file's size if the format lets it.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    fn edit(&self, path: &Path, item: &Item) -> io::Result<()>;

    /// Makes one item unreadable and leaves the others whole. Answers `false` if the format has no such thing.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool>;

    /// Adds to one item something that the format allows and the adapter does not know, and returns its bytes.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>>;

    /// Takes the place away, as an unmounted disk does.
    ///
    /// # Errors
    /// Fails if it cannot be removed.
    fn remove(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    /// Returns the record with one more field that holds the blob, if the format holds blobs.
    fn with_blob(&self, _record: &Record, _blob: Blob) -> Option<Record> {
        None
    }

    /// Names a volatile field and a value for it that no item has. Asked if the profile declares any.
    fn volatile(&self) -> Option<(&'static str, Value)> {
        None
    }

    /// Tells whether the part that [`Subject::field`] belongs to may stand any number of times in one item.
    fn repeats(&self) -> bool {
        false
    }

    /// Names a field of [`Subject::sample`] that holds a date, if the format has such fields.
    fn date(&self) -> Option<&'static str> {
        None
    }

    /// Names a field of [`Subject::sample`] that holds a whole number, if the format has such fields.
    fn number(&self) -> Option<&'static str> {
        None
    }

    /// Makes a place with items that are written as oddly as the format allows: line endings, folds, case, quotes. Answers
    /// `false` if there is one way only.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    fn make_oddly(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }

    /// Returns how many lines of a file may differ after one short text was changed.
    fn lines_of_an_edit(&self) -> usize {
        1
    }

    /// Returns a command that runs [`act`](crate::act) with this subject and folder in a process of its own.
    ///
    /// Without one, nothing can be killed.
    fn actor(&self, _folder: &Path) -> Option<Command> {
        None
    }

    /// Tells whether the adapter works in this process, so that a panic of its host ends its work.
    fn crashes_here(&self) -> bool {
        true
    }

    /// Says how much chance is taken.
    fn fuzzing(&self) -> Fuzzing {
        Fuzzing::default()
    }

    /// Names checks that are not to be run, each with its reason.
    fn exemptions(&self) -> &[(&'static str, &'static str)] {
        &[]
    }
}
