//! What is still to be written of a record: its fields, lent, each taken once.

use crate::card::parameter_pointer;
use crate::map::named::{Fields, Parameters};
use crate::map::spelling::{SPELLING, Spelling};
use crate::map::table::{Form, ROWS, Row};
use crate::version::Version;
use record::{Pointer, Record, Value, pointer, vocabulary};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

const PARAMETERS: &str = "ext/vcard/params";

/// The fields of a record that no line was written for yet.
pub(crate) struct Rest<'r> {
    entries: Vec<(&'r Pointer, &'r Value)>,
    taken: Vec<bool>,
    /// Whether there are unmapped parameters at all.
    with_parameters: bool,
}

/// Fields and unmapped parameters of a part.
#[derive(Default)]
pub(crate) struct Part<'r> {
    pub(crate) fields: Fields<'r>,
    pub(crate) raw: Parameters<'r>,
}

/// A part, and where it stands in the record.
pub(crate) struct Placed<'r> {
    pub(crate) stem: &'static str,
    /// Its pointer: `phones/1a2b`.
    pub(crate) base: &'r str,
    pub(crate) part: Part<'r>,
}

impl<'r> Rest<'r> {
    /// Takes a record with nothing written yet.
    pub(crate) fn of(record: &'r Record) -> Self {
        let entries: Vec<_> = record.fields.iter().collect();
        let mut rest = Self { taken: vec![false; entries.len()], entries, with_parameters: false };
        rest.with_parameters = !rest.below(&[PARAMETERS]).is_empty();
        rest
    }

    /// Returns where the fields below `pieces`, joined by slashes, stand.
    fn below(&self, pieces: &[&str]) -> Range<usize> {
        let place = |entry: &(&Pointer, &Value)| place(entry.0.as_str(), pieces);
        let start = self.entries.partition_point(|entry| place(entry) == Ordering::Less);
        let found = self.entries.iter().skip(start).take_while(|entry| place(entry) == Ordering::Equal);
        start..start + found.count()
    }

    /// Takes the field at this place, unless it was taken before.
    fn take_at(&mut self, at: usize) -> Option<(&'r Pointer, &'r Value)> {
        let taken = self.taken.get_mut(at).filter(|taken| !**taken)?;
        *taken = true;
        self.entries.get(at).copied()
    }

    /// Takes one field.
    pub(crate) fn take(&mut self, name: &str) -> Option<(&'r Pointer, &'r Value)> {
        let at = self.entries.binary_search_by(|(pointer, _)| pointer.as_str().cmp(name)).ok()?;
        self.take_at(at)
    }

