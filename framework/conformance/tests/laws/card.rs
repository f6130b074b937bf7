//! One card: its lines, what they show, and how they are changed.

use record::{Digest, Fields, Kind, Pointer, Record, Value, vocabulary};

/// A line that the adapter does not know begins with this.
pub(crate) const UNKNOWN: char = '!';
const BLOB: &str = "hex:";

/// Reads a card; nothing if it is none.
pub(crate) fn shown(text: &str) -> Option<Record> {
    let mut record = Record::new(Kind::CONTACT);
    for line in text.lines().filter(|line| !line.starts_with(UNKNOWN)) {
        let (field, value) = line.split_once('=')?;
        record.fields.insert(Pointer::new(field), value_of(field, value)?);
    }
    record.field("uid").is_some().then_some(record)
}

fn value_of(field: &str, value: &str) -> Option<Value> {
    if let Some(digits) = value.strip_prefix(BLOB) {
        let bytes = unhex(digits)?;
        return Some(Value::Blob(record::Blob { digest: Digest::of(&bytes), length: bytes.len() as u64 }));
    }
    let text = value.replace("\\n", "\n").replace("\\r", "\r").replace("\\0", "\0").replace("\\b", "\\");
    Some(match field.rsplit('/').next()? {
        "updated" => Value::Instant(text),
        "date" => Value::Date(text),
        "pref" => Value::Integer(text.parse().ok()?),
        _ => Value::Text(text),
    })
}

/// Writes one line; a blob's bytes are given.
pub(crate) fn line(field: &str, value: &Value, blob: Option<&[u8]>) -> String {
    let escaped = value.display().replace('\\', "\\b").replace('\n', "\\n").replace('\r', "\\r").replace('\0', "\\0");
    let value = blob.map_or(escaped, |bytes| format!("{BLOB}{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
    format!("{field}={value}")
}

/// Returns the bytes of every blob in a card.
pub(crate) fn blobs(text: &str) -> Vec<Vec<u8>> {
    text.lines().filter_map(|line| unhex(line.split_once('=')?.1.strip_prefix(BLOB)?)).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(pair).collect()
}

/// Tells whether the endpoint holds a field.
pub(crate) fn holds(pointer: &Pointer) -> bool {
    matches!(pointer.as_str(), "uid" | "name/full" | "updated")
        || vocabulary::split(pointer.as_str()).is_some_and(|(stem, _, rest)| {
            matches!((stem, rest), ("notes", "note") | ("media", "content") | ("anniversaries", "date") | ("phones", "number" | "pref"))
        })
}

/// Returns the card with these fields, every line that did not change as it was.
pub(crate) fn changed(text: &str, wanted: &Fields, mut written: impl FnMut(&Pointer, &Value) -> String) -> String {
    let before = shown(text).map(|record| record.fields).unwrap_or_default();
    let mut lines = String::with_capacity(text.len() + 64);
    for old in text.split_inclusive('\n') {
        let body = old.trim_end_matches(['\r', '\n']);
        let field = body.split_once('=').map_or("", |(field, _)| field);
        match (old.starts_with(UNKNOWN), wanted.get_key_value(field)) {
            (true, _) => lines.push_str(old),
            (false, Some((_, value))) if before.get(field) == Some(value) => lines.push_str(old),
            (false, Some((pointer, value))) => {
                lines.push_str(&written(pointer, value));
                lines.push_str(&old[body.len()..]);
            }
            (false, None) => {}
        }
    }
    for (pointer, value) in wanted.iter().filter(|(pointer, _)| !before.contains_key(*pointer)) {
        lines.push_str(&written(pointer, value));
        lines.push('\n');
    }
    lines
}
