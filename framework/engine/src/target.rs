//! The targets: what each item should become, in an order in which it can.

use std::collections::{BTreeMap, BTreeSet};

use delta::{Merged, Target};
use record::{Record, RecordId, Value};

use crate::aside::set_aside;
use crate::context::Session;
use crate::error::Error;
use crate::guard::Deletions;
use crate::lines::{self, Woven};
use crate::report::Direction;
use crate::texts::Texts;
use crate::wish::Wish;

/// Merges every record that needs attention and returns what is to be written.
pub(crate) fn intend(session: &mut Session<'_>) -> Result<Vec<Wish>, Error> {
    let mut wishes = Vec::new();
    session.texts = Texts::default();
    for id in session.trees.attention() {
        session.trees.fetch(id)?;
        if session.untouchable.contains(&id) || !session.concerns(id) {
            continue;
        }
        let mut merged = session.with_sides(id, |sides| delta::merge::merge(sides, session.settings.policy));
        if lines::weave(session, id, &mut merged)? == Woven::Later {
            continue;
        }
        let Merged { target, losers } = merged;
        let (seen, _, _) = session.trees.sides(id);
        match target {
            Target::Nothing => {}
            Target::Delete => wishes.push(Wish { id, target: None, detour: None, losers }),
            Target::Put(record) if seen.is_some_and(|seen| seen.meant == record && named(session, seen) == named_in(session, &record)) => {}
            Target::Put(record) => wishes.push(Wish { id, target: Some(record), detour: None, losers }),
        }
    }
    guard(session, &wishes)?;
    if session.profile.unique.is_some() {
        wishes = set_aside(session, wishes)?;
        wishes = rename(session, wishes)?;
        wishes = order(session, wishes)?;
    } else {
        // Deletions first: what they free may be needed. New items come in the order of their births, then by name.
        wishes.sort_by_cached_key(|wish| {
            let (seen, _, remote) = session.trees.sides(wish.id);
            let new = wish.target.as_ref().filter(|_| seen.is_none());
            (wish.target.is_some(), new.map(|record| (remote.map(|state| state.at), record.title())))
        });
    }
    Ok(wishes)
}

/// Returns the unique name that an item shows.
fn named<'a>(session: &Session<'_>, seen: &'a crate::objects::Seen) -> Option<&'a Value> {
    session.profile.unique.as_ref().and_then(|unique| seen.shown.field(unique.as_str()))
}

fn named_in<'a>(session: &Session<'_>, record: &'a Record) -> Option<&'a Value> {
    session.profile.unique.as_ref().and_then(|unique| record.field(unique.as_str()))
}

/// Counts what would be deleted here, before anything is written.
fn guard(session: &mut Session<'_>, wishes: &[Wish]) -> Result<(), Error> {
    let records: BTreeSet<RecordId> = wishes.iter().filter(|wish| wish.target.is_none()).map(|wish| wish.id).collect();
    if records.is_empty() {
        return Ok(());
    }
    let of = session.trees.objects().count()?;
    let deletions = Deletions { endpoint: session.endpoint, direction: Direction::Pull, records, of, replaced: false, turned: false };
    let trees = &mut session.trees;
    session.settings.guard.check(deletions, &session.settings.confirmed, |id| {
        Ok(trees.seen(id)?.map_or_else(|| "(unknown)".to_owned(), |seen| seen.meant.title()))
    })
}

/// The form in which unique names are compared: case folded. (Names are kept in NFC by those who make them.)
fn folded(value: &Value) -> String {
    value.display().to_lowercase()
}

/// Who stands in the collection keeps a unique name; whoever else wants it is renamed, never overwritten.
fn rename(session: &mut Session<'_>, mut wishes: Vec<Wish>) -> Result<Vec<Wish>, Error> {
    let Some(unique) = session.profile.unique.clone() else { return Ok(wishes) };
    let mut holders: BTreeMap<String, Vec<RecordId>> = BTreeMap::new();
    let wished: BTreeSet<RecordId> = wishes.iter().map(|wish| wish.id).collect();
    let items = session.trees.objects().items()?;
    for id in items.iter().map(|item| item.id).filter(|id| !wished.contains(id)) {
        if let Some(name) = session.trees.seen(id)?.and_then(|seen| seen.meant.field(unique.as_str())) {
            holders.entry(folded(name)).or_default().push(id);
        }
    }
    for wish in &wishes {
        if let Some(name) = wish.target.as_ref().and_then(|record| record.field(unique.as_str())) {
            holders.entry(folded(name)).or_default().push(wish.id);
        }
    }
    let mut taken: BTreeSet<String> = holders.keys().cloned().collect();
    for (name, ids) in holders.iter().filter(|(_, ids)| ids.len() > 1) {
        let mut keeper: Option<RecordId> = None;
        for id in ids {
            let stands = session.trees.remote(*id)?.filter(|state| state.alive).and_then(|state| state.record.field(unique.as_str()));
            if keeper.is_none() && stands.is_some_and(|value| folded(value) == *name) {
                keeper = Some(*id);
            }
        }
        let keeper = keeper.or_else(|| ids.first().copied());
        for id in ids.iter().filter(|id| Some(**id) != keeper) {
            rename_one(session, &mut wishes, *id, &mut taken)?;
        }
    }
    Ok(wishes)
}

