//! The files that a rehearsal made up, so that the performance need not make them up again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use adapter::{Expect, Op, StepId};
use record::RecordId;

use crate::plan::{Plan, Writing};

/// The most bytes of files that are kept between rehearsal and performance.
const MOST: usize = 64 << 20;

/// What the rehearsal of one step would have written. Nothing by default.
#[derive(Default)]
pub(crate) struct Rehearsed {
    step: Option<StepId>,
    /// By record: what the operation was, and what it comes to.
    writings: HashMap<RecordId, (u64, Writing)>,
}

impl Rehearsed {
    /// Keeps what a step's operations come to; nothing if that is too much.
    pub(crate) fn of(step: StepId, ops: &[Op<'_>], plans: &[Plan]) -> Self {
        let bytes: usize = plans.iter().map(|plan| if let Plan::Write(writing) = plan { writing.written.bytes.len() } else { 0 }).sum();
        if bytes > MOST {
            return Self::default();
        }
        let writing = |(op, plan): (&Op<'_>, &Plan)| match plan {
            Plan::Write(writing) => told(op).map(|(id, told)| (id, (told, (**writing).clone()))),
            Plan::Answer(_) | Plan::Remove { .. } => None,
        };
        Self { step: Some(step), writings: ops.iter().zip(plans).filter_map(writing).collect() }
    }

    /// Returns what an operation came to when the same one was rehearsed in the same step.
    ///
    /// Whether the files are still what they were then is found out at their exchange, as it is for any plan.
    pub(crate) fn plan(&self, step: StepId, op: &Op<'_>) -> Option<Plan> {
        if self.step != Some(step) {
            return None;
        }
        let (id, told) = told(op)?;
        let (_, writing) = self.writings.get(&id).filter(|(before, _)| *before == told)?;
        Some(Plan::Write(Box::new(writing.clone())))
    }
}

/// Returns the record of an operation that puts an item, and a hash of all that it says.
fn told(op: &Op<'_>) -> Option<(RecordId, u64)> {
    let Op::Put { id, key, expect, record, .. } = *op else { return None };
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    match expect {
        Expect::Absent => None,
        Expect::Fingerprint(fingerprint) => Some(fingerprint),
    }
    .hash(&mut hasher);
    record.kind.hash(&mut hasher);
    record.fields.hash(&mut hasher);
    Some((id, hasher.finish()))
}
