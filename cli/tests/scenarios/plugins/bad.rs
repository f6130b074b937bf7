//! Plugins that are broken, hostile or not what was let in: a clear error that names them, and nothing else harmed.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Desk, Run, card};

use super::workshop::{add, compile, jot, root, there};

const MANIFEST: &str = "id = \"org.example.hostile\"\nversion = \"1\"\nabi = \"1.0\"\nkind = \"library\"\nsummary = \"Hostile.\"\nkinds = [\"row\"]\n[file]\nany = \"hostile.so\"\n";

/// A folder with the hostile plugin.
fn hostile(desk: &Desk, more: &[&str]) -> PathBuf {
    let folder = desk.path("plugins/hostile");
    fs::create_dir_all(&folder).unwrap();
    let sources = root().join("cli/tests/scenarios/plugins");
    compile(&sources.join("hostile.c"), &sources.join("abi-1.0"), &folder.join("hostile.so"), more);
    fs::write(folder.join("adapter.toml"), MANIFEST).unwrap();
    folder
}

/// A desk with a job of the hostile plugin and a sheet, and another job beside it.
fn desk(isolation: &str) -> Desk {
    let desk = Desk::new();
    add(&desk, &hostile(&desk, &[]));
    let plugin = format!(
        "[job.bad]\nkind = \"row\"\n[[job.bad.endpoint]]\nadapter = \"org.example.hostile\"\npath = \"place\"\nisolation = \"{isolation}\"\ndeadline = 1\n\
         [[job.bad.endpoint]]\nadapter = \"csv\"\npath = \"rows.csv\"\nkey = [\"Name\"]\n"
    );
    desk.put("syncretic.toml", format!("{plugin}{}", crate::harness::SHEET_AND_CARDS));
    desk.put("place", "whatever");
    desk.put("rows.csv", "Name\nz\n");
    desk.put("contacts.csv", "Name,Email\n");
    desk.put("cards/ada.vcf", card("app-1", "Ada Lovelace", "ada@lovelace.example", "+44 1"));
    desk
}

/// Syncs with a lie; the other job must be done, and the sheet of this one untouched.
#[track_caller]
fn sync(desk: &Desk, lie: &str) -> Run {
    let run = Run::of(&desk.command(&["sync"]).env("HOSTILE", lie).output().unwrap());
    assert_ne!(run.code, 0, "{lie}: {run:?}");
    run.says(&["org.example.hostile"]);
    assert!(desk.text("contacts.csv").contains("Ada Lovelace"), "{lie}: the other job was not done: {run:?}");
    // Rows that the plugin showed before it lied may have come; the sheet's own stand.
    assert!(desk.text("rows.csv").starts_with("Name\nz\n"), "{lie}: {run:?}");
    run
}

#[test]
fn what_breaks_a_rule_of_the_boundary_is_named_in_a_helper_and_in_process() {
    if !there("gcc") {
        return;
    }
    const LIES: &[(&str, &str)] = &[
        ("major", "speaks ABI 9.0"),
        ("short-table", "has a table of 24 bytes"),
        ("null-table", "refuses this version"),
        ("null-function", "has no function `scan`"),
        ("null-id", "has no id"),
        ("other-id", "org.example.other"),
        ("null-self", "gave no instance"),
        ("bad-json", "no JSON"),
        ("no-document", "no JSON"),
        ("other-kind", "it says that it holds `task`, which its manifest does not"),
        ("null-items", "has no address"),
        ("null-bytes", "a record has a length and no address"),
        ("short-stride", "too short"),
        ("many-items", "too long"),
        ("huge-map", "at most 1048576 are allowed"),
        ("bad-cbor", "cannot be read"),
        ("deep-cbor", "cannot be read"),
        ("no-key", "without a key"),
        ("bad-key", "not UTF-8"),
        ("no-fingerprint", "fingerprint of 0 bytes"),
        ("long-fingerprint", "fingerprint of 129 bytes"),
        ("bad-state", "the state 9"),
        ("bad-status", "the status 99"),
        ("no-reason", "gave no reason"),
        ("null-error", "too short"),
        ("wrong-thread", "from a thread that was not called"),
        ("no-end", "without saying that it is complete"),
        ("no-root", "no identity"),
        ("no-answers", "did not answer operation 0"),
        ("bad-index", "it answered operation"),
        ("two-answers", "twice"),
    ];
    for isolation in ["process", "none"] {
        let desk = desk(isolation);
        for (lie, words) in LIES {
            sync(&desk, lie).says(&[words]);
        }
    }
}

