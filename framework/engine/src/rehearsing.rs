//! An adapter that only rehearses, and builds each rehearsal on the ones before: the endpoints of a plan answer each other.

use std::collections::HashMap;
use std::io::Write;

use adapter::{Adapter, Blobs, Expect, Fate, Fingerprint, Key, Known, Mode, Op, Outcome, Outcomes, Profile, Scan, Sink, StepId};
use record::{Digest, Pointer, Record, RecordId};

/// An adapter that is only ever rehearsed.
pub(crate) struct Rehearsing {
    inner: Box<dyn Adapter>,
    /// What it would have done by now.
    deeds: Vec<Deed>,
}

/// What would have been done to one item, by one operation or several.
#[derive(Clone)]
struct Deed {
    id: RecordId,
    /// What the item is in truth; none if it is not there.
    truth: Option<(Key, Fingerprint)>,
    /// What it would be now, as the engine was told; none if it would be gone.
    told: Option<(Key, Fingerprint)>,
    /// What it is to show; none if it is to go.
    record: Option<Record>,
    changed: Vec<Pointer>,
}

impl Deed {
    /// Returns one operation that does everything; none for an item that would have come and gone.
    fn op(&self) -> Option<Op<'_>> {
        let key = self.truth.as_ref().map(|(key, _)| key);
        let expect = self.truth.as_ref().map_or(Expect::Absent, |(_, fingerprint)| Expect::Fingerprint(fingerprint));
        match &self.record {
            Some(record) => Some(Op::Put { id: self.id, key, expect, record, changed: &self.changed }),
            None => Some(Op::Delete { id: self.id, key: key?, expect }),
        }
    }
}

/// Adds an operation to what was done before, whose places `known` tells by key, and returns its place; none if the item is not
/// what the operation expects.
fn include(deeds: &mut Vec<Deed>, known: &HashMap<Key, usize>, op: &Op<'_>) -> Option<usize> {
    let (id, key, expect) = match *op {
        Op::Put { id, key, expect, .. } => (id, key, expect),
        Op::Delete { id, key, expect } => (id, Some(key), expect),
    };
    let (record, changed) = match *op {
        Op::Put { record, changed, .. } => (Some(record.clone()), changed.to_vec()),
        Op::Delete { .. } => (None, Vec::new()),
    };
    let expected = match expect {
        Expect::Absent => None,
        Expect::Fingerprint(fingerprint) => key.cloned().zip(Some(fingerprint.clone())),
    };
    let Some(place) = key.and_then(|key| known.get(key).copied()) else {
        deeds.push(Deed { id, truth: expected, told: None, record, changed });
        return Some(deeds.len() - 1);
    };
    let deed = deeds.get_mut(place)?;
    if deed.told != expected {
        return None;
    }
    deed.record = record;
    deed.changed.extend(changed);
    deed.changed.sort_unstable();
    deed.changed.dedup();
    Some(place)
}

/// Answers by place.
struct Answers(Vec<Option<Outcome>>);

impl Outcomes for Answers {
    fn outcome(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.0.get_mut(index) {
            *slot = Some(outcome);
        }
    }
}

impl Rehearsing {
    pub(crate) fn new(inner: Box<dyn Adapter>) -> Self {
        Self { inner, deeds: Vec::new() }
    }

    /// Returns where each item stands among the deeds, by the key that the engine knows.
    fn known(&self) -> HashMap<Key, usize> {
        let told = |(place, deed): (usize, &Deed)| deed.told.as_ref().map(|(key, _)| (key.clone(), place));
        self.deeds.iter().enumerate().filter_map(told).collect()
    }

    /// Rehearses everything as one step; an item that would have come and gone is deleted without anybody's doing.
    fn rehearse(&mut self, step: StepId, deeds: &[Deed], blobs: &dyn Blobs) -> Result<Vec<Option<Outcome>>, adapter::Error> {
        let (places, ops): (Vec<usize>, Vec<Op<'_>>) =
            deeds.iter().enumerate().filter_map(|(place, deed)| Some((place, deed.op()?))).unzip();
        let mut answers = Answers(vec![None; ops.len()]);
        self.inner.apply(step, &ops, Mode::Rehearse, blobs, &mut answers)?;
        let mut outcomes = vec![Some(Outcome::Deleted { bytes: 0 }); deeds.len()];
        for (place, answer) in places.into_iter().zip(answers.0) {
            if let Some(outcome) = outcomes.get_mut(place) {
                *outcome = answer;
            }
        }
        Ok(outcomes)
    }

    /// Keeps what would have been done at a place; what the adapter did not take is as it was before.
    fn keep(&mut self, deed: Deed, place: usize, outcome: &Outcome) {
        let told = match outcome {
            Outcome::Put { key, fingerprint, .. } => Some((key.clone(), fingerprint.clone())),
            Outcome::Deleted { .. } => None,
            Outcome::Stale | Outcome::Refused { .. } => return,
        };
        let deed = Deed { told, ..deed };
        match self.deeds.get_mut(place) {
            Some(earlier) => *earlier = deed,
            None => self.deeds.push(deed),
        }
    }
}

impl Adapter for Rehearsing {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    fn selection(&self) -> Option<&dyn adapter::Selection> {
        self.inner.selection()
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, adapter::Error> {
        self.inner.scan(known, out)
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), adapter::Error> {
        let (mut deeds, known) = (self.deeds.clone(), self.known());
        let places: Vec<Option<usize>> = ops.iter().map(|op| include(&mut deeds, &known, op)).collect();
        let mut outcomes = self.rehearse(step, &deeds, blobs)?;
        for (index, place) in places.into_iter().enumerate() {
            let Some(place) = place else {
                out.outcome(index, Outcome::Stale);
                continue;
            };
            let answer = outcomes.get_mut(place).and_then(Option::take);
            let Some((outcome, deed)) = answer.zip(deeds.get(place)) else { continue };
            if mode == Mode::Perform {
                self.keep(deed.clone(), place, &outcome);
            }
            out.outcome(index, outcome);
        }
        Ok(())
    }

    fn recover(&mut self, _step: StepId) -> Result<Vec<Fate>, adapter::Error> {
        Ok(Vec::new())
    }

    fn settle(&mut self, _step: StepId) -> Result<(), adapter::Error> {
        Ok(())
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), adapter::Error> {
        let deed = self.deeds.iter().find(|deed| deed.told.as_ref().is_some_and(|(told, _)| told == key));
        let truth = deed.and_then(|deed| deed.truth.as_ref()).map_or(key, |(truth, _)| truth);
        self.inner.blob(truth, digest, to)
    }
}
