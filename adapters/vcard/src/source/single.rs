//! A single file of many cards: read whole, replaced whole, each card an item of its own.

use crate::card::Card;
use crate::source::profile::{profile, version_of};
use crate::source::spans::{Span, State, spans};
use crate::source::text::{Fault, Text, fault, glance};
use crate::version::Version;
use crate::write::edit::{Written, create, edit};
use crate::write::line::Manner;
use adapter::staging::{Placed, Staged, Staging, Stat, digest_whole, read_whole, stat};
use adapter::{
    Adapter, Atomicity, Blobs, Broken, Error, Expect, Fate, Fingerprint, Host, Item, Key, Keys, Known, Mode, Op, Outcome, Outcomes, Place,
    Profile, Scan, Sink, StepId,
};
use contentline::style::Style;
use rayon::prelude::*;
use record::{Digest, Record, RecordId, Value};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use vdir::Habits;
use vdir::naming::anonymous;

/// How many cards are looked at to see which version the others have.
const SAMPLE: usize = 1000;

/// How many cards are read before they are handed on: their records are in memory together.
const AT_ONCE: usize = 256;

/// An endpoint that is one file.
pub(crate) struct Single {
    path: PathBuf,
    may_create: bool,
    version: Option<Version>,
    host: Box<dyn Host>,
    staging: Staging,
    profile: Profile,
    /// What the rehearsal read, for the performance behind it.
    rehearsed: Option<Reading>,
}

/// A file as it was read, and as long as its stat is the same. Should another content have the same stat, the exchange of
/// files notices it by the digest of what it displaces.
struct Reading {
    stat: Stat,
    raw: Vec<u8>,
    spans: Vec<Span>,
}

/// What one operation does to the file.
enum Plan {
    /// Nothing; the answer is known.
    Answer(Outcome),
    /// These bytes take the place of the span; at its end for a new card.
    Put { range: Option<Range<usize>>, written: Written },
    /// The span goes.
    Remove { range: Range<usize> },
}

impl Single {
    /// Opens a file; nothing is read yet.
    pub(crate) fn new(path: PathBuf, may_create: bool, version: Option<Version>, host: Box<dyn Host>) -> Self {
        let mut area = OsString::from(".");
        area.push(path.file_name().unwrap_or_default());
        area.push(".syncretic");
        let staging = Staging::at(path.with_file_name(area));
        Self { path, may_create, version, host, staging, profile: profile(Keys::Stable, Atomicity::Batch), rehearsed: None }
    }

    /// Returns what tells later whether anything changed: the digest of the whole file, where it is, and how it was read.
    fn note(&self, content: Digest, keys: Keys) -> Vec<u8> {
        let keys: &[u8] = if keys == Keys::Stable { b"stable" } else { b"unstable" };
        let parts = [b"vcard/1", env!("CARGO_PKG_VERSION").as_bytes(), &self.identity(), keys, &content.0];
        Digest::of_parts(&parts).0.to_vec()
    }

