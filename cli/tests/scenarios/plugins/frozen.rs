//! What was written, built or spoken by version 1.0 is still read, loaded and understood.

use std::fs;

use crate::harness::Desk;

use super::workshop::{add, copy, passes, root, there};

/// A program of version 1.0: it says what it said then, and holds what it hears against what it heard then.
const PROGRAM: &str = r#"#!/usr/bin/env python3
import json, os, sys
def alike(golden, found):
    if golden == "*": return True
    if isinstance(golden, dict): return isinstance(found, dict) and golden.keys() == found.keys() and all(alike(golden[k], found[k]) for k in golden)
    return golden == found
for line in open(os.path.join(os.path.dirname(os.environ["TRANSCRIPT"]), "protocol-1.0.jsonl"), encoding="utf-8"):
    if line.startswith("< "):
        sys.stdout.write(line[2:])
        sys.stdout.flush()
        continue
    heard = sys.stdin.readline()
    if not heard: sys.exit(0)
    if not alike(json.loads(line[2:]), json.loads(heard)):
        sys.exit("heard %s instead of %s" % (heard, line))
"#;

#[cfg(unix)]
#[test]
fn a_program_that_speaks_as_version_1_0_did_is_understood() {
    use std::os::unix::fs::PermissionsExt;
    if !there("python3") {
        return;
    }
    let desk = Desk::new();
    desk.put("p/run.py", PROGRAM);
    desk.put("p/adapter.toml", "id = \"org.example.frozen\"\nversion = \"1\"\nabi = \"1.0\"\nkind = \"command\"\nsummary = \"Frozen.\"\nkinds = [\"row\"]\n[file]\nany = \"run.py\"\n");
    fs::set_permissions(desk.path("p/run.py"), fs::Permissions::from_mode(0o755)).unwrap();
    desk.put("protocol-1.0.jsonl", include_str!("protocol-1.0.jsonl"));
    add(&desk, &desk.path("p"));
    desk.put("syncretic.toml", "[job.x]\n[[job.x.endpoint]]\nadapter = \"org.example.frozen\"\npath = \"place\"\n");
    let mut command = desk.command(&["plan", "--format", "json"]);
    let run = crate::harness::Run::of(&command.env("TRANSCRIPT", desk.path("protocol-1.0.jsonl")).output().unwrap());
    assert!(!run.err.contains("instead of") && run.out.contains("it is torn"), "{run:?}");
}

#[test]
fn a_lock_file_of_version_1_is_read_and_a_newer_one_is_refused() {
    let desk = Desk::new();
    let lock = include_str!("plugins-1.lock");
    fs::create_dir_all(desk.state().join("plugins")).unwrap();
    let path = desk.state().join("plugins/plugins.lock");
    fs::write(&path, lock).unwrap();
    let run = desk.run(&["plugin", "list"]);
    assert!(run.code == 0 && run.out.contains("org.example.frozen") && run.out.contains("ef2d127de37b942b"), "{run:?}");
    fs::write(&path, lock.replace("version = 1\n", "version = 2\n")).unwrap();
    let run = desk.run(&["plugin", "list"]);
    assert_eq!(run.code, 8, "{run:?}");
    run.says(&["plugins.lock", "no plugin is run without it"]);
}

/// The libraries that were built with version 1.0, never to be built again, and the examples whose manifests they have.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const BUILT: &[(&str, &str, &str)] = &[("jot", "jot.so", "jot.so"), ("todo-txt", "libtodo_txt.so", "target/debug/libtodo_txt.so")];

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_library_that_was_built_with_version_1_0_loads_passes_and_syncs() {
    for (example, file, place) in BUILT {
        let desk = Desk::new();
        let folder = desk.path("p");
        copy(example, &folder);
        fs::create_dir_all(folder.join(place).parent().unwrap()).unwrap();
        fs::copy(root().join("cli/tests/fixtures/plugins/x86_64-linux").join(file), folder.join(place)).unwrap();
        let report = passes(&desk, folder.to_str().unwrap(), "none");
        assert!(report["passed"].as_u64().unwrap() > 60, "{report}");
        add(&desk, &folder);
        let id = format!("org.example.{example}");
        desk.put("syncretic.toml", format!("[job.x]\n[[job.x.endpoint]]\nadapter = \"{id}\"\npath = \"place\"\n"));
        desk.put("place", if *example == "jot" { "#jot 1\nr1\tBread\twhite\n" } else { "(B) Call Ada\n" });
        desk.settle();
    }
}
