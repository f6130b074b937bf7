//! Input that is torn, damaged or not a table at all: told, held, and never taken for a deletion.

use std::fs;

use adapter::Error;
use adapter::format::Silent;
use record::Value;

use crate::sheet::{Memory, Seen, Sheet};

fn reasons(text: impl AsRef<[u8]>) -> (Vec<String>, Vec<String>) {
    let seen = Sheet::new(text).scan();
    (seen.titles(), seen.reasons())
}

#[test]
fn an_empty_file_is_torn() {
    assert_eq!(Sheet::new("").error(), "table.csv: is empty (0 bytes); a table has at least its header, so it may be torn: restore it");
    assert!(Sheet::new("\n\n \n").error().contains("blank lines"));
    assert!(Sheet::new(b"\xEF\xBB\xBF").error().contains("blank lines"));
}

#[test]
fn a_header_alone_is_an_empty_table() {
    for text in ["Name,Phone\n", "Name,Phone", "\u{feff}Name\r\n"] {
        let seen = Sheet::new(text).scan();
        assert_eq!((seen.items.len(), seen.broken.len()), (0, 0), "{text:?}");
    }
}

#[test]
fn a_table_without_its_header_is_an_error_that_says_what_to_type() {
    let error = Sheet::new("Ada,ada@example.org\nBob,bob@example.org\n").error();
    assert!(error.contains("line 1: the header is missing") && error.contains("\"ada@example.org\" was found"), "{error}");
    assert!(Sheet::new("Ada,+49 30 123456\n").error().contains("the header is missing"));
    let columns = [("Name", "name/full"), ("Phone", "phones/number")];
    let error = Sheet::new("Ada,red\nBob,tan\n").columns(&columns).error();
    assert!(error.contains("as \"Name\", but \"Ada\" was found"), "{error}");
}

#[test]
fn a_column_that_is_missing_is_named_with_the_nearest() {
    let sheet = Sheet::new("Name,Mobile\nAda,1\n").columns(&[("Name", "name/full"), ("Mobil", "phones[cell]/number")]);
    assert_eq!(sheet.error(), "option `columns`: the table has no column \"Mobil\"; did you mean \"Mobile\"?");
    let sheet = Sheet::new("Name,Mobile\nAda,1\n").with("key", "Nr");
    assert_eq!(sheet.error(), "option `key`: the table has no column \"Nr\"; it has \"Name\", \"Mobile\"");
    let sheet = Sheet::new("Name,Mobile\nAda,1\n").columns(&[("Name", "name/full"), ("Mobile", "phone[cell]/number")]);
    assert!(sheet.error().contains("\"Mobile\": `phone[cell]/number` is no field; did you mean `phones[cell]/number`?"));
    let twice = Sheet::new("A,B\n1,2\n").columns(&[("A", "name/full"), ("B", "name/full")]);
    assert!(twice.error().contains("the second one that holds `name/full`"));
    let headless = Sheet::new("A,B\n1,2\n").columns(&[("A", "name/full"), ("B", "phones/label")]);
    assert!(headless.error().contains("none holds `phones/number`"));
}

#[test]
fn a_place_that_is_no_file_is_told() {
    let sheet = Sheet::new("");
    fs::remove_file(sheet.path()).unwrap();
    assert!(matches!(sheet.try_scan(&Memory::default()), Err(Error::Source { .. })));
    assert!(sheet.error().contains("is not there"));
    fs::create_dir(sheet.path()).unwrap();
    assert!(sheet.error().contains("is a folder"));
}

#[test]
fn a_table_that_goes_away_after_opening_is_an_error() {
    let sheet = Sheet::new("Name\nAda\n");
    let mut adapter = sheet.open();
    fs::remove_file(sheet.path()).unwrap();
    assert!(matches!(adapter.scan(&Memory::default(), &mut Seen::default()), Err(Error::Source { .. })));
    sheet.save("");
    assert!(matches!(adapter.scan(&Memory::default(), &mut Seen::default()), Err(Error::Source { .. })));
}

#[test]
fn rows_with_too_few_or_too_many_cells_are_held_and_the_others_come() {
    let (titles, reasons) = reasons("Name,Phone,City\nAda,1,London\nBob,2\nCy,3,Paris,x\nDi,4,Rome\n");
    assert_eq!(titles, ["Ada", "Di"]);
    assert!(
        reasons[0].starts_with("3: 2 cells stand here, but the header has 3") && reasons[0].ends_with("`short-rows = \"fill\"`"),
        "{reasons:?}"
    );
    assert!(reasons[1].starts_with("4: 4 cells stand here, but the header has 3"), "{reasons:?}");
    let seen = Sheet::new("Name,Phone,City\nBob,2\n").scan();
    assert_eq!(seen.broken[0].title.as_deref(), Some("Bob"));
    assert_eq!(seen.broken[0].key, None);
}

#[test]
fn short_rows_can_be_filled() {
    let sheet = Sheet::new("Name,Phone,City,Notes\nAda,1\nBob,2,Rome,x\n").with("short-rows", "fill");
    assert_eq!(sheet.scan().titles(), ["Ada", "Bob"]);
    sheet.set(0, "phones/@Phone/number", Some(Value::text("11")));
    assert_eq!(sheet.text(), "Name,Phone,City,Notes\nAda,11\nBob,2,Rome,x\n");
    sheet.set(0, "addresses/@City/locality", Some(Value::text("Bath")));
    assert_eq!(sheet.text(), "Name,Phone,City,Notes\nAda,11,Bath\nBob,2,Rome,x\n");
    sheet.set(0, "notes/@Notes/note", Some(Value::text("a,b")));
    assert_eq!(sheet.text(), "Name,Phone,City,Notes\nAda,11,Bath,\"a,b\"\nBob,2,Rome,x\n");
}

