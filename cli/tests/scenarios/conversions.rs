//! One-shot conversions: through the universal record, into a place that is not there yet.

use std::fs;

use crate::harness::{Desk, card, lent, people};

#[test]
fn cards_become_a_sheet_and_cards_again() {
    let (_, cards) = people(12);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "out.csv"]);
    assert_eq!(run.code, 0, "{run:?}");
    let sheet = desk.text("out.csv");
    assert_eq!(sheet.lines().count(), 13);
    for number in 0..12 {
        let (name, email, phone) = crate::harness::person(number);
        let row = sheet.lines().find(|row| row.contains(&email)).unwrap();
        assert!(row.contains(&name) && row.contains(&phone), "{row}");
    }
    run.says(&["cannot hold these fields"]);
    assert_eq!(desk.run(&["convert", "out.csv", "again", "--version", "4.0"]).code, 0);
    let again: Vec<String> =
        fs::read_dir(desk.path("again")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(again.len(), 12);
    let ada = again.iter().find(|card| card.contains("person0@mail.example")).unwrap();
    assert!(ada.contains("VERSION:4.0") && ada.contains(":app-000") && ada.contains("+49 170 555 0000"), "{ada}");
}

#[test]
fn a_folder_becomes_a_single_file_of_another_version() {
    let (_, cards) = people(5);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "all.vcf", "--version", "4.0"]);
    assert_eq!(run.code, 0, "{run:?}");
    let all = desk.text("all.vcf");
    assert_eq!((all.matches("BEGIN:VCARD").count(), all.matches("VERSION:4.0").count()), (5, 5));
    assert_eq!(all.matches("X-SHOE-SIZE:38").count(), 5, "{all}");
}

#[test]
fn a_conversion_is_the_same_every_time() {
    let (sheet, _) = people(5);
    let desk = Desk::with(&sheet, &[]);
    assert_eq!(desk.run(&["convert", "contacts.csv", "one.vcf"]).code, 0);
    assert_eq!(desk.run(&["convert", "contacts.csv", "two.vcf"]).code, 0);
    assert_eq!(desk.text("one.vcf"), desk.text("two.vcf"));
}

#[test]
fn nothing_is_ever_overwritten() {
    let (sheet, cards) = people(3);
    let desk = Desk::with(&sheet, &lent(&cards));
    let before = desk.contents();
    for output in ["contacts.csv", "cards", "cards/001.vcf"] {
        let run = desk.run(&["convert", "cards", output]);
        assert_eq!(run.code, 2, "{run:?}");
        run.says(&["exists already"]);
    }
    assert_eq!(desk.contents(), before);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_converted() {
    let (_, mut cards) = people(3);
    cards[1].1.truncate(40);
    let desk = Desk::with("Name\n", &lent(&cards));
    let run = desk.run(&["convert", "cards", "out.csv"]);
    assert_eq!(run.code, 3, "{run:?}");
    run.says(&["001.vcf", "not in the output"]);
    assert_eq!(desk.text("out.csv").lines().count(), 3);
}

#[test]
fn a_conversion_that_cannot_be_done_leaves_nothing() {
    let desk = Desk::with("Name\n", &[("ada.vcf", &card("a", "Ada Abel", "a@b.example", "1"))]);
    let before = desk.contents();
    for arguments in [
        &["convert", "nowhere", "out.csv"][..],
        &["convert", "cards", "out.xyz"],
        &["convert", "cards", "no/folder/out.csv"],
        &["convert", "cards", "out.csv", "--version", "4.0"],
        &["convert", "cards", "out.vcf", "--version", "9"],
        &["convert", "cards", "out", "--to", "vcards"],
    ] {
        let run = desk.run(arguments);
        assert!(matches!(run.code, 2 | 5), "{arguments:?}: {run:?}");
        assert_eq!(desk.contents(), before, "{arguments:?}");
    }
    assert!(!desk.state().exists());
}
