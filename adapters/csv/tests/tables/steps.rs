//! Steps: what stays unwritten, what is stale, what a crash leaves.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use adapter::{Atomicity, Fate, Host, Key, Mode, Outcome, StepId};
use record::{Kind, Record, Value};

use crate::sheet::{Memory, Sheet, apply, create, delete, lines, refused, update};

fn text(text: &str) -> Value {
    Value::text(text)
}

#[test]
fn a_table_that_holds_everything_is_not_touched() {
    let sheet =
        Sheet::new("\u{feff}Name;\"Phone\";Birthday;Notes\r\n\"Ada\";1;10.12.1815;\"a \"\"b\"\"\"\r\n;;;\r\nBob;\" 2 \";soon;\r\n\r\n");
    let before = (sheet.bytes(), std::fs::metadata(sheet.path()).unwrap().modified().unwrap());
    let seen = sheet.scan();
    let ops: Vec<_> = seen.items.iter().map(|item| update(item, &item.record)).collect();
    let mut adapter = sheet.open();
    for answer in apply(adapter.as_mut(), StepId([2; 16]), &ops, Mode::Perform).unwrap() {
        assert!(matches!(answer, Outcome::Put { bytes: 0, .. }), "{answer:?}");
    }
    assert_eq!(adapter.recover(StepId([2; 16])).unwrap(), []);
    assert_eq!((sheet.bytes(), std::fs::metadata(sheet.path()).unwrap().modified().unwrap()), before);
}

#[test]
fn what_is_known_is_not_mapped_again_and_quotes_alone_are_no_change() {
    for header in ["uid", "Colour"] {
        let sheet = Sheet::new(format!("Name,{header}\nAda,a\nBob,b\n"));
        let known = sheet.scan().memory();
        sheet.save(format!("Name,{header}\r\n\"Ada\",\"a\"\r\n\r\nBob,b\r\nCy,c\r\n"));
        let seen = sheet.try_scan(&known).unwrap();
        assert_eq!((seen.unchanged.len(), seen.titles()), (2, vec!["Cy".to_owned()]));
    }
}

#[test]
fn other_columns_are_another_reading_of_every_row() {
    let sheet = Sheet::new("uid,Name,Phone\na,Ada,1\n");
    let known = sheet.scan().memory();
    sheet.save("uid,Name,Fax\na,Ada,1\n");
    assert_eq!(sheet.try_scan(&known).unwrap().items.len(), 1);
}

#[test]
fn equal_rows_without_a_key_are_told_apart() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nAda,1\nBob,2\n");
    let seen = sheet.scan();
    let keys: Vec<&str> = seen.items.iter().map(|item| item.key.0.rsplit('#').next().unwrap()).collect();
    assert_eq!(keys, ["0", "1", "0"]);
    let new = seen.items[1].record.clone().with("phones/@Phone/number", text("11"));
    sheet.put(&seen.items[1], &new);
    assert_eq!(sheet.text(), "Name,Phone\nAda,1\nAda,11\nBob,2\n");
}

#[test]
fn a_row_that_somebody_edited_is_stale_and_the_others_are_done() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2\nCy,3\n");
    let seen = sheet.scan();
    sheet.save("Name,Phone\nNew,0\nAda,11\nBob,2\nCy,3\n");
    let ada = seen.items[0].record.clone().with("phones/@Phone/number", text("12"));
    let bob = seen.items[1].record.clone().with("phones/@Phone/number", text("22"));
    let answers = sheet.apply(&[update(&seen.items[0], &ada), update(&seen.items[1], &bob), delete(&seen.items[2])]);
    assert!(matches!(answers[..], [Outcome::Stale, Outcome::Put { bytes: 2, .. }, Outcome::Deleted { bytes: 5 }]), "{answers:?}");
    assert_eq!(sheet.text(), "Name,Phone\nNew,0\nAda,11\nBob,22\n");
}

