//! The demonstration: it shows the main job, and the reader can go on in its folder.

use std::fs;

use crate::harness::{Desk, Run};

#[test]
fn the_demonstration_shows_the_main_job_and_can_be_gone_on_with() {
    let desk = Desk::new();
    let run = Run::of(&desk.command(&["demo"]).env_remove("SYNCRETIC_STATE_HOME").output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    let folder = desk.path("syncretic-demo");
    for text in ["+46 70 555 09 88", "hanna.lindqvist@nordljus.example", "0 bytes written", "syncretic link list", "SYNCRETIC_STATE_HOME"] {
        assert!(run.out.contains(text), "`{text}` is not in:\n{}", run.out);
    }
    for file in ["contacts.csv", "address-book/hanna-lindqvist.vcf"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("+46 70 555 09 88") && text.contains("hanna.lindqvist@nordljus.example"), "{file}:\n{text}");
    }
    assert_eq!(fs::read_to_string(folder.join("contacts.csv")).unwrap().lines().count(), 15);
    assert_eq!(fs::read_dir(folder.join("address-book")).unwrap().count(), 14);

    let go_on = |arguments: &[&str]| {
        let state = folder.join(".state");
        Run::of(&desk.command(arguments).current_dir(&folder).env("SYNCRETIC_STATE_HOME", state).output().unwrap())
    };
    assert!(go_on(&["status"]).out.contains("in sync"));
    let links = go_on(&["link", "list"]).out;
    assert!(links.contains("Jonas Brandt") && links.contains("in doubt"), "{links}");
    let card = folder.join("address-book/zoe-oeztuerk.vcf");
    fs::write(&card, fs::read_to_string(&card).unwrap().replace("Atölye Z", "Atölye Ö")).unwrap();
    assert_eq!(go_on(&["sync"]).code, 0);
    assert!(fs::read_to_string(folder.join("contacts.csv")).unwrap().contains("Atölye Ö"));
}

#[test]
fn the_demonstration_uses_the_state_directory_that_was_named() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["demo", "here"]).code, 0);
    assert!(!desk.path("here/.state").exists());
    assert!(desk.state().join("store").exists());
}

#[test]
fn the_demonstration_refuses_a_folder_that_holds_anything() {
    let desk = Desk::new();
    desk.put("mine/letter.txt", "dear");
    let before = desk.contents();
    let run = desk.run(&["demo", "mine"]);
    assert_eq!(run.code, 2);
    run.says(&["is not empty", "syncretic demo DIR"]);
    assert_eq!(desk.contents(), before);
    assert_eq!(desk.run(&["demo", "mine/letter.txt"]).code, 2);
}
