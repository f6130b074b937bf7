//! What two sides can hold, before anyone syncs.

use crate::harness::{Desk, card};

#[test]
fn two_places_are_compared_by_their_own_headers() {
    let desk = Desk::with("Name,Mobile,Favourite tea\n", &[("ada.vcf", &card("a", "Ada Abel", "a@b.example", "1"))]);
    let before = desk.contents();
    let run = desk.run(&["fidelity", "contacts.csv", "cards"]);
    assert_eq!(run.code, 0, "{run:?}");
    let line = |field: &str| run.out.lines().find(|line| line.contains(field)).unwrap_or_else(|| panic!("{field}: {}", run.out));
    assert!(line("emails/*/address").contains("only the store carries it past contacts.csv"));
    assert!(!run.out.contains("name/full"), "{}", run.out);
    let verbose = desk.run(&["fidelity", "contacts.csv", "cards", "-v"]);
    assert!(verbose.out.lines().any(|line| line.contains("phones/*/number") && line.contains("survives both ways")), "{verbose:?}");
    let json = desk.run(&["fidelity", "contacts.csv", "cards", "--format", "json"]).json();
    let fields = json["kinds"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!((of("phones/*/number")["carried_by"].as_str(), of("name/given")["left"].as_bool()), (Some("both"), Some(false)));
    assert_eq!(desk.contents(), before);
    assert!(!desk.state().exists());
}

#[test]
fn two_adapters_are_compared_at_their_widest() {
    let desk = Desk::new();
    let run = desk.run(&["fidelity", "csv", "vcard", "--format", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let json = run.json();
    let fields = json["kinds"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!(of("addresses/*/locality")["carried_by"], "both");
    assert_eq!(of("media/*/content")["carried_by"], "store");
    assert_eq!(desk.run(&["fidelity", "vcard", "ical"]).code, 2);
    let run = desk.run(&["fidelity", "vcard", "nowhere.xyz"]);
    assert_eq!(run.code, 2);
    run.says(&["neither an adapter nor a file"]);
}

#[test]
fn a_table_says_how_many_parts_its_columns_hold() {
    let desk = Desk::with("Name,Mobile,Work phone,E-mail\n", &[("ada.vcf", &card("a", "Ada Abel", "a@b.example", "1"))]);
    let run = desk.run(&["fidelity", "contacts.csv", "cards"]);
    let line = |field: &str| run.out.lines().find(|line| line.contains(field)).unwrap_or_else(|| panic!("{field}: {}", run.out));
    let of_phones = line("phones/*/number");
    assert!(of_phones.contains("up to 2") && of_phones.contains("only the store carries more past contacts.csv"), "{of_phones}");
    assert!(line("emails/*/address").contains("up to 1"), "{}", run.out);
    let json = desk.run(&["fidelity", "cards", "contacts.csv", "--format", "json"]).json();
    let fields = json["kinds"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!((of("phones/*/number")["left_most"].as_u64(), of("phones/*/number")["right_most"].as_u64()), (None, Some(2)));
    assert_eq!(of("name/full")["right_most"].as_u64(), None);
    // A new table gets columns for as many as people have.
    let json = desk.run(&["fidelity", "csv", "vcard", "--format", "json"]).json();
    let fields = json["kinds"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!((of("phones/*/number")["left_most"].as_u64(), of("notes/*/note")["left_most"].as_u64()), (Some(20), Some(1)));
}

#[test]
fn a_table_of_events_is_compared_with_a_calendar() {
    let desk = Desk::new();
    desk.put("calendar.csv", "Title,Start,End,Location\nLunch,2026-05-30 12:00,2026-05-30 13:00,Home\n");
    let json = desk.run(&["fidelity", "calendar.csv", "ical", "--format", "json"]).json();
    assert_eq!(json["kinds"][0]["kind"], "event");
    let fields = json["kinds"][0]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap();
    assert_eq!(of("start")["carried_by"], "both");
    assert_eq!((of("alerts/*/trigger")["left"].as_bool(), of("alerts/*/trigger")["right"].as_bool()), (Some(false), Some(true)));
}

#[test]
fn versions_of_cards_are_told_apart() {
    let desk = Desk::new();
    let run = desk.run(&["fidelity", "csv", "vcard", "--format", "json"]);
    let fields = run.json()["kinds"][0]["fields"].as_array().unwrap().clone();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap_or_else(|| panic!("{name}")).clone();
    assert_eq!(of("addresses/*/timeZone")["right_versions"], serde_json::json!(["4.0"]));
    assert_eq!(of("emails/*/address")["right_versions"], serde_json::Value::Null);
    let text = desk.run(&["fidelity", "csv", "vcard"]);
    let line = text.out.lines().find(|line| line.contains("addresses/*/timeZone")).unwrap().to_owned();
    assert!(line.contains("4.0") && !line.contains("3.0"), "{line}");
    for version in ["2.1", "3.0", "4.0"] {
        assert!(text.out.contains(&format!("csv to vcard {version}: ")), "{}", text.out);
    }
    // A place is compared by the versions that stand in it.
    desk.put("cards.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Ada\r\nN:;Ada;;;\r\nEND:VCARD\r\n");
    let run = desk.run(&["fidelity", "csv", "cards.vcf", "--format", "json"]);
    let fields = run.json()["kinds"][0]["fields"].as_array().unwrap().clone();
    let zone = fields.iter().find(|field| field["field"] == "addresses/*/timeZone");
    assert!(zone.is_none_or(|zone| zone["right"] == false), "{zone:?}");
    let text = desk.run(&["fidelity", "csv", "cards.vcf"]);
    assert!(text.out.contains("csv to cards.vcf 3.0: "), "{}", text.out);
}
