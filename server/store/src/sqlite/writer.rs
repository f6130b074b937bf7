//! The one thread that writes: whatever waits is committed together, each piece of work with its own answer.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::Error;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::{failure, schema};

/// The most pieces of work of one transaction.
const BATCH: usize = 256;
/// The most that wait; more make their callers wait, or are refused.
const QUEUE: usize = 1024;

/// What a piece of work came to within its transaction: the outer error is the database's, the inner one a refusal.
pub(super) type Outcome<T> = rusqlite::Result<Result<T, Error>>;

/// A piece of work. It may run more than once, each time in a transaction where nothing of it is done yet; a refusal has written nothing.
trait Job: Send {
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    /// Tells the caller, after the commit or after its failure.
    fn finish(self: Box<Self>, failure: Option<Error>);
}

struct Work<T, W, D> {
    work: W,
    outcome: Option<Result<T, Error>>,
    done: D,
}

impl<T, W, D> Job for Work<T, W, D>
where
    T: Send,
    W: FnMut(&Transaction<'_>) -> Outcome<T> + Send,
    D: FnOnce(Result<T, Error>) + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.outcome = Some((self.work)(transaction)?);
        Ok(())
    }

    fn finish(self: Box<Self>, failure: Option<Error>) {
        let Self { outcome, done, .. } = *self;
        let undone = || Err(Error::Failed("the work was not done".into()));
        done(failure.map_or_else(|| outcome.unwrap_or_else(undone), Err));
    }
}

/// The thread's door. Dropping it waits until everything that was asked is answered.
pub(super) struct Writer {
    jobs: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(path: &Path) -> Result<Self, Error> {
        let connection = schema::writer(path)?;
        let (jobs, waiting) = sync_channel(QUEUE);
        let path = path.to_owned();
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Batches { path, connection }.run(&waiting))
            .map_err(|error| Error::Failed(format!("cannot start the thread that writes the store: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does a piece of work and waits until it is durable.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnMut(&Transaction<'_>) -> Outcome<T> + Send + 'static) -> Result<T, Error> {
        let (answer, outcome) = sync_channel(1);
        // A caller that is gone needs no answer: it asks again.
        let done = move |result| drop(answer.send(result));
        self.jobs.as_ref().ok_or_else(gone)?.send(Box::new(Work { work, outcome: None, done })).map_err(|_| gone())?;
        outcome.recv().map_err(|_| gone())?
    }

    /// Has a piece of work done, and `done` called on the writing thread once it is durable; never waits.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&Transaction<'_>) -> Outcome<T> + Send + 'static,
        done: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        let job = Box::new(Work { work, outcome: None, done });
        let Some(jobs) = &self.jobs else { return job.finish(Some(gone())) };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => job.finish(Some(Error::TooMany { retry_after: Duration::from_secs(1) })),
            Err(TrySendError::Disconnected(job)) => job.finish(Some(gone())),
        }
    }
}

fn gone() -> Error {
    Error::Unavailable("the thread that writes the store has ended".into())
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
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
    fn run(mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = vec![first];
            batch.extend(waiting.try_iter().take(BATCH - 1));
            self.answer(batch);
        }
    }

    fn answer(&mut self, mut batch: Vec<Box<dyn Job>>) {
        match self.commit(&mut batch) {
            Ok(()) => batch.into_iter().for_each(|job| job.finish(None)),
            // One row that cannot be stored, say in a damaged page, must not fail its neighbours.
            Err(error) if batch.len() > 1 && error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                batch.into_iter().for_each(|single| self.answer(vec![single]));
            }
            Err(error) => batch.into_iter().for_each(|job| job.finish(Some(failure::database(&self.path, &error)))),
        }
    }

    /// The transaction holds the write lock from its beginning, so no other process moves a head between look and insert.
    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        batch.iter_mut().try_for_each(|job| job.run(&transaction))?;
        transaction.commit()
    }
}
