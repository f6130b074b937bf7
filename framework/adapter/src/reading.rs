//! What a third party's adapter says, checked and turned into the types of the contract.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::path::Path;

use record::codec::Reader;
use record::{Digest, Record};

use crate::backend::{Breach, Lookup, Receiver};
use crate::contract::{Blobs, Known, Outcomes, Scan, Sink};
use crate::crossing::{FINGERPRINT_MAX, Failure, IO, RawAnswer, RawFate, RawItem, RawOp, TRANSIENT, fate, outcome, path_of, state};
use crate::error::Error;
use crate::item::{Broken, Fingerprint, Item, Key, Place};
use crate::operation::{Expect, Fate, Op, Outcome};

fn key(bytes: &[u8]) -> Result<Key, Breach> {
    match std::str::from_utf8(bytes) {
        Ok("") => Err(Breach::new("it reported an item without a key")),
        Ok(text) => Ok(Key::new(text)),
        Err(_) => Err(Breach::new("it reported a key that is not UTF-8")),
    }
}

fn fingerprint(bytes: &[u8], key: &Key) -> Result<Fingerprint, Breach> {
    if (1..=FINGERPRINT_MAX).contains(&bytes.len()) {
        return Ok(Fingerprint(bytes.to_vec()));
    }
    Err(Breach(format!("it gave item `{key}` a fingerprint of {} bytes; 1 to {FINGERPRINT_MAX} are allowed", bytes.len())))
}

fn record(bytes: &[u8], key: &Key) -> Result<Record, Breach> {
    let mut reader = Reader::new(bytes);
    let read = reader.record().and_then(|record| reader.finish().map(|()| record));
    read.map_err(|error| Breach(format!("it gave item `{key}` a record that cannot be read: {error}")))
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes what a scan finds.
pub(crate) struct Scanning<'a> {
    out: &'a mut dyn Sink,
    path: &'a Path,
    scan: Option<Scan>,
}

impl<'a> Scanning<'a> {
    pub(crate) fn new(out: &'a mut dyn Sink, path: &'a Path) -> Self {
        Self { out, path, scan: None }
    }

    /// Returns what the complete scan says.
    pub(crate) fn finish(self) -> Result<Scan, Breach> {
        self.scan.ok_or_else(|| Breach::new("it ended a scan without saying that it is complete"))
    }

    fn place(&self, item: &RawItem<'_>) -> Place {
        let path = if item.path.is_empty() { self.path.to_owned() } else { path_of(item.path) };
        Place { path, line: (item.line > 0).then_some(item.line), column: (item.column > 0).then_some(item.column) }
    }
}

impl Receiver for Scanning<'_> {
    fn item(&mut self, item: RawItem<'_>) -> Result<(), Breach> {
        if self.scan.is_some() {
            return Err(Breach::new("it reported an item after the end of the scan"));
        }
        match item.state {
            state::ITEM => {
                let key = key(item.key)?;
                let (fingerprint, record) = (fingerprint(item.fingerprint, &key)?, record(item.record, &key)?);
                self.out.item(Item { key, fingerprint, record, place: self.place(&item) });
            }
            state::UNCHANGED => {
                let key = key(item.key)?;
                let fingerprint = fingerprint(item.fingerprint, &key)?;
                self.out.unchanged(key, fingerprint);
            }
            state::BROKEN => {
                let key = if item.key.is_empty() { None } else { Some(key(item.key)?) };
                let title = (!item.title.is_empty()).then(|| words(item.title));
                let reason = if item.reason.is_empty() { "it cannot be read".to_owned() } else { words(item.reason) };
                self.out.broken(Broken { key, title, place: self.place(&item), reason });
            }
            other => return Err(Breach(format!("it reported an item in the state {other}, which does not exist"))),
        }
        Ok(())
    }

    fn scanned(&mut self, root: &[u8], note: &[u8]) -> Result<(), Breach> {
        if root.is_empty() {
            return Err(Breach::new("it gave its place no identity"));
        }
        if self.scan.is_some() {
            return Err(Breach::new("it ended a scan twice"));
        }
        self.scan = Some(Scan { root: root.to_vec(), note: (!note.is_empty()).then(|| note.to_vec()) });
        Ok(())
    }
}

/// What the engine knows.
pub(crate) struct Knowledge<'a>(pub(crate) &'a dyn Known);

impl Lookup for Knowledge<'_> {
    fn known(&self, key: &str, into: &mut [u8; FINGERPRINT_MAX]) -> usize {
        let Some(fingerprint) = self.0.fingerprint(&Key::new(key)) else { return 0 };
        let Some(place) = into.get_mut(..fingerprint.0.len()) else { return 0 };
        place.copy_from_slice(&fingerprint.0);
        fingerprint.0.len()
    }

    fn each(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.0.each(&mut |key, fingerprint| take(&key.0, &fingerprint.0));
    }
}

/// Returns an operation as it crosses.
pub(crate) fn lend<'a>(op: &'a Op<'a>) -> RawOp<'a> {
    let known = |expect: Expect<'a>| match expect {
        Expect::Absent => None,
        Expect::Fingerprint(fingerprint) => Some(fingerprint.0.as_slice()),
    };
    match op {
        Op::Put { id, key, expect, record, changed } => RawOp {
            id: id.0,
            key: key.map(|key| key.0.as_str()),
            fingerprint: known(*expect),
            record: Some(Cow::Owned(record::codec::encode_record(record))),
            changed: changed.iter().map(record::Pointer::as_str).collect(),
        },
        Op::Delete { id, key, expect } => {
            RawOp { id: id.0, key: Some(&key.0), fingerprint: known(*expect), record: None, changed: Vec::new() }
        }
    }
}

