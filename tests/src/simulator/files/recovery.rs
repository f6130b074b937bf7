//! What became of a step: exchanges put back, told after a crash, and what they displaced taken away.

use adapter::{Fate, Key};

use super::disk::Node;
use super::face::Face;
use super::step::{Act, Area, Entry, Halt, needed, old};

impl Area<'_> {
    /// Puts back what was exchanged, unless someone has written the target since.
    pub(super) fn undo(&mut self, entry: &Entry) -> Result<(), Halt> {
        let slot = entry.slot;
        match &entry.act {
            Act::Create { target, .. } => {
                if self.is(target, entry.inode) {
                    self.hide(target, slot)?;
                }
            }
            Act::Replace { target, .. } => {
                if self.exists(slot) {
                    self.swap_back(slot, target, entry.inode)?;
                } else if self.is(target, entry.inode) {
                    self.hide(target, slot)?;
                    self.reveal(old(slot), target)?;
                }
            }
            Act::Delete { target, .. } => drop(self.reveal(slot, target)?),
            Act::Move { from, target, .. } => drop(self.rename(target, from)?),
            Act::MakeFolder { target } => drop(self.place.disk.remove_folder(target)),
            Act::RemoveFolder { target } => drop(self.make_folder(target)?),
            Act::Set { target, executable, .. } => self.place.disk.set_executable(target, !executable),
        }
        Ok(())
    }

    /// Tells whether an exchange happened; a lost race is put right first.
    fn fate(&mut self, entry: &Entry) -> Result<bool, Halt> {
        let slot = entry.slot;
        Ok(match &entry.act {
            Act::Create { .. } => !self.exists(slot),
            Act::Replace { target, .. } if self.place.slots.get(&(self.step, slot)).is_some_and(|node| node.inode == entry.inode) => {
                if self.exists(old(slot)) {
                    self.reveal(old(slot), target)?;
                }
                false
            }
            Act::Replace { target, expected, .. } if self.exists(slot) => {
                if self.was(slot, *expected) {
                    return Ok(true);
                }
                self.swap_back(slot, target, entry.inode)?;
                false
            }
            Act::Replace { .. } => self.exists(old(slot)),
            Act::Delete { target, expected } => {
                if !self.exists(slot) || self.was(slot, *expected) {
                    return Ok(self.exists(slot));
                }
                self.reveal(slot, target)?;
                false
            }
            Act::Move { from, target, inode, .. } => {
                let stands = |path: &str| self.place.disk.find(path).is_some();
                (self.is(target, *inode) || stands(target) && !stands(from)) && !self.is(from, *inode)
            }
            Act::MakeFolder { target } => self.place.disk.find(target).is_some_and(Node::is_folder),
            Act::RemoveFolder { target } => self.place.disk.find(target).is_none(),
            Act::Set { target, executable, .. } => {
                matches!(self.place.disk.find(target).map(Face::of), Some(Face::File { executable: now, .. }) if now == *executable)
            }
        })
    }

    /// Tells what became of each operation of a step; empty if the step is unknown or exchanged nothing.
    pub(super) fn recover(&mut self) -> Result<Vec<Fate>, Halt> {
        let Some(journal) = self.place.journals.get(&self.step).cloned() else {
            self.discard();
            return Ok(Vec::new());
        };
        let needed = needed(&journal.told);
        let mut fates = vec![Fate::NotDone; journal.count];
        for told in &journal.told {
            let mut done = Vec::new();
            for entry in &told.entries {
                done.push(self.fate(entry)?);
            }
            // What stands in the place of what went before proves that it went.
            let stands = |(entry, done): (&Entry, &bool)| *done && matches!(entry.act, Act::Create { .. } | Act::Replace { .. });
            if let Some(at) = told.entries.iter().zip(&done).rposition(stands) {
                done.iter_mut().take(at).for_each(|before| *before = true);
            }
            if done.iter().all(|done| *done) {
                if let Some(fate) = fates.get_mut(told.index) {
                    let (key, fingerprint) = told.becomes.clone().map(|(key, fingerprint)| (Key(key), fingerprint)).unzip();
                    *fate = Fate::Done { key, fingerprint };
                }
                self.prune(told, &needed);
                continue;
            }
            for (entry, _) in told.entries.iter().zip(done).rev().filter(|(_, done)| *done) {
                self.undo(entry)?;
            }
        }
        for made in journal.made.iter().rev() {
            // It goes again if it is empty.
            let _ = self.place.disk.remove_folder(made);
        }
        Ok(fates)
    }

    /// Takes away what a step left: to the trash; what nobody had seen is kept aside. Tells whether something was.
    pub(super) fn settle(&mut self) -> bool {
        let journal = self.place.journals.get(&self.step).cloned().unwrap_or_default();
        let mut kept = false;
        for entry in journal.told.iter().flat_map(|told| &told.entries) {
            let Some((node, expected)) = self.displaced(entry) else { continue };
            let version = node.version();
            let unseen = version != expected.version();
            kept |= unseen;
            let to = if unseen { &mut self.place.kept } else { &mut self.place.trash };
            to.extend(version);
        }
        self.discard();
        kept
    }

    /// Returns what an exchange displaced, with what was expected.
    fn displaced(&self, entry: &Entry) -> Option<(Node, Face)> {
        let lies = |slot: usize| self.place.slots.get(&(self.step, slot)).cloned();
        match &entry.act {
            Act::Replace { expected, .. } => {
                lies(entry.slot).filter(|node| node.inode != entry.inode).or_else(|| lies(old(entry.slot))).zip(Some(*expected))
            }
            Act::Delete { expected, .. } => lies(entry.slot).zip(Some(*expected)),
            _ => None,
        }
    }

    fn discard(&mut self) {
        let step = self.step;
        self.place.journals.remove(&step);
        self.place.slots.retain(|(of, _), _| *of != step);
    }
}
