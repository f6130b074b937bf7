//! Damaged folders: each gives an error that names the file and what to do, and never a panic or a wrong answer.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use protocol::{Appended, BlobId, Collection, Cursor, DeviceId, Entry, Envelope, Error, Hash, Header, Signature, Store, TransactionId};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use store::Sqlite;
use syncretic_store as store;

const LARGE: usize = 80 << 10;

fn collection() -> Collection {
    "contacts".parse().unwrap()
}

fn envelope(base: Cursor, number: u8, payload: Vec<u8>) -> Envelope {
    Envelope {
        transaction: TransactionId([number; 16]),
        device: DeviceId([0; 32]),
        base,
        header: Header { operations: 1, deletions: 0, records: Vec::new() },
        payload,
        signature: Signature([0; 64]),
    }
}

fn append(store: &Sqlite, envelope: &Envelope) -> Entry {
    match store.append(&collection(), envelope).unwrap() {
        Appended::Entry(entry) => entry,
        Appended::Stale(page) => panic!("stale: {page:?}"),
    }
}

/// Makes a store with a small entry, a large one and a blob, and returns where it begins.
fn filled(folder: &Path) -> Cursor {
    let store = Sqlite::open(folder).unwrap();
    let start = store.head(&collection()).unwrap();
    let first = append(&store, &envelope(start, 1, b"a small payload".to_vec()));
    append(&store, &envelope(first.cursor(start.log), 2, vec![2; LARGE]));
    store.put_blob(&collection(), blob(), &mut b"a blob".as_slice()).unwrap();
    start
}

fn blob() -> BlobId {
    BlobId(Sha256::digest(b"a blob").into())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    items.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn only_file(folder: &Path) -> PathBuf {
    let files = files(folder);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn edit(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn execute(folder: &Path, sql: &str) {
    Connection::open(folder.join("store.db")).unwrap().execute_batch(sql).unwrap();
}

fn integrity<T: std::fmt::Debug>(answer: Result<T, Error>, path: &Path) {
    match answer {
        Err(Error::Integrity(text)) => {
            assert!(text.contains(&path.display().to_string()), "the file is not named: {text}");
            assert!(text.contains("from a backup"), "nothing to do is named: {text}");
        }
        other => panic!("integrity was expected, not {other:?}"),
    }
}

fn opening(folder: &Path) -> Error {
    match Sqlite::open(folder) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_flipped_byte_in_an_envelope_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let start = filled(folder.path());
    let path = folder.path().join("store.db");
    edit(&path, |bytes| {
        let place = bytes.windows(15).position(|window| window == b"a small payload").unwrap();
        bytes[place] ^= 1;
    });
    let store = Sqlite::open(folder.path()).unwrap();
    integrity(store.read(&collection(), &start, 9), &path);
    integrity(store.append(&collection(), &envelope(start, 1, b"a small payload".to_vec())), &path);
}

#[test]
fn a_truncated_flipped_or_missing_payload_file_is_noticed() {
    let damages: [fn(&Path); 3] = [
        |path| edit(path, |bytes| bytes.truncate(1000)),
        |path| edit(path, |bytes| bytes[70_000] ^= 0x80),
        |path| fs::remove_file(path).unwrap(),
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let start = filled(folder.path());
        let path = only_file(&folder.path().join("envelopes"));
        damage(&path);
        integrity(Sqlite::open(folder.path()).unwrap().read(&collection(), &start, 9), &path);
    }
}

#[test]
fn a_damaged_blob_is_noticed_and_heals_when_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let other = BlobId(Sha256::digest(b"another blob").into());
    let path = only_file(&folder.path().join("packs"));
    let damages: [fn(&Path); 4] = [
        |path| edit(path, |bytes| bytes.truncate(30)),
        |path| edit(path, |bytes| *bytes.last_mut().unwrap() ^= 1),
        |path| edit(path, |bytes| bytes[24 + 33] = 0xff),
        |path| fs::remove_file(path).unwrap(),
    ];
    for damage in damages {
        let store = Sqlite::open(folder.path()).unwrap();
        store.put_blob(&collection(), other, &mut b"another blob".as_slice()).unwrap();
        let path = files(&folder.path().join("packs")).into_iter().find(|path| holds(path, b"a blob")).unwrap_or(path.clone());
        damage(&path);
        assert_eq!(store.missing(&collection(), &[blob()]).unwrap(), [], "nobody has looked yet");
        integrity(store.blob(&collection(), blob(), &mut Vec::new()), &path);
        assert_eq!(store.missing(&collection(), &[blob(), other]).unwrap(), [blob()]);
        store.blob(&collection(), other, &mut Vec::new()).unwrap();
        store.put_blob(&collection(), blob(), &mut b"a blob".as_slice()).unwrap();
        let mut bytes = Vec::new();
        store.blob(&collection(), blob(), &mut bytes).unwrap();
        assert_eq!((bytes.as_slice(), store.missing(&collection(), &[blob()]).unwrap()), (b"a blob".as_slice(), vec![]));
        let _ = fs::remove_file(path);
    }
}

fn holds(path: &Path, content: &[u8]) -> bool {
    fs::read(path).unwrap().windows(content.len()).any(|window| window == content)
}

#[test]
fn a_damaged_blob_of_an_older_store_is_noticed_and_heals_when_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.head(&collection()).unwrap();
    let [owner, name] = [b"contacts".as_slice(), b"a blob"].map(|text| Hash(Sha256::digest(text).into()).to_string());
    let path = folder.path().join("blobs").join(owner).join(&name[..2]).join(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"a blo").unwrap();
    assert_eq!(store.missing(&collection(), &[blob()]).unwrap(), []);
    integrity(store.blob(&collection(), blob(), &mut Vec::new()), &path);
    assert!(store.recipe(&collection(), blob()).is_err());
    store.put_blob(&collection(), blob(), &mut b"a blob".as_slice()).unwrap();
    store.blob(&collection(), blob(), &mut Vec::new()).unwrap();
}

#[test]
fn a_pack_that_cannot_be_read_at_present_is_not_taken_for_damaged() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (path, aside) = (only_file(&folder.path().join("packs")), folder.path().join("aside"));
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let refused = store.blob(&collection(), blob(), &mut Vec::new());
    assert!(matches!(&refused, Err(Error::Failed(text)) if text.contains(&path.display().to_string())), "{refused:?}");
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    assert_eq!(store.missing(&collection(), &[blob()]).unwrap(), []);
    store.blob(&collection(), blob(), &mut Vec::new()).unwrap();
}

