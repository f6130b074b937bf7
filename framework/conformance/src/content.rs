//! Records compared: local ids of parts hold only within one reading, so parts are told apart by what they hold.

use std::collections::BTreeMap;

use record::{Pointer, Record, Value, vocabulary};

use crate::subject::Subject;

/// A record with one text changed, and the field's pointer in that record.
pub(crate) fn rewritten(subject: &dyn Subject, record: &Record, text: Option<&str>) -> (Record, Pointer) {
    let pointer = located(record, subject.field()).unwrap_or_else(|| Pointer::new(subject.field()));
    let mut record = record.clone();
    match text {
        Some(text) => record.fields.insert(pointer.clone(), Value::text(text)),
        None => record.fields.remove(&pointer),
    };
    (record, pointer)
}

/// Finds the pointer by which a record names a field: the ids of parts differ between readings.
pub(crate) fn located(record: &Record, field: &str) -> Option<Pointer> {
    let Some((stem, _, rest)) = vocabulary::split(field) else {
        return record.fields.get_key_value(field).map(|(pointer, _)| pointer.clone());
    };
    record
        .fields
        .keys()
        .find(|pointer| vocabulary::split(pointer.as_str()).is_some_and(|found| (found.0, found.2) == (stem, rest)))
        .cloned()
}

/// Returns the text of the subject's field.
pub(crate) fn text<'r>(subject: &dyn Subject, record: &'r Record) -> Option<&'r str> {
    record.text(located(record, subject.field())?.as_str())
}

/// Names a field of `asked` that `shown` does not show, parts compared by their content.
pub(crate) fn missing(asked: &Record, shown: &Record) -> Option<Pointer> {
    let mut free = parts(shown);
    for (stem, part) in parts(asked) {
        match free.iter().position(|(found, fields)| {
            *found == stem && part.iter().all(|(rest, (_, value))| fields.get(rest).is_some_and(|(_, found)| found == value))
        }) {
            Some(at) => {
                free.swap_remove(at);
            }
            None => return part.into_values().next().map(|(pointer, _)| pointer.clone()),
        }
    }
    asked
        .fields
        .iter()
        .filter(|(pointer, _)| vocabulary::split(pointer.as_str()).is_none())
        .find(|(pointer, value)| shown.fields.get(*pointer) != Some(value))
        .map(|(pointer, _)| pointer.clone())
}

type Part<'r> = BTreeMap<&'r str, (&'r Pointer, &'r Value)>;

fn parts(record: &Record) -> Vec<(&str, Part<'_>)> {
    let mut parts: BTreeMap<(&str, &str), Part<'_>> = BTreeMap::new();
    for (pointer, value) in &record.fields {
        if let Some((stem, id, rest)) = vocabulary::split(pointer.as_str()) {
            parts.entry((stem, id)).or_default().insert(rest, (pointer, value));
        }
    }
    parts.into_iter().map(|((stem, _), part)| (stem, part)).collect()
}
