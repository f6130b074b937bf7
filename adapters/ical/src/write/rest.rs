//! What is still to be written of a record, and what has no place in the file.

use crate::map::decode::{Named, Raw};
use crate::map::encode::date_of;
use crate::map::lexical;
use crate::map::table::{Form, Row};
use record::vocabulary::OVERRIDES;
use record::{Fields, Pointer, Record, Value, pointer};
use std::collections::BTreeSet;

/// What is left of a record while it is written.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) fields: Fields,
    pub(crate) unheld: BTreeSet<Pointer>,
    /// The record as it will be shown.
    pub(crate) meant: Record,
}

/// The form of a date: all day, local or UTC.
pub(crate) type DateForm = std::mem::Discriminant<Value>;

impl Rest {
    /// Begins with a whole record; a zone that only repeats that of the start says nothing.
    pub(crate) fn new(record: &Record) -> Self {
        let mut rest = Self { fields: record.fields.clone(), unheld: BTreeSet::new(), meant: record.clone() };
        let zoned = [("end", "endTimeZone"), ("due", "dueTimeZone")];
        for (field, zone) in zoned {
            rest.settle_zone("", field, zone, "");
        }
        for id in rest.ids_below(OVERRIDES) {
            let prefix = format!("{OVERRIDES}/{id}/");
            for (field, zone) in zoned {
                rest.settle_zone(&prefix, field, zone, &prefix);
            }
            rest.settle_zone(&prefix, "recurrenceId", "recurrenceIdTimeZone", "");
        }
        rest
    }

    /// Drops a zone that is that of the start, and states it where the start itself has none any more.
    fn settle_zone(&mut self, prefix: &str, field: &str, zone: &str, start: &str) {
        let (zone, said) = (format!("{prefix}{zone}"), self.meant.text(&format!("{start}timeZone")).map(str::to_owned));
        let held = zone_of(&self.meant, start);
        let own = self.meant.text(&zone);
        if own.is_some_and(|own| own == held.unwrap_or_default()) {
            self.fields.remove(zone.as_str());
            self.unheld.insert(Pointer::new(&zone));
            return;
        }
        let local = matches!(self.meant.field(&format!("{prefix}{field}")), Some(Value::LocalDateTime(_)));
        if let Some(said) = said.filter(|_| local && own.is_none() && held.is_none()) {
            self.complete(&zone, Value::Text(said));
        }
    }

    /// Sets what a new component must say and the record does not.
    pub(crate) fn complete(&mut self, field: &str, value: Value) {
        let pointer = Pointer::new(field);
        self.fields.insert(pointer.clone(), value.clone());
        self.meant.fields.insert(pointer, value);
    }

