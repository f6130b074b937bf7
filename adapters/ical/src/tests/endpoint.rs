//! A single file as an endpoint: what a scan reports, and what a step writes.

use crate::format;
use crate::tests::edits::Shelf;
use adapter::format::Silent;
use adapter::{Adapter, Broken, Expect, Fingerprint, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome, Outcomes, Sink, StepId};
use record::{Digest, Kind, Record, RecordId, Value};
use std::fs;
use std::path::Path;

#[derive(Default)]
struct Seen {
    items: Vec<Item>,
    broken: Vec<Broken>,
}

impl Sink for Seen {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, _key: Key, _fingerprint: Fingerprint) {}

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

struct Nothing;

impl Known for Nothing {
    fn fingerprint(&self, _key: &Key) -> Option<Fingerprint> {
        None
    }

    fn count(&self) -> usize {
        0
    }
}

#[derive(Default)]
struct Answers(Vec<Outcome>);

impl Outcomes for Answers {
    fn outcome(&mut self, _index: usize, outcome: Outcome) {
        self.0.push(outcome);
    }
}

fn open(path: &Path) -> Box<dyn Adapter> {
    let options = Options::from([("create".to_owned(), OptionValue::Boolean(true))]);
    format().open(path.to_owned(), &options, Box::new(Silent)).unwrap()
}

fn scan(path: &Path) -> Seen {
    let mut seen = Seen::default();
    open(path).scan(&Nothing, &mut seen).unwrap();
    seen
}

/// Performs one put: of the item with this key, or of a new one.
fn put(path: &Path, key: Option<&str>, record: &Record) -> Outcome {
    let seen = scan(path);
    let item = key.map(|key| seen.items.iter().find(|item| item.key.0 == key).unwrap());
    let expect = item.map_or(Expect::Absent, |item| Expect::Fingerprint(&item.fingerprint));
    let op = Op::Put { id: RecordId([7; 16]), key: item.map(|item| &item.key), expect, record, changed: &[] };
    let mut answers = Answers::default();
    let mut adapter = open(path);
    adapter.apply(StepId([1; 16]), &[op], Mode::Perform, &Shelf(Vec::new()), &mut answers).unwrap();
    adapter.settle(StepId([1; 16])).unwrap();
    answers.0.remove(0)
}

fn record<'s>(seen: &'s Seen, key: &str) -> &'s Record {
    &seen.items.iter().find(|item| item.key.0 == key).unwrap().record
}

const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//A//B//EN\r\nX-WR-CALNAME:Home\r\nMETHOD:PUBLISH\r\nBEGIN:VTIMEZONE\r\nTZID:Mine\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Mine:20260101T100000\r\nSUMMARY:A\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:b\r\nSUMMARY:B\r\nEND:VTODO\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=Mine:20260108T100000\r\nSUMMARY:A2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn the_pieces_of_a_uid_are_one_item_and_the_calendar_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    fs::write(&path, FILE).unwrap();
    let seen = scan(&path);
    assert_eq!(seen.items.iter().map(|item| item.key.0.as_str()).collect::<Vec<_>>(), ["a", "b", "#calendar"]);
    assert_eq!(seen.items.iter().map(|item| item.place.line).collect::<Vec<_>>(), [Some(9), Some(14), Some(1)]);
    let series = record(&seen, "a");
    assert!(series.text("timeZones/Mine").is_some() && series.text("recurrenceOverrides/2026-01-08T10:00:00/title") == Some("A2"));
    let calendar = record(&seen, "#calendar");
    assert_eq!((calendar.text("title"), calendar.text("method"), calendar.text("uid")), (Some("Home"), Some("publish"), Some("calendar")));
}