#[test]
fn a_crash_an_exit_or_an_endless_loop_ends_the_helper_and_not_the_sync() {
    if !there("gcc") {
        return;
    }
    let desk = desk("process");
    for place in ["open", "profile", "scan", "apply"] {
        sync(&desk, &format!("segv-{place}")).says(&["crashed (SIGSEGV)"]);
    }
    sync(&desk, "abort-scan").says(&["crashed (SIGABRT)"]);
    sync(&desk, "exit-scan").says(&["ended with exit code 0"]);
    sync(&desk, "loop-scan").says(&["said nothing for 1 s", "deadline"]);
    // Whoever crashes once everything is said harms nothing, and the honest one goes on where it was: it refuses every row.
    for lie in ["segv-close", "abort-close", ""] {
        let run = Run::of(&desk.command(&["sync"]).env("HOSTILE", lie).output().unwrap());
        assert_eq!(run.code, 3, "{lie}: {run:?}");
        assert!(desk.text("rows.csv").starts_with("Name\nz\n") && desk.text("place") == "whatever", "{lie}: {run:?}");
    }
}

#[test]
fn an_honest_plugin_of_version_1_0_loads_and_babble_and_late_callbacks_harm_nothing() {
    if !there("gcc") {
        return;
    }
    for (isolation, lies) in [("process", &["", "newer-minor", "babble", "late"][..]), ("none", &["", "newer-minor", "late"])] {
        for lie in lies {
            let desk = desk(isolation);
            let run = Run::of(&desk.command(&["sync"]).env("HOSTILE", lie).output().unwrap());
            // It refuses every row, which is quarantined.
            assert_eq!(run.code, 3, "{lie}: {run:?}");
            assert!(desk.text("rows.csv").contains("a\n"), "{lie}: {run:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_library_is_refused_before_anything_of_it_runs() {
    if !there("gcc") {
        return;
    }
    let desk = Desk::new();
    let folder = hostile(&desk, &[]);
    let library = folder.join("hostile.so");
    let whole = fs::read(&library).unwrap();
    let mut foreign = whole.clone();
    foreign[18] = 243;
    let cases: &[(&str, &[u8])] = &[
        ("is no dynamic library", b"#!/bin/sh\necho hello\n"),
        ("is no dynamic library", b""),
        ("is cut off", &whole[..whole.len() / 2]),
        ("is cut off", &whole[..40]),
        ("another kind of machine", &foreign),
    ];
    for (words, content) in cases {
        fs::write(&library, content).unwrap();
        let run = desk.run(&["plugin", "add", folder.to_str().unwrap(), "--yes"]);
        assert_eq!(run.code, 2, "{run:?}");
        run.says(&["org.example.hostile", words]);
    }
    compile(
        &root().join("cli/tests/scenarios/plugins/hostile.c"),
        &root().join("framework/adapter/include"),
        &library,
        &["-DNO_SYMBOL", "-Wno-unused"],
    );
    add(&desk, &folder);
    desk.put("syncretic.toml", "[job.x]\n[[job.x.endpoint]]\nadapter = \"org.example.hostile\"\npath = \"place\"\n");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 1, "{run:?}");
    run.says(&["no symbol `syncretic_adapter_v1`"]);
}

#[test]
fn a_manifest_that_is_wrong_says_where() {
    let desk = Desk::new();
    let folder = desk.path("p");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("hostile.so"), "x").unwrap();
    let changed = |from: &str, to: &str| MANIFEST.replace(from, to);
    let cases = [
        (changed("org.example.hostile", "Hostile"), "`Hostile` is no id"),
        (changed("\"1.0\"", "\"2.0\""), "it is for ABI 2.0"),
        (changed("\"library\"", "\"magic\""), "`kind` is `magic`"),
        (changed("version = \"1\"\n", ""), "`version` is missing"),
        (changed("any = ", "sparc-solaris = "), "no file for this machine"),
        (changed("hostile.so", "../hostile.so"), "outside the plugin's folder"),
        (changed("[file]", "colour = 1\n[file]"), "no key `colour`"),
        ("id = ".to_owned(), "adapter.toml"),
    ];
    for (manifest, words) in cases {
        fs::write(folder.join("adapter.toml"), manifest).unwrap();
        let run = desk.run(&["plugin", "add", "p", "--yes"]);
        assert_eq!(run.code, 2, "{run:?}");
        run.says(&[words]);
    }
    desk.run(&["plugin", "add", "elsewhere", "--yes"]).says(&["name the folder"]);
}

#[test]
fn a_plugin_is_let_in_by_a_person_and_run_only_as_it_was_let_in() {
    if !there("gcc") {
        return;
    }
    let desk = Desk::new();
    let folder = jot(&desk);
    let unasked = desk.run(&["plugin", "add", folder.to_str().unwrap()]);
    assert_eq!(unasked.code, 2);
    unasked.says(&["--yes", "all your rights", "sha256"]);
    desk.put("syncretic.toml", "[job.x]\n[[job.x.endpoint]]\nadapter = \"org.example.jot\"\npath = \"list.jot\"\n");
    desk.put("list.jot", "#jot 1\nr1\tBread\n");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 2);
    run.says(&["no plugin `org.example.jot` was let in", "syncretic plugin add"]);
    add(&desk, &folder);
    desk.sync(0);
    let mut installed: Vec<PathBuf> =
        fs::read_dir(desk.state().join("plugins/org.example.jot")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let library = installed.remove(0).join("jot.so");
    fs::remove_file(&library).unwrap();
    fs::copy(folder.join("jot.c"), &library).unwrap();
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 8, "{run:?}");
    run.says(&["org.example.jot", "is not what was let in", "plugin add"]);
    assert!(desk.run(&["plugin", "info", "org.example.jot"]).out.contains("is not what was let in"));
    add(&desk, &folder);
    desk.sync(0);
    let manifest = library.with_file_name("adapter.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    fs::write(&manifest, text.replace("Rows in a jot file", "Something else")).unwrap();
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 8, "{run:?}");
    run.says(&["org.example.jot", "adapter.toml", "is not what was let in"]);
    assert_eq!(desk.run(&["plugin", "remove", "org.example.jot"]).code, 0);
    assert_eq!(desk.run(&["sync"]).code, 2);
}

