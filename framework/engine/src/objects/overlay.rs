//! An object store over another one that is never written: what a plan keeps.

use std::collections::{BTreeMap, BTreeSet};

use delta::State;
use record::{Conflict, ConflictId, RecordId};

use crate::error::Error;
use crate::objects::{Batch, Item, Joined, Meta, Objects, Retained, Seen, Step};
use crate::report::Held;

/// Another object store with changes that are forgotten in the end.
pub(crate) struct Overlay {
    base: Box<dyn Objects>,
    /// Every batch so far, as one.
    kept: Batch,
}

impl Overlay {
    pub(crate) fn over(base: Box<dyn Objects>) -> Self {
        Self { base, kept: Batch::default() }
    }
}

fn merged<K: Ord + Copy, V: Clone>(base: Vec<(K, V)>, changes: &BTreeMap<K, Option<V>>) -> BTreeMap<K, V> {
    let mut tree: BTreeMap<K, V> = base.into_iter().collect();
    for (key, value) in changes {
        match value {
            Some(value) => tree.insert(*key, value.clone()),
            None => tree.remove(key),
        };
    }
    tree
}

impl Objects for Overlay {
    fn meta(&self) -> Result<Meta, Error> {
        self.kept.meta.clone().map_or_else(|| self.base.meta(), Ok)
    }

    fn items(&self) -> Result<Vec<Item>, Error> {
        let mut items: Vec<Item> = self.base.items()?.into_iter().filter(|item| !self.kept.seen.contains_key(&item.id)).collect();
        for item in &mut items {
            if let Some(fingerprint) = self.kept.fingerprints.get(&item.id) {
                item.fingerprint.clone_from(fingerprint);
            }
        }
        items.extend(self.kept.seen.iter().filter_map(|(id, seen)| Some(Item::of(*id, seen.as_ref()?))));
        items.sort_by_key(|item| item.id);
        Ok(items)
    }

    fn seen(&self, id: RecordId) -> Result<Option<Seen>, Error> {
        self.kept.seen.get(&id).map_or_else(|| self.base.seen(id), |seen| Ok(seen.clone()))
    }

    fn agreed(&self, id: RecordId) -> Result<Option<State>, Error> {
        self.kept.agreed.get(&id).map_or_else(|| self.base.agreed(id), |state| Ok(state.clone()))
    }

    fn remote(&self, id: RecordId) -> Result<Option<State>, Error> {
        self.kept.remote.get(&id).map_or_else(|| self.base.remote(id), |state| Ok(state.clone()))
    }

    fn each_unseen(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let (seen, remote) = (&self.kept.seen, &self.kept.remote);
        self.base.each_unseen(&mut |id, state| {
            if !seen.get(&id).is_some_and(Option::is_some) && !remote.contains_key(&id) {
                visit(id, state);
            }
        })?;
        let forgotten: Vec<RecordId> =
            seen.iter().filter(|(id, seen)| seen.is_none() && !remote.contains_key(id)).map(|(id, _)| *id).collect();
        for id in forgotten {
            if let (Some(_), Some(state)) = (self.base.seen(id)?, self.base.remote(id)?) {
                visit(id, state);
            }
        }
        for (id, state) in remote {
            if let (None, Some(state)) = (self.seen(*id)?, state) {
                visit(*id, state.clone());
            }
        }
        Ok(())
    }

    fn each_remote(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let remote = &self.kept.remote;
        let mut states: BTreeMap<RecordId, State> = BTreeMap::new();
        self.base.each_remote(&mut |id, state| {
            if !remote.contains_key(&id) {
                states.insert(id, state);
            }
        })?;
        states.extend(remote.iter().filter_map(|(id, state)| Some((*id, state.clone()?))));
        states.into_iter().for_each(|(id, state)| visit(id, state));
        Ok(())
    }

    fn tail(&self) -> Result<Vec<Retained>, Error> {
        let cut = self.kept.cut.unwrap_or(u64::MAX);
        let mut tail: Vec<Retained> = self.base.tail()?.into_iter().filter(|retained| retained.sequence.0 <= cut).collect();
        tail.extend(self.kept.tail.iter().cloned());
        Ok(tail)
    }

    fn conflicts(&self) -> Result<Vec<Conflict>, Error> {
        let base: Vec<(ConflictId, Conflict)> = self.base.conflicts()?.into_iter().map(|conflict| (conflict.id, conflict)).collect();
        Ok(merged(base, &self.kept.conflicts).into_values().collect())
    }

    fn attention(&self) -> Result<BTreeSet<RecordId>, Error> {
        let mut attention = self.base.attention()?;
        for (id, needs) in &self.kept.attention {
            if *needs {
                attention.insert(*id)
            } else {
                attention.remove(id)
            };
        }
        Ok(attention)
    }

    fn step(&self) -> Result<Option<Step>, Error> {
        self.kept.step.clone().map_or_else(|| self.base.step(), Ok)
    }

    fn held(&self) -> Result<Vec<Held>, Error> {
        self.kept.held.clone().map_or_else(|| self.base.held(), Ok)
    }

    fn joined(&self) -> Result<Vec<Joined>, Error> {
        let base: Vec<(RecordId, Joined)> = self.base.joined()?.into_iter().map(|joined| (joined.newcomer, joined)).collect();
        Ok(merged(base, &self.kept.joined).into_values().collect())
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let kept = &mut self.kept;
        batch.seen.keys().for_each(|id| {
            kept.fingerprints.remove(id);
        });
        for (id, fingerprint) in batch.fingerprints {
            match kept.seen.get_mut(&id) {
                Some(Some(seen)) => seen.fingerprint = fingerprint,
                _ => {
                    kept.fingerprints.insert(id, fingerprint);
                }
            }
        }
        kept.meta = batch.meta.or(kept.meta.take());
        kept.seen.extend(batch.seen);
        kept.agreed.extend(batch.agreed);
        kept.remote.extend(batch.remote);
        kept.conflicts.extend(batch.conflicts);
        kept.attention.extend(batch.attention);
        kept.step = batch.step.or(kept.step.take());
        kept.held = batch.held.or(kept.held.take());
        kept.joined.extend(batch.joined);
        if let Some(cut) = batch.cut {
            kept.tail.retain(|retained| retained.sequence.0 <= cut);
            kept.cut = Some(kept.cut.map_or(cut, |before| before.min(cut)));
        }
        kept.tail.extend(batch.tail);
        Ok(())
    }
}
