//! The note of a folder: one digest of the names and stats of all its files, by which a later look sees that nothing changed.

use record::digest::Hasher;

use super::Stat;

/// The note of a folder while its files are added, in the order of their names.
pub struct Note(Hasher);

impl Note {
    /// Begins the note of the folder of this identity.
    ///
    /// `reader` says what else the reading depends on: another version of the program may read the same bytes otherwise.
    #[must_use]
    pub fn new(reader: &[u8], root: &[u8]) -> Self {
        let mut note = Self(Hasher::default());
        note.part(reader);
        note.part(root);
        note
    }

    /// Adds a file.
    pub fn add(&mut self, name: &[u8], stat: &Stat) {
        self.part(name);
        self.0.update(&stat.size.to_be_bytes());
        for (seconds, nanoseconds) in [stat.modified, stat.changed] {
            self.0.update(&seconds.to_be_bytes());
            self.0.update(&nanoseconds.to_be_bytes());
        }
        self.0.update(&stat.inode.to_be_bytes());
    }

    /// Returns the note.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finish().0.to_vec()
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}
