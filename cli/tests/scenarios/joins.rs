//! Joins: the same people under other ids become one each, and nobody else does.

use crate::harness::{Desk, HEADER, card, lent, people};

#[test]
fn a_hundred_and_a_hundred_of_the_same_people_are_a_hundred() {
    let (sheet, cards) = people(100);
    let desk = Desk::with(&sheet, &lent(&cards));
    let before = desk.contents();
    let job = desk.sync_job(0);
    assert_eq!(job["records"], 100, "{job}");
    assert_eq!(desk.contents(), before);
    desk.settle();
}

#[test]
fn a_couple_with_one_address_stays_two_and_is_listed() {
    let jonas = card("app-1", "Jonas Brandt", "brandts@mail.example", "+49 171 1");
    let desk = Desk::with(&format!("{HEADER}Petra Brandt,+49 171 2,brandts@mail.example,\n"), &[("jonas.vcf", &jonas)]);
    desk.sync(0);
    assert_eq!(desk.rows(), ["Jonas Brandt,+49 171 1,brandts@mail.example,", "Petra Brandt,+49 171 2,brandts@mail.example,"]);
    assert_eq!(desk.cards().len(), 2);
    let links = desk.run(&["link", "list", "--format", "json"]).json();
    assert_eq!(links["links"][0]["linked"], false, "{links}");
    desk.settle();
}

#[test]
fn two_people_with_one_name_stay_apart() {
    let cards = [card("app-1", "Ada Abel", "ada@one.example", "+49 1"), card("app-2", "Ada Abel", "ada@two.example", "+49 2")];
    let desk = Desk::with(&format!("{HEADER}Ada Abel,+49 3,ada@three.example,\n"), &[("one.vcf", &cards[0]), ("two.vcf", &cards[1])]);
    desk.sync(0);
    assert_eq!((desk.rows().len(), desk.cards().len()), (3, 3));
    desk.settle();
}

#[test]
fn a_doubtful_pair_can_be_accepted_and_split_again() {
    let jon = card("app-1", "Jonas Brandt", "brandts@mail.example", "+49 171 1");
    let desk = Desk::with(&format!("{HEADER}Petra Brandt,+49 171 2,brandts@mail.example,\n"), &[("jonas.vcf", &jon)]);
    desk.sync(0);
    let link = || desk.run(&["link", "list", "--format", "json"]).json()["links"][0].clone();
    let id = link()["id"].as_str().unwrap().to_owned();
    let run = desk.run(&["link", "accept", &id]);
    assert!(matches!(run.code, 0 | 4), "{run:?}");
    assert_eq!((desk.rows().len(), desk.cards().len()), (1, 1), "{:?}", desk.text("contacts.csv"));
    assert_eq!(link()["linked"], true);
    let run = desk.run(&["link", "split", &id]);
    assert!(matches!(run.code, 0 | 4), "{run:?}");
    assert_eq!((desk.rows().len(), desk.cards().len()), (2, 2), "{:?}", desk.text("contacts.csv"));
}

#[test]
fn linking_can_be_left_to_a_person() {
    let (sheet, cards) = people(3);
    let desk = Desk::with(&sheet, &lent(&cards));
    desk.put("syncretic.toml", format!("{}[job.contacts.link]\nauto = false\n", crate::harness::SHEET_AND_CARDS));
    desk.sync(0);
    assert_eq!((desk.rows().len(), desk.cards().len()), (6, 6));
    assert_eq!(desk.run(&["link", "list", "--format", "json"]).json()["links"].as_array().unwrap().len(), 3);
}

/// A file, and a folder that is still to be made, of two items each.
fn with_a_folder_to_be_made(adapter: &str, file: &str, content: &str) -> Desk {
    let desk = Desk::new();
    let job = format!(
        "[job.things]\n[[job.things.endpoint]]\nadapter = \"{adapter}\"\npath = \"{file}\"\n[[job.things.endpoint]]\nadapter = \"{adapter}\"\npath = \"deep/folder\"\ncreate = true\n"
    );
    desk.put("syncretic.toml", job);
    desk.put(file, content);
    desk.sync(0);
    desk
}

#[test]
fn a_folder_of_cards_that_the_first_sync_made_is_the_same_place_in_the_second() {
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada\r\nN:;Ada;;;\r\nTEL:1\r\nNOTE:old\r\nEND:VCARD\r\n";
    let desk = with_a_folder_to_be_made("vcard", "all.vcf", &format!("{card}{}", card.replace("ada", "bob").replace("Ada", "Bob")));
    desk.edit("deep/folder/ada.vcf", "NOTE:old", "NOTE:new");
    desk.put("all.vcf", desk.text("all.vcf").replacen("TEL:1", "TEL:2", 1));
    desk.remove("deep/folder/bob.vcf");
    desk.sync(0);
    let made = desk.text("deep/folder/ada.vcf");
    assert!(made.contains("NOTE:new") && made.contains("TEL:2") && !made.contains("TEL:1"), "{made}");
    assert_eq!(desk.text("all.vcf"), card.replace("NOTE:old", "NOTE:new").replace("TEL:1", "TEL:2"));
    desk.settle();
}

#[test]
fn a_folder_of_events_that_the_first_sync_made_is_the_same_place_in_the_second() {
    let event =
        "BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:Old\r\nLOCATION:Here\r\nEND:VEVENT\r\n";
    let file = |event: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//A//B//EN\r\n{event}END:VCALENDAR\r\n");
    let desk = with_a_folder_to_be_made("ical", "all.ics", &file(event));
    desk.edit("deep/folder/a.ics", "SUMMARY:Old", "SUMMARY:New");
    desk.edit("all.ics", "LOCATION:Here", "LOCATION:There");
    desk.sync(0);
    assert_eq!(desk.text("all.ics"), file(&event.replace("Old", "New").replace("Here", "There")));
    let made = desk.text("deep/folder/a.ics");
    assert!(made.contains("SUMMARY:New") && made.contains("LOCATION:There"), "{made}");
    desk.settle();
}
