//! Changing a card: only the lines of fields that differ are replaced; and writing a new one.

use crate::card::{Card, Item, Place};
use crate::map::encode::{Encoded, Target, encode};
use crate::map::named::{Fields, Parameters};
use crate::map::table::{Companion, Form, Row};
use crate::write::derived;
use crate::write::fresh::{self, Around, Extent, Fresh};
use crate::write::line::{self, Manner, Old};
use crate::write::proof;
use crate::write::refusal::Refusal;
use crate::write::rest::Rest;
use contentline::content::Content;
use record::{Pointer, Record, Value};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

/// A card as it was written, and the record that it shows.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) record: Record,
}

/// Writes a new card.
pub(crate) fn create(record: &Record, manner: Manner<'_>) -> Result<Written, Refusal> {
    let meant = derived::complete(record, manner.version, None);
    let mut rest = Rest::of(&meant);
    let mut around = Around { groups: groups_of_lines(&meant), ..Around::default() };
    around.said = rest.has_lines().then(HashSet::new);
    let mut bytes = Vec::with_capacity(1024);
    bytes.extend(line::verbatim("BEGIN:VCARD", manner)?);
    bytes.extend(line::verbatim(&format!("VERSION:{}", manner.version.text()), manner)?);
    for line in fresh::lines(&mut rest, &mut around, Extent::Card, manner)? {
        bytes.extend(line.bytes);
    }
    bytes.extend(line::verbatim("END:VCARD", manner)?);
    prove(bytes, &meant, &around.unheld)
}

/// Changes a card so that it shows `record`; equal fields keep their bytes.
pub(crate) fn edit(card: &Card<'_>, record: &Record, manner: Manner<'_>) -> Result<Written, Refusal> {
    let meant = derived::complete(record, manner.version, Some(&card.record));
    let rest = Rest::of(&meant);
    let mut groups = card.groups.clone();
    groups.extend(groups_of_lines(&meant));
    let said = rest.has_lines().then(|| said_by(card));
    let around = Around { unheld: BTreeSet::new(), groups, said, old_groups: card.groups.clone() };
    let mut editor = Editor { card, manner, rest, around, splices: Vec::new() };
    for (index, item) in card.items.iter().enumerate() {
        editor.item(index, item)?;
    }
    editor.fresh()?;
    let (splices, unheld) = (editor.splices, editor.around.unheld);
    if splices.is_empty() {
        return Ok(Written { bytes: card.document.bytes().to_vec(), record: card.record.clone() });
    }
    prove(apply(card.document.bytes(), splices), &meant, &unheld)
}

/// Reads back what was written, and refuses it where it shows anything but what was meant.
fn prove(bytes: Vec<u8>, meant: &Record, unheld: &BTreeSet<Pointer>) -> Result<Written, Refusal> {
    let (_, record) = Card::shown(&bytes)?;
    proof::check(meant, unheld, &record)?;
    Ok(Written { bytes, record })
}

/// Returns the groups of verbatim lines, so that no new group takes their name.
fn groups_of_lines(record: &Record) -> BTreeSet<String> {
    let texts = record.below("ext/vcard/lines").filter_map(|(_, value)| value.as_text());
    texts.filter_map(|text| Some(text.split_once(['.', ':', ';'])?.0.to_ascii_lowercase())).collect()
}

/// Returns the homes and the fields of the card's lines that are no parts.
fn said_by(card: &Card<'_>) -> HashSet<String> {
    let mut said = HashSet::new();
    for item in &card.items {
        if let Place::Record(row) = &item.place {
            said.insert(row.home().to_owned());
            said.extend(item.fields.names().map(|name| name.clone().into_owned()));
            if !item.parameters.is_empty() {
                said.insert(format!("{};", row.home()));
            }
        }
    }
    said
}

struct Splice {
    range: Range<usize>,
    bytes: Vec<u8>,
}

fn apply(old: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut bytes = Vec::with_capacity(old.len() + 256);
    let mut at = 0;
    for splice in splices {
        bytes.extend_from_slice(old.get(at..splice.range.start).unwrap_or_default());
        bytes.extend_from_slice(&splice.bytes);
        at = splice.range.end.max(at);
    }
    bytes.extend_from_slice(old.get(at..).unwrap_or_default());
    bytes
}

struct Editor<'e, 'b> {
    card: &'e Card<'b>,
    manner: Manner<'e>,
    rest: Rest<'e>,
    around: Around,
    splices: Vec<Splice>,
}

