//! Signatures of devices.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::{Signature as Signed, VerifyingKey};
use protocol::{DeviceId, Signature};

/// The most keys that are kept unpacked.
const KEYS: usize = 4096;

/// Tells whether a device signed a message.
#[must_use]
pub fn verifies(device: &DeviceId, message: &[u8], signature: &Signature) -> bool {
    let key = VerifyingKey::from_bytes(&device.0);
    key.is_ok_and(|key| key.verify_strict(message, &Signed::from_bytes(&signature.0)).is_ok())
}

/// The keys of devices that appended lately, unpacked: that is a fifth of the cost of a signature.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<DeviceId, VerifyingKey>>);

impl Keys {
    /// Tells what [`verifies`] does.
    pub(crate) fn verifies(&self, device: &DeviceId, message: &[u8], signature: &Signature) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(device).copied();
        let Some(key) = known.or_else(|| VerifyingKey::from_bytes(&device.0).ok()) else { return false };
        let verified = key.verify_strict(message, &Signed::from_bytes(&signature.0)).is_ok();
        if verified && known.is_none() {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if keys.len() >= KEYS {
                keys.clear();
            }
            keys.insert(*device, key);
        }
        verified
    }
}
