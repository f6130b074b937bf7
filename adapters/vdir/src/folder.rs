//! The endpoint: a folder whose files are items.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adapter::staging::{Moment, Placed, Staged, Staging, Stat, now, read_whole, stat};
use adapter::{
    Adapter, Blobs, Broken, Error, Fate, Host, Item, Key, Known, Mode, NothingKnown, Op, Outcome, Outcomes, Place, Profile, Scan, Sink,
    StepId,
};
use rayon::prelude::*;
use record::Digest;

use crate::listing::{self, Look, look};
use crate::mark::FileMark;
use crate::naming::is_item;
use crate::plan::{Plan, Planner, Writing, one_a_name};
use crate::{Codec, Fault, Habits, Traits};

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
}

impl Folder {
    /// Opens a folder; nothing is read yet.
    #[must_use]
    pub fn new(root: PathBuf, may_create: bool, codec: Box<dyn Codec>, profile: Profile, host: Box<dyn Host>) -> Self {
        let staging = Staging::at(root.join(".syncretic"));
        Self { root, may_create, codec, host, staging, profile, habits: Habits::default(), scanned: None, made: None, uids: None }
    }

    /// Looks at every file, in the order of the names.
    fn look_at_all(&self, known: &dyn Known, now: Moment) -> Result<Vec<(Key, Look)>, Error> {
        let (names, codec) = (listing::names(&self.root, self.codec.ending())?, &*self.codec);
        let of = names.len() as u64;
        self.host.progress(0, Some(of));
        let looks: Result<Vec<(Key, Look)>, Error> = names
            .into_par_iter()
            .map_init(
                || self.root.join("-"),
                |path, name| {
                    if self.host.cancelled() {
                        return Err(Error::Cancelled);
                    }
                    path.set_file_name(&name);
                    let key = Key(name);
                    let look = look(codec, path, known.fingerprint(&key), now);
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
        let mut count = Count::default();
        for (key, look) in &*looks {
            let Some(traits) = look.traits() else { continue };
            count.add(traits);
            let Some(uid) = traits.uid else { continue };
            match uids.entry(uid) {
                Entry::Vacant(free) => {
                    free.insert(key.0.clone());
                }
                Entry::Occupied(first) => shared.entry(uid).or_insert_with(|| vec![first.get().clone()]).push(key.0.clone()),
            }
        }
        self.habits = count.habits();
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

    /// Makes sure that it is known which UIDs and habits the folder has.
    fn know(&mut self, now: Moment) -> Result<(), Error> {
        if self.uids.is_none() {
            let mut looks = if self.is_to_be_made() { Vec::new() } else { self.look_at_all(&NothingKnown, now)? };
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

    fn made(&mut self) -> Option<Vec<u8>> {
        self.made.take()
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let now = now();
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
        self.report(looks, out);
        self.scanned = Some(root.clone());
        Ok(Scan { root, note: None })
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let now = now();
        if self.scanned.is_some() && self.scanned != Some(self.identity()?) {
            return Err(Error::Changed { path: self.root.clone() });
        }
        self.know(now)?;
        let planner = Planner { codec: &*self.codec, root: &self.root, habits: self.habits, uids: self.uids.as_ref(), blobs };
        let host = &*self.host;
        let plans: Result<Vec<Plan>, Error> =
            ops.par_iter().map(|op| if host.cancelled() { Err(Error::Cancelled) } else { planner.plan(op) }).collect();
        let plans = one_a_name(plans?);
        match mode {
            Mode::Rehearse => {
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

/// What the files have in common, while they are counted.
#[derive(Default)]
struct Count {
    own: BTreeMap<u8, usize>,
    bare: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, traits: Traits) {
        *self.own.entry(traits.own).or_default() += 1;
        self.bare += usize::from(traits.bare);
        self.all += 1;
    }

    fn habits(&self) -> Habits {
        let own = self.own.iter().max_by_key(|(own, count)| (**count, **own)).map(|(own, _)| *own);
        Habits { bare: self.bare * 2 > self.all, own }
    }
}