#[test]
fn one_event_is_changed_in_place_and_another_is_added_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    fs::write(&path, FILE).unwrap();
    let series = record(&scan(&path), "a").clone().with("recurrenceOverrides/2026-01-08T10:00:00/title", Value::text("A3"));
    assert!(matches!(put(&path, Some("a"), &series), Outcome::Put { .. }));
    let expected = FILE.replace("SUMMARY:A2", "SUMMARY:A3");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    let new = Record::new(Kind::EVENT).with("title", Value::text("New")).with("start", Value::Date("2026-05-01".to_owned()));
    assert!(matches!(put(&path, None, &new), Outcome::Put { .. }));
    let urn = RecordId([7; 16]).urn();
    let added = format!(
        "BEGIN:VEVENT\r\nUID:{urn}\r\nDTSTAMP:19700101T000000Z\r\nDTSTART;VALUE=DATE:20260501\r\nSUMMARY:New\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.replace("END:VCALENDAR\r\n", &added));
}

#[test]
fn a_calendars_own_lines_are_changed_and_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    fs::write(&path, FILE).unwrap();
    let calendar = record(&scan(&path), "#calendar").clone();
    assert!(matches!(put(&path, Some("#calendar"), &calendar.clone().with("title", Value::text("Work"))), Outcome::Put { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE.replace("CALNAME:Home", "CALNAME:Work"));
    let other = folder.path().join("new.ics");
    let made = put(&other, None, &calendar);
    assert!(matches!(made, Outcome::Put { .. }), "{made:?}");
    let text = fs::read_to_string(&other).unwrap();
    assert!(text.contains("X-WR-CALNAME:Home\r\n") && text.contains("METHOD:PUBLISH\r\n") && text.contains("TZID:Mine\r\n"), "{text}");
    assert_eq!(put(&other, None, &calendar), Outcome::Stale);
}

#[test]
fn what_is_broken_holds_up_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    let cut = FILE.replace("BEGIN:VTODO", "BEGIN:VEVENT\r\nUID:cut\r\nSUMMARY:Cut\r\nBEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT\r\nBEGIN:VTODO");
    fs::write(&path, &cut).unwrap();
    let seen = scan(&path);
    let broken = &seen.broken[0];
    assert_eq!(
        (broken.key.as_ref().map(|key| key.0.as_str()), broken.title.as_deref(), broken.place.line),
        (Some("cut"), Some("Cut"), Some(14))
    );
    assert_eq!(seen.items.len(), 4);
    let task = record(&seen, "b").clone().with("title", Value::text("Bee"));
    assert!(matches!(put(&path, Some("b"), &task), Outcome::Put { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), cut.replace("SUMMARY:B\r\n", "SUMMARY:Bee\r\n"));
}

#[test]
fn a_file_that_was_cut_off_deletes_nothing() {
    struct Two;
    impl Known for Two {
        fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
            ["a", "b"].contains(&key.0.as_str()).then(|| Fingerprint(vec![0]))
        }

        fn count(&self) -> usize {
            2
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    let (before, _) = FILE.split_once("BEGIN:VTODO").unwrap();
    fs::write(&path, before).unwrap();
    let error = open(&path).scan(&Two, &mut Seen::default()).unwrap_err();
    assert!(error.to_string().contains("END:VCALENDAR"), "{error}");
    fs::write(&path, FILE.replace("END:VCALENDAR\r\n", "")).unwrap();
    let mut seen = Seen::default();
    open(&path).scan(&Two, &mut seen).unwrap();
    assert_eq!((seen.items.len(), seen.broken.len()), (2, 1));
}

#[test]
fn two_calendars_in_one_file_are_read_and_events_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    let second = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:c\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    fs::write(&path, format!("{FILE}{second}")).unwrap();
    assert_eq!(scan(&path).items.len(), 4);
    fs::write(&path, "BEGIN:VEVENT\nUID:c\nSUMMARY:C\nEND:VEVENT").unwrap();
    let new = Record::new(Kind::TASK).with("uid", Value::text("d")).with("title", Value::text("D"));
    assert!(matches!(put(&path, None, &new), Outcome::Put { .. }));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "BEGIN:VEVENT\nUID:c\nSUMMARY:C\nEND:VEVENT\nBEGIN:VTODO\nUID:d\nDTSTAMP:19700101T000000Z\nSUMMARY:D\nEND:VTODO\n");
}

