//! Changing an item: only the lines of fields that differ are replaced; and making a new one.

use crate::entry::{Entry, Item, Place, Section};
use crate::map::decode::{Named, Raw};
use crate::map::encode::{Encoded, Target, date_of, encode};
use crate::map::table::{ALARM, CALENDAR, CALENDARS, Component, FILE, FURTHER, Form, On, Row, volatile};
use crate::write::fresh::{self, Fresh, Spot};
use crate::write::line::{self, Manner, Old};
use crate::write::refusal::Refusal;
use crate::write::rest::{DateForm, Rest, form_of, keys_below, zone_of};
use crate::write::splice::Splice;
use crate::zone::{Zones, tzid_of};
use adapter::View;
use contentline::content::Content;
use record::{Pattern, Record, Value};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// Sections that are no components of an item.
const AROUND: [On; 4] = [ALARM, CALENDAR, FILE, FURTHER];

/// What changes in a file so that an item shows a record.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) splices: Vec<Splice>,
    /// Definitions of zones, by TZID, that the file lacks.
    pub(crate) zones: Vec<(String, String)>,
    pub(crate) rest: Rest,
}

/// A new item.
#[derive(Debug)]
pub(crate) struct Made {
    /// The component, and those of its overrides.
    pub(crate) components: Vec<u8>,
    /// Lines of the VCALENDAR around it, where it has that for itself.
    pub(crate) lines: Vec<u8>,
    /// Definitions of zones, by TZID, that it needs.
    pub(crate) zones: Vec<(String, String)>,
    pub(crate) rest: Rest,
}

/// Compares what was read back with what was meant.
pub(crate) fn check(rest: &Rest, found: &Record) -> Result<(), Refusal> {
    static LEFT_OUT: OnceLock<View> = OnceLock::new();
    let left_out = LEFT_OUT.get_or_init(|| {
        // A definition that the file has stands as it is.
        let all = volatile().into_iter().chain(["timeZones/*".to_owned()]);
        View(all.map(|text| Pattern::new(&text)).collect())
    });
    Ok(adapter::proof::check(&rest.meant, &rest.unheld, found, left_out)?)
}

/// Makes a new item; `alone` where it gets a VCALENDAR for itself.
pub(crate) fn make(record: &Record, alone: bool, zones: &Zones, manner: Manner<'_>) -> Result<Made, Refusal> {
    let component = Component::of(&record.kind).ok_or_else(|| Refusal::Kind(record.kind.to_string()))?;
    let mut rest = Rest::new(record);
    let wanted = take_zones(&mut rest, zones);
    let mut lines = Vec::new();
    if alone {
        let spot = Spot { on: FILE, prefix: "", place: "ext/vcalendar", new: true, manner };
        fresh::lines(&mut rest, spot)?.into_iter().for_each(|fresh| lines.extend(fresh.bytes));
    }
    let mut components = Vec::new();
    if has_master(&rest) {
        components.extend(fresh::whole(&mut rest, component, "", manner)?);
    }
    components.extend(fresh::overrides(&mut rest, component, manner)?);
    rest.fields.remove("uid");
    let left = std::mem::take(&mut rest.fields);
    rest.unheld.extend(left.into_keys());
    Ok(Made { components, lines, zones: wanted, rest })
}

/// Tells whether a record has more than overrides and pieces that are kept as they are.
fn has_master(rest: &Rest) -> bool {
    let of_others = |text: &str| {
        let own = text.strip_prefix("ext/ical/params/").unwrap_or(text);
        own.starts_with("recurrenceOverrides/") && !text.ends_with("/excluded")
            || ["ext/ical/components/", "ext/ical/zones/", "timeZones/", "ext/vcalendar/"].iter().any(|place| text.starts_with(place))
            || ["uid", "method"].contains(&text)
    };
    let mut own = rest.fields.keys().filter(|pointer| !of_others(pointer.as_str()));
    own.next().is_some() || !rest.fields.keys().any(|pointer| pointer.as_str().ends_with("/recurrenceId"))
}

/// Takes the definitions of zones out of what is left, and returns those that the file lacks.
fn take_zones(rest: &mut Rest, zones: &Zones) -> Vec<(String, String)> {
    let mut wanted = Vec::new();
    for stem in ["timeZones", "ext/ical/zones"] {
        for (key, _) in keys_below(&rest.fields, stem) {
            let value = rest.fields.remove(&key);
            let Some((tzid, text)) = tzid_of(&key).zip(value.as_ref().and_then(Value::as_text)) else { continue };
            let single = Zones::of(text.as_bytes());
            if zones.text(&tzid).is_none() && single.text(&tzid) == Some(text) {
                wanted.push((tzid, text.to_owned()));
            }
        }
    }
    wanted
}