/// Takes the answers to a step.
pub(crate) struct Applying<'a> {
    out: &'a mut dyn Outcomes,
    blobs: &'a dyn Blobs,
    /// Of each operation, whether it is a deletion, until it is answered.
    open: Vec<Option<bool>>,
    stream: Option<Stream<'a>>,
}

struct Stream<'a> {
    digest: [u8; 32],
    offset: u64,
    bytes: Box<dyn Read + 'a>,
}

impl<'a> Applying<'a> {
    pub(crate) fn new(ops: &[Op<'_>], blobs: &'a dyn Blobs, out: &'a mut dyn Outcomes) -> Self {
        let open = ops.iter().map(|op| Some(matches!(op, Op::Delete { .. }))).collect();
        Self { out, blobs, open, stream: None }
    }

    /// Fails unless every operation was answered.
    pub(crate) fn finish(self) -> Result<(), Breach> {
        match self.open.iter().position(Option::is_some) {
            None => Ok(()),
            Some(index) => Err(Breach(format!("it did not answer operation {index} of a step"))),
        }
    }

    /// Opens a blob, or goes on with the one that is open.
    fn stream(&mut self, digest: [u8; 32], offset: u64) -> Result<&mut Stream<'a>, Failure> {
        let fits = |stream: &Stream<'_>| stream.digest == digest && stream.offset == offset;
        let stream = match self.stream.take().filter(fits) {
            Some(stream) => stream,
            None => {
                let mut bytes = self.blobs.open(Digest(digest)).map_err(|error| Failure::from(&error))?;
                let skipped = std::io::copy(&mut bytes.by_ref().take(offset), &mut std::io::sink());
                skipped.map_err(|error| Failure::new(TRANSIENT, error.to_string()))?;
                Stream { digest, offset, bytes }
            }
        };
        Ok(self.stream.insert(stream))
    }
}

impl Receiver for Applying<'_> {
    fn answer(&mut self, answer: RawAnswer<'_>) -> Result<(), Breach> {
        let index = usize::try_from(answer.index).unwrap_or(usize::MAX);
        let Some(place) = self.open.get_mut(index) else {
            return Err(Breach(format!("it answered operation {index} of {}", self.open.len())));
        };
        let deletion = place.take().ok_or_else(|| Breach(format!("it answered operation {index} twice")))?;
        let answer = match (answer.outcome, deletion) {
            (outcome::DONE, false) => {
                let key = key(answer.key)?;
                let (fingerprint, record) = (fingerprint(answer.fingerprint, &key)?, record(answer.record, &key)?);
                Outcome::Put { key, fingerprint, record, bytes: answer.bytes }
            }
            (outcome::DELETED, true) => Outcome::Deleted { bytes: answer.bytes },
            (outcome::STALE, _) => Outcome::Stale,
            (outcome::REFUSED, _) if answer.reason.is_empty() => Outcome::Refused { reason: "the plugin gave no reason".to_owned() },
            (outcome::REFUSED, _) => Outcome::Refused { reason: words(answer.reason) },
            (other, _) => return Err(Breach(format!("it answered operation {index} with {other}, which does not fit"))),
        };
        self.out.outcome(index, answer);
        Ok(())
    }

    fn blob(&mut self, digest: [u8; 32], offset: u64, into: &mut [u8]) -> Result<usize, Failure> {
        let stream = self.stream(digest, offset)?;
        let length = stream.bytes.read(into).map_err(|error| Failure::new(TRANSIENT, error.to_string()))?;
        stream.offset += length as u64;
        Ok(length)
    }
}

/// Takes the fates of a step.
#[derive(Default)]
pub(crate) struct Recovering(pub(crate) Vec<Fate>);

impl Receiver for Recovering {
    fn fate(&mut self, told: RawFate<'_>) -> Result<(), Breach> {
        self.0.push(match told.fate {
            fate::DONE if told.key.is_empty() => Fate::Done { key: None, fingerprint: None },
            fate::DONE => {
                let key = key(told.key)?;
                let fingerprint = Some(fingerprint(told.fingerprint, &key)?);
                Fate::Done { key: Some(key), fingerprint }
            }
            fate::NOT_DONE => Fate::NotDone,
            fate::UNKNOWN => Fate::Unknown,
            other => return Err(Breach(format!("it told the fate {other}, which does not exist"))),
        });
        Ok(())
    }
}

/// Takes a document.
#[derive(Default)]
pub(crate) struct Document(pub(crate) Vec<u8>);

impl Receiver for Document {
    fn document(&mut self, json: &[u8]) -> Result<(), Breach> {
        self.0 = json.to_vec();
        Ok(())
    }
}

/// Takes whether everything is the same.
#[derive(Default)]
pub(crate) struct Looking(pub(crate) bool);

impl Receiver for Looking {
    fn same(&mut self, same: bool) -> Result<(), Breach> {
        self.0 = same;
        Ok(())
    }
}

/// Takes nothing: what is asked has no answer but that it is done.
pub(crate) struct Nothing;

impl Receiver for Nothing {}

/// Takes a blob's bytes.
pub(crate) struct Streaming<'a> {
    to: &'a mut dyn Write,
    failed: Option<std::io::Error>,
}

impl<'a> Streaming<'a> {
    pub(crate) fn new(to: &'a mut dyn Write) -> Self {
        Self { to, failed: None }
    }

    /// Fails if the bytes could not be taken.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), |error| Err(Failure::new(IO, error.to_string())))
    }
}

impl Receiver for Streaming<'_> {
    fn give(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        if self.failed.is_none() {
            self.failed = self.to.write_all(bytes).err();
        }
        Ok(())
    }
}

/// Wraps a breach or failure as an error of the plugin.
pub(crate) fn failed(plugin: &str) -> impl Fn(Failure) -> Error + '_ {
    move |failure| failure.into_error(plugin)
}
