//! What is read: the same whatever the order, folds and line endings; and bad input.

use crate::entry::Entry;
use crate::source::codec::ItemFile;
use crate::source::spans::Found;
use crate::tests::edits::{OVERRIDE, SERIES, create, lines_changed, read, write};
use proptest::prelude::*;
use record::{Kind, Record, Value};
use std::collections::BTreeSet;
use vdir::Codec;

fn calendar(body: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n")
}

fn event(lines: &str) -> String {
    calendar(&format!("BEGIN:VEVENT\r\nUID:1\r\n{lines}END:VEVENT\r\n"))
}

/// The content of a record, local ids left out.
fn same(one: &Record, other: &Record) -> Result<(), adapter::proof::Mismatch> {
    adapter::proof::check(one, &BTreeSet::new(), other, &adapter::View::default())
}

fn fault(text: &[u8]) -> (Option<usize>, String) {
    let fault = ItemFile.read(text).unwrap_err();
    (fault.line, fault.reason)
}

#[test]
fn line_endings_and_folds_are_no_change() {
    let record = read(SERIES);
    assert_eq!(read(&SERIES.replace('\n', "\r\n")), record);
    assert_eq!(read(&SERIES.replace('\n', "\r")), record);
    assert_eq!(read(&SERIES.replace("SUMMARY:Stand", "SUM\n\tMARY:St\n and")), record);
    let mixed: String = SERIES.lines().enumerate().map(|(at, line)| format!("{line}{}", ["\r\n", "\n"][at % 2])).collect();
    assert_eq!(read(&mixed), record);
}

#[test]
fn the_order_of_lines_alarms_and_overrides_is_no_change() {
    let record = read(SERIES);
    let mut lines: Vec<&str> = SERIES.split_inclusive('\n').collect();
    let at = |lines: &[&str], start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
    let (location, summary) = (at(&lines, "LOCATION"), at(&lines, "SUMMARY"));
    lines.swap(location, summary);
    same(&record, &read(&lines.concat())).unwrap();
    let body = |from: &str, to: &str| {
        let start = SERIES.find(from).unwrap();
        &SERIES[start..start + SERIES[start..].find(to).unwrap() + to.len()]
    };
    let (first, second) = (body("BEGIN:VALARM", "END:VALARM\n"), body("BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED", "END:VALARM\n"));
    same(&record, &read(&SERIES.replace(&format!("{first}{second}"), &format!("{second}{first}")))).unwrap();
    let master = body("BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nSEQ", "END:VEVENT\n");
    let over = body("BEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nREC", "END:VEVENT\n");
    same(&record, &read(&SERIES.replace(&format!("{master}{over}"), &format!("{over}{master}")))).unwrap();
}

#[test]
fn the_first_of_two_equal_properties_is_found_by_what_they_say() {
    let one = read(&event("SUMMARY:b\r\nSUMMARY:a\r\n"));
    let other = read(&event("SUMMARY:a\r\nSUMMARY:b\r\n"));
    assert_eq!((one.text("title"), &one), (Some("a"), &other));
}

#[test]
fn what_cannot_be_given_back_exactly_is_kept_as_it_is() {
    for line in [
        "DTSTART:20260101T1000",
        "DTSTART;VALUE=PERIOD:20260101T100000/PT1H",
        "RDATE;VALUE=PERIOD:20260101T100000/PT1H",
        "EXDATE;TZID=Elsewhere:20260101T100000",
        "PRIORITY:007",
        "STATUS:a b",
        "DURATION:1H",
        "GEO:1,2",
        "DTSTAMP:20260101T000000",
        "CATEGORIES;LANGUAGE=en:a",
        "CATEGORIES:",
        "ATTACH;ENCODING=BASE64;VALUE=BINARY:no base64!",
        "item1.SUMMARY:grouped",
        "X-ANYTHING;A=1:;;",
        "no colon here",
    ] {
        let record = read(&event(&format!("{line}\r\n")));
        assert_eq!(record.text("ext/ical/lines/1"), Some(line), "{line}");
    }
}

