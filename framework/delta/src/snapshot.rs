//! The snapshot: a collection's whole state at one place, and its payload (see `docs/format.md`).

use std::collections::BTreeMap;

use record::codec::{CodecError, Reader, Writer};
use record::{Conflict, RecordId};

use crate::state::State;
use crate::transaction::{self, PayloadError};

/// The most records, and the most conflicts, of a snapshot.
pub const MAX_RECORDS: u64 = 1 << 24;

/// What every entry up to some place made of a collection: deleted records keep their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every record that was ever spoken of.
    pub records: BTreeMap<RecordId, State>,
    /// The open conflicts, in order of their ids.
    pub conflicts: Vec<Conflict>,
}

impl Snapshot {
    /// Returns the payload: the header of a transaction's, then `[[[id, state] …], [conflict …]]`, packed.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.array(2).array(self.records.len());
        for (id, state) in &self.records {
            writer.array(2).bytes(&id.0);
            state.encode(&mut writer);
        }
        writer.array(self.conflicts.len());
        for conflict in &self.conflicts {
            writer.conflict(conflict);
        }
        transaction::wrap(&writer.finish())
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Fails if the payload is of a newer version, damaged, or not canonical.
    pub fn unpack(payload: &[u8]) -> Result<Self, PayloadError> {
        Ok(Self::decode(&transaction::unwrap(payload)?)?)
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes);
        reader.tuple("a snapshot", 2)?;
        let mut snapshot = Self::default();
        for _ in 0..reader.array("records", MAX_RECORDS)? {
            reader.tuple("a record's state", 2)?;
            snapshot.records.insert(RecordId(reader.exactly()?), State::decode(&mut reader)?);
        }
        for _ in 0..reader.array("conflicts", MAX_RECORDS)? {
            snapshot.conflicts.push(reader.conflict()?);
        }
        reader.finish()?;
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Against, ConflictId, Kind, Pointer, Value};

    fn snapshot() -> Snapshot {
        let mut state = State::unborn(Kind::CONTACT);
        state.put(&Pointer::new("name/full"), Some(&Value::text("Ada")), 3);
        (state.alive, state.at) = (true, 2);
        let dead = State { alive: false, at: 4, ..state.clone() };
        let conflict = Conflict {
            id: ConflictId([2; 16]),
            record: RecordId([1; 16]),
            field: Pointer::new("name/full"),
            value: Value::text("Ada L"),
            against: Against::Value,
            base: None,
            origin: "sheet".into(),
        };
        Snapshot { records: [(RecordId([1; 16]), state), (RecordId([9; 16]), dead)].into(), conflicts: vec![conflict] }
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_packed() {
        assert_eq!(Snapshot::unpack(&snapshot().pack()).unwrap(), snapshot());
    }

    #[test]
    fn the_golden_snapshot_is_read_for_ever() {
        let hex = include_str!("../tests/fixtures/snapshot-1.hex").trim();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(Snapshot::unpack(&bytes).unwrap(), snapshot());
    }

    #[test]
    fn a_damaged_snapshot_is_an_error() {
        let payload = snapshot().pack();
        assert!((0..payload.len()).all(|at| Snapshot::unpack(&payload[..at]).is_err()));
    }
}
