//! The endpoint: a folder whose files are items.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adapter::staging::{Moment, Note, Placed, Staged, Staging, Stat, now, read_whole, stat};
use adapter::{
    Adapter, Blobs, Broken, Error, Expect, Fate, Host, Item, Key, Known, Mode, NothingKnown, Op, Outcome, Outcomes, Place, Profile, Scan,
    Sink, StepId,
};
use rayon::prelude::*;
use record::Digest;

use crate::listing::{self, Listed, Look, look};
use crate::mark::FileMark;
use crate::naming::is_item;
use crate::plan::{Plan, Planner, Writing, one_a_name};
use crate::rehearsed::Rehearsed;
use crate::{Codec, Fault, Habits};

/// An endpoint that is a folder.
pub struct Folder {
    root: PathBuf,
    may_create: bool,
    codec: Box<dyn Codec>,
    host: Box<dyn Host>,
    staging: Staging,
    profile: Profile,
    habits: Habits,
    /// Which folder the last scan saw: nothing is written to another one that took its place since.
    scanned: Option<Vec<u8>>,
    /// Which folder a step made, or turned out to have made.
    made: Option<Vec<u8>>,
    /// The file that each UID stands in, as of the last look.
    uids: Option<HashMap<[u8; 16], String>>,
    /// What was rehearsed last and may be performed next.
    rehearsed: Rehearsed,
    clock: fn() -> Moment,
}

impl Folder {
    /// Opens a folder; nothing is read yet.
    #[must_use]
    pub fn new(root: PathBuf, may_create: bool, codec: Box<dyn Codec>, profile: Profile, host: Box<dyn Host>) -> Self {
        let staging = Staging::at(root.join(".syncretic"));
        let (habits, rehearsed) = (Habits::default(), Rehearsed::default());
        Self { root, may_create, codec, host, staging, profile, habits, scanned: None, made: None, uids: None, rehearsed, clock: now }
    }

    /// Lets it take another time for now: that to which the times of files are compared.
    #[must_use]
    pub fn at(self, clock: fn() -> Moment) -> Self {
        Self { clock, ..self }
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        listing::list(&self.root, self.codec.ending(), &*self.host)
    }

    /// Looks at every file, in the order of the names.
    fn look_at_all(&self, known: &dyn Known, now: Moment) -> Result<Vec<(Key, Look)>, Error> {
        let (files, codec) = (self.list()?, &*self.codec);
        let of = files.len() as u64;
        let looks: Result<Vec<(Key, Look)>, Error> = files
            .into_par_iter()
            .map_init(
                || self.root.join("-"),
                |path, Listed { name, stat }| {
                    if self.host.cancelled() {
                        return Err(Error::Cancelled);
                    }
                    path.set_file_name(&name);
                    let key = Key(name);
                    let look = look(codec, path, stat, known.fingerprint(&key), now);
                    Ok((key, look))
                },
            )
            .collect();
        let looks = looks?;
        self.host.progress(of, Some(of));
        Ok(looks)
    }

    /// Takes note of what the files have in common, and turns items that share a UID into faults.
    fn take_note(&mut self, looks: &mut [(Key, Look)]) {
        let mut uids: HashMap<[u8; 16], String> = HashMap::with_capacity(looks.len());
        let mut shared: BTreeMap<[u8; 16], Vec<String>> = BTreeMap::new();
        for (key, look) in &*looks {
            let Some(traits) = look.traits() else { continue };
            let Some(uid) = traits.uid else { continue };
            match uids.entry(uid) {
                Entry::Vacant(free) => {
                    free.insert(key.0.clone());
                }
                Entry::Occupied(first) => shared.entry(uid).or_insert_with(|| vec![first.get().clone()]).push(key.0.clone()),
            }
        }
        self.habits = Habits::of(looks.iter().filter_map(|(_, look)| look.traits()));
        self.uids = Some(uids);
        if shared.is_empty() {
            return;
        }
        for (key, look) in looks {
            if let Some(names) = look.traits().and_then(|traits| traits.uid).and_then(|uid| shared.get(&uid)) {
                let title = look.title().or_else(|| self.title_of(&self.root.join(&key.0)));
                let reason = format!("the same UID stands in {}; keep one of them", names.join(" and "));
                *look = Look::Fault(Fault { title, line: None, reason });
            }
        }
    }

    /// Returns what tells later whether anything changed; nothing if the time of any file would not show it.
    fn note(&self, root: &[u8], looks: &[(Key, Look)]) -> Option<Vec<u8>> {
        let mut note = Note::new(self.codec.reader().as_bytes(), root);
        for (key, look) in looks {
            match look {
                Look::Same(mark, _) | Look::Item(_, mark) if mark.trusted => note.add(key.0.as_bytes(), &mark.stat),
                _ => return None,
            }
        }
        Some(note.finish())
    }

