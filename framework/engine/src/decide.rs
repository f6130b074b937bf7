//! Decisions: what a person settles, told to the collection as transactions of their own.

use delta::difference::differing;
use delta::{State, Transaction};
use protocol::{Appended, Collection};
use record::{Against, Change, Conflict, ConflictId, Life, Pointer, Record, RecordId, Value};

use crate::context::{Session, Settings};
use crate::doors::{Doors, block_on};
use crate::entry::take;
use crate::error::Error;
use crate::guard::Guard;
use crate::objects::{Joined, Objects, Seen};
use crate::publish::seal;
use crate::pull::pull;
use crate::trees::Trees;

/// How often a decision is sent again because others were first.
const MAX_ATTEMPTS: usize = 12;

/// An open conflict with all its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The conflict.
    pub id: ConflictId,
    /// The record.
    pub record: RecordId,
    /// What a person calls it.
    pub title: String,
    /// The field.
    pub field: Pointer,
    /// Value 1: what stands.
    pub stands: Option<Value>,
    /// Value 2: what is kept aside.
    pub kept: Value,
    /// What both started from, if there was a common ancestor.
    pub base: Option<Value>,
    /// What the kept value lost to.
    pub against: Against,
    /// The endpoint that wrote the kept value.
    pub origin: String,
}

/// What a person takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// Value 1: what stands.
    Standing,
    /// Value 2: what was kept aside.
    Kept,
    /// What both sides started from.
    Base,
    /// Another value.
    Value(Value),
}

/// Returns the open conflicts as this endpoint knows them, in order of their ids.
///
/// # Errors
/// Fails if the object store cannot be read.
pub fn disputes(objects: &dyn Objects) -> Result<Vec<Dispute>, Error> {
    objects.conflicts()?.into_iter().map(|conflict| Ok(dispute(objects.remote(conflict.record)?.as_ref(), conflict))).collect()
}

fn dispute(state: Option<&State>, conflict: Conflict) -> Dispute {
    let alive = state.filter(|state| state.alive);
    Dispute {
        title: state.map(|state| state.record.title()).unwrap_or_default(),
        stands: alive.and_then(|state| state.record.fields.get(&conflict.field).cloned()),
        id: conflict.id,
        record: conflict.record,
        field: conflict.field,
        kept: conflict.value,
        base: conflict.base,
        against: conflict.against,
        origin: conflict.origin,
    }
}

/// Settles a conflict: the value that was taken stands everywhere, and the conflict is gone.
///
/// # Errors
/// Fails with [`Error::Unknown`] if there is no such conflict, or no such value, or if by now another value stands than
/// this endpoint knew: nobody overwrites what they have not seen.
pub fn resolve(doors: &Doors<'_>, collection: &Collection, objects: &mut dyn Objects, id: ConflictId, take: &Take) -> Result<(), Error> {
    let shown = disputes(objects)?.into_iter().find(|dispute| dispute.id == id);
    decide(doors, collection, objects, &mut |trees| {
        let Some(conflict) = trees.conflicts().find(|conflict| conflict.id == id).cloned() else {
            return Err(Error::Unknown(format!("there is no open conflict {id}")));
        };
        let state = trees.remote(conflict.record)?.cloned();
        let stands = dispute(state.as_ref(), conflict.clone()).stands;
        if shown.as_ref().is_some_and(|shown| shown.stands != stands) {
            return Err(Error::Unknown(format!("another value stands in conflict {id} by now; look at it again")));
        }
        let value = match take {
            Take::Standing => None,
            Take::Kept => Some(conflict.value.clone()),
            Take::Base => Some(conflict.base.clone().ok_or_else(|| Error::Unknown(format!("conflict {id} has no common ancestor")))?),
            Take::Value(value) => Some(value.clone()),
        };
        let mut transaction = Transaction { settled: vec![id], ..Transaction::default() };
        if let Some((value, state)) = value.zip(state) {
            let mut change = Change::new(conflict.record, state.record.kind.clone());
            change.life = (!state.alive).then_some(Life::Born);
            if !state.alive || state.record.fields.get(&conflict.field) != Some(&value) {
                change.set.insert(conflict.field.clone(), value);
                transaction.changes.push(change);
            }
        }
        Ok(transaction)
    })
}

