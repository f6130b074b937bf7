//! What the lines of a calendar must be together: ids that are one's own, zones that are defined once, ends after beginnings.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use contentline::content::Content;
use contentline::document::Document;
use contentline::parameter::unquoted;

use crate::lint::Report;
use crate::lint::calendars::Numbers;
use crate::lint::rules::{DEFINED, END_LATER, ONE_ID, RULE, RULE_PARTS};

/// The components that have an id of their own.
const WITH_ID: &[&str] = &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"];
const FREQUENCIES: &[&str] = &["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// The ids of a file so far: each with its line.
pub(crate) type Ids = HashMap<(String, Option<String>), usize>;

/// Looks at one calendar; `ids` are those of the calendars before it in the same file.
pub(crate) fn look(document: &Document<'_>, numbers: &Numbers, ids: &mut Ids, report: &mut Report) {
    let mut zones = Zones::default();
    for (at, component) in document.components().iter().enumerate() {
        let own = Own::of(document, at, numbers);
        match component.name.as_str() {
            "VTIMEZONE" => zones.define(&own, report),
            name if WITH_ID.contains(&name) => {
                own_id(&own, ids, report);
                later(&own, report);
            }
            _ => {}
        }
        own.lines.iter().for_each(|line| rule(line, report));
        zones.uses(&own);
    }
    zones.missing(report);
}

/// A line with its number in the file.
struct Numbered<'d> {
    number: usize,
    content: Content<'d>,
}

/// The lines of one component, without those of the components in it.
struct Own<'d> {
    first: usize,
    lines: Vec<Numbered<'d>>,
}

impl<'d> Own<'d> {
    fn of(document: &'d Document<'d>, at: usize, numbers: &Numbers) -> Self {
        let numbered = |line| Some(Numbered { number: numbers.of_line(line), content: document.content(line)? });
        let first = document.components().get(at).map_or(1, |component| numbers.of_line(component.first));
        Self { first, lines: document.own(at).filter_map(numbered).collect() }
    }

    fn find(&self, name: &str) -> Option<&Numbered<'d>> {
        self.lines.iter().find(|line| line.content.is(name))
    }

    fn value(&self, name: &str) -> Option<String> {
        self.find(name).map(|line| line.content.value().trim().to_owned())
    }
}

/// One id and one date of a series stand for one component.
fn own_id(own: &Own<'_>, ids: &mut Ids, report: &mut Report) {
    let Some(uid) = own.value("UID") else { return };
    let date = own.value("RECURRENCE-ID");
    let what = if date.is_some() { "UID and RECURRENCE-ID are" } else { "UID is" };
    let line = own.find("UID").map_or(own.first, |line| line.number);
    match ids.entry((uid, date)) {
        Entry::Occupied(before) => report.add(line, format!("{what} that of line {}", before.get()), ONE_ID),
        Entry::Vacant(free) => drop(free.insert(line)),
    }
}

/// An end of the same kind and zone comes after its beginning.
fn later(own: &Own<'_>, report: &mut Report) {
    let Some(begin) = own.find("DTSTART") else { return };
    for (name, rule) in END_LATER {
        let Some(end) = own.find(name) else { continue };
        let (from, to) = (begin.content.value(), end.content.value());
        let alike = from.trim().len() == to.trim().len() && zone_of(&begin.content) == zone_of(&end.content);
        if alike && is_moment(&from) && is_moment(&to) && to.trim() <= from.trim() {
            report.add(end.number, format!("{name} is not later than DTSTART"), rule);
        }
    }
}

/// Tells whether a value is written as a date or a time; such values of one length are in the order of their texts.
fn is_moment(value: &str) -> bool {
    let value = value.trim();
    matches!(value.len(), 8 | 15 | 16) && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'))
}

/// A rule has a frequency, and no part that does not exist.
fn rule(line: &Numbered<'_>, report: &mut Report) {
    if !line.content.is("RRULE") && !line.content.is("EXRULE") {
        return;
    }
    let value = line.content.value().to_ascii_uppercase();
    let parts: Vec<(&str, &str)> = value.trim().split(';').map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    match parts.iter().find(|(name, _)| *name == "FREQ") {
        Some((_, frequency)) if FREQUENCIES.contains(frequency) => {}
        Some((_, other)) => report.add(line.number, format!("there is no frequency \"{other}\""), RULE),
        None => report.add(line.number, "the rule has no FREQ", RULE),
    }
    let unknown = parts.iter().filter(|(name, _)| !RULE_PARTS.contains(name) && !name.starts_with("X-"));
    unknown.for_each(|(name, _)| report.add(line.number, format!("a rule has no part \"{name}\""), RULE));
}

fn zone_of(content: &Content<'_>) -> Option<String> {
    content.parameter("TZID").map(|raw| unquoted(&raw).to_owned())
}

/// The zones of one calendar, each with the line on which it is defined or used first.
#[derive(Default)]
struct Zones {
    defined: BTreeMap<String, usize>,
    used: BTreeMap<String, usize>,
}

