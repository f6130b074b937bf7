//! Conflicts: one value stands, none is lost, and a person settles them everywhere.

use crate::harness::{Desk, HEADER, card};
use serde_json::Value;

fn desk() -> Desk {
    let ada = card("app-1", "Ada Abel", "ada@abel.example", "+49 170 111");
    let desk = Desk::with(&format!("{HEADER}Ada Abel,+49 170 111,ada@abel.example,Assam\n"), &[("ada.vcf", &ada)]);
    desk.sync(0);
    desk
}

fn disputed() -> (Desk, Value) {
    let desk = desk();
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    desk.edit("cards/ada.vcf", "+49 170 111", "+49 170 333");
    assert_eq!(desk.sync_job(4)["conflicts"], 1);
    let conflicts = desk.run(&["conflicts", "list", "--format", "json"]).json()["conflicts"].clone();
    assert_eq!(conflicts.as_array().unwrap().len(), 1);
    (desk, conflicts[0].clone())
}

fn id(conflict: &Value) -> &str {
    conflict["id"].as_str().unwrap()
}

#[test]
fn the_same_field_edited_on_both_sides_keeps_both_values_and_says_so_until_it_is_settled() {
    let (desk, conflict) = disputed();
    let values: Vec<&str> = ["1", "2", "base"].into_iter().map(|name| conflict[name].as_str().unwrap()).collect();
    assert_eq!(values[2], "+49 170 111");
    let mut sides = [values[0], values[1]];
    sides.sort_unstable();
    assert_eq!(sides, ["+49 170 222", "+49 170 333"]);
    assert_eq!(conflict["title"], "Ada Abel");
    for file in ["contacts.csv", "cards/ada.vcf"] {
        assert!(desk.text(file).contains(values[0]), "{file}");
    }
    let run = desk.sync(4);
    assert!(run.out.contains("CONFLICTS 1") && run.out.contains("syncretic conflicts show c-"), "{}", run.out);
    assert_eq!(desk.sync_job(4)["bytes_written"], 0);
}

#[test]
fn the_value_that_was_kept_can_be_put_everywhere() {
    let (desk, conflict) = disputed();
    let kept = conflict["2"].as_str().unwrap();
    let run = desk.run(&["conflicts", "resolve", id(&conflict), "--take", "2"]);
    assert_eq!(run.code, 0, "{run:?}");
    desk.settle();
    for file in ["contacts.csv", "cards/ada.vcf"] {
        assert!(desk.text(file).contains(kept), "{file}");
    }
}

#[test]
fn the_value_that_stands_can_stay() {
    let (desk, conflict) = disputed();
    let before = desk.files();
    assert_eq!(desk.run(&["conflicts", "resolve", &id(&conflict)[..6], "--take", "1"]).code, 0);
    desk.settle();
    assert_eq!(desk.files(), before);
}

#[test]
fn a_third_value_and_the_old_one_can_be_put_everywhere() {
    for (take, value) in [("+49 170 444", "+49 170 444"), ("base", "+49 170 111"), ("=1", "TEL;TYPE=CELL:1")] {
        let (desk, conflict) = disputed();
        let run = desk.run(&["conflicts", "resolve", id(&conflict), "--take", take]);
        assert_eq!(run.code, 0, "{run:?}");
        desk.settle();
        assert!(desk.text("cards/ada.vcf").contains(value), "{take}");
        assert_eq!(desk.run(&["conflicts", "list", "--format", "json"]).json()["conflicts"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn a_conflict_is_shown_with_the_numbers_that_settle_it() {
    let (desk, conflict) = disputed();
    let run = desk.run(&["conflicts", "show", conflict["short"].as_str().unwrap()]);
    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].contains("Ada Abel   phones/number"), "{}", run.out);
    assert!(lines[1].trim_start().starts_with(&format!("1      \"{}\"", conflict["1"].as_str().unwrap())), "{}", run.out);
    assert!(lines[2].trim_start().starts_with(&format!("2      \"{}\"", conflict["2"].as_str().unwrap())), "{}", run.out);
    assert!(lines[3].trim_start().starts_with("base   \"+49 170 111\""), "{}", run.out);
}

#[test]
fn a_conflict_that_does_not_exist_is_said_with_exit_2() {
    let desk = desk();
    let run = desk.run(&["conflicts", "resolve", "c-1234", "--take", "1"]);
    assert_eq!(run.code, 2);
    run.says(&["there is no open conflict `c-1234`"]);
}

#[test]
fn the_same_edit_on_both_sides_is_no_conflict() {
    let desk = desk();
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    desk.edit("cards/ada.vcf", "+49 170 111", "+49 170 222");
    desk.settle();
}

#[test]
fn the_policy_mine_lets_the_later_endpoint_win_and_keeps_the_other_value() {
    let desk = desk();
    desk.put("syncretic.toml", format!("{}[job.contacts.conflict]\nsame-field = \"mine\"\n", crate::harness::SHEET_AND_CARDS));
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    desk.edit("cards/ada.vcf", "+49 170 111", "+49 170 333");
    desk.sync(4);
    assert!(desk.text("contacts.csv").contains("+49 170 333"));
    let conflicts = desk.run(&["conflicts", "list", "--format", "json"]).json();
    assert_eq!(conflicts["conflicts"][0]["2"], "+49 170 222");
}
