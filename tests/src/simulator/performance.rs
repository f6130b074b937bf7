//! How an application is written: rehearsal and performance are one path, operation by operation or all in one exchange.

use adapter::{Error, Expect, Fate, Key, Op, Outcome, Outcomes, StepId};
use record::{Record, RecordId, Value};

use super::adapter::Window;
use super::application::Application;
use super::faults::Fault;
use super::item::Item;
use super::mutation::Mutation;
use super::shape::{Identity, STAMP};

/// What an operation did, before anyone asks what the item shows now.
#[derive(Clone, Debug)]
enum Deed {
    Put { number: u64, bytes: u64 },
    Deleted { bytes: u64 },
    Not(Outcome),
}

impl Window {
    /// Tells what performing would answer.
    pub(super) fn rehearse(&self, step: StepId, ops: &[Op<'_>], out: &mut dyn Outcomes) -> Result<(), Error> {
        let mut application = self.application.look();
        self.pinned(&application)?;
        let mut scratch = application.clone();
        let deeds: Vec<Deed> = ops.iter().map(|op| scratch.perform(step, op)).collect();
        for (index, (op, deed)) in ops.iter().zip(deeds).enumerate() {
            if matches!(deed, Deed::Not(Outcome::Refused { .. })) {
                self.tell(op, &deed);
            }
            out.outcome(index, scratch.answer(op, deed));
        }
        application.take_numbers(scratch);
        Ok(())
    }

    /// Performs for good, and may be cut off anywhere.
    pub(super) fn perform(&self, step: StepId, ops: &[Op<'_>], out: &mut dyn Outcomes) -> Result<(), Error> {
        let mut application = self.application.look();
        self.pinned(&application)?;
        application.journal.insert(step, vec![Fate::NotDone; ops.len()]);
        if application.shape.batch {
            self.perform_at_once(&mut application, step, ops, out)
        } else {
            self.perform_in_turn(&mut application, step, ops, out)
        }
    }

    fn perform_in_turn(&self, application: &mut Application, step: StepId, ops: &[Op<'_>], out: &mut dyn Outcomes) -> Result<(), Error> {
        for (index, op) in ops.iter().enumerate() {
            self.live()?;
            self.breaks()?;
            let deed = application.perform(step, op);
            self.tell(op, &deed);
            let outcome = application.answer(op, deed);
            application.note(step, index, &outcome);
            self.live()?;
            out.outcome(index, outcome);
        }
        Ok(())
    }

    fn perform_at_once(&self, application: &mut Application, step: StepId, ops: &[Op<'_>], out: &mut dyn Outcomes) -> Result<(), Error> {
        self.live()?;
        self.breaks()?;
        let deeds: Vec<Deed> = ops.iter().map(|op| application.perform(step, op)).collect();
        ops.iter().zip(&deeds).for_each(|(op, deed)| self.tell(op, deed));
        let outcomes: Vec<Outcome> = ops.iter().zip(deeds).map(|(op, deed)| application.answer(op, deed)).collect();
        for (index, outcome) in outcomes.iter().enumerate() {
            application.note(step, index, outcome);
        }
        self.live()?;
        for (index, outcome) in outcomes.into_iter().enumerate() {
            out.outcome(index, outcome);
        }
        Ok(())
    }

    fn breaks(&self) -> Result<(), Error> {
        if self.weather.look().strikes(Fault::ApplyBreaks, 25) {
            return Err(Error::Transient { reason: "the application is busy".into(), retry_after: None });
        }
        Ok(())
    }

    fn tell(&self, op: &Op<'_>, deed: &Deed) {
        let mut weather = self.weather.look();
        match deed {
            Deed::Not(Outcome::Stale) => weather.tally.count("preconditions that failed"),
            Deed::Not(_) => weather.struck(Fault::Refusing),
            Deed::Put { .. } | Deed::Deleted { .. } => weather.tally.count("items written"),
        }
        weather.say(|| format!("    does {deed:?} for {}", describe(op)));
    }
}

fn describe(op: &Op<'_>) -> String {
    match op {
        Op::Put { id, key, record, .. } => {
            format!("put {id:.8?} key {key:?} {:?}", record.fields.values().map(Value::display).collect::<Vec<_>>())
        }
        Op::Delete { id, key, .. } => format!("delete {id:.8?} key {key:?}"),
    }
}

impl Application {
    /// Keeps what a rehearsal promised: its numbers.
    fn take_numbers(&mut self, rehearsed: Self) {
        let mut rehearsed = rehearsed;
        let next = rehearsed.number();
        while self.number() < next {}
        self.reserved = rehearsed.reserved;
    }

    fn note(&mut self, step: StepId, index: usize, outcome: &Outcome) {
        let fate = match outcome {
            Outcome::Put { key, fingerprint, .. } => Fate::Done { key: Some(key.clone()), fingerprint: Some(fingerprint.clone()) },
            Outcome::Deleted { .. } => Fate::Done { key: None, fingerprint: None },
            Outcome::Stale | Outcome::Refused { .. } => return,
        };
        if let Some(noted) = self.journal.get_mut(&step).and_then(|fates| fates.get_mut(index)) {
            *noted = fate;
        }
    }

    fn perform(&mut self, step: StepId, op: &Op<'_>) -> Deed {
        match *op {
            Op::Put { id, key, expect, record, .. } => self.put(step, id, key, expect, record),
            Op::Delete { key, expect, .. } => match self.expected(key, expect) {
                Some(number) => {
                    self.writes += 1;
                    let bytes = self.items.remove(&number).map_or(0, |item| item.length());
                    Deed::Deleted { bytes }
                }
                None => Deed::Not(Outcome::Stale),
            },
        }
    }

    /// Returns the item of a key if it is still what was expected.
    fn expected(&self, key: &Key, expect: Expect<'_>) -> Option<u64> {
        let number = self.find(key)?;
        if self.mutation == Some(Mutation::BlindWrites) {
            return Some(number);
        }
        let item = self.items.get(&number).filter(|item| item.broken.is_none())?;
        match expect {
            Expect::Absent => None,
            Expect::Fingerprint(fingerprint) => (item.fingerprint() == *fingerprint).then_some(number),
        }
    }

    fn put(&mut self, step: StepId, id: RecordId, key: Option<&Key>, expect: Expect<'_>, record: &Record) -> Deed {
        let number = match key {
            Some(key) => match self.expected(key, expect) {
                Some(number) => Some(number),
                None => return Deed::Not(Outcome::Stale),
            },
            None => None,
        };
        let before = number.and_then(|number| self.items.get(&number)).cloned();
        let mut item = Item::render(&self.shape, record, before.as_ref());
        if self.shape.identity == Identity::Uid && before.is_none() && !item.fields.contains_key("uid") {
            // An item that has a UID and is written without one loses it.
            item.fields.insert("uid", Value::text(&id.urn()));
        }
        if let (Some(number), Some(before)) = (number, &before)
            && item.shows_as(before)
        {
            self.items.insert(number, item);
            return Deed::Put { number, bytes: 0 };
        }
        let name = self.shape.name().and_then(|field| item.text(field)).map(str::to_owned);
        if name.as_deref().is_some_and(|name| self.taken(name, number)) && self.mutation != Some(Mutation::BlindWrites) {
            return Deed::Not(Outcome::Stale);
        }
        if self.refuses(record) {
            return Deed::Not(Outcome::Refused { reason: "the application does not take it".into() });
        }
        self.exchange(step, id, number, item)
    }

    fn exchange(&mut self, step: StepId, id: RecordId, number: Option<u64>, mut item: Item) -> Deed {
        self.writes += 1;
        if self.shape.stamped {
            item.fields.insert(STAMP, Value::text(&format!("stamp {step}")));
        }
        let moved = number.and_then(|number| self.items.get(&number)).is_some_and(|before| only_moved(before, &item));
        let target = match number {
            Some(number) if moved || self.shape.identity != Identity::Path => number,
            _ => self.reserve(step, id),
        };
        if let Some(displaced) = number.filter(|number| *number != target) {
            self.items.remove(&displaced);
        }
        if let Some(name) = self.shape.name().and_then(|field| item.fields.get(field)) {
            // Only a blind write comes here with a name that another item has.
            let field = self.shape.name().unwrap_or_default();
            self.items.retain(|at, other| *at == target || other.fields.get(field) != Some(name));
        }
        let bytes = item.length();
        self.items.insert(target, item);
        Deed::Put { number: target, bytes }
    }

    fn reserve(&mut self, step: StepId, id: RecordId) -> u64 {
        if let Some(number) = self.reserved.get(&(step, id)) {
            return *number;
        }
        let number = self.number();
        self.reserved.insert((step, id), number);
        number
    }

    fn answer(&self, op: &Op<'_>, deed: Deed) -> Outcome {
        match (deed, op) {
            (Deed::Put { number, bytes }, Op::Put { record: asked, .. }) => {
                let item = self.items.get(&number).cloned().unwrap_or_default();
                let key = self.listing().into_iter().find(|(at, _)| *at == number).and_then(|(_, key)| key);
                let as_asked = self.mutation == Some(Mutation::AnswersAsAsked);
                let record = if as_asked { (*asked).clone() } else { item.record(&self.shape) };
                Outcome::Put { key: key.unwrap_or_else(|| Key(String::new())), fingerprint: item.fingerprint(), record, bytes }
            }
            (Deed::Put { bytes, .. } | Deed::Deleted { bytes }, _) => Outcome::Deleted { bytes },
            (Deed::Not(outcome), _) => outcome,
        }
    }
}

/// Tells whether an item differs from what it was in nothing but its path.
fn only_moved(before: &Item, now: &Item) -> bool {
    let mut moved = before.clone();
    if let Some(path) = now.fields.get("path") {
        moved.fields.insert("path", path.clone());
    }
    moved.shows_as(now)
}
