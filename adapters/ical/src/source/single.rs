//! A single file of many items: read whole, replaced whole, each event an item of its own.

use crate::calendar::line_numbers;
use crate::entry::Entry;
use crate::map::table::CALENDAR;
use crate::source::assemble::{rewritten, style_of};
use crate::source::codec::title;
use crate::source::profile::profile;
use crate::source::spans::{CALENDAR_KEY, Found, Kept, Span};
use crate::write::line::Manner;
use crate::write::refusal::Refusal;
use adapter::staging::{Placed, Staged, Staging, Stat, digest_whole, read_whole, stat};
use adapter::{
    Adapter, Atomicity, Blobs, Broken, Error, Fate, Fingerprint, Host, Item, Key, Keys, Known, Mode, Op, Outcomes, Place, Profile, Scan,
    Sink, StepId,
};
use contentline::text::Text;
use rayon::prelude::*;
use record::{Digest, Record};
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

mod plan;

use plan::{Now, Plan};

/// An endpoint that is one file.
pub(crate) struct Single {
    path: PathBuf,
    may_create: bool,
    host: Box<dyn Host>,
    staging: Staging,
    profile: Profile,
    /// What [`Adapter::same`] read and found to be another content, for the scan that follows it.
    looked: Option<Looked>,
    /// What the rehearsal read, for the performance behind it.
    rehearsed: Option<Rehearsed>,
}

/// A file as it was read and what was found in it, as long as its stat is the same. Should another content have the same
/// stat, the exchange of files notices it by the digest of what it displaces.
struct Rehearsed {
    raw: Vec<u8>,
    stat: Stat,
    kept: Kept,
}

/// The content of a file as it was read, and as long as its stat is the same.
struct Looked {
    raw: Vec<u8>,
    stat: Stat,
    content: Digest,
}

/// How many items are read before they are handed on: their records are in memory together.
const AT_ONCE: usize = 256;

/// The largest file whose content is kept between a look and a scan.
const MOST_KEPT: u64 = 256 << 20;

impl Single {
    /// Opens a file; nothing is read yet.
    pub(crate) fn new(path: PathBuf, may_create: bool, host: Box<dyn Host>) -> Self {
        let mut area = OsString::from(".");
        area.push(path.file_name().unwrap_or_default());
        area.push(".syncretic");
        let staging = Staging::at(path.with_file_name(area));
        Self { path, may_create, host, staging, profile: profile(Keys::Stable, Atomicity::Batch, CALENDAR), looked: None, rehearsed: None }
    }

    /// Returns what tells later whether anything changed: the digest of the whole file, where it is, and how it was read.
    fn note(&self, content: Digest, keys: Keys) -> Vec<u8> {
        let keys: &[u8] = if keys == Keys::Stable { b"stable" } else { b"unstable" };
        let parts = [b"ical/1", env!("CARGO_PKG_VERSION").as_bytes(), &self.identity(), keys, &content.0];
        Digest::of_parts(&parts).0.to_vec()
    }

    fn source(&self, reason: &str) -> Error {
        Error::Source { path: self.path.clone(), reason: reason.to_owned() }
    }

