//! Making, changing and removing items.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapter::{Atomicity, Error, Fate, Mode, Op, Outcome};
use record::{Pointer, Record, Value};

use crate::content::{missing, rewritten, text};
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{
    Chest, Found, Lying, Memory, SEEDED, Stopper, Trial, apply, create, delete, perform, prepared, scan, step, try_apply, update, went,
};

/// A text that no seed has.
const WORD: &str = "conformance";

pub(super) fn empty_batch(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, _) = trial.opened()?;
    let before = trial.files()?;
    apply(adapter.as_mut(), step(1), &[], Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&before, "a step without operations")
}

/// Fails unless the answer is that the item was put; returns what it shows.
fn put(outcome: Outcome) -> Result<(adapter::Key, adapter::Fingerprint, Record, u64), Stop> {
    match outcome {
        Outcome::Put { key, fingerprint, record, bytes } => Ok((key, fingerprint, record, bytes)),
        other => fail(format!("the item was not put: {other:?}")),
    }
}

pub(super) fn create_roundtrip(subject: &dyn Subject) -> Result<(), Stop> {
    for start in [0, SEEDED] {
        let trial = Trial::with(subject, start)?;
        let (mut adapter, _) = trial.opened()?;
        let samples = [subject.sample(1000), subject.sample(1001)];
        let [one, other] = &samples;
        let answers = apply(adapter.as_mut(), step(1), &[create(1, one), create(2, other)], Mode::Perform, &Chest::default())?;
        let (_, found) = trial.opened()?;
        ensure(found.items.len() == start + samples.len(), || format!("{start} items and two new ones are {}", found.items.len()))?;
        for (sample, answer) in samples.iter().zip(answers) {
            let (key, _, shown, bytes) = put(answer)?;
            ensure(bytes > 0, || "a new item took no bytes".to_owned())?;
            for record in [&shown, &found.of(&key)?.record] {
                if let Some(pointer) = missing(sample, record) {
                    return fail(format!("{pointer:?} of a new item is not shown as it was asked"));
                }
            }
        }
    }
    Ok(())
}

/// Counts the lines of the part in which two contents differ.
fn differing_lines(before: &[u8], after: &[u8]) -> usize {
    let (before, after): (Vec<_>, Vec<_>) = (before.split(|byte| *byte == b'\n').collect(), after.split(|byte| *byte == b'\n').collect());
    let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let shorter = before.len().min(after.len());
    let tail = before.iter().rev().zip(after.iter().rev()).take(shorter - head).take_while(|(one, other)| one == other).count();
    before.len().max(after.len()) - head - tail
}

/// Fails unless exactly one file differs, in as many lines as the subject allows.
pub(super) fn one_edit(trial: &Trial<'_>, before: &BTreeMap<PathBuf, Lying>) -> Result<(), Stop> {
    let after = trial.files()?;
    ensure(before.keys().eq(after.keys()), || "a file appeared or disappeared".to_owned())?;
    let changed: Vec<_> =
        before.iter().filter_map(|(path, file)| after.get(path).map(|now| (file, now))).filter(|(file, now)| file != now).collect();
    let [(file, now)] = changed.as_slice() else {
        return fail(format!("changing one field changed {} files", changed.len()));
    };
    let lines = differing_lines(&file.content, &now.content);
    let most = trial.subject.lines_of_an_edit();
    ensure((1..=most).contains(&lines), || format!("changing one field changed {lines} lines, at most {most} are its own"))
}

pub(super) fn update_one_field(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let before = trial.files()?;
    let item = found.at(2)?;
    let (record, pointer) = rewritten(subject, &item.record, Some(WORD));
    let (key, _, shown, bytes) = put(perform(adapter.as_mut(), step(1), update(1, item, &record, &[pointer]))?)?;
    ensure(text(subject, &shown) == Some(WORD), || "the answer does not show the new text".to_owned())?;
    ensure(bytes > 0, || "the answer says that nothing was written".to_owned())?;
    went(adapter.settle(step(1)), "settling")?;
    one_edit(&trial, &before)?;
    let (_, now) = trial.opened()?;
    let others =
        |found: &Found, key| found.sorted().into_iter().filter(|item| item.key != key).map(|item| item.record.clone()).collect::<Vec<_>>();
    let (mut old, mut new) = (others(&found, item.key.clone()), others(&now, key.clone()));
    old.sort_by_key(Record::digest);
    new.sort_by_key(Record::digest);
    ensure(old == new, || "another item shows something else now".to_owned())?;
    ensure(text(subject, &now.of(&key)?.record) == Some(WORD), || "the next scan does not show the new text".to_owned())
}

