//! Edits of real shapes: exactly the field, exactly its lines.

use crate::source::codec::ItemFile;
use adapter::{Blobs, Error};
use record::{Digest, Record, Value};
use std::io::Read;
use vdir::{Codec, Habits};

/// Blobs that are at hand.
pub(super) struct Shelf(pub(super) Vec<Vec<u8>>);

impl Blobs for Shelf {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        let found = self.0.iter().find(|bytes| Digest::of(bytes) == digest);
        found.map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read>).ok_or_else(|| Error::Fatal("no such blob".to_owned()))
    }
}

pub(super) const SERIES: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//A//B//EN\nMETHOD:PUBLISH\nX-WR-CALNAME:Mine\nBEGIN:VTIMEZONE\nTZID:Home\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nSEQUENCE:3\nDTSTART;TZID=Home:20260105T100000\nDTEND;TZID=Home:20260105T110000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=Home:20260119T100000,20260126T100000\nSUMMARY:Stand-up\\, daily\nLOCATION:Room 1\nORGANIZER;CN=Ada:mailto:ada@example.org\nATTENDEE;CN=\"Doe, Jane\";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:jane@exam\n ple.org\nATTENDEE;CN=Bob;PARTSTAT=ACCEPTED;X-NUM=0:mailto:bob@example.org\nATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=\nCATEGORIES:work,team\nX-APPLE-TRAVEL:AUTO\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nDESCRIPTION:five\nX-Q:1\nEND:VALARM\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=END:PT0S\nDESCRIPTION:end\nEND:VALARM\nBEGIN:VALARM\nUID:alarm-3\nACTION:AUDIO\nTRIGGER;VALUE=DATE-TIME:20260105T080000Z\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Home;RANGE=THISANDFUTURE:20260112T100000\nDTSTART;TZID=Home:20260112T140000\nDTEND;TZID=Home:20260112T150000\nSUMMARY:Late\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT1H\nDESCRIPTION:hour\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";

pub(super) const OVERRIDE: &str = "recurrenceOverrides/2026-01-12T10:00:00";

pub(super) fn read(text: &str) -> Record {
    ItemFile.read(text.as_bytes()).unwrap().0
}

/// Writes a record into a file, and returns the file with what it shows.
pub(super) fn write(text: &str, record: &Record) -> (String, Record) {
    let written = ItemFile.edit(text.as_bytes(), record, &Shelf(vec![b"hello".to_vec()])).unwrap();
    (String::from_utf8(written.bytes).unwrap(), written.record)
}

pub(super) fn create(record: &Record) -> (String, Record) {
    let habits = Habits { bare: true, own: None };
    let written = ItemFile.create(record, habits, &Shelf(vec![b"hello".to_vec()])).unwrap();
    (String::from_utf8(written.bytes).unwrap(), written.record)
}

/// Sets one field and tells which lines went and which came.
#[expect(clippy::needless_pass_by_value, reason = "the tests read better so")]
fn changed(text: &str, field: &str, value: Value) -> (Vec<String>, Vec<String>) {
    let record = read(text).with(field, value.clone());
    let (after, shown) = write(text, &record);
    assert_eq!(shown.field(field), Some(&value), "{field}");
    lines_changed(text, &after)
}

pub(super) fn lines_changed(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(old, new)| old == new).count();
    let owned = |lines: &[&str]| lines.iter().map(|line| line.trim_end().to_owned()).collect();
    (owned(&old[start..old.len() - end]), owned(&new[start..new.len() - end]))
}

/// Finds the pointer of a part by one of its values.
fn part(record: &Record, stem: &str, value: &str) -> String {
    let found = record.fields.iter().find(|(pointer, found)| pointer.as_str().starts_with(stem) && found.as_text() == Some(value));
    let pointer = found.unwrap_or_else(|| panic!("{stem} {value}")).0.as_str();
    pointer.rsplit_once('/').unwrap().0.to_owned()
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    assert_eq!(write(SERIES, &read(SERIES)), (SERIES.to_owned(), read(SERIES)));
}

#[test]
fn one_attendees_answer_changes_one_line_and_keeps_the_rest_of_it() {
    let jane = part(&read(SERIES), "participants", "Doe, Jane");
    let (old, new) = changed(SERIES, &format!("{jane}/participationStatus"), Value::text("accepted"));
    assert_eq!(old, ["ATTENDEE;CN=\"Doe, Jane\";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:jane@exam", " ple.org"]);
    assert_eq!(new.len(), 2);
    let unfolded = new.concat().replace("\n ", "");
    assert!(unfolded.contains("PARTSTAT=ACCEPTED") && unfolded.contains("CN=\"Doe, Jane\""), "{unfolded}");
}