#[test]
fn what_further_calendars_of_a_file_say_of_themselves_stands_behind_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("all.ics"), folder.path().join("new.ics"));
    let silent = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//C//D//EN\r\nEND:VCALENDAR\r\n";
    let second = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:c\r\nEND:VEVENT\r\nX-WR-CALNAME:Work\r\nBEGIN:X-B\r\nX:1\r\nEND:X-B\r\nEND:VCALENDAR\r\n";
    let whole = format!("{FILE}{silent}{second}");
    fs::write(&path, &whole).unwrap();
    let calendar = record(&scan(&path), "#calendar").clone();
    assert_eq!((calendar.text("title"), calendar.text("method")), (Some("Home"), Some("publish")));
    let further: Vec<&str> = calendar.below("ext/ical/calendars/2").filter_map(|(_, value)| value.as_text()).collect();
    assert_eq!(further.len(), 3, "{calendar:?}");
    // A new file has them behind its own calendar, and an event added later stands where the others are.
    assert!(matches!(put(&other, None, &calendar), Outcome::Put { .. }));
    assert!(matches!(put(&other, None, record(&scan(&path), "a")), Outcome::Put { .. }));
    let text = fs::read_to_string(&other).unwrap();
    let (first, last) = text.split_once("END:VCALENDAR\r\n").unwrap();
    assert!(first.contains("X-WR-CALNAME:Home") && first.contains("UID:a\r\n"), "{text}");
    assert!(
        ["METHOD:REQUEST\r\n", "X-WR-CALNAME:Work\r\n", "BEGIN:X-B\r\nX:1\r\nEND:X-B\r\n"].iter().all(|line| last.contains(line)),
        "{text}"
    );
    let made = record(&scan(&other), "#calendar").clone();
    assert_eq!(made.with("prodId", Value::text("-//A//B//EN")).fields, calendar.fields);
    // A line of theirs is edited where it stands.
    let (pointer, _) = calendar.fields.iter().find(|(_, value)| value.as_text() == Some("METHOD:REQUEST")).unwrap();
    let mut edited = calendar.clone();
    edited.fields.remove(pointer);
    let id: String = Digest::of(b"METHOD:REPLY").to_string().chars().take(13).collect();
    let edited = edited.with(&format!("ext/ical/calendars/2/lines/{id}"), Value::text("METHOD:REPLY"));
    let outcome = put(&path, Some("#calendar"), &edited);
    assert!(matches!(outcome, Outcome::Put { .. }), "{outcome:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), whole.replace("METHOD:REQUEST", "METHOD:REPLY"));
}

#[test]
fn a_zone_that_no_event_names_is_the_calendars() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    let zone = |tzid: &str| format!("BEGIN:VTIMEZONE\r\nTZID:{tzid}\r\nEND:VTIMEZONE\r\n");
    let event = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Mine:20260101T100000\r\nEND:VEVENT\r\n";
    let file = |zones: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{event}END:VCALENDAR\r\n");
    fs::write(&path, file(&zone("Mine"))).unwrap();
    assert_eq!(scan(&path).items.iter().map(|item| item.key.0.as_str()).collect::<Vec<_>>(), ["a"]);
    fs::write(&path, file(&(zone("Mine") + &zone("Other")))).unwrap();
    assert!(record(&scan(&path), "#calendar").text("timeZones/Other").is_some());
}

#[test]
fn a_zone_of_an_event_is_written_once_for_all_that_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.ics"), folder.path().join("to.ics"));
    fs::write(&from, FILE).unwrap();
    let series = record(&scan(&from), "a").clone();
    assert!(matches!(put(&to, None, &series), Outcome::Put { .. }));
    assert!(matches!(put(&to, None, &series.with("uid", Value::text("other"))), Outcome::Put { .. }));
    let text = fs::read_to_string(&to).unwrap();
    assert_eq!((text.matches("BEGIN:VTIMEZONE").count(), text.matches("BEGIN:VEVENT").count()), (1, 4), "{text}");
}

