//! Leases: whoever pushes goes first, others wait, and nobody can be kept out for long.

use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::{Desk, Run};
use crate::network::{Server, enroll, invite, with_cards, with_sheet};
use crate::proxy::{Fault, Proxy};
use crate::running::Running;

/// Runs the program with little patience.
fn quick(desk: &Desk, arguments: &[&str]) -> Run {
    Run::of(&desk.command(arguments).env("SYNCRETIC_TIMEOUT", "0.3").output().unwrap())
}

/// A proxy that passes everything on but the request of one number, which never arrives.
fn proxy(server: &Server) -> (Proxy, Arc<Mutex<Option<usize>>>) {
    let swallowed: Arc<Mutex<Option<usize>>> = Arc::default();
    let number = Arc::clone(&swallowed);
    let fault = move |at| if *number.lock().unwrap() == Some(at) { Fault::Swallow } else { Fault::Pass };
    (Proxy::before(server.address(), fault), swallowed)
}

/// Returns what was asked about the collection since a number of requests, as method and last word of the path.
fn asked(proxy: &Proxy, since: usize) -> Vec<String> {
    let word = |line: &str| {
        let mut words = line.split([' ', '?']);
        let (method, path) = (words.next()?, words.next()?.strip_prefix("/v1/collections/contacts/")?);
        Some(format!("{method} {}", path.split('/').next()?))
    };
    proxy.seen().iter().skip(since).filter_map(|(line, _)| word(line)).collect()
}

#[test]
fn a_push_holds_the_lease_from_its_last_pull_and_whoever_only_reads_takes_none() {
    let server = Server::start();
    let (proxy, _) = proxy(&server);
    let laptop = with_sheet(&proxy.url(), 3);
    enroll(&laptop, &proxy.url(), &server.code, "laptop");
    laptop.sync(0);
    let since = proxy.seen().len();
    laptop.edit("contacts.csv", ",tea 1", ",coffee 1");
    laptop.sync(0);
    let order: Vec<String> = asked(&proxy, since).into_iter().filter(|word| word != "PUT cursor").collect();
    assert_eq!(order, ["POST lease", "GET entries", "POST entries", "DELETE lease"]);
    let since = proxy.seen().len();
    laptop.sync(0);
    assert!(!asked(&proxy, since).iter().any(|word| word.contains("lease")), "{:?}", asked(&proxy, since));
}

#[test]
fn others_wait_for_a_device_at_work_see_who_it_is_and_may_end_its_lease() {
    let server = Server::start();
    let (proxy, swallowed) = proxy(&server);
    let (laptop, desktop) = (with_sheet(&proxy.url(), 3), with_cards(&server.url));
    enroll(&laptop, &proxy.url(), &server.code, "laptop");
    enroll(&desktop, &server.url, &invite(&laptop, "contacts=admin"), "desktop");
    laptop.sync(0);
    desktop.sync(0);
    // Where in a sync its push comes.
    let since = proxy.seen().len();
    laptop.edit("contacts.csv", ",tea 1", ",coffee 1");
    laptop.sync(0);
    let push = proxy.seen().iter().skip(since).position(|(line, _)| line.starts_with("POST ") && line.contains("/entries")).unwrap();
    desktop.sync(0);

    let push = proxy.seen().len() + push;
    *swallowed.lock().unwrap() = Some(push);
    laptop.edit("contacts.csv", ",tea 2", ",coffee 2");
    let mut syncing = Running::start(&mut laptop.command(&["sync"]));
    while proxy.seen().len() <= push {
        thread::yield_now();
    }
    let leases = desktop.run(&["lease", "list", "--format", "json"]).json();
    assert_eq!((&leases["leases"][0]["holder"], &leases["leases"][0]["collection"]), (&"laptop".into(), &"contacts".into()), "{leases}");
    assert!(desktop.run(&["status"]).out.contains("lease     laptop until "));
    let card = desktop.card_with("person0@mail.example");
    desktop.edit(&card, "person0@mail.example", "person0@work.example");
    let before = desktop.files();
    let waited = quick(&desktop, &["sync"]);
    assert_eq!(waited.code, 6, "{waited:?}");
    waited.says(&["device `laptop` is at work on collection `contacts`", "syncretic lease list"]);
    assert_eq!(desktop.files(), before);
    syncing.kill();

    assert_eq!(desktop.run(&["lease", "release", "contacts"]).code, 0);
    assert!(desktop.run(&["lease", "list"]).out.contains("No lease is held."));
    desktop.sync(0);
    laptop.sync(0);
    desktop.sync(0);
    assert!(laptop.text("contacts.csv").contains("person0@work.example") && laptop.text("contacts.csv").contains("coffee 2"));
    laptop.settle();
    desktop.settle();
}

#[test]
fn an_exclusive_lease_keeps_others_from_reading_too() {
    let server = Server::start();
    let (proxy, swallowed) = proxy(&server);
    let (laptop, desktop) = (with_sheet(&proxy.url(), 3), with_cards(&server.url));
    enroll(&laptop, &proxy.url(), &server.code, "laptop");
    enroll(&desktop, &server.url, &invite(&laptop, "contacts=write"), "desktop");
    assert_eq!(laptop.run(&["collection", "create", "contacts"]).code, 0);
    let set = laptop.run(&["collection", "set", "contacts", "--lease", "exclusive", "--retention", "30d", "--format", "json"]).json();
    assert_eq!((&set["lease_mode"], &set["retention_days"], &set["collection"]), (&"exclusive".into(), &30.into(), &"contacts".into()));
    laptop.sync(0);
    let since = proxy.seen().len();
    laptop.edit("contacts.csv", ",tea 1", ",coffee 1");
    laptop.sync(0);
    let push = proxy.seen().iter().skip(since).position(|(line, _)| line.starts_with("POST ") && line.contains("/entries")).unwrap();
    let push = proxy.seen().len() + push;
    *swallowed.lock().unwrap() = Some(push);
    laptop.edit("contacts.csv", ",tea 2", ",coffee 2");
    let mut syncing = Running::start(&mut laptop.command(&["sync"]));
    while proxy.seen().len() <= push {
        thread::yield_now();
    }
    let waited = quick(&desktop, &["sync"]);
    assert_eq!(waited.code, 6, "{waited:?}");
    waited.says(&["device `laptop` is at work on collection `contacts`"]);
    assert_eq!(desktop.cards().len(), 0);
    syncing.kill();
    laptop.sync(0);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 3);
}