#[test]
fn one_alarm_of_three_changes_alone() {
    let record = read(SERIES);
    let five = part(&record, "alerts", "five");
    assert_eq!(
        changed(SERIES, &format!("{five}/trigger"), Value::Duration("-PT10M".to_owned())),
        (vec!["TRIGGER:-PT5M".to_owned()], vec!["TRIGGER:-PT10M".to_owned()])
    );
    let mut without = record.clone();
    without.fields.retain(|pointer, _| pointer.below(&five).is_none());
    let (old, new) = lines_changed(SERIES, &write(SERIES, &without).0);
    assert_eq!((old.len(), new.len()), (6, 0));
    let end = part(&record, "alerts", "end");
    let instant = Value::Instant("2026-01-05T09:00:00Z".to_owned());
    assert_eq!(changed(SERIES, &format!("{end}/trigger"), instant).1, ["TRIGGER;VALUE=DATE-TIME;RELATED=END:20260105T090000Z"]);
    assert!(record.field("alerts/=alarm-3/trigger").is_some());
}

#[test]
fn an_alarm_is_added_behind_the_others_with_what_it_must_say() {
    let record = read(SERIES).with("alerts/new/trigger", Value::Duration("-P1D".to_owned()));
    let (old, new) = lines_changed(SERIES, &write(SERIES, &record).0);
    assert!(old.is_empty());
    assert_eq!(new, ["BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P1D", "DESCRIPTION:Stand-up\\, daily", "END:VALARM"]);
}

#[test]
fn one_override_of_a_series_changes_alone() {
    let title = format!("{OVERRIDE}/title");
    assert_eq!(changed(SERIES, &title, Value::text("Later")), (vec!["SUMMARY:Late".to_owned()], vec!["SUMMARY:Later".to_owned()]));
    let mut without = read(SERIES);
    without.fields.retain(|pointer, _| pointer.below(OVERRIDE).is_none());
    let (old, new) = lines_changed(SERIES, &write(SERIES, &without).0);
    assert_eq!((old.len(), new.len()), (13, 0));
}

#[test]
fn an_override_is_added_whole() {
    let at = "recurrenceOverrides/2026-02-02T10:00:00";
    let local = |text: &str| Value::LocalDateTime(text.to_owned());
    let record = read(SERIES)
        .with(&format!("{at}/recurrenceId"), local("2026-02-02T10:00:00"))
        .with(&format!("{at}/start"), local("2026-02-02T09:00:00"))
        .with(&format!("{at}/timeZone"), Value::text("Home"))
        .with(&format!("{at}/title"), Value::text("Early"));
    let (old, new) = lines_changed(SERIES, &write(SERIES, &record).0);
    assert!(old.is_empty());
    let expected = "BEGIN:VEVENT UID:series DTSTAMP:19700101T000000Z RECURRENCE-ID;TZID=Home:20260202T100000 DTSTART;TZID=Home:20260202T090000 SUMMARY:Early END:VEVENT";
    let mut found = new;
    // The border of equal lines may lie either side of what is new.
    let turn = found.iter().position(|line| line == "BEGIN:VEVENT").unwrap();
    found.rotate_left(turn);
    assert_eq!(found.join(" "), expected);
}

#[test]
fn what_is_left_of_an_override_that_went_is_not_written() {
    let mut record = read(SERIES);
    record.fields.retain(|pointer, _| pointer.below(OVERRIDE).is_none());
    let record = record.with(&format!("{OVERRIDE}/title"), Value::text("edited elsewhere"));
    let (after, shown) = write(SERIES, &record);
    assert!(!after.contains("edited elsewhere") && shown.field(&format!("{OVERRIDE}/title")).is_none());
}

