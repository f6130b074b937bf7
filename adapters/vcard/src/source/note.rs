//! The note of a folder: one digest of the names and stats of all its cards, by which a later look sees that nothing changed.

use adapter::staging::Stat;
use record::digest::Hasher;

/// What the note is made of besides the files: another version of the program may read the same bytes otherwise.
const TAG: &str = concat!("vcard-folder/1 ", env!("CARGO_PKG_VERSION"));

/// The note of a folder while its files are added, in the order of their names.
pub(crate) struct Note(Hasher);

impl Note {
    /// Begins the note of the folder of this identity.
    pub(crate) fn new(root: &[u8]) -> Self {
        let mut note = Self(Hasher::default());
        note.part(TAG.as_bytes());
        note.part(root);
        note
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, name: &str, stat: &Stat) {
        self.part(name.as_bytes());
        self.0.update(&stat.size.to_be_bytes());
        for (seconds, nanoseconds) in [stat.modified, stat.changed] {
            self.0.update(&seconds.to_be_bytes());
            self.0.update(&nanoseconds.to_be_bytes());
        }
        self.0.update(&stat.inode.to_be_bytes());
    }

    /// Returns the note.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().0.to_vec()
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}
