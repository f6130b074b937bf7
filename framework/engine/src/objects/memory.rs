//! An object store in memory: for the simulator, and for plans that keep nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta::State;
use record::{Conflict, ConflictId, RecordId};

use crate::error::Error;
use crate::objects::model::thin_out;
use crate::objects::{Batch, Item, Joined, Meta, Objects, Retained, Seen, Step};
use crate::report::Held;

/// An object store in memory. Clones share what is kept.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Clone, Debug, Default)]
struct Kept {
    meta: Meta,
    seen: BTreeMap<RecordId, Seen>,
    agreed: BTreeMap<RecordId, State>,
    remote: BTreeMap<RecordId, State>,
    conflicts: BTreeMap<ConflictId, Conflict>,
    attention: BTreeSet<RecordId>,
    step: Option<Step>,
    held: Vec<Held>,
    joined: BTreeMap<RecordId, Joined>,
    tail: Vec<Retained>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Becomes what another one is now.
    pub fn become_like(&self, other: &Self) {
        let kept = other.kept().clone();
        *self.kept() = kept;
    }

    /// Returns a copy that shares nothing.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.kept().clone())))
    }
}

fn take<K: Ord, V>(tree: &mut BTreeMap<K, V>, changes: BTreeMap<K, Option<V>>) {
    for (key, value) in changes {
        match value {
            Some(value) => tree.insert(key, value),
            None => tree.remove(&key),
        };
    }
}

impl Objects for Memory {
    fn meta(&self) -> Result<Meta, Error> {
        Ok(self.kept().meta.clone())
    }

    fn items(&self) -> Result<Vec<Item>, Error> {
        let kept = self.kept();
        Ok(kept.seen.iter().map(|(id, seen)| Item::of(*id, seen)).collect())
    }

    fn seen(&self, id: RecordId) -> Result<Option<Seen>, Error> {
        Ok(self.kept().seen.get(&id).cloned())
    }

    fn agreed(&self, id: RecordId) -> Result<Option<State>, Error> {
        Ok(self.kept().agreed.get(&id).cloned())
    }

    fn remote(&self, id: RecordId) -> Result<Option<State>, Error> {
        Ok(self.kept().remote.get(&id).cloned())
    }

    fn each_unseen(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let kept = self.kept();
        let unseen = kept.remote.iter().filter(|(id, _)| !kept.seen.contains_key(id));
        let states: Vec<(RecordId, State)> = unseen.map(|(id, state)| (*id, state.clone())).collect();
        drop(kept);
        states.into_iter().for_each(|(id, state)| visit(id, state));
        Ok(())
    }

    fn each_remote(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let states = self.kept().remote.clone();
        states.into_iter().for_each(|(id, state)| visit(id, state));
        Ok(())
    }

    fn tail(&self) -> Result<Vec<Retained>, Error> {
        Ok(self.kept().tail.clone())
    }

    fn conflicts(&self) -> Result<Vec<Conflict>, Error> {
        Ok(self.kept().conflicts.values().cloned().collect())
    }

    fn attention(&self) -> Result<BTreeSet<RecordId>, Error> {
        Ok(self.kept().attention.clone())
    }

    fn step(&self) -> Result<Option<Step>, Error> {
        Ok(self.kept().step.clone())
    }

    fn held(&self) -> Result<Vec<Held>, Error> {
        Ok(self.kept().held.clone())
    }

    fn joined(&self) -> Result<Vec<Joined>, Error> {
        Ok(self.kept().joined.values().cloned().collect())
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let mut kept = self.kept();
        if let Some(meta) = batch.meta {
            kept.meta = meta;
        }
        take(&mut kept.seen, batch.seen);
        for (id, fingerprint) in batch.fingerprints {
            if let Some(seen) = kept.seen.get_mut(&id) {
                seen.fingerprint = fingerprint;
            }
        }
        take(&mut kept.agreed, batch.agreed);
        take(&mut kept.remote, batch.remote);
        take(&mut kept.conflicts, batch.conflicts);
        for (id, needs) in batch.attention {
            if needs {
                kept.attention.insert(id)
            } else {
                kept.attention.remove(&id)
            };
        }
        if let Some(step) = batch.step {
            kept.step = step;
        }
        if let Some(held) = batch.held {
            kept.held = held;
        }
        take(&mut kept.joined, batch.joined);
        if let Some(cut) = batch.cut {
            kept.tail.retain(|retained| retained.sequence.0 <= cut);
        }
        if !batch.tail.is_empty() {
            kept.tail.extend(batch.tail);
            thin_out(&mut kept.tail);
        }
        Ok(())
    }
}
