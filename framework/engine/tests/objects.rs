//! The object store in a file keeps what the one in memory keeps, and its rows keep their form.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;

use adapter::{Fingerprint, Key, StepId};
use delta::State;
use delta::align::Parts;
use proptest::prelude::*;
use protocol::{Cursor, DeviceId, Entry, Envelope, Hash, Header, LogId, Sequence, Signature, TransactionId};
use record::{Against, Conflict, ConflictId, Kind, Pointer, Record, RecordId, Value};
use syncretic_engine::objects::memory::Memory;
use syncretic_engine::objects::sqlite::Sqlite;
use syncretic_engine::objects::{Batch, Frozen, Intent, Joined, Meta, Objects, Retained, Seen, Step};
use syncretic_engine::report::Held;

fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

fn record(n: u8) -> Record {
    let record = Record::new(Kind::CONTACT).with("name/full", Value::text(&format!("Ada {n}")));
    if n.is_multiple_of(2) { record.with("uid", Value::text(&format!("uid-{n}"))) } else { record }
}

fn seen(n: u8) -> Seen {
    let mut parts = Parts::default();
    parts.insert("phones", "1", "a");
    let meant = if n.is_multiple_of(3) { record(n) } else { record(n).with("notes/x/note", Value::text("unseen")) };
    Seen { key: Key(format!("key-{n}")), fingerprint: Fingerprint(vec![n, 1]), shown: record(n), meant, parts }
}

fn state(n: u8) -> State {
    let mut state = State::unborn(Kind::CONTACT);
    (state.alive, state.at) = (n.is_multiple_of(2), u64::from(n));
    state.put(&Pointer::new("name/full"), Some(&Value::text(&format!("Ada {n}"))), u64::from(n));
    state
}

fn conflict(n: u8) -> Conflict {
    Conflict {
        id: ConflictId([n; 16]),
        record: id(n),
        field: Pointer::new("name/full"),
        value: Value::text("Ada"),
        against: Against::Value,
        base: Some(Value::Integer(1)),
        origin: "sheet".into(),
    }
}

fn cursor() -> Cursor {
    Cursor { log: LogId([9; 16]), sequence: Sequence(7), hash: Hash([8; 32]) }
}

fn meta(n: u8) -> Meta {
    Meta {
        root: Some(vec![n]),
        note: n.is_multiple_of(2).then(|| vec![n, n]),
        view: vec!["name/full".into()],
        cursor: Some(cursor()),
        frozen: vec![Frozen { transaction: TransactionId([n; 16]), base: cursor(), conflicts: vec![ConflictId([n; 16])], envelope: None }],
        out: None,
        pending: vec![conflict(n)],
        apart: [(id(1), id(2))].into(),
        confirmed: [id(n)].into(),
    }
}

fn step(n: u8) -> Step {
    let done = Intent { id: id(n), becomes: Some(seen(n)), losers: vec![conflict(n)] };
    Step { id: StepId([n; 16]), intents: vec![done, Intent { id: id(n + 1), becomes: None, losers: Vec::new() }] }
}

fn held(n: u8) -> Held {
    Held {
        key: Some("ada.vcf".into()),
        record: Some(id(n)),
        title: "Ada".into(),
        place: "ada.vcf:1".into(),
        reason: "is empty".into(),
        unwritten: n.is_multiple_of(2),
        missing: n.is_multiple_of(3),
    }
}

fn joined(n: u8) -> Joined {
    Joined {
        newcomer: id(n),
        residents: vec![id(1)],
        linked: true,
        accepted: false,
        evidence: "same e-mail".into(),
        shown: record(n),
        before: Some(record(1)),
    }
}

/// One random thing to keep: which table, which record, and what of it (zero: forget it).
fn batch(changes: &[(u8, u8, u8)]) -> Batch {
    let mut batch = Batch::default();
    for (table, n, version) in changes {
        let (key, there) = (id(*n), *version > 0);
        match table % 9 {
            0 => drop(batch.seen.insert(key, there.then(|| Seen { fingerprint: Fingerprint(vec![*version]), ..seen(*n) }))),
            1 => drop(batch.agreed.insert(key, there.then(|| state(*version)))),
            2 => drop(batch.remote.insert(key, there.then(|| state(*version)))),
            3 => drop(batch.conflicts.insert(ConflictId([*n; 16]), there.then(|| conflict(*n)))),
            4 => drop(batch.attention.insert(key, there)),
            5 => batch.meta = Some(meta(*version)),
            6 => batch.step = Some(there.then(|| step(*version))),
            7 => batch.held = Some(vec![held(*version)]),
            _ => drop(batch.joined.insert(key, there.then(|| joined(*n)))),
        }
    }
    batch
}

type Kept = (Meta, Vec<String>, BTreeMap<RecordId, String>, Vec<RecordId>, String);

