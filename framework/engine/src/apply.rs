//! The apply: what the merge wants is rehearsed, kept as a step, performed, and taken note of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use adapter::{Expect, Fingerprint, Key, Mode, Op, Outcome, Outcomes, StepId};
use delta::align::{Parts, align, localise};
use delta::difference::differing;
use record::{Conflict, ConflictId, Pointer, Record, RecordId, Value};

use crate::context::Session;
use crate::doors::Point;
use crate::error::Error;
use crate::found::Knowledge;
use crate::incoming::{self, CountedBlobs, StoreBlobs};
use crate::objects::{Intent, Seen, Step};
use crate::parallel;
use crate::progress::{Phase, Work};
use crate::recover::{advance, made, settle};
use crate::report::{Deed, Direction, Effect, Held};
use crate::trees::agree;
use crate::wish::Wish;

/// One operation with everything that it borrows.
struct Prepared {
    wish: Wish,
    key: Option<Key>,
    fingerprint: Option<Fingerprint>,
    local: Option<Record>,
    changed: Vec<Pointer>,
    /// What the rehearsal answered that the item will show.
    rehearsed: Option<Record>,
}

/// Collects an adapter's answers by index.
struct Answers<'w> {
    all: Vec<Option<Outcome>>,
    given: u64,
    work: Option<&'w Work<'w>>,
}

impl Outcomes for Answers<'_> {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.all.get_mut(index) {
            *slot = Some(outcome);
        }
        self.given += 1;
        self.work.iter().for_each(|work| work.reach(self.given));
    }
}

/// Writes what the merge wants, as one step.
pub(crate) async fn apply(session: &mut Session<'_>, wishes: Vec<Wish>) -> Result<(), Error> {
    if wishes.is_empty() {
        return session.trees.note_down();
    }
    recollect(session, &wishes)?;
    let step = StepId(session.doors.randomness.id());
    let prepared = prepare(session, wishes);
    let folder = fetch(session, &prepared)?;
    let rehearsed = perform(session, (step, Mode::Rehearse), &prepared, folder.as_deref())?;
    let (prepared, intents) = intents(session, prepared, rehearsed);
    if intents.is_empty() {
        return session.trees.note_down();
    }
    session.trees.put_step(Some(Step { id: step, intents: intents.clone() }));
    session.trees.commit()?;
    session.doors.at(Point::Intended).await;
    let outcomes = perform(session, (step, Mode::Perform), &prepared, folder.as_deref())?;
    session.doors.at(Point::Applied).await;
    made(session);
    for ((prepared, intent), outcome) in prepared.iter().zip(intents).zip(outcomes) {
        conclude(session, prepared, intent, outcome)?;
    }
    let attention = session.trees.attention();
    agree(&mut session.trees, &attention)?;
    session.trees.put_step(Some(Step { id: step, intents: Vec::new() }));
    session.trees.commit()?;
    session.doors.at(Point::Advanced).await;
    settle(session, step).await?;
    folder.iter().for_each(|folder| incoming::clear(folder, &BTreeSet::new()));
    Ok(())
}

/// Fetches the large blobs that items are to get.
fn fetch(session: &mut Session<'_>, prepared: &[Prepared]) -> Result<Option<PathBuf>, Error> {
    let mut wanted = Vec::new();
    for Prepared { wish, key, .. } in prepared {
        let shown = session.trees.sides(wish.id).0.map(|seen| &seen.shown);
        let elsewhere = wish.target.iter().filter(|_| !session.texts.has(wish.id));
        wanted.extend(elsewhere.flat_map(|target| incoming::wanted(target, key.as_ref().zip(shown))));
    }
    incoming::fetch(session, &wanted)
}

/// Lets an adapter that was only asked whether anything changed read what new items are made by.
fn recollect(session: &mut Session<'_>, wishes: &[Wish]) -> Result<(), Error> {
    let new = |wish: &Wish| session.trees.sides(wish.id).0.is_none();
    if session.asked && wishes.iter().any(new) {
        let knowledge = Knowledge::of(session.trees.objects().items()?);
        session.adapter.recollect(&knowledge).map_err(|error| session.adapter_error(error))?;
    }
    Ok(())
}

fn prepare(session: &mut Session<'_>, wishes: Vec<Wish>) -> Vec<Prepared> {
    let prepare = |(wish, seen): (Wish, Option<&Seen>)| {
        let writes = wish.detour.as_ref().or(wish.target.as_ref());
        let local = writes.map(|record| seen.map_or_else(|| record.clone(), |seen| localise(&with_own(record, seen), &seen.parts).0));
        let changed = match (seen, &local) {
            (Some(seen), Some(local)) => differing(&localise(&seen.shown, &seen.parts).0, local),
            (None, Some(local)) => local.fields.keys().cloned().collect(),
            (_, None) => Vec::new(),
        };
        let (key, fingerprint) = seen.map(|seen| (seen.key.clone(), seen.fingerprint.clone())).unzip();
        Prepared { wish, key, fingerprint, local, changed, rehearsed: None }
    };
    let with_seen = |wish: Wish| {
        let (seen, _, _) = session.trees.sides(wish.id);
        (wish, seen)
    };
    parallel::each(wishes.into_iter().map(with_seen).collect(), prepare)
}

