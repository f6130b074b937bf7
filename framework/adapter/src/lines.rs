//! Messages and records as JSON, for adapters that are scripts.

use std::fmt::Write as _;

use record::codec::encode_record;
use record::{Blob, Digest, Kind, Pointer, Record, Value as Field};
use serde_json::{Map, Value, json};

use crate::backend::Breach;
use crate::crossing::{RawAnswer, RawFate, RawItem, RawOp, fate, outcome, state};
use crate::message::Message;

/// Writes bytes: as a text where they are one, else as `{"hex": "…"}`.
pub(crate) fn octets(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": hex(bytes) }),
    }
}

/// Reads what [`octets`] writes.
pub(crate) fn read_octets(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(object) => unhex(object.get("hex")?.as_str()?),
        _ => None,
    }
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    digits.chunks(2).map(|pair| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.last()?)?).ok()).collect()
}

pub(crate) fn known(key: &str, fingerprint: &[u8]) -> Value {
    json!({ "key": key, "fingerprint": octets(fingerprint) })
}

/// Writes an operation.
pub(crate) fn op(op: &RawOp<'_>) -> Result<(&'static str, Value), Breach> {
    let mut body = Map::from_iter([("id".to_owned(), Value::from(hex(&op.id)))]);
    if let Some(key) = op.key {
        body.insert("key".to_owned(), key.into());
    }
    if let Some(fingerprint) = op.fingerprint {
        body.insert("fingerprint".to_owned(), octets(fingerprint));
    }
    let Some(bytes) = &op.record else { return Ok(("delete", Value::Object(body))) };
    let record = record::codec::decode_record(bytes).map_err(|error| Breach::new(error.to_string()))?;
    body.insert("record".to_owned(), record_json(&record));
    body.insert("changed".to_owned(), op.changed.clone().into());
    Ok(("put", Value::Object(body)))
}

/// The names of the types that JSON does not have.
const DECIMAL: &str = "decimal";
const DATE: &str = "date";
const LOCAL: &str = "local";
const INSTANT: &str = "instant";
const DURATION: &str = "duration";
const URI: &str = "uri";
const BYTES: &str = "bytes";

/// Writes a record.
pub(crate) fn record_json(record: &Record) -> Value {
    let fields: Map<String, Value> =
        record.fields.iter().map(|(pointer, value)| (pointer.as_str().to_owned(), field_json(value))).collect();
    json!({ "kind": record.kind.as_str(), "fields": fields })
}

fn field_json(value: &Field) -> Value {
    let typed = |name: &str, text: &str| Value::Object(Map::from_iter([(name.to_owned(), Value::from(text))]));
    match value {
        Field::Text(text) => Value::from(text.as_str()),
        Field::Integer(number) => Value::from(*number),
        Field::Boolean(truth) => Value::from(*truth),
        Field::Decimal(text) => typed(DECIMAL, text),
        Field::Date(text) => typed(DATE, text),
        Field::LocalDateTime(text) => typed(LOCAL, text),
        Field::Instant(text) => typed(INSTANT, text),
        Field::Duration(text) => typed(DURATION, text),
        Field::Uri(text) => typed(URI, text),
        Field::Bytes(bytes) => typed(BYTES, &hex(bytes)),
        Field::Blob(blob) => json!({ "blob": { "digest": blob.digest.to_string(), "length": blob.length } }),
        // A newer value has no form here yet; its text is shown, and the adapter's answer then differs.
        other => Value::from(other.display()),
    }
}

/// Reads a record.
pub(crate) fn read_record(value: &Value) -> Result<Record, Breach> {
    let kind = value.get("kind").and_then(Value::as_str).ok_or_else(|| Breach::new("its record has no `kind`"))?;
    let fields = value.get("fields").and_then(Value::as_object).ok_or_else(|| Breach::new("its record has no `fields`"))?;
    let mut record = Record::new(Kind::new(kind));
    for (pointer, value) in fields {
        let field =
            read_field(value).ok_or_else(|| Breach(format!("field `{pointer}` has the value {value}, which is of no known type")))?;
        record.fields.insert(Pointer::new(pointer), field);
    }
    Ok(record)
}

