//! The three trees of one session: read on demand, changed in memory, kept by one commit at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use adapter::Fingerprint;
use delta::State;
use record::{Change, Conflict, ConflictId, Life, RecordId};

use crate::error::Error;
use crate::objects::model::{TAIL, thin_out};
use crate::objects::{Batch, Joined, Meta, Objects, Retained, Seen, Step};
use crate::report::Held;

/// The object store's content as this session sees it.
pub(crate) struct Trees<'o> {
    objects: &'o mut dyn Objects,
    pub(crate) meta: Meta,
    seen: HashMap<RecordId, Option<Seen>>,
    agreed: HashMap<RecordId, Option<State>>,
    remote: HashMap<RecordId, Option<State>>,
    conflicts: BTreeMap<ConflictId, Conflict>,
    attention: BTreeSet<RecordId>,
    batch: Batch,
    kept_meta: Meta,
}

impl<'o> Trees<'o> {
    pub(crate) fn open(objects: &'o mut dyn Objects) -> Result<Self, Error> {
        let meta = objects.meta()?;
        let conflicts = objects.conflicts()?.into_iter().map(|conflict| (conflict.id, conflict)).collect();
        let attention = objects.attention()?;
        Ok(Self {
            kept_meta: meta.clone(),
            meta,
            seen: HashMap::new(),
            agreed: HashMap::new(),
            remote: HashMap::new(),
            conflicts,
            attention,
            batch: Batch::default(),
            objects,
        })
    }

    /// Gives access to what is only read: items, joins, all of the remote tree as it was last committed.
    pub(crate) fn objects(&self) -> &dyn Objects {
        self.objects
    }

    pub(crate) fn seen(&mut self, id: RecordId) -> Result<Option<&Seen>, Error> {
        if !self.seen.contains_key(&id) {
            let found = self.objects.seen(id)?;
            self.seen.insert(id, found);
        }
        Ok(self.seen.get(&id).and_then(Option::as_ref))
    }

    /// Visits every item as this session sees it.
    pub(crate) fn each_seen(&self, visit: &mut dyn FnMut(RecordId, &Seen)) -> Result<(), Error> {
        self.objects.each_seen(&mut |id, seen| {
            if !self.seen.contains_key(&id) {
                visit(id, &seen);
            }
        })?;
        self.seen.iter().filter_map(|(id, seen)| Some((*id, seen.as_ref()?))).for_each(|(id, seen)| visit(id, seen));
        Ok(())
    }

    pub(crate) fn agreed(&mut self, id: RecordId) -> Result<Option<&State>, Error> {
        if !self.agreed.contains_key(&id) {
            let found = self.objects.agreed(id)?;
            self.agreed.insert(id, found);
        }
        Ok(self.agreed.get(&id).and_then(Option::as_ref))
    }

    pub(crate) fn remote(&mut self, id: RecordId) -> Result<Option<&State>, Error> {
        if !self.remote.contains_key(&id) {
            let found = self.objects.remote(id)?;
            self.remote.insert(id, found);
        }
        Ok(self.remote.get(&id).and_then(Option::as_ref))
    }

    /// Reads the three states of a record, so that [`Trees::sides`] can lend them together.
    pub(crate) fn fetch(&mut self, id: RecordId) -> Result<(), Error> {
        self.seen(id)?;
        self.agreed(id)?;
        self.remote(id)?;
        Ok(())
    }

    /// Lends the three states of a record that was fetched: seen, agreed, remote.
    pub(crate) fn sides(&self, id: RecordId) -> (Option<&Seen>, Option<&State>, Option<&State>) {
        fn of<T>(tree: &HashMap<RecordId, Option<T>>, id: RecordId) -> Option<&T> {
            tree.get(&id).and_then(Option::as_ref)
        }
        (of(&self.seen, id), of(&self.agreed, id), of(&self.remote, id))
    }

    pub(crate) fn put_seen(&mut self, id: RecordId, seen: Option<Seen>) {
        self.batch.fingerprints.remove(&id);
        self.batch.seen.insert(id, seen.clone());
        self.seen.insert(id, seen);
        self.attend(id);
    }