    /// Reads the file; `None` where it is still to be made.
    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read_with_stat()?.map(|(raw, _)| raw))
    }

    fn read_with_stat(&self) -> Result<Option<(Vec<u8>, Stat)>, Error> {
        match read_whole(&self.path) {
            Ok((raw, _)) if raw.is_empty() => Err(self.empty()),
            Ok(read) => Ok(Some(read)),
            Err(error) => self.missing(error).map(|()| None),
        }
    }

    /// Reads the file and finds its cards, unless a rehearsal has just done so; `None` where it is still to be made.
    fn reading(&mut self) -> Result<Option<Reading>, Error> {
        if let Some(rehearsed) = self.rehearsed.take()
            && stat(&self.path).is_ok_and(|now| now == rehearsed.stat)
        {
            return Ok(Some(rehearsed));
        }
        let Some((raw, stat)) = self.read_with_stat()? else { return Ok(None) };
        let spans = spans(&self.text(&raw)?);
        Ok(Some(Reading { stat, raw, spans }))
    }

    fn empty(&self) -> Error {
        let reason = "the file is empty; it may have been cut off, and nothing was taken for deleted".to_owned();
        Error::Source { path: self.path.clone(), reason }
    }

    /// Lets a file be missing that is still to be made; anything else that kept it from being read is an error.
    fn missing(&self, error: Error) -> Result<(), Error> {
        match error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound && self.may_create => Ok(()),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let reason = "the file is not there; nothing was taken for deleted".to_owned();
                Err(Error::Source { path: self.path.clone(), reason })
            }
            error => Err(error),
        }
    }

    fn text<'r>(&self, raw: &'r [u8]) -> Result<Text<'r>, Error> {
        Text::new(raw).map_err(|error| Error::Source { path: self.path.clone(), reason: error.to_string() })
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

    fn report(&self, text: &Text<'_>, spans: &[Span], known: &dyn Known, out: &mut dyn Sink) {
        for some in spans.chunks(AT_ONCE) {
            let reports: Vec<Report> = some.par_iter().filter_map(|span| self.look(text, span, known)).collect();
            for report in reports {
                match report {
                    Report::Same(key, fingerprint) => out.unchanged(key, fingerprint),
                    Report::Card(item) => out.item(*item),
                    Report::Fault(broken) => out.broken(broken),
                }
            }
        }
    }

    fn look(&self, text: &Text<'_>, span: &Span, known: &dyn Known) -> Option<Report> {
        let key = match &span.state {
            State::Whole(key) => Key::new(key),
            State::Broken(key, fault) => return Some(Report::Fault(self.broken(key.as_deref().map(Key::new), fault.clone()))),
            State::Reported => return None,
        };
        let fingerprint = of_card(span.digest);
        if known.fingerprint(&key).is_some_and(|before| before == fingerprint) {
            return Some(Report::Same(key, fingerprint));
        }
        let slice = text.bytes.get(span.range.clone()).unwrap_or_default();
        Some(match Card::shown(slice) {
            Ok((_, record)) => {
                let place = Place { path: self.path.clone(), line: Some(span.line as u64), column: None };
                Report::Card(Box::new(Item { key, fingerprint, record, place }))
            }
            Err(unreadable) => Report::Fault(self.broken(Some(key), fault(slice, span.line, &unreadable))),
        })
    }

    fn broken(&self, key: Option<Key>, fault: Fault) -> Broken {
        let place = Place { path: self.path.clone(), line: fault.line.map(|line| line as u64), column: None };
        Broken { key, title: fault.title, place, reason: fault.reason }
    }

    /// Plans one operation against the cards that stand in the file now.
    fn plan(&self, op: &Op<'_>, now: &Now<'_>, blobs: &dyn Blobs) -> Plan {
        match *op {
            Op::Put { id, expect: Expect::Absent, record, .. } => self.plan_new(id, record, now, blobs),
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } => match now.find(key, expected) {
                Some(span) => plan_edit(span, key, record, now, blobs),
                None => Plan::Answer(Outcome::Stale),
            },
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } => match now.find(key, expected) {
                Some(span) => Plan::Remove { range: span.range.clone() },
                None => Plan::Answer(Outcome::Stale),
            },
            Op::Put { key: None, .. } | Op::Delete { .. } => Plan::Answer(Outcome::Stale),
        }
    }

    fn plan_new(&self, id: RecordId, record: &Record, now: &Now<'_>, blobs: &dyn Blobs) -> Plan {
        let uid = record.text("uid").filter(|uid| !uid.trim().is_empty()).map_or_else(|| id.urn(), str::to_owned);
        if now.uids.contains(uid.as_str()) {
            return Plan::Answer(Outcome::Stale);
        }
        let version = self.version.unwrap_or_else(|| version_of(now.habits));
        let record = record.clone().with("uid", Value::text(&uid));
        let manner = Manner { version, charset: now.text.charset, style: now.style, blobs };
        match create(&record, manner) {
            Ok(written) => Plan::Put { range: None, written },
            Err(refusal) => Plan::Answer(Outcome::Refused { reason: refusal.to_string() }),
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
}

enum Report {
    Same(Key, Fingerprint),
    Card(Box<Item>),
    Fault(Broken),
}

/// The file as it is now.
struct Now<'n> {
    text: &'n Text<'n>,
    style: Style,
    habits: Habits,
    by_key: HashMap<&'n str, &'n Span>,
    uids: HashSet<&'n str>,
}

impl<'n> Now<'n> {
    fn new(text: &'n Text<'n>, spans: &'n [Span]) -> Self {
        let whole = |span: &'n Span| match &span.state {
            State::Whole(key) => Some((key.as_str(), span)),
            State::Broken(..) | State::Reported => None,
        };
        let mut by_key: HashMap<&str, &Span> = HashMap::with_capacity(spans.len());
        by_key.extend(spans.iter().filter_map(whole));
        let traits = |span: &Span| glance(text.bytes.get(span.range.clone()).unwrap_or_default()).traits();
        let habits = Habits::of(spans.iter().take(SAMPLE).map(traits));
        let mut uids: HashSet<&str> = HashSet::with_capacity(spans.len());
        uids.extend(spans.iter().filter_map(|span| span.uid.as_deref()));
        let style = if spans.is_empty() { Style::default() } else { text.style() };
        Self { text, style, habits, by_key, uids }
    }

    /// Returns the card of this key, if it is still what was expected.
    fn find(&self, key: &Key, expected: &Fingerprint) -> Option<&'n Span> {
        self.by_key.get(key.0.as_str()).copied().filter(|span| of_card(span.digest) == *expected)
    }
}