    fn title_of(&self, path: &Path) -> Option<String> {
        read_whole(path).ok().and_then(|(raw, _)| self.codec.glance(&raw).1)
    }

    fn report(&self, looks: Vec<(Key, Look)>, out: &mut dyn Sink) {
        for (key, look) in looks {
            match look {
                Look::Same(_, fingerprint) => out.unchanged(key, fingerprint),
                Look::Item(record, mark) => {
                    let place = Place { path: self.root.join(&key.0), line: None, column: None };
                    out.item(Item { key, fingerprint: mark.fingerprint(), record: *record, place });
                }
                Look::Fault(fault) => {
                    let path = self.root.join(&key.0);
                    let place = Place { path, line: fault.line.map(|line| line as u64), column: None };
                    out.broken(Broken { key: Some(key), title: fault.title, place, reason: fault.reason });
                }
            }
        }
    }

    /// Returns the identity of the folder; a folder that is to be made has none yet.
    fn identity(&self) -> Result<Vec<u8>, Error> {
        let path = match fs::canonicalize(&self.root) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(&self.root, error)),
        };
        let found = stat(&path)?;
        let mut root = path.into_os_string().into_encoded_bytes();
        root.push(0);
        root.extend(found.device.to_be_bytes());
        root.extend(found.inode.to_be_bytes());
        Ok(root)
    }

    /// Makes sure that it is known which UIDs and habits the folder has: what new items are made by.
    fn know(&mut self, known: &dyn Known, now: Moment) -> Result<(), Error> {
        if self.uids.is_none() {
            let mut looks = if self.is_to_be_made() { Vec::new() } else { self.look_at_all(known, now)? };
            self.take_note(&mut looks);
        }
        Ok(())
    }

    fn is_to_be_made(&self) -> bool {
        self.may_create && fs::symlink_metadata(&self.root).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    fn perform(&mut self, step: StepId, plans: Vec<Plan>, now: Moment, out: &mut dyn Outcomes) -> Result<(), Error> {
        if plans.iter().all(|plan| matches!(plan, Plan::Answer(_))) {
            self.answer(plans, out);
            return Ok(());
        }
        if self.is_to_be_made() {
            fs::create_dir_all(&self.root).map_err(|error| Error::io(&self.root, error))?;
            self.made = Some(self.identity()?);
            self.scanned.clone_from(&self.made);
        }
        let mut stage = self.staging.begin(step)?;
        for (index, plan) in plans.iter().enumerate() {
            match plan {
                Plan::Answer(_) => {}
                Plan::Write(writing) => {
                    let mark = FileMark::new(Stat::default(), Digest::of(&writing.written.bytes), writing.written.traits, (0, 0));
                    let staged = Staged { index, key: Some(Key::new(&writing.name)), fingerprint: Some(mark.fingerprint()) };
                    let target = self.root.join(&writing.name);
                    match writing.expected {
                        Some(expected) => stage.replace(vec![staged], &target, expected, &writing.written.bytes)?,
                        None => stage.create(vec![staged], &target, &writing.written.bytes)?,
                    }
                }
                Plan::Remove { key, expected, .. } => {
                    stage.delete(vec![Staged { index, key: None, fingerprint: None }], &self.root.join(&key.0), *expected)?;
                }
            }
        }
        let placed = stage.commit()?;
        self.settle_answers(plans, placed, now, out);
        Ok(())
    }

    fn settle_answers(&mut self, plans: Vec<Plan>, placed: Vec<Placed>, now: Moment, out: &mut dyn Outcomes) {
        let mut placed = placed.into_iter();
        for (index, plan) in plans.into_iter().enumerate() {
            let outcome = match plan {
                Plan::Answer(outcome) => outcome,
                Plan::Write(writing) => match placed.next() {
                    Some(Placed::Done(stat)) => self.written(*writing, stat.unwrap_or_default(), now),
                    Some(Placed::Stale) | None => Outcome::Stale,
                },
                Plan::Remove { key, uid, .. } => match placed.next() {
                    Some(Placed::Done(_)) => {
                        self.forget(uid, &key.0);
                        Outcome::Deleted { bytes: 0 }
                    }
                    Some(Placed::Stale) | None => Outcome::Stale,
                },
            };
            out.outcome(index, outcome);
        }
    }

    fn written(&mut self, writing: Writing, stat: Stat, now: Moment) -> Outcome {
        let mark = FileMark::new(stat, Digest::of(&writing.written.bytes), writing.written.traits, now);
        let key = Key::new(&writing.name);
        self.forget(writing.before, &writing.name);
        if let (Some(uids), Some(uid)) = (&mut self.uids, writing.written.traits.uid) {
            uids.insert(uid, writing.name);
        }
        Outcome::Put { key, fingerprint: mark.fingerprint(), record: writing.written.record, bytes: writing.written.bytes.len() as u64 }
    }

    /// Forgets that a UID stands in this file.
    fn forget(&mut self, uid: Option<[u8; 16]>, file: &str) {
        if let (Some(uids), Some(uid)) = (&mut self.uids, uid)
            && uids.get(&uid).is_some_and(|name| name == file)
        {
            uids.remove(&uid);
        }
    }

    /// Answers as performing would, as far as can be known.
    fn answer(&self, plans: Vec<Plan>, out: &mut dyn Outcomes) {
        for (index, plan) in plans.into_iter().enumerate() {
            let outcome = match plan {
                Plan::Answer(outcome) => outcome,
                Plan::Write(writing) => {
                    let mark = FileMark::new(Stat::default(), Digest::of(&writing.written.bytes), writing.written.traits, (0, 0));
                    let bytes = writing.written.bytes.len() as u64;
                    Outcome::Put { key: Key::new(&writing.name), fingerprint: mark.fingerprint(), record: writing.written.record, bytes }
                }
                Plan::Remove { key, expected, .. } => match read_whole(&self.root.join(&key.0)) {
                    Ok((raw, _)) if Digest::of(&raw) == expected => Outcome::Deleted { bytes: 0 },
                    _ => Outcome::Stale,
                },
            };
            out.outcome(index, outcome);
        }
    }
}

