//! New cards made of the real ones that `SYNCRETIC_CORPUS` names, as an independent reader sees them: nothing is lost.

use crate::card::Card;
use crate::source::text::Text;
use crate::tests::corpus::files_below;
use crate::tests::edits::Shelf;
use crate::version::Version;
use crate::write::edit::create;
use crate::write::line::Manner;
use calcard::vcard::{VCard, VCardEntry, VCardParameter, VCardParameterName, VCardParameterValue, VCardValue};
use contentline::charset::Charset;
use contentline::items::items;
use contentline::style::Style;
use std::collections::BTreeMap;
use std::path::Path;

/// What the oracle sees otherwise although nothing is lost: the property, how its old form is told, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("PRODID", "", "volatile: it names the program that wrote the old card"),
    ("REV", "", "volatile: it says when the old card was written"),
    ("UID", "", "a UID that is no URI says so in 4.0 (RFC 6350 §6.7.6)"),
    ("X-MS-ANNIVERSARY", "", "a date in a property of one program is written with hyphens"),
    ("TEL", "tel:", "a tel: URI is written as the number that it holds (RFC 6350 §6.4.1 allows both)"),
    ("N", "Component", "a bare comma in a part of a name is text to us and a list to the oracle"),
    ("ORG", "\u{fffd}", "its bytes are cut within a character and are kept as another charset, not replaced"),
    ("ADR", "Silicon Alley 5", "a bare comma in an address is text to us and a list to the oracle"),
];

/// Says what an entry holds, whatever the order and the case of its parameters.
fn said(entry: &VCardEntry) -> (String, Vec<String>, String) {
    let name = entry.name.as_str().to_ascii_uppercase();
    let told = |text: &String| {
        let transport = ["charset", "encoding", "quoted-printable", "base64"].iter().any(|way| text.contains(way));
        // The type that a property has anyway says nothing.
        let default = matches!((name.as_str(), text.as_str()), ("BDAY", "value=valuetype(date)") | ("KEY", "value=valuetype(uri)"));
        !transport && !default
    };
    // A bare word of 2.1 is a TYPE, whether or not the oracle knows it.
    let shown = |one: &VCardParameter| match (&one.name, &one.value) {
        (VCardParameterName::Other(word), VCardParameterValue::Null) => format!("type=text({word:?})").to_lowercase(),
        (name, value) => format!("{name:?}={value:?}").to_lowercase(),
    };
    let mut parameters: Vec<String> = entry.params.iter().map(shown).filter(told).collect();
    parameters.sort();
    parameters.dedup();
    let mut values: Vec<String> = entry.values.iter().map(value).collect();
    while values.last().is_some_and(String::is_empty) {
        values.pop();
    }
    let values = values.join(" | ");
    (name.clone(), parameters, if name == "CLASS" { values.to_lowercase() } else { values })
}

/// Says what a value is; the oracle takes quoted-printable text of some properties for bytes.
fn value(value: &VCardValue) -> String {
    match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Binary(data) => String::from_utf8_lossy(&data.data).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Returns what the first card says and the second does not, by property.
fn lost(old: &VCard, new: &VCard) -> Vec<(String, String)> {
    let mut left: BTreeMap<_, usize> = BTreeMap::new();
    for entry in &new.entries {
        *left.entry(said(entry)).or_default() += 1;
    }
    let mut lost = Vec::new();
    for entry in &old.entries {
        let said = said(entry);
        match left.get_mut(&said) {
            Some(count) if *count > 0 => *count -= 1,
            _ => lost.push((said.0.clone(), format!("{said:?}"))),
        }
    }
    lost
}

fn new_card(card: &Card<'_>) -> (Vec<u8>, Version) {
    let shelf = Shelf(card.record.blobs().map(|blob| card.blob(blob.digest).unwrap()).collect());
    let manner = Manner { version: card.version, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
    (create(&card.record, manner).unwrap().bytes, card.version)
}

#[test]
fn new_cards_of_the_corpus_say_all_that_the_old_ones_do() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else {
        eprintln!("SYNCRETIC_CORPUS is not set; nothing was compared");
        return;
    };
    let mut faults = Vec::new();
    let mut counts: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for path in files_below(Path::new(&corpus)) {
        let raw = std::fs::read(&path).unwrap();
        let text = Text::new(&raw).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for item in items(&text.bytes).filter(|item| item.broken.is_none()) {
            let bytes = &text.bytes[item.span];
            let Ok(card) = Card::read(bytes) else { continue };
            let (new, version) = new_card(&card);
            let old_text = String::from_utf8_lossy(bytes).replace("\r\r\n", "\r\n");
            let (Ok(old), Ok(new)) = (VCard::parse(&old_text), VCard::parse(String::from_utf8_lossy(&new))) else {
                faults.push(format!("{name}: the oracle does not read it"));
                continue;
            };
            let lost = lost(&old, &new);
            let allowed =
                |(property, what): &&(String, String)| ALLOWED.iter().any(|(known, sign, _)| known == property && what.contains(sign));
            let unexplained: Vec<_> = lost.iter().filter(|one| !allowed(one)).collect();
            let count = counts.entry(version.text()).or_default();
            count.0 += 1;
            count.1 += usize::from(unexplained.is_empty());
            faults.extend(unexplained.into_iter().map(|(property, what)| {
                let instead: Vec<_> = new.entries.iter().map(said).filter(|said| said.0 == *property).collect();
                let short = |text: &str| text.chars().take(300).collect::<String>();
                format!("{name}: {} instead: {}", short(what), short(&format!("{instead:?}")))
            }));
        }
    }
    eprintln!("version: (cards, those of which nothing is lost) {counts:?}");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Cards of the corpus whose new 4.0 form the strict reader refuses: the file, what it says, and why that is right.
const NOT_STRICT: &[(&str, &str, &str)] = &[
    ("John_Doe_ANDROID.vcf", "EMAIL", "what stands there is no address"),
    ("outlook-2003.vcf", "well-formed", "a control character stands in its FBURL"),
    ("John_Doe_LOTUS_NOTES.vcf", "SOURCE", "what stands there is no URI"),
];

#[test]
fn a_strict_reader_takes_the_corpus_as_new_cards_of_4_0() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else {
        eprintln!("SYNCRETIC_CORPUS is not set; nothing was read");
        return;
    };
    let mut refused = Vec::new();
    for path in files_below(Path::new(&corpus)) {
        let raw = std::fs::read(&path).unwrap();
        let text = Text::new(&raw).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for item in items(&text.bytes).filter(|item| item.broken.is_none()) {
            let Ok(card) = Card::read(&text.bytes[item.span]) else { continue };
            let shelf = Shelf(card.record.blobs().map(|blob| card.blob(blob.digest).unwrap()).collect());
            let manner = Manner { version: Version::V4_0, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
            let new = String::from_utf8(create(&card.record, manner).unwrap().bytes).unwrap();
            let strict = vcard::VCard::parse_multiple(&new).map_err(|error| error.to_string());
            let strict = strict.and_then(|cards| cards.iter().try_for_each(|card| card.validate().map_err(|error| error.to_string())));
            if let Err(error) = strict
                && !NOT_STRICT.iter().any(|(file, sign, _)| *file == name && error.contains(sign))
            {
                let number = error.rsplit(' ').next().and_then(|last| last.trim_end_matches(')').parse::<usize>().ok()).unwrap_or_default();
                let line = new.lines().nth(number.saturating_sub(1)).unwrap_or_default();
                refused.push(format!("{name}: {error}: {line}"));
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
