//! A repeated part as its content: what remains of it when ids are taken away.

use std::collections::BTreeMap;

use record::vocabulary;
use record::{Digest, Fields, Pointer, Record, Value};

use crate::align::pointer_of;

/// Where a value of a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot<'a> {
    /// A field of the part, by what follows its id.
    Field(&'a str),
    /// A parameter that no field takes.
    Parameter {
        /// The format that has it.
        format: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// A repeated part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// What its pointers begin with.
    pub(crate) stem: &'a str,
    /// Its id in this record.
    pub(crate) id: &'a str,
    /// All it holds, in order.
    pub(crate) contents: Vec<(Slot<'a>, &'a Value)>,
}

/// Takes a record apart: fields that stand alone, and repeated parts in order of stem and id.
pub(crate) fn dissect(record: &Record) -> (Fields, Vec<Part<'_>>) {
    let mut plain = Vec::new();
    let parts = parts(record, |pointer, value| plain.push((pointer.clone(), value.clone())));
    (plain.into_iter().collect(), parts)
}

/// Returns the repeated parts of a record, in order of stem and id.
pub(crate) fn parts_of(record: &Record) -> Vec<Part<'_>> {
    parts(record, |_, _| ())
}

fn parts<'a>(record: &'a Record, mut plain: impl FnMut(&'a Pointer, &'a Value)) -> Vec<Part<'a>> {
    let mut parts: BTreeMap<(&str, &str), Vec<(Slot<'_>, &Value)>> = BTreeMap::new();
    for (pointer, value) in &record.fields {
        match slot(pointer) {
            Some((stem, id, slot)) => parts.entry((stem, id)).or_default().push((slot, value)),
            None => plain(pointer, value),
        }
    }
    let finish = |((stem, id), mut contents): ((_, _), Vec<_>)| {
        contents.sort_unstable();
        Part { stem, id, contents }
    };
    parts.into_iter().map(finish).collect()
}

/// Returns the stem, the id and the slot of a pointer that belongs to a repeated part.
pub(crate) fn slot(pointer: &Pointer) -> Option<(&str, &str, Slot<'_>)> {
    let text = pointer.as_str();
    if let Some((stem, id, rest)) = vocabulary::split(text) {
        return Some((stem, id, Slot::Field(rest)));
    }
    let (format, stem, id) = vocabulary::parameter_owner(text)?;
    let before = "ext//params///".len() + format.len() + stem.len() + id.len();
    Some((stem, id, Slot::Parameter { format, name: text.get(before..)? }))
}

/// Returns the stable id that a format gave a part, if its local id is one.
///
/// One that would itself read as a local id with a meaning is none.
pub(crate) fn explicit(local: &str) -> Option<&str> {
    local.strip_prefix('=').filter(|id| !id.is_empty() && !id.starts_with(['=', '@']))
}

/// Tells whether a local id names a place that outlives readings.
pub(crate) fn is_place(local: &str) -> bool {
    local.starts_with('@')
}

impl<'a> Part<'a> {
    /// Puts the part into `fields` under another id.
    pub(crate) fn place(&self, id: &str, fields: &mut Fields) {
        for (slot, value) in &self.contents {
            let pointer = match slot {
                Slot::Field(rest) => pointer_of(self.stem, id, rest),
                Slot::Parameter { format, name } => Pointer::from(format!("ext/{format}/params/{}/{id}/{name}", self.stem)),
            };
            fields.insert(pointer, (*value).clone());
        }
    }

    /// Returns the head fields: the part's value.
    pub(crate) fn value(&self) -> Vec<(&'a str, &'a Value)> {
        let heads = vocabulary::part(self.stem).map_or(&[""] as &[&str], |part| part.heads);
        self.fields().filter(|(rest, _)| heads.contains(rest)).collect()
    }

    /// Returns the fields that say what the part is.
    pub(crate) fn traits(&self) -> Vec<(&'a str, &'a Value)> {
        let traits = vocabulary::part(self.stem).map_or(&[] as &[&str], |part| part.traits);
        self.fields().filter(|(rest, _)| traits.contains(&rest.split('/').next().unwrap_or_default())).collect()
    }

    /// Returns what sort of its stem the part is, where it says so; a verbatim line's sort is its name.
    pub(crate) fn kind(&self) -> Option<String> {
        if !vocabulary::is_verbatim(self.stem) {
            return self.fields().find(|(rest, _)| *rest == "kind").and_then(|(_, value)| value.as_text()).map(str::to_owned);
        }
        let line = self.fields().find_map(|(_, value)| value.as_text())?;
        let name = line.split([':', ';', '\n']).next()?;
        Some(name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase())
    }

    fn fields(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.contents.iter().filter_map(|(slot, value)| match slot {
            Slot::Field(rest) => Some((*rest, *value)),
            Slot::Parameter { .. } => None,
        })
    }
}

/// Returns a value in its normal form: what two formats that write it differently have in common.
///
/// Case and white space do not count, nor what people put between the digits of a telephone number.
pub(crate) fn normal(stem: &str, value: &[(&str, &Value)]) -> String {
    let mut normal = String::new();
    for (rest, value) in value {
        normal.push_str(rest);
        normal.push('\u{1f}');
        match value.as_text() {
            Some(text) if stem == "phones" => number(text, &mut normal),
            Some(text) => folded(text, &mut normal),
            None => normal.push_str(&opaque(value)),
        }
        normal.push('\u{1e}');
    }
    normal
}

fn folded(text: &str, normal: &mut String) {
    normal.extend(text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase));
}

fn number(text: &str, normal: &mut String) {
    let text = text.trim();
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default(),
        _ => text,
    };
    if text.contains(|c: char| c.is_ascii_digit()) {
        normal.extend(text.chars().filter(|c| !c.is_whitespace() && !"-–().·/".contains(*c)).flat_map(char::to_lowercase));
    } else {
        folded(text, normal);
    }
}

/// Returns the normal form of a value that is not written as characters; bytes equal the blob they would be.
fn opaque(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => Digest::of(bytes).to_string(),
        Value::Blob(blob) => blob.digest.to_string(),
        _ => value.display(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_taken_apart_and_put_together_is_the_same() {
        let record = Record::new(record::Kind::CONTACT)
            .with("name/full", Value::text("Ada"))
            .with("phones/1/number", Value::text("+49 30 1"))
            .with("phones/1/", Value::text("odd"))
            .with("phones//number", Value::text("no id"))
            .with("ext/vcard/params/phones/1/X-Q", Value::text("q"))
            .with("ext/vcard/params/phones/1/X/Y", Value::text("deep"))
            .with("ext/vcard/params/uid/X-Q", Value::text("no part"))
            .with("ext/vcard/lines/3", Value::text("X-FOO:bar"));
        let (mut fields, parts) = dissect(&record);
        assert_eq!((fields.len(), parts.len()), (2, 3));
        parts.iter().for_each(|part| part.place(part.id, &mut fields));
        assert_eq!(fields, record.fields);
    }

    #[test]
    fn one_number_written_twice_has_one_normal_form() {
        let normal = |text| normal("phones", &[("number", &Value::text(text))]);
        assert_eq!(normal("tel:+49-30/12 34"), normal("+49 (30) 1234"));
        assert_ne!(normal("+49 30 1234"), normal("+49 30 1235"));
        assert_ne!(normal("see notes"), normal("- / -"));
    }
}
