//! New lines and components for fields that nothing in the file holds yet, by the same rows that edits use.

use crate::map::decode::{Named, Raw, decode};
use crate::map::encode::{Target, encode};
use crate::map::table::{ALARM, Component, FURTHER, Form, On, ROWS, Row};
use crate::write::line::{self, Manner};
use crate::write::refusal::Refusal;
use crate::write::rest::{Rest, keys_below, zone_of};
use contentline::content::Content;
use record::vocabulary::OVERRIDES;
use record::{Pointer, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a new item says of when it was made, if its record does not: two runs must write the same.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// What a new file says of its writer (RFC 5545 §3.7.3).
pub(crate) const PRODID: &str = "-//Syncretic//Syncretic//EN";

/// A new line, or the lines of a component.
pub(crate) struct Fresh {
    /// The property that it stands with; none for a component.
    pub(crate) property: Option<&'static str>,
    pub(crate) bytes: Vec<u8>,
}

/// The place that new lines are for.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'s> {
    pub(crate) on: On,
    pub(crate) prefix: &'s str,
    /// Where its verbatim lines and components stand in the record.
    pub(crate) place: &'s str,
    /// Whether the component is new: one that exists keeps what changes by itself.
    pub(crate) new: bool,
    pub(crate) manner: Manner<'s>,
}

/// Writes what is left for a component, in the order of the table, without its alarms; what no row can write stays unheld.
pub(crate) fn lines(rest: &mut Rest, spot: Spot<'_>) -> Result<Vec<Fresh>, Refusal> {
    let mut all = Vec::new();
    for row in ROWS.iter().filter(|row| row.on & spot.on != 0 && takes(row, spot.prefix)) {
        match (row.stem, row.form) {
            (Some(stem), _) => parts(rest, row, stem, spot, &mut all)?,
            (None, Form::Dates(excluded)) => {
                while let Some(form) = rest.next_form(excluded) {
                    let fields = rest.take_own(row, spot.prefix, Some(form));
                    own(rest, row, &fields, spot, &mut all)?;
                }
            }
            (None, _) if row.written && (spot.new || !row.is_volatile()) => {
                let fields = rest.take_own(row, spot.prefix, None);
                own(rest, row, &fields, spot, &mut all)?;
            }
            (None, _) => {}
        }
    }
    verbatim(rest, spot, &mut all)?;
    Ok(all)
}

/// Tells whether a row holds in a master, or in an override.
fn takes(row: &Row, prefix: &str) -> bool {
    let master = !prefix.starts_with(OVERRIDES);
    if row.property == "RECURRENCE-ID" { !master } else { master || !matches!(row.property, "EXDATE" | "RDATE" | "UID") || row.on == ALARM }
}

fn zone(rest: &Rest, row: &Row, prefix: &str) -> Option<String> {
    let own = if row.property == "RECURRENCE-ID" { "" } else { prefix };
    zone_of(&rest.meant, own).map(str::to_owned)
}

fn own(rest: &mut Rest, row: &'static Row, fields: &Named, spot: Spot<'_>, all: &mut Vec<Fresh>) -> Result<(), Refusal> {
    if fields.is_empty() {
        return Ok(());
    }
    let owner = format!("{}{}", spot.prefix, row.home());
    let raw = rest.take_raw(&owner);
    write(rest, row, fields, &raw, (spot.prefix, &owner), spot, all)
}

fn parts(rest: &mut Rest, row: &'static Row, stem: &str, spot: Spot<'_>, all: &mut Vec<Fresh>) -> Result<(), Refusal> {
    let stem = format!("{}{stem}", spot.prefix);
    for id in rest.ids_below(&stem) {
        let base = format!("{stem}/{id}");
        let fields = rest.take_below(&base);
        let raw = rest.take_raw(&base);
        write(rest, row, &fields, &raw, (&format!("{base}/"), &base), spot, all)?;
    }
    Ok(())
}

