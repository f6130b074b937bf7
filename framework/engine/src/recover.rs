//! Recovery: what became of the step of writing that an earlier run began.

use std::collections::BTreeSet;

use adapter::{Fate, Fingerprint, Key};
use delta::State;
use record::RecordId;

use crate::context::Session;
use crate::doors::Point;
use crate::error::Error;
use crate::found::{Found, Knowledge};
use crate::guard::Deletions;
use crate::lines::woven_here;
use crate::objects::{Intent, Seen, Step};
use crate::report::Direction;
use crate::trees::agree;

/// Finds out what an earlier run did to the application, before anything is pulled.
pub(crate) async fn recover(session: &mut Session<'_>) -> Result<(), Error> {
    let Some(step) = session.trees.objects().step()? else { return Ok(()) };
    let id = step.id;
    if !step.intents.is_empty() {
        let fates = session.adapter.recover(id).map_err(|error| session.adapter_error(error))?;
        if fates.is_empty() && elsewhere(session, &step.intents)? {
            session.trees.put_step(None);
            return session.trees.commit();
        }
        made(session);
        let mut fates = fates.into_iter();
        for intent in step.intents {
            if let Some(Fate::Done { key, fingerprint }) = fates.next() {
                advance(session, intent, key, fingerprint)?;
            } else {
                session.trees.attend(intent.id);
            }
        }
        let attention = session.trees.attention();
        agree(&mut session.trees, &attention)?;
        session.trees.put_step(Some(Step { id, intents: Vec::new() }));
        session.trees.commit()?;
    }
    session.doors.at(Point::Recovered).await;
    settle(session, id).await
}

/// Tells whether the place is another one than the step was begun in, where nobody can know what became of it.
///
/// An empty one is most likely a disk that is not there: it stops here, and the step waits for it. Any other is a new join.
fn elsewhere(session: &mut Session<'_>, intents: &[Intent]) -> Result<bool, Error> {
    let Some(root) = session.trees.meta.root.clone() else { return Ok(false) };
    let knowledge = Knowledge::of(session.trees.objects().items()?);
    let mut found = Found::default();
    let scan = session.adapter.scan(&knowledge, &mut found).map_err(|error| session.adapter_error(error))?;
    if scan.root == root {
        return Ok(false);
    }
    if found.is_empty() {
        let records: BTreeSet<RecordId> = knowledge.records().chain(intents.iter().map(|intent| intent.id)).collect();
        let of = records.len();
        let deletions = Deletions { endpoint: session.endpoint, direction: Direction::Push, records, of, replaced: true, turned: false };
        let trees = &mut session.trees;
        session.settings.guard.check(deletions, &session.settings.confirmed, |id| {
            Ok(trees.seen(id)?.map_or_else(|| "(unknown)".to_owned(), |seen| seen.meant.title()))
        })?;
    }
    Ok(true)
}

/// Takes note of the identity of a place that the step made; before it had none that could be another one now.
pub(crate) fn made(session: &mut Session<'_>) {
    let was_to_be_made = session.trees.meta.root.as_ref().is_some_and(Vec::is_empty);
    if let Some(root) = session.adapter.made().filter(|_| was_to_be_made) {
        session.trees.meta.root = Some(root);
    }
}

/// Tells the adapter that the step is durable, and forgets it.
///
/// An adapter that finds bytes which nobody had seen among what the step displaced keeps them and says so once.
pub(crate) async fn settle(session: &mut Session<'_>, step: adapter::StepId) -> Result<(), Error> {
    if let Err(finding) = session.adapter.settle(step) {
        session.adapter.settle(step).map_err(|error| session.adapter_error(error))?;
        session.found(&finding);
    }
    session.doors.at(Point::Settled).await;
    session.trees.put_step(None);
    session.trees.note_down()
}

/// Takes note that an intent's exchange happened: what was seen follows, and its losers count.
pub(crate) fn advance(session: &mut Session<'_>, intent: Intent, key: Option<Key>, fingerprint: Option<Fingerprint>) -> Result<(), Error> {
    let becomes = intent.becomes.map(|seen| Seen {
        key: key.unwrap_or_else(|| seen.key.clone()),
        fingerprint: fingerprint.unwrap_or_else(|| seen.fingerprint.clone()),
        ..seen
    });
    session.trees.meta.note = None;
    renamed_on_arrival(session, intent.id, becomes.as_ref())?;
    woven_here(session, intent.id, becomes.as_ref())?;
    session.trees.put_seen(intent.id, becomes);
    session.trees.meta.pending.extend(intent.losers);
    Ok(())
}

/// A new item that got another unique name than its record, because that one was taken: the rename is this endpoint's
/// doing. If the name that the collection has were not agreed, the item's deletion would look like one that missed it.
fn renamed_on_arrival(session: &mut Session<'_>, id: RecordId, becomes: Option<&Seen>) -> Result<(), Error> {
    let Some((unique, becomes)) = session.profile.unique.clone().zip(becomes) else { return Ok(()) };
    session.trees.fetch(id)?;
    let (None, agreed, Some(remote)) = session.trees.sides(id) else { return Ok(()) };
    let stands = remote.record.fields.get(&unique).filter(|_| remote.alive).cloned();
    if stands.is_none() || becomes.meant.fields.get(&unique) == stands.as_ref() {
        return Ok(());
    }
    let born = || State { alive: true, at: remote.at, ..State::unborn(remote.record.kind.clone()) };
    let mut agreed = agreed.filter(|agreed| agreed.alive).cloned().unwrap_or_else(born);
    let since = remote.since.get(&unique).copied().unwrap_or(remote.at);
    agreed.put(&unique, stands.as_ref(), since);
    session.trees.put_agreed(id, Some(agreed));
    Ok(())
}
