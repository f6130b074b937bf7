//! A row as a record: what each cell shows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use record::pointer::escape;
use record::{Pointer, Record, Value};

use crate::dates::Dates;
use crate::layout::{Column, Layout};
use crate::mapping::{Form, trait_of};
use crate::moments::Moment;
use crate::slots::{SAID, SEVERAL, Slot, SlotColumn, implied};
use crate::template::Template;
use crate::truth::{chosen, is_true};

/// The fields that rows of one layout show, in pointer order.
///
/// A plan is made anew for each batch of rows: its pointers are counted, and counts that threads share are slow.
#[derive(Debug)]
pub(crate) struct Plan<'l> {
    layout: &'l Layout,
    steps: Vec<(Pointer, Source<'l>)>,
    /// What stands in each slot of the row at hand.
    present: Vec<Presence>,
    /// What each step shows in it.
    values: Vec<Option<Value>>,
    template: Template,
}

/// Where a field comes from.
#[derive(Debug)]
enum Source<'l> {
    Cell { column: usize, form: Form, slot: Option<usize> },
    Implied { slot: usize, value: &'l Value },
    Moment(&'l Moment),
}

/// A cell that does not say what its column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) column: usize,
    pub(crate) expected: &'static str,
}

/// What stands in a slot of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Nothing,
    One,
    Several,
}

impl<'l> Plan<'l> {
    /// Makes the plan of a layout.
    pub(crate) fn of(layout: &'l Layout) -> Self {
        let fresh = |pointer: &Pointer| Pointer::new(pointer.as_str());
        let mut steps = Vec::new();
        for (column, what) in layout.columns.iter().enumerate() {
            if let Column::Field { pointer, form } = what {
                steps.push((fresh(pointer), Source::Cell { column, form: *form, slot: None }));
            }
        }
        for (slot, what) in layout.slots.iter().enumerate() {
            let cell = |column: &SlotColumn| Source::Cell { column: column.column, form: column.form, slot: Some(slot) };
            steps.extend(what.columns.iter().map(|column| (fresh(&column.pointer), cell(column))));
            steps.extend(what.implied.iter().map(|(pointer, value)| (fresh(pointer), Source::Implied { slot, value })));
        }
        steps.extend(layout.moments.iter().map(|moment| (fresh(&moment.pointer), Source::Moment(moment))));
        // Of two that show one field the latter holds.
        steps.reverse();
        steps.sort_by(|(one, _), (other, _)| one.cmp(other));
        steps.dedup_by(|(one, _), (other, _)| one == other);
        Self { layout, steps, present: Vec::new(), values: Vec::new(), template: Template::default() }
    }

    /// Returns the record that a row shows.
    ///
    /// # Errors
    /// Fails with the first cell that says no date, time or number where one is meant.
    pub(crate) fn decode(&mut self, cells: &[Cow<'_, str>]) -> Result<Record, Unreadable> {
        let layout = self.layout;
        let cell = |column: usize| cells.get(column).map(|cell| layout.guard.read(cell)).unwrap_or_default();
        self.present.clear();
        self.present.extend(layout.slots.iter().map(|slot| presence(slot, &cell)));
        self.values.clear();
        for (_, source) in &self.steps {
            self.values.push(shown(layout, &self.present, source, &cell)?);
        }
        let mut fields = self.template.fill(self.steps.iter().map(|(pointer, _)| pointer), &mut self.values);
        for (column, what) in layout.columns.iter().enumerate() {
            if let Column::Set { stem, separator } = what {
                let cell = unfold(cell(column));
                let pointers = members(&cell, separator).map(|member| Pointer::from(format!("{stem}/{}", escape(member))));
                fields.extend(pointers.map(|pointer| (pointer, Value::Boolean(true))));
            }
        }
        for (slot, presence) in layout.slots.iter().zip(&self.present) {
            more_fields(slot, *presence, &cell, &mut fields);
        }
        Ok(Record { kind: layout.kind.clone(), fields: fields.into() })
    }
}

/// Returns the value of a field in a row of these cells.
fn shown<'c>(
    layout: &Layout,
    present: &[Presence],
    source: &Source<'_>,
    cell: &impl Fn(usize) -> &'c str,
) -> Result<Option<Value>, Unreadable> {
    let dates = &layout.dates;
    let alone = |slot: usize| present.get(slot) == Some(&Presence::One);
    match *source {
        Source::Cell { column, form, slot } if slot.is_none_or(alone) => match (value(form, cell(column), dates), form.expected()) {
            (Some(Value::Text(_)), Some(expected)) => Err(Unreadable { column, expected }),
            (value, _) => Ok(value),
        },
        Source::Implied { slot, value } if alone(slot) => Ok(Some(value.clone())),
        Source::Cell { .. } | Source::Implied { .. } => Ok(None),
        Source::Moment(moment) => moment.read(cell, dates).map_err(|column| Unreadable { column, expected: MOMENT }),
    }
}