/// Changes an item so that it shows `record`; equal fields keep their bytes.
pub(crate) fn change(entry: &Entry<'_>, record: &Record, manner: Manner<'_>) -> Result<Change, Refusal> {
    let mut rest = Rest::new(record);
    let zones = take_zones(&mut rest, entry.zones);
    let mut editor = Editor { entry, manner, rest, splices: Vec::new() };
    for section in &entry.sections {
        editor.section(section)?;
    }
    editor.more_pieces()?;
    let Editor { mut rest, splices, .. } = editor;
    // The UID of a calendar stands in no line, and that of overrides in each of theirs.
    rest.fields.remove("uid");
    let left = std::mem::take(&mut rest.fields);
    rest.unheld.extend(left.into_keys());
    Ok(Change { splices, zones, rest })
}

struct Editor<'e, 'b> {
    entry: &'e Entry<'b>,
    manner: Manner<'e>,
    rest: Rest,
    splices: Vec<Splice>,
}

/// What an item shows, and what it should.
struct Edit<'i> {
    row: &'static Row,
    item: &'i Item,
    fields: Named,
    raw: Raw,
    /// What its fields' pointers begin with, and the owner of its parameters.
    prefix: String,
    owner: String,
    zones: (Option<String>, Option<String>),
}

impl Editor<'_, '_> {
    fn section(&mut self, section: &Section) -> Result<(), Refusal> {
        if self.is_gone(section) {
            self.splices.push(Splice { range: section.whole.clone(), bytes: Vec::new() });
            return Ok(());
        }
        for index in 0..section.items.len() {
            self.item(section, index)?;
        }
        if section.on != 0 {
            self.fresh(section)?;
        }
        Ok(())
    }

    /// Tells whether an alarm, or an override with all that is in it, is wanted no more.
    fn is_gone(&self, section: &Section) -> bool {
        let wanted = |head: &str| self.rest.meant.field(head).is_some();
        let of_override = section.prefix.get(..record::vocabulary::override_length(&section.prefix)).unwrap_or_default();
        let without_override = !of_override.is_empty() && !wanted(&format!("{of_override}recurrenceId"));
        without_override || (section.on == ALARM && !wanted(&format!("{}trigger", section.prefix)))
    }

    fn item(&mut self, section: &Section, index: usize) -> Result<(), Refusal> {
        let Some(item) = section.items.get(index) else { return Ok(()) };
        match &item.place {
            Place::Verbatim(pointer, range) => {
                let wanted = self.rest.fields.remove(pointer);
                if wanted.as_ref() == item.fields.get("") {
                    return Ok(());
                }
                let text = wanted.as_ref().and_then(Value::as_text);
                let bytes = text.map(|text| line::verbatim_lines(text, self.manner_at(item))).transpose()?;
                self.splices.push(Splice { range: range.clone(), bytes: bytes.unwrap_or_default() });
                Ok(())
            }
            Place::Part(row, base) => {
                let (fields, raw) = (self.rest.take_below(base), self.rest.take_raw(base));
                let zones = self.zones(section, row);
                self.change(&Edit { row, item, fields, raw, prefix: format!("{base}/"), owner: base.clone(), zones })
            }
            Place::Own(row) => {
                let fields = self.take_own(section, index, row);
                let owner = format!("{}{}", section.prefix, row.home());
                let raw = self.rest.take_raw(&owner);
                if row.is_volatile() {
                    return Ok(());
                }
                let zones = self.zones(section, row);
                self.change(&Edit { row, item, fields, raw, prefix: section.prefix.clone(), owner, zones })
            }
        }
    }

    /// Takes the fields of a line; of several lines of one set, the last one takes the new words.
    fn take_own(&mut self, section: &Section, index: usize, row: &'static Row) -> Named {
        let form = |item: &Item| item.fields.iter().next().and_then(|(name, _)| date_of(name)).and_then(form_of);
        let Some(item) = section.items.get(index) else { return Named::default() };
        let mine: Option<DateForm> = if matches!(row.form, Form::Dates(_)) { form(item) } else { None };
        let same = |other: &Item| {
            matches!(&other.place, Place::Own(found) if std::ptr::eq(*found, row)) && (mine.is_none() || form(other) == mine)
        };
        if row.is_spread() && section.items.iter().skip(index + 1).any(same) {
            return self.rest.take_same(&item.fields, &section.prefix);
        }
        self.rest.take_own(row, &section.prefix, mine)
    }

    /// Returns the zones by which a line was read and will be read.
    fn zones(&self, section: &Section, row: &Row) -> (Option<String>, Option<String>) {
        let prefix = if row.property == "RECURRENCE-ID" { "" } else { section.prefix.as_str() };
        let of = |record: &Record| zone_of(record, prefix).map(str::to_owned);
        (of(&self.entry.record), of(&self.rest.meant))
    }