    /// Reads the file; `None` where it is still to be made.
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read_with_stat()?.map(|(raw, _)| raw))
    }

    fn read_with_stat(&self) -> Result<Option<(Vec<u8>, Stat)>, Error> {
        match read_whole(&self.path) {
            Ok((raw, _)) if raw.is_empty() => {
                Err(self.source("the file is empty; it may have been cut off, and nothing was taken for deleted"))
            }
            Ok(read) => Ok(Some(read)),
            Err(Error::Io { source: error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                if self.may_create {
                    Ok(None)
                } else {
                    Err(self.source("the file is not there; nothing was taken for deleted"))
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what a rehearsal read, if the file is still the same.
    fn rehearsed(&mut self) -> Option<Rehearsed> {
        self.rehearsed.take().filter(|rehearsed| stat(&self.path).is_ok_and(|now| now == rehearsed.stat))
    }

    fn text<'r>(&self, raw: &'r [u8]) -> Result<Text<'r>, Error> {
        Text::new(raw).map_err(|error| self.source(&error.to_string()))
    }

    fn identity(&self) -> Vec<u8> {
        let whole = std::fs::canonicalize(&self.path);
        let beside = || {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::canonicalize(folder).map(|folder| folder.join(self.path.file_name().unwrap_or_default()))
        };
        let path = whole.or_else(|_| beside()).unwrap_or_else(|_| self.path.clone());
        path.into_os_string().into_encoded_bytes()
    }

    fn report(&self, found: &Found<'_>, known: &dyn Known, out: &mut dyn Sink) {
        let same: Vec<bool> = found.items.par_iter().map(|span| span.is_same(known)).collect();
        let lines = Numbers::of(found, &same);
        let place = |at: usize| Place { path: self.path.clone(), line: lines.line(at), column: None };
        for (spans, same) in found.items.chunks(AT_ONCE).zip(same.chunks(AT_ONCE)) {
            let looks: Vec<Report<'_>> = spans.par_iter().zip(same).map(|(span, same)| look(found, span, *same)).collect();
            for report in looks {
                match report {
                    Report::Same(key, fingerprint) => out.unchanged(key.clone(), fingerprint.clone()),
                    Report::Item(key, fingerprint, record, at) => {
                        let (key, fingerprint) = (key.clone(), fingerprint.clone());
                        out.item(Item { key, fingerprint, record: *record, place: place(at) });
                    }
                    Report::Fault(key, title, reason, at) => out.broken(Broken { key: key.cloned(), title, place: place(at), reason }),
                }
            }
        }
        for stray in &found.calendar.strays {
            let reason = crate::calendar::reason(&stray.broken);
            out.broken(Broken { key: None, title: None, place: place(stray.at), reason });
        }
        self.report_calendar(found, known, out);
    }

    fn report_calendar(&self, found: &Found<'_>, known: &dyn Known, out: &mut dyn Sink) {
        let Some((entry, fingerprint)) = found.own() else { return };
        let key = Key::new(CALENDAR_KEY);
        if known.fingerprint(&key).is_some_and(|before| before == fingerprint) {
            out.unchanged(key, fingerprint);
        } else {
            let place = Place { path: self.path.clone(), line: Some(1), column: None };
            out.item(Item { key, fingerprint, record: entry.record, place });
        }
    }

    fn perform(&self, step: StepId, raw: Option<&[u8]>, file: &[u8], staged: Vec<Staged>) -> Result<bool, Error> {
        let mut stage = self.staging.begin(step)?;
        match raw {
            Some(raw) => stage.replace(staged, &self.path, Digest::of(raw), file)?,
            None => stage.create(staged, &self.path, file)?,
        }
        let placed = stage.commit()?;
        Ok(placed.iter().all(|placed| matches!(placed, Placed::Done(_))))
    }

    fn refused(&self, refusal: &Refusal) -> Error {
        Error::Fatal(format!("{}: {refusal}", self.path.display()))
    }
}

fn key_of<'o>(op: &Op<'o>) -> Option<&'o Key> {
    match *op {
        Op::Put { key, .. } => key,
        Op::Delete { key, .. } => Some(key),
    }
}

enum Report<'f> {
    Same(&'f Key, &'f Fingerprint),
    Item(&'f Key, &'f Fingerprint, Box<Record>, usize),
    Fault(Option<&'f Key>, Option<String>, String, usize),
}

fn look<'f>(found: &Found<'_>, span: &'f Span, same: bool) -> Report<'f> {
    let at = span.place();
    let fault = |reason: String| {
        let slice = span.ranges.first().and_then(|range| found.bytes.get(range.clone())).unwrap_or_default();
        Report::Fault(span.key.as_ref(), title(slice), reason, at)
    };
    if let Some((_, why)) = &span.broken {
        return fault(why.to_string());
    }
    let Some(key) = &span.key else { return fault(String::new()) };
    if same {
        return Report::Same(key, &span.fingerprint);
    }
    match Entry::shown(found.bytes, span.component, &span.ranges, &found.zones) {
        Ok(record) => Report::Item(key, &span.fingerprint, Box::new(record), at),
        Err(unreadable) => fault(unreadable.to_string()),
    }
}

/// The physical lines of what a scan tells people of, by their places.
struct Numbers(Vec<(usize, u64)>);

impl Numbers {
    /// Counts the lines up to each item that is not the same, and to what belongs to no item.
    fn of(found: &Found<'_>, same: &[bool]) -> Self {
        let told = found.items.iter().zip(same).filter(|(_, same)| !**same).map(|(span, _)| span.place());
        let mut places: Vec<usize> = told.chain(found.calendar.strays.iter().map(|stray| stray.at)).collect();
        places.sort_unstable();
        let numbers = line_numbers(found.bytes, places.iter().copied());
        Self(places.into_iter().zip(numbers.into_iter().map(|number| number as u64)).collect())
    }

    fn line(&self, place: usize) -> Option<u64> {
        let at = self.0.binary_search_by_key(&place, |(found, _)| *found).ok()?;
        self.0.get(at).map(|(_, line)| *line)
    }
}