impl Zones {
    fn define(&mut self, own: &Own<'_>, report: &mut Report) {
        let Some(tzid) = own.value("TZID") else { return };
        match self.defined.get(&tzid) {
            Some(before) => {
                report.add(own.first, format!("the zone \"{tzid}\" is defined in line {before} already; that one counts"), DEFINED);
            }
            None => drop(self.defined.insert(tzid, own.first)),
        }
    }

    /// Names that begin with a slash are known outside of the calendar (RFC 5545 §3.8.3.1).
    fn uses(&mut self, own: &Own<'_>) {
        for line in &own.lines {
            if let Some(tzid) = zone_of(&line.content).filter(|tzid| !tzid.starts_with('/')) {
                self.used.entry(tzid).or_insert(line.number);
            }
        }
    }

    fn missing(&self, report: &mut Report) {
        for (tzid, line) in self.used.iter().filter(|(tzid, _)| !self.defined.contains_key(*tzid)) {
            report.add(*line, format!("the zone \"{tzid}\" is not defined in this calendar"), DEFINED);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::calendars;

    fn found(events: &str) -> Vec<(usize, String)> {
        let text = format!("BEGIN:VCALENDAR\nPRODID:x\nVERSION:2.0\n{events}END:VCALENDAR\n");
        let report = calendars::look(text.as_bytes());
        report.findings.into_iter().map(|finding| (finding.line.unwrap(), format!("{} ({})", finding.message, finding.rule))).collect()
    }

    fn event(lines: &str) -> String {
        format!("BEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n{lines}END:VEVENT\n")
    }

    #[test]
    fn an_id_that_stands_twice_is_found_and_an_override_has_one_of_its_own() {
        let date = |day: u8| event(&format!("UID:a\nRECURRENCE-ID:202601{day:02}T000000Z\n"));
        assert_eq!(found(&[event("UID:a\n"), date(1), date(2)].concat()), []);
        assert_eq!(found(&[event("UID:a\n"), event("UID:a\n")].concat()), [(10, "UID is that of line 6 (RFC 5545 §3.8.4.7)".to_owned())]);
        let twice = found(&[date(1), date(1)].concat());
        assert_eq!(twice, [(11, "UID and RECURRENCE-ID are that of line 6 (RFC 5545 §3.8.4.7)".to_owned())]);
    }

    #[test]
    fn an_id_of_another_calendar_in_the_file_counts() {
        let text = "BEGIN:VCALENDAR\nPRODID:x\nVERSION:2.0\nBEGIN:VEVENT\nDTSTAMP:20260101T000000Z\nUID:a\nEND:VEVENT\nEND:VCALENDAR\n";
        let report = calendars::look([text, text].concat().as_bytes());
        assert_eq!(report.findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [Some(14)]);
    }

    #[test]
    fn a_zone_is_defined_once_and_where_it_is_used() {
        let zone = "BEGIN:VTIMEZONE\nTZID:Here\nEND:VTIMEZONE\n";
        let used = event("UID:a\nDTSTART;TZID=\"Here\":20260101T000000\nDTEND;TZID=/known/everywhere:20260102T000000\n");
        assert_eq!(found(&[zone, &used].concat()), []);
        assert_eq!(
            found(&[zone, zone].concat()),
            [(7, "the zone \"Here\" is defined in line 4 already; that one counts (RFC 5545 §3.6.5)".to_owned())]
        );
        assert_eq!(found(&used), [(7, "the zone \"Here\" is not defined in this calendar (RFC 5545 §3.6.5)".to_owned())]);
    }

    #[test]
    fn an_end_comes_later_where_the_two_can_be_compared() {
        for (lines, late) in [
            ("DTSTART:20260102T000000Z\nDTEND:20260102T000000Z\n", false),
            ("DTSTART:20260102T000000Z\nDTEND:20260103T000000Z\n", true),
            ("DTSTART;VALUE=DATE:20260102\nDTEND;VALUE=DATE:20260101\n", false),
            ("DTSTART:20260102T000000\nDTEND:20260101T000000Z\n", true),
        ] {
            let found = found(&event(&format!("UID:a\n{lines}")));
            assert_eq!(found.is_empty(), late, "{lines}{found:?}");
        }
    }

    #[test]
    fn a_rule_has_a_frequency_that_exists_and_parts_that_exist() {
        assert_eq!(found(&event("UID:a\nRRULE:FREQ=weekly;BYDAY=MO,-1TU;X-OWN=1\n")), []);
        let found = found(&event("UID:a\nRRULE:FREQ=SOMETIMES\nRRULE:COUNT=3\nRRULE:FREQ=DAILY;BYNIGHT=1\n"));
        let said: Vec<_> = found.iter().map(|(line, message)| (*line, message.split(" (").next().unwrap())).collect();
        assert_eq!(said, [(7, "there is no frequency \"SOMETIMES\""), (8, "the rule has no FREQ"), (9, "a rule has no part \"BYNIGHT\"")]);
    }
}
