//! Items whose names are unusual, or nearly the same.

use adapter::{Mode, Outcome};
use record::Value;

use crate::content::{rewritten, text};
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Trial, apply, create, delete, perform, step, update, went};

const UIDS: &[&str] = &[
    "a/b\\c:d%e f",
    "../../up",
    "CON",
    ".hidden",
    "trailing dot.",
    "  blanks  ",
    "quote\"s and 'such'; or, so",
    "Zo\u{eb} \u{65e5}\u{672c} \u{1f600}",
    "=1+1",
];

pub(super) fn special_keys(subject: &dyn Subject) -> Result<(), Stop> {
    let long = "l".repeat(255);
    let trial = Trial::with(subject, 0)?;
    let (mut adapter, _) = trial.opened()?;
    if !adapter.profile().view.holds(&record::Pointer::new("uid")) {
        return skip("items of this endpoint have no names of their own");
    }
    let outside: Vec<_> = std::fs::read_dir(trial.folder()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    for (number, uid) in (1_u8..).zip(UIDS.iter().copied().chain([long.as_str()])) {
        let record = subject.sample(1000 + usize::from(number)).with("uid", Value::text(uid));
        let made = perform(adapter.as_mut(), step(number), create(number, &record))?;
        let key = match made {
            Outcome::Put { key, .. } => key,
            Outcome::Refused { .. } => continue,
            other => return fail(format!("{uid:?}: making it was answered {other:?}")),
        };
        went(adapter.settle(step(number)), "settling")?;
        let (_, now) = trial.opened()?;
        let item = now.of(&key)?;
        ensure(item.record.text("uid") == Some(uid), || format!("{uid:?} is shown as {:?}", item.record.text("uid")))?;
        let (changed, pointer) = rewritten(subject, &item.record, Some("changed"));
        let (mut other, now) = trial.opened()?;
        let answer = perform(other.as_mut(), step(100), update(number, now.of(&key)?, &changed, &[pointer]))?;
        ensure(matches!(answer, Outcome::Put { .. }), || format!("{uid:?}: changing it was answered {answer:?}"))?;
        went(other.settle(step(100)), "settling")?;
        let (mut other, now) = trial.opened()?;
        let found = now.items.iter().find(|item| item.record.text("uid") == Some(uid));
        let item = found.ok_or_else(|| Stop::Fail(format!("{uid:?} is gone after a change")))?;
        ensure(text(subject, &item.record) == Some("changed"), || format!("{uid:?} does not show its change"))?;
        let answer = perform(other.as_mut(), step(101), delete(number, item))?;
        ensure(matches!(answer, Outcome::Deleted { .. }), || format!("{uid:?}: removing it was answered {answer:?}"))?;
        went(other.settle(step(101)), "settling")?;
        adapter = trial.opened()?.0;
    }
    let now: Vec<_> = std::fs::read_dir(trial.folder()).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    ensure(now.len() == outside.len(), || "a file was made beside the place".to_owned())
}

/// Makes two items whose names differ only so much; fails if one takes the other's place.
fn two_names(subject: &dyn Subject, names: [&str; 2]) -> Result<(), Stop> {
    let trial = Trial::with(subject, 0)?;
    let (mut adapter, _) = trial.opened()?;
    if !adapter.profile().view.holds(&record::Pointer::new("uid")) {
        return skip("items of this endpoint have no names of their own");
    }
    let records = [0, 1].map(|at| subject.sample(1000 + at).with("uid", Value::text(names.get(at).copied().unwrap_or_default())));
    let [one, other] = &records;
    let first = perform(adapter.as_mut(), step(1), create(1, one))?;
    ensure(matches!(first, Outcome::Put { .. }), || format!("the first was answered {first:?}"))?;
    went(adapter.settle(step(1)), "settling")?;
    let (mut adapter, _) = trial.opened()?;
    let second = apply(adapter.as_mut(), step(2), &[create(2, other)], Mode::Perform, &Chest::default())?;
    went(adapter.settle(step(2)), "settling")?;
    let made = matches!(second.as_slice(), [Outcome::Put { .. }]);
    let (_, now) = trial.opened()?;
    let shows = |name: &&str| now.items.iter().any(|item| item.record.text("uid") == Some(*name));
    ensure(names.first().is_some_and(shows), || "the second item took the first one's place".to_owned())?;
    ensure(!made || names.last().is_some_and(shows), || "the second item was answered as made and is not shown".to_owned())?;
    let expected = if made { 2 } else { 1 };
    ensure(now.items.len() == expected, || format!("{expected} items were made, {} are shown", now.items.len()))
}

pub(super) fn case(subject: &dyn Subject) -> Result<(), Stop> {
    two_names(subject, ["ada-lovelace", "Ada-Lovelace"])
}

pub(super) fn normal_form(subject: &dyn Subject) -> Result<(), Stop> {
    two_names(subject, ["zo\u{e9}", "zoe\u{301}"])
}
