//! Looking after a store: backups that are put back, checks that find what is wrong, and figures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chunks::ChunkKey;
use chunks::pack::pack;
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Cursor, DeviceId, Envelope, Error, Header, Piece, Recipe, Signature, Snapshot, Store,
    Timestamp, TransactionId,
};
use sha2::{Digest, Sha256};
use store::Sqlite;
use store::clock::Standing;
use store::sqlite::sweep::Swept;
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

fn put(store: &Sqlite, content: &[u8]) -> BlobId {
    let id = BlobId(Sha256::digest(content).into());
    store.put_blob(&collection(), id, &mut &content[..]).unwrap();
    id
}

/// Keeps chunks that no blob is made of, as an upload does that is not complete.
fn begin(store: &Sqlite, contents: &[&[u8]]) -> Vec<ChunkId> {
    let key = ChunkKey::of(&collection());
    let chunks: Vec<Chunk> = contents.iter().map(|content| pack(key.id(content), content.to_vec())).collect();
    store.put_chunks(&collection(), &chunks).unwrap();
    chunks.iter().map(|chunk| chunk.id).collect()
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn chunks_of_no_blob_go_after_a_week_and_not_while_somebody_relies_on_them() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(Standing::at(Timestamp(1_000_000))));
    let store = Sqlite::open_with(folder.path(), clock.clone()).unwrap();
    let blob = put(&store, b"a blob");
    let begun = begin(&store, &[b"one", b"two"]);
    let others = begin(&store, &[b"three"]);
    clock.pass(6 * DAY);
    assert_eq!(store.sweep().unwrap(), Swept::default());
    assert_eq!(store.missing_chunks(&collection(), &begun[..1]).unwrap(), []);
    clock.pass(2 * DAY);
    // The first pack held but one that is still relied on, which is in a pack of its own now.
    assert_eq!(store.sweep().unwrap(), Swept { chunks: 2, packs: 2 });
    assert_eq!(store.missing_chunks(&collection(), &[&begun[..], &others].concat()).unwrap(), [begun[1], others[0]]);
    store.blob(&collection(), blob, &mut io::sink()).unwrap();
    let one = Recipe { blob: BlobId(Sha256::digest(b"one").into()), pieces: vec![Piece { chunk: begun[0], length: 3 }] };
    store.put_recipes(&collection(), std::slice::from_ref(&one)).unwrap();
    clock.pass(100 * DAY);
    assert_eq!(store.sweep().unwrap(), Swept::default());
    store.blob(&collection(), one.blob, &mut io::sink()).unwrap();
    assert_eq!(store.check().unwrap().blobs, 2);
}

#[test]
fn a_pack_that_is_hardly_needed_is_written_anew_without_the_rest() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(Standing::at(Timestamp(1_000_000))));
    let store = Sqlite::open_with(folder.path(), clock.clone()).unwrap();
    let noise: Vec<u8> = (0..100_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let begun = begin(&store, &[&noise, b"needed"]);
    let needed = Recipe { blob: BlobId(Sha256::digest(b"needed").into()), pieces: vec![Piece { chunk: begun[1], length: 6 }] };
    store.put_recipes(&collection(), std::slice::from_ref(&needed)).unwrap();
    let (before, name) = (store.stats().unwrap(), collection());
    let mut reading = store.open_blob(&name, needed.blob).unwrap();
    clock.pass(8 * DAY);
    assert_eq!(store.sweep().unwrap(), Swept { chunks: 1, packs: 1 });
    let mut bytes = Vec::new();
    reading.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"needed", "it is read from where it is now");
    let after = store.stats().unwrap();
    assert_eq!((before.chunks, before.unused, after.chunks, after.unused), (2, 1, 1, 0));
    assert_eq!((after.files, store.check().unwrap().blobs), (before.files, 1));
    assert_eq!(store.sweep().unwrap(), Swept::default());
}

#[test]
fn a_pack_that_no_row_names_is_swept_once_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path());
    let shelf = folder.path().join("packs").join("ab".repeat(32)).join("cd");
    fs::create_dir_all(&shelf).unwrap();
    let [old, new] = [shelf.join("cd".repeat(32)), shelf.join(format!("cd{}", "00".repeat(31)))];
    [&old, &new].iter().for_each(|path| fs::write(path, b"what a killed process left").unwrap());
    let age = SystemTime::now() - 8 * DAY;
    fs::File::options().write(true).open(&old).unwrap().set_modified(age).unwrap();
    store.sweep().unwrap();
    assert_eq!((old.exists(), new.exists()), (false, true));
    store.blob(&collection(), BlobId(Sha256::digest(b"a blob").into()), &mut io::sink()).unwrap();
}

#[test]
fn a_backup_without_a_pack_that_its_blobs_need_is_none() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(folder.path());
    fs::rename(folder.path().join("packs"), elsewhere.path().join("packs")).unwrap();
    assert!(matches!(store.backup(&elsewhere.path().join("backup")), Err(Error::Unavailable(_))));
    assert!(matches!(store.check(), Err(Error::Integrity(_))));
    fs::rename(elsewhere.path().join("packs"), folder.path().join("packs")).unwrap();
    store.backup(&elsewhere.path().join("backup")).unwrap();
}