#[test]
fn dates_join_and_leave_the_line_of_their_form() {
    let date = |date: &str| format!("recurrenceOverrides/{date}/excluded");
    let (old, new) = changed(SERIES, &date("2026-02-09T10:00:00"), Value::Boolean(true));
    assert_eq!(old, ["EXDATE;TZID=Home:20260119T100000,20260126T100000"]);
    assert_eq!(new, ["EXDATE;TZID=Home:20260119T100000,20260126T100000,20260209T100000"]);
    let (old, new) = changed(SERIES, &date("2026-02-09T09:00:00Z"), Value::Boolean(true));
    assert!(old.is_empty() && new == ["EXDATE:20260209T090000Z"]);
    let (_, new) = changed(SERIES, &date("2026-02-10"), Value::Boolean(false));
    assert_eq!(new, ["RDATE;VALUE=DATE:20260210"]);
}

#[test]
fn another_zone_moves_every_line_that_is_read_by_it() {
    let record = read(SERIES);
    assert!(record.field("endTimeZone").is_none() && record.field(&format!("{OVERRIDE}/recurrenceIdTimeZone")).is_none());
    let (after, shown) = write(SERIES, &record.clone().with("timeZone", Value::text("Europe/Paris")));
    assert_eq!(after.matches("TZID=Europe/Paris").count(), 4);
    assert_eq!(after.matches("TZID=Home").count(), 2);
    assert_eq!(shown.text("timeZone"), Some("Europe/Paris"));
}

#[test]
fn a_day_becomes_an_hour_and_back() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101\r\nDTEND;VALUE=DATE:20260102\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let record = read(text);
    assert_eq!(record.field("start"), Some(&Value::Date("2026-01-01".to_owned())));
    let (old, new) = changed(text, "start", Value::Instant("2026-01-01T08:00:00Z".to_owned()));
    assert_eq!((old, new), (vec!["DTSTART:20260101".to_owned()], vec!["DTSTART:20260101T080000Z".to_owned()]));
    let (_, new) = changed(text, "end", Value::LocalDateTime("2026-01-01T09:00:00".to_owned()));
    assert_eq!(new, ["DTEND:20260101T090000"]);
}

#[test]
fn a_word_a_verbatim_line_and_a_parameter_change_alone() {
    let (old, new) = changed(SERIES, "keywords/urgent", Value::Boolean(true));
    assert_eq!((old, new), (vec!["CATEGORIES:work,team".to_owned()], vec!["CATEGORIES:work,team,urgent".to_owned()]));
    let record = read(SERIES);
    let line = record.fields.iter().find(|(_, value)| value.as_text() == Some("X-APPLE-TRAVEL:AUTO")).unwrap().0.clone();
    assert_eq!(changed(SERIES, line.as_str(), Value::text("X-APPLE-TRAVEL:OFF")).1, ["X-APPLE-TRAVEL:OFF"]);
    let bob = part(&record, "participants", "Bob");
    let (_, new) = changed(SERIES, &format!("ext/ical/params/{bob}/X-NUM"), Value::text("7"));
    assert_eq!(new, ["ATTENDEE;PARTSTAT=ACCEPTED;CN=Bob;X-NUM=7:mailto:bob@example.org"]);
}

#[test]
fn a_new_file_shows_all_that_the_old_one_showed() {
    let record = read(SERIES);
    let (text, shown) = create(&record);
    assert_eq!(shown.fields.len(), record.fields.len(), "{text}");
    for part in ["METHOD:PUBLISH", "X-WR-CALNAME:Mine", "BEGIN:VTIMEZONE", "RANGE=THISANDFUTURE", "aGVsbG8=", "X-Q:1", "X-NUM=0"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("BEGIN:VALARM").count(), 4);
    assert_eq!(write(&text, &shown).0, text);
}

#[test]
fn a_zone_is_added_to_a_file_that_lacks_it_and_never_replaced() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T000000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let zone = "BEGIN:VTIMEZONE\nTZID:Mine\nEND:VTIMEZONE";
    let record = read(text).with("timeZone", Value::text("Mine")).with("timeZones/Mine", Value::text(zone));
    let (after, shown) = write(text, &record);
    assert!(after.contains("VERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Mine\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"), "{after}");
    assert_eq!(shown.text("timeZones/Mine"), Some(zone));
    let other = shown.clone().with("timeZones/Mine", Value::text("BEGIN:VTIMEZONE\nTZID:Mine\nX-A:1\nEND:VTIMEZONE"));
    assert_eq!(write(&after, &other), (after, shown));
}

#[test]
fn only_a_duration_or_an_instant_makes_an_alarm() {
    let record = read(SERIES).with("alerts/odd/trigger", Value::text("tomorrow")).with("alerts/none/action", Value::text("display"));
    assert_eq!(write(SERIES, &record).0, SERIES);
}
