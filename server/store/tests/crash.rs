//! Real processes that are killed while they append and put blobs: what was acknowledged is there, whole, and no append twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::{env, fs};

use protocol::{Appended, BlobId, Collection, Cursor, DeviceId, Entry, Envelope, Error, Hash, Header, Signature, Store, TransactionId};
use sha2::{Digest, Sha256};
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
                say(&format!("acknowledged {} {}", entry.sequence.0, envelope.transaction));
                base = entry.cursor(log);
            }
            Appended::Stale(page) => base = page.entries.last().unwrap().cursor(log),
        }
    }
}

/// Puts blobs until it is killed, and says so after each acknowledgement.
fn puts(store: &Sqlite) -> Result<(), Error> {
    loop {
        let bytes = random::<16>().repeat(40_000);
        let id = BlobId(Sha256::digest(&bytes).into());
        store.put_blob(&collection(), id, &mut &bytes[..])?;
        say(&format!("put {id}"));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[test]
fn the_process_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = Sqlite::open(Path::new(&folder)).unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| appends(&store).unwrap());
        }
        scope.spawn(|| puts(&store).unwrap());
    });
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "the_process_that_is_killed", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// What killed processes acknowledged.
#[derive(Default)]
struct Said {
    appends: BTreeMap<u64, String>,
    blobs: BTreeSet<String>,
}

impl Said {
    /// Hears one line; one that was cut off in its middle acknowledges nothing.
    fn hear(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [.., "acknowledged", sequence, transaction] if transaction.len() == 32 => {
                self.appends.insert(sequence.parse().unwrap(), transaction.to_owned());
            }
            [.., "put", blob] if blob.len() == 64 => {
                self.blobs.insert(blob.to_owned());
            }
            _ => {}
        }
    }

    fn extend(&mut self, other: Self) {
        self.appends.extend(other.appends);
        self.blobs.extend(other.blobs);
    }
}

/// Kills a process after it said `patience` times that it appended, and returns all that it said before it was gone.
fn killed(mut child: Child, patience: usize) -> Said {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut said = Said::default();
    let mut hear = |line: Vec<u8>| {
        said.hear(&String::from_utf8(line).unwrap());
        said.appends.len()
    };
    while lines.next().is_some_and(|line| hear(line.unwrap()) < patience) {}
    child.kill().unwrap();
    lines.for_each(|line| {
        hear(line.unwrap());
    });
    assert!(!child.wait().unwrap().success());
    assert!(said.appends.len() >= patience, "the process ended by itself");
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

/// Requires that every file under `folder` is whole: its name is its digest; returns the names.
fn whole_files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in fs::read_dir(folder).into_iter().flatten() {
        let item = item.unwrap();
        if item.file_type().unwrap().is_dir() {
            names.extend(whole_files(&item.path()));
        } else {
            let name = item.file_name().into_string().unwrap();
            assert_eq!(Hash(Sha256::digest(fs::read(item.path()).unwrap()).into()).to_string(), name);
            names.insert(name);
        }
    }
    names
}

fn check(folder: &Path, acknowledged: &Said) {
    let entries = whole(&Sqlite::open(folder).unwrap());
    let found: BTreeMap<u64, String> = entries.iter().map(|entry| (entry.sequence.0, entry.envelope.transaction.to_string())).collect();
    let lost: Vec<_> = acknowledged.appends.iter().filter(|(sequence, transaction)| found.get(sequence) != Some(transaction)).collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
    let distinct: BTreeSet<&String> = found.values().collect();
    assert_eq!(distinct.len(), entries.len(), "a transaction is there twice");
    ["envelopes", "packs"].iter().for_each(|room| drop(whole_files(&folder.join(room))));
    let store = Sqlite::open(folder).unwrap();
    for blob in &acknowledged.blobs {
        store.blob(&collection(), blob.parse().unwrap(), &mut std::io::sink()).unwrap();
    }
}

#[test]
fn a_process_killed_twenty_times_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Said::default();
    for _ in 0..KILLS {
        let patience = 1 + usize::from(random::<1>()[0]) % 40;
        acknowledged.extend(killed(start(folder.path()), patience));
        check(folder.path(), &acknowledged);
    }
    assert!(acknowledged.appends.len() >= KILLS);
}

#[test]
fn two_processes_killed_one_after_the_other_keep_what_they_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Said::default();
    for _ in 0..5 {
        let (one, other) = (start(folder.path()), start(folder.path()));
        let said = thread::scope(|scope| {
            let first = scope.spawn(|| killed(one, 5));
            let second = scope.spawn(|| killed(other, 20));
            [first.join().unwrap(), second.join().unwrap()]
        });
        said.into_iter().for_each(|said| acknowledged.extend(said));
        check(folder.path(), &acknowledged);
    }
}
