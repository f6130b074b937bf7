//! The full name that a card must have where its record has none: shown, and not meant.

use record::{Record, Value};

/// Returns a full name made of the name's parts, else of what else names the card; `None` where nothing does.
pub(crate) fn full_name(record: &Record) -> Option<String> {
    const PARTS: [&str; 5] = ["name/title", "name/given", "name/given2", "name/surname", "name/generation"];
    let parts: Vec<&str> = PARTS.into_iter().filter_map(|part| record.text(part)).map(str::trim).filter(|part| !part.is_empty()).collect();
    if !parts.is_empty() {
        return Some(parts.join(" "));
    }
    let heads = [("organizations", "name"), ("emails", "address"), ("phones", "number"), ("onlineServices", "user")];
    let nickname = || record.below("nicknames").next().map(|(pointer, _)| pointer.clone());
    let name = nickname().and_then(|pointer| pointer.segments().next_back().map(|word| record::pointer::unescape(word).into_owned()));
    name.or_else(|| heads.into_iter().find_map(|(stem, head)| first(record, stem, head)))
        .map(|name| name.replace('\n', " ").trim().to_owned())
        .filter(|name| !name.is_empty())
}

fn first(record: &Record, stem: &str, head: &str) -> Option<String> {
    let named = |pointer: &record::Pointer| pointer.below(stem).and_then(|rest| rest.split_once('/')).is_some_and(|(_, rest)| rest == head);
    record.below(stem).find(|(pointer, _)| named(pointer)).and_then(|(_, value)| value.as_text()).map(str::to_owned)
}

/// Adds what a card of this kind must say and the record does not.
pub(crate) fn complete(mut record: Record, needs_full_name: bool) -> Record {
    if record.kind == record::Kind::GROUP && record.field("kind").is_none() {
        record = record.with("kind", Value::text("group"));
    }
    if needs_full_name
        && record.text("name/full").is_none_or(str::is_empty)
        && let Some(name) = full_name(&record)
    {
        record = record.with("name/full", Value::Text(name));
    }
    record
}
