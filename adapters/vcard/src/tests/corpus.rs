//! Laws over the real cards that `SYNCRETIC_CORPUS` names, and over anything like a card.

use crate::Vcard;
use crate::card::Card;
use crate::source::text::Text;
use crate::tests::edits::{Shelf, manner_of};
use crate::version::{ALL, Version};
use crate::write::derived;
use crate::write::edit::{create, edit};
use crate::write::line::Manner;
use crate::write::proof;
use adapter::Options;
use conformance::mutation::{Chance, damaged, survives};
use contentline::charset::Charset;
use contentline::content::Content;
use contentline::items::items;
use contentline::style::Style;
use proptest::prelude::*;
use record::{Pointer, Record, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Values that are not edited one by one: words of a fixed meaning, and what photos are made of.
const FIXED: &[&str] = &["kind", "mediaType", "relation", "level", "privacy", "service", "content", "speakToAs/grammaticalGender"];

/// Returns another value for a field, where one can be made up.
fn another(pointer: &str, value: &Value) -> Option<Value> {
    let fixed = FIXED.iter().any(|word| pointer == *word || pointer.ends_with(&format!("/{word}")));
    match value {
        _ if fixed || pointer.starts_with("ext/") => None,
        Value::Text(_) if pointer.ends_with("countryCode") => Some(Value::text("xy")),
        Value::Text(_) => Some(Value::text("Another, with; \\ signs")),
        Value::Uri(uri) if uri.starts_with("geo:") => Some(Value::Uri("geo:1.5,2.5".to_owned())),
        Value::Uri(_) => Some(Value::Uri("https://another.example/~x?a=b".to_owned())),
        Value::Date(_) => Some(Value::Date("2001-02-03".to_owned())),
        Value::Integer(_) => Some(Value::Integer(3)),
        _ => None,
    }
}

/// Checks that a card reads the same twice, and that edits of it change their own lines only.
fn assert_card(bytes: &[u8], text: &Text<'_>) {
    let Ok(card) = Card::read(bytes) else { return };
    assert_eq!(Card::read(bytes).unwrap().record, card.record);
    let same = edit(&card, &card.record, manner_of(card.version, text)).unwrap();
    assert_eq!(same.bytes, bytes);
    assert_new(&card);
    for (pointer, value) in &card.record.fields {
        let Some(value) = another(pointer.as_str(), value) else { continue };
        let changed = card.record.clone().with(pointer.as_str(), value.clone());
        let written = match edit(&card, &changed, manner_of(card.version, text)) {
            Ok(written) => written,
            // 2.1 has no escape for a backslash before a separator.
            Err(_) if card.version == Version::V2_1 && value.as_text().is_some_and(|text| text.contains('\\')) => {
                let plain = card.record.clone().with(pointer.as_str(), Value::text("Another"));
                edit(&card, &plain, manner_of(card.version, text)).unwrap_or_else(|refusal| panic!("{pointer}: {refusal}"))
            }
            Err(refusal) => panic!("{pointer}: {refusal}"),
        };
        assert!(changed_lines(bytes, &written.bytes) <= 1, "{pointer}: {}", String::from_utf8_lossy(&written.bytes));
        assert!(written.record.field(pointer.as_str()) == Some(&value) || card.version == Version::V2_1, "{pointer}");
    }
}

/// Checks that a card written anew in its own version shows the same, and that every version takes it.
fn assert_new(card: &Card<'_>) {
    let blobs = card.record.blobs().map(|blob| card.blob(blob.digest).unwrap()).collect();
    let shelf = Shelf(blobs);
    for version in ALL {
        let manner = Manner { version: *version, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
        let written = match create(&card.record, manner) {
            Ok(written) => written,
            // 2.1 has no escape for a backslash before a separator.
            Err(_) if *version == Version::V2_1 && holds_backslash(&card.record) => continue,
            Err(refusal) => panic!(
                "{version:?}: {refusal}
{:#?}",
                card.record
            ),
        };
        if *version == card.version && card.record.field("name/full").is_some() {
            let meant = derived::complete(&card.record, *version, None);
            // 4.0 has no bare parameters, so a line that has some is none there.
            let bare = |text: &str| Content::parse(text.as_bytes().into()).parameters().any(|one| one.name.is_empty());
            let lines = meant.below("ext/vcard/lines").filter(|(_, value)| *version == Version::V4_0 && value.as_text().is_some_and(bare));
            let unheld: BTreeSet<Pointer> = lines.map(|(pointer, _)| pointer.clone()).collect();
            proof::check(&meant, &unheld, &written.record).unwrap();
        }
    }
}

fn holds_backslash(record: &Record) -> bool {
    let in_text = |value: &Value| value.as_text().is_some_and(|text| text.contains('\\'));
    record.fields.iter().any(|(pointer, value)| in_text(value) || pointer.as_str().contains('\\'))
}

/// Counts the logical lines that differ.
fn changed_lines(old: &[u8], new: &[u8]) -> usize {
    let of = |bytes: &[u8]| contentline::line::lines(bytes).map(|line| line.raw(bytes).to_vec()).collect::<Vec<_>>();
    let (old, new) = (of(old), of(new));
    assert_eq!(old.len(), new.len());
    old.iter().zip(&new).filter(|(old, new)| old != new).count()
}

#[test]
fn every_card_of_the_corpus_keeps_what_is_not_edited() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else {
        eprintln!("SYNCRETIC_CORPUS is not set; nothing was checked");
        return;
    };
    let mut cards = 0;
    for path in files_below(Path::new(&corpus)) {
        let raw = std::fs::read(&path).unwrap();
        let text = Text::new(&raw).unwrap();
        for item in items(&text.bytes).filter(|item| item.broken.is_none()) {
            let bytes = &text.bytes[item.span];
            assert_card(bytes, &text);
            cards += usize::from(Card::read(bytes).is_ok());
        }
    }
    assert!(cards > 20, "{cards}");
}

pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "vcf") {
            found.push(path);
        }
    }
    found
}

