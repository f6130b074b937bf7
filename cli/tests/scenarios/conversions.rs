//! One-shot conversions: through the universal record, into a place that is not there yet.

use std::fs;

use crate::harness::{Desk, card, lent, people};

#[test]
fn cards_become_a_sheet_and_cards_again() {
    let (_, cards) = people(12);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "out.csv"]);
    assert_eq!(run.code, 0, "{run:?}");
    let sheet = desk.text("out.csv");
    assert_eq!(sheet.lines().count(), 13);
    for number in 0..12 {
        let (name, email, phone) = crate::harness::person(number);
        let row = sheet.lines().find(|row| row.contains(&email)).unwrap();
        assert!(row.contains(&name) && row.contains(&phone), "{row}");
    }
    run.says(&["cannot hold these fields"]);
    assert_eq!(desk.run(&["convert", "out.csv", "again", "--version", "4.0"]).code, 0);
    let again: Vec<String> =
        fs::read_dir(desk.path("again")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(again.len(), 12);
    let ada = again.iter().find(|card| card.contains("person0@mail.example")).unwrap();
    assert!(ada.contains("VERSION:4.0") && ada.contains(":app-000") && ada.contains("+49 170 555 0000"), "{ada}");
}

#[test]
fn a_folder_becomes_a_single_file_of_another_version() {
    let (_, cards) = people(5);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "all.vcf", "--version", "4.0"]);
    assert_eq!(run.code, 0, "{run:?}");
    let all = desk.text("all.vcf");
    assert_eq!((all.matches("BEGIN:VCARD").count(), all.matches("VERSION:4.0").count()), (5, 5));
    assert_eq!(all.matches("X-SHOE-SIZE:38").count(), 5, "{all}");
}

#[test]
fn a_conversion_is_the_same_every_time() {
    let (sheet, _) = people(5);
    let desk = Desk::with(&sheet, &[]);
    assert_eq!(desk.run(&["convert", "contacts.csv", "one.vcf"]).code, 0);
    assert_eq!(desk.run(&["convert", "contacts.csv", "two.vcf"]).code, 0);
    assert_eq!(desk.text("one.vcf"), desk.text("two.vcf"));
}

#[test]
fn nothing_is_ever_overwritten() {
    let (sheet, cards) = people(3);
    let desk = Desk::with(&sheet, &lent(&cards));
    let before = desk.contents();
    for output in ["contacts.csv", "cards", "cards/001.vcf"] {
        let run = desk.run(&["convert", "cards", output]);
        assert_eq!(run.code, 2, "{run:?}");
        run.says(&["exists already"]);
    }
    assert_eq!(desk.contents(), before);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_converted() {
    let (_, mut cards) = people(3);
    cards[1].1.truncate(40);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "out.csv"]);
    assert_eq!(run.code, 3, "{run:?}");
    run.says(&["001.vcf", "not in the output"]);
    assert_eq!(desk.text("out.csv").lines().count(), 3);
}

#[test]
fn a_conversion_that_cannot_be_done_leaves_nothing() {
    let desk = Desk::with("Name\n", &[("ada.vcf", &card("a", "Ada Abel", "a@b.example", "1"))]);
    let before = desk.contents();
    for arguments in [
        &["convert", "nowhere", "out.csv"][..],
        &["convert", "cards", "out.xyz"],
        &["convert", "cards", "no/folder/out.csv"],
        &["convert", "cards", "out.csv", "--version", "4.0"],
        &["convert", "cards", "out.vcf", "--version", "9"],
        &["convert", "cards", "out", "--to", "vcards"],
    ] {
        let run = desk.run(arguments);
        assert!(matches!(run.code, 2 | 5), "{arguments:?}: {run:?}");
        assert_eq!(desk.contents(), before, "{arguments:?}");
    }
    assert!(!desk.state().exists());
}

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Desk//EN\r\nBEGIN:VEVENT\r\nUID:standup@desk\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Stand-up\r\nLOCATION:Room 7\r\nDTSTART;TZID=Europe/Berlin:20260105T093000\r\nDTEND;TZID=Europe/Berlin:20260105T094500\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\nATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@navy.example\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT10M\r\nDESCRIPTION:Stand-up\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:standup@desk\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260119T093000\r\nSUMMARY:With cake\r\nDTSTART;TZID=Europe/Berlin:20260119T100000\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:trip@desk\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Trip\r\nDTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260604\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn events_become_a_sheet_and_events_again_and_what_is_lost_is_said() {
    let desk = Desk::new();
    desk.put("work.ics", CALENDAR);
    let run = desk.run(&["convert", "work.ics", "work.csv", "-v"]);
    assert_eq!(run.code, 0, "{run:?}");
    run.says(&["cannot hold these fields", "alerts/trigger", "participants/calendarAddress", "Stand-up: "]);
    let sheet = desk.text("work.csv");
    assert!(sheet.starts_with("Subject,Start Date,Start Time,End Date,End Time,All Day Event"), "{sheet}");
    assert!(sheet.contains("Stand-up,01/05/2026,09:30 AM,01/05/2026,09:45 AM") && sheet.contains("Europe/Berlin"), "{sheet}");
    assert!(sheet.contains("Trip,06/01/2026,,06/03/2026,,True"), "{sheet}");
    assert!(!sheet.contains("With cake"), "{sheet}");
    assert_eq!(desk.run(&["convert", "work.csv", "again.ics"]).code, 0);
    let again = desk.text("again.ics");
    for line in [
        "UID:standup@desk",
        "SUMMARY:Stand-up",
        "DTSTART;TZID=Europe/Berlin:20260105T093000",
        "DTSTART;VALUE=DATE:20260601",
        "DTEND;VALUE=DATE:20260604",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "LOCATION:Room 7",
    ] {
        assert!(again.contains(line), "{line} is not in:\n{again}");
    }
    assert_eq!(desk.run(&["convert", "work.csv", "folder"]).code, 0);
    assert_eq!(fs::read_dir(desk.path("folder")).unwrap().count(), 2);
}