    /// Takes note of a newer fingerprint of the same content.
    pub(crate) fn put_fingerprint(&mut self, id: RecordId, fingerprint: Fingerprint) {
        if let Some(Some(seen)) = self.seen.get_mut(&id) {
            seen.fingerprint = fingerprint.clone();
        }
        if let Some(Some(seen)) = self.batch.seen.get_mut(&id) {
            seen.fingerprint = fingerprint;
        } else {
            self.batch.fingerprints.insert(id, fingerprint);
        }
    }

    pub(crate) fn put_agreed(&mut self, id: RecordId, state: Option<State>) {
        if self.agreed.get(&id) != Some(&state) {
            self.batch.agreed.insert(id, state.clone());
            self.agreed.insert(id, state);
        }
    }

    pub(crate) fn put_remote(&mut self, id: RecordId, state: Option<State>) {
        self.batch.remote.insert(id, state.clone());
        self.remote.insert(id, state);
        self.attend(id);
    }

    /// Follows the links of a record to the one that it turned out to be.
    pub(crate) fn resolve(&mut self, id: RecordId) -> Result<RecordId, Error> {
        let mut at = id;
        // Links form no circle: a record is linked away only while it lives, and its target lives then.
        for _ in 0..64 {
            match self.remote(at)?.and_then(|state| state.linked) {
                Some(into) if into != at => at = into,
                _ => break,
            }
        }
        Ok(at)
    }

    /// Returns the record that a change means.
    pub(crate) fn target(&mut self, change: &Change) -> Result<RecordId, Error> {
        if change.life == Some(Life::Born) { Ok(change.id) } else { self.resolve(change.id) }
    }

    /// Takes a change into the remote tree as of the entry `sequence`, following links.
    pub(crate) fn fold(&mut self, change: &Change, sequence: u64) -> Result<RecordId, Error> {
        let id = self.target(change)?;
        let mut state = self.remote(id)?.cloned().unwrap_or_else(|| State::unborn(change.kind.clone()));
        state.apply(change, sequence);
        self.put_remote(id, Some(state));
        Ok(id)
    }

    /// Takes one of this endpoint's own changes, now in the log, into the agreed tree.
    pub(crate) fn fold_agreed(&mut self, id: RecordId, change: &Change, sequence: u64) -> Result<(), Error> {
        if let Some(state) = self.remote(id)?.filter(|remote| is_birth(remote, change, sequence)).cloned() {
            self.put_agreed(id, Some(state));
            self.attend(id);
            return Ok(());
        }
        let mut state = self.agreed(id)?.cloned().unwrap_or_else(|| State::unborn(change.kind.clone()));
        if change.life == Some(Life::Born) && !state.alive {
            state = State::unborn(change.kind.clone());
        }
        state.apply(change, sequence);
        self.put_agreed(id, Some(state));
        self.attend(id);
        Ok(())
    }

    pub(crate) fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.values()
    }

    pub(crate) fn open_conflict(&mut self, conflict: Conflict) {
        self.batch.conflicts.insert(conflict.id, Some(conflict.clone()));
        self.conflicts.insert(conflict.id, conflict);
    }

    pub(crate) fn close_conflict(&mut self, id: ConflictId) {
        if self.conflicts.remove(&id).is_some() {
            self.batch.conflicts.insert(id, None);
        }
    }

    pub(crate) fn attention(&self) -> Vec<RecordId> {
        self.attention.iter().copied().collect()
    }

    /// Marks a record as one whose trees may not be in harmony.
    pub(crate) fn attend(&mut self, id: RecordId) {
        if self.attention.insert(id) {
            self.batch.attention.insert(id, true);
        }
    }

    /// Marks a record as one about which there is nothing to do until one of its trees changes.
    pub(crate) fn rest(&mut self, id: RecordId) {
        if self.attention.remove(&id) {
            self.batch.attention.insert(id, false);
        }
    }

    /// Retains an entry, so that a store that loses it can get it back.
    pub(crate) fn retain(&mut self, retained: Retained) {
        self.batch.tail.push(retained);
        if self.batch.tail.len() > 4 * TAIL {
            thin_out(&mut self.batch.tail);
        }
    }

    /// Forgets the retained entries after a sequence: the log does not have them.
    pub(crate) fn cut_tail(&mut self, after: u64) {
        self.batch.tail.retain(|retained| retained.sequence.0 <= after);
        self.batch.cut = Some(self.batch.cut.map_or(after, |cut| cut.min(after)));
    }

    pub(crate) fn put_step(&mut self, step: Option<Step>) {
        self.batch.step = Some(step);
    }

    pub(crate) fn put_held(&mut self, held: Vec<Held>) {
        self.batch.held = Some(held);
    }

    /// Returns a join that was made since the last commit.
    pub(crate) fn joined(&self, newcomer: RecordId) -> Option<&Joined> {
        self.batch.joined.get(&newcomer)?.as_ref()
    }

    pub(crate) fn put_joined(&mut self, newcomer: RecordId, joined: Option<Joined>) {
        self.batch.joined.insert(newcomer, joined);
    }

    /// Keeps everything that changed since the last commit, durably, and everything that was kept before.
    ///
    /// What is to be done next outside of the object store counts on it. Does nothing if nothing changed.
    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        self.batch.durable = true;
        self.note_down()
    }

    /// Keeps everything that changed since the last commit, without waiting for the disk: whoever takes it back by
    /// a power loss is where a crash before it would have left them, for nothing outside was done since.
    pub(crate) fn note_down(&mut self) -> Result<(), Error> {
        let mut batch = std::mem::take(&mut self.batch);
        if self.meta != self.kept_meta {
            batch.meta = Some(self.meta.clone());
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.objects.commit(batch)?;
        self.kept_meta = self.meta.clone();
        Ok(())
    }
}