/// What is expected in the cells of a moment.
const MOMENT: &str =
    "a date or time in the form of this table, as \"2026-01-31\" or \"15:45\" (`date-format` and `time-format` name another)";

/// Returns the record that a row shows.
///
/// # Errors
/// As [`Plan::decode`].
pub(crate) fn decode(layout: &Layout, cells: &[Cow<'_, str>]) -> Result<Record, Unreadable> {
    Plan::of(layout).decode(cells)
}

fn presence<'c>(slot: &Slot, cell: &impl Fn(usize) -> &'c str) -> Presence {
    let shows = |column: &SlotColumn| column.head && shows(column.form, cell(column.column));
    match slot.columns.first() {
        _ if !slot.columns.iter().any(shows) => Presence::Nothing,
        Some(column) if slot.several && cell(column.column).contains(SEVERAL) => Presence::Several,
        _ => Presence::One,
    }
}

/// Adds what the words beside a slot say, and its values if there are several.
fn more_fields<'c>(slot: &Slot, presence: Presence, cell: &impl Fn(usize) -> &'c str, fields: &mut BTreeMap<Pointer, Value>) {
    let words = || slot.words.map(|column| said(slot, cell(column))).unwrap_or_default();
    match (presence, slot.columns.first()) {
        (Presence::Several, Some(column)) => several_fields(slot, column.form, cell(column.column), &words(), fields),
        (Presence::One, _) => put_words(slot, &slot.place, &words(), fields),
        (Presence::Nothing | Presence::Several, _) => {}
    }
}

