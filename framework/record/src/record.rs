//! The record: a kind and its fields.

use crate::fields::Fields;
use crate::kind::Kind;
use crate::pointer::Pointer;
use crate::value::{Blob, Value};

/// One contact, event, task, row or file. Its id is the key under which it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// What it holds.
    pub fields: Fields,
}

impl Record {
    /// Makes an empty record.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, fields: Fields::new() }
    }

    /// Returns the value of a field.
    #[must_use]
    pub fn field(&self, pointer: &str) -> Option<&Value> {
        self.fields.get(pointer)
    }

    /// Returns the characters of a field that is written as characters.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.field(pointer)?.as_text()
    }

    /// Returns the record with one more field.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        self.fields.insert(Pointer::new(pointer), value);
        self
    }

    /// Iterates over the fields that stand below `prefix/`, in pointer order.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Pointer, &'a Value)> {
        let start = format!("{prefix}/");
        self.fields.range(Pointer::from(start)..).take_while(move |(pointer, _)| pointer.below(prefix).is_some())
    }

    /// Returns what a person calls this record: its name or title, or the first text it holds.
    #[must_use]
    pub fn title(&self) -> String {
        let named = ["name/full", "title", "path"].into_iter().find_map(|field| self.text(field)).map(str::to_owned);
        named
            .filter(|text| !text.trim().is_empty())
            .or_else(|| self.name_of_components())
            .or_else(|| self.first_text())
            .unwrap_or_else(|| format!("({} without a name)", self.kind))
    }

    fn name_of_components(&self) -> Option<String> {
        let parts: Vec<&str> = ["name/given", "name/surname"].into_iter().filter_map(|field| self.text(field)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    fn first_text(&self) -> Option<String> {
        let telling = |pointer: &Pointer| !pointer.as_str().starts_with("ext/") && pointer.as_str() != "uid";
        self.fields.iter().filter(|(pointer, _)| telling(pointer)).find_map(|(_, value)| match value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            _ => None,
        })
    }

    /// Iterates over the blobs that the record refers to.
    pub fn blobs(&self) -> impl Iterator<Item = Blob> + '_ {
        self.fields.values().filter_map(|value| match value {
            Value::Blob(blob) => Some(*blob),
            _ => None,
        })
    }
}
