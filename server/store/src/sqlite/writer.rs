//! The one thread that appends: whatever waits is committed together, each request with its own verdict.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use protocol::{Collection, Cursor, Entry, Error, LogId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{failure, log, schema};

/// The most requests of one transaction.
const BATCH: usize = 256;
/// The most requests that wait; more make their callers wait.
const QUEUE: usize = 1024;

/// An entry as it is to be stored.
pub(super) struct Row {
    collection: Collection,
    base: Cursor,
    sequence: i64,
    hash: [u8; 32],
    transaction: [u8; 16],
    digest: [u8; 32],
    envelope: Option<Vec<u8>>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the log.
    Kept,
    /// The head is not its base, or its transaction is there already.
    Refused,
}

struct Request {
    row: Row,
    answer: SyncSender<Result<Verdict, Error>>,
}

/// The thread's door. Dropping it waits until everything that was asked is answered.
pub(super) struct Writer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Row {
    /// Returns the row of an entry; `envelope` is absent if a file has it.
    pub(super) fn new(collection: &Collection, base: Cursor, entry: &Entry, digest: [u8; 32], envelope: Option<Vec<u8>>) -> Option<Self> {
        let sequence = i64::try_from(entry.sequence.0).ok()?;
        let (collection, transaction) = (collection.clone(), entry.envelope.transaction.0);
        Some(Self { collection, base, sequence, hash: entry.hash.0, transaction, digest, envelope })
    }
}

impl Writer {
    pub(super) fn start(path: &Path) -> Result<Self, Error> {
        let connection = schema::writer(path)?;
        let (requests, waiting) = sync_channel(QUEUE);
        let path = path.to_owned();
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Batches { path, connection }.run(&waiting))
            .map_err(|error| Error::Failed(format!("cannot start the thread that writes the store: {error}")))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Stores a row, durably, if its base is the head.
    pub(super) fn append(&self, row: Row) -> Result<Verdict, Error> {
        let gone = || Error::Unavailable("the thread that writes the store has ended".into());
        let (answer, verdict) = sync_channel(1);
        self.requests.as_ref().ok_or_else(gone)?.send(Request { row, answer }).map_err(|_| gone())?;
        verdict.recv().map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has answered its callers with Unavailable already.
            let _ = thread.join();
        }
    }
}

struct Batches {
    path: PathBuf,
    connection: Connection,
}

impl Batches {
    fn run(mut self, waiting: &Receiver<Request>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = vec![first];
            batch.extend(waiting.try_iter().take(BATCH - 1));
            self.answer(&batch);
        }
    }

    fn answer(&mut self, batch: &[Request]) {
        match self.commit(batch) {
            Ok(verdicts) => {
                for (request, verdict) in batch.iter().zip(verdicts) {
                    reply(request, Ok(verdict));
                }
            }
            // One row that cannot be stored, say in a damaged page, must not fail its neighbours.
            Err(error) if batch.len() > 1 && error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                batch.chunks(1).for_each(|single| self.answer(single));
            }
            Err(error) => batch.iter().for_each(|request| reply(request, Err(failure::database(&self.path, &error)))),
        }
    }

    /// The transaction holds the write lock from its beginning, so no other process moves a head between look and insert.
    fn commit(&mut self, batch: &[Request]) -> rusqlite::Result<Vec<Verdict>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let verdicts = batch.iter().map(|request| insert(&transaction, &request.row)).collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        Ok(verdicts)
    }
}

fn insert(transaction: &Transaction<'_>, row: &Row) -> rusqlite::Result<Verdict> {
    let mut find = transaction.prepare_cached("SELECT id, log FROM log WHERE collection = ?1")?;
    let found = find.query_row([row.collection.as_str()], |row| Ok((row.get::<_, i64>(0)?, LogId(row.get(1)?)))).optional()?;
    let Some((id, log)) = found else { return Ok(Verdict::Refused) };
    if log::head(transaction, id, log)? != row.base {
        return Ok(Verdict::Refused);
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO entry (log, sequence, hash, transaction_id, digest, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (log, transaction_id) DO NOTHING",
    )?;
    let inserted = insert.execute(params![id, row.sequence, row.hash, row.transaction, row.digest, row.envelope])?;
    Ok(if inserted == 1 { Verdict::Kept } else { Verdict::Refused })
}

/// A caller that is gone needs no answer: it asks again with the same transaction id.
fn reply(request: &Request, verdict: Result<Verdict, Error>) {
    let _ = request.answer.send(verdict);
}