#[test]
fn a_damaged_row_keeps_the_key_that_was_known() {
    let sheet = Sheet::new("uid,Name,Phone\na,Ada,1\nb,Bob,2\n");
    let known = sheet.scan().memory();
    sheet.save("uid,Name,Phone\na,Ada\nb,Bob,2\n");
    let seen = sheet.try_scan(&known).unwrap();
    assert_eq!(seen.broken[0].key.as_ref().unwrap().0, "a");
    sheet.save("uid,Name,Phone\nelse,Ada\nb,Bob,2\n");
    assert_eq!(sheet.try_scan(&known).unwrap().broken[0].key, None);
}

#[test]
fn rows_with_one_key_are_both_held() {
    let sheet = Sheet::new("uid,Name\na,Ada\nb,Bob\na,Ida\n");
    let seen = sheet.scan();
    assert_eq!(seen.titles(), ["Bob"]);
    assert_eq!(
        seen.reasons(),
        ["2: line 4 has the same \"uid\"; give each row its own", "4: line 2 has the same \"uid\"; give each row its own"]
    );
    assert!(seen.broken.iter().all(|broken| broken.key.as_ref().unwrap().0 == "a"));
}

#[test]
fn a_quote_that_is_never_closed_holds_the_rest() {
    let (titles, reasons) = reasons("Name,Phone\nAda,1\n\"Bob,2\nCy,3\n");
    assert_eq!(titles, ["Ada"]);
    assert_eq!(reasons, ["3: a quoted cell that begins on this line is never closed; close it with a quote"]);
    let seen = Sheet::new("uid,Phone\na,1\nb,\"2\nc,3\n").scan();
    assert_eq!(seen.broken[0].key, None);
}

#[test]
fn a_quote_that_swallows_rows_holds_them() {
    let (titles, reasons) = reasons("Name,Phone,City\nAda,1,\"Paris\nBob,2,Rome\nCy,3,\"Bath, Avon\"\nDi,4,Oslo\n");
    assert_eq!(titles, ["Di"]);
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("2: a quote seems to be missing"), "{reasons:?}");
}

#[test]
fn a_new_row_comes_before_an_open_quote() {
    let sheet = Sheet::new("Name,Phone\nAda,1\n\"Bob,2\nCy,3\n");
    sheet.add(&record::Record::new(record::Kind::CONTACT).with("name/full", Value::text("Di")));
    assert_eq!(sheet.text(), "Name,Phone\nAda,1\nDi,\n\"Bob,2\nCy,3\n");
}

#[test]
fn a_damaged_character_holds_its_row_with_line_and_column() {
    let (titles, reasons) = reasons(b"Name,City\nZo\xC3\xAB,Bath\nAda,M\xFCnchen\nBob,Rome\n");
    assert_eq!(titles, ["Zoë", "Bob"]);
    assert_eq!(reasons, ["3:5: column \"City\" holds bytes that are not UTF-8"]);
    let mut lone: Vec<u8> = "\u{feff}Name,City\nAda,".encode_utf16().flat_map(u16::to_le_bytes).collect();
    lone.extend([0x00, 0xD8]);
    lone.extend("\nBob,Rome\n".encode_utf16().flat_map(u16::to_le_bytes));
    let sheet = Sheet::new(&lone);
    assert_eq!(sheet.scan().reasons(), ["2:5: column \"City\" holds bytes that are not UTF-16LE"]);
    sheet.set(0, "addresses/@City/locality", Some(Value::text("Oslo")));
    assert_eq!(sheet.bytes()[..lone.len() - 12], lone[..lone.len() - 12], "the damaged row stays as it is");
}

#[test]
fn nul_characters_hold_their_row() {
    let (titles, reasons) = reasons(b"Name,City\nAda,a\0b\nBob,Rome\n\0\0\0\0\0\0");
    assert_eq!(titles, ["Bob"]);
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons[0], "2:5: column \"City\" holds a NUL character");
    assert!(Sheet::new(b"N\0a\0m\0e\0\n\0").error().contains("utf-16le"));
}

#[test]
fn a_cell_of_ten_megabytes_is_read_and_edited() {
    let long = "x,\"y\"\n".repeat(1_700_000);
    let sheet = Sheet::new(format!("Name,Notes\nAda,\"{}\"\n", long.replace('"', "\"\"")));
    assert_eq!(sheet.record().text("notes/@Notes/note").map(str::len), Some(long.len()));
    sheet.set(0, "name/full", Some(Value::text("Ida")));
    assert!(sheet.text().starts_with("Name,Notes\nIda,\"x,\"\"y\"\""));
}

#[test]
fn many_quotes_and_many_twins_take_no_time() {
    let quotes = format!("Name,Notes\n{}", "\"".repeat(2_000_001));
    assert_eq!(Sheet::new(quotes).scan().broken.len(), 1);
    let lines = format!("Name,Notes\n{}", "\"a\nb\"c,\n".repeat(100_000));
    assert_eq!(Sheet::new(lines).scan().broken.len(), 100_000);
    let twins = format!("uid,Name\n{}", "a,Ada\n".repeat(20_000));
    assert_eq!(Sheet::new(twins).scan().broken.len(), 20_000);
    let wide = format!("Name{}\nAda{}\n", ",c".repeat(20_000), ",1".repeat(20_000));
    assert_eq!(Sheet::new(wide).scan().items.len(), 1);
}

#[test]
fn an_unreadable_option_is_told_before_anything_is_read() {
    let sheet = Sheet::new("Name\nAda\n").with("encoding", "klingon");
    let error = adapter_csv::format().open(sheet.path(), &sheet.options, Box::new(Silent)).err().unwrap();
    assert!(matches!(error, Error::Config { option, .. } if option == "encoding"));
}
