//! What the store in a folder promises beyond the laws.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use protocol::{Appended, BlobId, Collection, Cursor, DeviceId, Envelope, Error, Header, Signature, Store, TransactionId};
use sha2::{Digest, Sha256};
use store::Sqlite;
use syncretic_store as store;

fn collection() -> Collection {
    "contacts".parse().unwrap()
}

fn envelope(base: Cursor, number: u8, length: usize) -> Envelope {
    Envelope {
        transaction: TransactionId([number; 16]),
        device: DeviceId([0; 32]),
        base,
        header: Header { operations: 1, deletions: 0, records: Vec::new() },
        payload: vec![number; length],
        signature: Signature([0; 64]),
    }
}

fn count(folder: &Path) -> usize {
    let Ok(items) = fs::read_dir(folder) else { return 0 };
    items.map(|item| item.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

#[test]
fn sqlite_has_the_fix_of_the_wal_reset_race() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn the_database_is_in_wal_mode_and_unmapped() {
    let folder = tempfile::tempdir().unwrap();
    drop(Sqlite::open(folder.path()).unwrap());
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let mapped: i64 = connection.query_row("PRAGMA mmap_size", [], |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), mapped), ("wal", 0));
}

#[test]
fn a_folder_is_made_with_those_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    Sqlite::open(&deep).unwrap().head(&collection()).unwrap();
    assert!(deep.join("store.db").is_file());
}

#[test]
fn opening_and_reading_an_existing_store_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let start = store.head(&collection()).unwrap();
    store.append(&collection(), &envelope(start, 1, 10)).unwrap();
    drop(store);
    let before = fs::read(folder.path().join("store.db")).unwrap();
    let modified = fs::metadata(folder.path().join("store.db")).unwrap().modified().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.read(&collection(), &start, 9).unwrap();
    store.head(&collection()).unwrap();
    drop(store);
    assert_eq!(fs::read(folder.path().join("store.db")).unwrap(), before);
    assert_eq!(fs::metadata(folder.path().join("store.db")).unwrap().modified().unwrap(), modified);
}

#[test]
fn a_large_envelope_that_is_stale_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let start = store.head(&collection()).unwrap();
    store.append(&collection(), &envelope(start, 1, 100_000)).unwrap();
    assert!(matches!(store.append(&collection(), &envelope(start, 2, 100_000)).unwrap(), Appended::Stale(_)));
    assert_eq!(count(&folder.path().join("envelopes")), 1);
    assert_eq!(count(&folder.path().join("staging")), 0);
}

#[test]
fn large_envelopes_that_race_leave_the_winner_s_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let start = store.head(&collection()).unwrap();
    let kept = std::thread::scope(|scope| {
        let append = |number| store.append(&collection(), &envelope(start, number, 100_000)).unwrap();
        let threads: Vec<_> = (1..=8).map(|number| scope.spawn(move || append(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|answer| matches!(answer, Appended::Entry(_))).count()
    });
    assert_eq!(kept, 1);
    assert_eq!(count(&folder.path().join("envelopes")), 1);
    assert_eq!(store.read(&collection(), &start, 9).unwrap().entries.len(), 1);
}

#[test]
fn a_refused_blob_leaves_no_file_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let refused = store.put_blob(&collection(), BlobId([1; 32]), &mut b"another".as_slice());
    assert!(matches!(refused, Err(Error::Integrity(_))));
    assert_eq!(count(&folder.path().join("blobs")) + count(&folder.path().join("packs")) + count(&folder.path().join("staging")), 0);
}

#[test]
fn what_a_cut_off_process_staged_is_swept_and_what_a_living_one_stages_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let staging = folder.path().join("staging");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("orphan"), b"half a blob").unwrap();
    let living = fs::File::create(staging.join("living")).unwrap();
    living.lock().unwrap();
    let blob = BlobId(Sha256::digest(b"new").into());
    Sqlite::open(folder.path()).unwrap().put_blob(&collection(), blob, &mut b"new".as_slice()).unwrap();
    let left: Vec<_> = fs::read_dir(&staging).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert_eq!(left, ["living"]);
}

#[test]
fn a_reader_does_not_wait_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let start = store.head(&collection()).unwrap();
    store.append(&collection(), &envelope(start, 1, 10)).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM entry;").unwrap();
    assert_eq!(store.read(&collection(), &start, 9).unwrap().entries.len(), 1);
    assert_eq!(store.head(&collection()).unwrap().sequence.0, 1);
}
