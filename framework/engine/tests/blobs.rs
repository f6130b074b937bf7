//! Large blobs on their way: sent in pieces, fetched on from where they stopped, put together from what the device has.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::{
    Adapter, Atomicity, Blobs, Expect, Fate, Fingerprint, Item, Key, Keys as Stability, Known, Mode, Op, Outcome, Outcomes, Profile, Scan,
    Sink, StepId, View,
};
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Envelope, Error as StoreError, Fence, Give, Head, Lease,
    Page, Place, Recipe, Sequence, Signature, Snapshot, State, Store, TransactionId, Transfer,
};
use record::{Blob, Digest, Kind, Record, Value};
use store::Memory;
use syncretic_engine::objects::sqlite::Sqlite;
use syncretic_engine::{Doors, Endpoint, Error, Guard, JobReport, Keys, Listener, Phase, Progress, Randomness, Settings, run};

/// What an application holds: files by their names.
type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// An adapter over such files.
struct Folder {
    files: Files,
    profile: Profile,
    saves: Saves,
}

/// Files that somebody saves whenever they are read to be sent, and how often they still will.
type Saves = Arc<Mutex<BTreeMap<String, usize>>>;

fn folder(files: &Files, saves: &Saves) -> Box<Folder> {
    let profile = Profile {
        kinds: vec![Kind::new("file")],
        keys: Stability::Stable,
        atomicity: Atomicity::Item,
        view: View::everything(),
        volatile: View::default(),
        unique: None,
    };
    Box::new(Folder { files: Arc::clone(files), profile, saves: Arc::clone(saves) })
}

fn shown(name: &str, bytes: &[u8]) -> (Fingerprint, Record) {
    let digest = Digest::of(bytes);
    let content = Value::Blob(Blob { digest, length: bytes.len() as u64 });
    (Fingerprint(digest.0.to_vec()), Record::new(Kind::new("file")).with("path", Value::text(name)).with("content", content))
}

impl Folder {
    fn put(&self, name: &str, expect: Expect<'_>, record: &Record, mode: Mode, blobs: &dyn Blobs) -> Outcome {
        let mut files = self.files.lock().unwrap();
        let found = files.get(name).map(|bytes| shown(name, bytes).0);
        let fits = match expect {
            Expect::Absent => found.is_none(),
            Expect::Fingerprint(expected) => found.as_ref() == Some(expected),
        };
        let (true, Some(Value::Blob(blob))) = (fits, record.field("content")) else { return Outcome::Stale };
        let mut bytes = Vec::new();
        let read = blobs.open(blob.digest).map_err(|error| error.to_string());
        if let Err(reason) = read.and_then(|mut from| from.read_to_end(&mut bytes).map_err(|error| error.to_string())) {
            return Outcome::Refused { reason };
        }
        let (fingerprint, record) = shown(name, &bytes);
        let length = bytes.len() as u64;
        if mode == Mode::Perform {
            files.insert(name.to_owned(), bytes);
        }
        Outcome::Put { key: Key::new(name), fingerprint, record, bytes: length }
    }
}

impl Adapter for Folder {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, adapter::Error> {
        for (name, bytes) in self.files.lock().unwrap().iter() {
            let (key, (fingerprint, record)) = (Key::new(name), shown(name, bytes));
            if known.fingerprint(&key).as_ref() == Some(&fingerprint) {
                out.unchanged(key, fingerprint);
            } else {
                out.item(Item { key, fingerprint, record, place: adapter::Place::default() });
            }
        }
        Ok(Scan { root: b"root".to_vec(), note: None })
    }

    fn apply(&mut self, _: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), adapter::Error> {
        for (index, op) in ops.iter().enumerate() {
            let outcome = match op {
                Op::Put { expect, record, .. } => self.put(record.text("path").unwrap(), *expect, record, mode, blobs),
                Op::Delete { .. } => Outcome::Refused { reason: "nothing is deleted here".into() },
            };
            out.outcome(index, outcome);
        }
        Ok(())
    }

