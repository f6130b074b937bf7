//! What `plan` says is what `sync` does, also where endpoints answer each other.

use serde_json::Value;

use crate::harness::{Desk, card};

const CARDS: &str = "[job.people]\n[[job.people.endpoint]]\nadapter = \"vcard\"\npath = \"home.vcf\"\n[[job.people.endpoint]]\nadapter = \"vcard\"\npath = \"cards\"\n[[job.people.endpoint]]\nadapter = \"csv\"\npath = \"people.csv\"\n";
const TREES: &str = "[job.files]\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"a\"\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"b\"\n[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"c\"\n";

/// Returns what a report says of the endpoints' changes, without the ids of records, which a new one gets at random, and in no order.
fn told(job: &Value) -> (Value, Value, Vec<Vec<Value>>) {
    let without_id = |change: &Value| {
        let mut change = change.clone();
        change.as_object_mut().unwrap().remove("record");
        change
    };
    let endpoints = job["endpoints"].as_array().unwrap();
    let changes = endpoints.iter().map(|endpoint| {
        let mut changes: Vec<Value> = endpoint["changes"].as_array().unwrap().iter().map(without_id).collect();
        changes.sort_by_key(ToString::to_string);
        changes
    });
    (job["pushed"].clone(), job["pulled"].clone(), changes.collect())
}

/// Plans, syncs, and holds one against the other.
fn plan_and_sync(desk: &Desk) {
    let before = desk.contents();
    let run = desk.run(&["plan"]);
    assert!(run.code == 0 && !run.out.contains("NOT DONE"), "{run:?}");
    let planned = desk.run(&["plan", "--format", "json"]).json()["jobs"][0].clone();
    assert_eq!(desk.contents(), before);
    let done = desk.sync_job(0);
    assert_eq!(told(&planned), told(&done), "{planned:#}\n{done:#}");
    assert!(done["pulled"].as_u64().unwrap() > 0, "{done}");
    desk.settle();
}

#[test]
fn three_endpoints_that_edited_one_record_see_each_others_edits_in_the_plan() {
    let desk = Desk::new();
    desk.put("syncretic.toml", CARDS);
    desk.put("home.vcf", [card("1", "Ada Abel", "ada@abel.example", "+49 1"), card("2", "Ben Bach", "ben@bach.example", "+49 2")].concat());
    desk.put("people.csv", "Name,Email,Phone\n");
    std::fs::create_dir(desk.path("cards")).unwrap();
    plan_and_sync(&desk);
    desk.edit("home.vcf", "ada@abel.example", "ada@home.example");
    desk.edit("cards/1.vcf", "+49 1", "+49 111");
    desk.edit("people.csv", "Ada Abel", "Ada Abelson");
    desk.edit("people.csv", "Ben Bach", "Ben Becker");
    plan_and_sync(&desk);
    for text in ["ada@home.example", "+49 111", "Ada Abelson", "Ben Becker"] {
        assert!(desk.text("home.vcf").contains(text) && desk.text("people.csv").contains(text), "{text}");
    }
}

#[test]
fn names_that_are_exchanged_and_contents_that_change_meanwhile_are_planned_as_they_are_done() {
    let desk = Desk::new();
    desk.put("syncretic.toml", TREES);
    for folder in ["b", "c"] {
        std::fs::create_dir(desk.path(folder)).unwrap();
    }
    desk.put("a/x.txt", "x\n");
    desk.put("a/y.txt", "y\n");
    plan_and_sync(&desk);
    std::fs::rename(desk.path("a/x.txt"), desk.path("a/z.txt")).unwrap();
    desk.put("b/y.txt", "y, changed in b\n");
    std::fs::rename(desk.path("c/y.txt"), desk.path("c/w.txt")).unwrap();
    desk.put("c/new.txt", "new\n");
    desk.put("b/deep/new.txt", "new, too\n");
    plan_and_sync(&desk);
    assert_eq!(desk.text("a/w.txt"), "y, changed in b\n");
}
