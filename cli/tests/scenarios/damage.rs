//! Bad input: said clearly, quarantined only where it must be, and never taken for a deletion.

use std::fs;

use crate::harness::{Desk, HEADER, Run, card, lent, people};

fn desk(count: usize) -> Desk {
    let (sheet, cards) = people(count);
    let desk = Desk::with(&sheet, &lent(&cards));
    desk.sync(0);
    desk
}

/// Expects that a damaged card is quarantined, that its person stays, and that restoring it heals everything.
#[track_caller]
fn quarantined(damage: impl FnOnce(&str) -> Vec<u8>) -> Run {
    let desk = desk(10);
    let card = desk.text("cards/003.vcf");
    let sheet = desk.text("contacts.csv");
    let damaged = damage(&card);
    desk.put("cards/003.vcf", &damaged);
    let run = desk.sync(3);
    run.says(&["003.vcf", "cannot be read", "q-"]);
    assert_eq!(desk.sync_job(3)["quarantined"], 1);
    assert_eq!(desk.text("contacts.csv"), sheet);
    assert_eq!(fs::read(desk.path("cards/003.vcf")).unwrap(), damaged);
    let listed = desk.run(&["quarantine", "list", "--format", "json"]).json()["quarantine"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let shown = desk.run(&["quarantine", "show", listed[0]["id"].as_str().unwrap()]);
    assert!(shown.out.contains("003.vcf"), "{shown:?}");

    desk.edit("cards/004.vcf", "+49 170 555 0004", "+49 170 555 4444");
    desk.sync(3);
    assert!(desk.text("contacts.csv").contains("+49 170 555 4444"), "the others go on");

    desk.put("cards/003.vcf", &card);
    desk.settle();
    assert_eq!(desk.cards().len(), 10);
    run
}

#[test]
fn a_card_cut_off_before_its_uid_is_quarantined_and_heals() {
    quarantined(|card| card.as_bytes()[..card.find("UID").unwrap()].to_vec());
}

#[test]
fn a_card_cut_off_in_its_middle_is_quarantined_and_heals() {
    quarantined(|card| card.as_bytes()[..card.len() - 30].to_vec());
}

#[test]
fn a_card_of_no_bytes_is_torn_and_not_deleted() {
    quarantined(|_| Vec::new());
}

#[test]
fn a_card_that_is_no_card_is_quarantined() {
    quarantined(|_| b"\x00\x01\x02 this was a photo once".to_vec());
}

#[test]
fn a_hundred_thousand_nested_begins_are_quarantined() {
    quarantined(|_| "BEGIN:VCARD\r\n".repeat(100_000).into_bytes());
}

#[cfg(unix)]
#[test]
fn a_card_that_may_not_be_read_is_not_deleted() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let desk = desk(10);
    // A dangling symlink fails for everybody, a mode only for those who are not root.
    let card = desk.text("cards/003.vcf");
    desk.remove("cards/003.vcf");
    symlink(desk.path("gone"), desk.path("cards/003.vcf")).unwrap();
    fs::set_permissions(desk.path("cards/004.vcf"), fs::Permissions::from_mode(0o000)).unwrap();
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 3 | 5), "{run:?}");
    run.says(&["003.vcf"]);
    assert_eq!(desk.rows().len(), 10);
    fs::set_permissions(desk.path("cards/004.vcf"), fs::Permissions::from_mode(0o600)).unwrap();
    desk.remove("cards/003.vcf");
    desk.put("cards/003.vcf", card);
    desk.settle();
}

#[test]
fn a_row_with_too_few_cells_is_quarantined_and_its_card_stays() {
    let desk = desk(10);
    let (name, email, phone) = crate::harness::person(3);
    let (whole, cut) = (format!("{name},{phone},{email},tea 3\n"), format!("{name},{phone}\n"));
    desk.edit("contacts.csv", &whole, &cut);
    let run = desk.sync(3);
    run.says(&["contacts.csv:5"]);
    assert_eq!(desk.cards().len(), 10);
    desk.edit("contacts.csv", &cut, &whole);
    desk.settle();
}

