//! Editors that save while a step is written: their bytes stand.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Place, STEP, edit_by_rename, gone, listing, of, op};
use crate::error::Error;
use crate::operation::Fate;
use crate::staging::platform::Act;
use crate::staging::{Placed, Staging, digest_whole, read_whole, stat};

/// Lets `edit` run right before the first action for which `when` holds, on a disk that can or cannot exchange.
fn racing(place: &Place, exchange: bool, when: fn(Act<'_>) -> bool, edit: impl FnOnce() + Send + 'static) -> Staging {
    let mut edit = Some(edit);
    place.scripted(move |act| {
        if when(act)
            && let Some(edit) = edit.take()
        {
            edit();
        }
        if !exchange && matches!(act, Act::Exchange(..) | Act::Place(..)) { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    })
}

fn replace(staging: &Staging, place: &Place) -> Vec<Placed> {
    let mut stage = staging.begin(STEP).unwrap();
    stage.replace(op(0), &place.file("a"), of("old"), b"new").unwrap();
    stage.commit().unwrap()
}

fn write(path: PathBuf, content: &'static str) -> impl FnOnce() + Send + 'static {
    move || fs::write(path, content).unwrap()
}

#[test]
fn a_file_saved_before_its_exchange_stands() {
    for exchange in [true, false] {
        for by_rename in [true, false] {
            let place = Place::new(&[("a", "old")]);
            let path = place.file("a");
            let save = move || if by_rename { edit_by_rename(&path, "editor") } else { fs::write(&path, "editor").unwrap() };
            let staging = racing(&place, exchange, |act| matches!(act, Act::Exchange(..)), save);
            assert_eq!(replace(&staging, &place), [Placed::Stale]);
            assert_eq!(place.content("a").unwrap(), "editor");
            assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::NotDone]);
            place.staging().settle(STEP).unwrap();
            assert_eq!(place.names(), ["a"]);
        }
    }
}

#[test]
fn without_an_exchange_a_file_saved_in_the_last_moment_stands_too() {
    let place = Place::new(&[("a", "old")]);
    let renames = |act: Act<'_>| matches!(act, Act::Rename(..));
    let staging = racing(&place, false, renames, write(place.file("a"), "editor"));
    assert_eq!(replace(&staging, &place), [Placed::Stale]);
    assert_eq!(place.content("a").unwrap(), "editor");
    assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::NotDone]);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), ["a"]);
}

#[test]
fn a_file_that_appears_before_its_creation_stands() {
    for exchange in [true, false] {
        let place = Place::new(&[]);
        let staging = racing(&place, exchange, |act| matches!(act, Act::Place(..)), write(place.file("a"), "editor"));
        let mut stage = staging.begin(STEP).unwrap();
        stage.create(op(0), &place.file("a"), b"new").unwrap();
        assert_eq!(stage.commit().unwrap(), [Placed::Stale]);
        assert_eq!(place.content("a").unwrap(), "editor");
        assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::NotDone]);
        place.staging().settle(STEP).unwrap();
        assert_eq!(place.names(), ["a"]);
    }
}

#[test]
fn a_file_saved_before_its_deletion_stands() {
    for exchange in [true, false] {
        let place = Place::new(&[("a", "old")]);
        let staging = racing(&place, exchange, |act| matches!(act, Act::Rename(..)), write(place.file("a"), "editor"));
        let mut stage = staging.begin(STEP).unwrap();
        stage.delete(gone(0), &place.file("a"), of("old")).unwrap();
        assert_eq!(stage.commit().unwrap(), [Placed::Stale]);
        assert_eq!(place.content("a").unwrap(), "editor");
        assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::NotDone]);
        place.staging().settle(STEP).unwrap();
        assert_eq!(place.names(), ["a"]);
    }
}

