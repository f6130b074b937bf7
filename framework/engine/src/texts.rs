//! The texts that a session merged: they are not in the store yet, so whoever writes or sends them has them from here.

use std::collections::{BTreeMap, BTreeSet};

use record::{Digest, RecordId};

/// How many bytes of merged texts are held at once; what is beyond that waits for the next round.
const TOGETHER: usize = 64 << 20;

/// The texts that were merged and are to be written, and then to be told.
#[derive(Default)]
pub(crate) struct Texts {
    contents: BTreeMap<Digest, Vec<u8>>,
    records: BTreeSet<RecordId>,
    bytes: usize,
}

impl Texts {
    /// Returns a content that was made here, and that the store does not have yet.
    pub(crate) fn content(&self, digest: Digest) -> Option<&[u8]> {
        self.contents.get(&digest).map(Vec::as_slice)
    }

    /// Tells whether a record's content was merged.
    pub(crate) fn has(&self, id: RecordId) -> bool {
        self.records.contains(&id)
    }

    /// Tells whether one more can be held.
    pub(crate) fn has_room_for(&self, text: &str) -> bool {
        self.contents.is_empty() || self.bytes + text.len() <= TOGETHER
    }

    /// Takes the text that a record was merged to.
    pub(crate) fn add(&mut self, id: RecordId, digest: Digest, text: String) {
        self.bytes += text.len();
        self.records.insert(id);
        self.contents.insert(digest, text.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_held_than_fit_but_one_always_does() {
        let mut texts = Texts::default();
        let large = "x".repeat(TOGETHER);
        assert!(texts.has_room_for(&format!("{large}x")));
        texts.add(RecordId([1; 16]), Digest::of(b"y"), "y".to_owned());
        assert!(texts.has_room_for(&large[1..]) && !texts.has_room_for(&large));
        assert!(texts.has(RecordId([1; 16])) && !texts.has(RecordId([2; 16])));
        assert_eq!(texts.content(Digest::of(b"y")), Some(b"y".as_slice()));
    }
}
