//! A crash at every action of a step, of its recovery and of its settling.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::{Place, STEP, edit_by_rename, gone, listing, of, op};
use crate::error::Error;
use crate::operation::{Fate, StepId};
use crate::staging::journal::{self, Journal};
use crate::staging::platform::Act;
use crate::staging::{Staged, Staging};

/// What the disk can do.
#[derive(Clone, Copy, Debug)]
enum Abilities {
    Exchange,
    Rename,
}

/// A disk that dies at the action number `after`, a write half done; it never comes back. Editors race for `d` and `e`.
fn dying(place: &Place, abilities: Abilities, after: usize) -> (Staging, Arc<AtomicBool>) {
    let dead = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dead);
    let (raced_change, raced_removal) = (place.file("d"), place.file("e"));
    let exchanges = matches!(abilities, Abilities::Exchange);
    let mut count = 0;
    let staging = place.scripted(move |act| {
        if count == after {
            if let (false, Act::Write(path, bytes)) = (flag.swap(true, Ordering::SeqCst), act) {
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }
            return Err(io::Error::other("the machine is off"));
        }
        count += 1;
        match act {
            Act::Exchange(_, to) if exchanges && to == raced_change && fs::read(to).unwrap() == b"old" => fs::write(to, "editor").unwrap(),
            Act::Rename(_, to) if !exchanges && to == raced_change && fs::read(to).unwrap() == b"old" => fs::write(to, "editor").unwrap(),
            Act::Rename(from, _) if from == raced_removal && fs::read(from).unwrap() == b"old" => fs::write(from, "editor").unwrap(),
            _ => {}
        }
        match (abilities, act) {
            (Abilities::Rename, Act::Exchange(..) | Act::Place(..)) => Err(io::ErrorKind::Unsupported.into()),
            _ => Ok(()),
        }
    });
    (staging, dead)
}

fn start() -> Place {
    Place::new(&[("a", "old"), ("c", "old"), ("d", "old"), ("e", "old"), ("f", "old")])
}

/// Changes a and f, makes b, removes c, and loses races for d and e.
fn run(staging: &Staging, place: &Place) -> Result<(), Error> {
    let mut stage = staging.begin(STEP)?;
    stage.replace(op(0), &place.file("a"), of("old"), b"new")?;
    stage.create(op(1), &place.file("b"), b"new")?;
    stage.delete(gone(2), &place.file("c"), of("old"))?;
    stage.replace(op(3), &place.file("d"), of("old"), b"new")?;
    stage.delete(gone(4), &place.file("e"), of("old"))?;
    stage.replace(op(5), &place.file("f"), of("old"), b"new")?;
    stage.commit().map(|_| ())
}

/// Checks that fates say what the files are; an empty answer says that nothing was done.
fn check(place: &Place, fates: &[Fate]) {
    let done = |index: usize| matches!(fates.get(index), Some(Fate::Done { .. }));
    let text = |yes, no| move |done: bool| if done { yes } else { no };
    assert!(fates.is_empty() || fates.len() == 6);
    assert_eq!(place.content("a").as_deref(), text(Some("new"), Some("old"))(done(0)));
    assert_eq!(place.content("b").as_deref(), text(Some("new"), None)(done(1)));
    assert_eq!(place.content("c").as_deref(), text(None, Some("old"))(done(2)));
    assert_eq!(place.content("f").as_deref(), text(Some("new"), Some("old"))(done(5)));
    assert!(!done(3) && !done(4));
    for raced in ["d", "e"] {
        assert!(matches!(place.content(raced).as_deref(), Some("old" | "editor")), "{raced}");
    }
}

fn nothing_is_left(place: &Place) {
    assert!(!place.area().exists(), "{:?}", listing(&place.area()));
}

/// Runs `case` for every action at which a step can be cut off.
fn at_every_action(case: impl Fn(&Place, Abilities, usize)) {
    for abilities in [Abilities::Exchange, Abilities::Rename] {
        let mut survived = false;
        let mut after = 0;
        while !survived {
            let place = start();
            let (staging, dead) = dying(&place, abilities, after);
            let outcome = run(&staging, &place);
            survived = !dead.load(Ordering::SeqCst);
            assert_eq!(survived, outcome.is_ok(), "{abilities:?} {after}");
            case(&place, abilities, after);
            after += 1;
        }
        assert!(after > 15, "only {after} actions");
    }
}

#[test]
fn a_crash_at_every_action_is_recovered_exactly() {
    at_every_action(|place, _, _| {
        let fates = place.staging().recover(STEP).unwrap();
        check(place, &fates);
        assert_eq!(place.staging().recover(STEP).unwrap(), fates);
        check(place, &fates);
        place.staging().settle(STEP).unwrap();
        check(place, &fates);
        nothing_is_left(place);
    });
}

#[test]
fn a_crash_at_every_action_of_the_recovery_changes_nothing() {
    at_every_action(|place, abilities, _| {
        for after in 0..4 {
            let (staging, _) = dying(place, abilities, after);
            let _ = staging.recover(STEP);
        }
        let fates = place.staging().recover(STEP).unwrap();
        check(place, &fates);
        place.staging().settle(STEP).unwrap();
        nothing_is_left(place);
    });
}

