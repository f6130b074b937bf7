//! The adapter that is not there: what decisions and lent endpoints have.

use std::io::Write;

use adapter::{Adapter, Atomicity, Blobs, Fate, Key, Keys, Known, Mode, Op, Outcomes, Profile, Scan, Sink, StepId, View};
use record::Digest;

/// What stands in for an adapter that was lent to a plan.
pub(crate) struct Absent(Profile);

impl Default for Absent {
    fn default() -> Self {
        let (view, volatile) = (View::default(), View::default());
        Self(Profile { kinds: Vec::new(), keys: Keys::Stable, atomicity: Atomicity::None, view, volatile, unique: None })
    }
}

impl Adapter for Absent {
    fn profile(&self) -> &Profile {
        &self.0
    }

    fn scan(&mut self, _: &dyn Known, _: &mut dyn Sink) -> Result<Scan, adapter::Error> {
        Err(lent())
    }

    fn apply(&mut self, _: StepId, _: &[Op<'_>], _: Mode, _: &dyn Blobs, _: &mut dyn Outcomes) -> Result<(), adapter::Error> {
        Err(lent())
    }

    fn recover(&mut self, _: StepId) -> Result<Vec<Fate>, adapter::Error> {
        Err(lent())
    }

    fn settle(&mut self, _: StepId) -> Result<(), adapter::Error> {
        Err(lent())
    }

    fn blob(&mut self, _: &Key, _: Digest, _: &mut dyn Write) -> Result<(), adapter::Error> {
        Err(lent())
    }
}

fn lent() -> adapter::Error {
    adapter::Error::Fatal("this endpoint was used up by a plan; open it again".into())
}