    /// Takes the fields below `base`, named by what follows.
    pub(crate) fn take_below(&mut self, base: &str) -> Fields<'r> {
        let mut fields = Fields::default();
        for at in self.below(&[base]) {
            if let Some((pointer, value)) = self.take_at(at) {
                fields.push(Cow::Borrowed(pointer.as_str().get(base.len() + 1..).unwrap_or_default()), value);
            }
        }
        fields
    }

    /// Takes the fields and the unmapped parameters at `base`.
    pub(crate) fn take_part(&mut self, base: &str) -> Part<'r> {
        Part { fields: self.take_below(base), raw: self.take_raw(base) }
    }

    /// Takes the fields of a row of the record itself, those of them that `wanted` names; of a set, all its words.
    pub(crate) fn take_single(&mut self, row: &Row, wanted: impl Fn(&str) -> bool) -> Fields<'r> {
        let mut fields = Fields::default();
        if let Form::Set(field) = row.form {
            for at in self.below(&[field]) {
                if let Some((pointer, value)) = self.take_at(at) {
                    fields.push(Cow::Borrowed(pointer.as_str()), value);
                }
            }
            return fields;
        }
        for name in row.names().filter(|name| wanted(name)) {
            if let Some((pointer, value)) = self.take(name) {
                fields.push(Cow::Borrowed(pointer.as_str()), value);
            }
        }
        fields.sort();
        fields
    }

    /// Takes the unmapped parameters of `home`.
    pub(crate) fn take_raw(&mut self, home: &str) -> Parameters<'r> {
        let mut raw = Parameters::default();
        if !self.with_parameters {
            return raw;
        }
        for at in self.below(&[PARAMETERS, home]) {
            let name = |pointer: &'r Pointer| pointer.as_str().get(PARAMETERS.len() + home.len() + 2..).unwrap_or_default();
            let Some((pointer, Value::Text(text))) = self.entries.get(at).copied() else { continue };
            if !name(pointer).contains('/') && self.take_at(at).is_some() {
                raw.push(pointer::unescape(name(pointer)), text);
            }
        }
        raw.sort();
        raw
    }

    /// Returns the property by which the line of a home was spelled in this version.
    pub(crate) fn spelled(&self, home: &str, version: Version) -> Option<&'r str> {
        if !self.with_parameters {
            return None;
        }
        let pointer = parameter_pointer(home, SPELLING);
        let at = self.entries.binary_search_by(|(found, _)| (*found).cmp(&pointer)).ok()?;
        self.entries.get(at).and_then(|(_, value)| Spelling::read(value.as_text()?, version)).map(Spelling::property)
    }

    /// Returns the fields that a row could take and that were spelled by a line of another one.
    pub(crate) fn spelled_singles(&self, row: &Row, version: Version) -> Vec<&'static str> {
        if !self.with_parameters {
            return Vec::new();
        }
        let others = ROWS.iter().filter(|other| other.stem.is_none() && other.property != row.property);
        others.filter(|other| self.spelled(other.home(), version) == Some(other.property)).map(Row::home).collect()
    }

    /// Takes every part that is left.
    pub(crate) fn take_parts(&mut self) -> Vec<Placed<'r>> {
        let mut parts = Vec::new();
        for at in 0..self.entries.len() {
            if self.taken.get(at) == Some(&true) {
                continue;
            }
            let Some(text) = self.entries.get(at).map(|(pointer, _)| pointer.as_str()) else { continue };
            let Some((stem, id, _)) = vocabulary::split(text).filter(|(stem, ..)| !stem.starts_with("ext/")) else { continue };
            let Some((stem, base)) = vocabulary::part(stem).map(|part| part.stem).zip(text.get(..stem.len() + 1 + id.len())) else {
                continue;
            };
            parts.push(Placed { stem, base, part: self.take_part(base) });
        }
        parts
    }

    /// Tells whether lines that are kept as they are stand in the record.
    pub(crate) fn has_lines(&self) -> bool {
        !self.below(&["ext/vcard/lines"]).is_empty()
    }

    /// Takes the lines, or the components, that are kept as they are, and that `wanted` lets pass.
    pub(crate) fn take_verbatim(&mut self, stem: &str, wanted: impl Fn(&str) -> bool) -> Vec<&'r str> {
        let mut texts = Vec::new();
        for at in self.below(&[stem]) {
            let text = self.entries.get(at).and_then(|(_, value)| value.as_text());
            if let Some(text) = text.filter(|text| wanted(text))
                && self.take_at(at).is_some()
            {
                texts.push(text);
            }
        }
        texts
    }

    /// Takes everything else.
    pub(crate) fn take_all(&mut self) -> Vec<&'r Pointer> {
        (0..self.entries.len()).filter_map(|at| self.take_at(at)).map(|(pointer, _)| pointer).collect()
    }
}

impl Row {
    /// Tells whether a new line of this version stands for the field.
    pub(crate) fn takes(&self, version: Version) -> impl Fn(&str) -> bool + '_ {
        move |name| self.holds(name, version)
    }
}

/// Tells whether a pointer stands before, below or behind the prefix that the pieces make.
fn place(pointer: &str, pieces: &[&str]) -> Ordering {
    let mut rest = pointer.as_bytes();
    for piece in pieces.iter().flat_map(|piece| [piece.as_bytes(), b"/"]) {
        let length = piece.len().min(rest.len());
        let (start, tail) = rest.split_at(length);
        match start.cmp(piece.get(..length).unwrap_or_default()) {
            Ordering::Equal if length < piece.len() => return Ordering::Less,
            Ordering::Equal => rest = tail,
            other => return other,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Kind;

    #[test]
    fn fields_below_a_prefix_are_found_among_their_neighbours() {
        let text = |text: &str| Value::text(text);
        let record = Record::new(Kind::CONTACT)
            .with("phones/1", text("no part"))
            .with("phones/1-a/number", text("a"))
            .with("phones/1/label", text("l"))
            .with("phones/1/number", text("n"))
            .with("phones/10/number", text("t"))
            .with("ext/vcard/params/phones/1/X~1A", text("raw"));
        let mut rest = Rest::of(&record);
        let part = rest.take_part("phones/1");
        assert_eq!(part.fields.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>(), ["label", "number"]);
        assert_eq!(part.raw.get("X/A"), Some("raw"));
        assert!(rest.take_part("phones/1").fields.is_empty());
        let bases: Vec<&str> = rest.take_parts().iter().map(|placed| placed.base).collect();
        assert_eq!(bases, ["phones/1-a", "phones/10"]);
        assert_eq!(rest.take_all(), [&Pointer::new("phones/1")]);
    }
}
