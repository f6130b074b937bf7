//! The main job: a spreadsheet and a folder of cards are kept the same.

use crate::harness::{Desk, HEADER, card};

const ADA: &str = "Ada Abel,+49 170 111,ada@abel.example,Assam\n";

fn desk() -> Desk {
    let ada = card("app-1", "Ada Abel", "ada@abel.example", "+49 170 111");
    Desk::with(&format!("{HEADER}{ADA}"), &[("ada.vcf", &ada)])
}

#[test]
fn a_first_sync_of_what_is_the_same_changes_no_byte() {
    let desk = desk();
    let before = desk.contents();
    desk.sync(0);
    assert_eq!(desk.contents(), before);
    desk.settle();
}

#[test]
fn edits_of_one_person_on_both_sides_arrive_on_both_and_every_other_byte_stays() {
    let desk = desk();
    desk.sync(0);
    let (sheet, ada) = (desk.text("contacts.csv"), desk.text("cards/ada.vcf"));
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    desk.edit("cards/ada.vcf", "ada@abel.example", "ada@work.example");
    let job = desk.sync_job(0);
    assert_eq!(job["conflicts"], 0);
    let both = |text: &str| text.replace("+49 170 111", "+49 170 222").replace("ada@abel.example", "ada@work.example");
    assert_eq!(desk.text("contacts.csv"), both(&sheet));
    assert_eq!(desk.text("cards/ada.vcf"), both(&ada));
    desk.settle();
}

#[test]
fn a_further_sync_writes_nothing_at_all() {
    let desk = desk();
    desk.sync(0);
    let before = desk.files();
    let job = desk.sync_job(0);
    assert_eq!(job["bytes_written"], 0);
    assert_eq!(desk.files(), before);
}

#[test]
fn a_new_row_becomes_a_card_and_a_new_card_a_row_after_the_first_sync_too() {
    let desk = desk();
    desk.sync(0);
    desk.put("contacts.csv", format!("{HEADER}{ADA}Björn Berg,+46 70 1,bjorn@berg.example,\n"));
    desk.put("cards/chloe.vcf", card("app-3", "Chloé Castro", "chloe@castro.example", "+33 6 1"));
    desk.sync(0);
    let bjorn = desk.text(&desk.card_with("bjorn@berg.example"));
    assert!(bjorn.contains("Björn Berg") && bjorn.contains("+46 70 1") && bjorn.contains("UID:"), "{bjorn}");
    assert_eq!(desk.rows()[2], "Chloé Castro,+33 6 1,chloe@castro.example,");
    desk.settle();
}

#[test]
fn a_card_that_was_made_of_a_row_changes_in_the_line_that_was_edited_alone() {
    let desk = desk();
    desk.sync(0);
    desk.put("contacts.csv", format!("{HEADER}{ADA}Björn Berg,+46 70 1,bjorn@berg.example,\n"));
    desk.sync(0);
    let name = desk.card_with("bjorn@berg.example");
    let made = desk.text(&name);
    desk.edit("contacts.csv", "+46 70 1", "+46 70 2");
    desk.sync(0);
    assert_eq!(desk.text(&name), made.replace("+46 70 1", "+46 70 2"));
    desk.settle();
}

#[test]
fn a_job_of_three_endpoints_is_the_same_everywhere() {
    let desk = desk();
    let more = "[[job.contacts.endpoint]]\nadapter = \"vcard\"\npath = \"phone.vcf\"\n";
    desk.put("syncretic.toml", format!("{}{more}", crate::harness::SHEET_AND_CARDS));
    desk.put("phone.vcf", card("phone-9", "Björn Berg", "bjorn@berg.example", "+46 70 1"));
    desk.sync(0);
    assert!(desk.text("phone.vcf").contains("ada@abel.example"));
    assert_eq!(desk.rows().len(), 2);
    assert_eq!(desk.cards().len(), 2);
    desk.settle();
}

#[test]
fn a_plan_says_what_a_sync_does_and_writes_nothing_anywhere() {
    let desk = desk();
    desk.put("cards/chloe.vcf", card("app-3", "Chloé Castro", "chloe@castro.example", "+33 6 1"));
    let before = desk.files();
    let run = desk.run(&["plan"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("+ Chloé Castro") && run.out.contains("Nothing was written"), "{}", run.out);
    assert_eq!(desk.files(), before);
    assert!(!desk.state().exists());
    let planned = desk.run(&["plan", "--format", "json"]).json()["jobs"][0].clone();
    let done = desk.sync_job(0);
    assert_eq!((&planned["pushed"], &planned["pulled"]), (&done["pushed"], &done["pulled"]));
    let state = desk.state_contents();
    let run = desk.run(&["plan"]);
    assert!(run.out.contains("in sync"), "{}", run.out);
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    assert_eq!(desk.run(&["plan"]).code, 0);
    assert_eq!(desk.state_contents(), state);
}

#[test]
fn a_report_for_programs_has_what_programs_need() {
    let desk = desk();
    let job = desk.sync_job(0);
    assert_eq!(job["job"], "contacts");
    for member in ["head", "pushed", "pulled", "conflicts", "quarantined", "bytes_written", "exit"] {
        assert!(job[member].is_u64(), "{member}: {job}");
    }
    assert_eq!(job["endpoints"].as_array().unwrap().len(), 2);
    let events = desk.run(&["sync", "--format", "ndjson"]);
    let kinds: Vec<String> =
        events.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].to_string()).collect();
    assert_eq!(kinds, ["\"job\"", "\"end\""]);
}

#[test]
fn status_says_what_waits_without_writing_anything() {
    let desk = desk();
    desk.sync(0);
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    let before = desk.files();
    let run = desk.run(&["status"]);
    assert_eq!(run.code, 0);
    assert!(run.out.contains("to sync") && run.out.contains("syncretic plan contacts"), "{}", run.out);
    assert_eq!(desk.files(), before);
    desk.sync(0);
    assert!(desk.run(&["status"]).out.contains("in sync"));
}

#[test]
fn a_job_that_stops_leaves_the_others_alone_and_the_gravest_decides() {
    let desk = desk();
    let other = "[job.other]\n[[job.other.endpoint]]\nadapter = \"csv\"\npath = \"gone.csv\"\n";
    desk.put("syncretic.toml", format!("{other}{}", crate::harness::SHEET_AND_CARDS));
    desk.put("cards/chloe.vcf", card("app-3", "Chloé Castro", "chloe@castro.example", "+33 6 1"));
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 5, "{run:?}");
    run.says(&["gone.csv", "job `other`"]);
    assert_eq!(desk.rows().len(), 2);
    assert_eq!(desk.run(&["sync", "contacts"]).code, 0);
}
