//! Steps that are asked about later, and stopping.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use adapter::{Atomicity, Error, Fate, Mode, Outcome};

use crate::content::rewritten;
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Memory, SEEDED, Stopper, Trial, apply, create, delete, step, try_apply, try_scan, update, went};

pub(super) fn unknown_step(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let before = trial.files()?;
    let (mut adapter, _) = trial.opened()?;
    let fates = went(adapter.recover(step(9)), "recovering")?;
    ensure(fates.is_empty(), || format!("a step that was never begun has the fates {fates:?}"))?;
    trial.unchanged_since(&before, "recovering a step that was never begun")
}

pub(super) fn after_perform(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    if adapter.profile().atomicity == Atomicity::None {
        return skip("the endpoint promises nothing about steps that are cut off");
    }
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some("recovered"));
    let (sample, changed) = (subject.sample(1000), [pointer]);
    let ops = [delete(2, found.at(1)?), update(1, found.at(0)?, &record, &changed), create(3, &sample)];
    let answers = apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default())?;
    drop(adapter);
    let mut adapter = trial.open()?;
    for _ in 0..2 {
        let fates = went(adapter.recover(step(1)), "recovering")?;
        ensure(fates.len() == answers.len(), || format!("{} operations have {} fates", answers.len(), fates.len()))?;
        for (fate, answer) in fates.iter().zip(&answers) {
            let agrees = match (fate, answer) {
                (Fate::Done { key, .. }, Outcome::Put { key: answered, .. }) => key.as_ref() == Some(answered),
                (Fate::Done { key, .. }, Outcome::Deleted { .. }) => key.is_none(),
                _ => false,
            };
            ensure(agrees, || format!("what was answered {answer:?} is recovered as {fate:?}"))?;
        }
    }
    went(adapter.settle(step(1)), "settling")?;
    let fates = went(adapter.recover(step(1)), "recovering")?;
    ensure(fates.is_empty(), || format!("a settled step has the fates {fates:?}"))
}

pub(super) fn keeps_places(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    if adapter.profile().atomicity == Atomicity::None {
        return skip("the endpoint promises nothing about steps that are cut off");
    }
    let gone = delete(1, found.at(0)?);
    apply(adapter.as_mut(), step(1), &[gone], Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(1)), "settling")?;
    let (mut adapter, now) = trial.opened()?;
    let last = now.at(SEEDED - 2)?;
    let (record, pointer) = rewritten(subject, &last.record, Some("in its place"));
    let changed = [pointer];
    let answers = apply(adapter.as_mut(), step(2), &[gone, update(2, last, &record, &changed)], Mode::Perform, &Chest::default())?;
    let done = |answer: &Outcome| matches!(answer, Outcome::Put { .. } | Outcome::Deleted { .. });
    let fates = went(adapter.recover(step(2)), "recovering")?;
    for (index, answer) in answers.iter().enumerate() {
        let recovered = matches!(fates.get(index), Some(Fate::Done { .. }));
        ensure(recovered == done(answer), || format!("operation {index} was answered {answer:?}, the fates are {fates:?}"))?;
    }
    went(adapter.settle(step(2)), "settling")
}

pub(super) fn settle_twice(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    apply(adapter.as_mut(), step(1), &[delete(1, found.at(0)?)], Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(1)), "settling")?;
    let before = trial.files()?;
    went(adapter.settle(step(1)), "settling again")?;
    went(adapter.settle(step(9)), "settling a step that was never begun")?;
    trial.unchanged_since(&before, "settling again")
}

pub(super) fn cancel_honoured(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let before = trial.files()?;
    let (_, found) = trial.opened()?;
    let mut stopped = trial.open_with(Box::new(Stopper(Arc::new(AtomicUsize::new(0)))))?;
    match try_scan(stopped.as_mut(), &Memory::default()) {
        Err(Error::Cancelled) => {}
        Err(other) => return fail(format!("a scan that was stopped failed otherwise: {other}")),
        Ok(_) => return fail("the scan went on after the host said stop"),
    }
    let sample = subject.sample(1000);
    let ops = [create(1, &sample), delete(2, found.at(0)?)];
    match try_apply(stopped.as_mut(), step(1), &ops, Mode::Perform, &Chest::default()) {
        Err(Error::Cancelled) => {}
        Err(other) => return fail(format!("applying was stopped and failed otherwise: {other}")),
        Ok(_) => return fail("applying went on after the host said stop"),
    }
    drop(stopped);
    trial.unchanged_since(&before, "a step that was stopped before it began")
}