    /// Returns the ids that stand below a stem, in order.
    pub(crate) fn ids_below(&self, stem: &str) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for (_, below) in keys_below(&self.fields, stem) {
            let id = below.split('/').next().unwrap_or_default();
            if ids.last().is_none_or(|last| last != id) {
                ids.push(id.to_owned());
            }
        }
        ids
    }

    /// Takes the fields of a part.
    pub(crate) fn take_below(&mut self, base: &str) -> Named {
        let keys = keys_below(&self.fields, base);
        keys.into_iter().filter_map(|(key, name)| self.fields.remove(&key).map(|value| (name, value))).collect()
    }

    /// Takes the fields of a row of a section's own; of a set all its words, of dates those of one form.
    pub(crate) fn take_own(&mut self, row: &Row, prefix: &str, form: Option<DateForm>) -> Named {
        match row.form {
            Form::Set(field) => {
                let words = self.take_below(&format!("{prefix}{field}"));
                words.iter().map(|(word, value)| (format!("{field}/{word}"), value.clone())).collect()
            }
            Form::Dates(excluded) => self.take_dates(excluded, form),
            _ => {
                let names = row.fields().into_iter();
                names.filter_map(|name| self.fields.remove(format!("{prefix}{name}").as_str()).map(|value| (name, value))).collect()
            }
        }
    }

    fn take_dates(&mut self, excluded: bool, form: Option<DateForm>) -> Named {
        let wanted = Value::Boolean(excluded);
        let is_mine = |pointer: &Pointer, value: &Value| {
            *value == wanted && date_of(pointer.as_str()).and_then(form_of).is_some_and(|found| form.is_none_or(|form| form == found))
        };
        let start = Pointer::from(format!("{OVERRIDES}/"));
        let below = self.fields.range(start..).take_while(|(pointer, _)| pointer.below(OVERRIDES).is_some());
        let keys: Vec<Pointer> = below.filter(|(pointer, value)| is_mine(pointer, value)).map(|(pointer, _)| pointer.clone()).collect();
        keys.into_iter().filter_map(|key| self.fields.remove(&key).map(|value| (key.as_str().to_owned(), value))).collect()
    }

    /// Returns the form of the first date that is left with this value.
    pub(crate) fn next_form(&self, excluded: bool) -> Option<DateForm> {
        let start = Pointer::from(format!("{OVERRIDES}/"));
        let mut below = self.fields.range(start..).take_while(|(pointer, _)| pointer.below(OVERRIDES).is_some());
        below.find_map(|(pointer, value)| (*value == Value::Boolean(excluded)).then(|| date_of(pointer.as_str()).and_then(form_of))?)
    }

    /// Takes these fields of a section's own, as far as they are left with these values.
    pub(crate) fn take_same(&mut self, fields: &Named, prefix: &str) -> Named {
        let mut taken = Vec::new();
        for (name, value) in fields.iter() {
            let key = format!("{prefix}{name}");
            if self.fields.get(key.as_str()) == Some(value) {
                taken.extend(self.fields.remove(key.as_str()).map(|value| (name.to_owned(), value)));
            }
        }
        taken.into_iter().collect()
    }

    /// Takes the unmapped parameters of a line.
    pub(crate) fn take_raw(&mut self, owner: &str) -> Raw {
        let found = keys_below(&self.fields, &format!("ext/ical/params/{owner}"));
        let mut raw = Raw::new();
        for (key, name) in found.into_iter().filter(|(_, name)| !name.contains('/')) {
            if let Some(text) = self.fields.get(&key).and_then(Value::as_text) {
                raw.push((pointer::unescape(&name).into_owned(), text.to_owned()));
                self.fields.remove(&key);
            }
        }
        raw.sort_unstable();
        raw
    }

    /// Notes fields of a line that have no form there.
    pub(crate) fn unhold(&mut self, prefix: &str, fields: &Named, used: &BTreeSet<String>) {
        let unused = fields.iter().map(|(name, _)| name).filter(|name| !used.contains(*name));
        self.unheld.extend(unused.map(|name| Pointer::from(format!("{prefix}{name}"))));
    }

    /// Notes unmapped parameters of a line that is not written.
    pub(crate) fn unhold_raw(&mut self, owner: &str, raw: &Raw) {
        self.unheld.extend(raw.iter().map(|(name, _)| crate::entry::parameter_pointer(owner, name)));
    }
}

/// Returns the zone of a start: only a local time has one.
pub(crate) fn zone_of<'r>(record: &'r Record, prefix: &str) -> Option<&'r str> {
    let local = matches!(record.field(&format!("{prefix}start")), Some(Value::LocalDateTime(_)));
    record.text(&format!("{prefix}timeZone")).filter(|zone| local && !zone.is_empty())
}

/// Returns the form of a date by its text.
pub(crate) fn form_of(date: &str) -> Option<DateForm> {
    lexical::read_id(date).map(|value| std::mem::discriminant(&value))
}

/// Returns the pointers below `prefix/`, each with what follows.
pub(crate) fn keys_below(fields: &Fields, prefix: &str) -> Vec<(Pointer, String)> {
    let start = Pointer::from(format!("{prefix}/"));
    let below = fields.range(start..).map_while(|(key, _)| Some((key.clone(), key.below(prefix)?.to_owned())));
    below.collect()
}
