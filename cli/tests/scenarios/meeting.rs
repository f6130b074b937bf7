//! Devices that meet through a server, though they are never online together.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Desk;
use crate::network::{Server, enroll, invite, pair, with_cards, with_sheet};
use crate::running::Running;

#[test]
fn two_devices_meet_through_a_server_until_one_is_revoked() {
    let (_server, laptop, desktop) = pair(12);
    laptop.sync(0);
    // The laptop goes away.
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 12);
    let card = desktop.card_with("person3@mail.example");
    desktop.edit(&card, "person3@mail.example", "person3@work.example");
    desktop.settle();
    // Now the desktop does.
    laptop.edit("contacts.csv", "+49 170 555 0003", "+49 171 555 0003");
    laptop.sync(0);
    assert!(laptop.rows().contains(&"Dmitri Abel,+49 171 555 0003,person3@work.example,tea 3".to_owned()), "{:?}", laptop.rows());
    laptop.settle();
    desktop.settle();
    assert!(desktop.text(&card).contains("+49 171 555 0003"));

    let revoked = laptop.run(&["device", "revoke", "desktop"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    desktop.edit(&card, "person3@work.example", "person3@lost.example");
    let before = desktop.files();
    desktop.sync(7).says(&["device `desktop` was revoked on ", " by `laptop`", "no application's file was touched"]);
    assert_eq!(desktop.files(), before);
    laptop.settle();
}

#[test]
fn an_administrators_first_push_makes_the_collection_and_a_guests_does_not() {
    let server = Server::start();
    let laptop = with_sheet(&server.url, 2);
    enroll(&laptop, &server.url, &server.code, "laptop");
    let desktop = with_cards(&server.url);
    enroll(&desktop, &server.url, &invite(&laptop, "others=write"), "desktop");
    desktop.sync(7).says(&["contacts", "device grant"]);
    laptop.sync(0);
    let state = laptop.run(&["collection", "show", "contacts", "--format", "json"]).json();
    assert_eq!((&state["head"], &state["collection"]), (&1.into(), &"contacts".into()));
}

#[test]
fn a_device_that_may_only_read_gets_everything_and_gives_nothing() {
    let server = Server::start();
    let (laptop, reader) = (with_sheet(&server.url, 3), with_cards(&server.url));
    enroll(&laptop, &server.url, &server.code, "laptop");
    enroll(&reader, &server.url, &invite(&laptop, "contacts=read"), "reader");
    laptop.sync(0);
    reader.sync(0);
    assert_eq!(reader.cards().len(), 3);
    let card = reader.card_with("person1@mail.example");
    reader.edit(&card, "person1@mail.example", "person1@work.example");
    reader.sync(7).says(&["may read collection `contacts` and not write it"]);
    assert!(reader.text(&card).contains("person1@work.example"));
    laptop.settle();
    let granted = laptop.run(&["device", "grant", "reader", "contacts=write"]);
    assert_eq!(granted.code, 0, "{granted:?}");
    reader.sync(0);
    laptop.sync(0);
    assert!(laptop.text("contacts.csv").contains("person1@work.example"));
}

#[test]
fn codes_are_good_once_and_only_as_they_were_given() {
    let server = Server::start();
    let (laptop, desktop) = (with_sheet(&server.url, 1), with_cards(&server.url));
    let try_enroll = |desk: &Desk, code: &str| desk.run(&["device", "enroll", &server.url, "--code", code, "--name", "x"]);
    assert_eq!(try_enroll(&laptop, "no code").code, 2);
    let wrong = try_enroll(&laptop, &"0".repeat(32));
    assert_eq!(wrong.code, 7, "{wrong:?}");
    wrong.says(&["wrong, was used already, or has expired", "device invite"]);
    laptop.sync(7).says(&["not enrolled at", "device enroll"]);
    enroll(&laptop, &server.url, &server.code, "laptop");
    assert_eq!(try_enroll(&desktop, &server.code).code, 7);
    let taken = desktop.run(&["device", "enroll", &server.url, "--code", &invite(&laptop, "contacts=write"), "--name", "laptop"]);
    assert_ne!(taken.code, 0, "two devices must not have one name");
    let list = laptop.run(&["device", "list", "--format", "json"]).json();
    assert_eq!(list["devices"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn a_server_that_is_not_there_is_exit_6_and_everything_waits() {
    let (mut server, laptop, desktop) = pair(3);
    laptop.sync(0);
    server.kill();
    desktop.put("cards/new.vcf", crate::harness::card("new-1", "Eva Neu", "eva@neu.example", "+49 1"));
    let before = desktop.files();
    desktop.sync(6).says(&["did not answer", "nothing is lost meanwhile"]);
    assert_eq!(desktop.run(&["status"]).code, 6);
    assert_eq!(desktop.files(), before);
    server.again();
    desktop.sync(0);
    laptop.sync(0);
    assert!(laptop.text("contacts.csv").contains("eva@neu.example"));
}

#[test]
fn a_server_that_is_asked_to_stop_waits_for_no_slow_request() {
    let mut server = Server::start();
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(b"POST /v1/challenge HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    // It is being answered: the server waits for the body.
    let mut line = [0; 21];
    slow.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue");
    // It comes for minutes yet, a byte at a time.
    let (enough, done) = channel::<()>();
    let mut body = slow.try_clone().unwrap();
    let feeding = thread::spawn(move || {
        while body.write_all(b" ").is_ok() && done.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {}
    });
    server.stop();
    drop(enough);
    let mut rest = Vec::new();
    let _cut_off = slow.read_to_end(&mut rest);
    assert!(rest.len() <= 4, "it was not to be answered: {}", String::from_utf8_lossy(&rest));
    feeding.join().unwrap();
}

#[test]
fn another_server_at_the_same_address_is_noticed_before_anything_is_told() {
    let (mut server, laptop, _desktop) = pair(3);
    laptop.sync(0);
    server.stop();
    std::fs::remove_dir_all(server.data()).unwrap();
    server.again();
    let before = laptop.files();
    laptop.sync(8).says(&["another store"]);
    assert_eq!(laptop.files(), before);
}

#[test]
fn an_address_that_is_none_is_shown_in_the_file_and_plain_http_is_for_this_machine() {
    let desk = with_sheet("ftp://sync.example.org", 1);
    desk.sync(2).says(&["syncretic.toml:2", "is no address of a server", "https://sync.example.org"]);
    let code = "0".repeat(32);
    let plain = desk.run(&["device", "enroll", "http://sync.example.org", "--code", &code, "--name", "x"]);
    assert_eq!(plain.code, 2, "{plain:?}");
    plain.says(&["whoever is on the way", "--insecure-http"]);
}

#[test]
fn devices_are_listed_shown_renamed_and_everything_stands_in_the_audit_log() {
    let (_server, laptop, desktop) = pair(2);
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(laptop.run(&["device", "rename", "desktop", "tower"]).code, 0);
    let tower = laptop.run(&["device", "show", "tower", "--format", "json"]).json();
    assert_eq!(
        (&tower["name"], &tower["grants"][0]["collection"], &tower["grants"][0]["lag"]),
        (&"tower".into(), &"contacts".into(), &0.into())
    );
    let list = laptop.run(&["device", "list"]);
    assert!(
        list.out.contains("laptop (this device)") && list.out.contains("administrator") && list.out.contains("contacts = write"),
        "{}",
        list.out
    );
    desktop.settle();
    assert_eq!(desktop.run(&["device", "list"]).code, 7, "only an administrator sees all devices");
    let audit = laptop.run(&["audit", "--format", "json"]).json();
    let lines: Vec<&Value> = audit["lines"].as_array().unwrap().iter().collect();
    assert!(lines.len() >= 4 && lines.iter().any(|line| line["by"] == "laptop"), "{audit}");
    assert_eq!(laptop.run(&["lease", "list"]).code, 0);
    assert!(laptop.run(&["collection", "list"]).out.contains("contacts"));
}

#[test]
fn plan_status_and_wait_tell_the_truth_over_the_network() {
    let (_server, laptop, desktop) = pair(4);
    let plan = desktop.run(&["plan"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    laptop.sync(0);
    let status = laptop.run(&["status"]);
    assert_eq!(status.code, 0);
    for text in ["v1", "in sync", "laptop (this device) v1", "desktop has nothing yet"] {
        assert!(status.out.contains(text), "`{text}`: {}", status.out);
    }
    let waiting = laptop.run(&["wait", "--converged", "--timeout", "0s"]);
    assert_eq!(waiting.code, 6, "{waiting:?}");
    waiting.says(&["device `desktop` is 1 behind"]);
    let plan = desktop.run(&["plan", "--format", "json"]).json();
    assert_eq!((&plan["jobs"][0]["head"], &plan["jobs"][0]["network"]["head"]), (&1.into(), &1.into()));
    assert_eq!(desktop.cards().len(), 0);
    let mut waiting = Running::start(&mut laptop.command(&["wait", "--converged", "--timeout", "10m"]));
    desktop.sync(0);
    waiting.says("in sync");
    let status = desktop.run(&["status", "--format", "json"]).json();
    let devices = status["jobs"][0]["network"]["devices"].as_array().unwrap().clone();
    assert!(devices.iter().all(|device| device["behind"] == 0 && device["version"] == 1), "{devices:?}");
}

#[test]
fn a_watch_hears_what_another_device_pushes() {
    let (_server, laptop, desktop) = pair(3);
    laptop.sync(0);
    let mut watch = Running::start(&mut desktop.command(&["watch", "--every", "1h"]));
    watch.says("3 pulled");
    laptop.edit("contacts.csv", "person1@mail.example", "person1@work.example");
    laptop.sync(0);
    watch.says("1 pulled");
    desktop.card_with("person1@work.example");
    // And what it saves is pushed at once.
    let card = desktop.card_with("person2@mail.example");
    desktop.edit(&card, "person2@mail.example", "person2@work.example");
    watch.says("1 pushed");
    laptop.sync(0);
    assert!(laptop.text("contacts.csv").contains("person2@work.example"));
    assert_eq!(laptop.run(&["device", "revoke", "desktop"]).code, 0);
    desktop.edit(&card, "person2@work.example", "person2@lost.example");
    watch.warns("device `desktop` was revoked on");
    assert_eq!(watch.stop(), 0);
}

/// Returns the path of a file of the test authority; its certificate is good for this machine for a hundred years.
fn tls(name: &str) -> String {
    format!("{}/tests/fixtures/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_trusted_by_whoever_has_its_authority() {
    let server = Server::start_with(&["--tls-cert", &tls("certificate.pem"), "--tls-key", &tls("key.pem")]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let laptop = with_sheet(&server.url, 2);
    let words = ["device", "enroll", &server.url, "--code", &server.code, "--name", "laptop"];
    let stranger = laptop.run(&words);
    assert_eq!(stranger.code, 6, "{stranger:?}");
    stranger.says(&["could not show that it is"]);
    let plain = laptop.run(&["device", "enroll", &server.url.replace("https", "http"), "--code", &server.code, "--name", "laptop"]);
    assert_eq!(plain.code, 6, "{plain:?}");
    let authority = tls("authority.pem");
    let enrolled = laptop.run(&[&words[..], &["--authority", &authority]].concat());
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    laptop.sync(0);
    laptop.settle();
}
