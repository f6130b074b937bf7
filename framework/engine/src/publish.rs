//! The push: what the store does not have yet, as one frozen envelope, appended by compare-and-swap.

use std::collections::BTreeMap;
use std::io::{self, Write};

use adapter::Key;
use delta::{Loser, Push, Transaction};
use protocol::{Appended, BlobId, Cursor, DeviceId, Envelope, Error as StoreError, Header, Signature, TransactionId};
use record::{Conflict, ConflictId, Digest, Record, RecordId, Value};

use crate::apply::conflict;
use crate::context::{Session, Turn};
use crate::doors::{Doors, Point};
use crate::entry::{record_digests, take_known};
use crate::error::Error;
use crate::objects::Frozen;
use crate::progress::{Phase, Work};
use crate::report::{Deed, Direction, Effect, Held};
use crate::turn::{go_on, is_to_come};

/// How many changes one transaction carries at most.
pub(crate) const MAX_CHANGES: usize = 50_000;

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Nothing is left to tell.
    Everything,
    /// Others were first, or it is not this session's turn yet: from the scan again, under the lease.
    Stale,
}

/// Tells the store what it does not have.
pub(crate) async fn publish(session: &mut Session<'_>) -> Result<Published, Error> {
    loop {
        let Some(built) = build(session)? else {
            // Whatever was refused is not meant any more.
            session.trees.meta.out = None;
            return Ok(Published::Everything);
        };
        if is_to_come(session) {
            return Ok(Published::Stale);
        }
        match upload(session, &built.transaction)? {
            Uploaded::Everything => {}
            Uploaded::Changed => return Ok(Published::Stale),
            // What cannot be sent now is left out.
            Uploaded::Held => continue,
        }
        let envelope = freeze(session, &built)?;
        session.doors.at(Point::Frozen).await;
        let answer = session.doors.store.append_fenced(&session.settings.collection, &envelope, session.turn.fence());
        session.doors.at(Point::Sent).await;
        if matches!(answer, Err(StoreError::StaleFence { .. })) {
            session.turn = Turn::Open;
            return Ok(Published::Stale);
        }
        let answer = answer?;
        let Appended::Entry(entry) = answer else { return Ok(Published::Stale) };
        if session.trees.meta.cursor.is_none_or(|cursor| entry.sequence != cursor.sequence.next()) {
            return Ok(Published::Stale);
        }
        take_known(session, &entry, Some((&envelope, &built.transaction)))?;
        session.trees.meta.out = None;
        session.trees.note_down()?;
        session.report.bytes_written += envelope.encode().len() as u64;
        session.pushed.extend(built.transaction.changes.iter().map(|change| change.id));
        session.report.effects.extend(built.effects);
        session.report.unfinished |= built.lacking;
        session.doors.at(Point::Acknowledged).await;
        if !built.more {
            return Ok(Published::Everything);
        }
        go_on(session);
    }
}

struct Built {
    transaction: Transaction,
    effects: Vec<Effect>,
    more: bool,
    /// Whether items were told that lack what their records have: the next round writes it.
    lacking: bool,
}

fn build(session: &mut Session<'_>) -> Result<Option<Built>, Error> {
    let mut built = Built { transaction: Transaction::default(), effects: Vec::new(), more: false, lacking: false };
    let mut losers: Vec<(RecordId, Loser)> = Vec::new();
    for id in session.trees.attention() {
        session.trees.fetch(id)?;
        if session.untouchable.contains(&id) {
            continue;
        }
        if let Some(Push { change, losers: lost }) = session.with_sides(id, |sides| delta::merge::push(id, sides)) {
            if built.transaction.changes.len() == MAX_CHANGES {
                built.more = true;
                break;
            }
            built.lacking |= session.with_sides(id, |sides| sides.is_copy_of_dead());
            built.effects.extend(effects(session, id, &change));
            losers.extend(lost.into_iter().map(|loser| (id, loser)));
            built.transaction.changes.push(change);
        }
    }
    built.transaction.conflicts = session.trees.meta.pending.clone();
    for (id, loser) in losers {
        if session.profile.unique.as_ref() != Some(&loser.field) && !is_listed(session, &built.transaction.conflicts, id, &loser) {
            let kept = loser.value.clone();
            let stands = session.trees.sides(id).0.and_then(|seen| seen.meant.fields.get(&loser.field).cloned());
            let deed = Deed::Conflict { field: loser.field.clone(), stands, kept };
            built.effects.push(Effect { direction: Direction::Push, record: id, title: title(session, id), deed });
            built.transaction.conflicts.push(conflict(session, id, &loser));
        }
    }
    built.transaction.settled = moot(session, &built.transaction);
    Ok((!built.transaction.is_empty()).then_some(built))
}