/// Leaves an item what its application gave it of its own, such as the UID that it got when it was made: the collection has no
/// word of it, so nobody wished it away.
fn with_own(record: &Record, seen: &Seen) -> Record {
    let known = |pointer: &Pointer| seen.meant.fields.contains_key(pointer) || record.fields.contains_key(pointer);
    let mut whole = record.clone();
    for (pointer, value) in seen.shown.fields.iter().filter(|(pointer, _)| !known(pointer)) {
        whole.fields.insert(pointer.clone(), value.clone());
    }
    whole
}

/// Hands the operations to the adapter and returns its answers; none where it gave none.
fn perform(
    session: &mut Session<'_>,
    (step, mode): (StepId, Mode),
    prepared: &[Prepared],
    folder: Option<&Path>,
) -> Result<Vec<Option<Outcome>>, Error> {
    let ops: Vec<Op<'_>> = prepared.iter().filter_map(operation).collect();
    let work = (mode == Mode::Perform).then(|| session.begin(Phase::Write, Some(ops.len() as u64), Some(large(&ops))));
    let mut answers = Answers { all: vec![None; ops.len()], given: 0, work: work.as_ref() };
    let (store, collection) = (session.doors.store, &session.settings.collection);
    let blobs = StoreBlobs { store, collection, folder, texts: &session.texts };
    let performed = match &work {
        Some(work) => session.adapter.apply(step, &ops, mode, &CountedBlobs { inner: blobs, work }, &mut answers),
        None => session.adapter.apply(step, &ops, mode, &blobs, &mut answers),
    };
    performed.map_err(|error| session.adapter_error(error))?;
    let all = answers.all;
    work.into_iter().for_each(|work| work.end(0));
    Ok(all)
}

/// Adds up the large values that operations write.
fn large(ops: &[Op<'_>]) -> u64 {
    let written = |op: &Op<'_>| match *op {
        Op::Put { record, changed, .. } => changed.iter().filter_map(|field| record.fields.get(field)).map(length).sum(),
        Op::Delete { .. } => 0,
    };
    ops.iter().map(written).sum()
}

fn length(value: &Value) -> u64 {
    match value {
        Value::Blob(blob) => blob.length,
        _ => 0,
    }
}

fn operation(prepared: &Prepared) -> Option<Op<'_>> {
    let expect = prepared.fingerprint.as_ref().map_or(Expect::Absent, Expect::Fingerprint);
    let id = prepared.wish.id;
    match &prepared.local {
        Some(record) => Some(Op::Put { id, key: prepared.key.as_ref(), expect, record, changed: &prepared.changed }),
        None => Some(Op::Delete { id, key: prepared.key.as_ref()?, expect }),
    }
}

/// Turns a rehearsal into what the step means to do. What is refused is held, what is stale waits for the next scan.
fn intents(session: &mut Session<'_>, prepared: Vec<Prepared>, rehearsed: Vec<Option<Outcome>>) -> (Vec<Prepared>, Vec<Intent>) {
    let answered: Vec<_> =
        prepared.iter().zip(&rehearsed).map(|(prepared, outcome)| answered(session, prepared, outcome.as_ref()?)).collect();
    let seen = parallel::each(answered, |answered| answered.map(Answered::seen));
    let mut kept = Vec::new();
    let mut intents = Vec::new();
    for ((mut prepared, outcome), seen) in prepared.into_iter().zip(rehearsed).zip(seen) {
        let becomes = match outcome {
            Some(Outcome::Put { record, .. }) => {
                prepared.rehearsed = Some(record);
                seen
            }
            Some(Outcome::Deleted { .. }) => None,
            other => {
                not_done(session, &prepared, other);
                continue;
            }
        };
        let losers = conflicts(session, &prepared.wish);
        intents.push(Intent { id: prepared.wish.id, becomes, losers });
        kept.push(prepared);
    }
    (kept, intents)
}

/// An item as the adapter answered that it stands, and what it was to stand for.
struct Answered {
    key: Key,
    fingerprint: Fingerprint,
    record: Record,
    known: Parts,
    target: Record,
}

impl Answered {
    /// Returns what will have been seen once the item stands so.
    fn seen(self) -> Seen {
        let (shown, parts) = align(Some(&self.target), &self.known, &self.record);
        // Nearly always it shows all that it stands for: that is kept once.
        let shown = if shown == self.target { self.target.clone() } else { shown };
        Seen { key: self.key, fingerprint: self.fingerprint, shown, meant: self.target, parts }
    }
}

/// Puts together how an item stands now, if the adapter answered that it was written.
fn answered(session: &Session<'_>, prepared: &Prepared, outcome: &Outcome) -> Option<Answered> {
    let Outcome::Put { key, fingerprint, record, .. } = outcome else { return None };
    let (before, _, _) = session.trees.sides(prepared.wish.id);
    let known = before.map(|seen| seen.parts.clone()).unwrap_or_default();
    let target = prepared.wish.target.clone().unwrap_or_else(|| record.clone());
    Some(Answered { key: key.clone(), fingerprint: fingerprint.clone(), record: record.clone(), known, target })
}