impl Adapter for Single {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        self.looked = None;
        let size = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        let (content, read) = if size > MOST_KEPT {
            (digest_whole(&self.path)?.0, None)
        } else {
            let Some((raw, stat)) = self.read_with_stat()? else { return Ok(false) };
            (Digest::of(&raw), Some((raw, stat)))
        };
        let known = [Keys::Stable, Keys::Unstable].into_iter().find(|keys| self.note(content, *keys) == note);
        if let Some(keys) = known {
            self.profile.keys = keys;
        } else {
            self.looked = read.map(|(raw, stat)| Looked { raw, stat, content });
        }
        Ok(known.is_some())
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let root = self.identity();
        let looked = self.looked.take().filter(|looked| stat(&self.path).is_ok_and(|stat| stat == looked.stat));
        let (raw, content) = match looked {
            Some(looked) => (Some(looked.raw), Some(looked.content)),
            None => (self.read()?, None),
        };
        let Some(raw) = raw else {
            if known.count() == 0 {
                return Ok(Scan { root, note: None });
            }
            return Err(self.source("the file is not there; nothing was taken for deleted"));
        };
        let text = self.text(&raw)?;
        let digest = || content.unwrap_or_else(|| Digest::of(&raw));
        let (content, found) = rayon::join(digest, || Found::read(&text.bytes));
        if self.host.cancelled() {
            return Err(Error::Cancelled);
        }
        if found.is_cut_off() && found.items.iter().filter(|span| span.is_known(known)).count() < known.count() {
            return Err(self.source("the file ends without END:VCALENDAR; it was cut off, and nothing was taken for deleted"));
        }
        let anonymous = found.items.iter().any(|span| span.broken.is_none() && span.uid.is_none());
        self.profile.keys = if anonymous { Keys::Unstable } else { Keys::Stable };
        self.report(&found, known, out);
        Ok(Scan { note: Some(self.note(content, self.profile.keys)), root })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let (read, kept) = match self.rehearsed() {
            Some(Rehearsed { raw, stat, kept }) => (Some((raw, stat)), Some(kept)),
            None => (self.read_with_stat()?, None),
        };
        let raw = read.as_ref().map(|(raw, _)| raw.as_slice());
        let text = self.text(raw.unwrap_or_default())?;
        let keys: HashSet<&Key> = ops.iter().filter_map(key_of).collect();
        let wanted = |key: &Key| keys.contains(key);
        let found = match kept {
            Some(kept) => Found::again(&text.bytes, kept, wanted),
            None => Found::looking_for(&text.bytes, wanted),
        };
        let manner = Manner { charset: text.charset, style: style_of(&text.bytes), blobs };
        let now = Now::new(&found, manner);
        let plans: Vec<Plan> = ops.par_iter().map(|op| now.plan(op)).collect();
        if self.host.cancelled() {
            return Err(Error::Cancelled);
        }
        let plans = plan::one_a_uid(plans);
        let staged = plan::staged(&plans);
        if staged.is_empty() {
            plan::answer(plans, true, 0, out);
            return Ok(());
        }
        let (splices, additions) = plan::gathered(&plans);
        let whole = rewritten(&text.bytes, &found.calendar, splices, &additions, manner).map_err(|refusal| self.refused(&refusal))?;
        let file = text.file(whole).ok_or_else(|| self.refused(&Refusal::Wide))?;
        let done = match mode {
            Mode::Rehearse => true,
            Mode::Perform => self.perform(step, raw, &file, staged)?,
        };
        plan::answer(plans, done, file.len(), out);
        let kept = found.keep();
        let read = read.filter(|_| mode == Mode::Rehearse);
        self.rehearsed = read.map(|(raw, stat)| Rehearsed { raw, stat, kept });
        Ok(())
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if !self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir()) {
            // What became of the step cannot be told from a folder that is not there: not done is another answer.
            return Err(self.source("its folder is not there; what the last sync did to the file is found out once it is back"));
        }
        self.staging.recover(step)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.staging.settle(step)
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        let gone = || Error::Changed { path: self.path.clone() };
        let raw = self.read()?.ok_or_else(gone)?;
        let text = self.text(&raw)?;
        let found = Found::looking_for(&text.bytes, |_| false);
        let bytes = if key.0 == CALENDAR_KEY {
            found.own().and_then(|(entry, _)| entry.blob(digest))
        } else {
            let span = found.items.iter().find(|span| span.key.as_ref() == Some(key)).ok_or_else(gone)?;
            let entry = Entry::read(found.bytes, span.component, &span.ranges, &found.zones).ok();
            entry.and_then(|entry| entry.blob(digest))
        };
        to.write_all(&bytes.ok_or_else(gone)?).map_err(|error| Error::io(&self.path, error))
    }
}
