//! Entries of a collection's log.

use sha2::{Digest, Sha256};

use crate::cursor::{Cursor, Head};
use crate::envelope::Envelope;
use crate::ids::{Hash, LogId, Sequence};

/// An envelope with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub sequence: Sequence,
    /// The hash of the entry before it.
    pub previous: Hash,
    /// Its own hash, see [`Entry::chain`].
    pub hash: Hash,
    /// What was appended.
    pub envelope: Envelope,
}

impl Entry {
    /// Returns the entry that `envelope` becomes after `head`.
    #[must_use]
    pub fn after(head: &Head, envelope: Envelope) -> Self {
        let digest = Sha256::digest(envelope.encode()).into();
        Self::of_digest(head, envelope, digest)
    }

    /// Returns the entry that `envelope` becomes after `head`; `digest` is the SHA-256 of its canonical bytes.
    pub(crate) fn of_digest(head: &Head, envelope: Envelope, digest: [u8; 32]) -> Self {
        let sequence = head.sequence.next();
        let hash = link(head.log, sequence, head.hash, digest);
        Self { sequence, previous: head.hash, hash, envelope }
    }

    /// Returns an entry's hash: SHA-256(tag ‖ log id ‖ sequence ‖ previous hash ‖ SHA-256(envelope)).
    #[must_use]
    pub fn chain(log: LogId, sequence: Sequence, previous: Hash, envelope: &Envelope) -> Hash {
        link(log, sequence, previous, Sha256::digest(envelope.encode()).into())
    }

    /// Tells whether this is the entry right after `place`: the next sequence, linked to it, and its hash true.
    #[must_use]
    pub fn follows(&self, place: &Cursor) -> bool {
        self.sequence > place.sequence
            && self.sequence == place.sequence.next()
            && self.previous == place.hash
            && self.hash == Self::chain(place.log, self.sequence, self.previous, &self.envelope)
    }

    /// Returns the place of this entry.
    #[must_use]
    pub fn cursor(&self, log: LogId) -> Cursor {
        Cursor { log, sequence: self.sequence, hash: self.hash }
    }
}

fn link(log: LogId, sequence: Sequence, previous: Hash, envelope: [u8; 32]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"syncretic.entry/1\0");
    hasher.update(log.0);
    hasher.update(sequence.0.to_be_bytes());
    hasher.update(previous.0);
    hasher.update(envelope);
    Hash(hasher.finalize().into())
}
