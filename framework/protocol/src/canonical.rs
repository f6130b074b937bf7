//! An envelope's canonical bytes, as they were received: read, hashed and kept without being written anew.

use sha2::{Digest, Sha256};

use crate::entry::Entry;
use crate::envelope::{self, Envelope};
use crate::error::Error;
use crate::ids::Collection;

/// What stands before the body: the head of `[body, signature]`.
const BEFORE: usize = 1;
/// What stands after the body: the signature, and its head.
const AFTER: usize = 2 + 64;

/// The bytes of an envelope, known to be canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    bytes: Vec<u8>,
    digest: [u8; 32],
}

impl Canonical {
    /// Reads an envelope, and returns the entry that it becomes right after its base.
    ///
    /// # Errors
    /// As [`Envelope::decode`].
    pub fn read(bytes: Vec<u8>) -> Result<(Entry, Self), Error> {
        let envelope = Envelope::decode(&bytes)?;
        let digest = Sha256::digest(&bytes).into();
        let base = envelope.base;
        Ok((Entry::of_digest(&base, envelope, digest), Self { bytes, digest }))
    }

    /// Returns what the envelope's device signed, as [`Envelope::signed`] does.
    #[must_use]
    pub fn signed(&self, collection: &Collection) -> Vec<u8> {
        let body = self.bytes.get(BEFORE..self.bytes.len().saturating_sub(AFTER)).unwrap_or_default();
        envelope::signed(collection, body)
    }

    /// Returns the SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Returns the bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