/// Makes agreed what application and store have in common, for these records (algorithm: `agree`).
pub(crate) fn agree(trees: &mut Trees<'_>, ids: &[RecordId]) -> Result<(), Error> {
    for id in ids {
        trees.fetch(*id)?;
        if let Some(state) = agreement(trees.sides(*id)) {
            trees.put_agreed(*id, Some(state));
        }
    }
    Ok(())
}

/// Tells whether a state is just what a birth made of it: then what is agreed is the same, in the same memory.
fn is_birth(state: &State, change: &Change, sequence: u64) -> bool {
    let whole = state.record.fields == change.set && state.since.len() == change.set.len() && change.unset.is_empty();
    change.life == Some(Life::Born) && state.at == sequence && state.record.kind == change.kind && whole
}

fn agreement(sides: (Option<&Seen>, Option<&State>, Option<&State>)) -> Option<State> {
    let (seen, agreed, remote) = sides;
    let remote = remote?;
    let Some(seen) = seen else {
        // A death counts for who knew the life: whoever never had an item of it may still join with a copy.
        return (!remote.alive && agreed.is_some()).then(|| remote.clone());
    };
    let same = |agreed: &State| agreed.record.fields == remote.record.fields && seen.meant.fields == remote.record.fields;
    if agreed.is_some_and(|agreed| agreed.alive && same(agreed) && agreed.unknown().next().is_none()) {
        return None;
    }
    let new = !agreed.is_some_and(|agreed| agreed.alive);
    if new && remote.alive && seen.meant.fields == remote.record.fields && remote.since.keys().eq(remote.record.fields.keys()) {
        return Some(remote.clone()).filter(|state| Some(state) != agreed);
    }
    let mut state = match (remote.alive, agreed) {
        (_, Some(agreed)) if agreed.alive => agreed.clone(),
        (true, _) => State { alive: true, at: remote.at, ..State::unborn(remote.record.kind.clone()) },
        (false, _) => return None,
    };
    let pointers: BTreeSet<_> = seen
        .meant
        .fields
        .keys()
        .chain(remote.record.fields.keys())
        .chain(state.record.fields.keys())
        .chain(state.unknown())
        .cloned()
        .collect();
    for pointer in pointers {
        let value = remote.record.fields.get(&pointer);
        let told = state.record.fields.get(&pointer) == value && !state.is_unknown(&pointer);
        if seen.meant.fields.get(&pointer) == value && !told {
            let since = remote.since.get(&pointer).copied().unwrap_or(remote.at);
            state.put(&pointer, value, since);
        }
    }
    (Some(&state) != agreed).then_some(state)
}

#[cfg(test)]
mod tests {
    use record::Kind;

    use super::*;

    fn state(alive: bool) -> State {
        State { alive, at: 2, ..State::unborn(Kind::CONTACT) }
    }

    #[test]
    fn a_death_is_agreed_by_who_knew_the_life() {
        assert_eq!(agreement((None, Some(&state(true)), Some(&state(false)))), Some(state(false)));
        assert_eq!(
            agreement((None, None, Some(&state(false)))),
            None,
            "a copy that joins later is one of the dead, not a record made anew"
        );
    }
}
