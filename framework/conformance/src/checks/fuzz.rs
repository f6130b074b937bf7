//! Rows of random steps, edits and crashes, held against a model: the records that must be shown after each.
//!
//! A row is a list of numbers, each of which is one action; the same numbers are the same actions. A row that fails is
//! shortened by leaving out actions as long as it still fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use adapter::format::Silent;
use adapter::{Adapter, Item, Mode, Op, Outcome};
use record::{Digest, Record};

use crate::acting::{Acting, Crash};
use crate::content::{rewritten, text};
use crate::mutation::Chance;
use crate::report::{Stop, ensure, fail};
use crate::subject::Subject;
use crate::trial::{Chest, Memory, Trial, apply, create, delete, scan, step, try_apply, update, went};

/// How many actions a row has.
const ACTIONS: usize = 16;
/// How often a row that fails is tried with an action less.
const SHORTER: usize = 48;
/// How many items of a step are changed or removed at most.
const MOST: usize = 4;

const TEXTS: &[&str] = &[
    "plain",
    "two\nlines",
    "Zo\u{eb} \u{1f600}; \"quoted\", \\n and so on",
    "a",
    "trailing; comma,",
    "long long long long long long text",
];

pub(super) fn model(subject: &dyn Subject) -> Result<(), Stop> {
    let fuzzing = subject.fuzzing();
    for seed in (0..fuzzing.rounds).map(|round| fuzzing.seed.wrapping_add(round)) {
        let mut chance = Chance::new(seed);
        let row: Vec<u64> = (0..ACTIONS).map(|_| chance.number()).collect();
        if let Err(Stop::Fail(reason)) = run(subject, &row) {
            let (row, reason) = shortened(subject, row, reason);
            let actions: Vec<&str> = row.iter().map(|number| Action::of(&mut Chance::new(*number)).name()).collect();
            return fail(format!("{reason}; after {} (`--seed {seed} --rounds 1` shows it again)", actions.join(", ")));
        }
    }
    Ok(())
}

/// Leaves out actions as long as the row still fails.
fn shortened(subject: &dyn Subject, mut row: Vec<u64>, mut reason: String) -> (Vec<u64>, String) {
    let mut at = 0;
    for _ in 0..SHORTER {
        if at >= row.len() {
            break;
        }
        let mut shorter = row.clone();
        shorter.remove(at);
        match run(subject, &shorter) {
            Err(Stop::Fail(still)) => (row, reason) = (shorter, still),
            _ => at += 1,
        }
    }
    (row, reason)
}

fn run(subject: &dyn Subject, row: &[u64]) -> Result<(), Stop> {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(subject)?;
        row.iter().try_for_each(|number| world.act(*number))
    }));
    ran.unwrap_or_else(|_| fail("it panicked"))
}

/// What happens next.
#[derive(Clone, Copy)]
enum Action {
    Step,
    Rehearsal,
    Edit,
    Reopening,
    Crash,
}

impl Action {
    fn of(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0..=4 => Self::Step,
            5 => Self::Rehearsal,
            6 | 7 => Self::Edit,
            8 => Self::Reopening,
            _ => Self::Crash,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Step => "a step",
            Self::Rehearsal => "a rehearsal",
            Self::Edit => "an edit",
            Self::Reopening => "a new instance",
            Self::Crash => "a crash",
        }
    }
}

/// One operation that was chosen: an item, and its new record or none to remove it.
struct Chosen {
    item: Item,
    record: Option<Record>,
}

/// A place, and what it must show.
struct World<'s> {
    trial: Trial<'s>,
    adapter: Box<dyn Adapter>,
    /// What the last scan showed.
    items: Vec<Item>,
    /// How many steps there were, and how many items were made.
    steps: u8,
    made: usize,
}

fn sorted(mut digests: Vec<Digest>) -> Vec<Digest> {
    digests.sort_unstable();
    digests
}

/// Returns what the files hold, whenever they were written.
fn contents(trial: &Trial<'_>) -> Result<Vec<(PathBuf, Vec<u8>)>, Stop> {
    Ok(trial.files()?.into_iter().map(|(path, file)| (path, file.content)).collect())
}

fn digests(items: &[Item]) -> Vec<Digest> {
    items.iter().map(|item| item.record.digest()).collect()
}

