//! Others at work on the same files: editors that save in between, and a second instance.

use std::fs;
use std::path::{Path, PathBuf};

use adapter::{Item, Mode, Outcome};

use crate::acting::{Acting, Crash};
use crate::content::{rewritten, text};
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Found, Memory, SEEDED, Trial, apply, create, delete, perform, prepared, scan, step, try_apply, update, went};

/// A text that no seed has.
const WORD: &str = "conformance";
/// No adapter asks its host more often about a few operations.
const MOST_QUESTIONS: usize = 64;
/// How often an editor races with a step for real.
const RACES: usize = 40;

/// What an editor is about to save: the file, and its content then.
#[derive(Clone)]
struct Save {
    file: PathBuf,
    content: Vec<u8>,
}

impl Save {
    /// Works out what a file holds after an editor changed an item, and leaves the file as it is.
    fn of(trial: &Trial<'_>, item: &Item) -> Result<Self, Stop> {
        let file = item.place.path.clone();
        let before = prepared(fs::read(&file))?;
        prepared(trial.subject.edit(&trial.path, item))?;
        let content = prepared(fs::read(&file))?;
        ensure(content != before, || "the subject's edit changed nothing".to_owned())?;
        prepared(fs::write(&file, before))?;
        Ok(Self { file, content })
    }

    /// Saves as most editors do: another file takes the place of the old one.
    fn replace(&self) -> std::io::Result<()> {
        let beside = self.file.with_extension("saving");
        fs::write(&beside, &self.content)?;
        fs::rename(beside, &self.file)
    }

    fn stands(&self) -> Result<bool, Stop> {
        Ok(prepared(fs::read(&self.file))? == self.content)
    }
}

pub(super) fn same_second_same_size(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    let item = before.at(0)?;
    let modified = prepared(fs::metadata(&item.place.path).and_then(|found| found.modified()))?;
    prepared(subject.edit(&trial.path, item))?;
    let file = prepared(fs::File::options().append(true).open(&item.place.path))?;
    prepared(file.set_modified(modified))?;
    let found = scan(adapter.as_mut(), &before.memory())?;
    ensure(found.items.len() == 1, || format!("after one edit {} items are reported as changed", found.items.len()))
}

pub(super) fn rename_replace(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let save = Save::of(&trial, trial.opened()?.1.at(0)?)?;
    let (mut adapter, found) = trial.opened()?;
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some(WORD));
    let changed = [pointer];
    prepared(save.replace())?;
    for (number, op) in [(1, update(1, found.at(0)?, &record, &changed)), (2, delete(1, found.at(0)?))] {
        match perform(adapter.as_mut(), step(number), op)? {
            Outcome::Stale => {}
            other => return fail(format!("an item that an editor replaced was answered {other:?}")),
        }
        went(adapter.settle(step(number)), "settling")?;
    }
    ensure(save.stands()?, || "what an editor saved was overwritten".to_owned())?;
    let now = scan(adapter.as_mut(), &found.memory())?;
    ensure(now.items.len() == 1, || format!("after one save {} items are reported as changed", now.items.len()))
}

pub(super) fn add_remove(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, before) = trial.opened()?;
    for count in [SEEDED + 1, SEEDED - 1] {
        prepared(subject.remove(&trial.path).and_then(|()| subject.make(&trial.path, count)))?;
        let now = scan(adapter.as_mut(), &before.memory())?;
        let (new, same) = (count.saturating_sub(SEEDED), count.min(SEEDED));
        let shown = (now.items.len(), now.unchanged.len());
        ensure(shown == (new, same) && now.broken.is_empty(), || {
            format!("of {SEEDED} items {count} are left or added: it shows {} as new and {} as unchanged", shown.0, shown.1)
        })?;
    }
    Ok(())
}