#[test]
fn a_file_that_vanishes_or_becomes_a_folder_is_stale() {
    let place = Place::new(&[("a", "old")]);
    let path = place.file("a");
    let staging = racing(&place, true, |act| matches!(act, Act::Exchange(..)), move || fs::remove_file(path).unwrap());
    assert_eq!(replace(&staging, &place), [Placed::Stale]);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.names(), Vec::<String>::new());

    let place = Place::new(&[("a", "old")]);
    let path = place.file("a");
    let become_folder = move || {
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "editor").unwrap();
    };
    let staging = racing(&place, true, |act| matches!(act, Act::Exchange(..)), become_folder);
    assert_eq!(replace(&staging, &place), [Placed::Stale]);
    place.staging().settle(STEP).unwrap();
    assert_eq!(place.content("a/inside").unwrap(), "editor");
}

#[test]
fn an_editor_that_saves_twice_loses_neither() {
    let place = Place::new(&[("a", "old")]);
    let path = place.file("a");
    let mut exchanges = 0;
    let staging = place.scripted(move |act| {
        if matches!(act, Act::Exchange(..)) {
            exchanges += 1;
            match exchanges {
                1 => fs::write(&path, "first").unwrap(),
                2 => fs::write(&path, "second").unwrap(),
                _ => {}
            }
        }
        Ok(())
    });
    assert_eq!(replace(&staging, &place), [Placed::Stale]);
    assert_eq!(place.content("a").unwrap(), "second");
    assert_eq!(place.staging().recover(STEP).unwrap(), [Fate::NotDone]);
    let kept = match place.staging().settle(STEP) {
        Err(Error::Source { path, .. }) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(fs::read_to_string(kept).unwrap(), "first");
    place.staging().settle(STEP).unwrap();
    assert_eq!(listing(&place.area()), ["kept"]);
    assert_eq!(place.content("a").unwrap(), "second");
}

#[test]
fn a_displaced_file_that_an_editor_goes_on_writing_is_kept() {
    let name = "\u{e9}".repeat(127);
    let place = Place::new(&[(&name, "old")]);
    let mut open = fs::OpenOptions::new().append(true).open(place.file(&name)).unwrap();
    let mut stage = place.staging().begin(STEP).unwrap();
    stage.replace(op(0), &place.file(&name), of("old"), b"new").unwrap();
    assert!(matches!(stage.commit().unwrap()[..], [Placed::Done(_)]));
    io::Write::write_all(&mut open, b" and more").unwrap();
    let kept = match place.staging().settle(STEP) {
        Err(Error::Source { path, .. }) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(fs::read_to_string(kept).unwrap(), "old and more");
    assert_eq!(place.content(&name).unwrap(), "new");
}

#[test]
fn an_edit_right_after_the_exchange_is_not_hidden_by_the_answer() {
    for by_rename in [true, false] {
        let place = Place::new(&[("a", "old")]);
        let path = place.file("a");
        let mut syncs = 0;
        let staging = place.scripted(move |act| {
            if act == Act::Sync {
                syncs += 1;
                match syncs {
                    2 if by_rename => edit_by_rename(&path, "xyz"),
                    2 => fs::write(&path, "longer").unwrap(),
                    _ => {}
                }
            }
            Ok(())
        });
        match replace(&staging, &place)[..] {
            [Placed::Done(Some(told))] => assert_ne!(told, stat(&place.file("a")).unwrap()),
            ref other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_digest_in_pieces_is_that_of_the_file_read_whole() {
    let content = "many pieces ".repeat(200_000);
    let place = Place::new(&[("a", &content), ("empty", "")]);
    for name in ["a", "empty"] {
        let (bytes, stat) = read_whole(&place.file(name)).unwrap();
        assert_eq!(digest_whole(&place.file(name)).unwrap(), (record::Digest::of(&bytes), stat));
    }
    assert!(matches!(digest_whole(&place.file(".")), Err(Error::Source { .. })));
    assert!(matches!(digest_whole(&place.file("gone")), Err(Error::Io { .. })));
}
