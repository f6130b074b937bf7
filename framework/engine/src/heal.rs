//! Healing: a store that lost entries which this endpoint has seen, restored from a backup or made anew, gets them back.
//!
//! Where nothing was appended since and the retained tail reaches far enough, the very same entries are appended again.
//! Else the collection is read anew, and whatever this endpoint knows and nobody has told otherwise since is told again.

use std::collections::{BTreeMap, BTreeSet};

use delta::merge::same_content;
use delta::{State, Transaction};
use protocol::{Appended, Cursor, Envelope, Place};
use record::{Against, Change, Conflict, ConflictId, Digest, Life, Pointer, RecordId, Value};

use crate::context::Session;
use crate::entry::{Folded, fold};
use crate::error::Error;
use crate::objects::Retained;
use crate::publish::{MAX_CHANGES, seal};
use crate::report::Event;
use crate::snapshot::load;
use crate::trees::agree;

/// How often healing starts over because others heal at the same time.
const MAX_ATTEMPTS: usize = 12;
/// How many entries are asked for at once.
const PAGE: usize = 256;

/// What this endpoint knew before the store went back.
struct Known {
    remote: BTreeMap<RecordId, State>,
    conflicts: Vec<Conflict>,
    /// The newest entry that the store still has, as it was.
    common: u64,
}

/// What reading the collection anew showed.
#[derive(Default)]
struct Replay {
    /// Conflicts that the log opens, whether or not it settles them.
    opened: BTreeSet<ConflictId>,
    /// This endpoint's own transactions of unknown fate that the log has.
    own: Vec<(u64, Folded)>,
}

/// Brings a store that does not know this endpoint's cursor to where it does, or the endpoint to where the store knows it.
pub(crate) fn heal(session: &mut Session<'_>) -> Result<(), Error> {
    session.trees.note_down()?;
    let Some(mine) = session.trees.meta.cursor else { return Ok(()) };
    let tail = session.trees.objects().tail()?;
    for _ in 0..MAX_ATTEMPTS {
        let head = session.doors.store.head(&session.settings.collection)?;
        let common = common(session, &tail, &mine, &head)?;
        if common == mine {
            return Ok(());
        }
        match envelopes(&tail, &common, &mine).filter(|_| common == head) {
            Some(envelopes) => {
                if append_again(session, &envelopes)? {
                    let entries = envelopes.len();
                    session.report.events.push(Event::StoreWentBack { from: mine.sequence.0, to: common.sequence.0, entries, records: 0 });
                    return Ok(());
                }
            }
            None => return rebuild(session, &mine, common),
        }
    }
    Err(Error::Contended(session.settings.collection.to_string()))
}

/// Finds the newest place that both the store and this endpoint know.
fn common(session: &Session<'_>, tail: &[Retained], mine: &Cursor, head: &Cursor) -> Result<Cursor, Error> {
    if head.log != mine.log {
        return Ok(Cursor::start(head.log));
    }
    let places = tail.iter().map(|retained| Cursor { log: mine.log, sequence: retained.sequence, hash: retained.hash }).chain([*mine]);
    let mut places: Vec<Cursor> = places.filter(|place| place.sequence <= head.sequence).collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.sequence));
    for place in places {
        if session.doors.store.place(&session.settings.collection, place.sequence)? == Place::Here(place) {
            return Ok(place);
        }
    }
    Ok(Cursor::start(head.log))
}

/// Returns the retained entries after `common` up to `mine`, if none is missing.
fn envelopes<'t>(tail: &'t [Retained], common: &Cursor, mine: &Cursor) -> Option<Vec<(&'t Envelope, Cursor)>> {
    let mut place = *common;
    let mut found = Vec::new();
    for retained in tail.iter().filter(|retained| retained.sequence > common.sequence && retained.sequence <= mine.sequence) {
        let envelope = retained.envelope.as_ref().filter(|envelope| envelope.base == place)?;
        place = Cursor { log: common.log, sequence: retained.sequence, hash: retained.hash };
        found.push((envelope, place));
    }
    (place == *mine).then_some(found)
}

