//! Tables of events and tasks: what they show, and how an edit is written.

use record::{Kind, Record, Value};

use crate::sheet::{Sheet, lines};

const GOOGLE: &str = "Subject,Start Date,Start Time,End Date,End Time,All Day Event,Description,Location,Private\n";
const OUTLOOK: &str = "\"Subject\",\"Start Date\",\"Start Time\",\"End Date\",\"End Time\",\"All day event\",\"Reminder on/off\",\"Categories\",\"Location\",\"Priority\",\"Private\",\"Show time as\"\r\n";

fn local(text: &str) -> Value {
    Value::LocalDateTime(text.to_owned())
}

fn date(text: &str) -> Value {
    Value::Date(text.to_owned())
}

fn event(title: &str) -> Record {
    Record::new(Kind::EVENT).with("title", Value::text(title))
}

#[test]
fn googles_calendar_is_understood() {
    let sheet = Sheet::new(format!(
        "{GOOGLE}Lunch,05/30/2026,12:30 PM,05/30/2026,01:30 PM,False,\"eat, talk\",Café,True\nTrip,06/01/2026,,06/03/2026,,True,,,False\n"
    ));
    let seen = sheet.scan();
    assert!(seen.broken.is_empty(), "{:?}", seen.reasons());
    let expected = [
        "description = eat, talk",
        "end = 2026-05-30T13:30:00",
        "locations/@Location/name = Café",
        "privacy = private",
        "start = 2026-05-30T12:30:00",
        "title = Lunch",
    ];
    assert_eq!(lines(&seen.items[0].record), expected);
    assert_eq!(lines(&seen.items[1].record), ["end = 2026-06-04", "start = 2026-06-01", "title = Trip"]);
    assert_eq!(seen.items[0].record.kind, Kind::EVENT);
}

#[test]
fn an_edit_of_a_start_changes_the_cells_that_say_it() {
    let sheet = Sheet::new(format!("{GOOGLE}Lunch,05/30/2026,12:30 PM,05/30/2026,01:30 PM,False,,Café,\n"));
    sheet.set(0, "start", Some(local("2026-05-30T11:00:00")));
    assert_eq!(sheet.text(), format!("{GOOGLE}Lunch,05/30/2026,11:00 AM,05/30/2026,01:30 PM,False,,Café,\n"));
    sheet.set(0, "start", Some(local("2026-05-29T11:00:00")));
    assert_eq!(sheet.text(), format!("{GOOGLE}Lunch,05/29/2026,11:00 AM,05/30/2026,01:30 PM,False,,Café,\n"));
    sheet.set(0, "locations/@Location/name", None);
    assert_eq!(sheet.text(), format!("{GOOGLE}Lunch,05/29/2026,11:00 AM,05/30/2026,01:30 PM,False,,,\n"));
}

#[test]
fn a_whole_day_is_written_as_one_and_back() {
    let sheet = Sheet::new(format!("{GOOGLE}Lunch,05/30/2026,12:30 PM,05/30/2026,01:30 PM,FALSE,,,\n"));
    let item = sheet.scan().items.remove(0);
    sheet.put(&item, &item.record.clone().with("start", date("2026-05-30")).with("end", date("2026-06-01")));
    assert_eq!(sheet.text(), format!("{GOOGLE}Lunch,05/30/2026,12:30 PM,05/31/2026,01:30 PM,TRUE,,,\n"));
    assert_eq!(lines(&sheet.record()), ["end = 2026-06-01", "start = 2026-05-30", "title = Lunch"]);
}

#[test]
fn a_new_event_is_written_in_the_form_of_its_table() {
    let google = Sheet::new(GOOGLE);
    let lunch = event("Lunch").with("start", local("2026-05-30T12:30:00")).with("end", Value::Instant("2026-05-30T13:00:00Z".to_owned()));
    google.add(&lunch);
    assert_eq!(google.text(), format!("{GOOGLE}Lunch,05/30/2026,12:30 PM,05/30/2026,01:00 PM UTC,,,,\n"));
    assert_eq!(google.record(), lunch);
    let own = Sheet::new("Titel;Beginn;Ende;Ort\nMarkt;31.01.2026 09:00;31.01.2026 11:00;Platz\n");
    own.add(&event("Fest").with("start", date("2026-02-01")).with("end", date("2026-02-03")));
    assert_eq!(own.text(), "Titel;Beginn;Ende;Ort\nMarkt;31.01.2026 09:00;31.01.2026 11:00;Platz\nFest;01.02.2026;02.02.2026;\n");
    assert_eq!(own.scan().items[1].record.field("end"), Some(&date("2026-02-03")));
}

#[test]
fn outlooks_calendar_is_understood_where_its_dates_can_be_told() {
    let row = "\"Lunch\",\"5/30/2026\",\"12:30:00 PM\",\"5/31/2026\",\"12:00:00 AM\",\"False\",\"True\",\"Red;Blue\",\"Café\",\"Normal\",\"False\",\"2\"\r\n";
    let sheet = Sheet::new(format!("{OUTLOOK}{row}"));
    let expected = [
        "end = 2026-05-31T00:00:00",
        "ext/csv/cells/Priority = Normal",
        "ext/csv/cells/Reminder on~1off = True",
        "ext/csv/cells/Show time as = 2",
        "keywords/Blue = true",
        "keywords/Red = true",
        "locations/@Location/name = Café",
        "start = 2026-05-30T12:30:00",
        "title = Lunch",
    ];
    assert_eq!(lines(&sheet.record()), expected);
    sheet.set(0, "start", Some(local("2026-05-30T09:00:00")));
    assert_eq!(sheet.text(), format!("{OUTLOOK}{}", row.replace("12:30:00 PM", "9:00:00 AM")));
    let day = Sheet::new(format!("{OUTLOOK}\"Trip\",\"5/30/2026\",\"12:00:00 AM\",\"5/31/2026\",\"12:00:00 AM\",\"True\",,,,,,\r\n"));
    assert_eq!(lines(&day.record()), ["end = 2026-05-31", "start = 2026-05-30", "title = Trip"]);
}

