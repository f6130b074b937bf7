//! A record as a row: which cells have to change so that the row shows it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use record::pointer::unescape;
use record::{Record, RecordId, Value};

use crate::dates::Dates;
use crate::decode::{members, said, unfold, value};
use crate::layout::{Column, Layout};
use crate::mapping::Form;
use crate::slots::{SAID, SEVERAL, Slot, Standing, assign};
use crate::truth::{said as truth_said, word_for};

/// The new text of each column; none where the cell stays as it is.
pub(crate) type Changes = Vec<Option<String>>;

/// Returns the cells that have to change so that a row shows `record`; a new row has no cells yet.
///
/// What no column can hold is left out. A row without a UID gets one only when something else of it changes.
///
/// # Errors
/// Fails with why, if a column that holds dates cannot hold one of this record.
pub(crate) fn encode(layout: &Layout, cells: &[Cow<'_, str>], record: &Record, id: RecordId) -> Result<Changes, String> {
    let cell = |column: usize| cells.get(column).map(|cell| layout.guard.read(cell)).unwrap_or_default();
    let mut changes: Changes = vec![None; layout.columns.len()];
    for (at, (column, change)) in layout.columns.iter().zip(&mut changes).enumerate() {
        *change = match column {
            Column::Field { .. } if layout.uid == Some(at) => uid(cell(at), record),
            Column::Field { pointer, form } if layout.derives_name && pointer.as_str() == "name/full" => {
                let derived = record.field("name/full").cloned().or_else(|| full_name(record));
                changed(*form, &layout.dates, cell(at), derived.as_ref())
            }
            Column::Field { pointer, form } => changed(*form, &layout.dates, cell(at), record.field(pointer.as_str())),
            Column::Set { stem, separator } => set(stem, separator, cell(at), record),
            Column::Slot | Column::Moment => None,
        };
    }
    for moment in &layout.moments {
        let wanted = record.field(moment.pointer.as_str());
        let written = moment.write(&cell, &layout.dates, wanted, &mut |column, text| put(&mut changes, column, Some(text)));
        written.map_err(|column| {
            let name = layout.names.get(column).map(String::as_str).unwrap_or_default();
            let value = wanted.map(Value::display).unwrap_or_default();
            format!("column \"{name}\" cannot hold `{value}`: it takes a whole date, with or without a time of whole seconds")
        })?;
    }
    for (slot, held) in layout.slots.iter().zip(assign(&layout.slots, record)) {
        slot_changes(slot, &held, layout, &cell, &mut changes);
    }
    let written = changes.iter().any(Option::is_some) || cells.is_empty();
    if let Some(change) = layout.uid.and_then(|at| changes.get_mut(at))
        && written
        && change.is_none()
        && layout.uid.is_some_and(|at| cell(at).trim().is_empty())
    {
        *change = Some(id.urn());
    }
    for change in changes.iter_mut().flatten() {
        *change = layout.guard.write(std::mem::take(change));
    }
    Ok(changes)
}

/// A row's own UID is never taken away.
fn uid(cell: &str, record: &Record) -> Option<String> {
    record.text("uid").filter(|uid| !uid.trim().is_empty() && *uid != unfold(cell)).map(str::to_owned)
}

fn full_name(record: &Record) -> Option<Value> {
    let parts = ["name/title", "name/given", "name/given2", "name/surname", "name/generation"];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| record.text(part)).filter(|text| !text.trim().is_empty()).collect();
    (!parts.is_empty()).then(|| Value::Text(parts.join(" ")))
}

/// Returns the new text of a cell, if it does not show the wanted value yet.
fn changed(form: Form, dates: &Dates, cell: &str, wanted: Option<&Value>) -> Option<String> {
    let shown = value(form, cell, dates);
    let text = wanted.and_then(|wanted| formed(form, wanted, cell, dates));
    if let (Form::Truth(_), None) = (form, &text) {
        return shown.is_some().then(|| truth_said(false, cell));
    }
    let stays = shown.as_ref() == wanted || text.as_ref().and_then(|text| value(form, text, dates)) == shown;
    (!stays).then(|| text.unwrap_or_default())
}

/// Returns a value as the text of a cell of this form; none if it is empty or the form has no words for it.
fn formed(form: Form, value: &Value, cell: &str, dates: &Dates) -> Option<String> {
    match form {
        Form::Choice(choices) => word_for(choices, value.as_text()?).map(str::to_owned),
        // Whatever is not for everybody is said to be private.
        Form::Truth(_) => value.as_text().is_some_and(|text| text != "public").then(|| truth_said(true, cell)),
        Form::Text | Form::Prose | Form::Uri | Form::Date | Form::Integer | Form::Duration => rendered(form, value, dates),
    }
}

