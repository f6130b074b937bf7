//! Calendars before a strict reader of iCalendar (RFC 5545), and what each component must have.

use contentline::document::Document;
use contentline::items::items;
use contentline::position::position;

use crate::lint::rules::{BROKEN_CALENDAR, LINE_CALENDAR, MOMENTS, ONCE, REQUIRED};
use crate::lint::strict::{Read, component, says_moment};
use crate::lint::together::{self, Ids};
use crate::lint::{Report, Sort, text};

/// Looks at a file of calendars.
pub(crate) fn look(bytes: &[u8]) -> Report {
    let (mut report, mut ids) = (Report::default(), Ids::new());
    for item in items(bytes) {
        if let Some(broken) = &item.broken {
            report.add_broken(broken, Sort::Calendars);
            continue;
        }
        let span = bytes.get(item.span).unwrap_or_default();
        match Document::read(span) {
            Ok(document) => look_at(&document, item.line, &mut ids, &mut report),
            Err(broken) => report.add_broken(&broken.moved(item.line - 1), Sort::Calendars),
        }
    }
    if report.checked == 0 && report.findings.is_empty() {
        report.add(1, "holds no calendar", BROKEN_CALENDAR);
    }
    report
}

fn look_at(document: &Document<'_>, first: usize, ids: &mut Ids, report: &mut Report) {
    let numbers = Numbers::of(document, first);
    let whole = text(document.bytes(), first, Sort::Calendars, report).into_owned();
    let before = report.findings.len();
    for (at, name) in document.components().iter().map(|component| component.name.as_str()).enumerate() {
        report.checked += 1;
        look_at_component(document, (at, name), &numbers, report);
    }
    // What the reader refuses as a whole, it refuses somewhere; where no line alone is to blame, the calendar is.
    match component(&whole) {
        Read::Fine => {}
        Read::Refused if report.findings.len() > before => {}
        Read::Refused => {
            report.add(first, "the strict reader refuses this calendar as a whole, but every line of it alone is fine", BROKEN_CALENDAR);
        }
        Read::Failed => report.add(first, "the strict reader failed at this calendar", BROKEN_CALENDAR),
    }
    together::look(document, &numbers, ids, report);
}

fn look_at_component(document: &Document<'_>, (at, name): (usize, &str), numbers: &Numbers, report: &mut Report) {
    let first = document.components().get(at).map_or(1, |component| numbers.of_line(component.first));
    let mut seen: Vec<String> = Vec::new();
    for line in document.own(at) {
        let Some(content) = document.content(line) else { continue };
        let property = content.name().to_uppercase();
        let (number, line) = (numbers.of_line(line), content.text());
        if line.trim().is_empty() {
            continue;
        }
        if !content.is_property() || component(&format!("BEGIN:{name}\r\n{line}\r\nEND:{name}\r\n")) != Read::Fine {
            report.add(number, format!("the strict reader refuses this line of {name}"), LINE_CALENDAR);
        } else if let Some((_, rule)) = MOMENTS.iter().find(|(moment, _)| *moment == property)
            && says_moment(&line, &property) == Some(false)
        {
            report.add(number, format!("{property} says no date or time"), rule);
        }
        if let Some(rule) = REQUIRED.iter().find(|(component, ..)| *component == name).map(|(.., rule)| *rule)
            && ONCE.contains(&property.as_str())
            && seen.contains(&property)
        {
            report.add(number, format!("{name} has {property} more than once"), rule);
        }
        seen.push(property);
    }
    let Some((_, required, rule)) = REQUIRED.iter().find(|(component, ..)| *component == name) else { return };
    for property in required.iter().filter(|property| !seen.iter().any(|seen| seen == *property)) {
        report.add(first, format!("{name} has no {property}"), rule);
    }
}

/// The physical lines of a file on which logical lines begin.
pub(crate) struct Numbers(Vec<usize>);

impl Numbers {
    fn of(document: &Document<'_>, first: usize) -> Self {
        let mut number = first;
        let count = |line: &contentline::line::Line| {
            let raw = document.bytes().get(line.start..line.end).unwrap_or_default();
            let here = number;
            number += position(raw, raw.len()).line - 1;
            here
        };
        Self(document.lines().iter().map(count).collect())
    }

    pub(crate) fn of_line(&self, line: usize) -> usize {
        self.0.get(line).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String, &'static str)> {
        look(text.as_bytes()).findings.into_iter().map(|finding| (finding.line.unwrap(), finding.message, finding.rule)).collect()
    }

    #[test]
    fn a_line_that_the_reader_refuses_is_found_although_it_names_none() {
        let text = "BEGIN:VCALENDAR\r\nPRODID:x\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:long\r\n  title\r\nDTSTART:soon\r\nnonsense\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let found = found(text);
        let places: Vec<_> = found.iter().map(|(line, _, rule)| (*line, *rule)).collect();
        assert_eq!(places, [(9, "RFC 5545 §3.8.2.4"), (10, "RFC 5545 §3.1")], "{found:?}");
    }

    #[test]
    fn what_must_be_there_is_missed() {
        let text =
            "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";
        let found = found(text);
        let expected = [
            (1, "VCALENDAR has no PRODID".to_owned(), "RFC 5545 §3.6"),
            (3, "VEVENT has no DTSTAMP".to_owned(), "RFC 5545 §3.6.1"),
            (5, "VALARM has no TRIGGER".to_owned(), "RFC 5545 §3.6.6"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_reader_that_panics_is_an_answer() {
        let report = crate::lint::strict::silently(|| look("BEGIN:VCALENDAR\nЕкатеринбург\nA;=:\nEND:VCALENDAR\n".as_bytes()));
        assert!(!report.findings.is_empty());
    }
}