impl<'s> World<'s> {
    fn new(subject: &'s dyn Subject) -> Result<Self, Stop> {
        let trial = Trial::seeded(subject)?;
        let (adapter, found) = trial.opened()?;
        Ok(Self { trial, adapter, items: found.items, steps: 0, made: 0 })
    }

    fn act(&mut self, number: u64) -> Result<(), Stop> {
        let mut chance = Chance::new(number);
        match Action::of(&mut chance) {
            Action::Step => self.step(&mut chance, Mode::Perform),
            Action::Rehearsal => self.step(&mut chance, Mode::Rehearse),
            Action::Edit => self.edit(&mut chance),
            Action::Reopening => self.reopen(),
            Action::Crash => self.crash(&mut chance),
        }
    }

    /// Scans anew and fails unless exactly these records are shown.
    fn shows(&mut self, expected: Vec<Digest>, what: &str) -> Result<(), Stop> {
        let found = scan(self.adapter.as_mut(), &Memory::default())?;
        ensure(found.broken.is_empty(), || format!("after {what} an item is broken"))?;
        let (expected, shown) = (sorted(expected), sorted(digests(&found.items)));
        ensure(expected == shown, || {
            let lost = expected.iter().filter(|digest| !shown.contains(digest)).count();
            format!("after {what} {} items should be shown and {} are; {lost} of them are lost", expected.len(), shown.len())
        })?;
        self.items = found.items;
        Ok(())
    }

    fn choose(&self, chance: &mut Chance, removes: bool) -> Vec<Chosen> {
        let mut left: Vec<&Item> = self.items.iter().collect();
        let mut chosen = Vec::new();
        for _ in 0..=chance.below(MOST) {
            if left.is_empty() {
                break;
            }
            let item = left.swap_remove(chance.below(left.len())).clone();
            let word = TEXTS.get(chance.below(TEXTS.len())).copied();
            let record = rewritten(self.trial.subject, &item.record, word).0;
            let removed = removes && chance.below(4) == 0;
            chosen.push(Chosen { item, record: (!removed).then_some(record) });
        }
        chosen
    }

    fn next(&mut self) -> adapter::StepId {
        self.steps = self.steps.wrapping_add(1);
        step(self.steps)
    }

    fn step(&mut self, chance: &mut Chance, mode: Mode) -> Result<(), Stop> {
        let chosen = self.choose(chance, true);
        let samples: Vec<Record> = (0..chance.below(3)).map(|at| self.trial.subject.sample(2000 + self.made + at)).collect();
        self.made += samples.len();
        let ops = ops(&chosen, &samples);
        let name = self.next();
        let answers = apply(self.adapter.as_mut(), name, &ops, mode, &Chest::default())?;
        let mut expected = digests(&self.items);
        if mode == Mode::Perform {
            for (at, answer) in answers.iter().enumerate() {
                self.expect(&mut expected, chosen.get(at), answer)?;
            }
        }
        went(self.adapter.settle(name), "settling")?;
        self.shows(expected, if mode == Mode::Perform { "a step" } else { "a rehearsal" })
    }

    /// Takes an answer into account; none chosen means a new item.
    fn expect(&self, expected: &mut Vec<Digest>, chosen: Option<&Chosen>, answer: &Outcome) -> Result<(), Stop> {
        let gone = |expected: &mut Vec<Digest>| {
            let old = chosen.map(|chosen| chosen.item.record.digest());
            if let Some(at) = expected.iter().position(|digest| Some(*digest) == old) {
                expected.swap_remove(at);
            }
        };
        match answer {
            Outcome::Put { record, .. } => {
                let asked = chosen.and_then(|chosen| chosen.record.as_ref());
                let (asked, shown) = (asked.map(|asked| text(self.trial.subject, asked)), text(self.trial.subject, record));
                ensure(asked.is_none_or(|asked| asked == shown), || format!("{asked:?} was asked, and {shown:?} is answered"))?;
                gone(expected);
                expected.push(record.digest());
            }
            Outcome::Deleted { .. } => gone(expected),
            Outcome::Stale | Outcome::Refused { .. } => {}
        }
        Ok(())
    }

