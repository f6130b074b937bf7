//! The transaction: an ordered group of changes and conflicts by one device, and its payload (see `docs/format.md`).

use std::collections::BTreeSet;
use std::io::Read;

use record::codec::{CodecError, Reader, Writer};
use record::{Change, Conflict, ConflictId, Life, RecordId};

/// The version of the payload's header.
const VERSION: u64 = 1;
/// The codec number of zstd over CBOR.
const ZSTD_CBOR: u64 = 1;
/// The most bytes that a payload may unpack to.
pub const MAX_UNPACKED: u64 = 512 << 20;
/// The most changes, and the most conflicts, of a transaction.
pub const MAX_CHANGES: u64 = 1 << 20;
/// Level 1 packs records as well as level 3 does, at twice the speed.
const LEVEL: i32 = 1;

/// What one device tells the others at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What happened, in order.
    pub changes: Vec<Change>,
    /// Values that lost and must not be forgotten.
    pub conflicts: Vec<Conflict>,
    /// Conflicts that someone settled.
    pub settled: Vec<ConflictId>,
}

/// A payload that is no transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The header or content is malformed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The payload is of a newer version.
    #[error(
        "the payload has version {version}, codec {codec}, cipher {cipher}; this program reads version 1, codec 1, cipher 0: upgrade it"
    )]
    Newer {
        /// Its version.
        version: u64,
        /// Its codec.
        codec: u64,
        /// Its cipher.
        cipher: u64,
    },
    /// It unpacks to more than it says, or than is allowed.
    #[error("the payload says it unpacks to {declared} bytes, which is wrong or more than {MAX_UNPACKED}")]
    Length {
        /// The length in the header.
        declared: u64,
    },
    /// The compressed part is damaged.
    #[error("the payload cannot be unpacked: {0}")]
    Compression(std::io::Error),
}

impl Transaction {
    /// Tells whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.conflicts.is_empty() && self.settled.is_empty()
    }

    /// Returns the number of operations, as a clear header gives it.
    #[must_use]
    pub fn operations(&self) -> u64 {
        (self.changes.len() + self.conflicts.len() + self.settled.len()) as u64
    }

    /// Returns the number of records that it deletes.
    #[must_use]
    pub fn deletions(&self) -> u64 {
        self.changes.iter().filter(|change| change.life == Some(Life::Dead)).count() as u64
    }

    /// Returns the records that it touches.
    #[must_use]
    pub fn records(&self) -> BTreeSet<RecordId> {
        let conflicts = self.conflicts.iter().map(|conflict| conflict.record);
        self.changes.iter().map(|change| change.id).chain(conflicts).collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.array(3).array(self.changes.len());
        for change in &self.changes {
            writer.change(change);
        }
        writer.array(self.conflicts.len());
        for conflict in &self.conflicts {
            writer.conflict(conflict);
        }
        writer.array(self.settled.len());
        for id in &self.settled {
            writer.bytes(&id.0);
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes);
        reader.tuple("a transaction", 3)?;
        let mut transaction = Self::default();
        for _ in 0..reader.array("changes", MAX_CHANGES)? {
            transaction.changes.push(reader.change()?);
        }
        for _ in 0..reader.array("conflicts", MAX_CHANGES)? {
            transaction.conflicts.push(reader.conflict()?);
        }
        for _ in 0..reader.array("settled conflicts", MAX_CHANGES)? {
            transaction.settled.push(ConflictId(reader.exactly()?));
        }
        reader.finish()?;
        Ok(transaction)
    }

    /// Returns the payload: a header `[version, codec, cipher, key epoch, nonce, length]` and the packed content.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        wrap(&self.encode())
    }

    /// Reads a payload. The length that it declares bounds what is unpacked and sizes nothing in advance.
    ///
    /// # Errors
    /// Fails if the payload is of a newer version, damaged, or not canonical.
    pub fn unpack(payload: &[u8]) -> Result<Self, PayloadError> {
        Ok(Self::decode(&unwrap(payload)?)?)
    }
}

