//! A small engine for tests: it remembers what a scan showed, and asks for changes.

use crate::Vcard;
use crate::tests::edits::Shelf;
use adapter::format::Silent;
use adapter::{
    Adapter, Broken, Error, Expect, Fingerprint, Format, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome, Outcomes, Scan, Sink,
    StepId,
};
use record::{Record, RecordId, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What a scan reported.
#[derive(Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) unchanged: Vec<(Key, Fingerprint)>,
    pub(super) broken: Vec<Broken>,
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.unchanged.push((key, fingerprint));
    }

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

/// Fingerprints by key.
#[derive(Clone, Default)]
pub(super) struct Memory(pub(super) BTreeMap<Key, Fingerprint>);

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

impl Found {
    pub(super) fn memory(&self) -> Memory {
        let items = self.items.iter().map(|item| (item.key.clone(), item.fingerprint.clone()));
        Memory(items.chain(self.unchanged.iter().cloned()).collect())
    }

    pub(super) fn item_of(&self, key: &str) -> &Item {
        self.items.iter().find(|item| item.key.0 == key).unwrap()
    }

    pub(super) fn broken_of(&self, name: &str) -> &Broken {
        self.broken.iter().find(|broken| broken.place.path.ends_with(name)).unwrap()
    }
}

#[derive(Default)]
pub(super) struct Answers(BTreeMap<usize, Outcome>);

impl Answers {
    /// Returns the answers in the order of their operations.
    pub(super) fn in_order(self) -> Vec<Outcome> {
        self.0.into_values().collect()
    }
}

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        assert!(self.0.insert(index, outcome).is_none());
    }
}

pub(super) fn open(path: &Path, options: &[(&str, OptionValue)]) -> Result<Box<dyn Adapter>, Error> {
    let options: Options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Vcard.open(path.to_owned(), &options, Box::new(Silent))
}

pub(super) fn adapter(path: &Path) -> Box<dyn Adapter> {
    open(path, &[]).unwrap()
}

pub(super) fn try_scan(adapter: &mut dyn Adapter, known: &Memory) -> Result<(Scan, Found), Error> {
    let mut found = Found::default();
    let scan = adapter.scan(known, &mut found)?;
    Ok((scan, found))
}

pub(super) fn scan(adapter: &mut dyn Adapter) -> Found {
    try_scan(adapter, &Memory::default()).unwrap().1
}

pub(super) fn step(number: u8) -> StepId {
    StepId([number; 16])
}

pub(super) fn id(number: u8) -> RecordId {
    RecordId([number; 16])
}

/// Rehearses and performs operations, checks that both answer alike, and settles the step.
pub(super) fn apply(adapter: &mut dyn Adapter, ops: &[Op<'_>]) -> Vec<Outcome> {
    let shelf = Shelf(vec![b"photo".to_vec()]);
    let mut answer = |step: StepId, mode: Mode| {
        let mut answers = Answers::default();
        adapter.apply(step, ops, mode, &shelf, &mut answers).unwrap();
        assert_eq!(answers.0.len(), ops.len());
        answers.0.into_values().collect::<Vec<_>>()
    };
    let rehearsed = answer(step(9), Mode::Rehearse);
    let performed = answer(step(9), Mode::Perform);
    for (one, other) in rehearsed.iter().zip(&performed) {
        match (one, other) {
            (Outcome::Put { key, record, bytes, .. }, Outcome::Put { key: other, record: same, bytes: written, .. }) => {
                assert_eq!((key, record, bytes), (other, same, written));
            }
            (one, other) => assert_eq!(one, other),
        }
    }
    adapter.settle(step(9)).unwrap();
    performed
}

pub(super) fn put<'a>(item: &'a Item, record: &'a Record) -> Op<'a> {
    Op::Put { id: id(1), key: Some(&item.key), expect: Expect::Fingerprint(&item.fingerprint), record, changed: &[] }
}

pub(super) fn make(number: u8, record: &Record) -> Op<'_> {
    Op::Put { id: id(number), key: None, expect: Expect::Absent, record, changed: &[] }
}

pub(super) fn delete(item: &Item) -> Op<'_> {
    Op::Delete { id: id(1), key: &item.key, expect: Expect::Fingerprint(&item.fingerprint) }
}

pub(super) fn with_text(item: &Item, pointer: &str, text: &str) -> Record {
    item.record.clone().with(pointer, Value::text(text))
}