/// Changes an item while an editor saves it at the question after so many others; tells whether it came to that.
fn saved_at(subject: &dyn Subject, questions: usize, removes: bool) -> Result<bool, Stop> {
    let trial = Trial::seeded(subject)?;
    let save = Save::of(&trial, trial.opened()?.1.at(0)?)?;
    let saving = save.clone();
    let host = Acting::new(move || drop(saving.replace()));
    let mut adapter = trial.open_with(Box::new(host.clone()))?;
    let found = scan(adapter.as_mut(), &Memory::default())?;
    let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some(WORD));
    let changed = [pointer];
    let op = if removes { delete(1, found.at(0)?) } else { update(1, found.at(0)?, &record, &changed) };
    host.after(questions);
    // An error is an honest answer, too; the editor's bytes must stand all the same.
    if let Ok(answers) = try_apply(adapter.as_mut(), step(1), &[op], Mode::Perform, &Chest::default()) {
        answers?;
    }
    if !host.acted() {
        return Ok(false);
    }
    ensure(save.stands()?, || "what an editor saved during a step was overwritten".to_owned())?;
    went(adapter.settle(step(1)), "settling")?;
    ensure(save.stands()?, || "what an editor saved during a step is gone after settling".to_owned())?;
    Ok(true)
}

pub(super) fn edit_during_apply(subject: &dyn Subject) -> Result<(), Stop> {
    for removes in [false, true] {
        for questions in 0..MOST_QUESTIONS {
            if !saved_at(subject, questions, removes)? {
                break;
            }
        }
    }
    Ok(())
}

pub(super) fn racing_edits(subject: &dyn Subject) -> Result<(), Stop> {
    for race in 0..RACES {
        let trial = Trial::seeded(subject)?;
        let save = Save::of(&trial, trial.opened()?.1.at(0)?)?;
        let (mut adapter, found) = trial.opened()?;
        let (record, pointer) = rewritten(subject, &found.at(0)?.record, Some(WORD));
        let changed = [pointer];
        let op = update(1, found.at(0)?, &record, &changed);
        let saving = save.clone();
        let editor = std::thread::spawn(move || {
            // Each race begins a little later than the one before.
            (0..race * 5).for_each(|_| std::thread::yield_now());
            saving.replace()
        });
        let answers = try_apply(adapter.as_mut(), step(1), &[op], Mode::Perform, &Chest::default());
        let saved = editor.join().unwrap_or_else(|_| Err(std::io::Error::other("the editor panicked")));
        prepared(saved)?;
        if let Ok(answers) = answers {
            answers?;
        }
        ensure(save.stands()?, || "an editor saved while a step ran, and its bytes are gone".to_owned())?;
    }
    Ok(())
}

pub(super) fn two_instances(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut one, found) = trial.opened()?;
    let (mut other, _) = trial.opened()?;
    let (first, second) = (found.at(0)?, found.at(1)?);
    let change = |item: &Item, word: &str| rewritten(subject, &item.record, Some(word)).0;
    let (mine, theirs) = (change(first, WORD), change(second, "another"));
    let done = perform(one.as_mut(), step(1), update(1, first, &mine, &[]))?;
    ensure(matches!(done, Outcome::Put { .. }), || format!("the first instance was answered {done:?}"))?;
    match perform(other.as_mut(), step(2), update(2, second, &theirs, &[]))? {
        Outcome::Put { .. } | Outcome::Stale => {}
        other => return fail(format!("a second instance was answered {other:?}")),
    }
    went(one.settle(step(1)), "settling")?;
    went(other.settle(step(2)), "settling")?;
    let (_, now) = trial.opened()?;
    let stands = now.items.iter().any(|item| text(subject, &item.record) == Some(WORD));
    ensure(stands, || "a second instance undid what the first one wrote".to_owned())
}

/// Returns the texts that items show, by key.
fn texts(subject: &dyn Subject, found: &Found) -> Vec<Option<String>> {
    found.items.iter().map(|item| text(subject, &item.record).map(str::to_owned)).collect()
}

