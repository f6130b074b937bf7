//! One file as an endpoint, opened the way the program opens it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use adapter::format::Silent;
use adapter::{
    Adapter, Blobs, Broken, Error, Fingerprint, Item, Key, Mode, NothingKnown, Op, OptionValue, Options, Outcome, Outcomes, Sink, StepId,
};
use record::Digest;

use super::examination::Format;

/// What a scan reported.
#[derive(Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) broken: Vec<Broken>,
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, _: Key, _: Fingerprint) {}

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

/// Opens a file; one that is not there is made, in this version where the format has several.
pub(super) fn open(format: Format, path: &Path, version: Option<&str>) -> Result<Box<dyn Adapter>, Error> {
    let mut options = Options::new();
    if !path.exists() {
        options.insert("create".to_owned(), OptionValue::Boolean(true));
    }
    if let Some(version) = version.filter(|_| format == Format::Vcard) {
        options.insert("version".to_owned(), OptionValue::Text(version.to_owned()));
    }
    format.adapter().open(path.to_owned(), &options, Box::new(Silent))
}

/// Reads everything that an adapter shows.
pub(super) fn scan(adapter: &mut dyn Adapter) -> Result<Found, Error> {
    let mut found = Found::default();
    adapter.scan(&NothingKnown, &mut found)?;
    Ok(found)
}

struct Answers(Vec<Option<Outcome>>);

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        if let Some(place) = self.0.get_mut(index) {
            *place = Some(outcome);
        }
    }
}

/// Performs operations and settles them.
pub(super) fn perform(adapter: &mut dyn Adapter, ops: &[Op<'_>], blobs: &dyn Blobs) -> Result<Vec<Outcome>, Error> {
    let step = StepId([1; 16]);
    let mut answers = Answers(vec![None; ops.len()]);
    adapter.apply(step, ops, Mode::Perform, blobs, &mut answers)?;
    adapter.settle(step)?;
    Ok(answers.0.into_iter().flatten().collect())
}

/// The large values of an endpoint's items.
pub(super) struct Lent {
    keys: BTreeMap<Digest, Key>,
    adapter: Mutex<Box<dyn Adapter>>,
}

impl Lent {
    pub(super) fn of(items: &[Item], adapter: Box<dyn Adapter>) -> Self {
        let keys = items.iter().flat_map(|item| item.record.blobs().map(|blob| (blob.digest, item.key.clone()))).collect();
        Self { keys, adapter: Mutex::new(adapter) }
    }
}

impl Blobs for Lent {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        let key = self.keys.get(&digest).ok_or_else(|| Error::Fatal(format!("blob {digest} is not there")))?;
        let mut bytes = Vec::new();
        self.adapter.lock().unwrap_or_else(PoisonError::into_inner).blob(key, digest, &mut bytes)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}
