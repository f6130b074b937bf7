//! One table in a temporary folder, and what a test does with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use adapter::format::Silent;
use adapter::{
    Adapter, Blobs, Broken, Error, Expect, Fingerprint, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome, Outcomes, Sink, StepId,
};
use record::{Digest, Record, RecordId, Value};
use tempfile::TempDir;

/// The id of every record that a test writes.
pub(crate) const ID: RecordId = RecordId([7; 16]);

/// One table.
pub(crate) struct Sheet {
    folder: TempDir,
    pub(crate) options: Options,
}

/// What a scan reported.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) items: Vec<Item>,
    pub(crate) unchanged: Vec<Key>,
    pub(crate) broken: Vec<Broken>,
}

/// What an engine knows.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<Key, Fingerprint>);

struct Answers(Vec<Option<Outcome>>);

struct NoBlobs;

impl Sheet {
    /// Makes a table of these bytes.
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        let sheet = Self { folder: tempfile::tempdir().unwrap(), options: Options::new() };
        sheet.save(bytes);
        sheet
    }

    /// Sets an option.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), OptionValue::Text(value.to_owned()));
        self
    }

    /// Maps columns.
    pub(crate) fn columns(mut self, columns: &[(&str, &str)]) -> Self {
        let columns = columns.iter().map(|(header, meaning)| ((*header).to_owned(), (*meaning).to_owned())).collect();
        self.options.insert("columns".to_owned(), OptionValue::Table(columns));
        self
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("table.csv")
    }

    /// Saves the table as an editor does.
    pub(crate) fn save(&self, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(), bytes).unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// Returns the names of everything that lies in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(crate) fn open(&self) -> Box<dyn Adapter> {
        adapter_csv::format().open(self.path(), &self.options, Box::new(Silent)).unwrap()
    }

    /// Opens and scans; the error of either.
    pub(crate) fn try_scan(&self, known: &Memory) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        adapter_csv::format().open(self.path(), &self.options, Box::new(Silent))?.scan(known, &mut seen)?;
        Ok(seen)
    }

    pub(crate) fn scan(&self) -> Seen {
        self.try_scan(&Memory::default()).unwrap()
    }

    /// Returns the text of the error with which the table cannot be read, without its path.
    pub(crate) fn error(&self) -> String {
        let text = self.try_scan(&Memory::default()).err().expect("the table was read").to_string();
        text.replace(&self.path().display().to_string(), "table.csv")
    }

    /// Returns the record of the only row.
    pub(crate) fn record(&self) -> Record {
        let seen = self.scan();
        assert!(seen.broken.is_empty(), "{:?}", seen.broken);
        let [item] = &seen.items[..] else { panic!("{} rows", seen.items.len()) };
        item.record.clone()
    }

    /// Performs operations in a step of their own and settles it.
    pub(crate) fn apply(&self, ops: &[Op<'_>]) -> Vec<Outcome> {
        let mut adapter = self.open();
        let step = StepId([1; 16]);
        let answers = apply(adapter.as_mut(), step, ops, Mode::Perform).unwrap();
        adapter.settle(step).unwrap();
        assert_eq!(self.names(), ["table.csv"]);
        answers
    }

    /// Changes the row that shows `item` to show `record`.
    pub(crate) fn put(&self, item: &Item, record: &Record) -> Outcome {
        self.apply(&[update(item, record)]).remove(0)
    }

    /// Adds a row.
    pub(crate) fn add(&self, record: &Record) -> Outcome {
        self.apply(&[create(record)]).remove(0)
    }

    /// Removes the row that shows `item`.
    pub(crate) fn delete(&self, item: &Item) -> Outcome {
        self.apply(&[delete(item)]).remove(0)
    }

    /// Sets or unsets one field of the row at `at`, and fails unless the row then shows exactly that.
    pub(crate) fn set(&self, at: usize, field: &str, value: Option<Value>) {
        let item = self.scan().items.swap_remove(at);
        let mut record = item.record.clone();
        match value {
            Some(value) => drop(record.fields.insert(field.into(), value)),
            None => drop(record.fields.remove(field)),
        }
        match self.put(&item, &record) {
            Outcome::Put { record: shown, .. } => assert_eq!(shown, record),
            other => panic!("{other:?}"),
        }
        assert_eq!(self.scan().items[at].record, record);
    }
}

impl Seen {
    pub(crate) fn memory(&self) -> Memory {
        Memory(self.items.iter().map(|item| (item.key.clone(), item.fingerprint.clone())).collect())
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        self.items.iter().map(|item| item.record.title()).collect()
    }

    /// Returns place and reason of everything that is broken.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reason = |broken: &Broken| {
            let line = broken.place.line.map_or_else(String::new, |line| line.to_string());
            let column = broken.place.column.map_or_else(String::new, |column| format!(":{column}"));
            format!("{line}{column}: {}", broken.reason)
        };
        self.broken.iter().map(reason).collect()
    }
}

pub(crate) fn update<'a>(item: &'a Item, record: &'a Record) -> Op<'a> {
    Op::Put { id: ID, key: Some(&item.key), expect: Expect::Fingerprint(&item.fingerprint), record, changed: &[] }
}

pub(crate) fn create(record: &Record) -> Op<'_> {
    Op::Put { id: ID, key: None, expect: Expect::Absent, record, changed: &[] }
}

pub(crate) fn delete(item: &Item) -> Op<'_> {
    Op::Delete { id: ID, key: &item.key, expect: Expect::Fingerprint(&item.fingerprint) }
}

/// Applies and returns one answer for each operation.
pub(crate) fn apply(adapter: &mut dyn Adapter, step: StepId, ops: &[Op<'_>], mode: Mode) -> Result<Vec<Outcome>, Error> {
    let mut answers = Answers(vec![None; ops.len()]);
    adapter.apply(step, ops, mode, &NoBlobs, &mut answers)?;
    Ok(answers.0.into_iter().map(Option::unwrap).collect())
}

/// Returns the fields of a record as text, one a line.
pub(crate) fn lines(record: &Record) -> Vec<String> {
    record.fields.iter().map(|(pointer, value)| format!("{pointer} = {}", value.display())).collect()
}

pub(crate) fn refused(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

impl Sink for Seen {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, _fingerprint: Fingerprint) {
        self.unchanged.push(key);
    }

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        assert!(self.0[index].replace(outcome).is_none());
    }
}

impl Blobs for NoBlobs {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        Err(Error::Transient { reason: format!("no blob {digest}"), retry_after: None })
    }
}