/// What an item shows, and what it should.
struct Change<'i> {
    row: &'static Row,
    item: &'i Item,
    fields: Fields<'i>,
    raw: Parameters<'i>,
    /// The pointer of the part; nothing for the record itself.
    base: &'i str,
}

impl<'e> Editor<'e, '_> {
    fn item(&mut self, index: usize, item: &Item) -> Result<(), Refusal> {
        match &item.place {
            Place::Part(row, base) => {
                let part = self.rest.take_part(base.as_str());
                self.change(&Change { row, item, fields: part.fields, raw: part.raw, base: base.as_str() })
            }
            Place::Record(row) => {
                let (fields, raw) = self.take_record(index, item, row);
                self.change(&Change { row, item, fields, raw, base: "" })
            }
            Place::Line(pointer) => {
                let range = self.line_range(item.line);
                self.verbatim(pointer, item, range)
            }
            Place::Component(pointer, span) => self.verbatim(pointer, item, span.clone()),
        }
    }

    /// Takes the fields of a line that is no part; of several lines of one set, the last one takes the new words.
    fn take_record(&mut self, index: usize, item: &Item, row: &'static Row) -> (Fields<'e>, Parameters<'e>) {
        let same = |other: &&Item| matches!(&other.place, Place::Record(found) if std::ptr::eq(*found, row));
        if !matches!(row.form, Form::Set(_)) {
            let elsewhere = |name: &str| self.card.items.iter().any(|other| other.is_of_record() && other.fields.contains(name));
            let takes = row.takes(self.manner.version);
            let wanted = |name: &str| item.fields.contains(name) || (takes(name) && !elsewhere(name));
            return (self.rest.take_single(row, wanted), self.rest.take_raw(row.home()));
        }
        let last = !self.card.items.iter().skip(index + 1).any(|other| same(&other));
        let parameters_elsewhere = self.card.items.iter().filter(same).any(|other| !other.parameters.is_empty());
        let mine = !item.parameters.is_empty() || (last && !parameters_elsewhere);
        let raw = if mine { self.rest.take_raw(row.home()) } else { Parameters::default() };
        if last {
            return (self.rest.take_single(row, |_| true), raw);
        }
        let mut own = Fields::default();
        for (pointer, value) in item.fields.names().filter_map(|name| self.rest.take(name)) {
            own.push(std::borrow::Cow::Borrowed(pointer.as_str()), value);
        }
        (own, raw)
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), Refusal> {
        let Change { row, item, fields, raw, base } = change;
        let (shown, shown_raw) = (item.fields.view(), item.parameters.view());
        if *fields == shown && *raw == shown_raw {
            return Ok(());
        }
        let Some(content) = self.card.document.content(item.line) else {
            return Ok(());
        };
        let target = Target { version: self.manner.version, old: Some(&content) };
        let failed = |source| Refusal::Line { property: row.property.to_owned(), source };
        let Some(mut new) = encode(row, fields, raw, target).map_err(failed)? else {
            self.around.unhold_unused(base, fields, &vec![false; fields.len()]);
            self.remove(item);
            return Ok(());
        };
        let old = encode(row, &shown, &shown_raw, target).map_err(failed)?;
        let group = self.companions(change, &content, &mut new.used)?;
        self.around.unhold_unused(base, fields, &new.used);
        if group.is_none() && old.as_ref().is_some_and(|old| same(old, &new)) {
            return Ok(());
        }
        let manner = self.manner_at(item.line);
        let old = Old { content: &content, encoded: old.as_ref() };
        let bytes = line::property(row.property, group.as_deref(), &new, Some(&old), manner)?;
        self.replace(item.line, bytes);
        Ok(())
    }

    /// Changes the labels and their like of a part, and marks their fields as used; returns the group that its line
    /// needs now and has not.
    fn companions(&mut self, change: &Change<'_>, content: &Content<'_>, used: &mut [bool]) -> Result<Option<String>, Refusal> {
        let Some(stem) = change.row.stem else {
            return Ok(None);
        };
        let mut group = content.group().map(std::borrow::Cow::into_owned);
        let mut made = None;
        for companion in Companion::of(stem) {
            let line = change.item.companions.iter().find(|(found, _)| std::ptr::eq(*found, companion)).map(|(_, line)| *line);
            let wanted = change.fields.find(companion.field).filter(|(at, _)| used.get(*at) == Some(&false));
            let text = wanted.and_then(|(_, value)| value.as_text()).filter(|text| companion.fits(text));
            if let Some(used) = wanted.filter(|_| text.is_some()).and_then(|(at, _)| used.get_mut(at)) {
                *used = true;
            }
            match (line, text) {
                (Some(line), Some(text)) => self.relabel(change.item, companion, line, text)?,
                (Some(line), None) => self.replace(line, Vec::new()),
                (None, Some(text)) => {
                    let name = group.get_or_insert_with(|| made.insert(self.around.new_group()).clone());
                    let head = format!("{name}.{}", companion.property);
                    let bytes = line::text(&head, text, None, self.manner_at(change.item.line))?;
                    let end = self.line_range(change.item.line).end;
                    self.splices.push(Splice { range: end..end, bytes });
                }
                (None, None) => {}
            }
        }
        Ok(made)
    }

    fn relabel(&mut self, item: &Item, companion: &Companion, line: usize, text: &str) -> Result<(), Refusal> {
        if item.fields.get(companion.field).and_then(Value::as_text) == Some(text) {
            return Ok(());
        }
        let content = self.card.document.content(line);
        let bytes = line::text(companion.property, text, content.as_ref(), self.manner_at(line))?;
        self.replace(line, bytes);
        Ok(())
    }

    fn verbatim(&mut self, pointer: &Pointer, item: &Item, range: Range<usize>) -> Result<(), Refusal> {
        let wanted = self.rest.take(pointer.as_str()).map(|(_, value)| value);
        if wanted == item.fields.get("") {
            return Ok(());
        }
        let manner = self.manner_at(item.line);
        let mut bytes = Vec::new();
        for text in wanted.and_then(Value::as_text).into_iter().flat_map(|text| text.split('\n')) {
            bytes.extend(line::verbatim(text, manner)?);
        }
        self.splices.push(Splice { range, bytes });
        Ok(())
    }

    /// Adds what no line holds, each line behind the last one of its property, else at the end of the card.
    fn fresh(&mut self) -> Result<(), Refusal> {
        let lines = fresh::lines(&mut self.rest, &mut self.around, Extent::Lines, self.manner)?;
        let end = self.end_of_properties();
        for Fresh { property, bytes } in lines {
            let at = self.behind(property).unwrap_or(end);
            self.splices.push(Splice { range: at..at, bytes });
        }
        Ok(())
    }

    fn behind(&self, property: &str) -> Option<usize> {
        let same = |item: &&Item| match &item.place {
            Place::Part(row, _) | Place::Record(row) => row.property == property,
            Place::Line(_) | Place::Component(..) => false,
        };
        let lines = self.card.items.iter().filter(same).flat_map(|item| item.companions.iter().map(|(_, line)| *line).chain([item.line]));
        let mut last = lines.max()?;
        // A blank line that ends base64 stays behind it.
        while self.is_blank(last + 1) {
            last += 1;
        }
        Some(self.line_range(last).end)
    }

    fn is_blank(&self, line: usize) -> bool {
        let found = self.card.document.lines().get(line);
        found.is_some_and(|line| line.raw(self.card.document.bytes()).trim_ascii().is_empty())
    }

    fn end_of_properties(&self) -> usize {
        let inner = self.card.items.iter().filter_map(|item| match &item.place {
            Place::Component(_, span) => Some(span.start),
            Place::Part(..) | Place::Record(_) | Place::Line(_) => None,
        });
        let end = self.card.document.components().first().map_or(0, |root| self.line_range(root.last).start);
        inner.min().unwrap_or(end)
    }

    fn remove(&mut self, item: &Item) {
        let lines: Vec<usize> = item.companions.iter().map(|(_, line)| *line).chain([item.line]).collect();
        lines.into_iter().for_each(|line| self.replace(line, Vec::new()));
    }

    fn replace(&mut self, line: usize, bytes: Vec<u8>) {
        let range = self.line_range(line);
        self.splices.push(Splice { range, bytes });
    }

    fn line_range(&self, line: usize) -> Range<usize> {
        self.card.document.lines().get(line).map_or(0..0, |line| line.start..line.end)
    }

    /// Returns how a line that takes the place of this one is written.
    fn manner_at(&self, line: usize) -> Manner<'e> {
        let style = self.manner.style;
        let like = self.card.document.lines().get(line);
        let style = like.map_or(style, |line| style.ending_like(self.card.document.bytes(), line));
        Manner { style, ..self.manner }
    }
}

fn same(one: &Encoded<'_>, other: &Encoded<'_>) -> bool {
    one.parameters == other.parameters && one.value_type == other.value_type && one.body == other.body
}