/// Puts the header before packed content.
pub(crate) fn wrap(content: &[u8]) -> Vec<u8> {
    let mut header = Writer::default();
    header.array(6).unsigned(VERSION).unsigned(ZSTD_CBOR).unsigned(0).unsigned(0).bytes(&[]).unsigned(content.len() as u64);
    let mut payload = header.finish();
    // Compressing memory into memory cannot fail; if it ever did, nothing would be unpacked from what is missing.
    payload.extend(zstd::bulk::compress(content, LEVEL).unwrap_or_default());
    payload
}

/// Reads the header and returns the content.
pub(crate) fn unwrap(payload: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let mut reader = Reader::new(payload);
    reader.tuple("a payload header", 6)?;
    let (version, codec, cipher) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    if (version, codec, cipher) != (VERSION, ZSTD_CBOR, 0) {
        return Err(PayloadError::Newer { version, codec, cipher });
    }
    let (_epoch, _nonce) = (reader.unsigned()?, reader.bytes()?);
    let declared = reader.unsigned()?;
    unpack(payload.get(reader.position()..).unwrap_or_default(), declared)
}

fn unpack(packed: &[u8], declared: u64) -> Result<Vec<u8>, PayloadError> {
    if declared > MAX_UNPACKED {
        return Err(PayloadError::Length { declared });
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(PayloadError::Compression)?.single_frame();
    decoder.window_log_max(23).map_err(PayloadError::Compression)?;
    let mut content = Vec::new();
    decoder.by_ref().take(declared + 1).read_to_end(&mut content).map_err(PayloadError::Compression)?;
    if content.len() as u64 != declared || !decoder.finish().is_empty() {
        return Err(PayloadError::Length { declared });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Against, Kind, Pointer, Value};

    fn transaction() -> Transaction {
        let id = RecordId([1; 16]);
        let mut change = Change { life: Some(Life::Born), ..Change::new(id, Kind::CONTACT) };
        change.set.insert(Pointer::new("name/full"), Value::text("Ada"));
        change.unset.insert(Pointer::new("notes/1/note"));
        let conflict = Conflict {
            id: ConflictId([2; 16]),
            record: id,
            field: Pointer::new("name/full"),
            value: Value::text("Ada L"),
            against: Against::Value,
            base: None,
            origin: "sheet".into(),
        };
        Transaction { changes: vec![change], conflicts: vec![conflict], settled: vec![ConflictId([3; 16])] }
    }

    #[test]
    fn a_payload_is_read_as_it_was_packed() {
        assert_eq!(Transaction::unpack(&transaction().pack()).unwrap(), transaction());
    }

    #[test]
    fn the_golden_transaction_is_read_for_ever() {
        let hex = include_str!("../tests/fixtures/transaction-1.hex").trim();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(Transaction::unpack(&bytes).unwrap(), transaction());
    }

    #[test]
    fn a_payload_of_a_newer_version_says_so() {
        let mut payload = transaction().pack();
        payload[1] = 2;
        assert!(matches!(Transaction::unpack(&payload), Err(PayloadError::Newer { version: 2, .. })));
    }

    #[test]
    fn a_payload_that_unpacks_to_more_than_it_says_is_refused() {
        let mut header = Writer::default();
        header.array(6).unsigned(1).unsigned(1).unsigned(0).unsigned(0).bytes(&[]).unsigned(10);
        let mut bomb = header.finish();
        bomb.extend(zstd::bulk::compress(&vec![0; 1 << 24], 1).unwrap());
        assert!(matches!(Transaction::unpack(&bomb), Err(PayloadError::Length { declared: 10 })));
    }

    #[test]
    fn a_damaged_payload_is_an_error() {
        let payload = transaction().pack();
        for at in 0..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] ^= 0x55;
            if let Ok(read) = Transaction::unpack(&damaged) {
                assert_eq!(read.changes.len() + read.conflicts.len() + read.settled.len(), 3, "byte {at}");
            }
            assert!(Transaction::unpack(&payload[..at]).is_err(), "cut at {at}");
        }
    }
}
