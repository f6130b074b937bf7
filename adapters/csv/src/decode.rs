//! A row as a record: what each cell shows.

use std::borrow::Cow;

use record::pointer::escape;
use record::{Pointer, Record, Value};

use crate::dates::Dates;
use crate::layout::{Column, Layout};
use crate::mapping::{Form, trait_of};
use crate::slots::{SEVERAL, Slot};

/// What a cell of words can say of a part, below `<stem>/<id>/`.
pub(crate) const SAID: &[&str] = &[
    "contexts/private",
    "contexts/work",
    "features/fax",
    "features/main",
    "features/mobile",
    "features/pager",
    "features/textphone",
    "label",
    "pref",
];

/// Returns the record that a row shows.
pub(crate) fn decode(layout: &Layout, cells: &[Cow<'_, str>]) -> Record {
    let mut record = Record::new(layout.kind.clone());
    for (column, cell) in layout.columns.iter().zip(cells) {
        match column {
            Column::Field { pointer, form } => {
                if let Some(value) = value(*form, cell, &layout.dates) {
                    record.fields.insert(pointer.clone(), value);
                }
            }
            Column::Set { stem, separator } => {
                let pointers = members(cell, separator).map(|member| Pointer::from(format!("{stem}/{}", escape(member))));
                record.fields.extend(pointers.map(|pointer| (pointer, Value::Boolean(true))));
            }
            Column::Slot => {}
        }
    }
    layout.slots.iter().for_each(|slot| slot_fields(slot, layout, cells, &mut record));
    record
}

fn slot_fields(slot: &Slot, layout: &Layout, cells: &[Cow<'_, str>], record: &mut Record) {
    let cell = |column: usize| cells.get(column).map(Cow::as_ref).unwrap_or_default();
    if !slot.columns.iter().any(|column| column.head && value(column.form, cell(column.column), &layout.dates).is_some()) {
        return;
    }
    let words = slot.words.map(|column| said(slot, cell(column))).unwrap_or_default();
    if let Some(column) = slot.columns.first().filter(|column| slot.several && cell(column.column).contains(SEVERAL)) {
        return several_fields(slot, column.form, cell(column.column), &words, record);
    }
    for column in &slot.columns {
        if let Some(value) = value(column.form, cell(column.column), &layout.dates) {
            record.fields.insert(column.pointer.clone(), value);
        }
    }
    record.fields.extend(slot.implied.iter().cloned());
    put_words(slot, &slot.place, &words, record);
}

/// Shows each of several values in one cell as a part of its own.
fn several_fields(slot: &Slot, form: Form, cell: &str, words: &[(&'static str, Value)], record: &mut Record) {
    let (stem, rest) = (slot.part.stem, slot.columns.first().map(|column| column.rest.as_str()).unwrap_or_default());
    for (ordinal, text) in cell.split(SEVERAL).filter(|text| !text.trim().is_empty()).enumerate() {
        let place = slot.place_of(ordinal);
        if let Some(value) = value(form, text, &Dates::default()) {
            record.fields.insert(Pointer::from(format!("{stem}/{place}/{rest}")), value);
            put_words(slot, &place, words, record);
        }
    }
}

fn put_words(slot: &Slot, place: &str, words: &[(&'static str, Value)], record: &mut Record) {
    for (rest, value) in words {
        record.fields.insert(Pointer::from(format!("{}/{place}/{rest}", slot.part.stem)), value.clone());
    }
}

/// Returns the value that a cell shows; an empty one shows nothing.
pub(crate) fn value(form: Form, cell: &str, dates: &Dates) -> Option<Value> {
    if cell.trim().is_empty() {
        return None;
    }
    match form {
        Form::Text => Some(Value::Text(unfold(cell).into_owned())),
        Form::Uri => Some(Value::Uri(unfold(cell).into_owned())),
        // Outlook's word for no date.
        Form::Date if matches!(cell, "0/0/00" | "0.0.00" | "00/00/00") => None,
        Form::Date => Some(dates.read(&unfold(cell))),
    }
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
