//! The device's key pair: who this installation is, made at first use and never leaving the machine.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use engine::Keys;
use protocol::{Collection, DeviceId, Signature};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::state::write_once;

/// What stands before the digits in the file.
const TAG: &str = "syncretic-device-key-1 ";

/// The device's key.
#[derive(Clone)]
pub(crate) struct Device {
    key: SigningKey,
}

impl Device {
    /// Reads the key, or makes one if there is none.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        if let Some(device) = Self::read(path)? {
            return Ok(device);
        }
        let text = format!("{TAG}{}\n", hexadecimal(Self::passing()?.key.as_bytes()));
        write_once(path, text.as_bytes(), 0o600).map_err(|error| Failure::io("write", path, &error))?;
        // Another process may have been first: then its key is this device's.
        Self::read(path)?.ok_or_else(|| Failure::new(Exit::Internal, format!("`{}` was removed as it was made", path.display())))
    }

    /// Reads the key if there is one.
    pub(crate) fn read(path: &Path) -> Outcome<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io("read", path, &error)),
        };
        let secret = std::str::from_utf8(&bytes).ok().and_then(|text| secret(text.trim_end().strip_prefix(TAG)?));
        let Some(secret) = secret else {
            return Err(Failure::new(Exit::Integrity, format!("`{}` is damaged: it is no device key", path.display()))
                .note("nothing was read or written")
                .help("put it back from a backup, or move it away: the next sync makes a new one"));
        };
        Ok(Some(Self { key: SigningKey::from_bytes(&secret) }))
    }

    /// Makes a key that is kept nowhere, for a run that writes nothing.
    pub(crate) fn passing() -> Outcome<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Failure::new(Exit::Internal, format!("the system gave no random bytes: {error}")))?;
        Ok(Self { key: SigningKey::from_bytes(&secret) })
    }
}

impl Keys for Device {
    fn device(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }

    /// Whoever can write the embedded store can read this key as well, so that a true signature is all there is to ask for.
    fn verify(&self, _: &Collection, device: &DeviceId, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&device.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl client::Key for Device {
    fn device(&self) -> DeviceId {
        Keys::device(self)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Keys::sign(self, message)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret(digits: &str) -> Option<[u8; 32]> {
    let mut digits = digits.chars();
    let mut secret = [0; 32];
    for byte in &mut secret {
        let high = digits.next()?.to_digit(16)?;
        *byte = u8::try_from(high * 16 + digits.next()?.to_digit(16)?).ok()?;
    }
    digits.next().is_none().then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts() -> Collection {
        "contacts".parse().unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        assert!(Device::read(&path).unwrap().is_none());
        let first = Device::open(&path).unwrap();
        let second = Device::open(&path).unwrap();
        assert_eq!(first.device(), second.device());
        let signature = first.sign(b"message");
        assert!(second.verify(&contacts(), &first.device(), b"message", &signature));
        assert!(!second.verify(&contacts(), &first.device(), b"massage", &signature));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        for content in ["", "syncretic-device-key-1 12", "syncretic-device-key-1 ää", "\u{0}"] {
            fs::write(&path, content).unwrap();
            assert_eq!(Device::open(&path).err().unwrap().exit, Exit::Integrity, "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}
