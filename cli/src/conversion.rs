//! A conversion: everything that one adapter shows, put by another adapter into an empty place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use adapter::{
    Adapter, Blobs, Broken, Expect, Fingerprint, Format, Item, Key, Mode, NothingKnown, Op, OptionValue, Options, Outcome as Answer,
    Outcomes, Profile, Sink, StepId,
};
use delta::align::{Parts, align};
use record::{Digest, Kind, Pointer, Record, RecordId, Value};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::formats;
use crate::progress::Meter;
use crate::values::field;

/// Everything that the input shows.
pub(crate) struct Read {
    /// The records, under ids of their own.
    records: Vec<(RecordId, Record)>,
    /// What could not be read.
    pub(crate) broken: Vec<Broken>,
    blobs: BTreeMap<Digest, Key>,
    adapter: Mutex<Box<dyn Adapter>>,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct Written {
    /// The records that stand in the output.
    pub(crate) count: usize,
    /// Title and reason of what could not be written.
    pub(crate) refused: Vec<(String, String)>,
    /// Fields that the output does not hold as they are, and of how many records.
    pub(crate) homeless: BTreeMap<String, usize>,
    /// Title and fields of each record that is not whole in the output.
    pub(crate) losses: Vec<(String, BTreeSet<String>)>,
    /// Records that stand for the file that was read rather than for something in it.
    pub(crate) about_the_file: usize,
}

impl Written {
    /// Notes what of a record the output does not hold.
    fn lose(&mut self, record: &Record, fields: BTreeSet<String>) {
        if fields.is_empty() {
            return;
        }
        fields.iter().for_each(|field| *self.homeless.entry(field.clone()).or_default() += 1);
        self.losses.push((record.title(), fields));
    }
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    broken: Vec<Broken>,
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

/// Returns a sink for what nobody needs to hear.
pub(crate) fn unheard() -> impl Sink {
    Found::default()
}

/// Reads everything that is there.
pub(crate) fn read(format: &dyn Format, path: &Path, context: &Context) -> Outcome<Read> {
    let mut adapter = open(format, path, &Options::new(), context)?;
    let mut found = Found::default();
    adapter.scan(&NothingKnown, &mut found).map_err(|error| failure(&error))?;
    let mut ids = BTreeSet::new();
    let mut records = Vec::new();
    let mut blobs = BTreeMap::new();
    for item in found.items {
        let (record, _) = align(None, &Parts::default(), &item.record);
        blobs.extend(record.blobs().map(|blob| (blob.digest, item.key.clone())));
        records.push((identity(&record, &mut ids), record));
    }
    Ok(Read { records, broken: found.broken, blobs, adapter: Mutex::new(adapter) })
}

/// Returns the id of a record: by its UID, else by its content and how often that was there before, so that the
/// same input gives the same output.
fn identity(record: &Record, ids: &mut BTreeSet<RecordId>) -> RecordId {
    let uid = record.text("uid").map(|uid| RecordId::from_urn(uid).unwrap_or_else(|| RecordId::of_uid(&record.kind, uid)));
    let mut id = uid.unwrap_or_else(|| RecordId(record.digest().head()));
    while !ids.insert(id) {
        id = RecordId(Digest::of(&id.0).head());
    }
    id
}

impl Blobs for Read {
    fn open(&self, digest: Digest) -> Result<Box<dyn std::io::Read + '_>, adapter::Error> {
        let key = self.blobs.get(&digest).ok_or_else(|| adapter::Error::Fatal(format!("blob {digest} was not in the input")))?;
        let mut bytes = Vec::new();
        self.adapter.lock().unwrap_or_else(PoisonError::into_inner).blob(key, digest, &mut bytes)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

struct Answers(Vec<Option<Answer>>);

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Answer) {
        if let Some(place) = self.0.get_mut(index) {
            *place = Some(outcome);
        }
    }
}

/// Makes the output at `path`, which does not exist, and puts all records into it.
pub(crate) fn write(
    format: &'static dyn Format,
    path: &Path,
    folder: bool,
    options: &Options,
    read: &Read,
    context: &Context,
) -> Outcome<Written> {
    let records: Vec<Record> = read.records.iter().map(|(_, record)| record.clone()).collect();
    let mut options = options.clone();
    match formats::blank(format, &records) {
        Some(content) if !folder => begin(path, &content)?,
        Some(_) => return Err(Failure::usage(format!("adapter `{}` writes a file, not a folder", format.describe().id))),
        None => drop(options.insert("create".to_owned(), OptionValue::Boolean(true))),
    }
    let mut adapter = open(format, path, &options, context)?;
    adapter.scan(&NothingKnown, &mut Found::default()).map_err(|error| failure(&error))?;
    let profile = adapter.profile().clone();
    let mut written = Written::default();
    let mut fitting: Vec<(RecordId, &Record)> = Vec::new();
    for (id, record) in &read.records {
        if profile.kinds.contains(&record.kind) {
            fitting.push((*id, record));
        } else if record.kind == Kind::CALENDAR {
            written.about_the_file += 1;
        } else {
            written.refused.push((record.title(), format!("the output holds no records of kind {}", record.kind)));
        }
    }
    let changed: Vec<Vec<Pointer>> = fitting.iter().map(|(_, record)| record.fields.keys().cloned().collect()).collect();
    let put = |((id, record), changed)| Op::Put { id, key: None, expect: Expect::Absent, record, changed };
    let ops: Vec<Op<'_>> = fitting.iter().copied().zip(changed.iter().map(Vec::as_slice)).map(put).collect();
    let step = StepId(Digest::of_parts(&[b"syncretic.convert/1", &std::process::id().to_be_bytes()]).head());
    let mut answers = Answers(vec![None; ops.len()]);
    adapter.apply(step, &ops, Mode::Perform, read, &mut answers).map_err(|error| failure(&error))?;
    adapter.settle(step).map_err(|error| failure(&error))?;
    for ((_, record), answer) in fitting.iter().zip(answers.0) {
        match answer {
            Some(Answer::Put { record: shown, .. }) => {
                written.count += 1;
                written.lose(record, lost(record, &shown, &profile));
            }
            Some(Answer::Refused { reason }) => written.refused.push((record.title(), reason)),
            _ => written.refused.push((record.title(), "another record of the input stands in its place".to_owned())),
        }
    }
    Ok(written)
}

/// Returns the fields of a record that its item in the output does not show as they are.
fn lost(record: &Record, shown: &Record, profile: &Profile) -> BTreeSet<String> {
    let (aligned, _) = align(Some(record), &Parts::default(), shown);
    let stays = |pointer: &Pointer, value: &Value| profile.volatile.holds(pointer) || aligned.field(pointer.as_str()) == Some(value);
    record.fields.iter().filter(|(pointer, value)| !stays(pointer, value)).map(|(pointer, _)| field(pointer)).collect()
}

/// Makes the file that the output begins as.
fn begin(path: &Path, content: &[u8]) -> Outcome<()> {
    let made = fs::File::create_new(path).and_then(|mut file| file.write_all(content));
    made.map_err(|error| Failure::io("make", path, &error))
}

impl Read {
    /// Tells whether the input holds records of this kind.
    pub(crate) fn holds(&self, kind: &Kind) -> bool {
        self.records.iter().any(|(_, record)| record.kind == *kind)
    }
}

/// Opens an adapter as a conversion does: without a job.
pub(crate) fn open(format: &dyn Format, path: &Path, options: &Options, context: &Context) -> Outcome<Box<dyn Adapter>> {
    let host = Meter::new(None, &context.terminal).host(&path.display().to_string());
    let path = std::path::absolute(path).map_err(|error| Failure::io("find", path, &error))?;
    formats::open(format, &path, options, host).map_err(|error| failure(&error))
}

fn failure(error: &adapter::Error) -> Failure {
    let exit = match error {
        adapter::Error::Config { .. } => Exit::Usage,
        adapter::Error::Source { .. } | adapter::Error::Io { .. } => Exit::Stopped,
        adapter::Error::Changed { .. } | adapter::Error::Transient { .. } => Exit::Temporary,
        adapter::Error::Cancelled => Exit::Interrupted,
        _ => Exit::Internal,
    };
    Failure::new(exit, error.to_string()).note("no output was made")
}