fn rename_one(session: &mut Session<'_>, wishes: &mut Vec<Wish>, id: RecordId, taken: &mut BTreeSet<String>) -> Result<(), Error> {
    let Some(unique) = session.profile.unique.clone() else { return Ok(()) };
    if !wishes.iter().any(|wish| wish.id == id) {
        if session.untouchable.contains(&id) {
            return Ok(());
        }
        let Some(seen) = session.trees.seen(id)? else { return Ok(()) };
        wishes.push(Wish { id, target: Some(seen.meant.clone()), detour: None, losers: Vec::new() });
    }
    let Some(target) = wishes.iter_mut().find(|wish| wish.id == id).and_then(|wish| wish.target.as_mut()) else { return Ok(()) };
    let Some(value) = target.field(unique.as_str()).map(Value::display) else { return Ok(()) };
    // The new name follows from the record's id, so that two devices that rename the same record agree.
    let suffix = id.to_string();
    let renamed = (1..)
        .map(|length: usize| beside(&value, suffix.get(..(4 * length).min(32)).unwrap_or(&suffix), length > 8))
        .find(|name| taken.insert(folded(&Value::text(name))));
    if let Some(name) = renamed {
        target.fields.insert(unique.clone(), Value::text(&name));
    }
    // The rename is this endpoint's doing: it must look like a local change from what the collection has.
    let stands = session.trees.remote(id)?.filter(|state| state.alive).and_then(|state| state.record.field(unique.as_str()).cloned());
    if let Some(mut agreed) = session.trees.agreed(id)?.filter(|state| state.alive).cloned() {
        let sequence = agreed.at;
        agreed.put(&unique, stands.as_ref(), sequence);
        session.trees.put_agreed(id, Some(agreed));
    }
    Ok(())
}

/// Returns the name with a suffix before its extension.
fn beside(name: &str, suffix: &str, again: bool) -> String {
    let suffix = if again { format!("{suffix}-{}", name.len()) } else { suffix.to_owned() };
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.contains('/') => format!("{stem} ({suffix}).{extension}"),
        _ => format!("{name} ({suffix})"),
    }
}

/// Orders wishes so that each finds its name free: deletions, then whatever enters a free name. In a circle one item
/// goes to a temporary name; it finds its own at the next round.
fn order(session: &mut Session<'_>, wishes: Vec<Wish>) -> Result<Vec<Wish>, Error> {
    let Some(unique) = session.profile.unique.clone() else { return Ok(wishes) };
    let mut held: BTreeMap<String, RecordId> = BTreeMap::new();
    for item in session.trees.objects().items()? {
        if let Some(name) = session.trees.seen(item.id)?.and_then(|seen| seen.shown.field(unique.as_str())) {
            held.insert(folded(name), item.id);
        }
    }
    let name_of = |wish: &Wish| wish.target.as_ref().and_then(|record| record.field(unique.as_str())).map(folded);
    let (mut waiting, mut ordered): (Vec<Wish>, Vec<Wish>) = wishes.into_iter().partition(|wish| wish.target.is_some());
    let gone: BTreeSet<RecordId> = ordered.iter().map(|wish| wish.id).collect();
    held.retain(|_, holder| !gone.contains(holder));
    enter_free_names(&mut waiting, &mut ordered, &mut held, &name_of);
    while !waiting.is_empty() {
        let free = |wish: &Wish| name_of(wish).is_none_or(|name| held.get(&name).is_none_or(|holder| *holder == wish.id));
        let movable = waiting.iter().position(free);
        let mut wish = waiting.remove(movable.unwrap_or(0));
        let mut name = name_of(&wish);
        if movable.is_none() {
            let circle =
                name.as_ref().and_then(|name| held.get(name)).is_some_and(|holder| waiting.iter().any(|other| other.id == *holder));
            let seen = session.trees.seen(wish.id)?.is_some();
            if !circle || !seen {
                // Its name is held by an item that stays where it is: it waits for a later session.
                session.report.unfinished = true;
                if circle {
                    waiting.push(wish);
                };
                if waiting.iter().all(|other| session.trees.sides(other.id).0.is_none()) {
                    break;
                }
                continue;
            }
            let wanted: BTreeSet<String> = waiting.iter().filter_map(name_of).collect();
            let mut names = (0..).map(|number: u64| format!(".syncretic-{}-{number}", wish.id));
            let Some(temporary) = names.find(|name| !held.contains_key(name) && !wanted.contains(name)) else { continue };
            let mut detour = wish.target.clone().unwrap_or_else(|| Record::new(record::Kind::FILE));
            detour.fields.insert(unique.clone(), Value::text(&temporary));
            wish.detour = Some(detour);
            session.report.unfinished = true;
            name = Some(temporary);
        }
        held.retain(|_, holder| *holder != wish.id);
        if let Some(name) = name {
            held.insert(name, wish.id);
        }
        ordered.push(wish);
    }
    Ok(ordered)
}

/// Lets whoever wants a free name have it, until nobody that is left finds one.
fn enter_free_names(
    waiting: &mut Vec<Wish>,
    ordered: &mut Vec<Wish>,
    held: &mut BTreeMap<String, RecordId>,
    name_of: &dyn Fn(&Wish) -> Option<String>,
) {
    let mut stands: BTreeMap<RecordId, String> = held.iter().map(|(name, holder)| (*holder, name.clone())).collect();
    loop {
        let before = ordered.len();
        for wish in std::mem::take(waiting) {
            let name = name_of(&wish);
            if name.as_ref().and_then(|name| held.get(name)).is_some_and(|holder| *holder != wish.id) {
                waiting.push(wish);
                continue;
            }
            if let Some(left) = stands.remove(&wish.id) {
                held.remove(&left);
            }
            if let Some(name) = name {
                stands.insert(wish.id, name.clone());
                held.insert(name, wish.id);
            }
            ordered.push(wish);
        }
        if ordered.len() == before || waiting.is_empty() {
            return;
        }
    }
}
