//! A new, empty table whose columns can hold what some records hold, named as Google and Outlook name them.

use std::collections::BTreeSet;

use record::pointer::unescape;
use record::{Kind, Record, vocabulary};

/// Columns that stand alone, where any record has something below the pointer.
const SINGLE: &[(&str, &str)] = &[
    ("Name", "name/full"),
    ("Name Prefix", "name/title"),
    ("First Name", "name/given"),
    ("Middle Name", "name/given2"),
    ("Last Name", "name/surname"),
    ("Name Suffix", "name/generation"),
    ("Phonetic First Name", "name/phonetic/given"),
    ("Phonetic Last Name", "name/phonetic/surname"),
    ("Nickname", "nicknames"),
    ("Organization Name", "organizations/*/name"),
    ("Organization Department", "organizations/*/units/1"),
    ("Organization Title", "titles/*/name"),
    ("Birthday", "anniversaries/*/date"),
    ("Notes", "notes/*/note"),
    ("Labels", "keywords"),
];

/// Columns of events, as Google Calendar names them; those without a pointer are always there.
const EVENT: &[(&str, &str)] = &[
    ("Subject", ""),
    ("Start Date", ""),
    ("Start Time", ""),
    ("End Date", ""),
    ("End Time", ""),
    ("All Day Event", ""),
    ("Location", ""),
    ("Description", ""),
    ("Private", "privacy"),
    ("Categories", "keywords"),
    ("Time Zone", "timeZone"),
    ("End Time Zone", "endTimeZone"),
    ("Duration", "duration"),
    ("Recurrence Rule", "recurrenceRule"),
    ("Status", "status"),
    ("Website", "links/*/uri"),
];

/// Columns of tasks, as Outlook names them.
const TASK: &[(&str, &str)] = &[
    ("Subject", ""),
    ("Start Date", ""),
    ("Start Time", "start"),
    ("Due Date", ""),
    ("Due Time", ""),
    ("% Complete", ""),
    ("Status", ""),
    ("Notes", ""),
    ("Private", "privacy"),
    ("Categories", "keywords"),
    ("Time Zone", "timeZone"),
    ("Recurrence Rule", "recurrenceRule"),
];

/// Columns that are there in any case: without them nobody recognises the table.
const ALWAYS: &[&str] = &["Name", "First Name", "Last Name"];

/// Columns that are numbered: the group, its stem, and what stands behind the number.
const GROUPS: &[(&str, &str, &[&str])] = &[
    ("E-mail", "emails", &["Label", "Value"]),
    ("Phone", "phones", &["Label", "Value"]),
    ("Address", "addresses", &["Label", "Formatted", "Street", "City", "PO Box", "Region", "Postal Code", "Country", "Extended Address"]),
    ("Website", "links", &["Label", "Value"]),
];

/// The most parts of one stem that get columns of their own.
const MOST: usize = 20;

/// Returns the file of an empty table (RFC 4180, UTF-8) for records like these; linear in them.
#[must_use]
pub fn outline(records: &[Record]) -> Vec<u8> {
    let any = |kind: &Kind| records.iter().any(|record| record.kind == *kind);
    let headers = match () {
        () if any(&Kind::ROW) => cells(records),
        () if any(&Kind::EVENT) => dated(EVENT, records),
        () if any(&Kind::TASK) => dated(TASK, records),
        () => contact(records),
    };
    let mut line: String = headers.iter().map(|header| quoted(header)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line.into_bytes()
}

fn cells(records: &[Record]) -> Vec<String> {
    let names: BTreeSet<&str> = records.iter().flat_map(|record| record.fields.keys()).filter_map(|field| field.below("cells")).collect();
    names.into_iter().map(|name| unescape(name).into_owned()).collect()
}

fn dated(columns: &[(&str, &str)], records: &[Record]) -> Vec<String> {
    let needed = columns.iter().filter(|(_, pointer)| pointer.is_empty() || records.iter().any(|record| holds(record, pointer)));
    needed.map(|(name, _)| (*name).to_owned()).chain(std::iter::once("uid".to_owned())).collect()
}

fn contact(records: &[Record]) -> Vec<String> {
    let single = SINGLE.iter().filter(|(name, pointer)| ALWAYS.contains(name) || records.iter().any(|record| holds(record, pointer)));
    let mut headers: Vec<String> = single.map(|(name, _)| (*name).to_owned()).collect();
    for (group, stem, columns) in GROUPS {
        let most = records.iter().map(|record| parts(record, stem)).max().unwrap_or_default();
        let least = usize::from(matches!(*stem, "emails" | "phones"));
        for number in 1..=most.clamp(least, MOST) {
            headers.extend(columns.iter().map(|column| format!("{group} {number} - {column}")));
        }
    }
    headers.push("uid".to_owned());
    headers
}

fn holds(record: &Record, pointer: &str) -> bool {
    match pointer.split_once("/*/") {
        Some((stem, rest)) => {
            record.below(stem).any(|(field, _)| vocabulary::split(field.as_str()).is_some_and(|(_, _, below)| below == rest))
        }
        None => record.field(pointer).is_some() || record.below(pointer).next().is_some(),
    }
}

fn parts(record: &Record, stem: &str) -> usize {
    let ids: BTreeSet<&str> = record.below(stem).filter_map(|(field, _)| vocabulary::split(field.as_str()).map(|(_, id, _)| id)).collect();
    ids.len()
}

fn quoted(header: &str) -> String {
    if header.contains([',', '"', '\n', '\r']) { format!("\"{}\"", header.replace('"', "\"\"")) } else { header.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::Preset;
    use record::Value;

    fn headers(records: &[Record]) -> Vec<String> {
        String::from_utf8(outline(records)).unwrap().trim_end().split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_new_table_has_the_columns_that_its_records_need() {
        let text = |pointer: &str, record: Record| record.with(pointer, Value::text("x"));
        let ada = text("phones/a/number", text("phones/b/number", text("nicknames/ada", Record::new(Kind::CONTACT))));
        let headers = headers(&[ada]);
        assert!(headers.iter().any(|header| header == "Phone 2 - Value"), "{headers:?}");
        assert!(headers.iter().any(|header| header == "Nickname"));
        assert!(!headers.iter().any(|header| header == "Birthday" || header.starts_with("Address")));
    }

    #[test]
    fn a_new_table_is_recognised_even_if_nothing_is_known_yet() {
        assert_eq!(Preset::recognise(&headers(&[])), Some(Preset::Google));
    }

    #[test]
    fn a_new_calendar_is_one_that_google_takes() {
        let event = Record::new(Kind::EVENT).with("timeZone", Value::text("x")).with("title", Value::text("x"));
        let found = headers(&[event]);
        assert!(found.starts_with(&["Subject".to_owned(), "Start Date".to_owned()]) && found.contains(&"Time Zone".to_owned()));
        assert_eq!(Preset::recognise(&found), Some(Preset::GoogleCalendar));
        assert_eq!(Preset::recognise(&headers(&[Record::new(Kind::TASK)])), Some(Preset::OutlookTasks));
    }

    #[test]
    fn plain_rows_keep_their_columns() {
        let row = Record::new(Kind::ROW).with("cells/a~1b", Value::text("1")).with("cells/c, d", Value::text("2"));
        assert_eq!(outline(&[row]), b"a/b,\"c, d\"\r\n");
    }
}
