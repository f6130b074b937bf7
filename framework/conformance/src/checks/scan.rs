//! What scans show.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Found, Memory, SEEDED, Trial, prepared, scan, try_scan};

const LONGEST_FINGERPRINT: usize = 128;

pub(super) fn empty(subject: &dyn Subject) -> Result<(), Stop> {
    let (_, found) = Trial::with(subject, 0)?.opened()?;
    ensure(found.items.is_empty() && found.unchanged.is_empty() && found.broken.is_empty(), || "an empty place shows something".to_owned())
}

pub(super) fn seeded_count(subject: &dyn Subject) -> Result<(), Stop> {
    for count in [1, SEEDED] {
        let (_, found) = Trial::with(subject, count)?.opened()?;
        let shown = (found.items.len(), found.unchanged.len(), found.broken.len());
        ensure(shown == (count, 0, 0), || {
            format!("of {count} items it shows {} as new, {} as unchanged, {} as broken", shown.0, shown.1, shown.2)
        })?;
    }
    Ok(())
}

pub(super) fn well_formed(subject: &dyn Subject) -> Result<(), Stop> {
    let (adapter, found) = Trial::seeded(subject)?.opened()?;
    let profile = adapter.profile();
    for item in &found.items {
        let key = &item.key;
        ensure(!key.0.is_empty(), || "a key is empty".to_owned())?;
        ensure((1..=LONGEST_FINGERPRINT).contains(&item.fingerprint.0.len()), || {
            format!("the fingerprint of {key} has {} bytes", item.fingerprint.0.len())
        })?;
        ensure(profile.kinds.contains(&item.record.kind), || {
            format!("{key} is a {}, which the profile does not declare", item.record.kind)
        })?;
        if let Some(pointer) = item.record.fields.keys().find(|pointer| !profile.view.holds(pointer) && !profile.volatile.holds(pointer)) {
            return fail(format!("{key} shows {pointer:?}, which is outside the profile's view"));
        }
    }
    ensure(!found.scan.root.is_empty(), || "the root has no identity".to_owned())
}

pub(super) fn keys_unique(subject: &dyn Subject) -> Result<(), Stop> {
    let (_, found) = Trial::seeded(subject)?.opened()?;
    let keys: BTreeSet<_> = found.items.iter().map(|item| &item.key).collect();
    ensure(keys.len() == found.items.len(), || format!("{} items share {} keys", found.items.len(), keys.len()))
}

pub(super) fn twice_identical(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, first) = trial.opened()?;
    let second = scan(adapter.as_mut(), &Memory::default())?;
    let (_, third) = trial.opened()?;
    for other in [second, third] {
        ensure(first.sorted() == other.sorted(), || "a second scan shows something else".to_owned())?;
        ensure(first.scan == other.scan, || "a second scan shows another root".to_owned())?;
    }
    Ok(())
}

/// Fails unless everything is reported as unchanged.
fn all_unchanged(found: &Found, before: &Found) -> Result<(), Stop> {
    if let Some(item) = found.items.first() {
        return fail(format!("{} is reported as changed", item.key));
    }
    ensure(found.broken.is_empty(), || "an item is reported as broken".to_owned())?;
    let keys = |found: &Found| found.memory().0.into_keys().collect::<BTreeSet<_>>();
    ensure(keys(found) == keys(before) && found.unchanged.len() == before.items.len(), || {
        "not every item is reported as unchanged".to_owned()
    })
}

pub(super) fn known_unchanged(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    all_unchanged(&scan(adapter.as_mut(), &before.memory())?, &before)?;
    all_unchanged(&scan(trial.open()?.as_mut(), &before.memory())?, &before)
}

pub(super) fn touched_unchanged(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    trial.touch(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))?;
    let touched = scan(adapter.as_mut(), &before.memory())?;
    all_unchanged(&touched, &before)?;
    all_unchanged(&scan(adapter.as_mut(), &touched.memory())?, &before)
}

pub(super) fn edit_with_old_time(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    trial.touch(time)?;
    let (mut adapter, before) = trial.opened()?;
    prepared(subject.edit(&trial.path, before.at(0)?))?;
    trial.touch(time)?;
    let found = scan(adapter.as_mut(), &before.memory())?;
    ensure(found.items.len() == 1, || format!("after one edit {} items are reported as changed", found.items.len()))
}

pub(super) fn one_broken_item(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    let victim = before.at(1)?;
    if !prepared(subject.damage(&trial.path, victim))? {
        return skip("no item of this format can be broken alone");
    }
    for known in [Memory::default(), before.memory()] {
        let found = scan(adapter.as_mut(), &known)?;
        let shown = found.memory().0;
        if let Some(lost) = before.items.iter().find(|item| item.key != victim.key && !shown.contains_key(&item.key)) {
            return fail(format!("{} is lost beside a broken item", lost.key));
        }
        ensure(!shown.contains_key(&victim.key), || "the broken item is shown as if it were whole".to_owned())?;
        ensure(found.broken.len() == 1, || format!("one item is broken, {} are reported", found.broken.len()))?;
        let blamed =
            found.broken.iter().all(|broken| broken.key.as_ref().is_none_or(|key| *key == victim.key) && !broken.reason.is_empty());
        ensure(blamed, || "the report names another item or gives no reason".to_owned())?;
    }
    Ok(())
}

pub(super) fn zero_bytes(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    let victim = before.at(1)?;
    prepared(std::fs::write(&victim.place.path, ""))?;
    match try_scan(adapter.as_mut(), &before.memory()) {
        Err(_) => Ok(()),
        Ok(found) => ensure(!found.broken.is_empty(), || "a file of no bytes was passed over in silence".to_owned()),
    }
}

pub(super) fn root_missing(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    prepared(subject.remove(&trial.path))?;
    match try_scan(adapter.as_mut(), &before.memory()) {
        Ok(_) => fail("the scan of a place that went away succeeded"),
        Err(_) => ensure(!trial.path.exists(), || "the scan made the place again".to_owned()),
    }
}

pub(super) fn writes_nothing(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let before = trial.files()?;
    let (mut adapter, found) = trial.opened()?;
    scan(adapter.as_mut(), &found.memory())?;
    drop(adapter);
    trial.unchanged_since(&before, "scanning")
}
