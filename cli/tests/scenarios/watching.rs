//! Watching: what is saved is synced without anybody typing anything.

use std::fs;

use serde_json::Value;

use crate::harness::{Desk, HEADER, card};
use crate::running::Running;

const ADA: &str = "Ada Abel,+49 170 111,ada@abel.example,Assam\n";

fn desk() -> Desk {
    Desk::with(&format!("{HEADER}{ADA}"), &[("ada.vcf", &card("app-1", "Ada Abel", "ada@abel.example", "+49 170 111"))])
}

/// Starts a watch and waits for its first sync.
fn watch(desk: &Desk) -> Running {
    let mut watch = Running::start(&mut desk.command(&["watch", "--every", "1h"]));
    watch.says("watching contacts");
    watch.says("in sync");
    watch
}

#[test]
fn a_saved_file_arrives_in_the_other_application_and_silence_follows() {
    let desk = desk();
    let mut watch = watch(&desk);
    desk.edit("cards/ada.vcf", "+49 170 111", "+49 170 222");
    watch.says("1 pushed, 1 pulled");
    assert!(desk.text("contacts.csv").contains("+49 170 222"));
    // An editor that saves by renaming.
    desk.put("contacts.csv.new", desk.text("contacts.csv").replace("ada@abel.example", "ada@work.example"));
    fs::rename(desk.path("contacts.csv.new"), desk.path("contacts.csv")).unwrap();
    watch.says("1 pushed, 1 pulled");
    assert!(desk.text("cards/ada.vcf").contains("ada@work.example"));
    assert_eq!(watch.stop(), 0);
    let rest = watch.rest();
    assert!(rest.last().unwrap().contains("stopped") && !rest.iter().any(|line| line.contains("in sync")), "{rest:?}");
    desk.settle();
}

#[test]
fn a_folder_that_is_replaced_is_watched_again_and_nothing_is_deleted_meanwhile() {
    let desk = desk();
    let mut watch = watch(&desk);
    fs::rename(desk.path("cards"), desk.path("elsewhere")).unwrap();
    watch.warns("nothing was taken for deleted");
    fs::rename(desk.path("elsewhere"), desk.path("cards")).unwrap();
    watch.says("in sync");
    desk.edit("cards/ada.vcf", "+49 170 111", "+49 170 222");
    watch.says("1 pushed, 1 pulled");
    assert!(desk.text("contacts.csv").contains("+49 170 222"));
    assert_eq!(watch.stop(), 0);
}

#[test]
fn a_changed_configuration_is_taken_up_and_a_wrong_one_is_told_and_left() {
    let desk = desk();
    let mut watch = watch(&desk);
    let right = desk.text("syncretic.toml");
    desk.put("syncretic.toml", right.replace("adapter", "adaptor"));
    watch.warns("goes on with the configuration as it was");
    desk.put("phone.vcf", card("phone-9", "Björn Berg", "bjorn@berg.example", "+46 70 1"));
    desk.put("syncretic.toml", format!("{right}[[job.contacts.endpoint]]\nadapter = \"vcard\"\npath = \"phone.vcf\"\n"));
    watch.says("was changed");
    watch.says("pushed");
    assert!(desk.text("contacts.csv").contains("bjorn@berg.example"));
    assert_eq!(watch.stop(), 0);
}

#[test]
fn programs_read_one_event_a_line_and_systemd_hears_that_it_is_ready() {
    let desk = desk();
    let socket = desk.path("../notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    let mut watch = Running::start(desk.command(&["watch", "--format", "ndjson"]).env("NOTIFY_SOCKET", &socket));
    let event = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    let begun = event(watch.says("watching"));
    assert_eq!((&begun["jobs"][0], &begun["every"]), (&"contacts".into(), &900.0.into()));
    assert_eq!(event(watch.says("synced"))["because"], "start");
    assert!(event(watch.says("\"type\":\"job\""))["head"].as_u64().unwrap() > 0);
    desk.edit("contacts.csv", "+49 170 111", "+49 170 222");
    let synced = event(watch.says("synced"));
    assert_eq!((&synced["because"], &synced["job"]), (&"files".into(), &"contacts".into()));
    assert_eq!(watch.stop(), 0);
    assert_eq!(event(watch.rest().pop().unwrap())["type"], "stopped");
    let heard = |expected: &str| {
        let mut message = [0; 256];
        let length = systemd.recv(&mut message).unwrap();
        assert_eq!(std::str::from_utf8(&message[..length]).unwrap(), expected);
    };
    heard("READY=1\nSTATUS=watching contacts");
    heard("STOPPING=1");
}

#[test]
fn a_watch_that_cannot_begin_says_so() {
    let desk = desk();
    assert_eq!(desk.run(&["watch", "nobody"]).code, 2);
    assert_eq!(desk.run(&["watch", "--format", "json"]).code, 2);
    assert_eq!(desk.run(&["watch", "--every", "0s"]).code, 2);
    let unit = desk.run(&["watch", "--print-unit"]);
    assert_eq!(unit.code, 0);
    let (config, state) = (desk.path("syncretic.toml"), desk.state());
    for line in [format!("-c {} watch", config.display()), format!("SYNCRETIC_STATE_HOME={}", state.display()), "Type=notify".to_owned()] {
        assert!(unit.out.contains(&line), "{line}: {}", unit.out);
    }
    assert!(!desk.state().exists());
}
