//! Deletions: they go everywhere, an edit is stronger, and many at once are held.

use crate::harness::{Desk, lent, people, person};

fn desk(count: usize) -> Desk {
    let (sheet, cards) = people(count);
    let desk = Desk::with(&sheet, &lent(&cards));
    desk.sync(0);
    desk
}

#[test]
fn a_deleted_row_takes_its_card_along_and_neither_comes_back() {
    let desk = desk(10);
    let (name, email, phone) = person(3);
    desk.edit("contacts.csv", &format!("{name},{phone},{email},tea 3\n"), "");
    desk.sync(0);
    assert_eq!(desk.cards().len(), 9);
    assert!(!desk.path("cards/003.vcf").exists());
    desk.settle();
    desk.edit("cards/004.vcf", "+49 170 555 0004", "+49 170 555 9994");
    desk.sync(0);
    assert_eq!((desk.cards().len(), desk.rows().len()), (9, 9));
}

#[test]
fn a_deleted_card_takes_its_row_along() {
    let desk = desk(10);
    desk.remove("cards/003.vcf");
    desk.sync(0);
    assert_eq!(desk.rows().len(), 9);
    assert!(!desk.text("contacts.csv").contains("person3@"));
    desk.settle();
}

#[test]
fn a_card_deleted_on_one_side_and_edited_on_the_other_lives() {
    let desk = desk(10);
    desk.remove("cards/003.vcf");
    desk.edit("contacts.csv", "+49 170 555 0003", "+49 170 555 7777");
    desk.sync(0);
    assert_eq!((desk.cards().len(), desk.rows().len()), (10, 10));
    let card = desk.text(&desk.card_with("person3@mail.example"));
    assert!(card.contains("+49 170 555 7777") && card.contains("X-SHOE-SIZE:38"), "{card}");
    desk.settle();
}

#[test]
fn ninety_nine_of_a_hundred_deletions_are_held_until_exactly_they_are_confirmed() {
    let desk = desk(100);
    let sheet = desk.text("contacts.csv");
    let kept: String = sheet.lines().take(2).map(|line| format!("{line}\n")).collect();
    desk.put("contacts.csv", &kept);
    let run = desk.sync(5);
    run.says(&["99 of 100", "nothing was deleted", "syncretic sync --confirm hold-", "... and 94 more"]);
    assert_eq!((desk.cards().len(), desk.text("contacts.csv")), (100, kept));
    assert_eq!(desk.run(&["sync", "--yes"]).code, 5);
    let hold = desk.sync_job(5)["error"]["hold"]["name"].as_str().unwrap().to_owned();
    assert!(run.err.contains(&hold));

    desk.put("contacts.csv", sheet.lines().take(1).map(|line| format!("{line}\n")).collect::<String>());
    let run = desk.run(&["sync", "--confirm", &hold]);
    assert_eq!(run.code, 5, "one more than was shown: {run:?}");
    assert_eq!(desk.cards().len(), 100);

    desk.put("contacts.csv", sheet.lines().take(2).map(|line| format!("{line}\n")).collect::<String>());
    let run = desk.run(&["sync", "--confirm", &hold]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!((desk.cards().len(), desk.rows().len()), (1, 1));
    desk.settle();
    assert_eq!(desk.run(&["sync", "--confirm", &hold]).code, 2);
}

#[test]
fn held_records_that_are_put_back_are_simply_there() {
    let desk = desk(20);
    let sheet = desk.text("contacts.csv");
    desk.put("contacts.csv", sheet.lines().take(1).map(|line| format!("{line}\n")).collect::<String>());
    desk.sync(5);
    desk.put("contacts.csv", &sheet);
    desk.settle();
    assert_eq!(desk.cards().len(), 20);
}

#[test]
fn a_header_only_sheet_is_a_deletion_under_the_guard() {
    let desk = desk(20);
    desk.put("contacts.csv", crate::harness::HEADER);
    desk.sync(5).says(&["20 of 20"]);
    assert_eq!(desk.cards().len(), 20);
}

#[test]
fn an_emptied_folder_of_cards_deletes_nothing() {
    let desk = desk(20);
    for name in desk.cards() {
        desk.remove(&format!("cards/{name}"));
    }
    desk.sync(5);
    assert_eq!(desk.rows().len(), 20);
}

#[test]
fn an_endpoint_whose_path_was_changed_is_a_new_join() {
    let desk = desk(20);
    std::fs::create_dir(desk.path("other")).unwrap();
    desk.edit("syncretic.toml", "path = \"cards\"", "path = \"other\"");
    desk.sync(0);
    assert_eq!(desk.rows().len(), 20);
    assert_eq!(
        std::fs::read_dir(desk.path("other")).unwrap().filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count(),
        20
    );
    desk.settle();
}

#[test]
fn a_named_endpoint_whose_path_was_changed_is_a_new_join_too() {
    let desk = Desk::with("", &[]);
    let (sheet, cards) = people(20);
    desk.put("contacts.csv", sheet);
    cards.iter().for_each(|(name, content)| desk.put(&format!("cards/{name}"), content));
    desk.edit("syncretic.toml", "path = \"cards\"", "name = \"phone\"\npath = \"cards\"");
    desk.sync(0);
    std::fs::create_dir(desk.path("other")).unwrap();
    desk.edit("syncretic.toml", "path = \"cards\"", "path = \"other\"");
    desk.sync(0);
    assert_eq!((desk.rows().len(), desk.cards().len()), (20, 20));
    desk.settle();
}