#[test]
fn every_kind_of_component_is_a_record_of_its_kind() {
    for (name, kind) in [("VEVENT", Kind::EVENT), ("VTODO", Kind::TASK), ("VJOURNAL", Kind::JOURNAL), ("VFREEBUSY", Kind::FREEBUSY)] {
        let text = calendar(&format!("BEGIN:{name}\r\nUID:1\r\nFREEBUSY:20260101T000000Z/PT1H\r\nEND:{name}\r\n"));
        let record = read(&text);
        assert_eq!((record.kind.clone(), record.text("ext/ical/lines/1")), (kind, Some("FREEBUSY:20260101T000000Z/PT1H")));
        assert!(create(&record).0.contains("FREEBUSY:"), "{name}");
    }
}

#[test]
fn floating_zoned_utc_and_whole_days_are_kept_apart() {
    let start = |line: &str| read(&event(&format!("{line}\r\n"))).fields.get("start").cloned();
    assert_eq!(start("DTSTART:20260101T100000"), Some(Value::LocalDateTime("2026-01-01T10:00:00".to_owned())));
    assert_eq!(start("DTSTART:20260101T100000Z"), Some(Value::Instant("2026-01-01T10:00:00Z".to_owned())));
    assert_eq!(start("DTSTART;VALUE=DATE:20260101"), Some(Value::Date("2026-01-01".to_owned())));
    let zoned = read(&event("DTSTART;TZID=\"W. Europe Standard Time\":20260101T100000\r\nDTEND:20260101T110000\r\n"));
    assert_eq!((zoned.text("timeZone"), zoned.text("endTimeZone")), (Some("W. Europe Standard Time"), Some("")));
}

#[test]
fn an_override_without_a_date_and_a_second_one_of_a_date_are_kept_whole() {
    let over = |id: &str| format!("BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:{id}\r\nSUMMARY:o\r\nEND:VEVENT\r\n");
    let text = calendar(&format!("{}{}{}", over("20260101"), over("20260101"), over("soon")));
    let record = read(&text);
    assert_eq!(record.below("ext/ical/components").count(), 2);
    assert_eq!(record.text("uid"), Some("1"));
    let (new, shown) = create(&record);
    assert_eq!((new.matches("BEGIN:VEVENT").count(), shown.fields.len()), (3, record.fields.len() + 1), "{new}");
}

#[test]
fn overrides_without_their_series_take_it_in_when_it_comes() {
    let over = "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20260101\r\nSUMMARY:o\r\nEND:VEVENT\r\n";
    let text = calendar(over);
    let record = read(&text).with("start", Value::Date("2026-01-01".to_owned())).with("recurrenceRule", Value::text("FREQ=DAILY"));
    let (after, shown) = write(&text, &record);
    assert!(after.contains("RRULE:FREQ=DAILY") && after.contains(over), "{after}");
    assert_eq!(shown.text("recurrenceRule"), Some("FREQ=DAILY"));
}

