//! The envelope: a transaction's signed wrapping.

use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

use crate::codec::{self, Read, exactly, message, tuple};
use crate::cursor::Cursor;
use crate::error::Error;
use crate::ids::{Collection, DeviceId, RecordDigest, Signature, TransactionId};

/// The version of the envelope's form.
pub const VERSION: u64 = 1;
/// The most bytes that a payload may have.
pub const MAX_PAYLOAD: usize = 64 << 20;
/// The most records that a header may name.
pub const MAX_RECORDS: u64 = 1 << 20;

/// What management may know of a payload. Devices refuse an entry whose header does not tell the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of changes and conflicts.
    pub operations: u64,
    /// Number of records that the transaction deletes.
    pub deletions: u64,
    /// The records that it touches, sorted, none twice.
    pub records: Vec<RecordDigest>,
}

/// A transaction as it travels: signed, its payload opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its id.
    pub transaction: TransactionId,
    /// Who made it.
    pub device: DeviceId,
    /// The cursor that it was made on.
    pub base: Cursor,
    /// What is in clear.
    pub header: Header,
    /// The packed transaction.
    pub payload: Vec<u8>,
    /// The device's signature over [`Envelope::signed`].
    pub signature: Signature,
}

impl Envelope {
    /// Returns the bytes that are signed: the SHA-256 of a tag, the collection and everything but the signature.
    #[must_use]
    pub fn signed(&self, collection: &Collection) -> Vec<u8> {
        signed(collection, &self.body())
    }

    fn body(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len() + 256));
        self.write_body(&mut encoder);
        encoder.into_writer()
    }

    fn write_body(&self, encoder: &mut Encoder<Vec<u8>>) {
        // Writing to memory cannot fail.
        let _ = (|| {
            encoder.array(6)?.u64(VERSION)?.bytes(&self.transaction.0)?.bytes(&self.device.0)?;
            codec::write_cursor(encoder, &self.base)?;
            encoder.array(3)?.u64(self.header.operations)?.u64(self.header.deletions)?;
            encoder.array(self.header.records.len() as u64)?;
            for record in &self.header.records {
                encoder.bytes(&record.0)?;
            }
            encoder.bytes(&self.payload)?.ok()
        })();
    }

    /// Returns the canonical bytes: `[body, signature]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len() + 512));
        let _ = encoder.array(2).map(|_| ());
        self.write_body(&mut encoder);
        let _ = encoder.bytes(&self.signature.0).map(|_| ());
        encoder.into_writer()
    }

    /// Checks what [`Envelope::decode`] would refuse: a payload or a header beyond its limit, records unsorted or doubled.
    ///
    /// # Errors
    /// Fails with [`Error::TooLarge`] for the payload, [`Error::Malformed`] for the header.
    pub fn check(&self) -> Result<(), Error> {
        if self.payload.len() > MAX_PAYLOAD {
            return Err(Error::TooLarge { length: self.payload.len(), limit: MAX_PAYLOAD });
        }
        let records = &self.header.records;
        if records.len() as u64 > MAX_RECORDS {
            return Err(Error::Malformed(format!("envelope: it names {} records; the limit is {MAX_RECORDS}", records.len())));
        }
        if records.is_sorted_by(|left, right| left < right) {
            Ok(())
        } else {
            Err(Error::Malformed("envelope: records out of order".into()))
        }
    }

    /// Reads an envelope from its canonical bytes.
    ///
    /// # Errors
    /// Fails if the bytes are not exactly one canonical envelope of a known version, or beyond a limit;
    /// with [`Error::Newer`] if a later program wrote them.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::refuse_newer("envelope", bytes, VERSION)?;
        let envelope = read(&mut Decoder::new(bytes)).map_err(|error| codec::malformed("envelope", &error))?;
        envelope.check()?;
        if envelope.encode() == bytes { Ok(envelope) } else { Err(Error::Malformed("envelope: not in canonical form".into())) }
    }
}

/// Returns what is signed of an envelope in a collection, where its body is written already.
pub(crate) fn signed(collection: &Collection, body: &[u8]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(b"syncretic.envelope/1\0");
    hasher.update((collection.as_str().len() as u64).to_be_bytes());
    hasher.update(collection.as_str());
    hasher.update(body);
    hasher.finalize().to_vec()
}

fn read(decoder: &mut Decoder<'_>) -> Read<Envelope> {
    tuple(decoder, 2)?;
    tuple(decoder, 6)?;
    if decoder.u64()? != VERSION {
        return Err(message("there is no version 0"));
    }
    let (transaction, device) = (TransactionId(exactly(decoder)?), DeviceId(exactly(decoder)?));
    let base = codec::read_cursor(decoder)?;
    tuple(decoder, 3)?;
    let (operations, deletions) = (decoder.u64()?, decoder.u64()?);
    let count = decoder.array()?.filter(|count| *count <= MAX_RECORDS).ok_or_else(|| message("too many records"))?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(RecordDigest(exactly(decoder)?));
    }
    let payload = decoder.bytes()?.to_vec();
    let signature = Signature(exactly(decoder)?);
    Ok(Envelope { transaction, device, base, header: Header { operations, deletions, records }, payload, signature })
}
