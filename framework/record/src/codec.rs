//! The codec: records, values and changes as deterministic CBOR (RFC 8949 §4.2.1), specified in `docs/format.md`.
//!
//! The same bytes are hashed, stored, sent and handed to plugins. Integers take their
//! shortest form, lengths are definite, map keys are sorted by their encoded bytes and
//! none stands twice. A length in the input never sizes an allocation.

use std::collections::BTreeSet;
use std::fmt;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::change::{Against, Change, Conflict, Life};
use crate::digest::Digest;
use crate::fields::Fields;
use crate::id::{ConflictId, RecordId};
use crate::kind::Kind;
use crate::pointer::Pointer;
use crate::record::Record;
use crate::value::{Blob, Value};

/// The most fields that a record may have.
pub const MAX_FIELDS: u64 = 1 << 20;

/// Bytes that are no canonical encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodecError {
    /// The bytes are no CBOR of the expected shape.
    Malformed {
        /// Offset in bytes.
        at: usize,
        /// What was expected.
        reason: String,
    },
    /// A map's keys are not in canonical order, or one stands twice.
    Order {
        /// Offset in bytes.
        at: usize,
    },
    /// A count is beyond its limit.
    Limit {
        /// Offset in bytes.
        at: usize,
        /// What was counted.
        what: &'static str,
        /// The count found.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// The same thing has another, canonical encoding.
    NotCanonical,
    /// Bytes follow where nothing may follow.
    Trailing(usize),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at, reason } => write!(f, "malformed at byte {at}: {reason}"),
            Self::Order { at } => write!(f, "map keys out of order at byte {at}"),
            Self::Limit { at, what, count, limit } => write!(f, "{count} {what} at byte {at}; at most {limit} are allowed"),
            Self::NotCanonical => f.write_str("not in canonical form"),
            Self::Trailing(count) => write!(f, "{count} bytes follow the end"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Writes canonical CBOR.
#[derive(Debug)]
pub struct Writer(Encoder<Vec<u8>>);

impl Default for Writer {
    fn default() -> Self {
        Self(Encoder::new(Vec::new()))
    }
}

/// Turns the result of writing to memory, which cannot fail, into nothing.
fn written<T, E>(_: Result<T, E>) {}

impl Writer {
    /// Goes on writing behind what stands in a buffer.
    #[must_use]
    pub fn appending(buffer: Vec<u8>) -> Self {
        Self(Encoder::new(buffer))
    }

    /// Returns the bytes written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }

    /// Begins an array of `count` items.
    pub fn array(&mut self, count: usize) -> &mut Self {
        written(self.0.array(count as u64));
        self
    }

    /// Begins a map of `count` pairs; the caller writes keys in canonical order.
    pub fn map(&mut self, count: usize) -> &mut Self {
        written(self.0.map(count as u64));
        self
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        written(self.0.str(text));
        self
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        written(self.0.bytes(bytes));
        self
    }

    /// Writes an unsigned integer.
    pub fn unsigned(&mut self, number: u64) -> &mut Self {
        written(self.0.u64(number));
        self
    }

    /// Writes nothing-there.
    pub fn null(&mut self) -> &mut Self {
        written(self.0.null());
        self
    }

    /// Writes a value: text, integers, booleans and bytes as themselves, the rest as `[type, form]`.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Text(text) => return self.text(text),
            Value::Integer(number) => written(self.0.i64(*number)),
            Value::Boolean(truth) => written(self.0.bool(*truth)),
            Value::Bytes(bytes) => return self.bytes(bytes),
            Value::Decimal(text) => return self.typed(1, text),
            Value::Date(text) => return self.typed(2, text),
            Value::LocalDateTime(text) => return self.typed(3, text),
            Value::Instant(text) => return self.typed(4, text),
            Value::Duration(text) => return self.typed(5, text),
            Value::Uri(text) => return self.typed(6, text),
            Value::Blob(blob) => {
                return self.array(3).unsigned(7).bytes(&blob.digest.0).unsigned(blob.length);
            }
        }
        self
    }

    fn typed(&mut self, code: u64, text: &str) -> &mut Self {
        self.array(2).unsigned(code).text(text)
    }

    /// Writes fields as a map from pointer to value.
    pub fn fields(&mut self, fields: &Fields) -> &mut Self {
        let mut pairs: Vec<(&Pointer, &Value)> = fields.iter().collect();
        pairs.sort_by_key(|(pointer, _)| (pointer.as_str().len(), *pointer));
        self.map(pairs.len());
        for (pointer, value) in pairs {
            self.text(pointer.as_str()).value(value);
        }
        self
    }

    /// Writes a record as `[kind, fields]`.
    pub fn record(&mut self, record: &Record) -> &mut Self {
        self.array(2).text(record.kind.as_str()).fields(&record.fields)
    }

    /// Writes a change as `[id, kind, life, set, unset]`.
    pub fn change(&mut self, change: &Change) -> &mut Self {
        self.array(5).bytes(&change.id.0).text(change.kind.as_str());
        match change.life {
            None => self.null(),
            Some(Life::Dead) => self.unsigned(0),
            Some(Life::Born) => self.unsigned(1),
            Some(Life::Linked(into)) => self.bytes(&into.0),
        };
        self.fields(&change.set).array(change.unset.len());
        for pointer in &change.unset {
            self.text(pointer.as_str());
        }
        self
    }

    /// Writes a conflict as `[id, record, field, value, against, base, origin]`.
    pub fn conflict(&mut self, conflict: &Conflict) -> &mut Self {
        self.array(7).bytes(&conflict.id.0).bytes(&conflict.record.0).text(conflict.field.as_str()).value(&conflict.value);
        self.unsigned(match conflict.against {
            Against::Value => 0,
            Against::Death => 1,
        });
        match &conflict.base {
            Some(base) => self.value(base),
            None => self.null(),
        };
        self.text(&conflict.origin)
    }
}

