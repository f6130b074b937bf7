//! Real processes that are killed while they append: every acknowledged append is there, none twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use protocol::{Appended, Collection, Cursor, DeviceId, Entry, Envelope, Error, Header, Signature, Store, TransactionId};
use store::Sqlite;
use syncretic_store as store;

const FOLDER: &str = "STORE_CRASH_FOLDER";
const KILLS: usize = 20;
const THREADS: usize = 3;

fn collection() -> Collection {
    "contacts".parse().unwrap()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn envelope(base: Cursor) -> Envelope {
    let transaction: [u8; 16] = random();
    let length = if transaction[0].is_multiple_of(8) { 70_000 } else { 2000 };
    Envelope {
        transaction: TransactionId(transaction),
        device: DeviceId([0; 32]),
        base,
        header: Header { operations: 1, deletions: 0, records: Vec::new() },
        payload: vec![transaction[1]; length],
        signature: Signature([0; 64]),
    }
}

/// Appends until it is killed, and says so after each acknowledgement.
fn appends(store: &Sqlite) -> Result<(), Error> {
    let mut base = store.head(&collection())?;
    let log = base.log;
    loop {
        let envelope = envelope(base);
        match store.append(&collection(), &envelope)? {
            Appended::Entry(entry) => {
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {} {}", entry.sequence.0, envelope.transaction).unwrap();
                out.flush().unwrap();
                base = entry.cursor(log);
            }
            Appended::Stale(page) => base = page.entries.last().unwrap().cursor(log),
        }
    }
}

#[test]
fn the_process_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = Sqlite::open(Path::new(&folder)).unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| appends(&store).unwrap());
        }
    });
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "the_process_that_is_killed", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Kills a process after it said `patience` times that it appended, and returns all that it said before it was gone.
fn killed(mut child: Child, patience: usize) -> Vec<(u64, String)> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut said = Vec::new();
    let mut hear = |line: Vec<u8>| {
        let line = String::from_utf8(line).unwrap();
        let mut words = line.split(' ').skip_while(|word| *word != "acknowledged").skip(1);
        // A line that was cut off in its middle acknowledges nothing.
        if let (Some(sequence), Some(transaction)) = (words.next(), words.next().filter(|word| word.len() == 32)) {
            said.push((sequence.parse().unwrap(), transaction.to_owned()));
        }
        said.len()
    };
    while lines.next().is_some_and(|line| hear(line.unwrap()) < patience) {}
    child.kill().unwrap();
    lines.for_each(|line| {
        hear(line.unwrap());
    });
    assert!(!child.wait().unwrap().success());
    assert!(said.len() >= patience, "the process ended by itself");
    said
}

fn whole(store: &Sqlite) -> Vec<Entry> {
    let mut place = Cursor::start(store.head(&collection()).unwrap().log);
    let mut entries = Vec::new();
    loop {
        let page = store.read(&collection(), &place, 100).unwrap();
        if page.entries.is_empty() {
            assert_eq!(place, page.head);
            return entries;
        }
        for entry in page.entries {
            assert!(entry.follows(&place));
            place = entry.cursor(place.log);
            entries.push(entry);
        }
    }
}

fn check(folder: &Path, acknowledged: &BTreeMap<u64, String>) {
    let entries = whole(&Sqlite::open(folder).unwrap());
    let found: BTreeMap<u64, String> = entries.iter().map(|entry| (entry.sequence.0, entry.envelope.transaction.to_string())).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|(sequence, transaction)| found.get(sequence) != Some(transaction)).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
    let distinct: BTreeSet<&String> = found.values().collect();
    assert_eq!(distinct.len(), entries.len(), "a transaction is there twice");
}

#[test]
fn a_process_killed_twenty_times_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for _ in 0..KILLS {
        let patience = 1 + usize::from(random::<1>()[0]) % 40;
        acknowledged.extend(killed(start(folder.path()), patience));
        check(folder.path(), &acknowledged);
    }
    assert!(acknowledged.len() >= KILLS);
}

#[test]
fn two_processes_killed_one_after_the_other_keep_what_they_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for _ in 0..5 {
        let (one, other) = (start(folder.path()), start(folder.path()));
        let said = thread::scope(|scope| {
            let first = scope.spawn(|| killed(one, 5));
            let second = scope.spawn(|| killed(other, 20));
            [first.join().unwrap(), second.join().unwrap()]
        });
        acknowledged.extend(said.into_iter().flatten());
        check(folder.path(), &acknowledged);
    }
}
