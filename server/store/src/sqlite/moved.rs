//! Who waits for a head to move, and how they are told: after the commit, never within it.

use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use protocol::{Collection, Error, Head};

/// How long one process takes at most to see what another one appended.
const GLANCE: Duration = Duration::from_millis(100);

type Listener = Box<dyn Fn(&Collection, &Head) + Send + Sync>;

/// The bell that rings after each append of this process.
#[derive(Default)]
pub(super) struct Moved {
    rung: Mutex<u64>,
    bell: Condvar,
    listener: OnceLock<Listener>,
}

impl Moved {
    /// Sets who is told of each head; the first one set stays.
    pub(super) fn listen(&self, listener: Listener) {
        let _ = self.listener.set(listener);
    }

    pub(super) fn ring(&self, collection: &Collection, head: &Head) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.bell.notify_all();
        if let Some(listener) = self.listener.get() {
            listener(collection, head);
        }
    }

    /// Asks for the head until it is another one than `known`, or `patience` is over.
    pub(super) fn wait(&self, known: &Head, patience: Duration, head: impl Fn() -> Result<Head, Error>) -> Result<Head, Error> {
        let begin = Instant::now();
        loop {
            let rung = *self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let found = head()?;
            let left = patience.saturating_sub(begin.elapsed());
            if found != *known || left.is_zero() {
                return Ok(found);
            }
            let guard = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let quiet = |now: &mut u64| *now == rung;
            drop(self.bell.wait_timeout_while(guard, left.min(GLANCE), quiet).unwrap_or_else(PoisonError::into_inner));
        }
    }
}
