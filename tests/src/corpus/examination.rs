//! One file, examined.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use adapter::{Expect, Item, Op, Outcome};
use record::{Digest, Kind, Pointer, Record, RecordId};

use super::edits::{Edits, edit_each};
use super::endpoint::{Lent, open, perform, scan};
use super::meeting::meet;
use super::reader::{decoded, entries, lost};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// vCard.
    Vcard,
    /// iCalendar.
    Ical,
    /// Tables.
    Csv,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// The version that it says.
    pub version: String,
    /// How many records it shows.
    pub records: usize,
    /// What of it is quarantined.
    pub broken: Vec<String>,
    /// What a new file lacks; none where nothing was read.
    pub fresh: Option<Vec<String>>,
    /// The edits of every field.
    pub edits: Edits,
    /// What was wrong with two endpoints that met; none where nothing was read.
    pub meeting: Option<Vec<String>>,
}

impl Format {
    /// Returns the format of a file by its name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "vcf" | "vcard" => Some(Self::Vcard),
            "ics" | "ical" | "ifb" => Some(Self::Ical),
            "csv" | "tsv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// Returns its adapter.
    #[must_use]
    pub fn adapter(self) -> &'static dyn adapter::Format {
        match self {
            Self::Vcard => adapter_vcard::format(),
            Self::Ical => adapter_ical::format(),
            Self::Csv => adapter_csv::format(),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Vcard => "file.vcf",
            Self::Ical => "file.ics",
            Self::Csv => "file.csv",
        }
    }
}

/// Examines one file; at most `most` of its fields are edited. A fault of an adapter is a finding.
#[must_use]
pub fn examine(path: &Path, format: Format, most: usize) -> Examination {
    let bytes = fs::read(path).unwrap_or_default();
    let version = version(&bytes, format);
    let blank = || Examination {
        path: path.to_owned(),
        format,
        version: version.clone(),
        records: 0,
        broken: Vec::new(),
        fresh: None,
        edits: Edits::default(),
        meeting: None,
    };
    let examined = catch_unwind(AssertUnwindSafe(|| attempt(&bytes, blank(), most)));
    examined.unwrap_or_else(|_| Examination { broken: vec!["the adapter panicked".to_owned()], ..blank() })
}

fn attempt(bytes: &[u8], mut done: Examination, most: usize) -> Examination {
    match work(bytes, &mut done, most) {
        Ok(()) => {}
        Err(reason) => done.broken.push(reason),
    }
    done
}

fn work(bytes: &[u8], done: &mut Examination, most: usize) -> Result<(), String> {
    let desk = tempfile::tempdir().map_err(|error| error.to_string())?;
    let place = |name: &str| {
        let folder = desk.path().join(name);
        fs::create_dir(&folder).map(|()| folder.join(done.format.file())).map_err(|error| error.to_string())
    };
    let (original, fresh, edited, one, other) = (place("original")?, place("fresh")?, place("edited")?, place("one")?, place("other")?);
    fs::write(&original, bytes).map_err(|error| error.to_string())?;
    let text = |error: adapter::Error| error.to_string().replace(&original.display().to_string(), "");
    let mut source = open(done.format, &original, None).map_err(text)?;
    let found = scan(source.as_mut()).map_err(text)?;
    done.broken.extend(found.broken.iter().map(|broken| broken.reason.clone()));
    done.records = found.items.iter().filter(|item| item.record.kind != Kind::CALENDAR).count();
    if found.items.is_empty() {
        return Ok(());
    }
    let volatile = source.profile().volatile.clone();
    let lent = Lent::of(&found.items, source);
    let version = Some(done.version.as_str()).filter(|version| ["2.1", "3.0", "4.0"].contains(version));
    done.fresh = Some(write_new(bytes, (done.format, version), &fresh, &found.items, &lent).unwrap_or_else(|reason| vec![reason]));
    let skip = |pointer: &Pointer| volatile.holds(pointer) || pointer.as_str() == "uid";
    done.edits = edit_each(bytes, (done.format, &edited), &found.items, &lent, &skip, most);
    done.meeting = Some(meet(bytes, done.format, version, &one, &other).unwrap_or_else(|reason| vec![reason]));
    Ok(())
}

/// Puts all items into a new file, and returns what it lacks.
fn write_new(
    bytes: &[u8],
    (format, version): (Format, Option<&str>),
    path: &Path,
    items: &[Item],
    lent: &Lent,
) -> Result<Vec<String>, String> {
    begin(format, path, bytes)?;
    let text = |error: adapter::Error| format!("no new file: {error}").replace(&path.display().to_string(), "");
    let mut adapter = open(format, path, version).map_err(text)?;
    scan(adapter.as_mut()).map_err(text)?;
    let mut taken = BTreeSet::new();
    let ids: Vec<RecordId> = items.iter().map(|item| identity(&item.record, &mut taken)).collect();
    let changed: Vec<Vec<Pointer>> = items.iter().map(|item| item.record.fields.keys().cloned().collect()).collect();
    let ops: Vec<Op<'_>> = items
        .iter()
        .zip(ids)
        .zip(&changed)
        .map(|((item, id), changed)| Op::Put { id, key: None, expect: Expect::Absent, record: &item.record, changed })
        .collect();
    let answers = perform(adapter.as_mut(), &ops, lent).map_err(text)?;
    let mut missing: Vec<String> = answers
        .iter()
        .filter_map(|answer| if let Outcome::Refused { reason } = answer { Some(format!("refused: {reason}")) } else { None })
        .collect();
    let after = fs::read(path).unwrap_or_default();
    missing.extend(lost(&entries(bytes, format), &entries(&after, format)));
    Ok(missing)
}

/// Makes what a new file begins as: a table has the same header as the old one, everything else makes itself.
pub(super) fn begin(format: Format, path: &Path, like: &[u8]) -> Result<(), String> {
    if format != Format::Csv {
        return Ok(());
    }
    let mut quoted = false;
    let end = like.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b'\n' && !quoted
    });
    fs::write(path, like.get(..end.map_or(like.len(), |end| end + 1)).unwrap_or_default()).map_err(|error| error.to_string())
}

/// Returns an id by UID or by content.
pub(super) fn identity(record: &Record, taken: &mut BTreeSet<RecordId>) -> RecordId {
    let mut id = record.text("uid").map_or_else(|| RecordId(record.digest().head()), |uid| RecordId::of_uid(&record.kind, uid));
    while !taken.insert(id) {
        id = RecordId(Digest::of(&id.0).head());
    }
    id
}

/// Returns the version that most of a file's VERSION lines name.
fn version(bytes: &[u8], format: Format) -> String {
    if format == Format::Csv {
        return "table".to_owned();
    }
    let text = decoded(bytes).to_uppercase();
    let said: Vec<&str> = text.split(['\r', '\n']).filter_map(|line| line.trim().strip_prefix("VERSION:")).map(str::trim).collect();
    let most = said.iter().max_by_key(|version| said.iter().filter(|other| other == version).count());
    most.filter(|version| version.len() <= 3).map_or_else(|| "none".to_owned(), |version| (*version).to_owned())
}