/// Returns a value as the text of a cell; none if it is empty or no text at all.
fn rendered(form: Form, value: &Value, dates: &Dates) -> Option<String> {
    let text = match value {
        Value::Integer(_) | Value::Boolean(_) => Some(value.display()),
        other => dates.write(other),
    };
    text.filter(|text| !form.is_blank(text))
}

/// Returns the new text of a set: what stays keeps its place, what is new follows.
fn set(stem: &str, separator: &str, cell: &str, record: &Record) -> Option<String> {
    let name = |pointer: &record::Pointer| pointer.below(stem).map(|below| unescape(below).into_owned());
    let holds = |name: &String| members(name, separator).eq([name.as_str()]) && !name.contains('\r');
    let yes = record.below(stem).filter(|(_, value)| **value == Value::Boolean(true));
    let wanted: BTreeSet<String> = yes.filter_map(|(pointer, _)| name(pointer)).filter(holds).collect();
    let cell = unfold(cell);
    let shown: BTreeSet<&str> = members(&cell, separator).collect();
    if shown.iter().copied().eq(wanted.iter().map(String::as_str)) {
        return None;
    }
    let kept = cell.split(separator.trim()).map(str::trim).filter(|word| members(word, separator).any(|name| wanted.contains(name)));
    let added = wanted.iter().map(String::as_str).filter(|name| !shown.contains(name));
    let between = if separator == "," { ", " } else { separator };
    Some(kept.chain(added).collect::<Vec<_>>().join(between))
}

fn slot_changes<'c>(slot: &Slot, held: &[Standing<'_>], layout: &Layout, cell: &dyn Fn(usize) -> &'c str, changes: &mut Changes) {
    let dates = &layout.dates;
    let shows = slot.columns.iter().any(|column| column.head && value(column.form, cell(column.column), dates).is_some());
    if held.is_empty() && !shows {
        return;
    }
    for column in &slot.columns {
        let wanted = held.first().and_then(|part| part.fields.get(column.rest.as_str()).copied());
        let text = cell(column.column);
        let change = if slot.several && (held.len() > 1 || text.contains(SEVERAL)) {
            several(column.form, text, &column.rest, held)
        } else {
            changed(column.form, dates, text, wanted)
        };
        put(changes, column.column, change);
    }
    if let Some(column) = slot.words {
        let text = held.first().map(|part| words(slot, part)).unwrap_or_default();
        let stays = said(slot, cell(column)) == said(slot, &text) && !held.is_empty();
        put(changes, column, (!stays && text != cell(column)).then_some(text));
    }
}

fn put(changes: &mut Changes, column: usize, change: Option<String>) {
    if let Some(place) = changes.get_mut(column) {
        *place = change;
    }
}

fn several(form: Form, cell: &str, rest: &str, held: &[Standing<'_>]) -> Option<String> {
    let dates = Dates::default();
    let texts: Vec<String> = held.iter().filter_map(|part| rendered(form, part.fields.get(rest).copied()?, &dates)).collect();
    let shown = cell.split(SEVERAL).filter_map(|text| value(form, text, &dates));
    let wanted = texts.iter().filter_map(|text| value(form, text, &dates));
    (!shown.eq(wanted)).then(|| texts.join(SEVERAL))
}

const WORDS: &[(&str, &str)] = &[
    ("contexts/private", "Home"),
    ("contexts/work", "Work"),
    ("features/mobile", "Mobile"),
    ("features/main", "Main"),
    ("features/fax", "Fax"),
    ("features/pager", "Pager"),
    ("features/textphone", "Textphone"),
];

/// Returns the words that say what a part is: its own label, or `* Work Fax`.
fn words(slot: &Slot, part: &Standing<'_>) -> String {
    let label = part.fields.get("label").and_then(|value| value.as_text()).map(unfold).unwrap_or_default();
    let read_back = said(slot, &label);
    let own = matches!(read_back.as_slice(), [("label", Value::Text(read))] if *read == label);
    let yes = |rest: &str| part.fields.get(rest) == Some(&&Value::Boolean(true)) && SAID.contains(&rest);
    let text = if own {
        label.into_owned()
    } else {
        WORDS.iter().filter(|(rest, _)| yes(rest)).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    };
    let starred = slot.starred && part.fields.get("pref") == Some(&&Value::Integer(1));
    if starred { format!("* {text}") } else { text }
}
