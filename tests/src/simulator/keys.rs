//! Keys that follow from a device's number: a keyed fold stands in for the signature.

use engine::Keys;
use protocol::{Collection, DeviceId, Signature};

use super::dice::fold;

/// The key of a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeviceKey(pub(super) u8);

fn signature(device: &DeviceId, message: &[u8]) -> Signature {
    let folded = fold(&[device.0.as_slice(), message].concat());
    let mut signature = [0; 64];
    signature.iter_mut().zip(folded.iter().cycle()).for_each(|(to, from)| *to = *from);
    Signature(signature)
}

impl Keys for DeviceKey {
    fn device(&self) -> DeviceId {
        DeviceId([self.0; 32])
    }

    fn sign(&self, message: &[u8]) -> Signature {
        signature(&self.device(), message)
    }

    fn verify(&self, _: &Collection, device: &DeviceId, message: &[u8], found: &Signature) -> bool {
        signature(device, message) == *found
    }
}
