//! A step that is performed in a process of its own, which is killed at each change that it makes to files.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use adapter::format::Silent;
use adapter::{Adapter, Atomicity, Fate, Item, Mode};
use record::{Digest, Record};

use crate::content::{missing, rewritten, text};
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Found, Memory, SEEDED, Trial, create, delete, prepared, scan, step, try_apply, try_scan, update, went};

/// A text that no seed has.
const WORD: &str = "conformance";
/// No step makes more changes than this.
#[cfg(target_os = "linux")]
const MOST_CHANGES: usize = 1000;

/// Performs the step that `killed-at-write-points` watches: what [`Subject::actor`] runs in a process of its own.
///
/// It waits for a line on standard input first.
///
/// # Errors
/// Fails if the place cannot be opened and scanned, or the step fails: whoever runs it prints that to standard output, as `act: REASON`.
pub fn act(subject: &dyn Subject, folder: &Path) -> Result<(), String> {
    let told = std::io::stdin().lock().read_line(&mut String::new());
    told.map_err(|error| error.to_string())?;
    let path = subject.place(folder);
    let opened = subject.format().open(path, &subject.options(), Box::new(Silent));
    let mut adapter = opened.map_err(|error| format!("opening failed: {error}"))?;
    let found = try_scan(adapter.as_mut(), &Memory::default()).map_err(|error| format!("the scan failed: {error}"))?;
    let [Some(one), Some(gone), Some(other)] = [0, 1, 2].map(|at| found.items.get(at)) else {
        return Err("the place has too few items".to_owned());
    };
    let (changed, changed_too) = (rewritten(subject, &one.record, Some(WORD)).0, rewritten(subject, &other.record, Some(WORD)).0);
    let sample = subject.sample(1000);
    let ops = [update(1, one, &changed, &[]), delete(2, gone), update(3, other, &changed_too, &[]), create(4, &sample)];
    mark();
    let applied = try_apply(adapter.as_mut(), step(1), &ops, Mode::Perform, &Chest::default());
    mark();
    match applied {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(Stop::Fail(reason) | Stop::Skip(reason))) => Err(reason),
        Err(error) => Err(format!("applying failed: {error}")),
    }
}

#[cfg(target_os = "linux")]
fn mark() {
    crate::killing::mark();
}

/// Elsewhere nobody watches.
#[cfg(not(target_os = "linux"))]
fn mark() {}

#[cfg(not(target_os = "linux"))]
pub(super) fn at_write_points(_subject: &dyn Subject) -> Result<(), Stop> {
    skip("processes can be watched on Linux only")
}

#[cfg(target_os = "linux")]
pub(super) fn at_write_points(subject: &dyn Subject) -> Result<(), Stop> {
    use crate::killing::{Ended, killed_at};
    let mut changes = 0;
    for _ in 0..MOST_CHANGES {
        let trial = Trial::seeded(subject)?;
        let Some(command) = subject.actor(trial.folder()) else {
            return skip("the subject has no process of its own that could be killed");
        };
        let (adapter, found) = trial.opened()?;
        drop(adapter);
        match prepared(killed_at(command, changes))? {
            Ended::Killed => {
                judge(&trial, &found).map_err(|stop| at(changes, stop))?;
                changes += 1;
            }
            Ended::Missed => {}
            Ended::Finished(said) => {
                if let Some(reason) = said.lines().find_map(|line| line.strip_prefix("act: ")) {
                    return fail(reason);
                }
                ensure(changes > 0, || "the step changed no file".to_owned())?;
                return judge(&trial, &found).map_err(|stop| at(changes, stop));
            }
            Ended::Unwatchable(reason) => return skip(reason),
        }
    }
    fail(format!("the step makes more than {MOST_CHANGES} changes to files"))
}

#[cfg(target_os = "linux")]
fn at(changes: usize, stop: Stop) -> Stop {
    match stop {
        Stop::Fail(reason) => Stop::Fail(format!("killed after {changes} changes to files: {reason}")),
        skipped @ Stop::Skip(_) => skipped,
    }
}

/// What a scan shows of the step's operations: changed, removed, changed, made.
struct Shown {
    /// Of each operation, whether its effect is there.
    done: [bool; 4],
}

impl Shown {
    fn of(subject: &dyn Subject, before: &Found, now: &Found) -> Result<Self, Stop> {
        let digests: Vec<Digest> = now.items.iter().map(|item| item.record.digest()).collect();
        let stands = |at: usize| before.items.get(at).is_some_and(|item: &Item| digests.contains(&item.record.digest()));
        ensure((3..SEEDED).all(stands), || "an item that the step did not touch shows something else, or is gone".to_owned())?;
        let old: Vec<Digest> = before.items.iter().map(|item| item.record.digest()).collect();
        let (changed, made): (Vec<&Item>, Vec<&Item>) = now
            .items
            .iter()
            .filter(|item| !old.contains(&item.record.digest()))
            .partition(|item| text(subject, &item.record) == Some(WORD));
        let done = [!stands(0), !stands(1), !stands(2), !made.is_empty()];
        let asked: usize = [done[0], done[2]].into_iter().map(usize::from).sum();
        ensure(changed.len() == asked, || "an item shows neither what it did nor what was asked, or is gone".to_owned())?;
        ensure(made.len() <= 1, || "a new item was made twice".to_owned())?;
        let sample: Record = subject.sample(1000);
        match made.first().and_then(|item| missing(&sample, &item.record)) {
            Some(pointer) => fail(format!("a new item lacks {pointer:?}")),
            None => Ok(Self { done }),
        }
    }

    /// Fails unless the fates say what is shown.
    fn agrees(&self, fates: &[Fate]) -> Result<(), Stop> {
        for (index, done) in self.done.iter().enumerate() {
            let agrees = match fates.get(index) {
                Some(Fate::Done { .. }) => *done,
                Some(Fate::NotDone) | None => !done,
                Some(Fate::Unknown) => true,
            };
            ensure(agrees, || format!("operation {index} is {}done, and its fates are {fates:?}", if *done { "" } else { "not " }))?;
        }
        Ok(())
    }
}

/// Fails unless a new instance finds everything as it was or as it was asked, says which, and clears up.
fn judge(trial: &Trial<'_>, before: &Found) -> Result<(), Stop> {
    let mut next = trial.open()?;
    let fates = went(next.recover(step(1)), "recovering")?;
    let now = scan(next.as_mut(), &Memory::default())?;
    ensure(now.broken.is_empty(), || "an item is broken".to_owned())?;
    let shown = Shown::of(trial.subject, before, &now)?;
    promised(next.as_ref(), &shown, &fates)?;
    went(next.settle(step(1)), "settling")?;
    let known: Vec<PathBuf> = now.items.iter().map(|item| item.place.path.clone()).collect();
    let files = trial.files()?;
    if let Some(path) = files.keys().find(|path| !known.contains(path)) {
        return fail(format!("{} is left after settling", path.strip_prefix(trial.folder()).unwrap_or(path).display()));
    }
    let after = scan(trial.open()?.as_mut(), &now.memory())?;
    ensure(after.items.is_empty() && after.unchanged.len() == now.items.len(), || "settling changed something".to_owned())
}

fn promised(adapter: &dyn Adapter, shown: &Shown, fates: &[Fate]) -> Result<(), Stop> {
    // A step of several files is not one for whoever kills it: what counts is that recovery tells the truth.
    if adapter.profile().atomicity == Atomicity::None { Ok(()) } else { shown.agrees(fates) }
}