/// A host that saves the table when it is asked for the second time whether to go on: just before the exchange.
struct Meddler {
    path: PathBuf,
    asked: AtomicUsize,
}

impl Host for Meddler {
    fn log(&self, _message: &str) {}

    fn progress(&self, _done: u64, _of: Option<u64>) {}

    fn cancelled(&self) -> bool {
        if self.asked.fetch_add(1, Ordering::SeqCst) == 1 {
            std::fs::write(&self.path, "Name,Phone\nAda,11\nBob,2\n").unwrap();
        }
        false
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}

#[test]
fn an_editor_that_saves_before_the_exchange_wins() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2\n");
    let seen = sheet.scan();
    let bob = seen.items[1].record.clone().with("phones/@Phone/number", text("22"));
    let host = Meddler { path: sheet.path(), asked: AtomicUsize::new(0) };
    let mut adapter = adapter_csv::format().open(sheet.path(), &sheet.options, Box::new(host)).unwrap();
    let answers = apply(adapter.as_mut(), StepId([1; 16]), &[update(&seen.items[1], &bob), delete(&seen.items[0])], Mode::Perform).unwrap();
    assert_eq!(answers, [Outcome::Stale, Outcome::Stale]);
    adapter.settle(StepId([1; 16])).unwrap();
    assert_eq!((sheet.text(), sheet.names()), ("Name,Phone\nAda,11\nBob,2\n".to_owned(), vec!["table.csv".to_owned()]));
}

#[test]
fn one_row_takes_one_operation_of_a_step() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2\n");
    let seen = sheet.scan();
    let ida = seen.items[0].record.clone().with("name/full", text("Ida"));
    let eve = seen.items[0].record.clone().with("name/full", text("Eve"));
    let answers = sheet.apply(&[update(&seen.items[0], &ida), delete(&seen.items[0]), update(&seen.items[0], &eve)]);
    assert!(matches!(answers[..], [Outcome::Put { .. }, Outcome::Stale, Outcome::Stale]), "{answers:?}");
    assert_eq!(sheet.text(), "Name,Phone\nIda,1\nBob,2\n");
}

#[test]
fn a_key_that_is_taken_is_not_written_twice() {
    let sheet = Sheet::new("uid,Name\na,Ada\nb,Bob\n");
    let seen = sheet.scan();
    let taken = Record::new(Kind::CONTACT).with("name/full", text("Cy")).with("uid", text("a"));
    assert_eq!(sheet.add(&taken), Outcome::Stale);
    let bob = seen.items[1].record.clone().with("uid", text("a"));
    let ada = seen.items[0].record.clone().with("name/full", text("Ida"));
    let answers = sheet.apply(&[update(&seen.items[1], &bob), update(&seen.items[0], &ada)]);
    assert!(refused(&answers[0]).contains("another row has this key"), "{answers:?}");
    assert_eq!(sheet.text().matches("\na,").count(), 1);
    let replaced = sheet.apply(&[delete(&sheet.scan().items[0]), create(&taken)]);
    assert!(matches!(replaced[..], [Outcome::Deleted { .. }, Outcome::Put { .. }]), "{replaced:?}");
    assert_eq!(sheet.text(), "uid,Name\nb,Bob\na,Cy\n");
}

