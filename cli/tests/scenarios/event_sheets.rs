//! A calendar kept in a sheet and in an `.ics` file.

use crate::harness::Desk;

const JOB: &str = "[job.work]\n[[job.work.endpoint]]\nadapter = \"csv\"\npath = \"work.csv\"\n[[job.work.endpoint]]\nadapter = \"ical\"\npath = \"work.ics\"\n";

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Desk//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Berlin of old\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:standup@desk\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Stand-up\r\nLOCATION;ALTREP=\"https://rooms.example/7\":Room 7\r\nDTSTART;TZID=Berlin of old:20260105T093000\r\nDTEND;TZID=Berlin of old:20260105T094500\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\nEXDATE;TZID=Berlin of old:20260112T093000\r\nATTENDEE;CN=Grace;PARTSTAT=ACCEPTED;X-SEAT=4:mailto:grace@navy.example\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT10M\r\nDESCRIPTION:Stand-up\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:standup@desk\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;TZID=Berlin of old:20260119T093000\r\nSUMMARY:With cake\r\nDTSTART;TZID=Berlin of old:20260119T100000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("syncretic.toml", JOB);
    desk.put("work.ics", CALENDAR);
    desk.put("work.csv", "Title,Start,End,Place\n");
    desk.sync(0);
    desk
}

#[test]
fn an_event_edited_in_a_sheet_reaches_the_calendar_and_nothing_else_of_it_changes() {
    let desk = desk();
    assert_eq!(desk.text("work.ics"), CALENDAR);
    assert_eq!(desk.text("work.csv"), "Title,Start,End,Place\nStand-up,2026-01-05 09:30,2026-01-05 09:45,Room 7\n");
    desk.put("work.csv", "Title,Start,End,Place\nMorning round,2026-01-05 09:15,2026-01-05 09:45,Room 8\n");
    desk.sync(0);
    let expected = CALENDAR
        .replacen("SUMMARY:Stand-up", "SUMMARY:Morning round", 1)
        .replacen("DTSTART;TZID=Berlin of old:20260105T093000", "DTSTART;TZID=Berlin of old:20260105T091500", 1)
        .replacen(":Room 7", ":Room 8", 1);
    let lines = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("DTSTAMP") && !line.starts_with("LAST-MODIFIED") && !line.starts_with("SEQUENCE"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&desk.text("work.ics")), lines(&expected));
    let before = desk.contents();
    desk.sync(0);
    assert_eq!(desk.contents(), before);
}

#[test]
fn an_event_edited_in_the_calendar_changes_one_cell() {
    let desk = desk();
    desk.edit("work.ics", "DTEND;TZID=Berlin of old:20260105T094500", "DTEND;TZID=Berlin of old:20260105T100000");
    desk.sync(0);
    assert_eq!(desk.text("work.csv"), "Title,Start,End,Place\nStand-up,2026-01-05 09:30,2026-01-05 10:00,Room 7\n");
}

#[test]
fn a_date_that_cannot_be_read_holds_its_row_and_deletes_nothing() {
    let desk = desk();
    desk.edit("work.csv", "2026-01-05 09:30", "next week");
    let run = desk.sync(3);
    run.says(&["work.csv:2", "next week"]);
    assert_eq!(desk.text("work.ics"), CALENDAR);
}

#[test]
fn a_table_that_reads_as_another_kind_of_thing_is_a_stop_and_no_deletion() {
    let desk = Desk::new();
    desk.put("syncretic.toml", JOB);
    desk.put("work.ics", CALENDAR);
    desk.put("work.csv", "Title,Start,Place\n");
    desk.sync(0);
    desk.edit("work.csv", "2026-01-05 09:30", "next week");
    let before = desk.text("work.ics");
    desk.sync(5).says(&["1 of 1 records are gone"]);
    assert_eq!(desk.text("work.ics"), before);
}

#[test]
fn an_event_made_in_a_sheet_keeps_the_uid_that_it_got_in_the_calendar() {
    let desk = Desk::new();
    desk.put("syncretic.toml", JOB);
    desk.put("work.csv", "Title,Start,Place\nMeet,2026-01-05 09:30,Room 7\n");
    desk.put("work.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Desk//EN\r\nEND:VCALENDAR\r\n");
    desk.sync(0);
    let uid = |desk: &Desk| desk.text("work.ics").lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
    let made = uid(&desk);
    assert!(made.is_some());
    for (was, is) in [("Room 7", "Hall"), ("09:30", "10:00"), ("Meet", "Met")] {
        desk.edit("work.csv", was, is);
        desk.sync(0);
        assert_eq!(uid(&desk), made, "{}", desk.text("work.ics"));
    }
    let settled = desk.contents();
    desk.sync(0);
    assert_eq!(desk.contents(), settled);
}
