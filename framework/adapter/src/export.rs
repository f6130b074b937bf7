//! An adapter written against the traits of this crate, behind the boundary: what `adapter::export!(MyFormat);` offers.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use record::codec::{Reader, Writer};
use record::{Digest, Pointer, Record, RecordId};

use crate::abi::{Exported, Instance, Remote};
use crate::contract::{Adapter, Blobs, Known, Outcomes, Sink};
use crate::crossing::{CANCELLED, Failure, PROTOCOL, RawAnswer, RawFate, RawItem, RawOp, fate, outcome, path_bytes, state};
use crate::documents;
use crate::error::Error;
use crate::format::{Format, Host, Options};
use crate::item::{Broken, Fingerprint, Item, Key, Place};
use crate::operation::{Expect, Fate, Mode, Op, Outcome, StepId};

/// How many items are handed over at once.
const BATCH: usize = 256;
/// How many bytes are handed over at once, give or take an item.
const BATCH_BYTES: usize = 256 * 1024;

/// A format as a library offers it.
#[derive(Clone, Copy)]
pub struct Export(pub &'static dyn Format);

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Export({})", self.0.describe().id)
    }
}

#[expect(private_interfaces, reason = "nobody else can call it")]
impl Exported for Export {
    fn id(&self) -> String {
        self.0.describe().id.to_owned()
    }

    fn describe(&self) -> Vec<u8> {
        documents::description(&self.0.describe()).into_bytes()
    }

    fn open(&self, path: PathBuf, options: &Options, host: Remote) -> Result<Box<dyn Instance>, Failure> {
        let calls = Calls(Arc::new(Mutex::new(Some(host))));
        let adapter = self.0.open(path.clone(), options, Box::new(calls.clone())).map_err(|error| Failure::from(&error))?;
        calls.enter(None);
        Ok(Box::new(Opened { adapter, path, calls }))
    }
}

/// The host of an adapter: whatever call is open answers.
#[derive(Clone)]
struct Calls(Arc<Mutex<Option<Remote>>>);

impl Calls {
    fn enter(&self, host: Option<Remote>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }

    fn now(&self) -> Option<Remote> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Calls {
    fn log(&self, message: &str) {
        self.now().inspect(|host| host.log(message));
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        self.now().inspect(|host| host.progress(done, of));
    }

    fn cancelled(&self) -> bool {
        self.now().is_some_and(|host| host.cancelled())
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.now()?.secret(name)
    }
}

struct Opened {
    adapter: Box<dyn Adapter>,
    path: PathBuf,
    calls: Calls,
}

impl Instance for Opened {
    fn enter(&mut self, host: Option<Remote>) {
        self.calls.enter(host);
    }

