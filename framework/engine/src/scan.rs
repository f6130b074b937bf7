//! The scan: what a person did to the application since it was last looked at.

use std::collections::BTreeSet;

use adapter::{Broken, Item, Known};
use delta::align::{Parts, align};
use delta::difference::carry;
use record::{Kind, Pointer, RecordId};

use crate::context::Session;
use crate::doors::Point;
use crate::error::Error;
use crate::found::{Found, Knowledge};
use crate::guard::Deletions;
use crate::identity::{Identified, identify};
use crate::objects::{self, Seen};
use crate::parallel;
use crate::progress::Phase;
use crate::report::{Direction, Held};

/// Looks at the application and keeps what it shows.
pub(crate) async fn scan(session: &mut Session<'_>) -> Result<(), Error> {
    session.asked = same(session)?;
    if session.asked {
        session.doors.at(Point::Scanned).await;
        return Ok(());
    }
    let mut knowledge = Knowledge::of(session.trees.objects().items()?);
    let mut found = Found::default();
    let looking = session.begin(Phase::Look, None, None);
    let mut scan = session.adapter.scan(&knowledge, &mut found).map_err(|error| session.adapter_error(error))?;
    if session.trees.meta.root.as_ref().is_some_and(|root| *root != scan.root) {
        leave(session, &mut knowledge, &found)?;
        // What is unchanged against another place is not known here: everything is read anew.
        found = Found::default();
        scan = session.adapter.scan(&knowledge, &mut found).map_err(|error| session.adapter_error(error))?;
    }
    looking.end(found.count() as u64);
    session.profile = session.adapter.profile().clone();
    session.doors.at(Point::Scanned).await;
    session.trees.meta.root = Some(scan.root);
    session.trees.meta.note = scan.note.filter(|_| found.broken.is_empty());
    let view = objects::model::view_text(&*session.adapter);
    if session.trees.meta.view != view {
        knowledge.records().for_each(|id| session.trees.attend(id));
        // What was none of this endpoint's business may be now.
        let mut unseen = Vec::new();
        session.trees.objects().each_unseen(&mut |id, _| unseen.push(id))?;
        unseen.into_iter().for_each(|id| session.trees.attend(id));
        session.trees.meta.view = view;
    }
    observe(session, &knowledge, found)?;
    session.trees.note_down()?;
    session.doors.at(Point::Observed).await;
    Ok(())
}

/// Asks the adapter whether anything changed at all, where the last scan left it something to tell by.
fn same(session: &mut Session<'_>) -> Result<bool, Error> {
    let Some(note) = session.trees.meta.note.clone() else { return Ok(false) };
    let same = session.adapter.same(&note).map_err(|error| session.adapter_error(error))?;
    let profile = session.adapter.profile().clone();
    if !same || objects::model::view_text(&*session.adapter) != session.trees.meta.view {
        return Ok(false);
    }
    session.profile = profile;
    session.untouchable.clear();
    session.unread.clear();
    Ok(true)
}

/// The place is another one: what was seen at the old one says nothing about it, so this is a new join.
fn leave(session: &mut Session<'_>, knowledge: &mut Knowledge, found: &Found) -> Result<(), Error> {
    let records: BTreeSet<RecordId> = knowledge.records().collect();
    if found.is_empty() {
        let of = records.len();
        let deletions = Deletions {
            endpoint: session.endpoint,
            direction: Direction::Push,
            records: records.clone(),
            of,
            replaced: true,
            turned: false,
        };
        session.settings.guard.check(deletions, &session.settings.confirmed, |id| title(session.trees.seen(id)?))?;
    }
    for id in records {
        session.trees.put_seen(id, None);
        session.trees.put_agreed(id, None);
    }
    knowledge.clear();
    Ok(())
}

fn title(seen: Option<&Seen>) -> Result<String, Error> {
    Ok(seen.map_or_else(|| "(unknown)".to_owned(), |seen| seen.meant.title()))
}