#[test]
fn bad_files_are_faults_with_their_line() {
    assert_eq!(fault(b""), (Some(1), "the file is empty; it may have been cut off while it was written".to_owned()));
    let cut = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n";
    assert_eq!(fault(cut.as_bytes()).0, Some(1));
    let two = event("") + &event("");
    assert_eq!(
        fault(two.as_bytes()),
        (Some(7), "more than one item stands in the file; a folder holds one a file, or name the file itself in `path`".to_owned())
    );
    let twice = calendar("BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n");
    assert!(fault(twice.as_bytes()).1.contains("without a RECURRENCE-ID"));
    let mixed = calendar("BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:1\r\nEND:VTODO\r\n");
    assert_eq!(fault(mixed.as_bytes()).0, Some(6));
    assert!(fault(calendar("").as_bytes()).1.contains("no event"));
    assert!(fault(b"<html>").1.contains("outside"));
    let nest = format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\n".repeat(100_000));
    assert!(fault(nest.as_bytes()).0.is_some());
    assert_eq!(fault(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:X\nEND:VEVENT\nEND:VCALENDAR\n").0, Some(2));
}

#[test]
fn a_line_of_ten_megabytes_and_bytes_of_no_charset_are_kept() {
    let long = event(&format!("SUMMARY:x\r\nX-LONG:{}\r\n", "a".repeat(10_000_000)));
    let (after, _) = write(&long, &read(&long).with("title", Value::text("y")));
    let (old, new) = lines_changed(&long, &after);
    assert_eq!((old.concat(), new.concat()), ("SUMMARY:x".to_owned(), "SUMMARY:y".to_owned()));
    let latin: Vec<u8> = event("SUMMARY:x\r\nLOCATION:Caf~\r\n").bytes().map(|byte| if byte == b'~' { 0xe9 } else { byte }).collect();
    let record = ItemFile.read(&latin).unwrap().0;
    assert_eq!(record.text("locations/=1/name"), Some("Café"));
    let written = ItemFile.edit(&latin, &record.with("title", Value::text("Thé")), &crate::tests::edits::Shelf(Vec::new())).unwrap();
    assert!(written.bytes.windows(4).any(|part| part == b"Th\xe9\r") && written.bytes.windows(4).any(|part| part == b"Caf\xe9"));
}

#[test]
fn a_strict_reader_reads_what_is_new() {
    let (text, _) = create(&read(SERIES));
    let parsed: icalendar::Calendar = text.parse().unwrap();
    assert_eq!(parsed.components.iter().filter(|component| component.as_event().is_some()).count(), 2);
    let plain = Record::new(Kind::EVENT)
        .with("uid", Value::text("u"))
        .with("title", Value::text("From, a; table\nrow"))
        .with("start", Value::Date("2026-01-01".to_owned()));
    let (text, _) = create(&plain);
    for needed in
        ["BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:", "UID:u\nDTSTAMP:", "DTSTART;VALUE=DATE:20260101", "SUMMARY:From\\, a\\; table\\nrow"]
    {
        assert!(text.contains(needed), "{needed} {text}");
    }
    let parsed: icalendar::Calendar = text.parse().unwrap();
    let event = parsed.components[0].as_event().unwrap();
    assert_eq!(icalendar::Component::get_uid(event), Some("u"));
}

#[test]
fn the_series_of_the_tests_is_what_it_says() {
    let record = read(SERIES);
    assert_eq!(record.text(&format!("{OVERRIDE}/range")), Some("thisandfuture"));
    assert_eq!(record.text("method"), Some("publish"));
    assert_eq!(record.text("ext/vcalendar/lines/1"), Some("X-WR-CALNAME:Mine"));
    assert!(record.text("timeZones/Home").is_some_and(|zone| zone.starts_with("BEGIN:VTIMEZONE\nTZID:Home\n")));
}

fn line() -> impl Strategy<Value = String> {
    let heads = [
        "SUMMARY",
        "SUMMARY;LANGUAGE=de",
        "DTSTART",
        "DTSTART;VALUE=DATE",
        "DTSTART;TZID=Europe/Berlin",
        "DTEND;TZID=Europe/Berlin",
        "DTEND",
        "DURATION",
        "LOCATION",
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=\"a,b\"",
        "ATTENDEE",
        "CATEGORIES",
        "EXDATE;TZID=Europe/Berlin",
        "EXDATE",
        "RDATE;VALUE=DATE",
        "RRULE",
        "STATUS",
        "CLASS",
        "PRIORITY",
        "GEO",
        "ATTACH;ENCODING=BASE64;VALUE=BINARY",
        "ATTACH;FMTTYPE=a/b",
        "X-Q;A=1",
        "URL",
        "RELATED-TO;RELTYPE=CHILD",
        "RECURRENCE-ID;TZID=Europe/Berlin",
        "RECURRENCE-ID;VALUE=DATE",
        "TRIGGER",
        "BEGIN",
        "END",
        "COMMENT",
        "DTSTAMP",
        "SEQUENCE",
        " folded",
    ];
    let value = prop_oneof![
        "[a-zA-Z,;:\\\\\" é]{0,10}",
        Just("20260101T100000".to_owned()),
        Just("20260101T100000,20260102T100000".to_owned()),
        Just("20260101T100000Z".to_owned()),
        Just("20260101".to_owned()),
        Just("-PT15M".to_owned()),
        Just("VALARM".to_owned()),
        Just("7".to_owned()),
        Just("aGVsbG8=".to_owned()),
        Just("1.5;-2".to_owned()),
    ];
    (proptest::sample::select(heads.to_vec()), value).prop_map(|(head, value)| format!("{head}:{value}\r\n"))
}

fn file() -> impl Strategy<Value = String> {
    let alarm = proptest::collection::vec(line(), 0..3)
        .prop_map(|lines| format!("BEGIN:VALARM\r\nTRIGGER:-PT1M\r\n{}END:VALARM\r\n", lines.concat()));
    let piece = (proptest::collection::vec(line(), 0..8), proptest::collection::vec(alarm, 0..3))
        .prop_map(|(lines, alarms)| format!("BEGIN:VEVENT\r\nUID:1\r\n{}{}END:VEVENT\r\n", lines.concat(), alarms.concat()));
    proptest::collection::vec(piece, 1..3).prop_map(|pieces| calendar(&pieces.concat()))
}

proptest! {
    #[test]
    fn a_file_that_is_not_changed_keeps_every_byte(text in file()) {
        if let Ok((record, _)) = ItemFile.read(text.as_bytes()) {
            prop_assert_eq!(write(&text, &record).0, text);
        }
    }

    #[test]
    fn an_edit_is_written_whole_or_refused(text in file(), from in file()) {
        if let (Ok((_, _)), Ok((other, _))) = (ItemFile.read(text.as_bytes()), ItemFile.read(from.as_bytes())) {
            let shelf = crate::tests::edits::Shelf(vec![b"hello".to_vec()]);
            if let Ok(written) = ItemFile.edit(text.as_bytes(), &other, &shelf) {
                let again = ItemFile.read(&written.bytes).unwrap().0;
                prop_assert_eq!(again, written.record);
            }
        }
    }

    #[test]
    fn one_field_that_changes_changes_its_own_lines_only(text in file(), pick in any::<proptest::sample::Index>()) {
        if let Ok((record, _)) = ItemFile.read(text.as_bytes()) {
            let texts: Vec<_> = record.fields.iter().filter(|(pointer, value)| {
                matches!(value, Value::Text(_)) && (pointer.as_str() == "title" || pointer.as_str().ends_with("/name") || pointer.as_str().ends_with("/comment"))
            }).map(|(pointer, _)| pointer.clone()).collect();
            if !texts.is_empty() {
                let pointer = pick.get(&texts);
                let changed = record.clone().with(pointer.as_str(), Value::text("Another, text; with \\ signs"));
                let shelf = crate::tests::edits::Shelf(vec![b"hello".to_vec()]);
                // What a second line of the same sort would say instead is refused.
                if let Ok(written) = ItemFile.edit(text.as_bytes(), &changed, &shelf) {
                    let after = String::from_utf8(written.bytes).unwrap();
                    let (old, new) = lines_changed(&text, &after);
                    prop_assert!(old.len() <= 4 && new.len() <= 4, "{:?} {:?}", old, new);
                    let same_again = write(&after, &written.record).0;
                    prop_assert_eq!(same_again, after);
                }
            }
        }
    }

    #[test]
    fn a_record_makes_a_new_file_that_shows_the_same(text in file()) {
        if let Ok((record, _)) = ItemFile.read(text.as_bytes()) {
            let shelf = crate::tests::edits::Shelf(vec![b"hello".to_vec()]);
            if let Ok(written) = ItemFile.create(&record, vdir::Habits::default(), &shelf) {
                prop_assert_eq!(ItemFile.read(&written.bytes).unwrap().0, written.record);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ItemFile.read(&bytes);
        let found = Found::read(&bytes);
        for span in &found.items {
            let _ = Entry::read(found.bytes, span.component, &span.ranges, &found.zones);
        }
    }
}