#[test]
fn a_hash_that_the_manifest_promises_must_be_the_files() {
    if !there("gcc") {
        return;
    }
    let desk = Desk::new();
    let folder = jot(&desk);
    let manifest = fs::read_to_string(folder.join("adapter.toml")).unwrap();
    fs::write(folder.join("adapter.toml"), format!("{manifest}\n[sha256]\nany = \"{}\"\n", "0".repeat(64))).unwrap();
    let run = desk.run(&["plugin", "add", folder.to_str().unwrap(), "--yes"]);
    assert_eq!(run.code, 2);
    run.says(&["has the hash", "its manifest says 0000"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_not_let_in() {
    use std::os::unix::fs::PermissionsExt;
    if !there("gcc") {
        return;
    }
    let desk = Desk::new();
    let folder = jot(&desk);
    fs::set_permissions(folder.join("jot.so"), fs::Permissions::from_mode(0o777)).unwrap();
    let run = desk.run(&["plugin", "add", folder.to_str().unwrap(), "--yes"]);
    assert_eq!(run.code, 2);
    run.says(&["can be written by others", "chmod go-w"]);
    fs::set_permissions(folder.join("jot.so"), fs::Permissions::from_mode(0o755)).unwrap();
    add(&desk, &folder);
    desk.put("syncretic.toml", "[job.x]\n[[job.x.endpoint]]\nadapter = \"org.example.jot\"\npath = \"list.jot\"\n");
    desk.put("list.jot", "#jot 1\nr1\tBread\n");
    let mut installed = fs::read_dir(desk.state().join("plugins/org.example.jot")).unwrap().map(|entry| entry.unwrap().path());
    let library = installed.next().unwrap().join("jot.so");
    fs::set_permissions(&library, fs::Permissions::from_mode(0o777)).unwrap();
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 8, "{run:?}");
    run.says(&["org.example.jot", "can be written by others", "chmod go-w"]);
}

#[cfg(unix)]
#[test]
fn a_script_that_exits_babbles_or_speaks_otherwise_is_an_error_that_names_it() {
    use std::os::unix::fs::PermissionsExt;
    const HELLO: &str = "read x; echo '{\"hello\":{\"protocol\":\"syncretic-adapter\",\"version\":\"1.0\"}}'\n";
    let cases = [
        ("exit 3\n".to_owned(), "ended with exit code 3"),
        ("echo some words >&2; exit 3\n".to_owned(), "its last words: some words"),
        ("echo hello world; cat >/dev/null\n".to_owned(), "it wrote `hello world`"),
        ("read x; echo '{\"hello\":{\"protocol\":\"other\"}}'; cat >/dev/null\n".to_owned(), "speaks the protocol `other`"),
        (
            "read x; echo '{\"hello\":{\"protocol\":\"syncretic-adapter\",\"version\":\"2.0\"}}'; cat >/dev/null\n".to_owned(),
            "version `2.0`",
        ),
        (format!("{HELLO}read x; echo progress; cat >/dev/null\n"), "it wrote `progress`"),
        (format!("{HELLO}read x; echo '{{\"cheer\":1}}'; cat >/dev/null\n"), "a message `cheer`"),
        (format!("{HELLO}read x; exit 0\n"), "ended with exit code 0"),
        (format!("{HELLO}read x; echo '{{\"error\":{{\"code\":\"bad\"}}}}'; cat >/dev/null\n"), "the code `bad`"),
        (format!("{HELLO}cat >/dev/null\n"), "said nothing for 1 s"),
    ];
    for (script, words) in cases {
        let desk = Desk::new();
        let manifest = MANIFEST.replace("library", "command").replace("hostile.so", "run.sh");
        desk.put("p/adapter.toml", manifest);
        desk.put("p/run.sh", format!("#!/bin/sh\n{script}"));
        fs::set_permissions(desk.path("p/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        add(&desk, &desk.path("p"));
        desk.put("syncretic.toml", "[job.x]\n[[job.x.endpoint]]\nadapter = \"org.example.hostile\"\npath = \"place\"\ndeadline = 1\n");
        let run = desk.run(&["sync"]);
        assert_ne!(run.code, 0, "{script}: {run:?}");
        run.says(&["org.example.hostile", words]);
    }
}
