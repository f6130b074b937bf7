//! Every example of a configuration is synced as it stands.

use std::fs;
use std::path::Path;

use crate::harness::{Desk, lent, people};

#[test]
fn every_example_configuration_syncs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("files.toml") {
            continue;
        }
        let (_, cards) = people(3);
        let desk = Desk::new();
        desk.put("syncretic.toml", fs::read(&path).unwrap());
        desk.put("contacts.csv", "Name,Mobile,Work e-mail\nZoë Abel,+49 170 9,zoe@abel.example\n");
        fs::create_dir(desk.path("contacts")).unwrap();
        lent(&cards).iter().for_each(|(name, content)| desk.put(&format!("contacts/{name}"), content));
        let run = desk.run(&["sync"]);
        assert_eq!(run.code, 0, "{}: {run:?}", path.display());
        assert_eq!(desk.rows().len(), 4, "{}", path.display());
        assert_eq!(fs::read_dir(desk.path("contacts")).unwrap().count(), 4, "{}", path.display());
        desk.settle();
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn the_example_of_a_folder_of_files_syncs() {
    let desk = Desk::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples/files.toml");
    desk.put("syncretic.toml", fs::read(example).unwrap());
    desk.put("documents/letters/one.txt", "Dear Ada");
    desk.put("documents/left.tmp", "");
    fs::create_dir(desk.path("backup")).unwrap();
    desk.settle();
    assert_eq!(desk.text("backup/letters/one.txt"), "Dear Ada");
    assert!(!desk.path("backup/left.tmp").exists());
}
