//! A step, by the rules of `adapters/fs/src/{step,exchange}.rs`: staged, written down, exchanged name by name, recovered, settled.

use std::collections::BTreeSet;

use adapter::{Blobs, Fingerprint, StepId};

use super::disk::{Body, Node, Refusal, folders};
use super::face::Face;
use super::place::Place;
use super::versions::Version;
use crate::simulator::faults::Fault;
use crate::simulator::fuse::Fuse;
use crate::simulator::mutation::Mutation;
use crate::simulator::shared::Shared;
use crate::simulator::weather::Weather;

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// What is staged gets the target's name.
    Create { target: String, face: Face },
    /// What is staged changes places with the target.
    Replace { target: String, face: Face, expected: Face },
    /// The target moves into the slot.
    Delete { target: String, expected: Face },
    /// The name `from` becomes the target.
    Move { from: String, target: String, expected: Face, inode: u64 },
    /// A folder is made.
    MakeFolder { target: String },
    /// An empty folder is removed.
    RemoveFolder { target: String },
    /// A file is made one that may be run, or that may not.
    Set { target: String, executable: bool, expected: Face },
}

impl Act {
    fn target(&self) -> &str {
        match self {
            Self::Create { target, .. }
            | Self::Replace { target, .. }
            | Self::Delete { target, .. }
            | Self::Move { target, .. }
            | Self::MakeFolder { target }
            | Self::RemoveFolder { target }
            | Self::Set { target, .. } => target,
        }
    }
}

/// What one operation does: all of it or nothing.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The operation's place in its step.
    pub(super) index: usize,
    /// The key and the fingerprint, as far as it can be known before; none for a deletion.
    pub(super) becomes: Option<(String, Fingerprint)>,
    pub(super) acts: Vec<Act>,
}

/// What became of a draft.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Yes,
    Stale,
    Refused(String),
}

/// An exchange with its slot, and the number of the file that was staged in it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) slot: usize,
    pub(super) inode: u64,
    pub(super) act: Act,
}

/// An operation whose content is staged.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) index: usize,
    pub(super) becomes: Option<(String, Fingerprint)>,
    pub(super) entries: Vec<Entry>,
}

/// What a step is to do, durable before the first exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    pub(super) told: Vec<Told>,
    /// Folders that were not there when the step began.
    pub(super) made: Vec<String>,
    /// How many operations the step has.
    pub(super) count: usize,
}

/// Why a step goes no further.
#[derive(Clone, Copy, Debug)]
pub(super) enum Halt {
    /// The device is dead.
    Dead,
    /// An exchange is refused.
    Refused(Refusal),
}

/// Where a step is staged and exchanged.
pub(super) struct Area<'a> {
    pub(super) place: &'a mut Place,
    pub(super) step: StepId,
    pub(super) fuse: &'a Fuse,
    pub(super) weather: &'a Shared<Weather>,
}

