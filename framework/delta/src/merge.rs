//! The merge: what one item should become, as a pure function of the three trees.
//!
//! `seen` is what a person made of the item here, `agreed` the last state that application and store had in
//! common, `remote` the collection's state at the cursor. Field by field: what one side changed stands; what
//! both changed differently is a conflict, in which the store stands unless the policy says otherwise, and the
//! other value is kept. A deletion against an edit: the edit lives.

use record::{Against, Change, Kind, Life, Pointer, Record, RecordId, Value};

use crate::difference::{Holds, differing};
use crate::state::State;

/// The field by which applications name a record. An item that has one keeps it: two applications that know one
/// person under two UIDs go on to do so, and that is no conflict.
const NAME: &str = "uid";

/// Who stands when both sides changed one field from a known ancestor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// What the store has already.
    #[default]
    Store,
    /// What this device has.
    Mine,
}

/// What a merge may look at.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// The record that the item here stands for; none if there is no item.
    pub meant: Option<&'a Record>,
    /// The last common state.
    pub agreed: Option<&'a State>,
    /// The collection's state.
    pub remote: Option<&'a State>,
    /// The fields that this endpoint can hold.
    pub holds: Holds<'a>,
    /// The fields that change by themselves.
    pub volatile: Holds<'a>,
}

/// What an item should become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// It stays as it is, or stays away.
    Nothing,
    /// It should stand for this record.
    Put(Record),
    /// It should go.
    Delete,
}

/// A value that does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loser {
    /// The field.
    pub field: Pointer,
    /// The value.
    pub value: Value,
    /// What it lost to.
    pub against: Against,
    /// The common ancestor's value.
    pub base: Option<Value>,
}

/// A merge's result. The losers count only once the target stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// What the item should become.
    pub target: Target,
    /// The local values that lose by it.
    pub losers: Vec<Loser>,
}

impl Merged {
    const NOTHING: Self = Self { target: Target::Nothing, losers: Vec::new() };
}

impl<'a> Sides<'a> {
    /// Returns the ancestor's value of a field: what was agreed while the record lived.
    fn base(&self, pointer: &Pointer) -> Option<&'a Value> {
        self.agreed.filter(|agreed| agreed.alive)?.record.fields.get(pointer)
    }

    /// Tells whether nobody knows what a field's values came from: what stands in the store stands, and the other is kept.
    fn unknown(&self, pointer: &Pointer) -> bool {
        self.agreed.is_some_and(|agreed| agreed.alive && agreed.is_unknown(pointer))
    }

    fn agreed_alive(&self) -> bool {
        self.agreed.is_some_and(|agreed| agreed.alive)
    }

    /// Tells whether the item joins with a record that died before this endpoint ever heard of it.
    ///
    /// Such a copy lives: it is told as it is, and what it lacks was added after it was copied. That reaches it once the record
    /// lives again: written before, it would look like this endpoint's own.
    #[must_use]
    pub fn is_copy_of_dead(&self) -> bool {
        self.agreed.is_none() && self.remote.is_some_and(|remote| !remote.alive && remote.linked.is_none())
    }

    /// Tells whether a difference in this field is a person's doing that this endpoint can see.
    fn counts(&self, pointer: &Pointer) -> bool {
        (self.holds)(pointer) && !(self.volatile)(pointer) && !self.both_named(pointer)
    }

    /// Tells whether this is the UID, and both sides have one.
    fn both_named(&self, pointer: &Pointer) -> bool {
        let has = |record: &Record| record.fields.contains_key(pointer);
        pointer.as_str() == NAME && self.meant.is_some_and(has) && self.remote.is_some_and(|remote| has(&remote.record))
    }

    /// Returns the fields that any side has, in order.
    fn pointers(&self) -> Vec<&'a Pointer> {
        let of = |record: Option<&'a Record>| record.into_iter().flat_map(|record| record.fields.keys());
        let all = of(self.meant).chain(of(self.remote.map(|r| &r.record))).chain(of(self.agreed.map(|a| &a.record)));
        let mut pointers: Vec<&'a Pointer> = all.collect();
        // Three sorted runs: this sort merges them.
        pointers.sort();
        pointers.dedup();
        pointers
    }

    /// Returns the fields that a person changed here since the last common state.
    fn edits(&self, meant: &'a Record) -> Vec<(&'a Pointer, Option<&'a Value>)> {
        let edited =
            |pointer: &&Pointer| meant.fields.get(*pointer) != self.base(pointer) && !self.unknown(pointer) && self.counts(pointer);
        self.pointers().into_iter().filter(edited).map(|pointer| (pointer, meant.fields.get(pointer))).collect()
    }
}

