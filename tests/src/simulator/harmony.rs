//! Harmony: at rest, merging and pushing every single record finds nothing to do.

use std::collections::BTreeSet;

use delta::merge::{merge, push};
use delta::{Sides, Target};
use engine::objects::Objects;
use engine::objects::memory::Memory;
use record::{Pointer, RecordId};

use super::world::{Violation, World};

impl World {
    /// The engine looks only at records that need attention; this looks at all.
    pub(super) fn out_of_harmony(&self) -> Option<Violation> {
        (0..self.endpoints.len()).filter(|at| !self.hindered(*at)).find_map(|at| self.restless_record(at))
    }

    fn restless_record(&self, at: usize) -> Option<Violation> {
        let endpoint = self.endpoints.get(at)?;
        let memory = &endpoint.keeper.memory;
        let profile = endpoint.application.look().shape.profile();
        let policy = self.settings(at).policy;
        let holds = |pointer: &Pointer| profile.view.holds(pointer);
        let volatile = |pointer: &Pointer| profile.volatile.holds(pointer);
        for id in every_id(memory, self.ledger.records.keys()) {
            let id = self.ledger.resolve(id);
            let seen = memory.seen(id).ok().flatten();
            let (agreed, remote) = (memory.agreed(id).ok().flatten(), memory.remote(id).ok().flatten());
            let meant = seen.as_ref().map(|seen| &seen.meant);
            let sides = Sides { meant, agreed: agreed.as_ref(), remote: remote.as_ref(), holds: &holds, volatile: &volatile };
            let todo = match merge(&sides, policy).target {
                Target::Nothing => false,
                Target::Put(record) => meant != Some(&record),
                Target::Delete => true,
            };
            if todo || push(id, &sides).is_some() {
                let detail = format!("e{at} has something left to do about {id}: {meant:?} {agreed:?} {remote:?}");
                return Some(Violation::new("HARMONY", detail));
            }
        }
        let step = memory.step().ok().flatten();
        let meta = memory.meta().unwrap_or_default();
        let left = step.is_some() || !meta.pending.is_empty() || meta.out.is_some();
        left.then(|| Violation::new("HARMONY", format!("e{at} keeps {step:?}, {:?}, {:?}", meta.pending, meta.out)))
    }
}

fn every_id<'a>(memory: &Memory, told: impl Iterator<Item = &'a RecordId>) -> BTreeSet<RecordId> {
    memory.items().unwrap_or_default().into_iter().map(|item| item.id).chain(told.copied()).collect()
}