#[test]
fn a_crash_at_every_action_of_settling_is_settled_later() {
    at_every_action(|place, abilities, _| {
        let fates = place.staging().recover(STEP).unwrap();
        for after in 0..8 {
            let (staging, _) = dying(place, abilities, after);
            let _ = staging.settle(STEP);
            check(place, &fates);
        }
        place.staging().settle(STEP).unwrap();
        check(place, &fates);
        nothing_is_left(place);
    });
}

#[test]
fn what_was_done_stays_done_after_the_user_edits_it_again() {
    for by_rename in [true, false] {
        at_every_action(|place, abilities, _| {
            let probably: Vec<bool> = ["a", "b", "f"].iter().map(|name| place.content(name).as_deref() == Some("new")).collect();
            for (name, done) in ["a", "b", "f"].iter().zip(&probably) {
                match (done, by_rename) {
                    (true, true) => edit_by_rename(&place.file(name), "edited"),
                    (true, false) => fs::write(place.file(name), "edited").unwrap(),
                    _ => {}
                }
            }
            let fates = place.staging().recover(STEP).unwrap();
            for ((index, name), done) in [(0, "a"), (1, "b"), (5, "f")].iter().zip(probably) {
                assert!(!done || place.content(name).as_deref() == Some("edited"));
                // A file system without exclusive renames makes a file by two names; an editor that replaces one of them
                // in between leaves no trace of it, and the next scan tells.
                if !(matches!(abilities, Abilities::Rename) && *index == 1 && by_rename) {
                    assert_eq!(matches!(fates.get(*index), Some(Fate::Done { .. })), done, "{name} {fates:?}");
                }
            }
            place.staging().settle(STEP).unwrap();
        });
    }
}

#[test]
fn an_edit_during_a_swap_back_that_was_cut_off_stands() {
    at_every_action(|place, _, _| {
        let ours_in_place = place.content("d").as_deref() == Some("new");
        if ours_in_place {
            edit_by_rename(&place.file("d"), "again");
        }
        let fates = place.staging().recover(STEP).unwrap();
        assert!(fates.is_empty() || fates[3] == Fate::NotDone);
        let settled = place.staging().settle(STEP);
        if ours_in_place {
            assert_eq!(place.content("d").unwrap(), "again");
            let Err(Error::Source { path, .. }) = settled else { panic!("{settled:?}") };
            assert_eq!(fs::read_to_string(path).unwrap(), "editor");
        }
    });
}

#[test]
fn a_torn_journal_is_no_journal() {
    let place = start();
    run(&place.staging(), &place).unwrap();
    let path = place.area().join(STEP.to_string()).join(journal::NAME);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        assert_eq!(Journal::decode(&path, &whole[..length]).unwrap(), None, "{length}");
    }
    assert_eq!(Journal::decode(&path, &vec![0; whole.len()]).unwrap(), None);
    assert_eq!(Journal::decode(&path, &whole).unwrap().unwrap().entries.len(), 6);
}

#[test]
fn a_journal_of_a_newer_version_is_an_error_and_stays() {
    let place = Place::new(&[]);
    let folder = place.area().join(STEP.to_string());
    fs::create_dir_all(&folder).unwrap();
    let mut bytes = record::codec::Writer::default();
    bytes.array(1).unsigned(2);
    let mut bytes = bytes.finish();
    bytes.extend_from_slice(&record::Digest::of(&bytes).0);
    fs::write(folder.join(journal::NAME), bytes).unwrap();
    assert!(matches!(place.staging().recover(STEP), Err(Error::Fatal(_))));
    assert!(matches!(place.staging().settle(STEP), Err(Error::Fatal(_))));
    assert_eq!(listing(&folder), [journal::NAME]);
}

#[test]
fn what_is_not_known_is_empty_and_left_alone() {
    let place = Place::new(&[]);
    assert_eq!(place.staging().recover(STEP).unwrap(), []);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), Vec::<String>::new());
    let stranger = place.area().join(StepId([9; 16]).to_string());
    fs::create_dir_all(&stranger).unwrap();
    fs::write(stranger.join("0"), "theirs").unwrap();
    assert_eq!(place.staging().recover(STEP).unwrap(), []);
    place.staging().settle(STEP).unwrap();
    assert_eq!(listing(&stranger), ["0"]);
}

#[test]
fn the_journal_is_the_same_bytes_for_the_same_step() {
    let entries = || {
        let staged = Staged { index: 1, key: Some(crate::Key::new("k")), fingerprint: Some(crate::Fingerprint(vec![1, 2])) };
        let action = journal::Action::Replace { new: of("new"), expected: of("old") };
        vec![journal::Entry { action, target: "/a/b".into(), ops: vec![staged] }]
    };
    let bytes = Journal::encode(STEP, &entries()).unwrap();
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text.starts_with("8301500707070707070707070707070707070781850144"), "{text}");
    assert_eq!(record::Digest::of(&bytes).to_string(), include_str!("journal.sha256").trim());
}

proptest! {
    #[test]
    fn no_bytes_crash_the_reader_of_journals(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = body;
        bytes.extend_from_slice(&record::Digest::of(&bytes).0);
        let _ = Journal::decode("journal".as_ref(), &bytes);
    }
}
