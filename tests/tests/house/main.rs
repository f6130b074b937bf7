//! The house itself: the arrows between its rooms, and no circle inside one, as `docs/architecture.md` says.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A room's package, and its name in the table.
const ROOMS: &[(&str, &str)] = &[
    ("syncretic-record", "record"),
    ("syncretic-delta", "delta"),
    ("syncretic-adapter", "adapter"),
    ("syncretic-conformance", "conformance"),
    ("syncretic-chunks", "chunks"),
    ("syncretic-protocol", "protocol"),
    ("syncretic-engine", "engine"),
    ("syncretic-client", "client"),
    ("syncretic-contentline", "contentline"),
    ("syncretic-vdir", "vdir"),
    ("syncretic-vcard", "vcard"),
    ("syncretic-ical", "ical"),
    ("syncretic-csv", "csv"),
    ("syncretic-fs", "fs"),
    ("syncretic-store", "store"),
    ("syncretic-http", "http"),
    ("syncretic-config", "config"),
    ("syncretic-cli", "cli"),
    ("syncretic-tests", "tests"),
    ("syncretic-benches", "benches"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace").to_owned()
}

fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn room(package: &str) -> Option<&'static str> {
    ROOMS.iter().find(|(name, _)| *name == package).map(|(_, room)| *room)
}

/// The table of `docs/architecture.md`: room → rooms that it may use.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).expect("the page is there");
    let table = page.lines().skip_while(|line| !line.starts_with("| room | may use |")).skip(2).take_while(|line| line.starts_with('|'));
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].to_owned(), cells[1].split(',').map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect())
        })
        .collect()
}

#[test]
fn every_room_stands_in_the_table_and_every_arrow_is_allowed() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let Some(from) = room(name) else {
            wrong.push(format!("`{name}` is no room that this test knows"));
            continue;
        };
        let Some(may) = allowed.get(from) else {
            wrong.push(format!("`{from}` is not in the table of docs/architecture.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            if dependency["kind"].is_null()
                && let Some(to) = room(dependency["name"].as_str().expect("a name"))
                && !may.contains(to)
            {
                wrong.push(format!("`{from}` uses `{to}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn packages_with_sources() -> Vec<(String, PathBuf, Vec<PathBuf>)> {
    let of = |package: &serde_json::Value| {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path")).to_owned();
        let folder = manifest.parent().expect("a folder").join("src");
        let mut files = Vec::new();
        sources(&folder, &mut files);
        (package["name"].as_str().expect("a name").to_owned(), folder, files)
    };
    packages().iter().map(of).collect()
}

/// The top-level module that a file belongs to.
fn module(folder: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(folder).expect("a source of this crate");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The top-level modules that a file imports with `use crate::…`, its tests left out.
fn imports(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("a readable source");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let names = code.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("use crate::")
    });
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn inside_a_crate_modules_use_each_other_in_one_direction() {
    let mut circles = Vec::new();
    for (name, folder, files) in packages_with_sources() {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files.iter().filter(|file| !file.ends_with("tests.rs") && !file.ends_with("laws.rs")) {
            let from = module(&folder, file);
            if from != "lib" && from != "main" {
                let to = imports(file).into_iter().filter(|to| *to != from && !to.is_empty());
                arrows.entry(from.clone()).or_default().extend(to);
            }
        }
        // Rooms without arrows are taken away until none is left; what stays stands in a circle.
        loop {
            let done: Vec<String> =
                arrows.iter().filter(|(_, to)| to.iter().all(|to| !arrows.contains_key(to))).map(|(from, _)| from.clone()).collect();
            if done.is_empty() {
                break;
            }
            done.iter().for_each(|from| drop(arrows.remove(from)));
        }
        if !arrows.is_empty() {
            circles.push(format!("{name}: {arrows:?}"));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let silent: Vec<PathBuf> = packages_with_sources()
        .into_iter()
        .flat_map(|(_, _, files)| files)
        .filter(|file| !std::fs::read_to_string(file).is_ok_and(|text| text.starts_with("//! ")))
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn only_the_c_boundary_may_be_unsafe() {
    let mut wrong = Vec::new();
    for (_, _, files) in packages_with_sources() {
        for file in files {
            let allowed = file.ends_with("adapter/src/abi.rs") || file.ends_with("adapter/src/host.rs");
            let text = std::fs::read_to_string(&file).expect("a readable source");
            if !allowed && text.lines().any(|line| line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl"))
            {
                wrong.push(file);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