/// Links two records: `newcomer` turns out to be `resident`. What only the newcomer has is added; where both have a
/// different value the resident's stands and the other is listed as a conflict.
///
/// # Errors
/// Fails with [`Error::Unknown`] if one of them does not live.
pub fn accept(
    doors: &Doors<'_>,
    collection: &Collection,
    objects: &mut dyn Objects,
    newcomer: RecordId,
    resident: RecordId,
) -> Result<(), Error> {
    let randomness = doors.randomness;
    let mut sides = None;
    decide(doors, collection, objects, &mut |trees| {
        let (from, into) = (trees.resolve(newcomer)?, trees.resolve(resident)?);
        let unknown = |id: RecordId| Error::Unknown(format!("there is no record {id} to link"));
        if from == into {
            return Ok(Transaction::default());
        }
        let source = trees.remote(from)?.filter(|state| state.alive).cloned().ok_or_else(|| unknown(from))?;
        let target = trees.remote(into)?.filter(|state| state.alive).cloned().ok_or_else(|| unknown(into))?;
        let mut change = Change::new(into, target.record.kind.clone());
        let mut conflicts = Vec::new();
        for field in differing(&target.record, &source.record) {
            match (target.record.fields.get(&field), source.record.fields.get(&field)) {
                (None, Some(value)) => {
                    change.set.insert(field, value.clone());
                }
                (Some(_), Some(value)) if field.as_str() != "uid" => conflicts.push(Conflict {
                    id: ConflictId(randomness.id()),
                    record: into,
                    field,
                    value: value.clone(),
                    against: Against::Value,
                    base: None,
                    origin: "link".into(),
                }),
                _ => {}
            }
        }
        let mut changes: Vec<Change> = (!change.is_empty()).then_some(change).into_iter().collect();
        changes.push(Change { life: Some(Life::Linked(into)), ..Change::new(from, source.record.kind.clone()) });
        sides = Some((source.record, target.record));
        Ok(Transaction { changes, conflicts, settled: Vec::new() })
    })?;
    keep(doors, collection, objects, |trees, joined| {
        for mut joined in joined.into_iter().filter(|joined| joined.newcomer == newcomer) {
            (joined.linked, joined.accepted) = (true, true);
            joined.residents = vec![resident];
            if let Some((newcomer, resident)) = &sides {
                (joined.shown, joined.before) = (newcomer.clone(), Some(resident.clone()));
            }
            trees.put_joined(newcomer, Some(joined));
        }
        Ok(())
    })
}

/// Splits a link: the newcomer is a record of its own again, with what it showed when it was linked.
///
/// # Errors
/// Fails with [`Error::Unknown`] if there was no such link.
pub fn split(doors: &Doors<'_>, collection: &Collection, objects: &mut dyn Objects, newcomer: RecordId) -> Result<(), Error> {
    let found = objects.joined()?.into_iter().find(|joined| joined.newcomer == newcomer && joined.linked);
    let joined = found.ok_or_else(|| Error::Unknown(format!("there is no link of {newcomer} to split")))?;
    let Some(resident) = joined.residents.first().copied() else { return Ok(()) };
    let mut merged: Option<Record> = None;
    decide(doors, collection, objects, &mut |trees| {
        let into = trees.resolve(resident)?;
        let mut born = Change { life: Some(Life::Born), ..Change::new(newcomer, joined.shown.kind.clone()) };
        born.set = joined.shown.fields.clone();
        let mut changes = vec![born];
        if let Some(state) = trees.remote(into)?.filter(|state| state.alive) {
            merged = Some(state.record.clone());
            let mut change = Change::new(into, state.record.kind.clone());
            change.unset = brought(&joined, &state.record);
            changes.extend((!change.is_empty()).then_some(change));
        }
        let settled = trees.conflicts().filter(|conflict| conflict.record == into && brought_value(&joined, conflict));
        Ok(Transaction { settled: settled.map(|conflict| conflict.id).collect(), changes, conflicts: Vec::new() })
    })?;
    keep(doors, collection, objects, |trees, _| part(trees, &joined, resident, merged.as_ref()))
}

