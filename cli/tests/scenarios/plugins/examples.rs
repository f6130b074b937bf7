//! The examples sync with built-in formats, and what `plugin new` makes builds, passes and syncs.

use crate::harness::Desk;

use super::workshop::{add, cargo, jot, json_rows, passes, root, there, todo_txt};

fn endpoint(adapter: &str, path: &str, more: &str) -> String {
    format!("[[job.things.endpoint]]\nadapter = \"{adapter}\"\npath = \"{path}\"\n{more}")
}

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VTODO\r\nUID:ics-1\r\nDTSTAMP:20260101T000000Z\r\n\
                        SUMMARY:Water the plants\r\nPRIORITY:1\r\nX-OWN:kept\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";

#[test]
fn a_todo_txt_file_and_a_calendar_hold_the_same_tasks_isolated_and_not() {
    for isolation in ["process", "none"] {
        let desk = Desk::new();
        add(&desk, &todo_txt(&desk));
        let more = format!("isolation = \"{isolation}\"\n");
        let todo = endpoint("org.example.todo-txt", "todo.txt", &more);
        desk.put("syncretic.toml", format!("[job.things]\nkind = \"task\"\n{todo}{}", endpoint("ical", "tasks.ics", "")));
        desk.put("todo.txt", "(B) Call Ada +family due:2026-02-01\n\nx 2026-01-02 File taxes\n");
        desk.put("tasks.ics", CALENDAR);
        desk.settle();
        let (todo, calendar) = (desk.text("todo.txt"), desk.text("tasks.ics"));
        assert!(todo.starts_with("(B) Call Ada +family due:2026-02-01") && todo.contains("(A) Water the plants uid:ics-1"), "{todo}");
        assert!(calendar.contains("SUMMARY:Call Ada +family") && calendar.contains("X-OWN:kept"), "{calendar}");
        desk.edit("todo.txt", "(A) Water the plants", "x (A) Water the plants");
        desk.settle();
        assert!(desk.text("tasks.ics").contains("STATUS:COMPLETED"), "{}", desk.text("tasks.ics"));
        desk.edit("tasks.ics", "SUMMARY:File taxes", "SUMMARY:File the taxes");
        desk.settle();
        assert!(desk.text("todo.txt").contains("x 2026-01-02 File the taxes"), "{}", desk.text("todo.txt"));
    }
}

const SHEET: &str = "id,title,note\nr1,Bread,white\nr2,Milk,\n";

/// A job of a plugin's file and a sheet of rows.
fn rows(desk: &Desk, adapter: &str, path: &str, more: &str) {
    let sheet = endpoint("csv", "rows.csv", "key = [\"id\"]\n");
    desk.put("syncretic.toml", format!("[job.things]\nkind = \"row\"\n{}{sheet}", endpoint(adapter, path, more)));
    desk.put("rows.csv", SHEET);
}

#[test]
fn a_plugin_in_c_and_a_sheet_hold_the_same_rows_isolated_and_not() {
    if !there("gcc") {
        return;
    }
    for isolation in ["process", "none"] {
        let desk = Desk::new();
        add(&desk, &jot(&desk));
        rows(&desk, "org.example.jot", "list.jot", &format!("isolation = \"{isolation}\"\n"));
        desk.put("list.jot", "#jot 1\nr3\tEggs\tsix\tkept\n");
        desk.settle();
        assert!(desk.text("list.jot").contains("r1\tBread\twhite\n") && desk.text("rows.csv").contains("r3,Eggs,six"));
        desk.edit("rows.csv", "r3,Eggs,six", "r3,Eggs,twelve");
        desk.settle();
        assert!(desk.text("list.jot").contains("r3\tEggs\ttwelve\tkept\n"), "{}", desk.text("list.jot"));
        desk.edit("list.jot", "r2\tMilk\n", "");
        desk.settle();
        assert!(!desk.text("rows.csv").contains("Milk"));
    }
}

