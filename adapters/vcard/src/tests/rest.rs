//! A folder at rest: nothing is read where nothing changed, and what was rehearsed is written.

use crate::source::codec::CardFile;
use crate::source::profile::profile;
use crate::tests::edits::Shelf;
use crate::tests::endpoint::{Answers, Memory, adapter, apply, id, make, put, scan, step, try_scan, with_text};
use adapter::format::Silent;
use adapter::{Adapter, Atomicity, Keys, Mode, Op, Outcome};
use record::{Kind, Record, Value};
use std::fs;
use std::path::Path;
use vdir::folder::Folder;

const ADA: &str = "BEGIN:VCARD\nVERSION:3.0\nUID:ada\nFN:Ada\nTEL:1\nEND:VCARD\n";
const BOB: &str = "BEGIN:VCARD\nVERSION:3.0\nUID:bob\nFN:Bob\nEND:VCARD\n";

/// Makes a folder of two cards.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.vcf"), ADA).unwrap();
    fs::write(folder.path().join("b.vcf"), BOB).unwrap();
    folder
}

/// Opens a folder a long time after its files were written.
fn later(path: &Path) -> Folder {
    Folder::new(path.to_owned(), false, Box::new(CardFile::default()), profile(Keys::Stable, Atomicity::Item), Box::new(Silent))
        .at(|| (i64::from(u32::MAX), 0))
}

fn perform(adapter: &mut dyn Adapter, mode: Mode, ops: &[Op<'_>]) -> Vec<Outcome> {
    let mut answers = Answers::default();
    adapter.apply(step(3), ops, mode, &Shelf(Vec::new()), &mut answers).unwrap();
    answers.in_order()
}

#[test]
fn a_folder_in_which_nothing_changed_says_so_and_any_change_is_noticed() {
    let place = folder();
    let (a, c) = (place.path().join("a.vcf"), place.path().join("c.vcf"));
    let mut source = later(place.path());
    let note = try_scan(&mut source, &Memory::default()).unwrap().0.note.unwrap();
    assert!(later(place.path()).same(&note).unwrap());
    fs::write(place.path().join("notes.txt"), "no card").unwrap();
    assert!(later(place.path()).same(&note).unwrap());
    let changes: [&dyn Fn(); 4] = [
        &|| fs::write(&c, BOB.replace("bob", "eve")).unwrap(),
        &|| fs::rename(&c, place.path().join("d.vcf")).unwrap(),
        &|| fs::write(&a, ADA.replace("TEL:1", "TEL:2")).unwrap(),
        &|| fs::remove_file(&a).unwrap(),
    ];
    let mut note = note;
    for change in changes {
        change();
        assert!(!later(place.path()).same(&note).unwrap());
        note = try_scan(&mut later(place.path()), &Memory::default()).unwrap().0.note.unwrap();
        assert!(later(place.path()).same(&note).unwrap());
    }
    let other = folder();
    assert!(!later(other.path()).same(&note).unwrap());
    drop(other);
    fs::remove_dir_all(place.path()).unwrap();
    assert!(later(place.path()).same(&note).is_err());
}

#[test]
fn a_folder_whose_times_cannot_be_trusted_or_whose_cards_cannot_be_read_leaves_no_note() {
    let place = folder();
    assert_eq!(try_scan(adapter(place.path()).as_mut(), &Memory::default()).unwrap().0.note, None);
    fs::write(place.path().join("torn.vcf"), "BEGIN:VCARD\n").unwrap();
    assert_eq!(try_scan(&mut later(place.path()), &Memory::default()).unwrap().0.note, None);
}

#[test]
fn a_new_card_whose_uid_the_folder_has_is_stale_though_nothing_was_scanned() {
    let place = folder();
    let (scanned, found) = try_scan(&mut later(place.path()), &Memory::default()).unwrap();
    let ada = Record::new(Kind::CONTACT).with("uid", Value::text("ada")).with("name/full", Value::text("Ada"));
    for recollected in [true, false] {
        let mut source = later(place.path());
        assert!(source.same(scanned.note.as_deref().unwrap()).unwrap());
        if recollected {
            source.recollect(&found.memory()).unwrap();
        }
        assert_eq!(perform(&mut source, Mode::Rehearse, &[make(5, &ada)]), [Outcome::Stale]);
        let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
        let outcomes = perform(&mut source, Mode::Rehearse, &[make(6, &eve)]);
        assert!(matches!(outcomes[..], [Outcome::Put { .. }]));
    }
}

#[test]
fn what_changed_between_rehearsal_and_performance_is_not_overwritten() {
    let place = folder();
    let mut source = adapter(place.path());
    let found = scan(source.as_mut());
    let ada = with_text(found.item_of("a.vcf"), "phones/1/number", "2");
    let eve = Record::new(Kind::CONTACT).with("name/full", Value::text("Eve"));
    let ops = [put(found.item_of("a.vcf"), &ada), make(5, &eve)];
    let rehearsed = perform(source.as_mut(), Mode::Rehearse, &ops);
    assert!(rehearsed.iter().all(|outcome| matches!(outcome, Outcome::Put { .. })));
    let new = place.path().join(format!("{}.vcf", id(5).urn().trim_start_matches("urn:uuid:")));
    fs::write(place.path().join("a.vcf"), ADA.replace("TEL:1", "TEL:9")).unwrap();
    fs::write(&new, BOB.replace("bob", "eve")).unwrap();
    assert_eq!(perform(source.as_mut(), Mode::Perform, &ops), [Outcome::Stale, Outcome::Stale]);
    assert_eq!(fs::read_to_string(place.path().join("a.vcf")).unwrap(), ADA.replace("TEL:1", "TEL:9"));
    assert_eq!(fs::read_to_string(new).unwrap(), BOB.replace("bob", "eve"));
}

#[test]
fn another_operation_than_the_rehearsed_one_is_planned_anew() {
    let place = folder();
    let mut source = adapter(place.path());
    let found = scan(source.as_mut());
    let (two, three) =
        (with_text(found.item_of("a.vcf"), "phones/1/number", "2"), with_text(found.item_of("a.vcf"), "phones/1/number", "3"));
    perform(source.as_mut(), Mode::Rehearse, &[put(found.item_of("a.vcf"), &two)]);
    let outcomes = perform(source.as_mut(), Mode::Perform, &[put(found.item_of("a.vcf"), &three)]);
    assert!(matches!(outcomes[..], [Outcome::Put { .. }]));
    assert_eq!(fs::read_to_string(place.path().join("a.vcf")).unwrap(), ADA.replace("TEL:1", "TEL:3"));
    source.settle(step(3)).unwrap();
    let found = scan(source.as_mut());
    let four = with_text(found.item_of("a.vcf"), "phones/1/number", "4");
    apply(source.as_mut(), &[put(found.item_of("a.vcf"), &four)]);
    assert_eq!(fs::read_to_string(place.path().join("a.vcf")).unwrap(), ADA.replace("TEL:1", "TEL:4"));
}
