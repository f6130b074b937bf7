//! Measures reading and rewriting of cards and calendars in processor time: `cargo run --release -p syncretic-tests --bin figures`.
//!
//! Two numbers change the sizes: how many items a file has, and how many megabytes the calendar of which one event changes.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use adapter::format::Silent;
use adapter::{Adapter, Blobs, Broken, Expect, Fingerprint, Format, Item, Key, Known, Mode, Op, Options, Outcome, Outcomes, Sink, StepId};
use record::{Digest, RecordId, Value};

/// What is measured runs on the allocator that the program has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Measured<T> = Result<T, Box<dyn Error>>;

/// Remembers what an engine would: fingerprints by key, and the first item.
#[derive(Default)]
struct Seen {
    known: HashMap<Key, Fingerprint>,
    first: Option<Item>,
    items: usize,
}

impl Sink for Seen {
    fn item(&mut self, item: Item) {
        self.items += 1;
        self.known.insert(item.key.clone(), item.fingerprint.clone());
        if self.first.is_none() && item.record.text("uid") != Some("calendar") {
            self.first = Some(item);
        }
    }

    fn unchanged(&mut self, _: Key, _: Fingerprint) {}

    fn broken(&mut self, _: Broken) {}
}

impl Known for Seen {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.known.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.known.len()
    }
}

#[derive(Default)]
struct Written(Vec<Outcome>);

impl Outcomes for Written {
    fn outcome(&mut self, _: usize, outcome: Outcome) {
        self.0.push(outcome);
    }
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, adapter::Error> {
        Err(adapter::Error::Fatal(format!("no blob {digest}")))
    }
}

/// Returns cards as an address book exports them.
fn cards(count: usize) -> String {
    let card = |n: usize| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Example//Book 1.0//EN\r\nUID:urn:uuid:00000000-0000-4000-8000-{n:012}\r\n\
             FN:Grete Hopper {n}\r\nN:Hopper;Grete;Murray;Dr.;\r\nORG:Example {} Ltd.;Research\r\nTITLE:Engineer\r\n\
             EMAIL;TYPE=INTERNET,HOME:grete.{n}@example.org\r\nEMAIL;TYPE=INTERNET,WORK,PREF:hopper{n}@work.example.com\r\n\
             TEL;TYPE=CELL:+49 170 555{n:05}\r\nitem1.TEL:+49 30 {n:06}\r\nitem1.X-ABLabel:Boat\r\n\
             ADR;TYPE=HOME:;;{} Long Street;London;;EC1A 1BB;United Kingdom\r\nBDAY:19{:02}-03-22\r\n\
             CATEGORIES:friends,family\r\nURL:https://example.org/~hopper{n}\r\n\
             NOTE:Met at the conference in Kraków\\, likes tea\\; knows everything about compilers\r\n  and gardens number {n}.\r\n\
             X-CUSTOM;X-PARAM=a:value {n}\r\nREV:20240101T000000Z\r\nEND:VCARD\r\n",
            n % 97,
            n % 300,
            n % 90 + 10,
        )
    };
    (0..count).map(card).collect()
}

/// Returns a calendar as an application exports it: every seventh event has an alarm, every tenth guests and a zone of its own.
fn calendar(count: usize) -> String {
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Head Office\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let event = |n: usize| {
        let zone = if n.is_multiple_of(10) { "Head Office" } else { "Europe/Berlin" };
        let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n";
        let guests = format!(
            "ORGANIZER;CN=Grete Hopper:mailto:grete@example.org\r\nATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=\"Doe, Jane\":\r\n mailto:jane{n}@example.org\r\n"
        );
        format!(
            "BEGIN:VEVENT\r\nUID:{n:08}-0000-4000-8000-000000000000@example.org\r\nDTSTAMP:20240101T000000Z\r\nCREATED:20230505T101010Z\r\n\
             DTSTART;TZID={zone}:2026{:02}{:02}T{:02}0000\r\nDTEND;TZID={zone}:2026{:02}{:02}T{:02}4500\r\nSUMMARY:Meeting number {n} about gardens\r\n\
             LOCATION:Room {}\\, second floor\r\nDESCRIPTION:Agenda:\\n* tea\\n* compilers and what else there is to say of th\r\n em\\n* next steps {n}\r\n\
             CATEGORIES:work,garden\r\nSTATUS:CONFIRMED\r\nSEQUENCE:2\r\n{}{}END:VEVENT\r\n",
            n % 12 + 1,
            n % 28 + 1,
            n % 23,
            n % 12 + 1,
            n % 28 + 1,
            n % 23,
            n % 40,
            if n.is_multiple_of(10) { guests.as_str() } else { "" },
            if n.is_multiple_of(7) { alarm } else { "" },
        )
    };
    let events: String = (0..count).map(event).collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Calendar 1.0//EN\r\nX-WR-CALNAME:Garden\r\n{zone}{events}END:VCALENDAR\r\n"
    )
}

/// Returns the processor time of this process, with all its threads, or of the programs that it ran: a busy machine does not count.
fn processor(of_children: bool) -> f64 {
    const TICKS: f64 = 100.0;
    if of_children {
        let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
        return fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS;
    }
    let nanoseconds = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default()
    };
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.map(nanoseconds).sum::<u64>() as f64 / 1e9
}

