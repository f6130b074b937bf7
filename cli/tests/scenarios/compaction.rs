//! Compaction: entries go, a snapshot stands for them, and nobody misses anything.

use crate::network::{enroll, invite, pair, with_cards};

#[test]
fn after_a_compaction_newcomers_and_those_who_lag_have_everything() {
    let (server, laptop, desktop) = pair(6);
    laptop.sync(0);
    desktop.sync(0);
    for number in 0..4 {
        laptop.edit("contacts.csv", &format!(",tea {number}\n"), &format!(",coffee {number}\n"));
        laptop.sync(0);
    }
    assert_eq!(desktop.run(&["collection", "compact", "contacts"]).code, 7, "the desktop may write, and not compact");
    let snapshot = laptop.run(&["collection", "snapshot", "contacts", "--format", "json"]).json();
    assert_eq!(snapshot["snapshot"], 5, "{snapshot}");
    let done = laptop.run(&["collection", "compact", "contacts"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("5 entries with "), "{done:?}");
    assert!(laptop.run(&["collection", "show", "contacts"]).out.contains("compacted up to v5"));
    laptop.settle();

    // Who lags.
    let card = desktop.card_with("person5@mail.example");
    desktop.edit(&card, "person5@mail.example", "person5@work.example");
    desktop.sync(0);
    desktop.settle();
    // Who is new.
    let newcomer = with_cards(&server.url);
    enroll(&newcomer, &server.url, &invite(&laptop, "contacts=write"), "newcomer");
    newcomer.sync(0);
    newcomer.settle();
    laptop.sync(0);
    assert_eq!((newcomer.cards().len(), desktop.cards().len(), laptop.rows().len()), (6, 6, 6));
    newcomer.card_with("person5@work.example");
    assert!(laptop.text("contacts.csv").contains("person5@work.example"));
    assert_eq!(server.store(&["fsck"]).code, 0);
}

#[test]
fn what_is_not_old_enough_stays_and_what_is_not_synced_here_cannot_be_compacted() {
    let (_server, laptop, desktop) = pair(3);
    let unsynced = desktop.run(&["collection", "snapshot", "contacts"]);
    assert_eq!(unsynced.code, 2, "{unsynced:?}");
    unsynced.says(&["this device has nothing of `contacts` yet"]);
    laptop.sync(0);
    assert_eq!(laptop.run(&["collection", "set", "contacts", "--retention", "30d"]).code, 0);
    let done = laptop.run(&["collection", "compact", "contacts"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("no entry was old enough"), "{done:?}");
    let other = laptop.run(&["collection", "compact", "others"]);
    assert_eq!(other.code, 2, "{other:?}");
    other.says(&["no job of the configuration keeps collection `others`"]);
    desktop.sync(0);
    assert_eq!(desktop.cards().len(), 3);
}