#[test]
fn a_new_key_is_answered_when_the_key_changes() {
    let sheet = Sheet::new("Nr,Name\n7,Ada\n8,Bob\n").with("key", "Nr");
    let item = sheet.scan().items.remove(0);
    assert_eq!(item.key, Key::new("7"));
    match sheet.put(&item, &item.record.clone().with("ext/csv/cells/Nr", text("9"))) {
        Outcome::Put { key, fingerprint, .. } => {
            assert_eq!(key, Key::new("9"));
            assert_eq!(sheet.scan().items[0].fingerprint, fingerprint);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_is_not_emptied() {
    let sheet = Sheet::new("Name,Phone\nAda,1\n");
    let item = sheet.scan().items.remove(0);
    assert!(refused(&sheet.put(&item, &Record::new(Kind::CONTACT))).contains("would be empty"));
    assert_eq!(sheet.text(), "Name,Phone\nAda,1\n");
}

#[test]
fn a_row_of_rare_spaces_stays_as_it_is() {
    for text in ["\u{b}\n\u{b}\t", "Name,Phone\n\u{c},\n", "Name,Phone\n\u{a0},\u{2003}\n"] {
        let sheet = Sheet::new(text);
        let item = sheet.scan().items.remove(0);
        let answer = sheet.put(&item, &item.record);
        assert!(matches!(answer, Outcome::Put { bytes: 0, .. }), "{answer:?}");
        assert_eq!(sheet.text(), text);
    }
}

#[test]
fn rehearsing_answers_what_performing_answers_and_writes_nothing() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2\n");
    let seen = sheet.scan();
    let ada = seen.items[0].record.clone().with("phones/@Phone/number", text("12"));
    let new = Record::new(Kind::CONTACT).with("name/full", text("Cy"));
    let ops = [update(&seen.items[0], &ada), delete(&seen.items[1]), create(&new)];
    let before = sheet.text();
    let rehearsed = apply(sheet.open().as_mut(), StepId([1; 16]), &ops, Mode::Rehearse).unwrap();
    assert_eq!((sheet.text(), sheet.names()), (before, vec!["table.csv".to_owned()]));
    assert_eq!(sheet.apply(&ops), rehearsed);
}

#[test]
fn a_step_that_was_cut_off_is_told_by_operation() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2\nCy,3\n");
    assert_eq!(sheet.open().profile().atomicity, Atomicity::Batch);
    let seen = sheet.scan();
    sheet.save("Name,Phone\nAda,11\nBob,2\nCy,3\n");
    let changed = |at: usize| seen.items[at].record.clone().with("phones/@Phone/number", text("9"));
    let (ada, bob) = (changed(0), changed(1));
    let ops = [update(&seen.items[0], &ada), update(&seen.items[1], &bob), update(&seen.items[2], &seen.items[2].record)];
    let answers = apply(sheet.open().as_mut(), StepId([3; 16]), &ops, Mode::Perform).unwrap();
    let fates = sheet.open().recover(StepId([3; 16])).unwrap();
    let done = |answer: &Outcome| match answer {
        Outcome::Put { key, fingerprint, .. } => Fate::Done { key: Some(key.clone()), fingerprint: Some(fingerprint.clone()) },
        other => panic!("{other:?}"),
    };
    assert_eq!(fates, [Fate::NotDone, done(&answers[1]), done(&answers[2])]);
    sheet.open().settle(StepId([3; 16])).unwrap();
    assert_eq!(sheet.names(), ["table.csv"]);
}

#[test]
fn values_that_would_be_formulas_stay_as_they_are() {
    let sheet = Sheet::new("Name,Phone\nAda,1\n");
    sheet.set(0, "phones/@Phone/number", Some(text("=+49 (30) 1")));
    assert_eq!(sheet.text(), "Name,Phone\nAda,=+49 (30) 1\n");
}

#[test]
fn cells_of_another_table_travel_under_their_header() {
    let one = Sheet::new("Name,Colour\nAda,red\n");
    let other = Sheet::new("Colour;Name;Size\nblue;Bob;3\n");
    other.add(&one.record());
    assert_eq!(other.text(), "Colour;Name;Size\nblue;Bob;3\nred;Ada;\n");
    assert_eq!(lines(&other.scan().items[1].record), ["ext/csv/cells/Colour = red", "name/full = Ada"]);
}

#[test]
fn the_place_is_its_canonical_path() {
    let sheet = Sheet::new("Name\nAda\n");
    let mut seen = crate::sheet::Seen::default();
    let scan = sheet.open().scan(&Memory::default(), &mut seen).unwrap();
    assert_eq!(scan.root, sheet.path().canonicalize().unwrap().into_os_string().into_encoded_bytes());
}
