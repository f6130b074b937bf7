//! Deletions beyond a device's budget: they wait for an administrator's word, and go nowhere before it.

use serde_json::Value;

use crate::harness::{Desk, HEADER};
use crate::network::{Server, enroll, with_cards, with_sheet};

/// A desktop that administers the server with a folder of cards, and a laptop whose sheet may delete `budget` records a day.
fn pair(people: usize, budget: &str) -> (Server, Desk, Desk) {
    let server = Server::start();
    let (laptop, desktop) = (with_sheet(&server.url, people), with_cards(&server.url));
    enroll(&desktop, &server.url, &server.code, "desktop");
    let invited = desktop.run(&["device", "invite", "--grant", "contacts=write", "--delete-budget", budget, "--format", "json"]);
    enroll(&laptop, &server.url, invited.json()["code"].as_str().unwrap(), "laptop");
    assert_eq!(desktop.run(&["collection", "create", "contacts"]).code, 0);
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), people);
    (server, laptop, desktop)
}

/// Leaves only so many rows.
fn shorten(desk: &Desk, rows: usize) -> String {
    let whole = desk.text("contacts.csv");
    desk.put("contacts.csv", whole.lines().take(rows + 1).map(|line| format!("{line}\n")).collect::<String>());
    whole
}

fn waiting(administrator: &Desk) -> Vec<Value> {
    let run = administrator.run(&["deletion", "list", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    run.json()["deletions"].as_array().unwrap().iter().filter(|one| one["verdict"].is_null()).cloned().collect()
}

#[test]
fn deletions_beyond_the_budget_wait_until_an_administrator_approves_them() {
    let (_server, laptop, desktop) = pair(12, "2");
    shorten(&laptop, 8);
    for _ in 0..2 {
        laptop.sync(5).says(&["deletes 4 records", "where 2 are left", "syncretic deletion list"]);
    }
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 12);
    let held = waiting(&desktop);
    assert_eq!(held.len(), 1, "asking twice is one wish: {held:?}");
    assert_eq!((&held[0]["deletions"], &held[0]["name"], &held[0]["collection"]), (&4.into(), &"laptop".into(), &"contacts".into()));
    let listed = desktop.run(&["deletion", "list"]);
    assert!(listed.out.contains("waits") && listed.out.contains("4 deletions of laptop"), "{listed:?}");
    assert_eq!(laptop.run(&["deletion", "approve", held[0]["transaction"].as_str().unwrap()]).code, 7);
    let approved = desktop.run(&["deletion", "approve", &held[0]["transaction"].as_str().unwrap()[..6]]);
    assert_eq!(approved.code, 0, "{approved:?}");
    assert!(approved.out.contains("laptop may delete these 4 records of contacts"), "{approved:?}");
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 8);
    assert!(waiting(&desktop).is_empty());
    laptop.settle();
    desktop.settle();
    let audit = desktop.run(&["audit", "--format", "json"]).json();
    let actions: Vec<&str> = audit["lines"].as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    assert!(actions.contains(&"hold") && actions.contains(&"approve"), "{actions:?}");
}

#[test]
fn a_rejected_deletion_is_told_and_the_records_that_are_put_back_are_simply_there() {
    let (_server, laptop, desktop) = pair(12, "0");
    let whole = shorten(&laptop, 9);
    laptop.sync(5).says(&["deletes 3 records"]);
    let held = waiting(&desktop);
    let rejected = desktop.run(&["deletion", "reject", held[0]["transaction"].as_str().unwrap()]);
    assert_eq!(rejected.code, 0, "{rejected:?}");
    laptop.sync(5).says(&["`desktop` rejected", "put the records back"]);
    let again = desktop.run(&["deletion", "approve", held[0]["transaction"].as_str().unwrap()]);
    assert_eq!(again.code, 2, "{again:?}");
    laptop.put("contacts.csv", whole);
    laptop.sync(0);
    laptop.settle();
    desktop.settle();
    assert_eq!((laptop.rows().len(), desktop.cards().len()), (12, 12));
}

#[test]
fn held_deletions_that_are_taken_back_hold_nothing_up() {
    let (_server, laptop, desktop) = pair(12, "1");
    let whole = shorten(&laptop, 9);
    laptop.sync(5);
    laptop.put("contacts.csv", whole.replace(",tea 3\n", ",coffee 3\n"));
    laptop.sync(0);
    laptop.settle();
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 12);
    // Within the budget nobody is asked.
    laptop.edit("contacts.csv", &format!("{}\n", laptop.text("contacts.csv").lines().nth(5).unwrap()), "");
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 11);
}

#[test]
fn a_budget_is_shown_changed_and_lifted_again() {
    let (_server, laptop, desktop) = pair(12, "0");
    assert!(desktop.run(&["device", "show", "laptop"]).out.contains("at most 0 deletions a day"));
    shorten(&laptop, 9);
    laptop.sync(5);
    let granted = desktop.run(&["device", "grant", "laptop", "contacts=write"]);
    assert_eq!(granted.code, 0, "{granted:?}");
    assert!(!granted.out.contains("deletions a day"), "{granted:?}");
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 9);
    assert!(laptop.text("contacts.csv").starts_with(HEADER));
}