/// Fields that the newcomer brought into the record and that nobody changed since.
fn brought(joined: &Joined, record: &Record) -> std::collections::BTreeSet<Pointer> {
    let before = |field: &Pointer| joined.before.as_ref().is_some_and(|before| before.fields.contains_key(field));
    let mine = joined
        .shown
        .fields
        .iter()
        .filter(|(field, value)| joined.before.is_some() && !before(field) && record.fields.get(*field) == Some(value));
    mine.map(|(field, _)| field.clone()).collect()
}

fn brought_value(joined: &Joined, conflict: &Conflict) -> bool {
    joined.shown.fields.get(&conflict.field) == Some(&conflict.value)
}

/// The item that was linked stands for the newcomer again; it will be written as that.
fn part(trees: &mut Trees<'_>, joined: &Joined, resident: RecordId, merged: Option<&Record>) -> Result<(), Error> {
    let newcomer = joined.newcomer;
    let pair = if newcomer < resident { (newcomer, resident) } else { (resident, newcomer) };
    trees.meta.apart.insert(pair);
    trees.put_joined(newcomer, None);
    if joined.accepted {
        // The newcomer's own item went when it was linked: what is there is the resident's.
        return Ok(());
    }
    let (Some(seen), true) = (trees.seen(resident)?.cloned(), trees.seen(newcomer)?.is_none()) else { return Ok(()) };
    let agreed = trees.agreed(resident)?.cloned();
    let base = merged.map_or_else(|| seen.meant.clone(), Clone::clone);
    trees.put_seen(resident, None);
    trees.put_agreed(resident, None);
    trees.put_seen(newcomer, Some(Seen { ..seen }));
    let at = agreed.as_ref().map_or(0, |agreed| agreed.at);
    trees.put_agreed(newcomer, Some(State { alive: true, at, record: base, ..State::unborn(joined.shown.kind.clone()) }));
    Ok(())
}

/// Changes what this endpoint keeps for itself.
fn keep(
    doors: &Doors<'_>,
    collection: &Collection,
    objects: &mut dyn Objects,
    change: impl FnOnce(&mut Trees<'_>, Vec<Joined>) -> Result<(), Error>,
) -> Result<(), Error> {
    let _ = (doors, collection);
    let joined = objects.joined()?;
    let mut trees = Trees::open(objects)?;
    change(&mut trees, joined)?;
    trees.commit()
}

/// Pulls, makes a transaction of what is there, and appends it; again, if others were first.
///
/// The transaction is not one of the endpoint's own: it will be applied to the application like anyone else's.
fn decide(
    doors: &Doors<'_>,
    collection: &Collection,
    objects: &mut dyn Objects,
    make: &mut dyn FnMut(&mut Trees<'_>) -> Result<Transaction, Error>,
) -> Result<(), Error> {
    let settings = Settings {
        collection: collection.clone(),
        policy: delta::Policy::Store,
        guard: Guard::default(),
        link: false,
        confirmed: std::collections::BTreeSet::new(),
        merge_text: false,
        device: String::new(),
    };
    // What was written and not taken note of would look like a person's edit, once the pull has moved on.
    if objects.step()?.is_some_and(|step| !step.intents.is_empty()) {
        return Err(Error::Unfinished(collection.to_string()));
    }
    let mut nothing = crate::absent::Absent::default();
    let mut session = Session::deciding(doors, &settings, &mut nothing, Trees::open(objects)?);
    for _ in 0..MAX_ATTEMPTS {
        block_on(pull(&mut session))?;
        let transaction = make(&mut session.trees)?;
        let Some(base) = session.trees.meta.cursor.filter(|_| !transaction.is_empty()) else { return Ok(()) };
        let envelope = seal(doors, collection, base, &transaction);
        if let Appended::Entry(entry) = doors.store.append(collection, &envelope)? {
            if entry.sequence == base.sequence.next() {
                take(&mut session, &entry)?;
                session.trees.commit()?;
            }
            return Ok(());
        }
    }
    Err(Error::Contended(collection.to_string()))
}
