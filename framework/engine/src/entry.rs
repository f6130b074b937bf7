//! One entry of the log: verified, and folded into the remote tree.

use delta::Transaction;
use protocol::{Collection, Entry, Envelope, RecordDigest};
use record::{Change, ConflictId, Digest, RecordId};

use crate::context::Session;
use crate::error::Error;
use crate::objects::Retained;
use crate::trees::agree;

/// Takes one entry in: checks that it follows the cursor and is what it says, then folds it.
pub(crate) fn take(session: &mut Session<'_>, entry: &Entry) -> Result<(), Error> {
    take_known(session, entry, None)
}

/// Takes one entry in of which this session made the very envelope, so that its transaction is known.
pub(crate) fn take_known(session: &mut Session<'_>, entry: &Entry, made: Option<(&Envelope, &Transaction)>) -> Result<(), Error> {
    let made = made.filter(|(envelope, _)| **envelope == entry.envelope).map(|(_, transaction)| transaction);
    let frozen = session.trees.meta.frozen.iter().find(|frozen| frozen.transaction == entry.envelope.transaction).cloned();
    let folded = fold(session, entry, made)?;
    if let Some(frozen) = frozen {
        for (id, change) in &folded.changes {
            session.trees.fold_agreed(*id, change, entry.sequence.0)?;
        }
        session.trees.meta.frozen.retain(|other| other.transaction != frozen.transaction);
        session.trees.meta.pending.retain(|conflict| !frozen.conflicts.contains(&conflict.id));
    }
    let touched: Vec<RecordId> = folded.changes.iter().map(|(id, _)| *id).collect();
    agree(&mut session.trees, &touched)
}

/// What an entry said, once it is in the remote tree.
pub(crate) struct Folded {
    /// Its changes, with the records that they mean now.
    pub(crate) changes: Vec<(RecordId, Change)>,
    /// The conflicts that it opened.
    pub(crate) opened: Vec<ConflictId>,
}

/// Checks that an entry follows the cursor and is what it says, and folds it into the remote tree.
///
/// `made` is what its payload says, where that is known from having made it.
pub(crate) fn fold(session: &mut Session<'_>, entry: &Entry, made: Option<&Transaction>) -> Result<Folded, Error> {
    let transaction = verify(session, entry, made)?;
    let mut folded = Folded { changes: Vec::new(), opened: Vec::new() };
    for change in transaction.changes {
        let id = session.trees.fold(&change, entry.sequence.0)?;
        folded.changes.push((id, change));
    }
    for conflict in transaction.conflicts {
        let record = session.trees.resolve(conflict.record)?;
        folded.opened.push(conflict.id);
        session.trees.open_conflict(record::Conflict { record, ..conflict });
    }
    transaction.settled.into_iter().for_each(|id| session.trees.close_conflict(id));
    session.trees.retain(Retained::of(entry));
    if let Some(cursor) = session.trees.meta.cursor {
        session.trees.meta.cursor = Some(entry.cursor(cursor.log));
    }
    Ok(folded)
}

fn verify(session: &Session<'_>, entry: &Entry, made: Option<&Transaction>) -> Result<Transaction, Error> {
    let collection = &session.settings.collection;
    let wrong = |reason: String| Error::Entry { sequence: entry.sequence.0, collection: collection.to_string(), reason };
    let Some(cursor) = session.trees.meta.cursor else { return Err(wrong("there is no cursor to follow".into())) };
    if entry.sequence != cursor.sequence.next() || entry.previous != cursor.hash {
        return Err(wrong(format!("it does not follow {}", cursor.sequence)));
    }
    let envelope = &entry.envelope;
    if Entry::chain(cursor.log, entry.sequence, entry.previous, envelope) != entry.hash {
        return Err(wrong("its hash does not fit its content".into()));
    }
    if !session.doors.keys.verify(collection, &envelope.device, &envelope.signed(collection), &envelope.signature) {
        return Err(wrong(format!("device {} did not sign it, or may not write", envelope.device)));
    }
    let unpacked = || Transaction::unpack(&envelope.payload).map_err(|error| wrong(error.to_string()));
    let transaction = made.cloned().map_or_else(unpacked, Ok)?;
    let header = &envelope.header;
    let records = record_digests(collection, &transaction);
    if header.operations != transaction.operations() || header.deletions != transaction.deletions() || header.records != records {
        return Err(wrong("its clear header does not tell the truth about its payload".into()));
    }
    Ok(transaction)
}

/// Returns the digests under which a store may count the records that a transaction touches.
pub(crate) fn record_digests(collection: &Collection, transaction: &Transaction) -> Vec<RecordDigest> {
    let of = |id: &RecordId| RecordDigest(Digest::of_parts(&[b"syncretic.record/1", collection.as_str().as_bytes(), &id.0]).head());
    let mut digests: Vec<RecordDigest> = transaction.records().iter().map(of).collect();
    digests.sort();
    digests.dedup();
    digests
}
