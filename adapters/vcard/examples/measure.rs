//! Measures splitting, reading and writing of cards in processor time: `cargo run --release -p syncretic-vcard --example measure -- 20000`.
//!
//! A path instead of a number measures a file of cards.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};

use adapter::format::Silent;
use adapter::{
    Adapter, Blobs, Broken, Expect, Fingerprint, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome, Outcomes, Sink, StepId,
};
use record::{Digest, Record, RecordId, Value};

/// Remembers what an engine would.
#[derive(Default)]
struct Tally {
    known: HashMap<Key, Fingerprint>,
    records: Vec<Record>,
    items: usize,
    unchanged: usize,
    broken: usize,
}

impl Sink for Tally {
    fn item(&mut self, item: Item) {
        self.items += 1;
        if self.records.len() < 20_000 {
            self.records.push(item.record);
        }
        self.known.insert(item.key, item.fingerprint);
    }

    fn unchanged(&mut self, _key: Key, _fingerprint: Fingerprint) {
        self.unchanged += 1;
    }

    fn broken(&mut self, _broken: Broken) {
        self.broken += 1;
    }
}

struct Memory(HashMap<Key, Fingerprint>);

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

struct Written(u64);

impl Outcomes for Written {
    fn outcome(&mut self, _index: usize, outcome: Outcome) {
        if let Outcome::Put { bytes, .. } = outcome {
            self.0 += bytes;
        }
    }
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, adapter::Error> {
        Err(adapter::Error::Fatal(format!("no blob {digest}")))
    }
}

/// Writes cards as an address book exports them.
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

fn open(path: &Path, version: Option<&str>) -> Result<Box<dyn Adapter>, adapter::Error> {
    let mut options = Options::new();
    options.insert("create".to_owned(), OptionValue::Boolean(true));
    options.extend(version.map(|version| ("version".to_owned(), OptionValue::Text(version.to_owned()))));
    adapter_vcard::format().open(path.to_owned(), &options, Box::new(Silent))
}

/// Returns the processor time of all threads so far, in seconds: a busy machine does not count.
fn processor() -> f64 {
    let nanoseconds = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default()
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.map(nanoseconds).sum::<u64>() as f64 / 1e9
}

fn rate(what: &str, bytes: usize, since: f64) {
    let seconds = processor() - since;
    println!("{what:<24} {:>8.1} MB/s {seconds:>8.3} s", bytes as f64 / 1e6 / seconds);
}

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "20000".to_owned());
    let folder = tempfile::tempdir()?;
    let path = match argument.parse::<usize>() {
        Ok(count) => {
            let path = folder.path().join("cards.vcf");
            std::fs::write(&path, cards(count))?;
            path
        }
        Err(_) => PathBuf::from(argument),
    };
    let size = usize::try_from(std::fs::metadata(&path)?.len())?;
    let mut adapter = open(&path, None)?;
    let mut first = Tally::default();
    let since = processor();
    adapter.scan(&Memory(HashMap::new()), &mut first)?;
    rate("parse to records", size, since);
    let known = Memory(std::mem::take(&mut first.known));
    let mut second = Tally::default();
    let since = processor();
    adapter.scan(&known, &mut second)?;
    rate("split and digest", size, since);
    println!("items {} unchanged {} broken {}", first.items, second.unchanged, second.broken);
    for version in ["2.1", "3.0", "4.0"] {
        let target = folder.path().join(format!("new-{version}.vcf"));
        let mut new = open(&target, Some(version))?;
        let records: Vec<Record> = first.records.iter().map(|record| record.clone().with("prodId", Value::text("x"))).collect();
        let put = |record| Op::Put { id: RecordId([7; 16]), key: None, expect: Expect::Absent, record, changed: &[] };
        let ops: Vec<Op<'_>> = records.iter().map(put).collect();
        let mut written = Written(0);
        let since = processor();
        new.apply(StepId([1; 16]), &ops, Mode::Rehearse, &NoBlobs, &mut written)?;
        rate(&format!("new cards {version}"), usize::try_from(written.0)?, since);
    }
    Ok(())
}
