//! The state directory: where it is, and what happens when it is damaged.

use std::fs;

use crate::harness::{Desk, lent, people};

fn desk() -> Desk {
    let (sheet, cards) = people(5);
    let desk = Desk::with(&sheet, &lent(&cards));
    desk.sync(0);
    desk
}

/// Returns the only file of the state directory whose name ends so.
fn state_file(desk: &Desk, folder: &str, ending: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(desk.state().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().ends_with(ending)).min().unwrap()
}

#[test]
fn state_lives_where_the_variable_says_and_nowhere_else() {
    let desk = desk();
    for name in ["VERSION", "device.key", "store", "endpoints/contacts"] {
        assert!(desk.state().join(name).exists(), "{name}");
    }
    assert!(!desk.path("../home").exists());
    assert!(desk.files().keys().all(|path| !path.to_string_lossy().contains(".syncretic")));
}

#[test]
fn without_the_variable_state_lives_below_the_state_home() {
    let desk = desk();
    let home = desk.path("../xdg");
    fs::create_dir(&home).unwrap();
    let run =
        desk.command(&["sync"]).env_remove("SYNCRETIC_STATE_HOME").env("XDG_STATE_HOME", home.canonicalize().unwrap()).output().unwrap();
    assert!(run.status.success());
    assert!(home.join("syncretic/store").exists());
}

#[test]
fn a_damaged_object_store_is_exit_8_and_no_file_is_touched() {
    let desk = desk();
    let path = state_file(&desk, "endpoints/contacts", ".sqlite");
    fs::write(&path, "this is no database, it only has some length to be read as one".repeat(100)).unwrap();
    let before = desk.files();
    let run = desk.sync(8);
    run.says(&["no application's file was touched", path.file_name().unwrap().to_str().unwrap()]);
    assert_eq!(desk.files(), before);
    fs::remove_file(&path).unwrap();
    desk.settle();
}

#[test]
fn a_damaged_store_is_exit_8_and_no_file_is_touched() {
    let desk = desk();
    fs::write(desk.state().join("store/store.db"), "nonsense".repeat(1000)).unwrap();
    desk.edit("contacts.csv", "tea 3", "coffee");
    let before = desk.files();
    desk.sync(8).says(&["store.db", "damaged"]);
    assert_eq!(desk.files(), before);
}

#[test]
fn a_damaged_key_is_exit_8_and_says_what_to_do() {
    let desk = desk();
    fs::write(desk.state().join("device.key"), "").unwrap();
    desk.sync(8).says(&["device.key", "move it away"]);
    fs::remove_file(desk.state().join("device.key")).unwrap();
    desk.settle();
}

#[test]
fn a_state_directory_of_a_later_program_is_left_alone() {
    let desk = desk();
    fs::write(desk.state().join("VERSION"), "9\n").unwrap();
    desk.sync(8).says(&["version `9`"]);
}

#[test]
fn a_state_directory_that_is_gone_is_a_new_join_and_nobody_is_doubled() {
    let desk = desk();
    fs::remove_dir_all(desk.state()).unwrap();
    desk.settle();
    assert_eq!((desk.rows().len(), desk.cards().len()), (5, 5));
}

#[test]
fn a_store_that_is_gone_is_noticed_and_told_anew_and_no_file_is_touched() {
    let desk = desk();
    fs::remove_dir_all(desk.state().join("store")).unwrap();
    let before = desk.files();
    desk.sync(0).says(&["the store was made anew since v2"]);
    assert_eq!(desk.files(), before);
    desk.sync(0);
    assert_eq!(desk.files(), before);
}
