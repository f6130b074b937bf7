//! An adapter whose items' content is a blob, shown as a text where it is one: the laws speak of texts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use adapter::{
    Adapter, Blobs, Broken, Description, Error, Fate, Fingerprint, Format, Host, Item, Key, Known, Mode, Op, Options, Outcome, Outcomes,
    Profile, Scan, Sink, StepId,
};
use record::{Blob, Digest, Record, Value};

/// A format of folders, with the field that holds the whole content of an item's file shown as a text if it is UTF-8.
#[derive(Clone, Copy)]
pub struct Texts<'f> {
    format: &'f dyn Format,
    field: &'static str,
}

impl<'f> Texts<'f> {
    /// Shows this field of a format's records as a text.
    #[must_use]
    pub fn of(format: &'f dyn Format, field: &'static str) -> Self {
        Self { format, field }
    }
}

impl Format for Texts<'_> {
    fn describe(&self) -> Description {
        self.format.describe()
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        let inner = self.format.open(path.clone(), options, host)?;
        Ok(Box::new(Shown { inner, path, field: self.field }))
    }
}

struct Shown {
    inner: Box<dyn Adapter>,
    path: PathBuf,
    field: &'static str,
}

/// Shows the content of a record as a text, if it is one.
fn shown(record: Record, field: &str, content: &dyn Fn(Digest) -> Option<Vec<u8>>) -> Record {
    let Some(Value::Blob(blob)) = record.field(field).cloned() else { return record };
    match content(blob.digest).and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => record.with(field, Value::Text(text)),
        None => record,
    }
}

struct Eyes<'s> {
    out: &'s mut dyn Sink,
    field: &'static str,
}

impl Eyes<'_> {
    fn showing(&self, item: Item) -> Item {
        let path = item.place.path.clone();
        Item { record: shown(item.record, self.field, &|_| fs::read(&path).ok()), ..item }
    }
}

impl Sink for Eyes<'_> {
    fn item(&mut self, item: Item) {
        let item = self.showing(item);
        self.out.item(item);
    }

    fn moved(&mut self, item: Item, from: Key) {
        let item = self.showing(item);
        self.out.moved(item, from);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.out.unchanged(key, fingerprint);
    }

    fn broken(&mut self, broken: Broken) {
        self.out.broken(broken);
    }
}

struct Library<'l> {
    texts: BTreeMap<Digest, Vec<u8>>,
    blobs: &'l dyn Blobs,
}

impl Library<'_> {
    /// Returns the record as the adapter takes it: a text of the field is a blob of this library.
    fn asked(&mut self, record: &Record, field: &str) -> Record {
        let Some(Value::Text(text)) = record.field(field) else { return record.clone() };
        let blob = Blob { digest: Digest::of(text.as_bytes()), length: text.len() as u64 };
        self.texts.insert(blob.digest, text.as_bytes().to_vec());
        record.clone().with(field, Value::Blob(blob))
    }
}

impl Blobs for Library<'_> {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        match self.texts.get(&digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => self.blobs.open(digest),
        }
    }
}

struct Answers<'o> {
    out: &'o mut dyn Outcomes,
    texts: &'o BTreeMap<Digest, Vec<u8>>,
    path: &'o Path,
    field: &'static str,
}

impl Outcomes for Answers<'_> {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Put { key, fingerprint, record, bytes } => {
                let there = |_| fs::read(self.path.join(&key.0)).ok();
                let record = shown(record, self.field, &|digest| self.texts.get(&digest).cloned().or_else(|| there(digest)));
                Outcome::Put { key, fingerprint, record, bytes }
            }
            other => other,
        };
        self.out.outcome(index, outcome);
    }
}

impl Adapter for Shown {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        self.inner.scan(known, &mut Eyes { out, field: self.field })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let mut library = Library { texts: BTreeMap::new(), blobs };
        let records: Vec<Option<Record>> = ops
            .iter()
            .map(|op| match op {
                Op::Put { record, .. } => Some(library.asked(record, self.field)),
                Op::Delete { .. } => None,
            })
            .collect();
        let asked: Vec<Op<'_>> = ops
            .iter()
            .zip(&records)
            .map(|(op, asked)| match (*op, asked) {
                (Op::Put { id, key, expect, changed, .. }, Some(record)) => Op::Put { id, key, expect, record, changed },
                (op, _) => op,
            })
            .collect();
        let mut answers = Answers { out, texts: &library.texts, path: &self.path, field: self.field };
        self.inner.apply(step, &asked, mode, &library, &mut answers)
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        self.inner.recover(step)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.inner.settle(step)
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        self.inner.blob(key, digest, to)
    }
}
