//! A single file of many cards as an endpoint.

use crate::tests::endpoint::{Memory, adapter, apply, delete, id, make, open, put, scan, try_scan, with_text};
use adapter::{Error, Keys, OptionValue, Outcome};
use record::{Kind, Record, Value};
use std::fs;
use std::path::PathBuf;

const ADA: &str = "BEGIN:VCARD\r\nVERSION:2.1\r\nUID:ada\r\nN:Ada\r\nTEL:1\r\nEND:VCARD\r\n";
const BOB: &str = "BEGIN:VCARD\r\nVERSION:2.1\r\nUID:bob\r\nN:Bob\r\nEND:VCARD\r\n";

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.vcf");
    fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn cards_are_items_under_their_uid() {
    let (_folder, path) = file(&format!("{ADA}\r\n{BOB}"));
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    let keys: Vec<(&str, Option<u64>)> = found.items.iter().map(|item| (item.key.0.as_str(), item.place.line)).collect();
    assert_eq!(keys, [("ada", Some(1)), ("bob", Some(8))]);
    assert_eq!(source.profile().keys, Keys::Stable);
    let (_, again) = try_scan(source.as_mut(), &found.memory()).unwrap();
    assert_eq!((again.items.len(), again.unchanged.len()), (0, 2));
}

#[test]
fn one_step_edits_adds_and_deletes_in_one_exchange() {
    let (_folder, path) = file(&format!("{ADA}{BOB}"));
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    let ada = with_text(found.item_of("ada"), "phones/1/number", "2");
    let eve = Record::new(Kind::CONTACT).with("name/surname", Value::text("Eve"));
    let outcomes = apply(source.as_mut(), &[put(found.item_of("ada"), &ada), make(5, &eve), delete(found.item_of("bob"))]);
    let new = format!("BEGIN:VCARD\r\nVERSION:2.1\r\nUID:{}\r\nN:Eve;;;;\r\nEND:VCARD\r\n", id(5).urn());
    let expected = format!("{}{new}", ADA.replace("TEL:1", "TEL:2"));
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    let written: u64 = outcomes.iter().map(|outcome| if let Outcome::Put { bytes, .. } = outcome { *bytes } else { 0 }).sum();
    assert_eq!(written, expected.len() as u64);
    let answers = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Put { key, fingerprint, .. } => Some((key.clone(), fingerprint.clone())),
        Outcome::Deleted { .. } | Outcome::Stale | Outcome::Refused { .. } => None,
    });
    let (_, again) = try_scan(source.as_mut(), &Memory(answers.collect())).unwrap();
    assert_eq!((again.items.len(), again.unchanged.len()), (0, 2));
}

#[test]
fn a_stale_card_holds_up_no_other() {
    let (_folder, path) = file(&format!("{ADA}{BOB}"));
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    fs::write(&path, format!("{}{BOB}", ADA.replace("TEL:1", "TEL:9"))).unwrap();
    let (ada, bob) = (with_text(found.item_of("ada"), "phones/1/number", "2"), with_text(found.item_of("bob"), "name/surname", "Rob"));
    let outcomes = apply(source.as_mut(), &[put(found.item_of("ada"), &ada), put(found.item_of("bob"), &bob)]);
    assert_eq!(outcomes[0], Outcome::Stale);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}{}", ADA.replace("TEL:1", "TEL:9"), BOB.replace("N:Bob", "N:Rob")));
}

#[test]
fn a_broken_card_holds_up_no_other_and_stays() {
    let cut = "BEGIN:VCARD\r\nVERSION:2.1\r\nN:Cut\r\nUID:cut\r\n";
    let (_folder, path) = file(&format!("{ADA}{cut}{BOB}"));
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    assert_eq!((found.items.len(), found.broken.len()), (2, 1));
    let broken = &found.broken[0];
    assert_eq!((broken.key.as_ref().unwrap().0.as_str(), broken.place.line, broken.title.as_deref()), ("cut", Some(7), Some("Cut")));
    let bob = with_text(found.item_of("bob"), "name/surname", "Rob");
    apply(source.as_mut(), &[put(found.item_of("bob"), &bob)]);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{ADA}{cut}{}", BOB.replace("N:Bob", "N:Rob")));
}