#[test]
fn dates_that_could_be_others_are_never_guessed() {
    let text = format!("{OUTLOOK}\"Lunch\",\"5/3/2026\",\"12:30:00 PM\",\"5/3/2026\",\"1:00:00 PM\",\"False\",,,,,,\r\n");
    let error = Sheet::new(text.clone()).error();
    assert!(error.contains("date-format") && error.contains("%d/%m/%Y") && error.contains("%m/%d/%Y"), "{error}");
    let told = Sheet::new(text).with("date-format", "%d/%m/%Y");
    assert_eq!(told.record().field("start"), Some(&local("2026-03-05T12:30:00")));
}

#[test]
fn a_cell_that_says_no_date_holds_its_row_back_and_no_other() {
    let sheet = Sheet::new(format!("{GOOGLE}Lunch,30/05/2026,12:30 PM,,,,,,\nDinner,05/30/2026,late,,,,,,\nTea,05/30/2026,4 PM,,,,,,\n"));
    let seen = sheet.scan();
    assert_eq!(seen.titles(), ["Tea"]);
    let reasons = seen.reasons();
    assert!(reasons[0].starts_with("2: column \"Start Date\" holds \"30/05/2026\"") && reasons[0].contains("date-format"), "{reasons:?}");
    assert!(reasons[1].starts_with("3: column \"Start Time\" holds \"late\""), "{reasons:?}");
}

#[test]
fn tasks_are_understood() {
    let header = "Subject,Start Date,Due Date,% Complete,Status,Notes,Categories,Date Completed\n";
    let sheet = Sheet::new(format!("{header}Paint,2026-05-01,2026-05-30,50,In Progress,white,Home,0/0/00\nWait,,,,Deferred,,,\n"));
    let seen = sheet.scan();
    let expected = [
        "description = white",
        "due = 2026-05-30",
        "ext/csv/cells/Date Completed = 0/0/00",
        "keywords/Home = true",
        "percentComplete = 50",
        "progress = in-process",
        "start = 2026-05-01",
        "title = Paint",
    ];
    assert_eq!((lines(&seen.items[0].record), seen.items[0].record.kind.clone()), (expected.map(str::to_owned).to_vec(), Kind::TASK));
    assert_eq!(lines(&seen.items[1].record), ["title = Wait"]);
    sheet.set(0, "progress", Some(Value::text("completed")));
    sheet.set(0, "percentComplete", Some(Value::Integer(100)));
    let rows = "Paint,2026-05-01,2026-05-30,100,Completed,white,Home,0/0/00\nWait,,,,Deferred,,,\n";
    assert_eq!(sheet.text(), format!("{header}{rows}"));
    let strange = Sheet::new(format!("{header}Paint,,,half,,,,\n"));
    assert!(strange.scan().reasons()[0].contains("a whole number is expected"));
}

#[test]
fn the_kind_is_guessed_only_from_a_header_that_tells_it() {
    let kind = |text: &str| Sheet::new(text).scan().items.remove(0).record.kind;
    assert_eq!(kind("Title,Start,End\nLunch,2026-05-30 12:00,2026-05-30 13:00\n"), Kind::EVENT);
    assert_eq!(kind("Aufgabe,Fällig,Status\nStreichen,2026-05-30,offen\n"), Kind::TASK);
    assert_eq!(kind("Title,Start,Email\nDr,yes,a@b.c\n"), Kind::CONTACT);
    assert_eq!(kind("Title,Start\nEngine,works\n"), Kind::CONTACT);
    assert_eq!(kind("Part,Start\nbolt,1\n"), Kind::ROW);
    let told = Sheet::new("Title,Start\nLunch,2026-05-30\n").with("kind", "row");
    assert_eq!(lines(&told.record()), ["cells/Start = 2026-05-30", "cells/Title = Lunch"]);
}

#[test]
fn columns_of_the_job_can_name_pieces_of_a_moment() {
    let columns = [("Was", "title"), ("Tag", "start/date"), ("Um", "start/time"), ("Zone", "timeZone"), ("Wo", "locations/name")];
    let sheet = Sheet::new("Was,Tag,Um,Zone,Wo,Farbe\nTee,2026-05-30,16:00,Europe/Berlin,Haus,rot\n").columns(&columns);
    let expected = [
        "ext/csv/cells/Farbe = rot",
        "locations/@Wo/name = Haus",
        "start = 2026-05-30T16:00:00",
        "timeZone = Europe/Berlin",
        "title = Tee",
    ];
    assert_eq!(lines(&sheet.record()), expected);
    sheet.set(0, "timeZone", None);
    assert_eq!(sheet.text(), "Was,Tag,Um,Zone,Wo,Farbe\nTee,2026-05-30,16:00,,Haus,rot\n");
    let wrong = Sheet::new("Was,Tag\nTee,\n").columns(&[("Was", "title"), ("Tag", "begin/date")]);
    assert!(wrong.error().contains("`begin/date` is no field"), "{}", wrong.error());
}