#[test]
fn damaged_rows_of_blobs_are_noticed() {
    for damage in ["UPDATE piece SET chunk = 99", "UPDATE chunk SET place = 0", "UPDATE chunk SET length = 5", "DELETE FROM piece"] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        execute(folder.path(), &format!("PRAGMA foreign_keys = OFF; {damage}"));
        let store = Sqlite::open(folder.path()).unwrap();
        assert!(matches!(store.blob(&collection(), blob(), &mut Vec::new()), Err(Error::Integrity(_))), "{damage}");
        assert!(store.check().is_err(), "{damage}");
    }
}

#[test]
fn a_garbage_database_is_noticed_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, [0x5a; 5000]).unwrap();
    integrity(Err::<(), _>(opening(folder.path())), &path);
    assert_eq!(fs::read(&path).unwrap(), [0x5a; 5000]);
}

#[test]
fn a_missing_entry_and_a_changed_hash_break_the_chain() {
    for damage in ["DELETE FROM entry WHERE sequence = 1", "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 2"] {
        let folder = tempfile::tempdir().unwrap();
        let start = filled(folder.path());
        execute(folder.path(), damage);
        let store = Sqlite::open(folder.path()).unwrap();
        integrity(store.read(&collection(), &start, 9), &folder.path().join("store.db"));
    }
}

#[test]
fn values_of_other_lengths_are_noticed() {
    for damage in ["UPDATE entry SET hash = x'00'", "UPDATE entry SET digest = x'00'", "UPDATE log SET log = x'00'"] {
        let folder = tempfile::tempdir().unwrap();
        let start = filled(folder.path());
        execute(folder.path(), damage);
        let store = Sqlite::open(folder.path()).unwrap();
        integrity(store.read(&collection(), &start, 9), &folder.path().join("store.db"));
        integrity(store.append(&collection(), &envelope(start, 9, Vec::new())), &folder.path().join("store.db"));
    }
}

#[test]
fn a_newer_store_is_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    execute(folder.path(), "UPDATE schema SET version = 99");
    assert!(matches!(opening(folder.path()), Error::Newer { found: 99, known: 3, .. }));
}

#[test]
fn a_database_of_another_program_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    execute(folder.path(), "CREATE TABLE songs (name TEXT)");
    let before = fs::read(folder.path().join("store.db")).unwrap();
    let error = opening(folder.path());
    assert!(matches!(&error, Error::Failed(text) if text.contains("another program")), "{error}");
    assert_eq!(fs::read(folder.path().join("store.db")).unwrap(), before);
}

#[test]
fn a_folder_that_is_a_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    fs::write(&path, b"a file").unwrap();
    assert!(opening(&path).to_string().contains(&path.display().to_string()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_damage_to_the_database_gives_the_truth_or_an_error(
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..40), cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let start = filled(folder.path());
        let truth = Sqlite::open(folder.path()).unwrap().read(&collection(), &start, 9).unwrap();
        edit(&folder.path().join("store.db"), |bytes| {
            for (place, flip) in &places {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
        });
        if let Ok(store) = Sqlite::open(folder.path()) {
            if let Ok(page) = store.read(&collection(), &start, 9) {
                prop_assert!(truth.entries.starts_with(&page.entries));
            }
            let _ = store.head(&collection());
            let _ = store.append(&collection(), &envelope(truth.head, 9, vec![1; 10]));
        }
    }
}