    fn profile(&mut self) -> Vec<u8> {
        documents::profile(self.adapter.profile()).into_bytes()
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Failure> {
        went(self.adapter.same(note))
    }

    fn scan(&mut self, host: Remote) -> Result<(), Failure> {
        let mut out = Batch::new(host, path_bytes(&self.path));
        let scan = went(self.adapter.scan(&Lookup(host), &mut out))?;
        out.flush();
        match out.stopped {
            Some(failure) => Err(failure),
            None => host.scanned(&scan.root, &scan.note.unwrap_or_default()),
        }
    }

    fn apply(&mut self, host: Remote, step: [u8; 16], ops: &[RawOp<'_>], mode: Mode) -> Result<(), Failure> {
        let owned = ops.iter().map(OwnedOp::read).collect::<Result<Vec<_>, _>>()?;
        let ops: Vec<Op<'_>> = owned.iter().map(OwnedOp::lend).collect();
        let mut answers = Answers { host, stopped: None };
        went(self.adapter.apply(StepId(step), &ops, mode, &Lent(host), &mut answers))?;
        answers.stopped.map_or(Ok(()), Err)
    }

    fn recover(&mut self, host: Remote, step: [u8; 16]) -> Result<(), Failure> {
        went(self.adapter.recover(StepId(step)))?.iter().try_for_each(|told| match told {
            Fate::Done { key, fingerprint } => host.fate(&RawFate {
                fate: fate::DONE,
                key: key.as_ref().map_or(&[], |key| key.0.as_bytes()),
                fingerprint: fingerprint.as_ref().map_or(&[], |fingerprint| &fingerprint.0),
            }),
            Fate::NotDone => host.fate(&RawFate { fate: fate::NOT_DONE, ..RawFate::default() }),
            Fate::Unknown => host.fate(&RawFate { fate: fate::UNKNOWN, ..RawFate::default() }),
        })
    }

    fn settle(&mut self, step: [u8; 16]) -> Result<(), Failure> {
        went(self.adapter.settle(StepId(step)))
    }

    fn blob(&mut self, host: Remote, key: &str, digest: [u8; 32]) -> Result<(), Failure> {
        went(self.adapter.blob(&Key::new(key), Digest(digest), &mut Given(host)))
    }
}

fn went<T>(outcome: Result<T, Error>) -> Result<T, Failure> {
    outcome.map_err(|error| Failure::from(&error))
}

/// What the host knows.
struct Lookup(Remote);

impl Known for Lookup {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.known(&key.0).map(Fingerprint)
    }

    /// The boundary does not count; one that is asked answers as if something were known.
    fn count(&self) -> usize {
        1
    }
}

/// Items that wait to be handed over: everything stands in one buffer.
struct Batch<'p> {
    host: Remote,
    place: &'p [u8],
    bytes: Vec<u8>,
    waiting: Vec<Waiting>,
    stopped: Option<Failure>,
}

/// Where an item's parts end in the buffer, one after the other from `start`.
#[derive(Clone, Copy)]
struct Waiting {
    state: u32,
    start: usize,
    ends: [usize; 6],
    line: u64,
    column: u64,
}

impl<'p> Batch<'p> {
    fn new(host: Remote, place: &'p [u8]) -> Self {
        Self { host, place, bytes: Vec::new(), waiting: Vec::with_capacity(BATCH), stopped: None }
    }

    /// Adds an item of these parts: key, fingerprint, record, path, title, reason.
    fn add(&mut self, state: u32, place: &Place, key: &str, fingerprint: &[u8], record: Option<&Record>, [title, reason]: [&str; 2]) {
        if self.stopped.is_some() {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key.as_bytes());
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(fingerprint);
        let fingerprint_end = self.bytes.len();
        if let Some(record) = record {
            let mut writer = Writer::appending(std::mem::take(&mut self.bytes));
            writer.record(record);
            self.bytes = writer.finish();
        }
        let record_end = self.bytes.len();
        let path = path_bytes(&place.path);
        self.bytes.extend_from_slice(if path == self.place { &[] } else { path });
        let path_end = self.bytes.len();
        self.bytes.extend_from_slice(title.as_bytes());
        let title_end = self.bytes.len();
        self.bytes.extend_from_slice(reason.as_bytes());
        let ends = [key_end, fingerprint_end, record_end, path_end, title_end, self.bytes.len()];
        let (line, column) = (place.line.unwrap_or_default(), place.column.unwrap_or_default());
        self.waiting.push(Waiting { state, start, ends, line, column });
        if self.waiting.len() >= BATCH || self.bytes.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let items: Vec<RawItem<'_>> = self.waiting.iter().map(|waiting| waiting.lend(&self.bytes)).collect();
        if let Err(failure) = self.host.emit(&items) {
            let cancelled = failure.code == CANCELLED;
            self.stopped = Some(if cancelled { Failure::new(CANCELLED, "cancelled") } else { failure });
        }
        self.bytes.clear();
        self.waiting.clear();
    }
}

impl Waiting {
    fn lend<'b>(&self, bytes: &'b [u8]) -> RawItem<'b> {
        let mut start = self.start;
        let [key, fingerprint, record, path, title, reason] = self.ends.map(|end| {
            let part = bytes.get(start..end).unwrap_or_default();
            start = end;
            part
        });
        RawItem { state: self.state, key, fingerprint, record, path, line: self.line, column: self.column, title, reason }
    }
}

