//! Calendars: a single file and a folder of one event a file are kept the same, and nothing else in them changes.

use std::fs;

use crate::harness::Desk;

const JOB: &str = "[job.calendar]\n[[job.calendar.endpoint]]\nadapter = \"ical\"\npath = \"home.ics\"\n[[job.calendar.endpoint]]\nadapter = \"ical\"\npath = \"events\"\n";

const HOME: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Phone//EN\nX-WR-CALNAME:Home\nBEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:standup\nDTSTAMP:20260101T000000Z\nSEQUENCE:2\nDTSTART;TZID=Here:20260105T100000\nDTEND;TZID=Here:20260105T101500\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=Here:20260119T100000\nSUMMARY:Stand-up\nLOCATION:Room 1\nORGANIZER;CN=Ada:mailto:ada@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION;CN=\"Doe, Jane\":mailto:jane@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\nX-APPLE-TRAVEL:AUTO\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:soon\nTRIGGER:-PT5M\nEND:VALARM\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT1H\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nUID:standup\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Here:20260112T100000\nDTSTART;TZID=Here:20260112T140000\nSUMMARY:Late stand-up\nEND:VEVENT\nBEGIN:VTODO\nUID:taxes\nDTSTAMP:20260101T000000Z\nDUE;VALUE=DATE:20260531\nSUMMARY:Taxes\nSTATUS:NEEDS-ACTION\nEND:VTODO\nEND:VCALENDAR\n";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("syncretic.toml", JOB);
    desk.put("home.ics", HOME);
    fs::create_dir(desk.path("events")).unwrap();
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 0, "{run:?}");
    desk
}

#[test]
fn a_file_fills_a_folder_with_all_that_belongs_to_each_event() {
    let desk = desk();
    assert_eq!(desk.text("home.ics"), HOME);
    let event = desk.text("events/standup.ics");
    for part in [
        "TZID:Here",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "EXDATE;TZID=Here",
        "TRIGGER:-PT1H",
        "X-APPLE-TRAVEL:AUTO",
        "RECURRENCE-ID;TZID=Here",
        "CN=\"Doe, Jane\"",
    ] {
        assert!(event.contains(part), "{part}\n{event}");
    }
    assert!(desk.text("events/taxes.ics").contains("DUE;VALUE=DATE:20260531"));
    assert_eq!(fs::read_dir(desk.path("events")).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count(), 2);
    let again = desk.run(&["sync"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((desk.text("home.ics"), desk.text("events/standup.ics")), (HOME.to_owned(), event));
}

#[test]
fn two_fields_of_one_event_edited_on_two_sides_merge_and_touch_nothing_else() {
    let desk = desk();
    let event = desk.text("events/standup.ics");
    desk.edit("home.ics", "PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    desk.edit("events/standup.ics", "LOCATION:Room 1", "LOCATION:Room 2");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 0, "{run:?}");
    let home = HOME.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED").replace("LOCATION:Room 1", "LOCATION:Room 2");
    assert_eq!(desk.text("home.ics"), home);
    assert_eq!(
        desk.text("events/standup.ics"),
        event.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED").replace("LOCATION:Room 1", "LOCATION:Room 2")
    );
}

#[test]
fn one_alarm_and_one_override_travel_alone_and_merge() {
    let desk = desk();
    let event = desk.text("events/standup.ics");
    desk.edit("home.ics", "TRIGGER:-PT5M", "TRIGGER:-PT10M");
    desk.edit("events/standup.ics", "SUMMARY:Late stand-up", "SUMMARY:Later stand-up");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 0, "{run:?}");
    let edited = |text: &str| text.replace("TRIGGER:-PT5M", "TRIGGER:-PT10M").replace("SUMMARY:Late stand-up", "SUMMARY:Later stand-up");
    assert_eq!(desk.text("home.ics"), edited(HOME));
    assert_eq!(desk.text("events/standup.ics"), edited(&event));
}

#[test]
fn swapped_alarms_and_lines_are_no_change() {
    let desk = desk();
    let event = desk.text("events/standup.ics");
    let (first, second) = (
        "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:soon\nTRIGGER:-PT5M\nEND:VALARM\n",
        "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT1H\nEND:VALARM\n",
    );
    let swapped = HOME
        .replace(&format!("{first}{second}"), &format!("{second}{first}"))
        .replace("SUMMARY:Stand-up\nLOCATION:Room 1\n", "LOCATION:Room 1\nSUM\n MARY:Stand-up\n");
    desk.put("home.ics", &swapped);
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!((desk.text("home.ics"), desk.text("events/standup.ics")), (swapped, event));
}

#[test]
fn a_broken_event_is_quarantined_and_the_others_go_on() {
    let desk = desk();
    desk.edit("home.ics", "BEGIN:VTODO", "BEGIN:VEVENT\nUID:cut\nSUMMARY:Cut\nBEGIN:VTODO");
    desk.edit("home.ics", "UID:taxes", "UID:taxes\nPRIORITY:1");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(desk.text("events/taxes.ics").contains("PRIORITY:1"));
    assert!(run.out.contains("home.ics:44") || run.err.contains("home.ics:44"), "{run:?}");
}
