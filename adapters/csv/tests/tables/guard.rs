//! The formula guard: off unless asked for, and exactly undone.

use adapter::OptionValue;
use record::{Kind, Record, Value};

use crate::sheet::{Sheet, lines};

fn guarded(bytes: &str) -> Sheet {
    let mut sheet = Sheet::new(bytes);
    sheet.options.insert("formula-guard".to_owned(), OptionValue::Boolean(true));
    sheet
}

#[test]
fn a_guarded_number_is_shown_without_its_guard_and_written_with_it() {
    let sheet = guarded("Name,Mobile,Notes\nAda,'+49 30 1,=SUM(A1)\n");
    let expected =
        ["name/full = Ada", "notes/@Notes/note = =SUM(A1)", "phones/@Mobile/features/mobile = true", "phones/@Mobile/number = +49 30 1"];
    assert_eq!(lines(&sheet.record()), expected);
    sheet.set(0, "phones/@Mobile/number", Some(Value::text("+49 30 2")));
    assert_eq!(sheet.text(), "Name,Mobile,Notes\nAda,'+49 30 2,=SUM(A1)\n");
    sheet.set(0, "notes/@Notes/note", Some(Value::text("'=1")));
    assert_eq!(sheet.text(), "Name,Mobile,Notes\nAda,'+49 30 2,''=1\n");
    sheet.add(&Record::new(Kind::CONTACT).with("name/full", Value::text("@Bob")));
    assert_eq!(sheet.text(), "Name,Mobile,Notes\nAda,'+49 30 2,''=1\n'@Bob,,\n");
}

#[test]
fn without_the_option_nothing_is_guarded() {
    let sheet = Sheet::new("Name,Mobile\nAda,'+49 30 1\n");
    assert_eq!(sheet.record().text("phones/@Mobile/number"), Some("'+49 30 1"));
    sheet.set(0, "phones/@Mobile/number", Some(Value::text("+49 30 2")));
    assert_eq!(sheet.text(), "Name,Mobile\nAda,+49 30 2\n");
}