impl Sink for Batch<'_> {
    fn item(&mut self, item: Item) {
        self.add(state::ITEM, &item.place, &item.key.0, &item.fingerprint.0, Some(&item.record), ["", ""]);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.add(state::UNCHANGED, &Place::default(), &key.0, &fingerprint.0, None, ["", ""]);
    }

    fn broken(&mut self, broken: Broken) {
        let key = broken.key.map(|key| key.0).unwrap_or_default();
        let title = broken.title.unwrap_or_default();
        self.add(state::BROKEN, &broken.place, &key, &[], None, [&title, &broken.reason]);
    }
}

/// An operation that has been read.
struct OwnedOp {
    id: RecordId,
    key: Option<Key>,
    fingerprint: Option<Fingerprint>,
    record: Option<Record>,
    changed: Vec<Pointer>,
}

impl OwnedOp {
    fn read(op: &RawOp<'_>) -> Result<Self, Failure> {
        let record = op.record.as_deref().map(read_record).transpose()?;
        if record.is_none() && op.key.is_none() {
            return Err(Failure::new(PROTOCOL, "the host asked to delete an item without a key"));
        }
        Ok(Self {
            id: RecordId(op.id),
            key: op.key.map(Key::new),
            fingerprint: op.fingerprint.map(|bytes| Fingerprint(bytes.to_vec())),
            record,
            changed: op.changed.iter().map(|pointer| Pointer::new(pointer)).collect(),
        })
    }

    fn lend(&self) -> Op<'_> {
        static NONE: Key = Key(String::new());
        let expect = self.fingerprint.as_ref().map_or(Expect::Absent, Expect::Fingerprint);
        match &self.record {
            Some(record) => Op::Put { id: self.id, key: self.key.as_ref(), expect, record, changed: &self.changed },
            None => Op::Delete { id: self.id, key: self.key.as_ref().unwrap_or(&NONE), expect },
        }
    }
}

fn read_record(bytes: &[u8]) -> Result<Record, Failure> {
    let mut reader = Reader::new(bytes);
    let record = reader.record().and_then(|record| reader.finish().map(|()| record));
    record.map_err(|error| Failure::new(PROTOCOL, format!("the host gave a record that cannot be read: {error}")))
}

struct Answers {
    host: Remote,
    stopped: Option<Failure>,
}

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, answer: Outcome) {
        let index = index as u64;
        let sent = match &answer {
            Outcome::Put { key, fingerprint, record, bytes } => {
                let mut writer = Writer::default();
                writer.record(record);
                let record = writer.finish();
                let (key, fingerprint) = (key.0.as_bytes(), fingerprint.0.as_slice());
                let outcome = outcome::DONE;
                self.host.answer(&RawAnswer { outcome, index, key, fingerprint, record: &record, bytes: *bytes, reason: &[] })
            }
            Outcome::Deleted { bytes } => {
                self.host.answer(&RawAnswer { outcome: outcome::DELETED, index, bytes: *bytes, ..RawAnswer::default() })
            }
            Outcome::Stale => self.host.answer(&RawAnswer { outcome: outcome::STALE, index, ..RawAnswer::default() }),
            Outcome::Refused { reason } => {
                self.host.answer(&RawAnswer { outcome: outcome::REFUSED, index, reason: reason.as_bytes(), ..RawAnswer::default() })
            }
        };
        if let Err(failure) = sent {
            self.stopped.get_or_insert(failure);
        }
    }
}

/// The host's blobs.
struct Lent(Remote);

impl Blobs for Lent {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        let blob = Streamed { host: self.0, digest: digest.0, offset: 0 };
        // Whether it is to be had shows at its first bytes.
        match self.0.read_blob(&digest.0, 0, &mut []) {
            Ok(_) => Ok(Box::new(blob)),
            Err(failure) => Err(failure.into_error("host")),
        }
    }
}

struct Streamed {
    host: Remote,
    digest: [u8; 32],
    offset: u64,
}

impl Read for Streamed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.host.read_blob(&self.digest, self.offset, into).map_err(|failure| io::Error::other(failure.message))?;
        self.offset += length as u64;
        Ok(length)
    }
}

/// Where a blob's bytes go.
struct Given(Remote);

impl Write for Given {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.give(bytes).map_err(|failure| io::Error::other(failure.message))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
