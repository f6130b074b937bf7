//! State that the simulated world and the engine's doors look at in turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that several parties hold; one of them looks at a time.
#[derive(Debug, Default)]
pub(super) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    /// Shares a value.
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Looks at it. A run has one thread, so nobody waits; whoever panicked meanwhile has lost the run anyway.
    pub(super) fn look(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