#[test]
fn a_plugin_in_python_and_a_sheet_hold_the_same_rows() {
    if !there("python3") {
        return;
    }
    let desk = Desk::new();
    add(&desk, &json_rows(&desk));
    rows(&desk, "org.example.json-rows", "rows.jsonl", "");
    desk.put("rows.jsonl", "{\"id\": \"r3\", \"title\": \"Eggs\", \"note\": \"six\", \"price\": 2.50}\n");
    desk.settle();
    assert!(desk.text("rows.csv").contains("r3,Eggs,six"), "{}", desk.text("rows.csv"));
    assert!(desk.text("rows.jsonl").contains("\"id\": \"r1\""), "{}", desk.text("rows.jsonl"));
    desk.edit("rows.csv", "r1,Bread,white", "r1,Bread,brown");
    desk.settle();
    assert!(desk.text("rows.jsonl").contains("brown") && desk.text("rows.jsonl").contains("\"price\": 2.50"));
}

#[test]
fn the_examples_pass_every_check_and_each_check_is_explained() {
    let desk = Desk::new();
    let report = passes(&desk, todo_txt(&desk).to_str().unwrap(), "none");
    let page = std::fs::read_to_string(root().join("docs/plugins/checks.md")).unwrap();
    for check in report["checks"].as_array().unwrap() {
        let (name, law) = (check["name"].as_str().unwrap(), check["law"].as_str().unwrap());
        assert!(page.contains(&format!("### {name}\n\n{law}")), "docs/plugins/checks.md does not say of `{name}`: {law}");
    }
    passes(&desk, todo_txt(&desk).to_str().unwrap(), "process");
    if there("gcc") {
        passes(&desk, jot(&desk).to_str().unwrap(), "none");
    }
}

#[test]
fn the_example_in_python_passes_every_check() {
    if there("python3") {
        let desk = Desk::new();
        passes(&desk, json_rows(&desk).to_str().unwrap(), "none");
    }
}

/// Makes, builds, lets in and uses a plugin, from an empty folder.
fn new(lang: &str, build: impl FnOnce(&Desk)) -> Desk {
    let desk = Desk::new();
    let sdk = root().join("framework");
    let run = desk.run(&["plugin", "new", "mine", "--lang", lang, "--sdk", sdk.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    build(&desk);
    passes(&desk, "mine", "none");
    add(&desk, &desk.path("mine"));
    assert!(desk.run(&["plugin", "list"]).out.contains("org.example.mine"));
    desk
}

#[test]
fn a_new_plugin_in_c_builds_passes_and_syncs() {
    if !there("gcc") || !there("make") {
        return;
    }
    let desk = new("c", |desk| {
        let made = std::process::Command::new("make").arg("-C").arg(desk.path("mine")).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    });
    rows(&desk, "org.example.mine", "list.jot", "");
    desk.put("list.jot", "#jot 1\n");
    desk.settle();
    assert!(desk.text("list.jot").contains("r1\tBread\twhite\n"));
}

#[test]
fn a_new_plugin_in_python_passes_and_syncs() {
    if !there("python3") {
        return;
    }
    let desk = new("python", |_| {});
    rows(&desk, "org.example.mine", "rows.jsonl", "");
    desk.put("rows.jsonl", "\n");
    desk.settle();
    assert!(desk.text("rows.jsonl").contains("Bread"));
}

#[test]
fn a_new_plugin_in_rust_builds_passes_and_syncs() {
    let desk = new("rust", |desk| {
        std::fs::copy(root().join("examples/plugins/todo-txt/Cargo.lock"), desk.path("mine/Cargo.lock")).unwrap();
        let library = cargo(&desk.path("mine"), "libmine.so");
        std::fs::create_dir_all(desk.path("mine/target/debug")).unwrap();
        std::fs::copy(library, desk.path("mine/target/debug/libmine.so")).unwrap();
    });
    let other = endpoint("ical", "tasks.ics", "");
    desk.put("syncretic.toml", format!("[job.things]\nkind = \"task\"\n{}{other}", endpoint("org.example.mine", "todo.txt", "")));
    desk.put("todo.txt", "Buy stamps\n");
    desk.put("tasks.ics", CALENDAR);
    desk.settle();
    assert!(desk.text("tasks.ics").contains("SUMMARY:Buy stamps"));
}