/// Returns what the item should become.
#[must_use]
pub fn merge(sides: &Sides<'_>, policy: Policy) -> Merged {
    match (sides.meant, sides.remote) {
        (None, Some(remote)) if remote.alive => revive(sides, remote),
        (Some(meant), Some(remote)) if remote.alive => merge_fields(sides, meant, remote, policy),
        (Some(meant), Some(remote)) if sides.agreed_alive() => bury(sides, meant, remote),
        _ => Merged::NOTHING,
    }
}

/// The item is gone here and lives in the store: a deletion stands unless the record is new here or was edited since.
fn revive(sides: &Sides<'_>, remote: &State) -> Merged {
    let unedited = sides.agreed.is_some_and(|agreed| agreed.alive && same_content(&agreed.record, &remote.record, sides.volatile));
    if unedited { Merged::NOTHING } else { Merged { target: Target::Put(remote.record.clone()), losers: Vec::new() } }
}

/// The item lives here and died in the store: it goes, unless it was edited here since.
fn bury(sides: &Sides<'_>, meant: &Record, remote: &State) -> Merged {
    let edits = sides.edits(meant);
    let losers = unexplained(sides, meant, remote);
    if edits.is_empty() {
        return Merged { target: Target::Delete, losers };
    }
    let mut record = remote.record.clone();
    for (pointer, value) in edits {
        put(&mut record, pointer, value);
    }
    keep_own(sides, meant, &mut record);
    Merged { target: Target::Put(record), losers }
}

/// Values of which nobody knows what they came from are no edits: they do not bring a record back, but they are kept.
fn unexplained(sides: &Sides<'_>, meant: &Record, remote: &State) -> Vec<Loser> {
    let unknown = sides.agreed.into_iter().flat_map(State::unknown).filter(|pointer| sides.counts(pointer));
    let lost = unknown.filter_map(|pointer| {
        let value = meant.fields.get(pointer).filter(|value| remote.record.fields.get(pointer) != Some(value))?;
        Some(Loser { field: pointer.clone(), value: value.clone(), against: Against::Death, base: None })
    });
    lost.collect()
}

fn merge_fields(sides: &Sides<'_>, meant: &Record, remote: &State, policy: Policy) -> Merged {
    if meant.fields == remote.record.fields {
        return Merged { target: Target::Put(remote.record.clone()), losers: Vec::new() };
    }
    let mut record = remote.record.clone();
    let mut losers = Vec::new();
    for pointer in sides.pointers() {
        let (mine, theirs, base) = (meant.fields.get(pointer), remote.record.fields.get(pointer), sides.base(pointer));
        if mine == theirs || mine == base || !sides.counts(pointer) {
            continue;
        }
        let unknown = sides.unknown(pointer);
        let standing = unknown || theirs != base && (policy == Policy::Store || !sides.agreed_alive());
        if !standing {
            put(&mut record, pointer, mine);
        } else if let Some(value) = mine
            && !follows(&meant.kind, pointer)
        {
            losers.push(Loser { field: pointer.clone(), value: value.clone(), against: Against::Value, base: base.cloned() });
        }
    }
    keep_own(sides, meant, &mut record);
    Merged { target: Target::Put(record), losers }
}

/// Tells whether a field only follows another one: a file's time is its content's, and no conflict of its own.
fn follows(kind: &Kind, pointer: &Pointer) -> bool {
    *kind == Kind::FILE && pointer.as_str() == "modified"
}

fn put(record: &mut Record, pointer: &Pointer, value: Option<&Value>) {
    match value {
        Some(value) => record.fields.insert(pointer.clone(), value.clone()),
        None => record.fields.remove(pointer),
    };
}

