//! Networks that delay, cut, double and swallow what is sent: devices still converge.

use std::sync::{Arc, Mutex};

use crate::harness::Desk;
use crate::network::{Server, enroll, invite, with_cards, with_sheet};
use crate::proxy::{Fault, Proxy};

/// Syncs until it is done; a network that fails for long is exit 6, and nothing else is allowed.
fn insist(desk: &Desk) {
    for _ in 0..20 {
        let run = quick(desk, &["sync"]);
        match run.code {
            0 => return,
            6 => {}
            _ => panic!("{run:?}"),
        }
    }
    panic!("it never got through");
}

/// Runs the program with little patience for silence.
fn quick(desk: &Desk, arguments: &[&str]) -> crate::harness::Run {
    crate::harness::Run::of(&desk.command(arguments).env("SYNCRETIC_TIMEOUT", "0.4").output().unwrap())
}

fn chance(seed: u64, number: usize) -> u64 {
    let mut state = seed.wrapping_add(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// About every third request goes wrong, in one of all ways.
fn rough(seed: u64) -> impl Fn(usize) -> Fault + Send + Sync {
    move |number| {
        let random = chance(seed, number);
        let length = usize::try_from(random >> 32).unwrap() % 700;
        match random % 20 {
            0 => Fault::CutRequest(length),
            1 | 2 => Fault::CutAnswer(length),
            3 => Fault::Twice,
            4 => Fault::Swallow,
            5 => Fault::Late,
            6 => Fault::HangUp,
            _ => Fault::Pass,
        }
    }
}

#[test]
fn devices_converge_through_a_network_that_cuts_doubles_delays_and_swallows() {
    let server = Server::start();
    let proxies = [Proxy::before(server.address(), rough(1)), Proxy::before(server.address(), rough(2))];
    let (laptop, desktop) = (with_sheet(&proxies[0].url(), 8), with_cards(&proxies[1].url()));
    let calm = with_cards(&server.url);
    enroll(&calm, &server.url, &server.code, "calm");
    for (desk, proxy, name) in [(&laptop, &proxies[0], "laptop"), (&desktop, &proxies[1], "desktop")] {
        let code = invite(&calm, "contacts=write");
        let enrolled = (0..20).any(|_| quick(desk, &["device", "enroll", &proxy.url(), "--code", &code, "--name", name]).code == 0);
        assert!(enrolled, "{name} was never enrolled: {:?}", proxy.seen());
    }
    assert_eq!(calm.run(&["collection", "create", "contacts"]).code, 0);
    for round in 0..6 {
        laptop.edit("contacts.csv", &format!("tea {round}\n"), &format!("coffee {round}\n"));
        insist(&laptop);
        insist(&desktop);
        let card = desktop.card_with(&format!("person{round}@mail.example"));
        desktop.edit(&card, &format!("person{round}@mail.example"), &format!("person{round}@work.example"));
        insist(&desktop);
        insist(&laptop);
    }
    calm.sync(0);
    let (rows, cards) = (laptop.rows(), desktop.cards());
    assert_eq!((rows.len(), cards.len(), calm.cards().len()), (8, 8, 8));
    for number in 0..6 {
        let email = format!("person{number}@work.example");
        assert_eq!(rows.iter().filter(|row| row.contains(&email) && row.contains(&format!("coffee {number}"))).count(), 1, "{rows:?}");
        calm.card_with(&email);
    }
    let faults: Vec<Fault> = proxies.iter().flat_map(Proxy::seen).map(|(_, fault)| fault).filter(|fault| *fault != Fault::Pass).collect();
    assert!(faults.len() > 10, "{faults:?}");
    let verified = server.store(&["fsck"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn each_request_of_a_sync_may_fail_in_each_way_and_every_push_is_one_entry() {
    let server = Server::start();
    let next: Arc<Mutex<Option<(usize, Fault)>>> = Arc::default();
    let hit = Arc::clone(&next);
    let proxy = Proxy::before(server.address(), move |number| match *hit.lock().unwrap() {
        Some((target, fault)) if target == number => fault,
        _ => Fault::Pass,
    });
    let laptop = with_sheet(&proxy.url(), 3);
    enroll(&laptop, &proxy.url(), &server.code, "laptop");
    laptop.sync(0);
    let requests = proxy.seen().len();
    let mut pushes = 1;
    for fault in [Fault::HangUp, Fault::CutRequest(250), Fault::CutAnswer(20), Fault::Twice, Fault::Swallow, Fault::Late] {
        for request in 0..requests {
            *next.lock().unwrap() = Some((proxy.seen().len() + request, fault));
            laptop.edit("contacts.csv", ",tea 1", ",tea 11");
            insist(&laptop);
            laptop.edit("contacts.csv", ",tea 11", ",tea 1");
            insist(&laptop);
            pushes += 2;
        }
    }
    let run = laptop.run(&["status", "--format", "json"]).json();
    assert_eq!(run["jobs"][0]["head"], pushes, "{run}");
    let verified = server.store(&["fsck"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}
