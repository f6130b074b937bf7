//! The adapter: one CSV file as an endpoint.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use adapter::staging::Staging;
use adapter::{
    Adapter, Atomicity, Blobs, Description, Error, Fate, Format, Host, Keys, Known, Mode, Op, Options, Outcomes, Profile, Scan, Sink,
    StepId, View,
};
use record::{Digest, Kind};

use crate::layout::Layout;
use crate::opened::Opened;
use crate::scan;
use crate::settings::{OPTIONS, Settings};
use crate::source::Source;
use crate::table::Table;
use crate::write;

/// How much of a file is read when it is opened.
const HEAD: u64 = 64 * 1024;
/// How large a file may be to be held in memory; of a larger one only pieces are.
const HELD: u64 = 16 * 1024 * 1024;

/// The format: spreadsheets kept as CSV (RFC 4180 and its dialects).
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv;

impl Format for Csv {
    fn describe(&self) -> Description {
        Description {
            id: "csv",
            summary: "A spreadsheet kept as CSV, one row an item; only the cells that change are written.",
            kinds: vec![Kind::CONTACT, Kind::EVENT, Kind::TASK, Kind::ROW],
            options: OPTIONS.to_vec(),
        }
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        let settings = Settings::read(options)?;
        check_place(&path)?;
        let layout = layout_of_head(&path, &settings)?;
        let profile = profile(layout.as_ref());
        Ok(Box::new(Endpoint { path, settings, host, profile }))
    }
}

/// Returns how many parts of each stem (`phones`, `emails` …) a new row of the table at `path` has columns for.
///
/// Whatever an item has beyond them is not in the table. A cell that holds several values already keeps them.
///
/// # Errors
/// Fails if the table cannot be read.
pub fn room(path: &Path) -> Result<BTreeMap<&'static str, usize>, Error> {
    check_place(path)?;
    let layout = layout_of_head(path, &Settings::read(&Options::new())?)?;
    Ok(layout.as_ref().map(Layout::room).unwrap_or_default())
}

/// One CSV file.
struct Endpoint {
    path: PathBuf,
    settings: Settings,
    host: Box<dyn Host>,
    profile: Profile,
}

impl Endpoint {
    /// Fails if someone asked to stop.
    fn go_on(&self) -> Result<(), Error> {
        if self.host.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    fn staging(&self) -> Staging {
        // The area stands beside the file itself, not beside a symlink to it.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Staging::at(path.with_file_name(format!(".{name}.syncretic")))
    }
}

impl Adapter for Endpoint {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        check_place(&self.path)?;
        let source = Source::open(&self.path, HELD)?;
        let opened = Opened::read(&source, &self.settings)?;
        self.profile = profile(Some(&opened.layout));
        scan::report(&opened, known, self.host.as_ref(), out)?;
        source.settled()?;
        let root = fs::canonicalize(&self.path).map_err(|error| Error::io(&self.path, error))?;
        Ok(Scan { root: root.into_os_string().into_encoded_bytes(), note: None })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, _blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        check_place(&self.path)?;
        let source = Source::open(&self.path, HELD)?;
        let opened = Opened::read(&source, &self.settings)?;
        self.go_on()?;
        let plan = write::plan(&opened, ops, &self.settings, self.host.as_ref())?;
        source.settled()?;
        self.go_on()?;
        let answers = match (mode, plan.edits.is_empty()) {
            (Mode::Perform, false) => write::exchange(&self.staging(), step, &source, &opened, plan)?,
            _ => plan.answers,
        };
        answers.into_iter().enumerate().for_each(|(index, answer)| out.outcome(index, answer));
        Ok(())
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if !self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir()) {
            // What became of the step cannot be told from a folder that is not there: not done is another answer.
            let reason = "its folder is not there; what the last sync did to the file is found out once it is back".to_owned();
            return Err(Error::Source { path: self.path.clone(), reason });
        }
        self.staging().recover(step)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.staging().settle(step)
    }

    fn blob(&mut self, key: &adapter::Key, digest: Digest, _to: &mut dyn Write) -> Result<(), Error> {
        Err(Error::Source { path: self.path.clone(), reason: format!("row {key} does not hold {digest}: a table holds no blobs") })
    }
}

/// Checks that a file is there, with a message that says what to do.
fn check_place(path: &Path) -> Result<(), Error> {
    let source = |reason: &str| Err(Error::Source { path: path.to_owned(), reason: reason.to_owned() });
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => source("is a folder, but a CSV file is expected; name the file in it"),
        Ok(metadata) if !metadata.is_file() => source("is no regular file, so it cannot be kept in step"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => source("is not there; restore it, or correct `path`"),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Reads the layout from the head of the file; none if only a scan can tell what is wrong with it.
fn layout_of_head(path: &Path, settings: &Settings) -> Result<Option<Layout>, Error> {
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(|error| Error::io(path, error))?;
    file.take(HEAD).read_to_end(&mut head).map_err(|error| Error::io(path, error))?;
    let head = Source::held(path, head);
    let Ok(table) = Table::read(&head, settings) else { return Ok(None) };
    match Layout::find(&table.headers, settings, &|column| table.sample(column)) {
        Ok(layout) => Ok(Some(layout)),
        Err(error) if table.first.len() > 1 || table.header.next() > table.header.end => Err(error),
        Err(_) => Ok(None),
    }
}

fn profile(layout: Option<&Layout>) -> Profile {
    Profile {
        kinds: vec![layout.map_or(Kind::CONTACT, |layout| layout.kind.clone())],
        keys: layout.map_or(Keys::Unstable, Layout::keys),
        atomicity: Atomicity::Batch,
        view: layout.map(Layout::view).unwrap_or_default(),
        volatile: View::default(),
        unique: None,
    }
}
