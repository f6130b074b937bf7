//! New 4.0 cards are held against a strict reader.

use crate::tests::edits::create_card;
use crate::version::Version;
use record::{Kind, Record, Value};

#[test]
fn a_new_card_is_valid_to_a_strict_reader() {
    let text = Value::text;
    let yes = || Value::Boolean(true);
    let record = Record::new(Kind::CONTACT)
        .with("uid", text("urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1"))
        .with("name/full", text("Dr. Ada Lovelace, Countess; \\ of\nKing"))
        .with("name/given", text("Ada"))
        .with("name/surname", text("Lovelace; née Byron"))
        .with("nicknames/A,da", yes())
        .with("phones/1/number", text("+44 20 7946 0000"))
        .with("phones/1/contexts/work", yes())
        .with("phones/1/features/mobile", yes())
        .with("phones/1/pref", Value::Integer(1))
        .with("emails/1/address", text("ada@example.org"))
        .with("addresses/1/street", text("12 St James's Square"))
        .with("addresses/1/locality", text("London"))
        .with("organizations/1/name", text("Analytical, Ltd."))
        .with("organizations/1/units/1", text("Engines"))
        .with("titles/1/name", text("Countess"))
        .with("anniversaries/1/date", Value::Date("1815-12-10".to_owned()))
        .with("anniversaries/1/kind", text("birth"))
        .with("links/1/uri", Value::Uri("https://example.org/ada".to_owned()))
        .with("links/1/label", text("Home page"))
        .with("notes/1/note", text(&"A long note with ümlauts and 日本 in it. ".repeat(8)))
        .with("keywords/friends", yes());
    let written = create_card(&record, Version::V4_0);
    let cards = vcard::VCard::parse_multiple(std::str::from_utf8(&written).unwrap()).unwrap();
    assert_eq!(cards.len(), 1);
    cards[0].validate().unwrap();
}
