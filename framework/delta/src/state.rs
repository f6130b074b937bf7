//! The state of one record in a tree: what the entries so far made of it.

use record::codec::{CodecError, MAX_FIELDS, Reader, Writer};
use record::{ByPointer, Change, Kind, Life, Pointer, Record, RecordId, Value};

/// The sequence of a field of which it is not known any more what was agreed; no entry has it.
const UNKNOWN: u64 = u64::MAX;

/// What a record is after some entries. A dead one keeps its content, so that an edit can bring it back whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it lives.
    pub alive: bool,
    /// The sequence of the entry that last gave or took its life.
    pub at: u64,
    /// The record that it turned out to be, if it was linked away.
    pub linked: Option<RecordId>,
    /// Its content.
    pub record: Record,
    /// For each field that was ever set or unset, the sequence of the entry that did so last.
    pub since: ByPointer<u64>,
}

impl State {
    /// Makes the state of a record that nobody has spoken of.
    #[must_use]
    pub fn unborn(kind: Kind) -> Self {
        Self { alive: false, at: 0, linked: None, record: Record::new(kind), since: ByPointer::new() }
    }

    /// Takes in a change that the entry `sequence` made.
    pub fn apply(&mut self, change: &Change, sequence: u64) {
        match change.life {
            Some(Life::Born) => (self.alive, self.at, self.linked) = (true, sequence, None),
            Some(Life::Dead) => (self.alive, self.at, self.linked) = (false, sequence, None),
            Some(Life::Linked(into)) => (self.alive, self.at, self.linked) = (false, sequence, Some(into)),
            None => {}
        }
        if self.record.fields.is_empty() {
            // A first content is the change's own.
            self.record.fields.clone_from(&change.set);
            self.since.extend(change.set.keys().map(|pointer| (pointer.clone(), sequence)));
        } else {
            for (pointer, value) in &change.set {
                self.put(pointer, Some(value), sequence);
            }
        }
        for pointer in &change.unset {
            self.put(pointer, None, sequence);
        }
    }

    /// Gives a field a value, or takes it, as of the entry `sequence`.
    pub fn put(&mut self, pointer: &Pointer, value: Option<&Value>, sequence: u64) {
        match value {
            Some(value) => self.record.fields.insert(pointer.clone(), value.clone()),
            None => self.record.fields.remove(pointer),
        };
        self.since.insert(pointer.clone(), sequence);
    }

    /// Forgets what a field is agreed to be: nobody knows any more what its values on two sides came from.
    pub fn forget(&mut self, pointer: &Pointer) {
        self.record.fields.remove(pointer);
        self.since.insert(pointer.clone(), UNKNOWN);
    }

    /// Tells whether it is not known any more what was agreed on a field.
    #[must_use]
    pub fn is_unknown(&self, pointer: &Pointer) -> bool {
        self.since.get(pointer) == Some(&UNKNOWN)
    }

    /// Iterates over the fields of which it is not known any more what was agreed.
    pub fn unknown(&self) -> impl Iterator<Item = &Pointer> {
        self.since.iter().filter(|(_, since)| **since == UNKNOWN).map(|(pointer, _)| pointer)
    }

    /// Writes the state as `[alive, at, linked, record, [[pointer, sequence] …]]`.
    pub fn encode(&self, writer: &mut Writer) {
        writer.array(5).unsigned(u64::from(self.alive)).unsigned(self.at);
        match self.linked {
            Some(into) => writer.bytes(&into.0),
            None => writer.null(),
        };
        writer.record(&self.record).array(self.since.len());
        for (pointer, sequence) in &self.since {
            writer.array(2).text(pointer.as_str()).unsigned(*sequence);
        }
    }

    /// Reads a state.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        reader.tuple("a state", 5)?;
        let (alive, at) = (reader.unsigned()? != 0, reader.unsigned()?);
        let linked = if reader.null()? { None } else { Some(RecordId(reader.exactly()?)) };
        let record = reader.record()?;
        let mut since = ByPointer::new();
        for _ in 0..reader.array("sequences", MAX_FIELDS)? {
            reader.tuple("a sequence", 2)?;
            since.insert(Pointer::new(reader.text()?), reader.unsigned()?);
        }
        Ok(Self { alive, at, linked, record, since })
    }
}