impl Area<'_> {
    /// Passes a place where the device can die.
    fn live(&self) -> Result<(), Halt> {
        if self.fuse.burn() { Err(Halt::Dead) } else { Ok(()) }
    }

    /// Stages and exchanges, and tells what became of each draft.
    pub(super) fn perform(&mut self, drafts: &[Draft], count: usize, blobs: &dyn Blobs) -> Result<Vec<Done>, Halt> {
        self.live()?;
        let staged = self.stage(drafts, blobs);
        self.live()?;
        let told: Vec<Told> = staged.iter().filter_map(|told| told.as_ref().ok()).cloned().collect();
        let journal = self.journal(told, count);
        self.place.journals.insert(self.step, journal.clone());
        self.live()?;
        let needed = needed(&journal.told);
        let mut done = Vec::new();
        for told in &journal.told {
            done.push(self.exchange_all(told, &needed)?);
        }
        let mut done = done.into_iter();
        Ok(staged.into_iter().map(|staged| staged.map_or_else(Done::Refused, |_| done.next().unwrap_or(Done::Stale))).collect())
    }

    fn stage(&mut self, drafts: &[Draft], blobs: &dyn Blobs) -> Vec<Result<Told, String>> {
        let mut slot = 0;
        let mut staged = Vec::new();
        for draft in drafts {
            let mut entries = Vec::new();
            let mut refused = None;
            for act in &draft.acts {
                slot += 1;
                let inode = match act {
                    Act::Create { face, .. } | Act::Replace { face, .. } => self.stage_content(slot, *face, blobs),
                    _ => Ok(0),
                };
                match inode {
                    Ok(inode) => entries.push(Entry { slot, inode, act: act.clone() }),
                    Err(reason) => refused = Some(reason),
                }
            }
            let told = Told { index: draft.index, becomes: draft.becomes.clone(), entries };
            staged.push(refused.map_or(Ok(told), Err));
        }
        staged
    }

    /// Fetches a content into a slot, proves that it is the one, and returns the number of the file.
    fn stage_content(&mut self, slot: usize, face: Face, blobs: &dyn Blobs) -> Result<u64, String> {
        let Face::File { version, executable, modified } = face else { return Ok(0) };
        if self.weather.look().strikes(Fault::DiskFull, 15) {
            return Err("no space left on the disk".to_owned());
        }
        let mut bytes = Vec::new();
        let mut from = blobs.open(version.blob().digest).map_err(|error| error.to_string())?;
        from.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes != version.bytes() {
            return Err("the store's copy of its content is damaged".to_owned());
        }
        let node = self.place.disk.fresh(Body::File { version, executable, modified });
        let inode = node.inode;
        self.place.slots.insert((self.step, slot), node);
        Ok(inode)
    }

    fn journal(&self, told: Vec<Told>, count: usize) -> Journal {
        let own: BTreeSet<&str> = told.iter().flat_map(|told| &told.entries).map(|entry| entry.act.target()).collect();
        let missing = |folder: &&String| self.place.disk.find(folder).is_none() && !own.contains(folder.as_str());
        let made = needed(&told).iter().filter(missing).cloned().collect();
        Journal { told, made, count }
    }

    fn exchange_all(&mut self, told: &Told, needed: &BTreeSet<String>) -> Result<Done, Halt> {
        for (at, entry) in told.entries.iter().enumerate() {
            let undone = match self.exchange(entry) {
                Ok(true) => continue,
                Ok(false) => Done::Stale,
                Err(Halt::Refused(refusal)) => Done::Refused(format!("it cannot be written: {refusal:?}")),
                Err(Halt::Dead) => return Err(Halt::Dead),
            };
            for entry in told.entries.iter().take(at).rev() {
                self.undo(entry)?;
            }
            return Ok(undone);
        }
        self.place.writes += 1;
        self.prune(told, needed);
        self.live()?;
        Ok(Done::Yes)
    }

    /// Exchanges, and tells whether what was displaced is what was expected; if not, it stands in its place again.
    fn exchange(&mut self, entry: &Entry) -> Result<bool, Halt> {
        self.live()?;
        let slot = entry.slot;
        match &entry.act {
            Act::Create { target, .. } => self.reveal(slot, target),
            Act::Replace { target, expected, .. } => {
                self.race(target);
                if self.place.disk.habits.no_exchange {
                    return self.replace_by_two(slot, target, *expected);
                }
                if !self.swap(slot, target)? {
                    return Ok(false);
                }
                self.live()?;
                if self.was(slot, *expected) {
                    return Ok(true);
                }
                self.swap_back(slot, target, entry.inode).map(|()| false)
            }
            Act::Delete { target, expected } => {
                self.race(target);
                if !self.hide(target, slot)? {
                    return Ok(false);
                }
                self.live()?;
                if self.was(slot, *expected) {
                    return Ok(true);
                }
                self.reveal(slot, target).map(|_| false)
            }
            Act::Move { from, target, expected, .. } => {
                self.race(from);
                if !self.rename(from, target)? {
                    return Ok(false);
                }
                self.live()?;
                if self.stands(target, *expected) {
                    return Ok(true);
                }
                self.rename(target, from).map(|_| false)
            }
            Act::MakeFolder { target } => self.make_folder(target),
            Act::RemoveFolder { target } => match self.place.disk.remove_folder(target) {
                Err(Refusal::NotEmpty) => Ok(false),
                Ok(()) | Err(Refusal::Missing | Refusal::NoFolder) => Ok(true),
                Err(refusal) => Err(Halt::Refused(refusal)),
            },
            Act::Set { target, executable, expected } => {
                if !self.stands(target, *expected) {
                    return Ok(false);
                }
                self.place.disk.set_executable(target, *executable);
                Ok(true)
            }
        }
    }

    /// Another program saves a file just before it is exchanged, in place or as editors do.
    fn race(&mut self, path: &str) {
        let mut weather = self.weather.look();
        if weather.calm || !weather.dice.chance(8) {
            return;
        }
        let Some(Body::File { version, executable, .. }) = self.place.disk.find(path).map(|node| node.body.clone()) else { return };
        let mut versions = self.place.versions.look();
        let new = versions.edit(self.place.at, version, false);
        weather.tally.count("saves while a step writes");
        weather.say(|| format!("USER of e{} saves {path} while it is written: {version:?} becomes {new:?}", self.place.at));
        if weather.dice.chance(500) {
            return self.place.disk.write(path, new);
        }
        let modified = self.place.disk.now();
        let mut node = self.place.disk.fresh(Body::File { version: new, executable, modified });
        if self.place.disk.exchange(path, &mut node).is_ok() {
            self.place.disk.free(&node);
        }
    }

    /// Tells whether what lies in a slot is what was expected; a blind adapter does not look.
    pub(super) fn was(&self, slot: usize, expected: Face) -> bool {
        let found = self.place.slots.get(&(self.step, slot)).map(Face::of);
        self.blind() || found.is_some_and(|found| found.version() == expected.version())
    }

    fn stands(&self, path: &str, expected: Face) -> bool {
        let found = self.place.disk.find(path).map(Face::of);
        self.blind() || found.is_some_and(|found| found.is_folder() == expected.is_folder() && found.version() == expected.version())
    }

    fn blind(&self) -> bool {
        self.place.mutation == Some(Mutation::BlindWrites)
    }

    fn swap(&mut self, slot: usize, target: &str) -> Result<bool, Halt> {
        let Some(mut node) = self.place.slots.remove(&(self.step, slot)) else { return Ok(false) };
        let outcome = self.place.disk.exchange(target, &mut node);
        self.place.slots.insert((self.step, slot), node);
        happened(outcome)
    }

    /// Exchanges back after a lost race. Someone who has written the target meanwhile stands: then the displaced file stays staged.
    pub(super) fn swap_back(&mut self, slot: usize, target: &str, inode: u64) -> Result<(), Halt> {
        let is = self.place.disk.find(target).is_some_and(|node| node.inode == inode);
        if is {
            self.swap(slot, target)?;
        }
        Ok(())
    }

    /// Replaces where nothing can be exchanged: the old file is moved aside and checked, and the new one gets its name.
    fn replace_by_two(&mut self, slot: usize, target: &str, expected: Face) -> Result<bool, Halt> {
        if !self.hide(target, old(slot))? {
            return Ok(false);
        }
        self.live()?;
        if self.was(old(slot), expected) && self.reveal(slot, target)? {
            return Ok(true);
        }
        self.live()?;
        self.reveal(old(slot), target).map(|_| false)
    }

    /// Moves a name into a slot.
    pub(super) fn hide(&mut self, path: &str, slot: usize) -> Result<bool, Halt> {
        match self.place.disk.detach(path) {
            Ok(node) => {
                self.place.slots.insert((self.step, slot), node);
                Ok(true)
            }
            Err(refusal) => happened(Err(refusal)),
        }
    }

    /// Gives what lies in a slot a free name, in a folder that is made if it is missing.
    pub(super) fn reveal(&mut self, slot: usize, path: &str) -> Result<bool, Halt> {
        let Some(node) = self.place.slots.get(&(self.step, slot)).cloned() else { return Ok(false) };
        self.make_folders_of(path)?;
        let outcome = self.place.disk.attach(path, node);
        if outcome.is_ok() {
            self.place.slots.remove(&(self.step, slot));
        }
        happened(outcome)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<bool, Halt> {
        if self.place.disk.find(from).is_none() {
            return Ok(false);
        }
        self.make_folders_of(to)?;
        happened(self.place.disk.rename(from, to))
    }

    fn make_folders_of(&mut self, path: &str) -> Result<(), Halt> {
        folders(path).next().map_or(Ok(()), |folder| self.place.disk.make_folders(folder)).map_err(Halt::Refused)
    }

    pub(super) fn make_folder(&mut self, target: &str) -> Result<bool, Halt> {
        self.make_folders_of(target)?;
        match self.place.disk.make_folder(target) {
            Err(Refusal::Taken) => Ok(self.place.disk.find(target).is_some_and(Node::is_folder)),
            outcome => outcome.map(|()| true).map_err(Halt::Refused),
        }
    }

    pub(super) fn is(&self, path: &str, inode: u64) -> bool {
        self.place.disk.find(path).is_some_and(|node| node.inode == inode)
    }

    pub(super) fn exists(&self, slot: usize) -> bool {
        self.place.slots.contains_key(&(self.step, slot))
    }

    /// Removes the folders that an operation emptied: a folder lives by what is in it, unless it has a record of its own.
    pub(super) fn prune(&mut self, told: &Told, needed: &BTreeSet<String>) {
        for entry in &told.entries {
            let left = match &entry.act {
                Act::Delete { target, .. } | Act::RemoveFolder { target } => target,
                Act::Move { from, .. } => from,
                _ => continue,
            };
            for folder in folders(left) {
                if needed.contains(folder) || self.place.disk.remove_folder(folder).is_err() {
                    break;
                }
            }
        }
    }
}

/// Returns where a file system without exchange keeps what a slot displaced.
pub(super) const fn old(slot: usize) -> usize {
    slot + (1 << 16)
}

/// Tells whether an action happened; a target that is missing or taken is an answer and no error.
fn happened(outcome: Result<(), Refusal>) -> Result<bool, Halt> {
    match outcome {
        Ok(()) => Ok(true),
        Err(Refusal::Missing | Refusal::Taken) => Ok(false),
        Err(refusal) => Err(Halt::Refused(refusal)),
    }
}

/// Returns the folders that must be there once the step is done.
pub(super) fn needed(told: &[Told]) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    for entry in told.iter().flat_map(|told| &told.entries) {
        match &entry.act {
            Act::Delete { .. } | Act::RemoveFolder { .. } => continue,
            Act::MakeFolder { target } => drop(needed.insert(target.clone())),
            Act::Create { .. } | Act::Replace { .. } | Act::Move { .. } | Act::Set { .. } => {}
        }
        needed.extend(folders(entry.act.target()).map(str::to_owned));
    }
    needed
}

/// Returns the versions that lie in slots of steps that are not settled.
pub(super) fn staged(place: &Place) -> impl Iterator<Item = Version> + '_ {
    place.slots.values().filter_map(Node::version)
}
