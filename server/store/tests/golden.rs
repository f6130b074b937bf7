//! What a store writes must stay what other versions read: a store of version 1, as SQL and as paths.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use protocol::{
    Appended, BlobId, Collection, Cursor, DeviceId, Entry, Envelope, Hash, Header, LogId, RecordDigest, Sequence, Signature, Store,
    TransactionId,
};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use store::Sqlite;
use syncretic_store as store;

const VERSION_1: &str = include_str!("fixtures/store-1.sql");
const VERSION_2: &str = include_str!("fixtures/store-2.sql");
const VERSION_3: &str = include_str!("fixtures/store-3.sql");
const PACK_BYTES: &str = include_str!("fixtures/pack-1.hex");
const PACK: &str = "packs/aa5af4084f3746bb29a29fd6ccc017a7dd49ca3b79dbeb2ec8fdbcd1ca3c50ce/77/77e57684f497f5efd3658f188172ab2de57ad3776aead792a1d30139b98f4023";
const LARGE: &str = "envelopes/aa5af4084f3746bb29a29fd6ccc017a7dd49ca3b79dbeb2ec8fdbcd1ca3c50ce/71/71e00d36827eb7b3af3b72d23545b2d2a67b92ac99b23f066e45ce40f6b4d13d";
const BLOB: &str = "blobs/aa5af4084f3746bb29a29fd6ccc017a7dd49ca3b79dbeb2ec8fdbcd1ca3c50ce/55/5570a3cf02207f1d352d2cfea385be4bc0b2b9414f606baa6f55db60b232f221";

fn collection() -> Collection {
    "contacts".parse().unwrap()
}

fn start() -> Cursor {
    Cursor::start(LogId([0x33; 16]))
}

/// The two entries of the golden store: one in its row, one in a file.
fn entries() -> Vec<Entry> {
    let envelope = |base, number: u8, length| Envelope {
        transaction: TransactionId([number; 16]),
        device: DeviceId([0x22; 32]),
        base,
        header: Header { operations: 3, deletions: 1, records: vec![RecordDigest([0x55; 16]), RecordDigest([0x66; 16])] },
        payload: vec![number; length],
        signature: Signature([0x77; 64]),
    };
    let small = Entry::after(&start(), envelope(start(), 1, 7));
    let base = small.cursor(start().log);
    vec![small, Entry::after(&base, envelope(base, 2, 65_536))]
}

fn old_store(folder: &Path) -> Sqlite {
    store_of(folder, VERSION_1)
}

fn store_of(folder: &Path, version: &str) -> Sqlite {
    let connection = Connection::open(folder.join("store.db")).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    connection.execute_batch(version).unwrap();
    for (path, bytes) in [(LARGE, entries().last().unwrap().envelope.encode()), (BLOB, b"a blob".to_vec())] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    Sqlite::open(folder).unwrap()
}

fn tables(path: &Path) -> BTreeMap<String, String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    statement.query_map([], |row| Ok((row.get(0)?, words(row.get(1)?)))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_store_of_version_1_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = old_store(folder.path());
    let page = store.read(&collection(), &start(), 9).unwrap();
    assert_eq!(page.head, entries().last().unwrap().cursor(start().log));
    assert_eq!(page.entries, entries());
    let mut blob = Vec::new();
    store.blob(&collection(), BlobId(Sha256::digest(b"a blob").into()), &mut blob).unwrap();
    assert_eq!(blob, b"a blob");
}

#[test]
fn a_store_of_version_1_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let store = old_store(folder.path());
    let head = store.head(&collection()).unwrap();
    let next = Envelope { base: head, transaction: TransactionId([3; 16]), ..entries().swap_remove(0).envelope };
    let Appended::Entry(entry) = store.append(&collection(), &next).unwrap() else { unreachable!("the base is the head") };
    assert_eq!((entry.sequence, entry.previous), (Sequence(3), head.hash));
}

#[test]
fn a_new_store_and_one_brought_forward_have_the_golden_tables() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [old, golden, new] = folders.each_ref().map(tempfile::TempDir::path);
    drop((old_store(old), store_of(golden, VERSION_3), Sqlite::open(new).unwrap()));
    assert_eq!(tables(&new.join("store.db")), tables(&golden.join("store.db")));
    assert_eq!(tables(&old.join("store.db")), tables(&golden.join("store.db")));
}

#[test]
fn a_store_of_version_2_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), VERSION_2);
    let (first, device) = (entries().swap_remove(0).cursor(start().log), DeviceId([0x22; 32]));
    assert_eq!(store.read(&collection(), &first, 9).unwrap().entries, entries().split_off(1));
    assert_eq!(store.identity().unwrap().0, [0x77; 16]);
    let state = store.state(&collection()).unwrap();
    assert_eq!((state.horizon, state.lease_mode, state.lease), (first, protocol::LeaseMode::Exclusive, None));
    let member = state.members.iter().find(|member| member.device == device).unwrap();
    assert_eq!((member.name.as_str(), member.right, member.cursor, member.lag), ("laptop", Some(protocol::Right::Write), Some(first), 1));
    let revoked = store.device(&DeviceId([0x23; 32])).unwrap().revoked.unwrap();
    assert_eq!((revoked.by.as_str(), revoked.at.0), ("laptop", 950));
    assert_eq!(store.held(&collection()).unwrap().first().map(|held| held.deletions), Some(20));
    assert_eq!(store.acquire(&collection(), &device, std::time::Duration::from_secs(1)).unwrap().fence, protocol::Fence(42));
}

#[test]
fn a_store_of_version_3_is_read_and_its_blob_is_made_of_the_golden_pack() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), VERSION_3);
    let path = folder.path().join(PACK);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let digits: Vec<u8> = PACK_BYTES.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
    fs::write(&path, digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect::<Vec<u8>>()).unwrap();
    let content = b"a new blob".repeat(1000);
    let id = BlobId(Sha256::digest(&content).into());
    let mut blob = Vec::new();
    store.blob(&collection(), id, &mut blob).unwrap();
    assert_eq!(blob, content);
    assert_eq!(store.recipe(&collection(), id).unwrap().pieces.len(), 1);
    assert_eq!(store.put_blob(&collection(), id, &mut content.as_slice()).map(|()| store.stats().unwrap().chunks).unwrap(), 1);
}

#[test]
fn a_blob_of_an_older_store_gets_a_recipe_when_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of(folder.path(), VERSION_2);
    let id = BlobId(Sha256::digest(b"a blob").into());
    assert_eq!(store.missing(&collection(), &[id]).unwrap(), []);
    let recipe = store.recipe(&collection(), id).unwrap();
    assert_eq!((recipe.blob, recipe.length()), (id, 6));
    store.chunks(&collection(), &[recipe.pieces.first().unwrap().chunk], &mut |_| Ok(())).unwrap();
}

#[test]
fn files_lie_where_version_1_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    let base = store.head(&collection()).unwrap();
    let envelope = Envelope { base, ..entries().swap_remove(1).envelope };
    store.append(&collection(), &envelope).unwrap();
    let shelf = |golden: &str| Path::new(golden).parent().unwrap().parent().unwrap().to_owned();
    let digest = Hash(Sha256::digest(envelope.encode()).into()).to_string();
    let large = folder.path().join(shelf(LARGE)).join(&digest[..2]).join(&digest);
    assert_eq!(fs::read(large).unwrap(), envelope.encode());
}