/// Appends entries as they were: the same bytes, ids and signatures have the same hashes. Tells whether all are in place.
fn append_again(session: &Session<'_>, envelopes: &[(&Envelope, Cursor)]) -> Result<bool, Error> {
    for (envelope, place) in envelopes {
        match session.doors.store.append(&session.settings.collection, envelope)? {
            Appended::Entry(entry) if entry.hash == place.hash => {}
            Appended::Entry(_) | Appended::Stale(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Reads the collection anew, tells again what was lost, and forgets what can no longer be called agreed.
fn rebuild(session: &mut Session<'_>, mine: &Cursor, common: Cursor) -> Result<(), Error> {
    let known = forget(session, common)?;
    let mut replay = Replay::default();
    read_on(session, &mut replay)?;
    let records = tell_again(session, &known, &mut replay)?;
    let ids: Vec<RecordId> = known.remote.keys().copied().collect();
    for id in &ids {
        let (agreed, new) = (session.trees.agreed(*id)?.cloned(), session.trees.remote(*id)?.cloned());
        if let Some(agreed) = agreed {
            let volatile = |pointer: &Pointer| session.profile.volatile.holds(pointer);
            let rebased = rebase(&agreed, known.remote.get(id), new.as_ref(), known.common, &volatile);
            session.trees.put_agreed(*id, rebased);
        }
    }
    for (sequence, folded) in replay.own {
        for (id, change) in &folded.changes {
            session.trees.fold_agreed(*id, change, sequence)?;
        }
        session.trees.meta.pending.retain(|conflict| !folded.opened.contains(&conflict.id));
    }
    session.trees.meta.frozen.clear();
    session.trees.meta.out = None;
    let attention = session.trees.attention();
    agree(&mut session.trees, &attention)?;
    let from = mine.sequence.0;
    session.report.events.push(if mine.log == common.log {
        Event::StoreWentBack { from, to: common.sequence.0, entries: 0, records }
    } else {
        Event::StoreMadeAnew { from, records }
    });
    session.trees.commit()
}

/// Takes the remote tree away, and returns it.
fn forget(session: &mut Session<'_>, common: Cursor) -> Result<Known, Error> {
    let mut remote = BTreeMap::new();
    session.trees.objects().each_remote(&mut |id, state| {
        remote.insert(id, state);
    })?;
    let conflicts: Vec<Conflict> = session.trees.conflicts().cloned().collect();
    remote.keys().for_each(|id| session.trees.put_remote(*id, None));
    conflicts.iter().for_each(|conflict| session.trees.close_conflict(conflict.id));
    let same = session.trees.meta.cursor.is_some_and(|cursor| cursor.log == common.log);
    session.trees.cut_tail(if same { common.sequence.0 } else { 0 });
    session.trees.meta.cursor = Some(Cursor::start(common.log));
    Ok(Known { remote, conflicts, common: common.sequence.0 })
}

/// Reads what follows the cursor, from a snapshot on where the entries are no longer there.
fn read_on(session: &mut Session<'_>, replay: &mut Replay) -> Result<(), Error> {
    let collection = &session.settings.collection;
    while let Some(cursor) = session.trees.meta.cursor {
        let page = match session.doors.store.read(collection, &cursor, PAGE) {
            Ok(page) => page,
            Err(protocol::Error::Compacted { .. }) => {
                let conflicts = load(session)?;
                replay.opened.extend(conflicts);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for entry in &page.entries {
            let own = session.trees.meta.frozen.iter().any(|frozen| frozen.transaction == entry.envelope.transaction);
            let folded = fold(session, entry, None)?;
            replay.opened.extend(folded.opened.iter().copied());
            if own {
                replay.own.push((entry.sequence.0, folded));
            }
        }
        if page.entries.is_empty() || session.trees.meta.cursor.is_some_and(|at| at.sequence >= page.head.sequence) {
            break;
        }
    }
    Ok(())
}

/// Tells the store what it lost and nobody told otherwise since; returns how many records that was.
fn tell_again(session: &mut Session<'_>, known: &Known, replay: &mut Replay) -> Result<usize, Error> {
    let mut told = 0;
    for _ in 0..MAX_ATTEMPTS {
        let transaction = lost(session, known, replay)?;
        let Some(base) = session.trees.meta.cursor.filter(|_| !transaction.is_empty()) else { return Ok(told) };
        let envelope = seal(session.doors, &session.settings.collection, base, &transaction);
        match session.doors.store.append(&session.settings.collection, &envelope)? {
            Appended::Entry(entry) if entry.sequence == base.sequence.next() => {
                told += transaction.changes.len();
                replay.opened.extend(fold(session, &entry, None)?.opened);
            }
            Appended::Entry(_) | Appended::Stale(_) => read_on(session, replay)?,
        }
    }
    Err(Error::Contended(session.settings.collection.to_string()))
}

fn lost(session: &mut Session<'_>, known: &Known, replay: &Replay) -> Result<Transaction, Error> {
    let mut transaction = Transaction::default();
    for (id, old) in &known.remote {
        let change = lost_change(*id, old, session.trees.remote(*id)?, known.common);
        transaction.changes.extend((!change.is_empty()).then_some(change));
        if transaction.changes.len() == MAX_CHANGES {
            break;
        }
    }
    transaction.conflicts = known.conflicts.clone();
    for (id, old) in &known.remote {
        session.trees.fetch(*id)?;
        transaction.conflicts.extend(overruled(session, *id, old, known.common));
    }
    transaction.conflicts.retain(|conflict| !replay.opened.contains(&conflict.id));
    Ok(transaction)
}

/// Returns, as conflicts, the lost values of a record over which others wrote since without having seen them.
///
/// Their ids follow from what they say: every device that knows one tells the same.
fn overruled(session: &Session<'_>, id: RecordId, old: &State, common: u64) -> Vec<Conflict> {
    let (_, _, Some(new)) = session.trees.sides(id) else { return Vec::new() };
    let since = |pointer: &Pointer| if new.alive { new.since.get(pointer).copied().unwrap_or_default() } else { new.at };
    let against = if new.alive { Against::Value } else { Against::Death };
    let own = |pointer: &Pointer| {
        session.profile.volatile.holds(pointer) || Some(pointer) == session.profile.unique.as_ref() || pointer.as_str() == "uid"
    };
    let known = |pointer: &Pointer, value: &Value| {
        session.trees.conflicts().any(|conflict| conflict.record == id && conflict.field == *pointer && conflict.value == *value)
    };
    let lost = old.since.iter().filter(|(pointer, told)| **told > common && since(pointer) > common && !own(pointer));
    let conflict = lost.filter_map(|(field, _)| {
        let value = old.record.fields.get(field)?;
        if new.alive && new.record.fields.get(field) == Some(value) || !old.alive || known(field, value) {
            return None;
        }
        let text = value.display();
        let digest = Digest::of_parts(&[b"syncretic.lost/1", &id.0, field.as_str().as_bytes(), text.as_bytes()]);
        let origin = session.endpoint.to_owned();
        Some(Conflict {
            id: ConflictId(digest.head()),
            record: id,
            field: field.clone(),
            value: value.clone(),
            against,
            base: None,
            origin,
        })
    });
    conflict.collect()
}

/// Returns what the entries after `common` said of a record and the log does not say any more, unless it says otherwise by now.
fn lost_change(id: RecordId, old: &State, new: Option<&State>, common: u64) -> Change {
    let mut change = Change::new(id, old.record.kind.clone());
    let since = |pointer: &Pointer| new.and_then(|new| new.since.get(pointer)).copied().unwrap_or_default();
    let (at, alive) = new.map_or((0, false), |new| (new.at, new.alive));
    if old.at > common && at <= common {
        let edited = new.is_some_and(|new| new.since.values().any(|since| *since > common));
        change.life = match (old.linked, old.alive) {
            (Some(into), _) if new.is_none_or(|new| new.linked != Some(into)) => Some(Life::Linked(into)),
            (None, true) if !alive => Some(Life::Born),
            (None, false) if new.is_none() || alive && !edited => Some(Life::Dead),
            _ => None,
        };
    }
    if at > common && !alive {
        return change;
    }
    for pointer in old.since.iter().filter(|(pointer, told)| **told > common && since(pointer) <= common).map(|(pointer, _)| pointer) {
        let (was, is) = (old.record.fields.get(pointer), new.and_then(|new| new.record.fields.get(pointer)));
        match was {
            Some(value) if is != was => {
                change.set.insert(pointer.clone(), value.clone());
            }
            None if is.is_some() => {
                change.unset.insert(pointer.clone());
            }
            _ => {}
        }
    }
    change
}

/// Returns what can still be called agreed: what the collection says as before, what was agreed on entries that the log
/// still has, and what it says again by now. Of everything else nobody knows any more what it came from.
fn rebase(agreed: &State, old: Option<&State>, new: Option<&State>, common: u64, volatile: &dyn Fn(&Pointer) -> bool) -> Option<State> {
    let new = new?;
    let mut state = agreed.clone();
    if agreed.at > common && !agreed.alive && new.alive && same_content(&agreed.record, &new.record, volatile) {
        // The deletion was lost, and is told again.
        state.alive = true;
    }
    if state.alive == new.alive {
        state.at = new.at;
    }
    for pointer in agreed.since.iter().filter(|(_, told)| **told > common).map(|(pointer, _)| pointer) {
        let (was, is) = (old.and_then(|old| old.record.fields.get(pointer)), new.record.fields.get(pointer));
        if agreed.record.fields.get(pointer) == is {
            state.put(pointer, is, new.since.get(pointer).copied().unwrap_or(new.at));
        } else if was != is {
            state.forget(pointer);
        }
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Kind;

    /// A state whose fields were told at these sequences.
    fn state(alive: bool, at: u64, fields: &[(&str, &str, u64)]) -> State {
        let mut state = State { alive, at, ..State::unborn(Kind::CONTACT) };
        for (field, text, sequence) in fields {
            state.put(&Pointer::new(field), Some(&Value::text(text)), *sequence);
        }
        state
    }

    fn lost(old: &State, new: Option<&State>) -> (Option<Life>, Vec<String>) {
        let change = lost_change(RecordId([1; 16]), old, new, 5);
        let set = change.set.iter().map(|(field, value)| format!("{field}={}", value.display()));
        (change.life, set.chain(change.unset.iter().map(|field| format!("-{field}"))).collect())
    }

    #[test]
    fn what_the_lost_entries_said_is_told_again() {
        let old = state(true, 2, &[("a", "1", 2), ("b", "2", 6)]);
        assert_eq!(lost(&old, Some(&state(true, 2, &[("a", "1", 2), ("b", "1", 2)]))), (None, vec!["b=2".to_owned()]));
        assert_eq!(lost(&state(true, 7, &[("a", "1", 7)]), None), (Some(Life::Born), vec!["a=1".to_owned()]));
    }

    #[test]
    fn what_others_said_since_stands() {
        let old = state(true, 2, &[("a", "1", 2), ("b", "2", 6)]);
        assert_eq!(lost(&old, Some(&state(true, 2, &[("a", "1", 2), ("b", "3", 6)]))), (None, vec![]));
        assert_eq!(lost(&old, Some(&state(false, 6, &[("a", "1", 2), ("b", "1", 2)]))), (None, vec![]));
    }

    #[test]
    fn a_lost_deletion_is_told_again_unless_the_record_was_edited_since() {
        let old = state(false, 6, &[("a", "1", 2)]);
        assert_eq!(lost(&old, Some(&state(true, 2, &[("a", "1", 2)]))).0, Some(Life::Dead));
        assert_eq!(lost(&old, Some(&state(true, 2, &[("a", "2", 6)]))).0, None);
        assert_eq!(lost(&old, None).0, Some(Life::Dead));
    }

    #[test]
    fn what_was_agreed_on_lost_entries_is_agreed_only_where_the_collection_says_it_again() {
        let agreed = state(true, 2, &[("a", "1", 2), ("b", "2", 6), ("c", "2", 6)]);
        let new = state(true, 2, &[("a", "9", 6), ("b", "2", 7), ("c", "3", 7)]);
        let rebased = rebase(&agreed, Some(&agreed), Some(&new), 5, &|_| false).unwrap();
        let unknown: Vec<&str> = rebased.unknown().map(Pointer::as_str).collect();
        assert_eq!((unknown, rebased.record.text("a"), rebased.record.text("b")), (vec!["c"], Some("1"), Some("2")));
        assert_eq!(rebase(&agreed, Some(&agreed), None, 5, &|_| false), None);
    }
}
