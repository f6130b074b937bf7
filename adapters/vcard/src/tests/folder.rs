//! A folder as an endpoint: what is read, what is reported, what is written.

use crate::tests::edits::Shelf;
use crate::tests::endpoint::{Answers, Memory, adapter, apply, delete, id, make, open, put, scan, step, try_scan, with_text};
use adapter::{Error, Expect, Fate, Mode, Op, OptionValue, Outcome};
use record::{Kind, Record, Value};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

const ADA: &str = "BEGIN:VCARD\nVERSION:3.0\nUID:ada\nFN:Ada\nTEL:1\nEND:VCARD\n";
const BOB: &str = "BEGIN:VCARD\nVERSION:3.0\nUID:bob\nFN:Bob\nEND:VCARD\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

/// Writes a file as if long ago, so that its times can be trusted.
fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    age(folder, name);
}

fn age(folder: &Path, name: &str) {
    let file = fs::File::options().append(true).open(folder.join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn cards_are_read_in_the_order_of_their_names_and_other_files_are_none() {
    let place = folder(&[("b.vcf", BOB), ("a.vcf", ADA), (".hidden.vcf", ADA), ("c.vcf.tmp", ADA), ("notes.txt", "x")]);
    let found = scan(adapter(place.path()).as_mut());
    let keys: Vec<&str> = found.items.iter().map(|item| item.key.0.as_str()).collect();
    assert_eq!(keys, ["a.vcf", "b.vcf"]);
    assert_eq!(found.items[0].record.text("phones/1/number"), Some("1"));
    assert!(found.broken.is_empty());
}

#[test]
fn what_did_not_change_is_unchanged_even_if_it_was_touched() {
    let place = folder(&[("a.vcf", ADA), ("b.vcf", BOB)]);
    let mut source = adapter(place.path());
    let memory = scan(source.as_mut()).memory();
    fs::write(place.path().join("a.vcf"), ADA).unwrap();
    let (_, found) = try_scan(source.as_mut(), &memory).unwrap();
    assert_eq!((found.items.len(), found.unchanged.len(), found.broken.len()), (0, 2, 0));
    fs::write(place.path().join("a.vcf"), ADA.replace("TEL:1", "TEL:2")).unwrap();
    let (_, found) = try_scan(source.as_mut(), &memory).unwrap();
    assert_eq!(found.items.len(), 1);
}

#[test]
fn an_edit_changes_its_line_only_and_answers_what_a_scan_shows() {
    let place = folder(&[("a.vcf", ADA), ("b.vcf", BOB)]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let item = before.item_of("a.vcf");
    let changed = with_text(item, "phones/1/number", "2");
    let outcomes = apply(source.as_mut(), &[put(item, &changed)]);
    assert_eq!(read(place.path(), "a.vcf"), ADA.replace("TEL:1", "TEL:2"));
    let after = scan(source.as_mut());
    let now = after.item_of("a.vcf");
    let Outcome::Put { key, fingerprint, record, bytes } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((key, record, *bytes), (&now.key, &now.record, ADA.len() as u64));
    let (_, again) = try_scan(source.as_mut(), &Memory([(key.clone(), fingerprint.clone())].into())).unwrap();
    assert!(again.unchanged.iter().any(|(found, _)| found == key));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn a_record_that_is_already_shown_writes_nothing() {
    let place = folder(&[("a.vcf", ADA)]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let outcomes = apply(source.as_mut(), &[put(&before.items[0], &before.items[0].record)]);
    assert!(matches!(outcomes[0], Outcome::Put { bytes: 0, .. }));
}

#[test]
fn an_item_that_is_not_what_was_seen_is_stale() {
    let place = folder(&[("a.vcf", ADA), ("b.vcf", BOB)]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let changed = with_text(before.item_of("a.vcf"), "phones/1/number", "2");
    fs::write(place.path().join("a.vcf"), ADA.replace("Ada", "Adah")).unwrap();
    fs::remove_file(place.path().join("b.vcf")).unwrap();
    let ops = [put(before.item_of("a.vcf"), &changed), delete(before.item_of("b.vcf")), delete(before.item_of("a.vcf"))];
    assert_eq!(apply(source.as_mut(), &ops), [Outcome::Stale, Outcome::Stale, Outcome::Stale]);
    assert_eq!(read(place.path(), "a.vcf"), ADA.replace("Ada", "Adah"));
}

#[test]
fn a_new_card_has_the_version_the_endings_and_a_file_as_the_others_have() {
    let place = folder(&[("a.vcf", ADA)]);
    let mut source = adapter(place.path());
    let known = scan(source.as_mut()).memory();
    let (_, _) = try_scan(source.as_mut(), &known).unwrap();
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    let outcomes = apply(source.as_mut(), &[make(7, &eve)]);
    let name = format!("{}.vcf", id(7).urn().trim_start_matches("urn:uuid:"));
    let Outcome::Put { key, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(key.0, name);
    let expected = format!("BEGIN:VCARD\nVERSION:3.0\nUID:{}\nFN:Eve\nN:;Eve;;;\nEND:VCARD\n", id(7).urn());
    assert_eq!(read(place.path(), &name), expected);
}

#[test]
fn a_new_card_never_takes_the_place_or_the_uid_of_another() {
    let place = folder(&[("a.vcf", ADA), ("eve.vcf", BOB)]);
    let mut source = adapter(place.path());
    let named = |uid: &str| Record::new(Kind::CONTACT).with("name/full", Value::text("X")).with("uid", Value::text(uid));
    let (ada, eve, two) = (named("ada"), named("eve"), named("two"));
    let outcomes = apply(source.as_mut(), &[make(1, &ada), make(2, &eve), make(3, &two), make(4, &two)]);
    assert_eq!([&outcomes[0], &outcomes[1], &outcomes[3]], [&Outcome::Stale, &Outcome::Stale, &Outcome::Stale]);
    assert!(matches!(outcomes[2], Outcome::Put { .. }));
}

#[test]
fn a_deleted_card_is_gone_and_its_uid_is_free() {
    let place = folder(&[("a.vcf", ADA)]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    assert_eq!(apply(source.as_mut(), &[delete(&before.items[0])]), [Outcome::Deleted { bytes: 0 }]);
    let again = before.items[0].record.clone();
    assert!(matches!(apply(source.as_mut(), &[make(1, &again)])[0], Outcome::Put { .. }));
    assert_eq!(scan(source.as_mut()).items[0].key.0, "ada.vcf");
}

#[test]
fn bad_files_are_reported_and_hold_nothing_up() {
    let cut = "BEGIN:VCARD\nVERSION:3.0\nFN:Cut Off\nTEL:1\n";
    let twice = format!("{ADA}{BOB}");
    let nest = "BEGIN:VCARD\n".repeat(100_000);
    let files = [("cut.vcf", cut), ("empty.vcf", ""), ("nest.vcf", &nest), ("text.vcf", "hello\n"), ("two.vcf", &twice), ("z.vcf", BOB)];
    let place = folder(&files);
    fs::create_dir(place.path().join("folder.vcf")).unwrap();
    let found = scan(adapter(place.path()).as_mut());
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.broken.len(), 6);
    assert!(found.broken.iter().all(|broken| broken.key.is_some()));
    let cut = found.broken_of("cut.vcf");
    assert_eq!((cut.title.as_deref(), cut.place.line), (Some("Cut Off"), Some(1)));
    assert!(cut.reason.contains("cut off"), "{}", cut.reason);
    assert!(found.broken_of("empty.vcf").reason.contains("empty"));
    assert!(found.broken_of("two.vcf").reason.contains("more than one card"));
    assert_eq!(found.broken_of("text.vcf").place.line, Some(1));
}

#[test]
fn cards_that_have_run_together_or_have_another_version_are_broken() {
    let together = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:1BEGIN:VCARD\nVERSION:3.0\nFN:B\nEND:VCARD\n";
    let place =
        folder(&[("a.vcf", together), ("b.vcf", "BEGIN:VCARD\nVERSION:5.0\nFN:B\nEND:VCARD\n"), ("c.vcf", "BEGIN:VCARD\nEND:VCARD\n")]);
    let found = scan(adapter(place.path()).as_mut());
    assert!(found.items.is_empty());
    assert!(found.broken_of("a.vcf").reason.contains("run together"));
    assert!(found.broken_of("b.vcf").reason.contains("5.0"));
    assert!(found.broken_of("c.vcf").reason.contains("nothing"));
}

#[test]
fn a_uid_in_two_files_breaks_both_even_if_one_was_known() {
    let place = folder(&[("a.vcf", ADA), ("b.vcf", BOB)]);
    let mut source = adapter(place.path());
    let memory = scan(source.as_mut()).memory();
    write(place.path(), "c.vcf", &ADA.replace("Ada", "Copy"));
    let (_, found) = try_scan(source.as_mut(), &memory).unwrap();
    assert_eq!((found.items.len(), found.unchanged.len(), found.broken.len()), (0, 1, 2));
    for name in ["a.vcf", "c.vcf"] {
        assert!(found.broken_of(name).reason.contains("a.vcf and c.vcf"));
    }
    assert_eq!(found.broken_of("a.vcf").title.as_deref(), Some("Ada"));
    fs::remove_file(place.path().join("c.vcf")).unwrap();
    let (_, healed) = try_scan(source.as_mut(), &memory).unwrap();
    assert_eq!((healed.unchanged.len(), healed.broken.len()), (2, 0));
}

#[test]
fn a_missing_folder_is_an_error_and_never_an_empty_scan() {
    let place = folder(&[("a.vcf", ADA)]);
    let path = place.path().join("cards");
    assert!(matches!(open(&path, &[]).err(), Some(Error::Source { .. })));
    let create = [("create", OptionValue::Boolean(true))];
    let mut source = open(&path, &create).unwrap();
    assert!(try_scan(source.as_mut(), &Memory::default()).unwrap().1.items.is_empty());
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    assert!(matches!(apply(source.as_mut(), &[make(1, &eve)])[0], Outcome::Put { .. }));
    let memory = scan(source.as_mut()).memory();
    fs::remove_dir_all(&path).unwrap();
    assert!(matches!(try_scan(source.as_mut(), &memory).err(), Some(Error::Source { .. })));
}

#[test]
fn a_folder_that_a_step_made_is_told_by_the_identity_of_the_next_scan() {
    let place = folder(&[]);
    let path = place.path().join("deep/cards");
    let create = [("create", OptionValue::Boolean(true))];
    let mut source = open(&path, &create).unwrap();
    let (before, _) = try_scan(source.as_mut(), &Memory::default()).unwrap();
    assert!(before.root.is_empty() && source.made().is_none() && !path.exists());
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    let op = make(1, &eve);
    source.apply(step(4), &[op], Mode::Perform, &Shelf(Vec::new()), &mut Dropped).unwrap();
    let made = source.made().unwrap();
    // A process that was cut off here finds the step's journal in the folder that it made.
    let mut reopened = open(&path, &create).unwrap();
    assert!(matches!(reopened.recover(step(4)).unwrap()[..], [Fate::Done { .. }]));
    assert_eq!(reopened.made().as_ref(), Some(&made));
    reopened.settle(step(4)).unwrap();
    assert_eq!(reopened.recover(step(4)).unwrap(), []);
    let (after, _) = try_scan(reopened.as_mut(), &Memory::default()).unwrap();
    assert!(after.root == made && reopened.made().is_none());
}

#[test]
fn a_step_that_was_cut_off_can_be_told() {
    let place = folder(&[("a.vcf", ADA)]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let changed = with_text(&before.items[0], "phones/1/number", "2");
    let mut outcomes = Dropped;
    let shelf = Shelf(Vec::new());
    source.apply(step(3), &[put(&before.items[0], &changed)], Mode::Perform, &shelf, &mut outcomes).unwrap();
    let mut reopened = adapter(place.path());
    assert!(matches!(reopened.recover(step(3)).unwrap()[..], [Fate::Done { key: Some(_), .. }]));
    reopened.settle(step(3)).unwrap();
    assert_eq!(reopened.recover(step(3)).unwrap(), []);
}

struct Dropped;

impl adapter::Outcomes for Dropped {
    fn outcome(&mut self, _index: usize, _outcome: Outcome) {}
}

#[test]
fn a_photo_is_streamed_and_written() {
    let place = folder(&[("a.vcf", &ADA.replace("TEL:1", "PHOTO;ENCODING=b;TYPE=PNG:AAEC"))]);
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let item = &before.items[0];
    let mut bytes = Vec::new();
    source.blob(&item.key, record::Digest::of(&[0, 1, 2]), &mut bytes).unwrap();
    assert_eq!(bytes, [0, 1, 2]);
    assert!(source.blob(&item.key, record::Digest::of(b"other"), &mut bytes).is_err());
    let blob = record::Blob { digest: record::Digest::of(b"photo"), length: 5 };
    let changed = item.record.clone().with("media/1/content", Value::Blob(blob));
    assert!(matches!(apply(source.as_mut(), &[put(item, &changed)])[0], Outcome::Put { .. }));
    assert!(read(place.path(), "a.vcf").contains("PHOTO;ENCODING=b;TYPE=PNG:cGhvdG8=\n"));
}

#[test]
fn utf16_files_stay_utf16() {
    let place = tempfile::tempdir().unwrap();
    let wide: Vec<u8> = [0xfeff].into_iter().chain(ADA.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    fs::write(place.path().join("a.vcf"), &wide).unwrap();
    let mut source = adapter(place.path());
    let before = scan(source.as_mut());
    let changed = with_text(&before.items[0], "name/full", "日本");
    assert!(matches!(apply(source.as_mut(), &[put(&before.items[0], &changed)])[0], Outcome::Put { .. }));
    let text = ADA.replace("FN:Ada", "FN:日本");
    let expected: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(fs::read(place.path().join("a.vcf")).unwrap(), expected);
}

#[test]
fn keys_that_lead_out_of_the_folder_are_refused() {
    let place = folder(&[("a.vcf", ADA)]);
    let mut source = adapter(place.path());
    let item = scan(source.as_mut()).items.remove(0);
    let key = adapter::Key::new("../a.vcf");
    let ops = [
        Op::Put { id: id(1), key: Some(&key), expect: Expect::Absent, record: &item.record, changed: &[] },
        Op::Delete { id: id(1), key: &key, expect: Expect::Fingerprint(&item.fingerprint) },
    ];
    let outcomes = apply(source.as_mut(), &ops);
    assert!(matches!(outcomes[..], [Outcome::Refused { .. }, Outcome::Stale]));
}

#[test]
fn nothing_is_written_to_a_folder_that_took_the_place_of_the_scanned_one() {
    let outer = tempfile::tempdir().unwrap();
    let place = outer.path().join("cards");
    fs::create_dir(&place).unwrap();
    write(&place, "ada.vcf", ADA);
    let mut source = adapter(&place);
    let item = scan(source.as_mut()).items.remove(0);
    fs::rename(&place, outer.path().join("moved")).unwrap();
    fs::create_dir(&place).unwrap();
    write(&place, "ada.vcf", ADA);
    let record = with_text(&item, "phones/1/number", "2");
    let mut answers = Answers::default();
    let result = source.apply(step(1), &[put(&item, &record)], Mode::Perform, &Shelf(Vec::new()), &mut answers);
    assert!(matches!(result, Err(Error::Changed { .. })), "{result:?}");
    assert_eq!(read(&place, "ada.vcf"), ADA);
}

#[test]
fn what_became_of_a_step_cannot_be_told_without_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let place = outer.path().join("cards");
    fs::create_dir(&place).unwrap();
    let mut source = adapter(&place);
    fs::remove_dir(&place).unwrap();
    assert!(matches!(source.recover(step(1)), Err(Error::Source { .. })));
}