/// Volatile fields and the item's own UID stay as they stand here: they are never a reason to write.
fn keep_own(sides: &Sides<'_>, meant: &Record, record: &mut Record) {
    let own = |pointer: &&Pointer| (sides.volatile)(pointer) || sides.both_named(pointer);
    let kept: Vec<&Pointer> = sides.pointers().into_iter().filter(own).collect();
    for pointer in kept {
        put(record, pointer, meant.fields.get(pointer));
    }
}

/// Tells whether two records hold the same but for volatile fields and the UID.
#[must_use]
pub fn same_content(one: &Record, other: &Record, volatile: Holds<'_>) -> bool {
    one == other || differing(one, other).iter().all(|pointer| volatile(pointer) || pointer.as_str() == NAME)
}

/// A change to push, and the remote values that lose by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The change.
    pub change: Change,
    /// The values in the store that it replaces although their writers did not see it.
    pub losers: Vec<Loser>,
}

/// Returns what has to be told to the store about a record: what a person did here and the store does not have.
#[must_use]
pub fn push(id: RecordId, sides: &Sides<'_>) -> Option<Push> {
    let push = match (sides.meant, sides.remote) {
        (Some(meant), None) => born(id, sides, meant),
        (Some(meant), Some(remote)) if remote.alive => edited(id, sides, meant, remote),
        (Some(meant), Some(_)) if sides.agreed_alive() => reborn(id, sides, meant),
        (Some(meant), Some(_)) => born(id, sides, meant),
        (None, Some(remote)) if remote.alive => return died(id, sides, remote),
        (None, _) => return None,
    };
    (!push.change.is_empty()).then_some(push)
}

fn start(id: RecordId, kind: &Kind, life: Option<Life>) -> Push {
    Push { change: Change { life, ..Change::new(id, kind.clone()) }, losers: Vec::new() }
}

/// A record that the store does not know, or that was made anew after its deletion, or a copy of a deleted one that joins.
fn born(id: RecordId, sides: &Sides<'_>, meant: &Record) -> Push {
    let mut push = start(id, &meant.kind, Some(Life::Born));
    push.change.set = meant.fields.clone();
    if let Some(remote) = sides.remote.filter(|_| sides.is_copy_of_dead()) {
        push.change.set.retain(|pointer, value| remote.record.fields.get(pointer) != Some(value));
        return push;
    }
    for pointer in sides.remote.into_iter().flat_map(|remote| remote.record.fields.keys()) {
        if (sides.holds)(pointer) && !meant.fields.contains_key(pointer) {
            push.change.unset.insert(pointer.clone());
        }
    }
    push
}

/// A record that was deleted elsewhere and edited here: only the edits travel, the store kept the rest.
fn reborn(id: RecordId, sides: &Sides<'_>, meant: &Record) -> Push {
    let edits = sides.edits(meant);
    let mut push = start(id, &meant.kind, (!edits.is_empty()).then_some(Life::Born));
    for (pointer, value) in edits {
        record_edit(&mut push.change, pointer, value);
    }
    push
}

fn edited(id: RecordId, sides: &Sides<'_>, meant: &Record, remote: &State) -> Push {
    let mut push = start(id, &meant.kind, None);
    if meant.fields == remote.record.fields {
        return push;
    }
    for (pointer, mine) in sides.edits(meant) {
        let (theirs, base) = (remote.record.fields.get(pointer), sides.base(pointer));
        if mine == theirs {
            continue;
        }
        record_edit(&mut push.change, pointer, mine);
        if let Some(value) = theirs
            && theirs != base
            && !follows(&meant.kind, pointer)
        {
            push.losers.push(Loser { field: pointer.clone(), value: value.clone(), against: Against::Value, base: base.cloned() });
        }
    }
    push
}

/// A deletion is told only if nothing was edited since: otherwise the record comes back here.
fn died(id: RecordId, sides: &Sides<'_>, remote: &State) -> Option<Push> {
    let agreed = sides.agreed.filter(|agreed| agreed.alive)?;
    same_content(&agreed.record, &remote.record, sides.volatile).then(|| start(id, &remote.record.kind, Some(Life::Dead)))
}

fn record_edit(change: &mut Change, pointer: &Pointer, value: Option<&Value>) {
    match value {
        Some(value) => {
            change.set.insert(pointer.clone(), value.clone());
        }
        None => {
            change.unset.insert(pointer.clone());
        }
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