fn observe(session: &mut Session<'_>, knowledge: &Knowledge, found: Found) -> Result<(), Error> {
    let before = session.trees.objects().held()?;
    let broken = found.broken.clone();
    let Identified { matched, new, mut gone, unreadable } = identify(session, knowledge, found)?;
    session.untouchable = unreadable;
    session.unread = broken.into_iter().map(|broken| held(session, knowledge, broken)).collect();
    suspect(session, &before, &mut gone)?;
    let of = knowledge.count();
    let turned = matched.is_empty() && turned(session, &gone, &new)?;
    let deletions =
        Deletions { endpoint: session.endpoint, direction: Direction::Push, records: gone.clone(), of, replaced: false, turned };
    session.settings.guard.check(deletions, &session.settings.confirmed, |id| title(session.trees.seen(id)?))?;
    for (id, item) in matched {
        look_again(session, id, item)?;
    }
    for (id, seen) in parallel::each(new, |(id, item)| (id, seen_first(item))) {
        session.trees.put_seen(id, Some(seen));
    }
    gone.into_iter().for_each(|id| session.trees.put_seen(id, None));
    Ok(())
}

/// Tells whether something went, something came, and nothing that came is of a kind of what went.
fn turned(session: &mut Session<'_>, gone: &BTreeSet<RecordId>, new: &[(RecordId, Item)]) -> Result<bool, Error> {
    if new.is_empty() || gone.is_empty() {
        return Ok(false);
    }
    let came: BTreeSet<&Kind> = new.iter().map(|(_, item)| &item.record.kind).collect();
    for id in gone {
        if session.trees.seen(*id)?.is_some_and(|seen| came.contains(&seen.shown.kind)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns what is seen of an item that nothing is known of.
fn seen_first(item: Item) -> Seen {
    let (shown, parts) = align(None, &Parts::default(), &item.record);
    Seen { key: item.key, fingerprint: item.fingerprint, meant: shown.clone(), shown, parts }
}

/// Compares what an item shows now with what it showed then.
fn look_again(session: &mut Session<'_>, id: RecordId, item: Item) -> Result<(), Error> {
    let Some(seen) = session.trees.seen(id)?.cloned() else { return Ok(()) };
    let (shown, parts) = align(Some(&seen.shown), &seen.parts, &item.record);
    let holds = |pointer: &Pointer| session.profile.view.holds(pointer);
    let meant = carry(&seen.meant, &seen.shown, &shown, &holds);
    let now = Seen { key: item.key, fingerprint: item.fingerprint, shown, meant, parts };
    if now != seen {
        session.trees.put_seen(id, Some(now));
    }
    Ok(())
}

fn held(session: &Session<'_>, knowledge: &Knowledge, broken: Broken) -> Held {
    let record = broken.key.as_ref().and_then(|key| knowledge.by_key.get(key)).map(|item| item.id);
    let known = record.and_then(|id| session.trees.objects().seen(id).ok().flatten()).map(|seen| seen.meant.title());
    Held {
        key: broken.key.map(|key| key.0),
        record,
        title: broken.title.or(known).unwrap_or_else(|| "(untitled)".to_owned()),
        place: broken.place.to_string(),
        reason: broken.reason,
        unwritten: false,
        missing: false,
    }
}

/// Items that went missing while something unknown cannot be read may be just that: they are not taken for deleted,
/// now or later, until everything that could not be read then can be read.
fn suspect(session: &mut Session<'_>, before: &[Held], gone: &mut BTreeSet<RecordId>) -> Result<(), Error> {
    let unknown = |held: &&Held| !held.unwritten && !held.missing && held.record.is_none();
    let places: BTreeSet<&str> = before.iter().filter(unknown).map(|held| held.place.as_str()).collect();
    let unread: Vec<&Held> = session.unread.iter().filter(unknown).collect();
    let (Some(first), news) = (unread.first(), unread.iter().any(|held| held.key.is_none() || !places.contains(held.place.as_str())))
    else {
        return Ok(());
    };
    let because = format!("missing while {} cannot be read, so it is not taken for deleted; repair or remove that first", first.place);
    let earlier: BTreeSet<RecordId> = before.iter().filter(|held| held.missing).filter_map(|held| held.record).collect();
    let suspects: Vec<RecordId> = gone.iter().copied().filter(|id| news || earlier.contains(id)).collect();
    for id in suspects {
        gone.remove(&id);
        session.untouchable.insert(id);
        let seen = session.trees.seen(id)?;
        let (title, key) = (title(seen)?, seen.map(|seen| seen.key.0.clone()));
        let place = format!("endpoint {}", session.endpoint);
        session.unread.push(Held { key, record: Some(id), title, place, reason: because.clone(), unwritten: false, missing: true });
    }
    Ok(())
}