#[test]
fn a_uid_that_stands_twice_is_one_report_with_both_lines() {
    let (_folder, path) = file(&format!("{ADA}{BOB}{ADA}"));
    let found = scan(adapter(&path).as_mut());
    assert_eq!((found.items.len(), found.broken.len()), (1, 1));
    assert!(found.broken[0].reason.contains("lines 1 and 12"), "{}", found.broken[0].reason);
}

#[test]
fn cards_without_a_uid_have_keys_that_hold_until_they_change() {
    let (_folder, path) = file(&format!("{0}{0}{BOB}", ADA.replace("UID:ada\r\n", "")));
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    assert_eq!(source.profile().keys, Keys::Unstable);
    assert_eq!(found.items.len(), 3);
    assert_ne!(found.items[0].key, found.items[1].key);
    let changed = with_text(&found.items[0], "phones/1/number", "2");
    assert!(matches!(apply(source.as_mut(), &[put(&found.items[0], &changed)])[0], Outcome::Put { .. }));
}

#[test]
fn a_file_whose_last_card_went_is_empty_and_still_whole() {
    let (_folder, path) = file(ADA);
    let mut source = adapter(&path);
    let found = scan(source.as_mut());
    assert_eq!(apply(source.as_mut(), &[delete(&found.items[0])]), [Outcome::Deleted { bytes: 2 }]);
    assert_eq!(fs::read(&path).unwrap(), b"\r\n");
    assert!(scan(source.as_mut()).items.is_empty());
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    assert!(matches!(apply(source.as_mut(), &[make(5, &eve)])[0], Outcome::Put { .. }));
    assert!(fs::read_to_string(&path).unwrap().starts_with("BEGIN:VCARD\r\nVERSION:4.0\r\n"));
}

#[test]
fn an_empty_or_missing_file_is_an_error() {
    let (folder, path) = file("");
    assert!(matches!(try_scan(adapter(&path).as_mut(), &Memory::default()).err(), Some(Error::Source { .. })));
    let missing = folder.path().join("new.vcf");
    assert!(matches!(open(&missing, &[]).err(), Some(Error::Source { .. })));
    let options = [("create", OptionValue::Boolean(true)), ("version", OptionValue::Text("3.0".to_owned()))];
    let mut source = open(&missing, &options).unwrap();
    assert!(try_scan(source.as_mut(), &Memory::default()).unwrap().1.items.is_empty());
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    assert!(matches!(apply(source.as_mut(), &[make(5, &eve)])[0], Outcome::Put { .. }));
    assert!(fs::read_to_string(&missing).unwrap().starts_with("BEGIN:VCARD\r\nVERSION:3.0\r\n"));
    fs::remove_file(&missing).unwrap();
    let known = Memory([(adapter::Key::new("x"), adapter::Fingerprint(vec![1]))].into());
    assert!(matches!(try_scan(source.as_mut(), &known).err(), Some(Error::Source { .. })));
}

#[test]
fn a_file_that_was_only_touched_is_the_same_and_an_edited_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.vcf");
    let card = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:ada\r\nFN:Ada\r\nEND:VCARD\r\n";
    fs::write(&path, card).unwrap();
    let mut source = adapter(&path);
    let (scan, _) = try_scan(source.as_mut(), &Memory::default()).unwrap();
    let note = scan.note.unwrap();
    fs::write(&path, card).unwrap();
    assert!(source.same(&note).unwrap());
    fs::write(&path, card.replace("FN:Ada", "FN:Eva")).unwrap();
    assert!(!source.same(&note).unwrap());
    fs::write(&path, "").unwrap();
    assert!(source.same(&note).is_err());
}