/// Makes the fingerprint of a card: its content alone.
fn of_card(digest: Digest) -> Fingerprint {
    Fingerprint(digest.0.to_vec())
}

fn plan_edit(span: &Span, key: &Key, record: &Record, now: &Now<'_>, blobs: &dyn Blobs) -> Plan {
    let slice = now.text.bytes.get(span.range.clone()).unwrap_or_default();
    let Ok(card) = Card::read(slice) else {
        return Plan::Answer(Outcome::Stale);
    };
    let manner = Manner { version: card.version, charset: now.text.charset, style: now.style, blobs };
    match edit(&card, record, manner) {
        Err(refusal) => Plan::Answer(Outcome::Refused { reason: refusal.to_string() }),
        Ok(written) if written.bytes == slice => {
            Plan::Answer(Outcome::Put { key: key.clone(), fingerprint: of_card(span.digest), record: written.record, bytes: 0 })
        }
        Ok(written) if taken(&written, span, now) => Plan::Answer(Outcome::Stale),
        Ok(written) => Plan::Put { range: Some(span.range.clone()), written },
    }
}

/// Tells whether a card would get a UID that another one has.
fn taken(written: &Written, span: &Span, now: &Now<'_>) -> bool {
    let uid = written.record.text("uid");
    uid != span.uid.as_deref() && uid.is_some_and(|uid| now.uids.contains(uid))
}

/// Lets only the first of several new cards have a UID.
fn one_a_uid(plans: Vec<Plan>) -> Vec<Plan> {
    let mut uids: HashSet<String> = HashSet::new();
    let free = |plan: Plan| match plan {
        Plan::Put { range, written } => {
            let new = written.record.text("uid").is_none_or(|uid| uids.insert(uid.to_owned()));
            if new { Plan::Put { range, written } } else { Plan::Answer(Outcome::Stale) }
        }
        other => other,
    };
    plans.into_iter().map(free).collect()
}

/// Returns the content of the file after all plans.
fn rewritten(old: &[u8], plans: &[Plan], style: Style) -> Vec<u8> {
    let mut splices: Vec<(Range<usize>, &[u8])> = Vec::new();
    let mut appended: Vec<&[u8]> = Vec::new();
    for plan in plans {
        match plan {
            Plan::Put { range: Some(range), written } => splices.push((range.clone(), &written.bytes)),
            Plan::Put { range: None, written } => appended.push(&written.bytes),
            Plan::Remove { range } => splices.push((range.clone(), &[])),
            Plan::Answer(_) => {}
        }
    }
    splices.sort_by_key(|(range, _)| range.start);
    let mut bytes = Vec::with_capacity(old.len() + 1024);
    let mut at = 0;
    for (range, new) in splices {
        bytes.extend_from_slice(old.get(at..range.start).unwrap_or_default());
        bytes.extend_from_slice(new);
        at = range.end;
    }
    bytes.extend_from_slice(old.get(at..).unwrap_or_default());
    // The blank line of a file without cards is not for the first one to begin with.
    if !appended.is_empty() && bytes.iter().all(u8::is_ascii_whitespace) {
        bytes.clear();
    }
    for new in appended {
        if !bytes.is_empty() && !matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.extend_from_slice(style.ending.as_bytes());
        }
        bytes.extend_from_slice(new);
    }
    // Zero bytes would look torn: a file without cards is a blank line.
    if bytes.is_empty() {
        bytes.extend_from_slice(style.ending.as_bytes());
    }
    bytes
}

/// Returns the key and the fingerprint of a card as the next scan would find them.
fn shown(written: &Written) -> (Key, Fingerprint) {
    let digest = Digest::of(&written.bytes);
    let key = written.record.text("uid").map_or_else(|| anonymous(digest, 0), str::to_owned);
    (Key(key), of_card(digest))
}