#[test]
fn a_sheet_that_is_not_whole_stops_its_job_and_touches_nothing() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "0 bytes"),
        (b"Ada Abel,+49 170 555 0000,person0@mail.example,tea\n", "contacts.csv"),
        (b"Name,Mobile,Email,Favourite tea\n\"Ada Abel,+49 1,a@b.example,tea\n", "contacts.csv"),
    ];
    for (content, message) in cases {
        let desk = desk(10);
        desk.put("contacts.csv", content);
        let before = desk.files();
        let run = desk.run(&["sync"]);
        assert!(matches!(run.code, 2 | 3 | 5), "{run:?}");
        run.says(&[message]);
        assert_eq!(desk.files(), before);
        assert_eq!(desk.cards().len(), 10);
    }
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let desk = desk(10);
    let mut sheet = desk.text("contacts.csv").into_bytes();
    let at = sheet.windows(5).position(|window| window == b"tea 3").unwrap();
    sheet[at] = 0xff;
    desk.put("contacts.csv", &sheet);
    let mut card = desk.text("cards/004.vcf").into_bytes();
    let at = card.windows(4).position(|window| window == b"SHOE").unwrap();
    card[at] = 0xff;
    desk.put("cards/004.vcf", &card);
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 0 | 3), "{run:?}");
    assert_eq!((desk.cards().len(), desk.text_lossy("contacts.csv").lines().count()), (10, 11));
    assert!(fs::read(desk.path("contacts.csv")).unwrap().contains(&0xff));
    assert!(fs::read(desk.path("cards/004.vcf")).unwrap().contains(&0xff));
}

#[test]
fn a_line_of_ten_megabytes_is_carried_or_quarantined() {
    let desk = desk(3);
    let long =
        card("app-long", "Long Line", "long@mail.example", "+49 9").replace("X-SHOE-SIZE:38", &format!("NOTE:{}", "x".repeat(10 << 20)));
    desk.put("cards/long.vcf", &long);
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 0 | 3), "{}", run.err);
    assert_eq!(desk.text("cards/long.vcf"), long);
    assert!(desk.rows().len() >= 3);
}

#[test]
fn a_uid_that_two_cards_have_is_said_and_nobody_is_lost() {
    let desk = desk(3);
    desk.put("cards/copy.vcf", desk.text("cards/001.vcf").replace("+49 170 555 0001", "+49 170 555 1111"));
    let before = desk.contents();
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 0 | 3), "{run:?}");
    if run.code == 3 {
        run.says(&["the same UID stands in 001.vcf and copy.vcf"]);
        assert_eq!(desk.contents(), before);
    }
    assert_eq!(desk.cards().len(), 4);
    desk.remove("cards/copy.vcf");
    desk.sync(0);
    assert_eq!((desk.cards().len(), desk.rows().len()), (3, 3));
}

#[test]
fn a_missing_folder_is_no_deletion() {
    let desk = desk(10);
    fs::rename(desk.path("cards"), desk.path("unmounted")).unwrap();
    let run = desk.sync(5);
    run.says(&["cards", "nothing was taken for deleted", "syncretic.toml:7"]);
    assert_eq!(desk.rows().len(), 10);
    fs::rename(desk.path("unmounted"), desk.path("cards")).unwrap();
    desk.settle();
}

#[test]
fn an_empty_folder_in_the_place_of_another_is_no_deletion() {
    let desk = desk(10);
    fs::rename(desk.path("cards"), desk.path("unmounted")).unwrap();
    fs::create_dir(desk.path("cards")).unwrap();
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 0 | 5), "{run:?}");
    assert_eq!(desk.rows().len(), 10);
}

#[test]
fn what_an_adapter_cannot_read_first_is_not_born_from_the_other_side() {
    let desk = Desk::with(&format!("{HEADER}Ada Abel,+49 1,ada@abel.example,\n"), &[("ada.vcf", "")]);
    desk.sync(3).says(&["ada.vcf"]);
    assert_eq!(desk.text("cards/ada.vcf"), "");
}