/// Runs something and returns the processor seconds that it took.
fn timed<T>(work: impl FnOnce() -> Measured<T>) -> Measured<(T, f64)> {
    let since = processor(false);
    let done = work()?;
    Ok((done, processor(false) - since))
}

/// Returns the processor seconds that `sha256sum` takes for a file, of ten runs; none where it is not installed.
fn sha256sum(path: &Path) -> Option<f64> {
    const RUNS: u32 = 10;
    let since = processor(true);
    for _ in 0..RUNS {
        let done = Command::new("sha256sum").arg(path).output().ok()?;
        done.status.success().then_some(())?;
    }
    Some((processor(true) - since) / f64::from(RUNS))
}

fn rate(what: &str, bytes: usize, seconds: f64, set: f64) {
    println!("{what:<44} {:>8.1} MB/s  set {set:>4.0}", bytes as f64 / 1e6 / seconds);
}

fn ratio(what: &str, seconds: f64, sum: Option<f64>, set: f64) {
    match sum {
        Some(sum) => println!("{what:<44} {:>8.2} x     set {set:>4.1}   ({seconds:.3} s, sha256sum {sum:.3} s)", seconds / sum),
        None => println!("{what:<44} {seconds:>8.3} s     (sha256sum is not installed)"),
    }
}

fn open(format: &dyn Format, path: &Path) -> Measured<Box<dyn Adapter>> {
    Ok(format.open(path.to_owned(), &Options::new(), Box::new(Silent))?)
}

/// Reads a file, first and again, and asks whether it changed.
fn reading(name: &str, format: &dyn Format, path: &Path) -> Measured<Seen> {
    let size = usize::try_from(fs::metadata(path)?.len())?;
    let mut adapter = open(format, path)?;
    let mut seen = Seen::default();
    let (scan, seconds) = timed(|| Ok(adapter.scan(&Seen::default(), &mut seen)?))?;
    rate(&format!("{name}: {} items parsed to records", seen.items), size, seconds, 30.0);
    let mut again = Seen::default();
    let (_, seconds) = timed(|| Ok(adapter.scan(&seen, &mut again)?))?;
    rate(&format!("{name}: split and digested, nothing parsed"), size, seconds, 100.0);
    assert_eq!(again.items, 0);
    let note = scan.note.ok_or("no note")?;
    let (same, seconds) = timed(|| Ok(open(format, path)?.same(&note)?))?;
    assert!(same);
    ratio(&format!("{name}: touched, not changed"), seconds, sha256sum(path), 1.5);
    Ok(seen)
}

/// Notices one item that a person changed, and writes one that others changed.
fn changing(name: &str, format: &dyn Format, path: &Path, field: &str) -> Measured<()> {
    let mut seen = Seen::default();
    let note = open(format, path)?.scan(&Seen::default(), &mut seen)?.note.ok_or("no note")?;
    let first = seen.first.take().ok_or("no item")?;
    let sum = sha256sum(path);
    let record = first.record.clone().with(field, Value::text("Another text"));
    let op = Op::Put {
        id: RecordId([7; 16]),
        key: Some(&first.key),
        expect: Expect::Fingerprint(&first.fingerprint),
        record: &record,
        changed: &[],
    };
    let mut adapter = open(format, path)?;
    let step = StepId([1; 16]);
    let apply = |adapter: &mut dyn Adapter, mode| -> Measured<()> {
        let mut written = Written::default();
        adapter.apply(step, std::slice::from_ref(&op), mode, &NoBlobs, &mut written)?;
        match written.0.as_slice() {
            [Outcome::Put { .. }] => Ok(()),
            other => Err(format!("answered {other:?}").into()),
        }
    };
    let (_, seconds) = timed(|| {
        apply(adapter.as_mut(), Mode::Rehearse)?;
        apply(adapter.as_mut(), Mode::Perform)?;
        Ok(adapter.settle(step)?)
    })?;
    ratio(&format!("{name}: one item written"), seconds, sum, 3.0);
    let (_, seconds) = timed(|| {
        let mut adapter = open(format, path)?;
        assert!(!adapter.same(&note)?);
        let mut changed = Seen::default();
        adapter.scan(&seen, &mut changed)?;
        assert_eq!(changed.items, 1);
        Ok(())
    })?;
    ratio(&format!("{name}: one changed item noticed"), seconds, sum, 3.0);
    Ok(())
}

fn measure(items: usize, megabytes: usize) -> Measured<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let (vcf, ics, large) = (path("cards.vcf"), path("events.ics"), path("large.ics"));
    fs::write(&vcf, cards(items))?;
    fs::write(&ics, calendar(items))?;
    let each = calendar(1000).len() / 1000;
    fs::write(&large, calendar(megabytes * 1_000_000 / each))?;
    reading("vCard", adapter_vcard::format(), &vcf)?;
    changing("vCard", adapter_vcard::format(), &vcf, "titles/1/name")?;
    reading("iCalendar", adapter_ical::format(), &ics)?;
    changing(&format!("iCalendar of {megabytes} MB"), adapter_ical::format(), &large, "title")?;
    Ok(())
}

fn main() -> Measured<()> {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let items = numbers.next().transpose()?.unwrap_or(100_000);
    let megabytes = numbers.next().transpose()?.unwrap_or(50);
    measure(items, megabytes)
}