fn write(
    rest: &mut Rest,
    row: &'static Row,
    fields: &Named,
    raw: &Raw,
    (prefix, owner): (&str, &str),
    spot: Spot<'_>,
    all: &mut Vec<Fresh>,
) -> Result<(), Refusal> {
    let zone = zone(rest, row, spot.prefix);
    let failed = |source| Refusal::Line { property: row.property.to_owned(), source };
    match encode(row, fields, raw, Target { zone: zone.as_deref(), old: None }).map_err(failed)? {
        Some(encoded) => {
            rest.unhold(prefix, fields, &encoded.used);
            let bytes = line::property(row.property, &encoded, None, spot.manner)?;
            all.push(Fresh { property: Some(row.property), bytes });
        }
        None => {
            rest.unhold(prefix, fields, &BTreeSet::new());
            rest.unhold_raw(owner, raw);
        }
    }
    Ok(())
}

fn verbatim(rest: &mut Rest, spot: Spot<'_>, all: &mut Vec<Fresh>) -> Result<(), Refusal> {
    for (key, _) in keys_below(&rest.fields, &format!("{}/lines", spot.place)) {
        let Some(text) = rest.fields.remove(&key).as_ref().and_then(Value::as_text).map(str::to_owned) else { continue };
        if would_be_read(rest, &text, spot) {
            rest.unheld.insert(key);
        } else {
            all.push(Fresh { property: Some(""), bytes: line::verbatim_lines(&text, spot.manner)? });
        }
    }
    for (key, _) in keys_below(&rest.fields, &format!("{}/components", spot.place)) {
        let is_piece = |text: &str| piece_name(text).is_some();
        if rest.fields.get(&key).and_then(Value::as_text).is_some_and(is_piece) {
            continue;
        }
        if let Some(text) = rest.fields.remove(&key).as_ref().and_then(Value::as_text) {
            all.push(Fresh { property: None, bytes: line::verbatim_lines(text, spot.manner)? });
        }
    }
    Ok(())
}

fn piece_name(text: &str) -> Option<&'static Component> {
    let first = text.split('\n').next()?;
    let name = first.get(..6).filter(|begin| begin.eq_ignore_ascii_case("BEGIN:")).and(first.get(6..))?;
    Component::named(name.trim().as_bytes())
}

/// Tells whether a verbatim line would be read as fields here; elsewhere it was kept beside another line of its sort.
fn would_be_read(rest: &Rest, text: &str, spot: Spot<'_>) -> bool {
    let content = Content::parse(Cow::Borrowed(text.as_bytes()));
    let row = Row::of(content.raw_name(), spot.on).filter(|(_, row)| content.is_property() && takes(row, spot.prefix));
    let Some((_, row)) = row else { return false };
    let zone = zone(rest, row, spot.prefix);
    let Some(decoded) = decode(row, &content, zone.as_deref()) else { return false };
    if row.stem.is_some() {
        return true;
    }
    let said = |name: &str| rest.meant.field(&format!("{}{name}", spot.prefix)).is_some();
    if row.is_spread() { !decoded.fields.iter().any(|(name, _)| said(name)) } else { !decoded.fields.iter().any(|(name, _)| said(name)) }
}

/// Writes alarms that the file does not have.
pub(crate) fn alarms(rest: &mut Rest, prefix: &str, manner: Manner<'_>) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut all = Vec::new();
    for id in rest.ids_below(&format!("{prefix}alerts")) {
        let base = format!("{prefix}alerts/{id}/");
        if !matches!(rest.meant.field(&format!("{base}trigger")), Some(Value::Duration(_) | Value::Instant(_))) {
            continue;
        }
        complete_alarm(rest, &base, prefix);
        let place = format!("{base}ext/ical");
        all.push(component(rest, "VALARM", Spot { on: ALARM, prefix: &base, place: &place, new: true, manner }, &[])?);
    }
    Ok(all)
}

