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
fn the_adapters_that_are_built_in_pass_every_check() {
    let desk = Desk::new();
    for (adapter, shapes) in [("vcard", 2), ("ical", 2), ("csv", 2), ("fs", 1)] {
        let report = passes(&desk, adapter, "none");
        let checks = report["checks"].as_array().unwrap();
        let subjects: std::collections::BTreeSet<&str> = checks.iter().map(|check| check["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects.len(), shapes, "{subjects:?}");
        assert!(report["passed"].as_u64().unwrap() > 60 * shapes as u64, "{report}");
        let killed = checks.iter().filter(|check| check["name"] == "killed-at-write-points");
        assert!(killed.clone().count() == shapes && (!cfg!(target_os = "linux") || killed.clone().all(|check| check["verdict"] == "pass")));
    }
    let run = desk.run(&["plugin", "check", "vcard-folder", "--only", "options"]);
    assert!(run.code == 0 && run.out.contains("vcard-folder: options") && run.out.contains("4 passed, 0 failed"), "{run:?}");
    let run = desk.run(&["plugin", "check", "no-such-adapter"]);
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn the_plugin_in_c_is_one_in_cxx_too() {
    if !there("g++") {
        return;
    }
    let desk = Desk::new();
    let folder = desk.path("plugins/jot");
    super::workshop::copy("jot", &folder);
    let mut command = std::process::Command::new("g++");
    command.args(["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I"]);
    command.arg(root().join("framework/adapter/include")).arg("-o").arg(folder.join("jot.so")).arg(folder.join("jot.c"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = passes(&desk, folder.to_str().unwrap(), "none");
    assert!(report["passed"].as_u64().unwrap() > 60, "{report}");
}

/// What a lie replaces in the plugin in C, and the check that must see it.
const LIES: &[(&str, &str, &str)] = &[
    ("if (!swap(at->file, at->target))", "if (unlink(at->target) != 0 || rename(at->file, at->target) != 0)", "killed-at-write-points"),
    (
        "status = root ? host->scanned(call, text(root), text(\"\"))",
        "status = root ? host->scanned(call, text(root), text(\"\")) + (remove(root) != 0)",
        "scan-writes-nothing",
    ),
];

#[test]
fn a_plugin_that_lies_fails_the_check_of_its_lie() {
    if !there("gcc") {
        return;
    }
    for (honest, lie, check) in LIES {
        let desk = Desk::new();
        let folder = jot(&desk);
        let source = std::fs::read_to_string(folder.join("jot.c")).unwrap();
        assert_eq!(source.matches(honest).count(), 1, "{honest}");
        std::fs::write(folder.join("jot.c"), source.replace(honest, lie)).unwrap();
        super::workshop::compile(&folder.join("jot.c"), &root().join("framework/adapter/include"), &folder.join("jot.so"), &[]);
        let run = desk.run(&["plugin", "check", folder.to_str().unwrap(), "--only", check]);
        assert!(run.code == 1 && run.out.contains(&format!("FAIL     {check}")), "{run:?}");
    }
}

#[test]
fn what_a_manifest_claims_is_tested() {
    if !there("gcc") {
        return;
    }
    let desk = Desk::new();
    let folder = jot(&desk);
    let manifest = std::fs::read_to_string(folder.join("adapter.toml")).unwrap();
    let claims = |claim: &str| {
        std::fs::write(folder.join("adapter.toml"), format!("capabilities = [{claim}]\n{manifest}")).unwrap();
    };
    claims("\"blobs\", \"network\"");
    let run = desk.run(&["plugin", "check", folder.to_str().unwrap(), "--only", "blob-roundtrip"]);
    assert!(run.code == 1 && run.out.contains("the manifest claims `blobs`"), "{run:?}");
    let run = desk.run(&["plugin", "info", folder.to_str().unwrap()]);
    assert!(run.out.contains("network: it talks to the network"), "{run:?}");
    claims("\"magic\"");
    let run = desk.run(&["plugin", "add", folder.to_str().unwrap(), "--yes"]);
    assert_eq!(run.code, 2, "{run:?}");
    run.says(&["no capability `magic`", "blobs, note, secrets, network"]);
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
