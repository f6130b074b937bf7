//! Snapshots: the collection's state at a cursor, for whoever is behind the entries that a store still has.

use std::collections::BTreeSet;

use delta::{Snapshot as Whole, Transaction};
use protocol::{Collection, Error as StoreError, Sequence, Signature, Snapshot, TransactionId};
use record::{ConflictId, RecordId};

use crate::context::Session;
use crate::doors::Doors;
use crate::error::Error;
use crate::objects::{Frozen, Objects, Retained};
use crate::report::Event;
use crate::trees::agree;

/// Makes a snapshot of the collection at this endpoint's cursor; none before the first pull.
///
/// # Errors
/// Fails if the object store cannot be read.
pub fn snapshot(doors: &Doors<'_>, collection: &Collection, objects: &dyn Objects) -> Result<Option<Snapshot>, Error> {
    let Some(cursor) = objects.meta()?.cursor else { return Ok(None) };
    let mut whole = Whole::default();
    objects.each_remote(&mut |id, state| {
        whole.records.insert(id, state);
    })?;
    whole.conflicts = objects.conflicts()?;
    let mut snapshot = Snapshot { cursor, device: doors.keys.device(), payload: whole.pack(), signature: Signature([0; 64]) };
    snapshot.signature = doors.keys.sign(&snapshot.signed(collection));
    Ok(Some(snapshot))
}

/// Goes on from the store's newest snapshot: the entries after the cursor are no longer there.
///
/// Of this endpoint's own transactions of unknown fate the store knows which are in it.
pub(crate) fn resume(session: &mut Session<'_>) -> Result<(), Error> {
    let from = session.trees.meta.cursor.map_or(0, |cursor| cursor.sequence.0);
    let ids: Vec<TransactionId> = session.trees.meta.frozen.iter().map(|frozen| frozen.transaction).collect();
    let mut found = if ids.is_empty() { Vec::new() } else { session.doors.store.find(&session.settings.collection, &ids)? };
    load(session)?;
    let to = session.trees.meta.cursor.map_or(0, |cursor| cursor.sequence.0);
    found.retain(|(_, place)| place.sequence.0 <= to);
    found.sort_by_key(|(_, place)| place.sequence);
    for (id, place) in &found {
        let own = session.trees.meta.frozen.iter().find(|frozen| frozen.transaction == *id).cloned();
        if let Some(frozen) = own {
            recognise(session, &frozen, place.sequence)?;
        }
    }
    session.trees.meta.frozen.retain(|frozen| !found.iter().any(|(id, _)| *id == frozen.transaction));
    session.trees.meta.out = None;
    let attention = session.trees.attention();
    agree(&mut session.trees, &attention)?;
    session.report.events.push(Event::FromSnapshot { from, to });
    session.trees.commit()
}

/// Takes a transaction of this endpoint that is in a snapshot for agreed.
fn recognise(session: &mut Session<'_>, frozen: &Frozen, sequence: Sequence) -> Result<(), Error> {
    session.trees.meta.pending.retain(|conflict| !frozen.conflicts.contains(&conflict.id));
    let Some(envelope) = &frozen.envelope else { return Ok(()) };
    let transaction = Transaction::unpack(&envelope.payload)
        .map_err(|error| Error::Store(StoreError::Integrity(format!("a transaction of this endpoint: {error}"))))?;
    for change in &transaction.changes {
        let id = session.trees.target(change)?;
        session.trees.fold_agreed(id, change, sequence.0)?;
    }
    Ok(())
}

/// Makes the store's newest snapshot the remote tree, and its place the cursor; returns the conflicts that are open in it.
pub(crate) fn load(session: &mut Session<'_>) -> Result<Vec<ConflictId>, Error> {
    let collection = &session.settings.collection;
    let wrong = |reason: &str| Error::Store(StoreError::Integrity(format!("the snapshot of collection `{collection}` {reason}")));
    let snapshot = session.doors.store.snapshot(collection)?.ok_or_else(|| wrong("is missing, though entries were compacted away"))?;
    let behind =
        session.trees.meta.cursor.is_some_and(|cursor| cursor.log != snapshot.cursor.log || cursor.sequence > snapshot.cursor.sequence);
    if behind {
        return Err(wrong("is of another place than the entries that were compacted away"));
    }
    if !session.doors.keys.verify(collection, &snapshot.device, &snapshot.signed(collection), &snapshot.signature) {
        return Err(wrong(&format!("was not signed by device {}, or that may not write", snapshot.device)));
    }
    let whole = Whole::unpack(&snapshot.payload).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    replace(session, whole, &snapshot)
}

fn replace(session: &mut Session<'_>, whole: Whole, snapshot: &Snapshot) -> Result<Vec<ConflictId>, Error> {
    let mut before: BTreeSet<RecordId> = BTreeSet::new();
    session.trees.objects().each_remote(&mut |id, _| {
        before.insert(id);
    })?;
    for id in before.iter().filter(|id| !whole.records.contains_key(id)) {
        session.trees.put_remote(*id, None);
    }
    for (id, state) in whole.records {
        if session.trees.remote(id)? != Some(&state) {
            session.trees.put_remote(id, Some(state));
        }
    }
    let open: Vec<ConflictId> = session.trees.conflicts().map(|conflict| conflict.id).collect();
    open.into_iter().for_each(|id| session.trees.close_conflict(id));
    let ids = whole.conflicts.iter().map(|conflict| conflict.id).collect();
    whole.conflicts.into_iter().for_each(|conflict| session.trees.open_conflict(conflict));
    session.trees.meta.cursor = Some(snapshot.cursor);
    session.trees.retain(Retained::mark(snapshot.cursor.sequence, snapshot.cursor.hash));
    Ok(ids)
}
