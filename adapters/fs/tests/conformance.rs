//! The laws that every adapter must pass, for folders of files. The laws speak of texts, so a file's content is shown as one here.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter::{
    Adapter, Blobs, Broken, Description, Error, Fate, Fingerprint, Format, Host, Item, Key, Known, Mode, Op, OptionValue, Options, Outcome,
    Outcomes, Profile, Scan, Sink, StepId,
};
use conformance::{Subject, assert_conforms};
use record::{Blob, Digest, Kind, Record, Value};

const CONTENT: &str = "content";

/// The adapter, with contents that are UTF-8 shown as texts.
struct Texts;

impl Format for Texts {
    fn describe(&self) -> Description {
        adapter_fs::format().describe()
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        let inner = adapter_fs::format().open(path.clone(), options, host)?;
        Ok(Box::new(Shown { inner, path }))
    }
}

struct Shown {
    inner: Box<dyn Adapter>,
    path: PathBuf,
}

/// Shows the content of a record as a text, if it is one.
fn shown(record: Record, content: &dyn Fn(Digest) -> Option<Vec<u8>>) -> Record {
    let Some(Value::Blob(blob)) = record.field(CONTENT).cloned() else { return record };
    match content(blob.digest).and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => record.with(CONTENT, Value::Text(text)),
        None => record,
    }
}

struct Eyes<'s> {
    out: &'s mut dyn Sink,
}

fn showing(item: Item) -> Item {
    let path = item.place.path.clone();
    Item { record: shown(item.record, &|_| fs::read(&path).ok()), ..item }
}

impl Sink for Eyes<'_> {
    fn item(&mut self, item: Item) {
        self.out.item(showing(item));
    }

    fn moved(&mut self, item: Item, from: Key) {
        self.out.moved(showing(item), from);
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
}

impl Outcomes for Answers<'_> {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Put { key, fingerprint, record, bytes } => {
                let there = |_| fs::read(self.path.join(&key.0)).ok();
                let record = shown(record, &|digest| self.texts.get(&digest).cloned().or_else(|| there(digest)));
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
        self.inner.scan(known, &mut Eyes { out })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let mut library = Library { texts: BTreeMap::new(), blobs };
        let records: Vec<Option<Record>> = ops
            .iter()
            .map(|op| match op {
                Op::Put { record, .. } => Some(match record.field(CONTENT) {
                    Some(Value::Text(text)) => {
                        let blob = Blob { digest: Digest::of(text.as_bytes()), length: text.len() as u64 };
                        library.texts.insert(blob.digest, text.as_bytes().to_vec());
                        (*record).clone().with(CONTENT, Value::Blob(blob))
                    }
                    _ => (*record).clone(),
                }),
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
        let mut answers = Answers { out, texts: &library.texts, path: &self.path };
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

/// A folder with folders in it.
struct Tree;

const PLACE: &str = "SYNCRETIC_TEST_PLACE";

impl Subject for Tree {
    fn format(&self) -> &dyn Format {
        &Texts
    }

    fn options(&self) -> Options {
        // What a law displaces must not be left behind, which the trash is for.
        Options::from([("trash".to_owned(), OptionValue::Integer(0))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("tree")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        fs::create_dir_all(path)?;
        (0..count).try_for_each(|number| {
            let folder = path.join(format!("folder {}", number % 2));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("file {number}.txt")), format!("content of {number}\n"))
        })
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::FILE)
            .with("path", Value::text(&format!("new/Né {number}")))
            .with(CONTENT, Value::text(&format!("sample {number}")))
            .with("executable", Value::Boolean(true))
            .with("modified", Value::Instant("2024-02-29T12:00:00Z".to_owned()))
    }

    fn field(&self) -> &'static str {
        CONTENT
    }

    fn edit(&self, _path: &Path, item: &Item) -> io::Result<()> {
        let content = fs::read_to_string(&item.place.path)?;
        let edited = content.replace("content", "CONTENT");
        // Saving what was there already gives the file another time, and that is shown.
        if edited == content { Err(io::ErrorKind::NotFound.into()) } else { fs::write(&item.place.path, edited) }
    }

    fn damage(&self, _path: &Path, _item: &Item) -> io::Result<bool> {
        Ok(false)
    }

    fn add_unknown(&self, _path: &Path, _item: &Item) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        Some(record.clone().with(CONTENT, Value::Blob(blob)))
    }

    fn lines_of_an_edit(&self) -> usize {
        2
    }

    fn actor(&self, folder: &Path) -> Option<Command> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "an_actor", "--nocapture", "--test-threads=1"]).env(PLACE, folder).env("RAYON_NUM_THREADS", "1");
        Some(command)
    }

    fn exemptions(&self) -> &[(&'static str, &'static str)] {
        &[
            ("scan-zero-bytes", "an empty file is a file like any other"),
            ("apply-keeps-mode-and-symlink", "a symbolic link is an item of its own here and never followed"),
        ]
    }
}

#[test]
fn folders_conform() {
    assert_conforms(&Tree);
}

/// Performs one step when another test's law runs this program to kill it; does nothing otherwise.
#[test]
fn an_actor() {
    if let Some(folder) = std::env::var_os(PLACE) {
        conformance::act(&Tree, Path::new(&folder)).unwrap();
    }
}