    /// Lets an editor change an item, then tries to overwrite what it saved.
    fn edit(&mut self, chance: &mut Chance) -> Result<(), Stop> {
        if self.items.is_empty() {
            return Ok(());
        }
        let item = self.items.swap_remove(chance.below(self.items.len()));
        // An item whose text was changed may have nothing left that the subject's editor knows: then it fails, or saves what was there.
        let before = contents(&self.trial)?;
        let edited = self.trial.subject.edit(&self.trial.path, &item);
        self.items.push(item.clone());
        if edited.is_err() || contents(&self.trial)? == before {
            return Ok(());
        }
        let old = digests(&self.items);
        let found = scan(self.adapter.as_mut(), &Memory::default())?;
        let now = digests(&found.items);
        let new = now.iter().filter(|digest| !old.contains(digest)).count();
        ensure(now.len() == old.len() && new <= 1, || format!("after one edit {new} of {} items are others", now.len()))?;
        let stands = found.items.iter().any(|other| other.key == item.key && other.fingerprint == item.fingerprint);
        self.items = found.items;
        if stands {
            return Ok(());
        }
        let record = rewritten(self.trial.subject, &item.record, Some("overwritten")).0;
        let name = self.next();
        let answers = apply(self.adapter.as_mut(), name, &[update(1, &item, &record, &[])], Mode::Perform, &Chest::default())?;
        let honest = matches!(answers.as_slice(), [Outcome::Stale | Outcome::Refused { .. }]);
        ensure(honest, || format!("an item that an editor had saved was answered {answers:?}"))?;
        went(self.adapter.settle(name), "settling")?;
        self.shows(now, "an edit")
    }

    fn reopen(&mut self) -> Result<(), Stop> {
        self.adapter = self.trial.open()?;
        self.shows(digests(&self.items), "opening anew")
    }

    /// Changes items, and crashes at some question; then each is what it was or what was asked.
    #[expect(clippy::panic, reason = "a panic is the crash that is tried")]
    fn crash(&mut self, chance: &mut Chance) -> Result<(), Stop> {
        if !self.trial.subject.crashes_here() {
            return self.reopen();
        }
        let host = Acting::new(|| std::panic::panic_any(Crash));
        let mut adapter = self.trial.open_with(Box::new(host.clone()))?;
        scan(adapter.as_mut(), &Memory::default())?;
        let chosen = self.choose(chance, false);
        let ops = ops(&chosen, &[]);
        let name = self.next();
        host.after(chance.below(8));
        let applied = catch_unwind(AssertUnwindSafe(|| try_apply(adapter.as_mut(), name, &ops, Mode::Perform, &Chest::default())));
        host.disarm();
        match applied {
            Ok(_) => drop(adapter),
            // A process that died drops nothing.
            Err(_) => std::mem::forget(adapter),
        }
        let opened = self.trial.subject.format().open(self.trial.path.clone(), &self.trial.subject.options(), Box::new(Silent));
        self.adapter = went(opened, "opening after a crash")?;
        went(self.adapter.recover(name), "recovering after a crash")?;
        let found = scan(self.adapter.as_mut(), &Memory::default())?;
        went(self.adapter.settle(name), "settling after a crash")?;
        ensure(found.broken.is_empty(), || "after a crash an item is broken".to_owned())?;
        let old = digests(&self.items);
        ensure(found.items.len() == old.len(), || format!("after a crash {} of {} items are there", found.items.len(), old.len()))?;
        let asked: Vec<Option<&str>> =
            chosen.iter().filter_map(|chosen| chosen.record.as_ref()).map(|record| text(self.trial.subject, record)).collect();
        for item in found.items.iter().filter(|item| !old.contains(&item.record.digest())) {
            let known = asked.contains(&text(self.trial.subject, &item.record));
            ensure(known, || "after a crash an item shows neither what it did nor what was asked".to_owned())?;
        }
        self.items = found.items;
        self.shows(digests(&self.items), "a crash and its recovery")
    }
}

fn ops<'a>(chosen: &'a [Chosen], samples: &'a [Record]) -> Vec<Op<'a>> {
    let standing = chosen.iter().zip(1..).map(|(chosen, number)| match &chosen.record {
        Some(record) => update(number, &chosen.item, record, &[]),
        None => delete(number, &chosen.item),
    });
    standing.chain(samples.iter().zip(100..).map(|(sample, number)| create(number, sample))).collect()
}