    fn recover(&mut self, _: StepId) -> Result<Vec<Fate>, adapter::Error> {
        Ok(Vec::new())
    }

    fn settle(&mut self, _: StepId) -> Result<(), adapter::Error> {
        Ok(())
    }

    fn blob(&mut self, key: &Key, _: Digest, to: &mut dyn Write) -> Result<(), adapter::Error> {
        let mut files = self.files.lock().unwrap();
        let bytes = files.get_mut(&key.0).ok_or_else(|| adapter::Error::Fatal("it is not there".into()))?;
        if let Some(left) = self.saves.lock().unwrap().get_mut(&key.0).filter(|left| **left > 0) {
            *left -= 1;
            bytes.push(b'+');
            return Err(adapter::Error::Changed { path: key.0.clone().into() });
        }
        to.write_all(bytes).map_err(|error| adapter::Error::Fatal(error.to_string()))
    }
}

/// A store elsewhere, that counts what it is asked for and falls silent after so many chunks.
struct Elsewhere {
    inner: Memory,
    fetched: AtomicU64,
    silent_after: AtomicU64,
    lost: Mutex<Option<BlobId>>,
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {$(
        fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
            self.inner.$name($($argument),*)
        }
    )+};
}

impl Store for Elsewhere {
    fn is_shared(&self) -> bool {
        true
    }

