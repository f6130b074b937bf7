//! The laws that every adapter must pass, for both places.

use crate::Ical;
use adapter::{Format, Item};
use conformance::{Subject, assert_conforms};
use record::{Blob, Kind, Record, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Events in a folder or in a file.
struct Events {
    in_folder: bool,
}

const HEAD: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//A//B//EN\r\n";
const FOOT: &str = "END:VCALENDAR\r\n";

fn event(number: usize) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:event-{number}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260102T100000\r\nSUMMARY:Event {number}\r\nDESCRIPTION:note {number}\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT{number}M\r\nDESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    )
}

impl Events {
    fn file(&self, path: &Path, item: &Item) -> PathBuf {
        if self.in_folder { path.join(&item.key.0) } else { path.to_owned() }
    }

    /// Replaces one text in the component of an item.
    fn replace(&self, path: &Path, item: &Item, change: impl Fn(&str) -> String) -> io::Result<()> {
        let file = self.file(path, item);
        let text = fs::read_to_string(&file)?;
        let uid = item.record.text("uid").unwrap();
        let at = text.find(&format!("UID:{uid}\r\n")).unwrap();
        let start = text[..at].rfind("BEGIN:VEVENT").unwrap();
        let end = at + text[at..].find("END:VEVENT\r\n").unwrap() + "END:VEVENT\r\n".len();
        fs::write(&file, format!("{}{}{}", &text[..start], change(&text[start..end]), &text[end..]))
    }
}

impl Subject for Events {
    fn format(&self) -> &dyn Format {
        &Ical
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join(if self.in_folder { "events" } else { "events.ics" })
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        if !self.in_folder {
            let all: String = (0..count).map(event).collect();
            return fs::write(path, format!("{HEAD}{all}{FOOT}"));
        }
        fs::create_dir_all(path)?;
        (0..count).try_for_each(|number| fs::write(path.join(format!("event-{number}.ics")), format!("{HEAD}{}{FOOT}", event(number))))
    }

    fn sample(&self, number: usize) -> Record {
        let local = |text: &str| Value::LocalDateTime(text.to_owned());
        let over = "recurrenceOverrides/2026-03-08T10:00:00";
        Record::new(Kind::EVENT)
            .with("uid", Value::text(&format!("sample-{number}")))
            .with("title", Value::text(&format!("Sample {number}, Jr.; \\ é")))
            .with("description", Value::text(&format!("line {number}\nsecond")))
            .with("start", local("2026-03-01T10:00:00"))
            .with("timeZone", Value::text("Europe/Berlin"))
            .with("end", local("2026-03-01T11:00:00"))
            .with("recurrenceRule", Value::text("FREQ=WEEKLY"))
            .with("recurrenceOverrides/2026-03-15T10:00:00/excluded", Value::Boolean(true))
            .with(&format!("{over}/recurrenceId"), local("2026-03-08T10:00:00"))
            .with(&format!("{over}/start"), local("2026-03-08T12:00:00"))
            .with(&format!("{over}/timeZone"), Value::text("Europe/Berlin"))
            .with(&format!("{over}/stamp"), Value::Instant("2026-01-01T00:00:00Z".to_owned()))
            .with("stamp", Value::Instant("2026-01-01T00:00:00Z".to_owned()))
            .with("locations/a/name", Value::text(&format!("Room {number}")))
            .with("participants/a/calendarAddress", Value::Uri(format!("mailto:p{number}@example.org")))
            .with("participants/a/name", Value::text("Doe, Jane"))
            .with("participants/a/participationStatus", Value::text("accepted"))
            .with("participants/b/calendarAddress", Value::Uri("mailto:b@example.org".to_owned()))
            .with("alerts/a/trigger", Value::Duration("-PT15M".to_owned()))
            .with("alerts/a/action", Value::text("display"))
            .with("alerts/a/description", Value::text("soon"))
            .with("keywords/friends", Value::Boolean(true))
    }

    fn field(&self) -> &'static str {
        "description"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        self.replace(path, item, |event| event.replace("DESCRIPTION:note", "DESCRIPTION:etno"))
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        self.replace(path, item, |event| event.replace("END:VEVENT\r\n", "")).map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let line = "X-Unheard-Of;X-P=\"a;b\":;;what\\, ever\r\n";
        self.replace(path, item, |event| event.replace("DESCRIPTION:note", &format!("{line}DESCRIPTION:note")))?;
        Ok(Some(line.as_bytes().to_vec()))
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        let record = record.clone().with("attachments/p/content", Value::Blob(blob));
        Some(record.with("attachments/p/mediaType", Value::text("image/png")))
    }

    fn volatile(&self) -> Option<(&'static str, Value)> {
        Some(("updated", Value::Instant("2030-01-01T00:00:00Z".to_owned())))
    }
}

#[test]
fn a_folder_of_events_conforms() {
    assert_conforms(&Events { in_folder: true });
}

#[test]
fn a_file_of_events_conforms() {
    assert_conforms(&Events { in_folder: false });
}