/// Answers each plan; a card counts its own bytes, and the first change those of the rest of the file too.
fn answer(plans: Vec<Plan>, done: bool, file: usize, out: &mut dyn Outcomes) {
    let of_cards: usize = plans.iter().map(Plan::bytes).sum();
    let mut rest = file.saturating_sub(of_cards);
    for (index, plan) in plans.into_iter().enumerate() {
        let mut bytes = plan.bytes();
        if !matches!(plan, Plan::Answer(_)) {
            bytes += std::mem::take(&mut rest);
        }
        let outcome = match plan {
            Plan::Answer(outcome) => outcome,
            Plan::Put { .. } | Plan::Remove { .. } if !done => Outcome::Stale,
            Plan::Put { written, .. } => {
                let (key, fingerprint) = shown(&written);
                Outcome::Put { key, fingerprint, record: written.record, bytes: bytes as u64 }
            }
            Plan::Remove { .. } => Outcome::Deleted { bytes: bytes as u64 },
        };
        out.outcome(index, outcome);
    }
}

impl Plan {
    /// Returns how many bytes the card has that it writes.
    fn bytes(&self) -> usize {
        match self {
            Self::Put { written, .. } => written.bytes.len(),
            Self::Answer(_) | Self::Remove { .. } => 0,
        }
    }
}

/// Returns what the journal says of each operation that changes the file.
fn staged(plans: &[Plan]) -> Vec<Staged> {
    let one = |(index, plan): (usize, &Plan)| match plan {
        Plan::Answer(_) => None,
        Plan::Put { written, .. } => {
            let (key, fingerprint) = shown(written);
            Some(Staged { index, key: Some(key), fingerprint: Some(fingerprint) })
        }
        Plan::Remove { .. } => Some(Staged { index, key: None, fingerprint: None }),
    };
    plans.iter().enumerate().filter_map(one).collect()
}

impl Adapter for Single {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        let content = match digest_whole(&self.path) {
            Ok((_, stat)) if stat.size == 0 => return Err(self.empty()),
            Ok((content, _)) => content,
            Err(error) => return self.missing(error).map(|()| false),
        };
        let known = [Keys::Stable, Keys::Unstable].into_iter().find(|keys| self.note(content, *keys) == note);
        if let Some(keys) = known {
            self.profile.keys = keys;
        }
        Ok(known.is_some())
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let root = self.identity();
        let Some(raw) = self.read()? else {
            if known.count() == 0 {
                return Ok(Scan { root, note: None });
            }
            let reason = "the file is not there; nothing was taken for deleted".to_owned();
            return Err(Error::Source { path: self.path.clone(), reason });
        };
        let text = self.text(&raw)?;
        let spans = spans(&text);
        if self.host.cancelled() {
            return Err(Error::Cancelled);
        }
        let anonymous = spans.iter().any(|span| matches!(span.state, State::Whole(_)) && span.uid.is_none());
        self.profile.keys = if anonymous { Keys::Unstable } else { Keys::Stable };
        self.report(&text, &spans, known, out);
        Ok(Scan { note: Some(self.note(Digest::of(&raw), self.profile.keys)), root })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let reading = self.reading()?;
        let (raw, spans) = reading.as_ref().map_or((None, &[][..]), |reading| (Some(reading.raw.as_slice()), reading.spans.as_slice()));
        let text = self.text(raw.unwrap_or_default())?;
        let now = Now::new(&text, spans);
        let this = &*self;
        let plans: Vec<Plan> = ops.par_iter().map(|op| this.plan(op, &now, blobs)).collect();
        if self.host.cancelled() {
            return Err(Error::Cancelled);
        }
        let plans = one_a_uid(plans);
        let staged = staged(&plans);
        if staged.is_empty() {
            answer(plans, true, 0, out);
            return Ok(());
        }
        let whole = rewritten(&text.bytes, &plans, now.style);
        let refused = || Error::Fatal(format!("{}: UTF-16 cannot hold what a card holds", self.path.display()));
        let file = text.file(whole).ok_or_else(refused)?;
        let done = match mode {
            Mode::Rehearse => true,
            Mode::Perform => self.perform(step, raw, &file, staged)?,
        };
        answer(plans, done, file.len(), out);
        self.rehearsed = reading.filter(|_| mode == Mode::Rehearse);
        Ok(())
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if !self.path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.is_dir()) {
            // What became of the step cannot be told from a folder that is not there: not done is another answer.
            let reason = "its folder is not there; what the last sync did to the file is found out once it is back".to_owned();
            return Err(Error::Source { path: self.path.clone(), reason });
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
        let spans = spans(&text);
        let holds = |span: &&Span| matches!(&span.state, State::Whole(found) if *found == key.0);
        let span = spans.iter().find(holds).ok_or_else(gone)?;
        let slice = text.bytes.get(span.range.clone()).unwrap_or_default();
        let bytes = Card::read(slice).ok().and_then(|card| card.blob(digest)).ok_or_else(gone)?;
        to.write_all(&bytes).map_err(|error| Error::io(&self.path, error))
    }
}