fn everything(objects: &dyn Objects) -> Kept {
    let items = objects.items().unwrap().iter().map(|item| format!("{item:?}")).collect();
    let trees = (0..8).map(|n| (id(n), format!("{:?} {:?} {:?}", objects.seen(id(n)), objects.agreed(id(n)), objects.remote(id(n)))));
    let mut unseen = Vec::new();
    objects.each_unseen(&mut |id, _| unseen.push(id)).unwrap();
    let rest = format!("{:?} {:?} {:?}", objects.conflicts(), objects.attention(), (objects.step(), objects.held(), objects.joined()));
    (objects.meta().unwrap(), items, trees.collect(), unseen, rest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_file_keeps_what_memory_keeps(batches in prop::collection::vec(prop::collection::vec((0..9_u8, 0..8_u8, 0..4_u8), 0..12), 1..8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoint.sqlite");
        let mut memory = Memory::default();
        for changes in batches {
            // Opened anew each time: what counts is what is in the file.
            let mut file = Sqlite::open(&path).unwrap();
            file.commit(batch(&changes)).unwrap();
            memory.commit(batch(&changes)).unwrap();
            drop(file);
            prop_assert_eq!(everything(&Sqlite::open(&path).unwrap()), everything(&memory));
        }
    }
}

#[test]
fn a_newer_fingerprint_of_the_same_content_changes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = Sqlite::open(&folder.path().join("endpoint.sqlite")).unwrap();
    file.commit(Batch { seen: [(id(1), Some(seen(1)))].into(), ..Batch::default() }).unwrap();
    file.commit(Batch { fingerprints: [(id(1), Fingerprint(vec![7, 7]))].into(), ..Batch::default() }).unwrap();
    assert_eq!(file.seen(id(1)).unwrap(), Some(Seen { fingerprint: Fingerprint(vec![7, 7]), ..seen(1) }));
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoint.sqlite");
    drop(Sqlite::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("pragma user_version = 3").unwrap();
    drop(raw);
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.contains("version 3") && error.contains("upgrade"), "{error}");
}

#[test]
fn a_store_of_version_1_is_brought_forward_and_keeps_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoint.sqlite");
    drop(Sqlite::open(&path).unwrap());
    let golden = include_str!("fixtures/objects-1.txt").lines().filter_map(|line| line.strip_prefix("meta ")).nth(1).unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(&format!("drop table tail; insert into meta values ('meta', x'{golden}'); pragma user_version = 1")).unwrap();
    drop(raw);
    let file = Sqlite::open(&path).unwrap();
    assert_eq!((file.meta().unwrap(), file.tail().unwrap()), (meta(2), vec![]));
}

fn envelope(n: u8, length: usize) -> Envelope {
    let header = Header { operations: 1, deletions: 0, records: Vec::new() };
    let (device, signature) = (DeviceId([n; 32]), Signature([n; 64]));
    Envelope { transaction: TransactionId([n; 16]), device, base: cursor(), header, payload: vec![n; length], signature }
}

#[test]
fn the_newest_entries_are_retained_whole_and_older_ones_as_places() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, mut memory) = (Sqlite::open(&folder.path().join("endpoint.sqlite")).unwrap(), Memory::default());
    let entries = (1..=300_u64).map(|n| Retained { sequence: Sequence(n), hash: Hash([9; 32]), envelope: Some(envelope(1, 10)) });
    for entry in entries {
        file.commit(Batch { tail: vec![entry.clone()], ..Batch::default() }).unwrap();
        memory.commit(Batch { tail: vec![entry], ..Batch::default() }).unwrap();
    }
    let tail = file.tail().unwrap();
    assert_eq!(tail, memory.tail().unwrap());
    let places: Vec<u64> = tail.iter().filter(|retained| retained.envelope.is_none()).map(|retained| retained.sequence.0).collect();
    assert_eq!((places, tail.len()), (vec![64, 128], 2 + 128));
    file.commit(Batch { cut: Some(298), ..Batch::default() }).unwrap();
    assert_eq!(file.tail().unwrap().last().unwrap().sequence, Sequence(298));
}

#[test]
fn a_very_long_entry_is_retained_as_a_place() {
    let entry = Entry::after(&cursor(), envelope(1, 1 << 20));
    assert_eq!(Retained::of(&entry), Retained { sequence: Sequence(8), hash: entry.hash, envelope: None });
}

#[test]
fn a_file_that_is_no_store_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoint.sqlite");
    std::fs::write(&path, b"this is not a database, however long one looks at it: it is only a text, and a long one").unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.contains("endpoint.sqlite") && error.contains("move it away"), "{error}");
}

#[test]
fn the_golden_rows_keep_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoint.sqlite");
    let mut file = Sqlite::open(&path).unwrap();
    let all: Vec<(u8, u8, u8)> = (0..9).map(|table| (table, 1, 2)).collect();
    file.commit(batch(&all)).unwrap();
    drop(file);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let mut lines = String::new();
    for (table, key) in [("seen", "id"), ("agreed", "id"), ("remote", "id"), ("conflict", "id"), ("joined", "newcomer"), ("meta", "name")] {
        let mut statement = raw.prepare(&format!("select coalesce(hex(body), 'null') from {table} order by {key}")).unwrap();
        for row in statement.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            lines += &format!("{table} {}\n", row.unwrap().to_lowercase());
        }
    }
    assert_eq!(lines, include_str!("fixtures/objects-2.txt"));
}
