//! Snapshots: a collection's state at a cursor, packed and signed by a device, so that a newcomer need not read the whole log.

use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

use crate::codec::{self, Read, exactly, message, tuple};
use crate::cursor::Cursor;
use crate::error::Error;
use crate::ids::{Collection, DeviceId, Signature};

/// The version of the snapshot's form.
pub const VERSION: u64 = 1;
/// The most bytes that a snapshot's payload may have.
pub const MAX_SNAPSHOT: usize = 256 << 20;

/// A collection's state at a cursor, opaque to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The place whose state it is.
    pub cursor: Cursor,
    /// Who made it.
    pub device: DeviceId,
    /// The packed state.
    pub payload: Vec<u8>,
    /// The device's signature over [`Snapshot::signed`].
    pub signature: Signature,
}

impl Snapshot {
    /// Returns the bytes that are signed: the SHA-256 of a tag, the collection and everything but the signature.
    #[must_use]
    pub fn signed(&self, collection: &Collection) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len() + 256));
        self.write_body(&mut encoder);
        let mut hasher = Sha256::new();
        hasher.update(b"syncretic.snapshot/1\0");
        hasher.update((collection.as_str().len() as u64).to_be_bytes());
        hasher.update(collection.as_str());
        hasher.update(encoder.into_writer());
        hasher.finalize().to_vec()
    }

    fn write_body(&self, encoder: &mut Encoder<Vec<u8>>) {
        // Writing to memory cannot fail.
        let _ = (|| {
            encoder.array(4)?.u64(VERSION)?.bytes(&self.device.0)?;
            codec::write_cursor(encoder, &self.cursor)?;
            encoder.bytes(&self.payload)?.ok()
        })();
    }

    /// Returns the canonical bytes: `[body, signature]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len() + 256));
        let _ = encoder.array(2).map(|_| ());
        self.write_body(&mut encoder);
        let _ = encoder.bytes(&self.signature.0).map(|_| ());
        encoder.into_writer()
    }

    /// Checks what [`Snapshot::decode`] would refuse.
    ///
    /// # Errors
    /// Fails with [`Error::TooLarge`] for the payload.
    pub fn check(&self) -> Result<(), Error> {
        if self.payload.len() > MAX_SNAPSHOT {
            return Err(Error::TooLarge { length: self.payload.len(), limit: MAX_SNAPSHOT });
        }
        Ok(())
    }

    /// Reads a snapshot from its canonical bytes.
    ///
    /// # Errors
    /// Fails if the bytes are not exactly one canonical snapshot of a known version, or beyond the limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::refuse_newer("snapshot", bytes, VERSION)?;
        let snapshot = read(&mut Decoder::new(bytes)).map_err(|error| codec::malformed("snapshot", &error))?;
        snapshot.check()?;
        if snapshot.encode() == bytes { Ok(snapshot) } else { Err(Error::Malformed("snapshot: not in canonical form".into())) }
    }
}

fn read(decoder: &mut Decoder<'_>) -> Read<Snapshot> {
    tuple(decoder, 2)?;
    tuple(decoder, 4)?;
    if decoder.u64()? != VERSION {
        return Err(message("there is no version 0"));
    }
    let device = DeviceId(exactly(decoder)?);
    let cursor = codec::read_cursor(decoder)?;
    let payload = decoder.bytes()?.to_vec();
    Ok(Snapshot { cursor, device, payload, signature: Signature(exactly(decoder)?) })
}
