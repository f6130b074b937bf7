//! The targets: what each item should become, in an order in which it can.

use std::collections::{BTreeMap, BTreeSet};

use delta::{Merged, Target};
use record::{Pointer, Record, RecordId, Value};

use crate::aside::set_aside;
use crate::context::Session;
use crate::error::Error;
use crate::guard::Deletions;
use crate::lines::{self, Woven};
use crate::names::{Names, Place, folded, folders_of};
use crate::objects::Seen;
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
fn named<'a>(session: &Session<'_>, seen: &'a Seen) -> Option<&'a Value> {
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

/// Who stands in the collection keeps a unique name; whoever else wants it is renamed, never overwritten. So is a file whose name
/// others have for a folder, whoever was first: of the two it is the one that can be renamed alone.
fn rename(session: &mut Session<'_>, mut wishes: Vec<Wish>) -> Result<Vec<Wish>, Error> {
    let Some(unique) = session.profile.unique.clone() else { return Ok(wishes) };
    if wishes.is_empty() && session.trees.attention().is_empty() {
        return Ok(wishes);
    }
    let wished: BTreeSet<RecordId> = wishes.iter().map(|wish| wish.id).collect();
    let standing = standing(session, &unique, |seen| &seen.meant)?.into_iter().filter(|place| !wished.contains(&place.id));
    let mut holders: BTreeMap<String, Vec<RecordId>> = BTreeMap::new();
    let mut folders: BTreeSet<RecordId> = BTreeSet::new();
    for place in standing.chain(wishes.iter().filter_map(|wish| Place::of(wish.id, wish.target.as_ref()?, &unique))) {
        holders.entry(place.name).or_default().push(place.id);
        folders.extend(place.is_folder.then_some(place.id));
    }
    let beneath = folders_of(holders.keys());
    let mut taken: BTreeSet<String> = holders.keys().chain(&beneath).cloned().collect();
    for (name, ids) in holders.iter().filter(|(name, ids)| ids.len() > 1 || beneath.contains(*name)) {
        let mut keeper: Option<RecordId> = None;
        for id in ids {
            let stands = session.trees.remote(*id)?.filter(|state| state.alive).and_then(|state| state.record.field(unique.as_str()));
            if keeper.is_none() && stands.is_some_and(|value| folded(value) == *name) {
                keeper = Some(*id);
            }
        }
        let keeper = keeper.or_else(|| ids.first().copied()).filter(|keeper| folders.contains(keeper) || !beneath.contains(name));
        for id in ids.iter().filter(|id| Some(**id) != keeper) {
            rename_one(session, &mut wishes, *id, &mut taken)?;
        }
    }
    Ok(wishes)
}

/// Returns who has which name, in the order of their ids.
fn standing(session: &Session<'_>, unique: &Pointer, of: fn(&Seen) -> &Record) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    session.trees.each_seen(&mut |id, seen| places.extend(Place::of(id, of(seen), unique)))?;
    places.sort_unstable_by_key(|place| place.id);
    Ok(places)
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
    if wishes.is_empty() {
        return Ok(wishes);
    }
    let wanted = |wish: &Wish| wish.target.as_ref().and_then(|record| Place::of(wish.id, record, &unique));
    let mut held = Names::default();
    standing(session, &unique, |seen| &seen.shown)?.into_iter().for_each(|place| held.give(place));
    let (mut waiting, mut ordered): (Vec<Wish>, Vec<Wish>) = wishes.into_iter().partition(|wish| wish.target.is_some());
    ordered.iter().for_each(|wish| held.leave(wish.id));
    loop {
        enter_free_names(&mut waiting, &mut ordered, &mut held, &wanted);
        if waiting.is_empty() {
            return Ok(ordered);
        }
        session.report.unfinished = true;
        let mut wish = waiting.remove(0);
        let waits = |holder: RecordId| holder == wish.id || waiting.iter().any(|other| other.id == holder);
        if !wanted(&wish).is_some_and(|place| held.in_the_way(&place).all(waits)) {
            // Its name is held by an item that stays where it is: it waits for a later session.
            continue;
        }
        if session.trees.seen(wish.id)?.is_none() {
            // Whoever leaves the circle for a temporary name makes room for it.
            waiting.push(wish);
            if waiting.iter().all(|other| session.trees.sides(other.id).0.is_none()) {
                return Ok(ordered);
            }
            continue;
        }
        let others: BTreeSet<String> = waiting.iter().filter_map(wanted).map(|place| place.name).collect();
        let mut names = (0..).map(|number: u64| format!(".syncretic-{}-{number}", wish.id));
        let Some(temporary) = names.find(|name| !held.is_held(name) && !others.contains(name)) else { continue };
        let mut detour = wish.target.clone().unwrap_or_else(|| Record::new(record::Kind::FILE));
        detour.fields.insert(unique.clone(), Value::text(&temporary));
        if let Some(place) = Place::of(wish.id, &detour, &unique) {
            held.give(place);
        }
        wish.detour = Some(detour);
        ordered.push(wish);
    }
}

/// Lets whoever wants a free name have it, until nobody that is left finds one.
fn enter_free_names(waiting: &mut Vec<Wish>, ordered: &mut Vec<Wish>, held: &mut Names, wanted: &dyn Fn(&Wish) -> Option<Place>) {
    loop {
        let before = ordered.len();
        for wish in std::mem::take(waiting) {
            let place = wanted(&wish);
            if place.as_ref().is_some_and(|place| held.in_the_way(place).next().is_some()) {
                waiting.push(wish);
                continue;
            }
            match place {
                Some(place) => held.give(place),
                None => held.leave(wish.id),
            }
            ordered.push(wish);
        }
        if ordered.len() == before || waiting.is_empty() {
            return;
        }
    }
}
