//! Items that are not what they were.

use std::collections::BTreeSet;

use adapter::{Keys, Mode, Op, Outcome};
use record::{Digest, Value};

use crate::content::rewritten;
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Found, SEEDED, Trial, create, delete, perform, prepared, step, try_apply, update, went};

/// Performs an operation on the first item after an editor saved it, and fails unless the editor wins.
fn editor_wins(subject: &dyn Subject, op: impl for<'a> Fn(&'a Found, &'a record::Record) -> Result<Op<'a>, Stop>) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let (record, _) = rewritten(subject, &found.at(0)?.record, Some("overwritten"));
    prepared(subject.edit(&trial.path, found.at(0)?))?;
    let edited = trial.files()?;
    match perform(adapter.as_mut(), step(1), op(&found, &record)?)? {
        Outcome::Stale => {}
        other => return fail(format!("an item that was edited since was answered {other:?}")),
    }
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&edited, "an operation on an item that was edited since")
}

pub(super) fn update_stale(subject: &dyn Subject) -> Result<(), Stop> {
    editor_wins(subject, |found, record| Ok(update(1, found.at(0)?, record, &[])))
}

pub(super) fn delete_stale(subject: &dyn Subject) -> Result<(), Stop> {
    editor_wins(subject, |found, _| Ok(delete(1, found.at(0)?)))
}

pub(super) fn beside_an_edit(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let (item, edited) = (found.at(0)?, found.at(3)?);
    prepared(subject.edit(&trial.path, edited))?;
    let (_, between) = trial.opened()?;
    let old: BTreeSet<Digest> = found.items.iter().map(|item| item.record.digest()).collect();
    let saved = between.items.iter().map(|item| item.record.digest()).find(|digest| !old.contains(digest));
    let Some(saved) = saved else { return fail("the subject's edit is not shown") };
    let (record, pointer) = rewritten(subject, &item.record, Some("beside"));
    match perform(adapter.as_mut(), step(1), update(1, item, &record, &[pointer]))? {
        Outcome::Put { .. } | Outcome::Stale => {}
        other => return fail(format!("a change beside an edit was answered {other:?}")),
    }
    went(adapter.settle(step(1)), "settling")?;
    let (_, now) = trial.opened()?;
    ensure(now.items.iter().any(|item| item.record.digest() == saved), || "what an editor saved in another item is gone".to_owned())
}

pub(super) fn removed_meanwhile(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(0)?;
    match perform(trial.open()?.as_mut(), step(1), delete(1, item))? {
        Outcome::Deleted { .. } => {}
        other => return fail(format!("the item was not removed: {other:?}")),
    }
    went(adapter.settle(step(1)), "settling")?;
    let before = trial.files()?;
    let (record, pointer) = rewritten(subject, &item.record, Some("made again"));
    let changed = [pointer];
    for (number, op) in [(2, update(1, item, &record, &changed)), (3, delete(1, item))] {
        let answer = perform(adapter.as_mut(), step(number), op)?;
        ensure(answer == Outcome::Stale, || format!("an operation on an item that is gone was answered {answer:?}"))?;
        went(adapter.settle(step(number)), "settling")?;
    }
    trial.unchanged_since(&before, "an operation on an item that is gone")
}

pub(super) fn create_exists(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, _) = trial.opened()?;
    if adapter.profile().keys == Keys::Unstable {
        return skip("items without keys of their own may be equal");
    }
    let sample = subject.sample(1000).with("uid", Value::text("urn:uuid:01010101-0101-0101-0101-010101010101"));
    perform(adapter.as_mut(), step(1), create(1, &sample))?;
    went(adapter.settle(step(1)), "settling")?;
    let before = trial.files()?;
    let (record, _) = rewritten(subject, &sample, Some("a second one"));
    match perform(adapter.as_mut(), step(2), create(1, &record))? {
        Outcome::Stale | Outcome::Refused { .. } => {}
        other => return fail(format!("an item that is there already was answered {other:?}")),
    }
    went(adapter.settle(step(2)), "settling")?;
    trial.unchanged_since(&before, "making an item that is there already")
}

pub(super) fn twice_same_step(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    if adapter.profile().keys == Keys::Unstable {
        return skip("items without keys of their own may be equal");
    }
    let sample = subject.sample(1000).with("uid", Value::text("urn:uuid:03030303-0303-0303-0303-030303030303"));
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some("once"));
    let changed = [pointer];
    let ops = [update(1, found.at(0)?, &record, &changed), delete(2, found.at(1)?), create(3, &sample)];
    let mut states = Vec::new();
    for _ in 0..2 {
        match try_apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default()) {
            Ok(answers) => answers.map(|_| ())?,
            Err(error) if states.is_empty() => return fail(format!("applying failed: {error}")),
            Err(_) => {}
        }
        let (_, now) = trial.opened()?;
        ensure(now.items.len() == SEEDED, || format!("one removed, one made: {} items instead of {SEEDED}", now.items.len()))?;
        states.push(now.sorted().into_iter().cloned().collect::<Vec<_>>());
    }
    ensure(states.windows(2).all(|pair| pair.first() == pair.last()), || "the same step again changed something".to_owned())?;
    went(adapter.settle(step(1)), "settling")
}