/// Shows each of several values in one cell as a part of its own.
fn several_fields(slot: &Slot, form: Form, cell: &str, words: &[(&'static str, Value)], fields: &mut BTreeMap<Pointer, Value>) {
    let (stem, rest) = (slot.part.stem, slot.columns.first().map(|column| column.rest.as_str()).unwrap_or_default());
    for (ordinal, text) in cell.split(SEVERAL).filter(|text| !text.trim().is_empty()).enumerate() {
        let place = slot.place_of(ordinal);
        if let Some(value) = value(form, text, &Dates::default()) {
            fields.insert(Pointer::from(format!("{stem}/{place}/{rest}")), value);
            let meant = implied(&slot.selector).map(|(rest, value)| (Pointer::from(format!("{stem}/{place}/{rest}")), value));
            fields.extend(meant);
            put_words(slot, &place, words, fields);
        }
    }
}

fn put_words(slot: &Slot, place: &str, words: &[(&'static str, Value)], fields: &mut BTreeMap<Pointer, Value>) {
    for (rest, value) in words {
        fields.insert(Pointer::from(format!("{}/{place}/{rest}", slot.part.stem)), value.clone());
    }
}

/// Returns the value that a cell shows; an empty one shows nothing.
///
/// What is no number and no duration stays text, which such a column never means.
pub(crate) fn value(form: Form, cell: &str, dates: &Dates) -> Option<Value> {
    if !shows(form, cell) {
        return None;
    }
    let text = || Value::Text(unfold(cell).into_owned());
    Some(match form {
        Form::Text | Form::Prose => text(),
        Form::Uri => Value::Uri(unfold(cell).into_owned()),
        Form::Date => dates.read(&unfold(cell)),
        Form::Integer => cell.trim().trim_end_matches('%').trim_end().parse().map_or_else(|_| text(), Value::Integer),
        Form::Duration if cell.trim().trim_start_matches(['+', '-']).starts_with('P') => Value::Duration(cell.trim().to_owned()),
        Form::Duration => text(),
        Form::Choice(choices) => Value::text(chosen(choices, cell)?),
        Form::Truth(word) => is_true(cell).then(|| Value::text(word))?,
    })
}

fn shows(form: Form, cell: &str) -> bool {
    // Outlook's words for no date.
    let no_date = form == Form::Date && matches!(cell, "0/0/00" | "0.0.00" | "00/00/00");
    !no_date && !form.is_blank(cell)
}

/// Makes every line break a line feed.
pub(crate) fn unfold(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// Returns the words of a set; Google marks some with a star.
pub(crate) fn members<'c>(cell: &'c str, separator: &str) -> impl Iterator<Item = &'c str> {
    cell.split(separator.trim()).map(|word| word.trim().trim_start_matches("* ").trim_start()).filter(|word| !word.is_empty())
}

/// Returns what a cell of words says of a part: `* Work Fax`, `Mobile`, or a label of somebody's own.
pub(crate) fn said(slot: &Slot, cell: &str) -> Vec<(&'static str, Value)> {
    let text = cell.trim();
    let stem = slot.part.stem;
    let (starred, text) = match text.strip_prefix('*') {
        Some(rest) if slot.starred && (rest.is_empty() || rest.starts_with(' ')) => (true, rest.trim()),
        _ => (false, text),
    };
    let mut said: Vec<(&'static str, Value)> = starred.then_some(("pref", Value::Integer(1))).into_iter().collect();
    if text.is_empty() || text.eq_ignore_ascii_case("other") {
        return said;
    }
    let known =
        |word: &str| trait_of(stem, word).and_then(|(rest, value)| Some((SAID.iter().find(|said| **said == rest).copied()?, value)));
    match text.split(' ').map(known).collect::<Option<Vec<_>>>() {
        Some(words) => said.extend(words),
        None => said.push(("label", Value::text(&unfold(text)))),
    }
    said.sort();
    said.dedup();
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn words_say_what_a_part_is() {
        let names = ["First Name", "Phone 1 - Label", "Phone 1 - Value", "E-mail 1 - Label", "E-mail 1 - Value"].map(str::to_owned);
        let layout = Layout::find(&names, &Settings::default(), &|_| Vec::new()).unwrap();
        let [phone, email] = &layout.slots[..] else { panic!("{:?}", layout.slots) };
        let yes = Value::Boolean(true);
        assert_eq!(said(phone, "* Work Fax"), [("contexts/work", yes.clone()), ("features/fax", yes.clone()), ("pref", Value::Integer(1))]);
        assert_eq!(said(phone, "Mobile"), [("features/mobile", yes.clone())]);
        assert_eq!(said(email, "Mobile"), [("label", Value::text("Mobile"))]);
        assert_eq!(said(email, "Other"), []);
        assert_eq!(said(phone, "Home office"), [("label", Value::text("Home office"))]);
    }

    #[test]
    fn stars_and_spaces_are_no_part_of_a_word() {
        assert_eq!(members("* myContacts ::: Work", " ::: ").collect::<Vec<_>>(), ["myContacts", "Work"]);
        assert_eq!(members(" a, ,b", ",").collect::<Vec<_>>(), ["a", "b"]);
    }
}
