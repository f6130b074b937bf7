//! Where the tests build plugins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::{Desk, Run};

/// The root of the sources.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Tells whether a program is there; where it is not, the test says so and ends.
pub(crate) fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: `{program}` is not installed, so this test does nothing; see README");
    }
    there
}

/// Compiles a C plugin.
pub(crate) fn compile(source: &Path, include: &Path, out: &Path, more: &[&str]) {
    let mut command = Command::new("gcc");
    command.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread"]).args(more).arg("-I").arg(include);
    let output = command.arg("-o").arg(out).arg(source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Builds a Rust plugin in a folder, and returns its library; all share one target folder.
pub(crate) fn cargo(folder: &Path, library: &str) -> PathBuf {
    let target = root().join("target/examples");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--offline"]).current_dir(folder).env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("debug").join(library)
}

/// Copies the files of an example.
pub(crate) fn copy(example: &str, to: &Path) {
    let from = root().join("examples/plugins").join(example);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Returns the folder of the built todo.txt plugin.
pub(crate) fn todo_txt(desk: &Desk) -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| cargo(&root().join("examples/plugins/todo-txt"), "libtodo_txt.so"));
    let folder = desk.path("plugins/todo-txt");
    copy("todo-txt", &folder);
    fs::create_dir_all(folder.join("target/debug")).unwrap();
    fs::copy(library, folder.join("target/debug/libtodo_txt.so")).unwrap();
    folder
}

/// Returns the folder of the built C plugin.
pub(crate) fn jot(desk: &Desk) -> PathBuf {
    let folder = desk.path("plugins/jot");
    copy("jot", &folder);
    compile(&folder.join("jot.c"), &root().join("framework/adapter/include"), &folder.join("jot.so"), &[]);
    folder
}

/// Returns the folder of the Python plugin.
pub(crate) fn json_rows(desk: &Desk) -> PathBuf {
    let folder = desk.path("plugins/json-rows");
    copy("json-rows", &folder);
    folder
}

/// Lets a plugin in.
#[track_caller]
pub(crate) fn add(desk: &Desk, folder: &Path) -> Run {
    let run = desk.run(&["plugin", "add", folder.to_str().unwrap(), "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

/// Runs every check of a plugin, and expects that none fails.
#[track_caller]
pub(crate) fn passes(desk: &Desk, plugin: &str, isolation: &str) -> serde_json::Value {
    let mut command = desk.command(&["plugin", "check", plugin, "--isolation", isolation, "--format", "json"]);
    let run = Run::of(&command.env("PATH", path()).output().unwrap());
    let report = run.json();
    let failed: Vec<String> =
        report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "fail").map(|check| check.to_string()).collect();
    assert!(failed.is_empty() && run.code == 0, "{failed:#?}");
    report
}

/// Returns the search path with the folder of Python itself first: where it is only found through a script, each of a
/// thousand starts costs more than the checks.
fn path() -> std::ffi::OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let python = Command::new("python3").args(["-c", "import os, sys; print(os.path.dirname(sys.executable))"]).output();
    let Some(folder) = python.ok().and_then(|output| String::from_utf8(output.stdout).ok()) else { return own };
    let folders = std::iter::once(PathBuf::from(folder.trim())).chain(std::env::split_paths(&own));
    std::env::join_paths(folders).unwrap_or(own)
}
