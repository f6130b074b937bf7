//! An item as an application keeps and shows it.

use std::collections::{BTreeMap, BTreeSet};

use adapter::Fingerprint;
use record::{Pointer, Record, Value};

use super::dice::fold;
use super::shape::{HEAD, STAMP, STEM, Shape};
use super::token::{Token, token, tokens};

/// One item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Item {
    /// Its fields as they are shown.
    pub(super) fields: BTreeMap<&'static str, Value>,
    /// Its repeated part, in the order in which it stands.
    pub(super) lines: Vec<Value>,
    /// What it stands for beyond what it shows: whoever deletes it deletes that too.
    pub(super) beneath: BTreeSet<Token>,
    /// Every value that it ever showed.
    pub(super) lineage: BTreeSet<Token>,
    /// What the last scan read, and under which number, whether or not the engine came to keep it.
    pub(super) scanned: Option<(Record, u64)>,
    /// It cannot be read now; whether its name can be.
    pub(super) broken: Option<bool>,
}

impl Item {
    /// Returns the tokens that it shows.
    pub(super) fn shown(&self) -> BTreeSet<Token> {
        self.fields.values().chain(&self.lines).filter_map(token).collect()
    }

    /// Returns the tokens that it shows or stands for.
    pub(super) fn known(&self) -> BTreeSet<Token> {
        self.shown().union(&self.beneath).copied().collect()
    }

    /// Returns the characters of a field.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_text()
    }

    /// Tells whether it shows the same, but for what changes by itself.
    pub(super) fn shows_as(&self, other: &Self) -> bool {
        let plain =
            |item: &Self| item.fields.iter().filter(|(field, _)| **field != STAMP).map(|(f, v)| (*f, v.clone())).collect::<Vec<_>>();
        self.lines == other.lines && plain(self) == plain(other)
    }

    /// Returns its content as bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (field, value) in &self.fields {
            bytes.extend(field.bytes().chain([0]).chain(value.display().bytes()).chain([1]));
        }
        for value in &self.lines {
            bytes.extend(value.display().bytes().chain([2]));
        }
        bytes
    }

    /// Returns how long it is.
    pub(super) fn length(&self) -> u64 {
        self.bytes().len() as u64
    }

    /// Returns the fingerprint of its content.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(fold(&self.bytes()).to_vec())
    }

    /// Returns the record that a scan shows, parts under their places as local ids.
    pub(super) fn record(&self, shape: &Shape) -> Record {
        let mut record = Record::new(shape.kind());
        record.fields.extend(self.fields.iter().map(|(field, value)| (Pointer::new(field), value.clone())));
        for (place, value) in self.lines.iter().enumerate() {
            record.fields.insert(Pointer::new(&format!("{STEM}/{place}/{HEAD}")), value.clone());
        }
        record
    }

    /// Returns the item that shows a record in the place of another.
    pub(super) fn render(shape: &Shape, record: &Record, before: Option<&Self>) -> Self {
        let mut item = Self { lineage: before.map(|item| item.lineage.clone()).unwrap_or_default(), ..Self::default() };
        for field in shape.slots().iter().copied().chain(shape.name()) {
            if let Some(value) = record.field(field) {
                item.fields.insert(field, shape.form.show(value));
            }
        }
        if let Some(stamp) = before.and_then(|item| item.fields.get(STAMP)) {
            item.fields.insert(STAMP, stamp.clone());
        }
        if shape.parts {
            item.lines = lines(shape, record, before.map_or(0, |item| item.lines.len()));
        }
        item.beneath = tokens(record).difference(&item.shown()).copied().collect();
        item.lineage.extend(item.shown());
        item
    }
}

/// Returns the repeated part: what stood here keeps its order, what is new follows.
fn lines(shape: &Shape, record: &Record, places: usize) -> Vec<Value> {
    let place = |id: &str| id.parse::<usize>().ok().filter(|place| *place < places);
    let mut lines: Vec<(usize, String, Value)> = record
        .below(STEM)
        .filter_map(|(pointer, value)| {
            let id = pointer.below(STEM)?.strip_suffix(HEAD)?.strip_suffix('/')?;
            Some((place(id).unwrap_or(usize::MAX), id.to_owned(), shape.form.show(value)))
        })
        .collect();
    lines.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    lines.into_iter().map(|(_, _, value)| value).collect()
}
