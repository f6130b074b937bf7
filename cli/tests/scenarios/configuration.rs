//! A wrong configuration: exit 2, the line, and a suggestion; nothing is synced.

use crate::harness::{Desk, SHEET_AND_CARDS};

/// Expects exit 2, these texts, and that nothing at all was touched.
#[track_caller]
fn wrong(from: &str, to: &str, says: &[&str]) {
    let (sheet, cards) = crate::harness::people(2);
    let desk = Desk::with(&sheet, &crate::harness::lent(&cards));
    desk.edit("syncretic.toml", from, to);
    let before = desk.files();
    for command in [&["sync"][..], &["plan"], &["status"], &["config", "check"], &["conflicts", "list"]] {
        let run = desk.run(command);
        assert_eq!(run.code, 2, "{command:?}: {run:?}");
        run.says(says);
    }
    let run = desk.run(&["sync", "--format", "json"]);
    assert_eq!(run.json()["exit"], 2);
    assert!(run.json()["error"]["problems"][0]["line"].is_u64(), "{run:?}");
    assert_eq!(desk.files(), before);
    assert!(!desk.state().exists());
}

#[test]
fn an_unknown_key_is_said_with_its_line_and_the_right_one() {
    wrong("path = \"cards\"", "pth = \"cards\"", &["syncretic.toml:7:1", "did you mean `path`?"]);
}

#[test]
fn an_unknown_option_is_said_with_its_line_and_the_right_one() {
    wrong("path = \"contacts.csv\"", "path = \"contacts.csv\"\ndelimeter = \";\"", &["syncretic.toml:5:1", "did you mean `delimiter`?"]);
}

#[test]
fn an_unknown_adapter_is_said_with_its_line_and_the_right_one() {
    wrong("\"vcard\"", "\"vcards\"", &["syncretic.toml:6:11", "did you mean `vcard`?"]);
}

#[test]
fn an_option_of_the_wrong_type_is_said_with_its_line() {
    wrong("path = \"contacts.csv\"", "path = \"contacts.csv\"\ndelimiter = 3", &["syncretic.toml:5:13", "must be text"]);
}

#[test]
fn a_kind_that_an_adapter_does_not_hold_is_said() {
    wrong("[job.contacts]", "[job.contacts]\nkind = \"event\"", &["syncretic.toml:2:8", "holds no records of kind `event`"]);
}

#[test]
fn a_column_that_is_not_there_is_said_with_its_line() {
    let (sheet, cards) = crate::harness::people(2);
    let desk = Desk::with(&sheet, &crate::harness::lent(&cards));
    desk.edit(
        "syncretic.toml",
        "path = \"contacts.csv\"",
        "path = \"contacts.csv\"\n[job.contacts.endpoint.columns]\n\"Mobil\" = \"phones[cell]/number\"",
    );
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 2, "{run:?}");
    run.says(&["Mobil", "syncretic.toml:"]);
}

#[test]
fn a_job_that_does_not_exist_is_said() {
    let desk = Desk::with("Name\n", &[]);
    let run = desk.run(&["sync", "contact"]);
    assert_eq!(run.code, 2);
    run.says(&["no job is called `contact`", "did you mean `contacts`?"]);
}

#[test]
fn without_a_configuration_the_seven_lines_are_shown() {
    let desk = Desk::new();
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 2);
    run.says(&["there is no configuration", "[[job.contacts.endpoint]]", "syncretic demo"]);
}

#[test]
fn a_configuration_in_order_is_said_to_be() {
    let (sheet, cards) = crate::harness::people(2);
    let desk = Desk::with(&sheet, &crate::harness::lent(&cards));
    let run = desk.run(&["config", "check"]);
    assert_eq!((run.code, run.out.as_str()), (0, "syncretic.toml is in order: 1 job, 2 endpoints\n"));
    assert!(!desk.state().exists());
    desk.put(
        "elsewhere/jobs.toml",
        SHEET_AND_CARDS.replace("\"contacts.csv\"", "\"../contacts.csv\"").replace("\"cards\"", "\"../cards\""),
    );
    assert_eq!(desk.run(&["-c", "elsewhere/jobs.toml", "sync"]).code, 0);
    assert_eq!(desk.run(&["-C", "elsewhere", "-c", "jobs.toml", "status"]).code, 0);
}

#[test]
fn a_wrong_command_line_exits_2() {
    let desk = Desk::new();
    for arguments in [
        &["snyc"][..],
        &["sync", "--confim", "x"],
        &["conflicts", "resolve", "c-1"],
        &["--format", "xml", "sync"],
        &["-C", "nowhere", "sync"],
    ] {
        assert_eq!(desk.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(desk.run(&["version"]).out, format!("syncretic {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(desk.run(&["version", "--format", "json"]).json()["version"], env!("CARGO_PKG_VERSION"));
}
