//! Looking after a store: backups that are put back, checks that find what is wrong, and figures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use protocol::{Appended, BlobId, Collection, Cursor, DeviceId, Envelope, Error, Header, Signature, Snapshot, Store, TransactionId};
use sha2::{Digest, Sha256};
use store::Sqlite;
use store::sqlite::upkeep::restore;
use syncretic_store as store;

fn collection() -> Collection {
    "contacts".parse().unwrap()
}

fn append(store: &Sqlite, number: u8, length: usize) -> Cursor {
    let base = store.head(&collection()).unwrap();
    let envelope = Envelope {
        transaction: TransactionId([number; 16]),
        device: DeviceId([0; 32]),
        base,
        header: Header { operations: 1, deletions: 0, records: Vec::new() },
        payload: vec![number; length],
        signature: Signature([0; 64]),
    };
    let Appended::Entry(entry) = store.append(&collection(), &envelope).unwrap() else { unreachable!("the base is the head") };
    entry.cursor(base.log)
}

fn filled(folder: &Path) -> Sqlite {
    let store = Sqlite::open(folder).unwrap();
    append(&store, 1, 10);
    let cursor = append(&store, 2, 100_000);
    store.put_blob(&collection(), BlobId(Sha256::digest(b"a blob").into()), &mut b"a blob".as_slice()).unwrap();
    let snapshot = Snapshot { cursor, device: DeviceId([0; 32]), payload: b"state".to_vec(), signature: Signature([0; 64]) };
    store.put_snapshot(&collection(), &snapshot).unwrap();
    store.note("somebody", "did", "something", "").unwrap();
    store
}

#[test]
fn a_backup_of_a_store_in_use_is_put_back_whole_and_lacks_what_came_later() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(folder.path());
    let backup = elsewhere.path().join("backup");
    let done = store.backup(&backup).unwrap();
    assert_eq!(done.files, 4);
    let before = store.head(&collection()).unwrap();
    let later = append(&store, 3, 10);
    let restored = elsewhere.path().join("restored");
    assert_eq!(restore(&restored, &backup).unwrap(), None);
    let restored = Sqlite::open(&restored).unwrap();
    assert_eq!(restored.head(&collection()).unwrap(), before);
    assert!(matches!(restored.read(&collection(), &later, 9), Err(Error::UnknownCursor { .. })));
    assert_eq!((restored.check().unwrap().entries, restored.check().unwrap().files), (2, 3));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 2, "nothing but the backup and the store is left");
}

#[test]
fn a_backup_replaces_no_file_and_a_restore_keeps_what_was_there() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = folder.path().join("store");
    let store = filled(&place);
    let backup = elsewhere.path().join("backup");
    store.backup(&backup).unwrap();
    assert!(matches!(store.backup(&backup), Err(Error::Conflict(_))));
    let later = append(&store, 3, 10);
    drop(store);
    let kept = restore(&place, &backup).unwrap().unwrap();
    assert_eq!(Sqlite::open(&kept).unwrap().head(&collection()).unwrap(), later);
    assert_eq!(Sqlite::open(&place).unwrap().head(&collection()).unwrap().sequence.0, 2);
}

#[test]
fn a_backup_that_lacks_a_file_its_rows_name_is_not_made() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(folder.path());
    fs::remove_dir_all(folder.path().join("envelopes")).unwrap();
    assert!(matches!(store.backup(&elsewhere.path().join("backup")), Err(Error::Unavailable(_))));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_store_in_use_is_shrunk() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path());
    store.shrink().unwrap();
    assert_eq!(store.check().unwrap().entries, 2);
}

#[test]
fn a_damaged_backup_is_put_back_nowhere() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let backup = elsewhere.path().join("backup");
    filled(folder.path()).backup(&backup).unwrap();
    let whole = fs::read(&backup).unwrap();
    let flipped: Vec<u8> = whole.iter().enumerate().map(|(at, byte)| if at == whole.len() - 200 { byte ^ 1 } else { *byte }).collect();
    let escaping: Vec<u8> = [b"syncretic backup 1\n".as_slice(), &6_u32.to_be_bytes(), b"../../", &0_u64.to_be_bytes()].concat();
    for bytes in [&whole[..whole.len() - 1], &whole[..100], b"nothing", &flipped, &escaping] {
        fs::write(&backup, bytes).unwrap();
        let target = elsewhere.path().join("restored");
        assert!(matches!(restore(&target, &backup), Err(Error::Integrity(_))));
        assert!(!target.exists());
    }
}

#[test]
fn a_check_counts_what_is_whole_and_stops_at_what_is_not() {
    let damages = [
        "UPDATE audit SET detail = 'another'",
        "UPDATE entry SET digest = zeroblob(32) WHERE sequence = 1",
        "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 2",
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path());
        let checked = store.check().unwrap();
        assert_eq!((checked.entries, checked.files, checked.audited), (2, 3, 1));
        assert!(matches!(store.check_signed(&|_, _, _| false), Err(Error::Integrity(text)) if text.contains("not signed")));
        let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
        connection.execute_batch(damage).unwrap();
        assert!(matches!(store.check(), Err(Error::Integrity(_))), "{damage}");
    }
}

#[test]
fn figures_tell_how_much_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let stats = filled(folder.path()).stats().unwrap();
    assert_eq!((stats.collections, stats.files), (vec![("contacts".to_owned(), 2, 2)], 3));
    assert!(stats.bytes > 100_000);
}