    fn chunks(&self, name: &Collection, ids: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.fetched.load(Ordering::SeqCst) >= self.silent_after.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("it is silent".into()));
        }
        self.fetched.fetch_add(ids.len() as u64, Ordering::SeqCst);
        self.inner.chunks(name, ids, take)
    }

    fn blob(&self, name: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), StoreError> {
        if *self.lost.lock().unwrap() == Some(id) { Err(StoreError::NoSuchBlob(id.to_string())) } else { self.inner.blob(name, id, to) }
    }

    passed_on! {
        head(name: &Collection) -> Head;
        append_fenced(name: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Appended;
        read(name: &Collection, after: &Cursor, limit: usize) -> Page;
        wait(name: &Collection, known: &Head, patience: Duration) -> Head;
        place(name: &Collection, sequence: Sequence) -> Place;
        find(name: &Collection, transactions: &[TransactionId]) -> Vec<(TransactionId, Cursor)>;
        arrived(name: &Collection, device: &DeviceId, cursor: &Cursor) -> ();
        state(name: &Collection) -> State;
        put_snapshot(name: &Collection, snapshot: &Snapshot) -> ();
        snapshot(name: &Collection) -> Option<Snapshot>;
        compact(name: &Collection, horizon: &Cursor) -> Compacted;
        acquire(name: &Collection, device: &DeviceId, time: Duration) -> Lease;
        renew(name: &Collection, fence: Fence, time: Duration) -> Lease;
        release(name: &Collection, fence: Fence) -> ();
        lease(name: &Collection) -> Option<Lease>;
        missing(name: &Collection, blobs: &[BlobId]) -> Vec<BlobId>;
        put_blobs(name: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Transfer;
        missing_chunks(name: &Collection, chunks: &[ChunkId]) -> Vec<ChunkId>;
        put_chunks(name: &Collection, chunks: &[Chunk]) -> ();
        put_recipes(name: &Collection, recipes: &[Recipe]) -> ();
        recipe(name: &Collection, id: BlobId) -> Recipe;
    }
}

struct Device(u8, AtomicU64);

impl Keys for Device {
    fn device(&self) -> DeviceId {
        DeviceId([self.0; 32])
    }

    fn sign(&self, _: &[u8]) -> Signature {
        Signature([0; 64])
    }

    fn verify(&self, _: &Collection, _: &DeviceId, _: &[u8], _: &Signature) -> bool {
        true
    }
}

impl Randomness for Device {
    fn id(&self) -> [u8; 16] {
        let mut id = [self.0; 16];
        id.iter_mut().zip(self.1.fetch_add(1, Ordering::SeqCst).to_be_bytes()).for_each(|(to, from)| *to = from);
        id
    }
}

/// Hears how far the fetching is.
#[derive(Default)]
struct Heard(Mutex<Vec<Progress>>);

impl Listener for Heard {
    fn hear(&self, _: &str, progress: &Progress) {
        if progress.phase == Phase::Fetch {
            self.0.lock().unwrap().push(*progress);
        }
    }
}

fn sync(store: &Elsewhere, device: &Device, files: &Files, state: &Path) -> Result<JobReport, Error> {
    sync_as(store, device, files, &Saves::default(), state, &syncretic_engine::Nobody)
}

fn sync_while(store: &Elsewhere, device: &Device, files: &Files, saves: &Saves, state: &Path) -> Result<JobReport, Error> {
    sync_as(store, device, files, saves, state, &syncretic_engine::Nobody)
}

fn sync_heard(store: &Elsewhere, device: &Device, files: &Files, state: &Path, progress: &dyn Listener) -> Result<JobReport, Error> {
    sync_as(store, device, files, &Saves::default(), state, progress)
}

fn sync_as(
    store: &Elsewhere,
    device: &Device,
    files: &Files,
    saves: &Saves,
    state: &Path,
    progress: &dyn Listener,
) -> Result<JobReport, Error> {
    let doors = Doors { store, keys: device, randomness: device, progress, pass: &|_| true };
    let settings = Settings {
        collection: "files".parse().unwrap(),
        policy: delta::Policy::Store,
        guard: Guard::default(),
        link: true,
        merge_text: true,
        device: "here".to_owned(),
        confirmed: std::collections::BTreeSet::new(),
    };
    let objects = Box::new(Sqlite::open(&state.join(format!("{}.db", device.0))).unwrap());
    run(&doors, &mut [Endpoint { name: "folder".into(), adapter: folder(files, saves), objects }], &settings)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    (0..length).map(|_| next()).collect()
}

fn incoming(state: &Path) -> usize {
    std::fs::read_dir(state.join("2.db.incoming")).map_or(0, Iterator::count)
}

#[test]
fn a_large_file_goes_on_where_it_stopped_and_an_edit_of_it_moves_what_changed() {
    let state = tempfile::tempdir().unwrap();
    let store = Elsewhere { inner: Memory::new(), fetched: AtomicU64::new(0), silent_after: AtomicU64::new(64), lost: Mutex::default() };
    let [one, two] = [1, 2].map(|number| Device(number, AtomicU64::new(0)));
    let [here, there]: [Files; 2] = [(); 2].map(|()| Files::default());
    let mut content = noise(20 << 20);
    here.lock().unwrap().insert("large".into(), content.clone());
    let sent = sync(&store, &one, &here, state.path()).unwrap();
    assert!(sent.reports[0].bytes_written > 20 << 20);
    let all = store.recipe(&"files".parse().unwrap(), BlobId(Digest::of(&content).0)).unwrap().pieces.len() as u64;

    let silent = sync(&store, &two, &there, state.path());
    assert!(matches!(silent, Err(Error::Store(StoreError::Unavailable(_)))), "{silent:?}");
    assert!(there.lock().unwrap().is_empty(), "nothing half is handed on");
    assert_eq!(incoming(state.path()), 1);
    store.silent_after.store(u64::MAX, Ordering::SeqCst);
    let before = store.fetched.load(Ordering::SeqCst);
    let heard = Heard::default();
    sync_heard(&store, &two, &there, state.path(), &heard).unwrap();
    let heard: Vec<u64> = heard.0.into_inner().unwrap().iter().map(|progress| progress.bytes.done).collect();
    // What was there already counts as well, each byte once: all are done before the phase says that it ends.
    assert!(heard.is_sorted() && heard[0] == 0 && heard.len() > 100, "{heard:?}");
    assert!(heard[1..heard.len() - 2].iter().all(|done| *done > 0) && heard[heard.len() - 2] == 20 << 20);
    assert!(heard.windows(2).all(|pair| pair[1] - pair[0] <= 256 << 10), "it moves as bytes move");
    assert!(*there.lock().unwrap() == *here.lock().unwrap());
    let after = store.fetched.load(Ordering::SeqCst);
    assert!(before >= 64 && after - before <= all - 32, "{before} chunks, then {}, of {all}", after - before);
    assert_eq!(incoming(state.path()), 0);

    content.insert(0, b'x');
    here.lock().unwrap().insert("large".into(), content);
    let edited = sync(&store, &one, &here, state.path()).unwrap();
    assert!(edited.reports[0].bytes_written < 600_000, "{}", edited.reports[0].bytes_written);
    sync(&store, &two, &there, state.path()).unwrap();
    assert!(*there.lock().unwrap() == *here.lock().unwrap());
    assert!(store.fetched.load(Ordering::SeqCst) - after <= 2, "the rest is on the device");
}

#[test]
fn a_file_that_is_saved_while_it_is_sent_is_looked_at_again_and_one_that_never_rests_waits_alone() {
    let state = tempfile::tempdir().unwrap();
    let store =
        Elsewhere { inner: Memory::new(), fetched: AtomicU64::new(0), silent_after: AtomicU64::new(u64::MAX), lost: Mutex::default() };
    let [one, two] = [1, 2].map(|number| Device(number, AtomicU64::new(0)));
    let [here, there]: [Files; 2] = [(); 2].map(|()| Files::default());
    here.lock().unwrap().extend(["calm", "log", "saved"].map(|name| (name.to_owned(), name.as_bytes().to_vec())));
    let saves = Saves::default();
    saves.lock().unwrap().extend([("log".to_owned(), usize::MAX), ("saved".to_owned(), 1)]);

    let first = sync_while(&store, &one, &here, &saves, state.path()).unwrap();
    let held: Vec<(&str, &str)> = first.reports[0].held.iter().map(|held| (held.title.as_str(), held.reason.as_str())).collect();
    assert_eq!(held, [("log", "log changed while it was read; sync again")]);
    sync(&store, &two, &there, state.path()).unwrap();
    let arrived: Vec<(String, Vec<u8>)> = there.lock().unwrap().clone().into_iter().collect();
    assert_eq!(arrived, [("calm".to_owned(), b"calm".to_vec()), ("saved".to_owned(), b"saved+".to_vec())]);

    saves.lock().unwrap().clear();
    assert_eq!(sync(&store, &one, &here, state.path()).unwrap().reports[0].held, []);
    sync(&store, &two, &there, state.path()).unwrap();
    assert_eq!(*there.lock().unwrap(), *here.lock().unwrap());
}

#[test]
fn a_text_is_merged_with_its_ancestor_and_is_a_conflict_without_it() {
    for lost in [false, true] {
        let state = tempfile::tempdir().unwrap();
        let store =
            Elsewhere { inner: Memory::new(), fetched: AtomicU64::new(0), silent_after: AtomicU64::new(u64::MAX), lost: Mutex::default() };
        let [one, two] = [1, 2].map(|number| Device(number, AtomicU64::new(0)));
        let [here, there]: [Files; 2] = [(); 2].map(|()| Files::default());
        let write = |files: &Files, text: &str| drop(files.lock().unwrap().insert("poem".into(), text.into()));
        write(&here, "roses\nviolets\nsugar\n");
        sync(&store, &one, &here, state.path()).unwrap();
        sync(&store, &two, &there, state.path()).unwrap();
        *store.lost.lock().unwrap() = lost.then(|| BlobId(Digest::of(b"roses\nviolets\nsugar\n").0));
        write(&here, "ROSES\nviolets\nsugar\n");
        write(&there, "roses\nviolets\nsugar\nand you\n");
        sync(&store, &one, &here, state.path()).unwrap();
        let report = sync(&store, &two, &there, state.path()).unwrap();
        sync(&store, &one, &here, state.path()).unwrap();
        assert_eq!((report.settled, report.reports[0].conflicts), (true, usize::from(lost)));
        let merged = if lost { "ROSES\nviolets\nsugar\n" } else { "ROSES\nviolets\nsugar\nand you\n" };
        for files in [&here, &there] {
            assert_eq!(files.lock().unwrap()["poem"], merged.as_bytes());
        }
    }
}
