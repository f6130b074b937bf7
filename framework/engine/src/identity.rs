//! Identity: which item is which record.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use adapter::{Item, Key, Keys};
use delta::pair::pair;
use record::{Record, RecordId};

use crate::context::Session;
use crate::error::Error;
use crate::found::{Found, Knowledge, by_uid};

/// An item with the record that it is.
type Named = (RecordId, Item);

/// A scan's items with their records.
pub(crate) struct Identified {
    /// Items of records that were seen before.
    pub(crate) matched: Vec<(RecordId, Item)>,
    /// Items of records that were not.
    pub(crate) new: Vec<(RecordId, Item)>,
    /// Records that were seen before and have no item now.
    pub(crate) gone: BTreeSet<RecordId>,
    /// Records whose items cannot be read now.
    pub(crate) unreadable: BTreeSet<RecordId>,
}

/// Finds the record of each item: by UID, by key, and for what is left by content, best score first.
pub(crate) fn identify(session: &mut Session<'_>, knowledge: &Knowledge, found: Found) -> Result<Identified, Error> {
    let mut same: HashSet<RecordId> = HashSet::with_capacity(found.unchanged.len());
    for (key, fingerprint) in found.unchanged {
        let Some(item) = knowledge.by_key.get(&key) else {
            let reason = format!("item `{key}` was reported as unchanged, but it was not known");
            return Err(session.adapter_error(adapter::Error::Fatal(reason)));
        };
        same.insert(item.id);
        if item.fingerprint != fingerprint {
            session.trees.put_fingerprint(item.id, fingerprint);
        }
    }
    let mut left: BTreeSet<RecordId> = knowledge.records().filter(|id| !same.contains(id)).collect();
    let mut unreadable = BTreeSet::new();
    for key in found.broken.iter().filter_map(|broken| broken.key.as_ref()) {
        if let Some(item) = knowledge.by_key.get(key)
            && left.remove(&item.id)
        {
            unreadable.insert(item.id);
        }
    }
    let (mut matched, rest) = by_name(knowledge, found.items, &found.moved, &mut left);
    let (paired, rest) = by_content(session, rest, &mut left)?;
    matched.extend(paired);
    let new = name(session, rest)?;
    Ok(Identified { matched, new, gone: left, unreadable })
}

/// Takes items whose UID, or whose stable key, was seen before, now or before a rename. Items with another UID are other records.
fn by_name(
    knowledge: &Knowledge,
    items: Vec<Item>,
    moved: &HashMap<Key, Key>,
    left: &mut BTreeSet<RecordId>,
) -> (Vec<(RecordId, Item)>, Vec<Item>) {
    if items.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let uids = by_uid(knowledge);
    let mut matched = Vec::new();
    let mut rest = Vec::new();
    for item in items {
        match item.record.text("uid").and_then(|uid| uids.get(uid)).filter(|id| left.remove(id)) {
            Some(id) => matched.push((*id, item)),
            None => rest.push(item),
        }
    }
    let mut unknown = Vec::new();
    for item in rest {
        let same = knowledge.by_key.get(moved.get(&item.key).unwrap_or(&item.key)).filter(|seen| {
            match (item.record.text("uid"), seen.uid.as_deref()) {
                (Some(now), Some(then)) => now == then,
                _ => true,
            }
        });
        match same.filter(|seen| left.remove(&seen.id)) {
            Some(seen) => matched.push((seen.id, item)),
            None => unknown.push(item),
        }
    }
    (matched, unknown)
}

/// Pairs what is left by what it shows.
fn by_content(session: &mut Session<'_>, items: Vec<Item>, left: &mut BTreeSet<RecordId>) -> Result<(Vec<Named>, Vec<Item>), Error> {
    if items.is_empty() || left.is_empty() {
        return Ok((Vec::new(), items));
    }
    let mut shown: Vec<(RecordId, Record)> = Vec::new();
    for id in left.iter() {
        if let Some(seen) = session.trees.seen(*id)? {
            shown.push((*id, seen.shown.clone()));
        }
    }
    let candidates: Vec<(RecordId, &Record)> = shown.iter().map(|(id, record)| (*id, record)).collect();
    let records: Vec<&Record> = items.iter().map(|item| &item.record).collect();
    let pairs = pair(&candidates, &records, session.profile.unique.as_ref());
    let mut matched = Vec::new();
    let mut rest = Vec::new();
    for (item, found) in items.into_iter().zip(pairs) {
        match found.filter(|id| left.remove(id)) {
            Some(id) => matched.push((id, item)),
            None => rest.push(item),
        }
    }
    Ok((matched, rest))
}

/// Gives new items the ids of their records: from the UID where there is one, else random.
fn name(session: &mut Session<'_>, items: Vec<Item>) -> Result<Vec<(RecordId, Item)>, Error> {
    let mut taken: BTreeMap<RecordId, Key> = BTreeMap::new();
    let mut named = Vec::new();
    for item in items {
        let mut id = match item.record.text("uid") {
            Some(uid) => id_of(session, &item, uid)?,
            None => RecordId(session.doors.randomness.id()),
        };
        if taken.contains_key(&id) || session.trees.seen(id)?.is_some() {
            id = RecordId(session.doors.randomness.id());
        }
        taken.insert(id, item.key.clone());
        named.push((id, item));
    }
    debug_assert!(session.profile.keys == Keys::Unstable || taken.len() == named.len());
    Ok(named)
}

/// Returns the id that a UID stands for: the record's own, if the UID was made from it, else the UID's digest.
fn id_of(session: &mut Session<'_>, item: &Item, uid: &str) -> Result<RecordId, Error> {
    if let Some(own) = RecordId::from_urn(uid)
        && session.trees.remote(own)?.is_some_and(|state| state.record.kind == item.record.kind)
    {
        return session.trees.resolve(own);
    }
    let id = RecordId::of_uid(&item.record.kind, uid);
    session.trees.resolve(id)
}
