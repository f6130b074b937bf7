//! Measures reading: `measure [events]` makes a file in memory and prints what each step costs, in MB/s and in ratios.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a program for people")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use adapter::format::Silent;
use adapter::{Adapter, Broken, Expect, Fingerprint, Item, Key, Known, Mode, Op, Options, Outcome, Outcomes, Sink, StepId};
use record::{Digest, RecordId, Value};

#[derive(Default)]
struct Seen(std::collections::HashMap<Key, Fingerprint>, Vec<Item>, usize);

impl Sink for Seen {
    fn item(&mut self, item: Item) {
        self.0.insert(item.key.clone(), item.fingerprint.clone());
        self.1.push(item);
    }

    fn unchanged(&mut self, _key: Key, _fingerprint: Fingerprint) {
        self.2 += 1;
    }

    fn broken(&mut self, _broken: Broken) {}
}

impl Known for Seen {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

struct NoBlobs;

impl adapter::Blobs for NoBlobs {
    fn open(&self, _digest: Digest) -> Result<Box<dyn std::io::Read + '_>, adapter::Error> {
        Err(adapter::Error::Fatal("no blobs".to_owned()))
    }
}

struct Answers(bool);

impl Outcomes for Answers {
    fn outcome(&mut self, _index: usize, outcome: Outcome) {
        self.0 = matches!(outcome, Outcome::Put { .. });
    }
}

fn event(number: usize) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:{number:08}-6f1c-4b7e-9b1e-0123456789ab\r\nDTSTAMP:20260101T000000Z\r\nCREATED:20250101T000000Z\r\nLAST-MODIFIED:20251231T120000Z\r\nSEQUENCE:1\r\nDTSTART;TZID=Europe/Berlin:20260105T100000\r\nDTEND;TZID=Europe/Berlin:20260105T110000\r\nSUMMARY:Meeting number {number}\r\nDESCRIPTION:Agenda\\n1. Status\\n2. Plans for the next quarter\\, and wh\r\n at to do about it\r\nLOCATION:Room {number}\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    )
}

fn least<T>(mut work: impl FnMut() -> T) -> Duration {
    let once = |work: &mut dyn FnMut() -> T| {
        let start = Instant::now();
        let result = work();
        let taken = start.elapsed();
        drop(result);
        taken
    };
    (0..5).map(|_| once(&mut work)).min().unwrap()
}

fn open(path: &Path) -> Box<dyn Adapter> {
    adapter_ical::format().open(path.to_owned(), &Options::new(), Box::new(Silent)).unwrap()
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let events: String = (0..count).map(event).collect();
    let file = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//A//B//EN\r\n{zone}{events}END:VCALENDAR\r\n");
    let folder = std::env::temp_dir().join(format!("ical-measure-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("all.ics");
    fs::write(&path, &file).unwrap();
    let megabytes = file.len() as f64 / 1e6;
    let sha = least(|| Digest::of(&fs::read(&path).unwrap()));
    let mut known = Seen::default();
    let first = least(|| {
        known = Seen::default();
        let mut seen = Seen::default();
        open(&path).scan(&known, &mut seen).unwrap();
        known = seen;
    });
    let note = open(&path).scan(&known, &mut Seen::default()).unwrap().note.unwrap();
    let same = least(|| assert!(open(&path).same(&note).unwrap()));
    let again = least(|| open(&path).scan(&known, &mut Seen::default()).unwrap());
    let item = known.1.get(count / 2).unwrap();
    let record = item.record.clone().with("title", Value::text("Another title"));
    let mut step = 0_u8;
    let mut put = |mode: Mode| {
        step += 1;
        let op = Op::Put {
            id: RecordId([1; 16]),
            key: Some(&item.key),
            expect: Expect::Fingerprint(&item.fingerprint),
            record: &record,
            changed: &[],
        };
        let (mut adapter, mut answers) = (open(&path), Answers(false));
        adapter.apply(StepId([step; 16]), &[op], mode, &NoBlobs, &mut answers).unwrap();
        assert!(answers.0);
    };
    let rehearse = least(|| put(Mode::Rehearse));
    let start = Instant::now();
    put(Mode::Perform);
    let perform = start.elapsed();
    let line = |name: &str, taken: Duration| {
        let seconds = taken.as_secs_f64();
        println!("{name:<40} {:>8.1} ms {:>8.0} MB/s {:>6.2} x sha256", seconds * 1e3, megabytes / seconds, seconds / sha.as_secs_f64());
    };
    println!("{megabytes:.1} MB, {count} events, {} threads", std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_owned()));
    line("read and sha256", sha);
    line("first scan: split, digest, parse", first);
    line("touched, unchanged: same()", same);
    line("scan: split and digest, nothing parsed", again);
    line("one event: rehearsed write", rehearse);
    line("one event: performed write with fsync", perform);
    fs::remove_dir_all(&folder).unwrap();
}