fn is_listed(session: &Session<'_>, more: &[Conflict], id: RecordId, loser: &Loser) -> bool {
    let same = |conflict: &Conflict| conflict.record == id && conflict.field == loser.field && conflict.value == loser.value;
    session.trees.conflicts().chain(more).any(same)
}

/// Returns the open conflicts whose kept value stands once this transaction is in the log: nothing is left to settle.
fn moot(session: &Session<'_>, transaction: &Transaction) -> Vec<ConflictId> {
    let stands = |conflict: &&Conflict| {
        let set = transaction.changes.iter().filter(|change| change.id == conflict.record);
        set.into_iter().any(|change| change.set.get(&conflict.field) == Some(&conflict.value))
    };
    session.trees.conflicts().filter(stands).map(|conflict| conflict.id).collect()
}

fn title(session: &Session<'_>, id: RecordId) -> String {
    let (seen, _, remote) = session.trees.sides(id);
    seen.map(|seen| &seen.meant).or(remote.map(|state| &state.record)).map(Record::title).unwrap_or_default()
}

/// Notes for people what is pushed.
fn effects(session: &Session<'_>, id: RecordId, change: &record::Change) -> Vec<Effect> {
    let (_, _, remote) = session.trees.sides(id);
    let before = |field: &record::Pointer| remote.and_then(|state| state.record.fields.get(field).cloned());
    let deeds: Vec<Deed> = match change.life {
        Some(record::Life::Born) => vec![Deed::Born(change.set.len())],
        Some(_) => vec![Deed::Died],
        None => {
            let set = change.set.iter().map(|(field, value)| (field, Some(value.clone())));
            let unset = change.unset.iter().map(|field| (field, None));
            set.chain(unset).map(|(field, now)| Deed::Field { field: field.clone(), before: before(field), now }).collect()
        }
    };
    let title = title(session, id);
    deeds.into_iter().map(|deed| Effect { direction: Direction::Push, record: id, title: title.clone(), deed }).collect()
}

/// What became of the blobs of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uploaded {
    Everything,
    /// An item is not what the scan saw: it is to be looked at again.
    Changed,
    /// Items whose content cannot be read now are held.
    Held,
}

/// Sends the blobs that the transaction refers to and the store lacks, before it is sent itself.
fn upload(session: &mut Session<'_>, transaction: &Transaction) -> Result<Uploaded, Error> {
    let collection = &session.settings.collection;
    let mut blobs: Vec<(BlobId, u64, RecordId)> = Vec::new();
    for change in &transaction.changes {
        for value in change.set.values() {
            if let Value::Blob(blob) = value {
                blobs.push((BlobId(blob.digest.0), blob.length, change.id));
            }
        }
    }
    if blobs.is_empty() {
        return Ok(Uploaded::Everything);
    }
    let ids: Vec<BlobId> = blobs.iter().map(|(blob, _, _)| *blob).collect();
    let mut missing = session.doors.store.missing(collection, &ids)?;
    let mut uploaded = Uploaded::Everything;
    while !missing.is_empty() {
        let mut sources: BTreeMap<BlobId, Sent> = BTreeMap::new();
        for blob in missing {
            let Some((_, length, record)) = blobs.iter().find(|(other, _, _)| *other == blob) else { continue };
            let Some(key) = session.trees.seen(*record)?.map(|seen| seen.key.clone()) else { continue };
            sources.insert(blob, Sent { record: *record, key, length: *length });
        }
        let Some((blob, error)) = send(session, &sources)? else { break };
        let Some(Sent { record, key, .. }) = sources.remove(&blob) else { break };
        if matches!(error, adapter::Error::Changed { .. }) && session.restless.insert(key.clone()) {
            return Ok(Uploaded::Changed);
        }
        hold(session, record, key, &error);
        uploaded = Uploaded::Held;
        let left: Vec<BlobId> = sources.into_keys().collect();
        missing = session.doors.store.missing(collection, &left)?;
    }
    Ok(uploaded)
}