fn line() -> impl Strategy<Value = String> {
    let names = [
        "FN",
        "N",
        "TEL",
        "item1.TEL",
        "EMAIL",
        "ADR",
        "ORG",
        "BDAY",
        "NOTE",
        "CATEGORIES",
        "X-Q",
        "item1.X-ABLabel",
        "PHOTO",
        "URL",
        "UID",
        "GEO",
    ];
    let heads = [
        "",
        ";TYPE=HOME",
        ";WORK;PREF",
        ";PREF=2",
        ";VALUE=uri",
        ";ENCODING=QUOTED-PRINTABLE",
        ";ENCODING=b",
        ";X-A=\"b,c\"",
        ";CHARSET=ISO-8859-1",
        ";PROP-ID=p",
    ];
    let value = prop_oneof![
        "[a-z;,\\\\=é ]{0,12}",
        Just("1980-03-22".to_owned()),
        Just("AAEC".to_owned()),
        Just("tel:+1".to_owned()),
        Just("1;2".to_owned())
    ];
    (proptest::sample::select(names.to_vec()), proptest::sample::select(heads.to_vec()), value)
        .prop_map(|(name, head, value)| format!("{name}{head}:{value}\r\n"))
}

fn card() -> impl Strategy<Value = String> {
    let version = proptest::sample::select(vec!["2.1", "3.0", "4.0"]);
    (version, proptest::collection::vec(line(), 0..8))
        .prop_map(|(version, lines)| format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{}END:VCARD\r\n", lines.concat()))
}

proptest! {
    #[test]
    fn a_card_that_is_not_changed_keeps_every_byte(text in card()) {
        if let Ok(card) = Card::read(text.as_bytes()) {
            let file = Text::new(text.as_bytes()).unwrap();
            let same = edit(&card, &card.record, manner_of(card.version, &file)).unwrap();
            prop_assert_eq!(same.bytes, text.as_bytes());
        }
    }

    #[test]
    fn an_edit_is_written_whole_or_refused(text in card(), from in card()) {
        if let (Ok(card), Ok(other)) = (Card::read(text.as_bytes()), Card::read(from.as_bytes())) {
            let file = Text::new(text.as_bytes()).unwrap();
            if let Ok(written) = edit(&card, &other.record, manner_of(card.version, &file)) {
                let again = Card::read(&written.bytes).unwrap();
                prop_assert_eq!(&again.record, &written.record);
            }
        }
    }

    #[test]
    fn a_record_of_a_card_makes_a_new_card_of_every_version(text in card()) {
        if let Ok(card) = Card::read(text.as_bytes()) {
            assert_new(&card);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Card::read(&bytes);
        let _ = crate::source::text::glance(&bytes).title();
    }
}

/// Returns how many damaged files a test tries: few, unless a campaign asks for more.
fn mutations(usual: u64) -> u64 {
    std::env::var("SYNCRETIC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn damaged_cards_keep_the_laws_of_edits_and_new_cards() {
    let seeds: Vec<String> = crate::tests::rows::cards().collect();
    for number in 0..mutations(2_000) {
        let mut chance = Chance::new(number);
        let seed = &seeds[chance.below(seeds.len())];
        let bytes = damaged(seed.as_bytes(), &mut chance);
        let Ok(text) = Text::new(&bytes) else { continue };
        for item in items(&text.bytes) {
            if let Ok(card) = Card::read(&text.bytes[item.span]) {
                assert_damaged(&card, &text, number);
            }
        }
    }
}

/// Checks what holds for any card that can be read, however odd.
fn assert_damaged(card: &Card<'_>, text: &Text<'_>, number: u64) {
    let bytes = card.document.bytes();
    let same = edit(card, &card.record, manner_of(card.version, text)).unwrap();
    assert_eq!(same.bytes, bytes, "{number}");
    for (pointer, value) in &card.record.fields {
        let Some(value) = another(pointer.as_str(), value) else { continue };
        let changed = card.record.clone().with(pointer.as_str(), value);
        if let Ok(written) = edit(card, &changed, manner_of(card.version, text)) {
            assert!(changed_lines(bytes, &written.bytes) <= 1, "{number}: {pointer}");
        }
    }
    let shelf = Shelf(card.record.blobs().filter_map(|blob| card.blob(blob.digest)).collect());
    for version in ALL {
        let manner = Manner { version: *version, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
        if let Ok(written) = create(&card.record, manner) {
            assert_eq!(Card::read(&written.bytes).unwrap().record, written.record, "{number}");
        }
    }
}

#[test]
fn files_of_damaged_cards_survive_edits() {
    let seeds: Vec<String> = crate::tests::rows::cards().collect();
    for number in 0..mutations(150) {
        let mut chance = Chance::new(number);
        let several: String = (0..3).map(|_| seeds[chance.below(seeds.len())].as_str()).collect();
        survives(&Vcard, &Options::new(), "cards.vcf", &damaged(several.as_bytes(), &mut chance));
    }
}
