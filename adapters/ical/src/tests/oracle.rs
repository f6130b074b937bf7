//! New files made of the real ones that `SYNCRETIC_CORPUS` names, as an independent reader sees them: nothing is lost.

use crate::entry::Entry;
use crate::source::spans::Found;
use crate::tests::corpus::{Tally, corpus, files_below, remade};
use calcard::icalendar::{ICalendar, ICalendarEntry, ICalendarParameterName};
use contentline::text::Text;
use std::collections::BTreeMap;

/// What the oracle sees otherwise although nothing is lost: the property, how its old form is told, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("PRODID", "", "volatile: it names the program that wrote the old file"),
    ("VERSION", "", "a new file is one of 2.0"),
    ("METHOD", "", "a word in any case, without the blanks before it"),
    ("ORGANIZER", "Joe Bob", "a backslash before a colon in a parameter is an escape to the oracle, and none by RFC 6868"),
    ("ATTENDEE", "Jane Doe ", "a blank behind the value of a parameter is no part of it"),
    ("SUMMARY", "blah", "the name of a parameter is written in capitals"),
    ("LAST-MODIFIED", "VCalendar", "volatile: it says when the old file was written"),
];

/// A file of examples: several definitions have one TZID, of which the first counts (RFC 5545 §3.6.5 allows one).
const ZONES_DEFINED_TWICE: &str = "ical4j_ical4j/rfc5545-sec3.6.5.ics";

/// Properties whose values are sets, whatever lines they stand on.
const SETS: &[&str] = &["CATEGORIES", "RESOURCES", "EXDATE", "RDATE"];

/// Says what an entry holds, whatever the order of its parameters; of a set each element apart.
fn said(within: &str, entry: &ICalendarEntry) -> Vec<(String, String, String)> {
    let name = entry.name.as_str().to_ascii_uppercase();
    // The type that the form of a value shows says nothing more.
    let kept = entry.params.iter().filter(|one| one.name != ICalendarParameterName::Value);
    let mut parameters: Vec<String> = kept.map(|one| format!("{:?}={:?}", one.name, one.value)).collect();
    parameters.sort();
    parameters.dedup();
    let head = format!("{within} {parameters:?}");
    let mut values: Vec<String> = entry.values.iter().map(|value| format!("{value:?}")).collect();
    if SETS.contains(&name.as_str()) {
        values.sort();
        values.dedup();
        return values.into_iter().map(|value| (name.clone(), head.clone(), value)).collect();
    }
    vec![(name, head, values.join(" | "))]
}

/// Returns everything that a calendar says, each element of a set once.
fn all_said(calendar: &ICalendar) -> BTreeMap<(String, String, String), usize> {
    let mut all = BTreeMap::new();
    for component in &calendar.components {
        let within = format!("{:?}", component.component_type);
        for one in component.entries.iter().flat_map(|entry| said(&within, entry)) {
            let count = all.entry(one).or_insert(0);
            *count += 1;
        }
    }
    all
}

#[test]
fn new_files_of_the_corpus_say_all_that_the_old_ones_do() {
    let Some(corpus) = corpus() else { return };
    let (mut compared, mut faults) = (0, Vec::new());
    for path in files_below(&corpus) {
        let raw = std::fs::read(&path).unwrap();
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        let Ok(text) = Text::new(&raw) else { continue };
        let found = Found::read(&text.bytes);
        let whole = found.calendar.strays.is_empty() && found.items.iter().all(|span| span.broken.is_none());
        let readable = |span: &crate::source::spans::Span| Entry::read(found.bytes, span.component, &span.ranges, &found.zones).is_ok();
        // What is held is in no record; files of other charsets and odd lines are not the oracle's.
        if !whole || !found.items.iter().all(readable) || found.calendar.roots.is_empty() {
            continue;
        }
        let Ok(old_text) = std::str::from_utf8(&text.bytes) else { continue };
        let new = remade(&found, &mut Tally::default(), &name);
        let (Ok(old), Ok(new)) = (ICalendar::parse(old_text), ICalendar::parse(String::from_utf8_lossy(&new))) else { continue };
        compared += 1;
        let (before, after) = (all_said(&old), all_said(&new));
        for (one, count) in before {
            let kept = if SETS.contains(&one.0.as_str()) {
                after.contains_key(&one)
            } else {
                after.get(&one).is_some_and(|found| *found >= count)
            };
            let what = format!("{} {}", one.1, one.2);
            let allowed = ALLOWED.iter().any(|(property, sign, _)| *property == one.0 && what.contains(sign));
            if !kept && !allowed && name != ZONES_DEFINED_TWICE {
                faults.push(format!("{name}: {}: {}", one.0, what.chars().take(200).collect::<String>()));
            }
        }
    }
    eprintln!("{compared} files compared");
    assert!(faults.is_empty() && compared > 150, "{compared}: {faults:#?}");
}