/// Writes a text as UTF-16 with a byte order mark.
fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
}

#[test]
fn a_utf16_file_of_many_events_stays_utf16_when_one_of_them_is_edited_or_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        fs::write(&path, wide(FILE, unit)).unwrap();
        let task = record(&scan(&path), "b").clone().with("title", Value::text("日本 😀"));
        assert!(matches!(put(&path, Some("b"), &task), Outcome::Put { .. }));
        let expected = FILE.replace("SUMMARY:B\r\n", "SUMMARY:日本 😀\r\n");
        assert_eq!(fs::read(&path).unwrap(), wide(&expected, unit));
        let new = Record::new(Kind::TASK).with("uid", Value::text("n")).with("title", Value::text("Nouveau é"));
        assert!(matches!(put(&path, None, &new), Outcome::Put { .. }));
        let added = "BEGIN:VTODO\r\nUID:n\r\nDTSTAMP:19700101T000000Z\r\nSUMMARY:Nouveau é\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
        assert_eq!(fs::read(&path).unwrap(), wide(&expected.replace("END:VCALENDAR\r\n", added), unit));
    }
}

#[test]
fn a_utf16_file_of_one_event_stays_utf16_when_it_is_edited() {
    let folder = tempfile::tempdir().unwrap();
    let one = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:Ä\r\nX-OWN:ß\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let path = folder.path().join("a.ics");
        fs::write(&path, wide(one, unit)).unwrap();
        let event = record(&scan(folder.path()), "a.ics").clone().with("title", Value::text("日本"));
        assert!(matches!(put(folder.path(), Some("a.ics"), &event), Outcome::Put { .. }));
        assert_eq!(fs::read(&path).unwrap(), wide(&one.replace("SUMMARY:Ä", "SUMMARY:日本"), unit));
    }
}

/// Rehearses a new title of one item and performs one of another, with what someone writes in between.
fn rehearsed_and_performed(path: &Path, keys: [&str; 2], meanwhile: impl FnOnce()) -> Outcome {
    let seen = scan(path);
    let items = keys.map(|key| seen.items.iter().find(|item| item.key.0 == key).unwrap());
    let mut adapter = open(path);
    let mut step = |item: &Item, mode| {
        let record = item.record.clone().with("title", Value::text("New"));
        let expect = Expect::Fingerprint(&item.fingerprint);
        let op = Op::Put { id: RecordId([7; 16]), key: Some(&item.key), expect, record: &record, changed: &[] };
        let mut answers = Answers::default();
        adapter.apply(StepId([1; 16]), &[op], mode, &Shelf(Vec::new()), &mut answers).unwrap();
        answers.0.remove(0)
    };
    assert!(matches!(step(items[0], Mode::Rehearse), Outcome::Put { .. }));
    meanwhile();
    step(items[1], Mode::Perform)
}

#[test]
fn what_changed_between_rehearsal_and_performance_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    fs::write(&path, FILE).unwrap();
    let theirs = FILE.replace("SUMMARY:B", "SUMMARY:Their own");
    assert_eq!(rehearsed_and_performed(&path, ["b", "b"], || fs::write(&path, &theirs).unwrap()), Outcome::Stale);
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    fs::write(&path, FILE).unwrap();
    assert!(matches!(rehearsed_and_performed(&path, ["b", "b"], || {}), Outcome::Put { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE.replace("SUMMARY:B", "SUMMARY:New"));
}

#[test]
fn another_operation_than_the_rehearsed_one_is_performed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.ics");
    fs::write(&path, FILE).unwrap();
    assert!(matches!(rehearsed_and_performed(&path, ["b", "a"], || {}), Outcome::Put { .. }));
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE.replace("SUMMARY:A\r", "SUMMARY:New\r"));
}