fn not_done(session: &mut Session<'_>, prepared: &Prepared, outcome: Option<Outcome>) {
    let id = prepared.wish.id;
    if session.texts.has(id) {
        // Told as it is, it would look as if this endpoint had not cared for the other side.
        session.untouchable.insert(id);
    }
    let Some(Outcome::Refused { reason }) = outcome else {
        session.report.unfinished = true;
        return;
    };
    let (seen, _, remote) = session.trees.sides(id);
    let titled = prepared.wish.target.as_ref().or(seen.map(|seen| &seen.meant)).or(remote.map(|state| &state.record));
    session.unwritten.push(Held {
        key: prepared.key.as_ref().map(|key| key.0.clone()),
        record: Some(id),
        title: titled.map(Record::title).unwrap_or_default(),
        place: format!("endpoint {}", session.endpoint),
        reason,
        unwritten: true,
        missing: false,
    });
}

/// Makes conflicts of the values that lose by a wish, but for those that are listed already.
fn conflicts(session: &Session<'_>, wish: &Wish) -> Vec<Conflict> {
    let listed = |loser: &delta::Loser| {
        let mut known = session.trees.conflicts().chain(&session.trees.meta.pending);
        known.any(|conflict| conflict.record == wish.id && conflict.field == loser.field && conflict.value == loser.value)
    };
    let unique = session.profile.unique.as_ref();
    let losers = wish.losers.iter().filter(|loser| Some(&loser.field) != unique && !listed(loser));
    losers.map(|loser| conflict(session, wish.id, loser)).collect()
}

/// Gives a losing value an id of its own.
pub(crate) fn conflict(session: &Session<'_>, record: RecordId, loser: &delta::Loser) -> Conflict {
    Conflict {
        id: ConflictId(session.doors.randomness.id()),
        record,
        field: loser.field.clone(),
        value: loser.value.clone(),
        against: loser.against,
        base: loser.base.clone(),
        origin: session.endpoint.to_owned(),
    }
}

fn conclude(session: &mut Session<'_>, prepared: &Prepared, intent: Intent, outcome: Option<Outcome>) -> Result<(), Error> {
    match outcome {
        Some(Outcome::Put { ref key, ref fingerprint, ref record, bytes }) => {
            tell(session, prepared, &intent);
            let Intent { id, becomes, losers } = intent;
            let becomes = match becomes {
                // What was rehearsed and what was done show the same, and need not be aligned twice.
                Some(seen) if prepared.rehearsed.as_ref() == Some(record) => {
                    Some(Seen { key: key.clone(), fingerprint: fingerprint.clone(), ..seen })
                }
                _ => outcome.as_ref().and_then(|outcome| answered(session, prepared, outcome)).map(Answered::seen),
            };
            session.report.bytes_written += bytes;
            advance(session, Intent { id, becomes, losers }, None, None)?;
        }
        Some(Outcome::Deleted { bytes }) => {
            tell(session, prepared, &intent);
            session.report.bytes_written += bytes;
            advance(session, Intent { becomes: None, ..intent }, None, None)?;
        }
        other => not_done(session, prepared, other),
    }
    Ok(())
}

/// Notes for people what happened to an item.
fn tell(session: &mut Session<'_>, prepared: &Prepared, intent: &Intent) {
    let id = prepared.wish.id;
    let (seen, _, _) = session.trees.sides(id);
    let title = prepared.wish.target.as_ref().or(seen.map(|seen| &seen.meant)).map(Record::title).unwrap_or_default();
    let mut deeds = Vec::new();
    match (seen, &prepared.wish.target) {
        (None, Some(target)) => deeds.push(Deed::Born(target.fields.len())),
        (Some(_), None) => deeds.push(Deed::Died),
        (Some(seen), Some(target)) => {
            // What this endpoint does not show changed for others, not for its person.
            let visible = |field: &Pointer| {
                intent.becomes.as_ref().is_some_and(|after| after.shown.fields.get(field) != seen.shown.fields.get(field))
            };
            for field in differing(&seen.meant, target).into_iter().filter(visible) {
                let (before, now) = (seen.meant.fields.get(&field).cloned(), target.fields.get(&field).cloned());
                let with = session.trees.sides(id).2.and_then(|remote| remote.record.fields.get(&field).cloned());
                let merged = session.texts.has(id) && matches!(now, Some(Value::Blob(_)));
                deeds.push(if merged { Deed::Merged { field, with, now } } else { Deed::Field { field, before, now } });
            }
        }
        (None, None) => {}
    }
    for conflict in &intent.losers {
        let stands = prepared.wish.target.as_ref().and_then(|target| target.fields.get(&conflict.field).cloned());
        deeds.push(Deed::Conflict { field: conflict.field.clone(), stands, kept: conflict.value.clone() });
    }
    if !deeds.is_empty() {
        session.pulled.insert(id);
    }
    let effects = deeds.into_iter().map(|deed| Effect { direction: Direction::Pull, record: id, title: title.clone(), deed });
    session.report.effects.extend(effects.collect::<Vec<_>>());
}