pub(super) fn many_at_once(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let word = |number: usize| format!("{WORD} {}", "x".repeat(number * 40));
    let records: Vec<Record> = found.items.iter().enumerate().map(|(n, item)| rewritten(subject, &item.record, Some(&word(n))).0).collect();
    let ops: Vec<Op<'_>> = found.items.iter().zip(&records).zip(1..).map(|((item, record), n)| update(n, item, record, &[])).collect();
    let answers = apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default())?;
    let (_, now) = trial.opened()?;
    ensure(now.items.len() == SEEDED, || format!("{SEEDED} items are {} after all were changed", now.items.len()))?;
    for ((number, asked), answer) in records.iter().enumerate().zip(answers) {
        let (key, _, _, _) = put(answer)?;
        let shown = &now.of(&key)?.record;
        ensure(text(subject, shown) == Some(&word(number)), || format!("{key} does not show its change"))?;
        if let Some(pointer) = missing(asked, shown) {
            return fail(format!("{pointer:?} of {key} is not shown as it was asked"));
        }
    }
    Ok(())
}

pub(super) fn removal(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(1)?;
    match perform(adapter.as_mut(), step(1), delete(1, item))? {
        Outcome::Deleted { .. } => {}
        other => return fail(format!("the item was not removed: {other:?}")),
    }
    let (_, now) = trial.opened()?;
    let mut left: Vec<_> = found.items.iter().filter(|other| other.key != item.key).map(|item| item.record.digest()).collect();
    let mut shown: Vec<_> = now.items.iter().map(|item| item.record.digest()).collect();
    left.sort_unstable();
    shown.sort_unstable();
    ensure(left == shown, || format!("{} of {} items should be left, {} are shown", left.len(), found.items.len(), shown.len()))
}

/// Runs `then` after a step that changes one item, removes one and makes one; it gets the scan before and the answers.
fn mixed_step(
    subject: &dyn Subject,
    mode: Mode,
    then: impl FnOnce(&Trial<'_>, &mut dyn adapter::Adapter, Vec<Outcome>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some(WORD));
    let (sample, changed) = (subject.sample(1000), [pointer]);
    let ops = [update(1, found.at(0)?, &record, &changed), delete(2, found.at(1)?), create(3, &sample)];
    let answers = apply(adapter.as_mut(), step(1), &ops, mode, &Chest::default())?;
    then(&trial, adapter.as_mut(), answers)
}

pub(super) fn answers_every_operation(subject: &dyn Subject) -> Result<(), Stop> {
    mixed_step(subject, Mode::Perform, |_, _, answers| match answers.as_slice() {
        [Outcome::Put { .. }, Outcome::Deleted { .. }, Outcome::Put { .. }] => Ok(()),
        other => fail(format!("a change, a removal and a new item were answered {other:?}")),
    })
}

pub(super) fn answer_equals_scan(subject: &dyn Subject) -> Result<(), Stop> {
    mixed_step(subject, Mode::Perform, |trial, _, answers| {
        let (_, now) = trial.opened()?;
        for answer in answers {
            if let Outcome::Put { key, record, .. } = answer {
                ensure(now.of(&key)?.record == record, || format!("the answer about {key} is not what a scan shows"))?;
            }
        }
        Ok(())
    })
}

pub(super) fn then_scan_is_noop(subject: &dyn Subject) -> Result<(), Stop> {
    mixed_step(subject, Mode::Perform, |trial, adapter, answers| {
        let mut memory = Memory::default();
        for answer in answers {
            if let Outcome::Put { key, fingerprint, .. } = answer {
                memory.0.insert(key, fingerprint);
            }
        }
        went(adapter.settle(step(1)), "settling")?;
        for found in [scan(adapter, &memory)?, scan(trial.open()?.as_mut(), &memory)?] {
            if let Some(item) = found.items.iter().find(|item| memory.0.contains_key(&item.key)) {
                return fail(format!("{} is reported as changed right after it was written", item.key));
            }
            ensure(found.unchanged.len() == memory.0.len(), || "an item that was written is not reported".to_owned())?;
        }
        Ok(())
    })
}

pub(super) fn same_record_writes_nothing(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let before = trial.files()?;
    let ops: Vec<Op<'_>> = found.items.iter().zip(1..).map(|(item, number)| update(number, item, &item.record, &[])).collect();
    for answer in apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default())? {
        let (key, _, _, bytes) = put(answer)?;
        ensure(bytes == 0, || format!("{bytes} bytes were written for {key}, which had not changed"))?;
    }
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&before, "putting what is there already")
}

pub(super) fn outside_view(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let stranger = Pointer::new("conformanceSuiteField");
    if adapter.profile().view.holds(&stranger) {
        return skip("the endpoint can hold every field");
    }
    let item = found.at(0)?;
    let record = item.record.clone().with(stranger.as_str(), Value::text(WORD));
    let before = trial.files()?;
    let (key, _, shown, _) = put(perform(adapter.as_mut(), step(1), update(1, item, &record, &[]))?)?;
    ensure(shown == item.record, || format!("{key} shows something else because of a field that it cannot hold"))?;
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&before, "a field outside the view")
}