/// Reads canonical CBOR.
#[derive(Debug)]
pub struct Reader<'b> {
    decoder: Decoder<'b>,
    length: usize,
}

impl<'b> Reader<'b> {
    /// Begins to read `bytes`.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { decoder: Decoder::new(bytes), length: bytes.len() }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Fails if bytes are left.
    pub fn finish(self) -> Result<(), CodecError> {
        match self.length - self.decoder.position() {
            0 => Ok(()),
            left => Err(CodecError::Trailing(left)),
        }
    }

    /// Returns the number of bytes read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.decoder.position()
    }

    fn malformed(&self, reason: &str) -> CodecError {
        CodecError::Malformed { at: self.decoder.position(), reason: reason.to_owned() }
    }

    fn take<T>(&self, result: Result<T, minicbor::decode::Error>) -> Result<T, CodecError> {
        result.map_err(|error| self.malformed(&error.to_string()))
    }

    /// Reads the head of an array of at most `limit` items and returns their number.
    ///
    /// # Errors
    /// Fails if there is none, it is indefinite, or it is longer.
    pub fn array(&mut self, what: &'static str, limit: u64) -> Result<u64, CodecError> {
        let count = self.decoder.array();
        self.counted(count, what, limit)
    }

    /// Reads the head of a map of at most `limit` pairs and returns their number.
    ///
    /// # Errors
    /// Fails if there is none, it is indefinite, or it is longer.
    pub fn map(&mut self, what: &'static str, limit: u64) -> Result<u64, CodecError> {
        let count = self.decoder.map();
        self.counted(count, what, limit)
    }

    fn counted(&self, count: Result<Option<u64>, minicbor::decode::Error>, what: &'static str, limit: u64) -> Result<u64, CodecError> {
        let count = self.take(count)?.ok_or_else(|| self.malformed("a definite length"))?;
        if count > limit {
            return Err(CodecError::Limit { at: self.decoder.position(), what, count, limit });
        }
        Ok(count)
    }

    /// Reads the head of an array of exactly `count` items.
    ///
    /// # Errors
    /// Fails if it has another length.
    pub fn tuple(&mut self, what: &'static str, count: u64) -> Result<(), CodecError> {
        if self.array(what, count)? == count { Ok(()) } else { Err(self.malformed(what)) }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn text(&mut self) -> Result<&'b str, CodecError> {
        let text = self.decoder.str();
        self.take(text)
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// Fails if there are none.
    pub fn bytes(&mut self) -> Result<&'b [u8], CodecError> {
        let bytes = self.decoder.bytes();
        self.take(bytes)
    }

    /// Reads exactly `N` bytes.
    ///
    /// # Errors
    /// Fails if there are none or another number.
    pub fn exactly<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        <[u8; N]>::try_from(self.bytes()?).map_err(|_| self.malformed("an id or digest of fixed length"))
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn unsigned(&mut self) -> Result<u64, CodecError> {
        let number = self.decoder.u64();
        self.take(number)
    }

    /// Reads nothing-there, if it stands here.
    ///
    /// # Errors
    /// Fails at the end of the input.
    pub fn null(&mut self) -> Result<bool, CodecError> {
        let found = self.decoder.datatype();
        if self.take(found)? != Type::Null {
            return Ok(false);
        }
        let null = self.decoder.null();
        self.take(null).map(|()| true)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// Fails if there is none of a known type.
    pub fn value(&mut self) -> Result<Value, CodecError> {
        let found = self.decoder.datatype();
        match self.take(found)? {
            Type::String => Ok(Value::Text(self.text()?.to_owned())),
            Type::Bytes => Ok(Value::Bytes(self.bytes()?.to_vec())),
            Type::Bool => {
                let truth = self.decoder.bool();
                Ok(Value::Boolean(self.take(truth)?))
            }
            Type::Array => self.typed(),
            _ => {
                let number = self.decoder.i64();
                Ok(Value::Integer(self.take(number)?))
            }
        }
    }

    fn typed(&mut self) -> Result<Value, CodecError> {
        let count = self.array("parts of a value", 3)?;
        let code = self.unsigned()?;
        if count == 3 && code == 7 {
            let digest = Digest(self.exactly()?);
            return Ok(Value::Blob(Blob { digest, length: self.unsigned()? }));
        }
        if count != 2 {
            return Err(self.malformed("a typed value"));
        }
        let text = self.text()?.to_owned();
        match code {
            1 => Ok(Value::Decimal(text)),
            2 => Ok(Value::Date(text)),
            3 => Ok(Value::LocalDateTime(text)),
            4 => Ok(Value::Instant(text)),
            5 => Ok(Value::Duration(text)),
            6 => Ok(Value::Uri(text)),
            _ => Err(self.malformed("a known type of value; the data may be of a newer version")),
        }
    }

    /// Reads fields.
    ///
    /// # Errors
    /// Fails if the keys are not in canonical order.
    pub fn fields(&mut self) -> Result<Fields, CodecError> {
        let count = self.map("fields", MAX_FIELDS)?;
        let mut fields = Fields::new();
        let mut last: Option<&str> = None;
        for _ in 0..count {
            let key = self.text()?;
            if last.is_some_and(|last| (last.len(), last) >= (key.len(), key)) {
                return Err(CodecError::Order { at: self.decoder.position() });
            }
            last = Some(key);
            fields.insert(Pointer::new(key), self.value()?);
        }
        Ok(fields)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn record(&mut self) -> Result<Record, CodecError> {
        self.tuple("a record", 2)?;
        Ok(Record { kind: Kind::new(self.text()?), fields: self.fields()? })
    }

    /// Reads a change.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn change(&mut self) -> Result<Change, CodecError> {
        self.tuple("a change", 5)?;
        let (id, kind) = (RecordId(self.exactly()?), Kind::new(self.text()?));
        let life = self.life()?;
        let set = self.fields()?;
        let mut unset = BTreeSet::new();
        for _ in 0..self.array("unset fields", MAX_FIELDS)? {
            let pointer = Pointer::new(self.text()?);
            if unset.last().is_some_and(|last| *last >= pointer) {
                return Err(CodecError::Order { at: self.decoder.position() });
            }
            unset.insert(pointer);
        }
        Ok(Change { id, kind, life, set, unset })
    }

    fn life(&mut self) -> Result<Option<Life>, CodecError> {
        if self.null()? {
            return Ok(None);
        }
        let found = self.decoder.datatype();
        if self.take(found)? == Type::Bytes {
            return Ok(Some(Life::Linked(RecordId(self.exactly()?))));
        }
        match self.unsigned()? {
            0 => Ok(Some(Life::Dead)),
            1 => Ok(Some(Life::Born)),
            _ => Err(self.malformed("birth, death or a link")),
        }
    }

    /// Reads a conflict.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn conflict(&mut self) -> Result<Conflict, CodecError> {
        self.tuple("a conflict", 7)?;
        let (id, record) = (ConflictId(self.exactly()?), RecordId(self.exactly()?));
        let (field, value) = (Pointer::new(self.text()?), self.value()?);
        let against = match self.unsigned()? {
            0 => Against::Value,
            1 => Against::Death,
            _ => return Err(self.malformed("what the value lost to")),
        };
        let base = if self.null()? { None } else { Some(self.value()?) };
        Ok(Conflict { id, record, field, value, against, base, origin: self.text()?.to_owned() })
    }
}

impl Record {
    /// Returns the digest of the record's canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&encode_record(self))
    }
}

/// Returns the canonical bytes of a record.
#[must_use]
pub fn encode_record(record: &Record) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.record(record);
    writer.finish()
}

/// Reads a record from its canonical bytes.
///
/// # Errors
/// Fails if the bytes are not exactly one record in canonical form.
pub fn decode_record(bytes: &[u8]) -> Result<Record, CodecError> {
    let mut reader = Reader::new(bytes);
    let record = reader.record()?;
    reader.finish()?;
    if encode_record(&record) == bytes { Ok(record) } else { Err(CodecError::NotCanonical) }
}