fn read_field(value: &Value) -> Option<Field> {
    match value {
        Value::String(text) => Some(Field::Text(text.clone())),
        Value::Bool(truth) => Some(Field::Boolean(*truth)),
        Value::Number(number) => number.as_i64().map(Field::Integer),
        Value::Object(object) if object.len() == 1 => {
            let (name, value) = object.iter().next()?;
            let text = || value.as_str().map(str::to_owned);
            match name.as_str() {
                DECIMAL => text().map(Field::Decimal),
                DATE => text().map(Field::Date),
                LOCAL => text().map(Field::LocalDateTime),
                INSTANT => text().map(Field::Instant),
                DURATION => text().map(Field::Duration),
                URI => text().map(Field::Uri),
                BYTES => unhex(value.as_str()?).map(Field::Bytes),
                "blob" => {
                    let digest: [u8; 32] = unhex(value.get("digest")?.as_str()?)?.try_into().ok()?;
                    Some(Field::Blob(Blob { digest: Digest(digest), length: value.get("length")?.as_u64()? }))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Reads one line and hands it on.
///
/// # Errors
/// Fails if it is no message, or if `take` does.
pub(crate) fn read<E: From<Breach>>(line: &[u8], take: &mut dyn FnMut(Message<'_>) -> Result<(), E>) -> Result<(), E> {
    let (name, body) = message(line)?;
    match name.as_str() {
        "item" => read_item(&body, state::ITEM, take),
        "unchanged" => read_item(&body, state::UNCHANGED, take),
        "broken" => read_item(&body, state::BROKEN, take),
        "answer" => read_answer(&body, take),
        "fate" => read_fate(&body, take),
        "bytes" => {
            let bytes = read_octets(&body).ok_or_else(|| Breach::new("its `bytes` are neither a text nor `{\"hex\": …}`"))?;
            take(Message::Bytes(&bytes))
        }
        _ => take(Message::Control(name, body)),
    }
}

fn message(line: &[u8]) -> Result<(String, Value), Breach> {
    let babble = || {
        let start: String = String::from_utf8_lossy(line).trim_end().chars().take(60).collect();
        Breach(format!("it wrote `{start}` to its standard output, which is for messages alone; write other words to standard error"))
    };
    let Ok(Value::Object(object)) = serde_json::from_slice(line) else { return Err(babble()) };
    let mut members = object.into_iter();
    match (members.next(), members.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(babble()),
    }
}

/// Reads a member that holds bytes; empty if it is not there.
fn member(body: &Value, name: &str) -> Result<Vec<u8>, Breach> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => read_octets(value).ok_or_else(|| Breach(format!("`{name}` is neither a text nor `{{\"hex\": …}}`"))),
    }
}

fn count(body: &Value, name: &str) -> Result<u64, Breach> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_u64().ok_or_else(|| Breach(format!("`{name}` is no number of that kind"))),
    }
}

fn record_bytes(body: &Value) -> Result<Vec<u8>, Breach> {
    match body.get("record") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(record) => Ok(encode_record(&read_record(record)?)),
    }
}

fn read_item<E: From<Breach>>(body: &Value, state: u32, take: &mut dyn FnMut(Message<'_>) -> Result<(), E>) -> Result<(), E> {
    let [key, fingerprint, path, title, reason] = ["key", "fingerprint", "path", "title", "reason"].map(|name| member(body, name));
    let record = record_bytes(body)?;
    take(Message::Item(RawItem {
        state,
        key: &key?,
        fingerprint: &fingerprint?,
        record: &record,
        path: &path?,
        line: count(body, "line")?,
        column: count(body, "column")?,
        title: &title?,
        reason: &reason?,
    }))
}

fn read_answer<E: From<Breach>>(body: &Value, take: &mut dyn FnMut(Message<'_>) -> Result<(), E>) -> Result<(), E> {
    let outcome = match body.get("outcome").and_then(Value::as_str) {
        Some("done") => outcome::DONE,
        Some("deleted") => outcome::DELETED,
        Some("stale") => outcome::STALE,
        Some("refused") => outcome::REFUSED,
        _ => return Err(Breach::new("its answer has no `outcome` of done, deleted, stale, refused").into()),
    };
    let [key, fingerprint, reason] = ["key", "fingerprint", "reason"].map(|name| member(body, name));
    let index = body.get("index").and_then(Value::as_u64).ok_or_else(|| Breach::new("its answer has no `index`"))?;
    let record = record_bytes(body)?;
    let bytes = count(body, "bytes")?;
    take(Message::Answer(RawAnswer { outcome, index, key: &key?, fingerprint: &fingerprint?, record: &record, bytes, reason: &reason? }))
}

fn read_fate<E: From<Breach>>(body: &Value, take: &mut dyn FnMut(Message<'_>) -> Result<(), E>) -> Result<(), E> {
    let fate = match body.get("fate").and_then(Value::as_str) {
        Some("done") => fate::DONE,
        Some("not-done") => fate::NOT_DONE,
        Some("unknown") => fate::UNKNOWN,
        _ => return Err(Breach::new("its fate has no `fate` of done, not-done, unknown").into()),
    };
    let (key, fingerprint) = (member(body, "key")?, member(body, "fingerprint")?);
    take(Message::Fate(RawFate { fate, key: &key, fingerprint: &fingerprint }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_value_comes_back_from_json() {
        let blob = Blob { digest: Digest([7; 32]), length: 3 };
        let record = Record::new(Kind::ROW)
            .with("a", Field::text("é\n\""))
            .with("b", Field::Integer(i64::MIN))
            .with("c", Field::Boolean(true))
            .with("d", Field::Decimal("1.50".into()))
            .with("e", Field::Date("--03-07".into()))
            .with("f", Field::LocalDateTime("2026-01-01T00:00:00".into()))
            .with("g", Field::Instant("2026-01-01T00:00:00Z".into()))
            .with("h", Field::Duration("P1D".into()))
            .with("i", Field::Uri("urn:x".into()))
            .with("j", Field::Bytes(vec![0, 255]))
            .with("k", Field::Blob(blob));
        let text = record_json(&record).to_string();
        assert_eq!(read_record(&serde_json::from_str(&text).unwrap()).unwrap(), record);
    }

    #[test]
    fn bytes_that_are_no_text_are_written_as_digits() {
        for bytes in [&b"plain"[..], &[0xff, 0x00], &[]] {
            assert_eq!(read_octets(&octets(bytes)).unwrap(), bytes);
        }
        assert_eq!(unhex("abc"), None);
        assert_eq!(unhex("zz"), None);
    }
}