#[cfg(unix)]
pub(super) fn keeps_mode_and_symlink(subject: &dyn Subject) -> Result<(), Stop> {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    const MODE: u32 = 0o604;
    let trial = Trial::seeded(subject)?;
    let (_, found) = trial.opened()?;
    let file = found.at(0)?.place.path.clone();
    let elsewhere = trial.folder().join("elsewhere");
    let far = elsewhere.join("file");
    prepared(fs::create_dir(&elsewhere).and_then(|()| fs::rename(&file, &far)).and_then(|()| symlink(&far, &file)))?;
    prepared(fs::set_permissions(&far, fs::Permissions::from_mode(MODE)))?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(0)?;
    let (record, pointer) = rewritten(subject, &item.record, Some(WORD));
    put(perform(adapter.as_mut(), step(1), update(1, item, &record, &[pointer]))?)?;
    went(adapter.settle(step(1)), "settling")?;
    ensure(prepared(fs::symlink_metadata(&file))?.is_symlink(), || "the symlink was replaced by a file".to_owned())?;
    ensure(prepared(fs::metadata(&far))?.permissions().mode() & 0o7777 == MODE, || "the file's permissions are others now".to_owned())
}

#[cfg(not(unix))]
pub(super) fn keeps_mode_and_symlink(_subject: &dyn Subject) -> Result<(), Stop> {
    skip("this platform has no such permissions")
}

pub(super) fn batch_atomic(subject: &dyn Subject) -> Result<(), Stop> {
    const QUESTIONS: usize = 64;
    for questions in 0..QUESTIONS {
        let trial = Trial::seeded(subject)?;
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let mut adapter = trial.open_with(Box::new(Stopper(Arc::clone(&left))))?;
        if adapter.profile().atomicity != Atomicity::Batch {
            return skip("the endpoint does not claim that a step happens at once");
        }
        let found = scan(adapter.as_mut(), &Memory::default())?;
        let records: Vec<Record> = found.items.iter().map(|item| rewritten(subject, &item.record, Some(WORD)).0).collect();
        let ops: Vec<Op<'_>> = found.items.iter().zip(&records).zip(1..).map(|((item, record), n)| update(n, item, record, &[])).collect();
        left.store(questions, Ordering::SeqCst);
        let stopped = match try_apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default()) {
            Ok(answers) => answers.map(|_| false)?,
            Err(Error::Cancelled) => true,
            Err(other) => return fail(format!("applying failed: {other}")),
        };
        drop(adapter);
        all_or_nothing(&trial)?;
        if !stopped {
            return Ok(());
        }
    }
    Ok(())
}

/// Fails if some items were changed and others were not, or recovery says so.
fn all_or_nothing(trial: &Trial<'_>) -> Result<(), Stop> {
    let (mut adapter, found) = trial.opened()?;
    let changed = found.items.iter().filter(|item| text(trial.subject, &item.record) == Some(WORD)).count();
    ensure(changed == 0 || changed == SEEDED, || format!("{changed} of {SEEDED} changes were made"))?;
    let fates = went(adapter.recover(step(1)), "recovering")?;
    let done = fates.iter().filter(|fate| matches!(fate, Fate::Done { .. })).count();
    ensure(done == changed, || format!("{changed} changes were made, recovery says {done}"))
}

pub(super) fn no_leftovers(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let before = trial.files()?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(0)?;
    let (record, pointer) = rewritten(subject, &item.record, Some(WORD));
    put(perform(adapter.as_mut(), step(1), update(1, item, &record, &[pointer]))?)?;
    went(adapter.settle(step(1)), "settling")?;
    drop(adapter);
    let after = trial.files()?;
    match after.keys().find(|path| !before.contains_key(*path)) {
        Some(path) => fail(format!("{} is left", path.strip_prefix(trial.folder()).unwrap_or(path).display())),
        None => Ok(()),
    }
}

pub(super) fn rehearsal_writes_nothing(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let before = trial.files()?;
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some(WORD));
    let (sample, changed) = (subject.sample(1000), [pointer]);
    let ops = [update(1, found.at(0)?, &record, &changed), delete(2, found.at(1)?), create(3, &sample)];
    apply(adapter.as_mut(), step(1), &ops, Mode::Rehearse, &Chest::default())?;
    trial.unchanged_since(&before, "rehearsing")
}

pub(super) fn rehearsal_answers_like_performance(subject: &dyn Subject) -> Result<(), Stop> {
    let mut rehearsed = Vec::new();
    mixed_step(subject, Mode::Rehearse, |_, _, answers| {
        rehearsed = answers;
        Ok(())
    })?;
    mixed_step(subject, Mode::Perform, |_, _, performed| {
        for (before, after) in rehearsed.into_iter().zip(performed) {
            let alike = match (&before, &after) {
                (Outcome::Put { key, record, .. }, Outcome::Put { key: other, record: shown, .. }) => (key, record) == (other, shown),
                (Outcome::Deleted { .. }, Outcome::Deleted { .. }) | (Outcome::Stale, Outcome::Stale) => true,
                (one, other) => one == other,
            };
            ensure(alike, || format!("rehearsed: {before:?}; performed: {after:?}"))?;
        }
        Ok(())
    })
}
