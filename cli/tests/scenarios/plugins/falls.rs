//! A plugin that falls at any of its requests, in the middle of whole syncs: nothing is lost, and the next sync goes on.

use super::workshop::{add, json_rows, there};
use crate::harness::{Desk, Run};

const ID: &str = "org.example.json-rows";

/// What the plugin falls at: before it does what is asked, or after it did it and before it says so.
const FALLS: &[&str] = &[
    "hello",
    "open",
    "profile",
    "same",
    "scan",
    "apply rehearse",
    "apply perform",
    "settle",
    "open after",
    "profile after",
    "same after",
    "scan after",
    "apply rehearse after",
    "apply perform after",
    "settle after",
];

fn desk() -> Desk {
    let desk = Desk::new();
    json_rows(&desk);
    let script = "plugins/json-rows/json_rows.py";
    let falls = |moment: &str| {
        format!(
            "if os.environ.get(\"FALLS_AT\") == \" \".join([name] + ([body[\"mode\"]] if name == \"apply\" else [])){moment}: sys.stdout.flush(); os.abort()\n"
        )
    };
    desk.edit(
        script,
        "        try:\n            if name == \"hello\":",
        &format!("        {}        try:\n            if name == \"hello\":", falls("")),
    );
    desk.edit(
        script,
        "            say(\"done\", {})\n",
        &format!("            {}            say(\"done\", {{}})\n", falls(" + \" after\"")),
    );
    add(&desk, &desk.path("plugins/json-rows"));
    let sheet = "[[job.things.endpoint]]\nadapter = \"csv\"\npath = \"rows.csv\"\nkey = [\"id\"]\n";
    let rows = format!("[[job.things.endpoint]]\nadapter = \"{ID}\"\npath = \"rows.jsonl\"\n");
    desk.put("syncretic.toml", format!("[job.things]\nkind = \"row\"\n{rows}{sheet}"));
    desk.put("rows.csv", "id,title\nr1,Bread\nr2,Milk\n");
    desk.put("rows.jsonl", "{\"id\": \"r1\", \"title\": \"Bread\", \"price\": 2.50}\n{\"id\": \"r2\", \"title\": \"Milk\"}\n");
    desk.settle();
    desk
}

fn falling(desk: &Desk, moment: &str) -> Run {
    Run::of(&desk.command(&["sync"]).env("FALLS_AT", moment).output().unwrap())
}

/// Edits both sides, syncs with a plugin that falls, again and again, and at last with one that stands.
fn edits_survive(moments: &[&str]) {
    let desk = desk();
    desk.edit("rows.csv", "r1,Bread", "r1,Rye bread");
    desk.edit("rows.jsonl", "\"Milk\"", "\"Oat milk\"");
    for moment in moments {
        let run = falling(&desk, moment);
        let (sheet, rows) = (desk.text("rows.csv"), desk.text("rows.jsonl"));
        assert!(
            sheet.contains("r1,Rye bread") && rows.contains("\"Oat milk\"") && rows.contains("\"price\": 2.50"),
            "{moment}: {sheet}{rows}"
        );
        assert!(sheet.lines().count() == 3 && rows.lines().count() == 2, "{moment}: {sheet}{rows}");
        assert!(run.code == 0 || run.err.contains(ID), "{moment}: {run:?}");
    }
    desk.settle();
    let (sheet, rows) = (desk.text("rows.csv"), desk.text("rows.jsonl"));
    assert_eq!(sheet, "id,title\nr1,Rye bread\nr2,Oat milk\n", "{moments:?}");
    assert_eq!(
        rows, "{\"id\": \"r1\", \"title\": \"Rye bread\", \"price\": 2.50}\n{\"id\": \"r2\", \"title\": \"Oat milk\"}\n",
        "{moments:?}"
    );
}

#[test]
fn a_plugin_that_falls_at_any_request_of_a_sync_loses_nothing() {
    if there("python3") {
        FALLS.iter().for_each(|moment| edits_survive(&[moment]));
    }
}

#[test]
fn a_plugin_that_falls_in_its_recovery_is_asked_again() {
    if !there("python3") {
        return;
    }
    for before in ["apply perform", "apply perform after", "settle"] {
        for then in ["recover", "recover after", "settle after"] {
            edits_survive(&[before, then, then]);
        }
    }
    // It is really cut off, and really recovers.
    let desk = desk();
    desk.edit("rows.csv", "r1,Bread", "r1,Rye bread");
    assert_ne!(falling(&desk, "apply perform after").code, 0);
    let run = falling(&desk, "recover");
    assert!(run.code != 0 && run.err.contains(ID), "{run:?}");
    desk.settle();
}
