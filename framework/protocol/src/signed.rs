//! What a device signs besides envelopes and snapshots: that it is itself, and that it wants to be enrolled.

use sha2::{Digest, Sha256};

use crate::ids::{Code, DeviceId, Nonce, StoreId};

/// Returns what a device signs to get a token: the store is in it, so that no other store can pass a challenge on.
#[must_use]
pub fn challenge(store: &StoreId, nonce: &Nonce, device: &DeviceId) -> Vec<u8> {
    digest(b"syncretic.challenge/1\0", &[&store.0, &nonce.0, &device.0])
}

/// Returns what a device signs to be enrolled: the code, its key, and the name that it wants.
#[must_use]
pub fn enrollment(code: &Code, device: &DeviceId, name: &str) -> Vec<u8> {
    digest(b"syncretic.enrollment/1\0", &[&code.0, &device.0, name.as_bytes()])
}

/// Only the last part may have any length.
fn digest(tag: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(tag);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().to_vec()
}