    fn change(&mut self, edit: &Edit<'_>) -> Result<(), Refusal> {
        let Edit { row, item, fields, raw, prefix, owner, zones } = edit;
        let moved = row.is_relative() && zones.0 != zones.1;
        if *fields == item.fields && *raw == item.raw && !moved {
            return Ok(());
        }
        let content = Content::of(self.entry.bytes, &item.line);
        let failed = |source| Refusal::Line { property: row.property.to_owned(), source };
        let target = |zone| Target { zone, old: Some(&content) };
        let Some(new) = encode(row, fields, raw, target(zones.1.as_deref())).map_err(failed)? else {
            self.rest.unhold(prefix, fields, &BTreeSet::new());
            self.rest.unhold_raw(owner, raw);
            self.splices.push(Splice { range: item.line.start..item.line.end, bytes: Vec::new() });
            return Ok(());
        };
        self.rest.unhold(prefix, fields, &new.used);
        let old = encode(row, &item.fields, &item.raw, target(zones.0.as_deref())).map_err(failed)?;
        if old.as_ref().is_some_and(|old| same(old, &new)) {
            return Ok(());
        }
        let old = Old { content: &content, encoded: old.as_ref() };
        let bytes = line::property(row.property, &new, Some(&old), self.manner_at(item))?;
        self.splices.push(Splice { range: item.line.start..item.line.end, bytes });
        Ok(())
    }

    /// Adds what no line holds, each line behind the last one of its property, else before the components inside.
    fn fresh(&mut self, section: &Section) -> Result<(), Refusal> {
        let place = section.verbatim_place();
        let spot = Spot { on: section.on, prefix: &section.prefix, place: &place, new: false, manner: self.manner };
        for Fresh { property, bytes } in fresh::lines(&mut self.rest, spot)? {
            let at = match property {
                Some(property) => behind(section, property).unwrap_or(section.inner),
                None => section.end,
            };
            self.splices.push(Splice { range: at..at, bytes });
        }
        if !AROUND.contains(&section.on) {
            for bytes in fresh::alarms(&mut self.rest, &section.prefix, self.manner)? {
                self.splices.push(Splice { range: section.end..section.end, bytes });
            }
        }
        Ok(())
    }

    /// Adds overrides that the file does not have, and a series where only overrides were.
    fn more_pieces(&mut self) -> Result<(), Refusal> {
        let Some(component) = Component::of(&self.rest.meant.kind) else { return self.further() };
        let pieces = self.entry.sections.iter().filter(|section| !AROUND.contains(&section.on));
        let Some(end) = pieces.clone().map(|section| section.whole.end).max() else { return Ok(()) };
        let first = pieces.clone().map(|section| section.whole.start).min().unwrap_or(end);
        let series = pieces.clone().any(|section| section.on != 0 && section.prefix.is_empty());
        if !series && self.rest.fields.contains_key("start") {
            let bytes = fresh::whole(&mut self.rest, component, "", self.manner)?;
            self.splices.push(Splice { range: first..first, bytes });
        }
        let bytes = fresh::overrides(&mut self.rest, component, self.manner)?;
        self.append(end, bytes);
        Ok(())
    }

    /// Adds the further VCALENDARs that the file does not have, behind all others.
    fn further(&mut self) -> Result<(), Refusal> {
        let Some(end) = self.entry.sections.iter().map(|section| section.whole.end).max() else { return Ok(()) };
        let mut bytes = Vec::new();
        for id in self.rest.ids_below(CALENDARS) {
            let place = format!("{CALENDARS}/{id}");
            let prefix = format!("{place}/");
            let spot = Spot { on: FURTHER, prefix: &prefix, place: &place, new: true, manner: self.manner };
            bytes.extend(fresh::calendar(&mut self.rest, spot)?);
        }
        self.append(end, bytes);
        Ok(())
    }

    /// Adds whole components at the end of others.
    fn append(&mut self, end: usize, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        // Only the last line of a file may lack its ending.
        let ended = end.checked_sub(1).and_then(|last| self.entry.bytes.get(last)).is_some_and(|byte| b"\r\n".contains(byte));
        let missing = if ended { Vec::new() } else { self.manner.style.ending.as_bytes().to_vec() };
        self.splices.push(Splice { range: end..end, bytes: [missing, bytes].concat() });
    }

    /// Returns how a line that takes the place of this one is written.
    fn manner_at(&self, item: &Item) -> Manner<'_> {
        Manner { style: self.manner.style.ending_like(self.entry.bytes, &item.line), ..self.manner }
    }
}

fn behind(section: &Section, property: &str) -> Option<usize> {
    let same = |item: &&Item| match &item.place {
        Place::Part(row, _) | Place::Own(row) => row.property == property,
        Place::Verbatim(..) => false,
    };
    section.items.iter().filter(same).map(|item| item.line.end).max()
}

fn same(one: &Encoded, other: &Encoded) -> bool {
    one.parameters == other.parameters && one.value_type == other.value_type && one.body == other.body
}

/// Returns the places of an item's components after a change, for it to be read back.
pub(crate) fn touched(ranges: &[Range<usize>], splices: &[Splice], bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let mut part = crate::write::splice::apply_within(bytes, range, splices);
        // Two that stand one behind the other share a border; what is put there is counted once.
        if ranges.get(at + 1).is_some_and(|next| next.start == range.end) {
            let border: usize =
                splices.iter().filter(|splice| splice.range == (range.end..range.end)).map(|splice| splice.bytes.len()).sum();
            part.truncate(part.len() - border);
        }
        all.extend(part);
    }
    all
}