impl Adapter for Folder {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        if self.is_to_be_made() {
            return Ok(false);
        }
        let (now, root) = ((self.clock)(), self.identity()?);
        let mut found = Note::new(self.codec.reader().as_bytes(), &root);
        for Listed { name, stat } in self.list()? {
            match stat {
                Ok(stat) if stat.is_settled(now) => found.add(name.as_bytes(), &stat),
                _ => return Ok(false),
            }
        }
        if found.finish() != note || self.identity()? != root {
            return Ok(false);
        }
        self.scanned = Some(root);
        self.uids = None;
        Ok(true)
    }

    fn recollect(&mut self, known: &dyn Known) -> Result<(), Error> {
        self.know(known, (self.clock)())
    }

    fn made(&mut self) -> Option<Vec<u8>> {
        self.made.take()
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let now = (self.clock)();
        let root = self.identity()?;
        if self.is_to_be_made() && known.count() == 0 {
            self.take_note(&mut []);
            return Ok(Scan { root, note: None });
        }
        let mut looks = self.look_at_all(known, now)?;
        // A folder that was exchanged while it was read shows neither the old nor the new one.
        if self.identity()? != root {
            return Err(Error::Changed { path: self.root.clone() });
        }
        self.take_note(&mut looks);
        self.rehearsed = Rehearsed::default();
        let note = self.note(&root, &looks);
        self.report(looks, out);
        self.scanned = Some(root.clone());
        Ok(Scan { root, note })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let now = (self.clock)();
        if self.scanned.is_some() && self.scanned != Some(self.identity()?) {
            return Err(Error::Changed { path: self.root.clone() });
        }
        if ops.iter().any(|op| matches!(op, Op::Put { expect: Expect::Absent, .. })) {
            self.know(&NothingKnown, now)?;
        }
        let planner = Planner { codec: &*self.codec, root: &self.root, habits: self.habits, uids: self.uids.as_ref(), blobs };
        let (host, rehearsed) = (&*self.host, std::mem::take(&mut self.rehearsed));
        let plan = |op: &Op<'_>| {
            if host.cancelled() {
                return Err(Error::Cancelled);
            }
            rehearsed.plan(step, op).map_or_else(|| planner.plan(op), Ok)
        };
        let plans: Result<Vec<Plan>, Error> = ops.par_iter().map(plan).collect();
        let plans = one_a_name(plans?);
        match mode {
            Mode::Rehearse => {
                self.rehearsed = Rehearsed::of(step, ops, &plans);
                self.answer(plans, out);
                Ok(())
            }
            Mode::Perform => self.perform(step, plans, now, out),
        }
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        if !self.may_create && !self.root.is_dir() {
            // What became of the step cannot be told from a folder that is not there: not done is another answer.
            let reason = "the folder is not there; what the last sync did to it is found out once it is back".to_owned();
            return Err(Error::Source { path: self.root.clone(), reason });
        }
        let fates = self.staging.recover(step)?;
        if !fates.is_empty() {
            // The step's own journal stands in this folder, so whatever was to be made for it is this one.
            self.made = Some(self.identity()?);
        }
        Ok(fates)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.staging.settle(step)
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        let path = self.root.join(&key.0);
        let gone = || Error::Changed { path: path.clone() };
        if !is_item(&key.0, self.codec.ending()) || key.0.contains('/') {
            return Err(gone());
        }
        let (raw, _) = read_whole(&path)?;
        let bytes = self.codec.blob(&raw, digest).ok_or_else(gone)?;
        to.write_all(&bytes).map_err(|error| Error::io(&path, error))
    }
}