pub(super) fn result_per_op(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let records: Vec<_> = found.items.iter().take(3).map(|item| rewritten(subject, &item.record, Some(WORD)).0).collect();
    prepared(subject.edit(&trial.path, found.at(1)?))?;
    let ops: Vec<_> = found.items.iter().zip(&records).zip(1..).map(|((item, record), n)| update(n, item, record, &[])).collect();
    let sample = subject.sample(1000);
    let all: Vec<_> = ops.into_iter().chain([create(9, &sample)]).collect();
    let answers = apply(adapter.as_mut(), step(1), &all, Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(1)), "settling")?;
    let (_, now) = trial.opened()?;
    let written = texts(subject, &now).iter().filter(|shown| shown.as_deref() == Some(WORD)).count();
    let put = answers.iter().take(3).filter(|answer| matches!(answer, Outcome::Put { .. })).count();
    ensure(matches!(answers.get(1), Some(Outcome::Stale)), || format!("the edited item among others was answered {:?}", answers.get(1)))?;
    ensure(written == put, || format!("{put} changes were answered as made, {written} are"))?;
    let made = matches!(answers.get(3), Some(Outcome::Put { .. }));
    let expected = found.items.len() + usize::from(made);
    ensure(now.items.len() == expected, || format!("{expected} items were answered for, {} are there", now.items.len()))
}

pub(super) fn crash_during_apply(subject: &dyn Subject) -> Result<(), Stop> {
    if !subject.crashes_here() {
        return skip("it runs in a process of its own, which `killed-at-write-points` kills");
    }
    for questions in 0..MOST_QUESTIONS {
        if !crashed_at(subject, questions)? {
            return Ok(());
        }
    }
    skip("the adapter asks its host too often for every place to be tried")
}

/// Crashes a step at the question after so many others, and looks what a new instance makes of it.
#[expect(clippy::panic, reason = "a panic is the crash that is tried")]
fn crashed_at(subject: &dyn Subject, questions: usize) -> Result<bool, Stop> {
    let trial = Trial::seeded(subject)?;
    let host = Acting::new(|| std::panic::panic_any(Crash));
    let mut adapter = trial.open_with(Box::new(host.clone()))?;
    let found = scan(adapter.as_mut(), &Memory::default())?;
    let records: Vec<_> = found.items.iter().map(|item| rewritten(subject, &item.record, Some(WORD)).0).collect();
    let ops: Vec<_> = found.items.iter().zip(&records).zip(1..).map(|((item, record), n)| update(n, item, record, &[])).collect();
    host.after(questions);
    let run = || try_apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default());
    let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
    // A process that died drops nothing.
    std::mem::forget(adapter);
    if !crashed {
        return Ok(false);
    }
    let mut next = trial.open()?;
    let fates = went(next.recover(step(1)), "recovering after a crash")?;
    let now = scan(next.as_mut(), &Memory::default())?;
    ensure(now.broken.is_empty(), || "after a crash an item is broken".to_owned())?;
    ensure(now.items.len() == found.items.len(), || format!("after a crash {} of {} items are there", now.items.len(), found.items.len()))?;
    let old = texts(subject, &found);
    for shown in texts(subject, &now) {
        let known = shown.as_deref() == Some(WORD) || old.contains(&shown);
        ensure(known, || "after a crash an item shows neither what it did nor what was asked".to_owned())?;
    }
    let done = fates.iter().filter(|fate| matches!(fate, adapter::Fate::Done { .. })).count();
    let unknown = fates.iter().filter(|fate| **fate == adapter::Fate::Unknown).count();
    let written = texts(subject, &now).iter().filter(|shown| shown.as_deref() == Some(WORD)).count();
    ensure((done..=done + unknown).contains(&written), || format!("after a crash {written} changes are there, {done} are said to be"))?;
    went(next.settle(step(1)), "settling after a crash")?;
    leftovers(trial.folder(), &found, &trial)?;
    Ok(true)
}

/// Fails if files lie there that no item is in.
fn leftovers(folder: &Path, found: &Found, trial: &Trial<'_>) -> Result<(), Stop> {
    let known: Vec<_> = found.items.iter().map(|item| item.place.path.clone()).collect();
    match trial.files()?.keys().find(|path| !known.contains(path)) {
        Some(path) => fail(format!("{} is left after a crash and its recovery", path.strip_prefix(folder).unwrap_or(path).display())),
        None => Ok(()),
    }
}