/// An alarm must say what it does, and one that shows something must say what (RFC 5545 §3.6.6).
fn complete_alarm(rest: &mut Rest, base: &str, prefix: &str) {
    let action = format!("{base}action");
    if rest.meant.text(&action).is_none() {
        rest.complete(&action, Value::text("display"));
    }
    let description = format!("{base}description");
    if rest.meant.text(&action) == Some("display") && rest.meant.text(&description).is_none() {
        let title = rest.meant.text(&format!("{prefix}title")).filter(|title| !title.is_empty()).unwrap_or("Reminder").to_owned();
        rest.complete(&description, Value::Text(title));
    }
}

/// Writes a whole component of a record: a series or an event, a task …
pub(crate) fn whole(rest: &mut Rest, component_of: &Component, prefix: &str, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    complete(rest, prefix);
    let place = format!("{prefix}ext/ical");
    let spot = Spot { on: component_of.on, prefix, place: &place, new: true, manner };
    let mut head = Vec::new();
    if !prefix.is_empty()
        && let Some(uid) = rest.meant.text("uid").map(str::to_owned)
    {
        head.push(line::verbatim(&format!("UID:{uid}"), manner)?);
    }
    component(rest, component_of.name, spot, &head)
}

/// Writes a further VCALENDAR with its own lines.
pub(crate) fn calendar(rest: &mut Rest, spot: Spot<'_>) -> Result<Vec<u8>, Refusal> {
    let head = ["VERSION:2.0", &format!("PRODID:{PRODID}")].map(|line| line::verbatim(line, spot.manner));
    let head = head.into_iter().collect::<Result<Vec<_>, _>>()?;
    component(rest, "VCALENDAR", spot, &head)
}

fn component(rest: &mut Rest, name: &str, spot: Spot<'_>, head: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = line::verbatim(&format!("BEGIN:{name}"), spot.manner)?;
    head.iter().for_each(|line| bytes.extend_from_slice(line));
    let (lines, components): (Vec<Fresh>, Vec<Fresh>) = lines(rest, spot)?.into_iter().partition(|fresh| fresh.property.is_some());
    lines.into_iter().for_each(|fresh| bytes.extend(fresh.bytes));
    if spot.on != ALARM && spot.on != FURTHER {
        alarms(rest, spot.prefix, spot.manner)?.into_iter().for_each(|alarm| bytes.extend(alarm));
    }
    components.into_iter().for_each(|fresh| bytes.extend(fresh.bytes));
    bytes.extend(line::verbatim(&format!("END:{name}"), spot.manner)?);
    Ok(bytes)
}

/// Every component must say when its form was made (RFC 5545 §3.8.7.2).
fn complete(rest: &mut Rest, prefix: &str) {
    let stamp = format!("{prefix}stamp");
    if rest.meant.field(&stamp).is_none() {
        let made = ["updated", "created"].iter().find_map(|field| rest.meant.field(&format!("{prefix}{field}")).cloned());
        let made = made.filter(|value| matches!(value, Value::Instant(_)));
        rest.complete(&stamp, made.unwrap_or_else(|| Value::Instant(EPOCH.to_owned())));
    }
}

/// Writes the overrides, and whole components that are kept as they are, that the file does not have.
pub(crate) fn overrides(rest: &mut Rest, component_of: &Component, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    for id in rest.ids_below(OVERRIDES) {
        let prefix = format!("{OVERRIDES}/{id}/");
        let named = rest.fields.get(format!("{prefix}recurrenceId").as_str()).and_then(Value::as_text) == Some(id.as_str());
        if named && crate::map::lexical::read_id(&id).is_some() {
            bytes.extend(whole(rest, component_of, &prefix, manner)?);
        }
    }
    let pieces: Vec<Pointer> = keys_below(&rest.fields, "ext/ical/components").into_iter().map(|(key, _)| key).collect();
    for key in pieces {
        if let Some(text) = rest.fields.remove(&key).as_ref().and_then(Value::as_text) {
            bytes.extend(line::verbatim_lines(text, manner)?);
        }
    }
    Ok(bytes)
}