/// Where a blob is sent from.
struct Sent {
    record: RecordId,
    key: Key,
    length: u64,
}

fn hold(session: &mut Session<'_>, record: RecordId, key: Key, error: &adapter::Error) {
    let (title, place) = (title(session, record), format!("endpoint {}", session.endpoint));
    let reason = error.to_string();
    session.unread.push(Held { key: Some(key.0), record: Some(record), title, place, reason, unwritten: false, missing: false });
    session.untouchable.insert(record);
}

/// Streams blobs from the application to the store; returns the one whose item cannot be read now, and why.
fn send(session: &mut Session<'_>, sources: &BTreeMap<BlobId, Sent>) -> Result<Option<(BlobId, adapter::Error)>, Error> {
    if sources.is_empty() {
        return Ok(None);
    }
    let sending = session.begin(Phase::Send, Some(sources.len() as u64), Some(sources.values().map(|sent| sent.length).sum()));
    let (mut refused, adapter, made) = (None, &mut *session.adapter, &session.texts);
    let missing: Vec<BlobId> = sources.keys().copied().collect();
    let sent = session.doors.store.put_blobs(&session.settings.collection, &missing, &mut |blob, to| {
        let Some(Sent { key, .. }) = sources.get(&blob) else { return Err(io::ErrorKind::NotFound.into()) };
        let mut to = Listening { to, failed: false, work: &sending };
        if let Some(made) = made.content(Digest(blob.0)) {
            return to.write_all(made);
        }
        adapter.blob(key, Digest(blob.0), &mut to).map_err(|error| {
            let text = error.to_string();
            // What the store refused, the store says itself.
            refused = (!to.failed).then_some((blob, error));
            io::Error::other(text)
        })?;
        sending.item();
        Ok(())
    });
    match refused {
        Some((blob, error @ (adapter::Error::Changed { .. } | adapter::Error::Io { .. }))) => Ok(Some((blob, error))),
        Some((_, error)) => Err(session.adapter_error(error)),
        None => {
            session.report.bytes_written += sent?.bytes;
            sending.end(0);
            Ok(None)
        }
    }
}

/// A writer that knows whether it was the one that failed, and whose bytes count.
struct Listening<'a> {
    to: &'a mut dyn Write,
    failed: bool,
    work: &'a Work<'a>,
}

impl Write for Listening<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes).inspect_err(|_| self.failed = true)?;
        self.work.bytes(length as u64);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().inspect_err(|_| self.failed = true)
    }
}

/// Makes the envelope and keeps it before it is sent: whatever becomes of it, it will be recognised.
fn freeze(session: &mut Session<'_>, built: &Built) -> Result<Envelope, Error> {
    let Some(base) = session.trees.meta.cursor else {
        return Err(Error::Store(StoreError::Integrity("nothing was pulled before the push".into())));
    };
    if let Some(out) = session.trees.meta.out.clone().filter(|out| out.base == base && out.payload == built.transaction.pack()) {
        // It was refused, and may be approved by now: the very same one is asked for.
        return Ok(out);
    }
    let envelope = seal(session.doors, &session.settings.collection, base, &built.transaction);
    let conflicts = built.transaction.conflicts.iter().map(|conflict| conflict.id).collect();
    // The values that lose by this very push are not kept as pending: if it is refused, they have not lost.
    let meta = &mut session.trees.meta;
    meta.frozen.push(Frozen { transaction: envelope.transaction, base, conflicts, envelope: Some(envelope.clone()) });
    meta.out = Some(envelope.clone());
    session.trees.commit()?;
    Ok(envelope)
}

/// Packs and signs a transaction under a new id.
pub(crate) fn seal(doors: &Doors<'_>, collection: &protocol::Collection, base: Cursor, transaction: &Transaction) -> Envelope {
    let header = Header {
        operations: transaction.operations(),
        deletions: transaction.deletions(),
        records: record_digests(collection, transaction),
    };
    let device: DeviceId = doors.keys.device();
    let transaction_id = TransactionId(doors.randomness.id());
    let payload = transaction.pack();
    let signature = Signature([0; 64]);
    let mut envelope = Envelope { transaction: transaction_id, device, base, header, payload, signature };
    envelope.signature = doors.keys.sign(&envelope.signed(collection));
    envelope
}
