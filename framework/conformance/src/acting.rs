//! A host that does something when it is asked: in the middle of an adapter's work, whatever that is.

use std::sync::{Arc, Mutex, PoisonError};

use adapter::Host;

/// What a crash is thrown as, so that no message is printed for it.
pub(crate) struct Crash;

/// What happens at a question.
type Act = Box<dyn FnMut() + Send>;

/// Acts at one of the questions that an adapter asks its host, counted from when it is told to.
#[derive(Clone)]
pub(crate) struct Acting(Arc<Mutex<State>>);

struct State {
    /// How many questions to go; none before it is armed, and after it acted.
    left: Option<usize>,
    act: Act,
}

impl Acting {
    /// Makes a host that will do this once.
    pub(crate) fn new(act: impl FnMut() + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State { left: None, act: Box::new(act) })))
    }

    /// Lets it act at the question after this many others.
    pub(crate) fn after(&self, questions: usize) {
        if let Ok(mut state) = self.0.lock() {
            state.left = Some(questions);
        }
    }

    /// Lets it act no more.
    pub(crate) fn disarm(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).left = None;
    }

    /// Tells whether it acted.
    pub(crate) fn acted(&self) -> bool {
        // Whoever panicked as its act has poisoned it.
        self.0.lock().map_or(true, |state| state.left.is_none())
    }

    fn asked(&self) {
        let Ok(mut state) = self.0.lock() else { return };
        match state.left {
            Some(0) => {
                state.left = None;
                (state.act)();
            }
            Some(left) => state.left = Some(left - 1),
            None => {}
        }
    }
}

impl Host for Acting {
    fn log(&self, _message: &str) {}

    fn progress(&self, _done: u64, _of: Option<u64>) {
        self.asked();
    }

    fn cancelled(&self) -> bool {
        self.asked();
        false
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}
