//! Delimiters, quotes, encodings and line ends are found and kept.

use record::{Kind, Record, Value};

use crate::sheet::{Sheet, refused};

/// Sets the phone of the second row of a table, and returns the bytes that differ: what stood there, and what stands there.
fn change(bytes: &[u8], phone: &str) -> (Vec<u8>, Vec<u8>) {
    let sheet = Sheet::new(bytes);
    sheet.set(1, "phones/@Phone/number", Some(Value::text(phone)));
    let after = sheet.bytes();
    let head = bytes.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let most = bytes.len().min(after.len()) - head;
    let tail = bytes.iter().rev().zip(after.iter().rev()).take(most).take_while(|(one, other)| one == other).count();
    (bytes[head..bytes.len() - tail].to_vec(), after[head..after.len() - tail].to_vec())
}

fn changed(bytes: &[u8], phone: &str, was: &[u8], is: &[u8]) {
    assert_eq!(change(bytes, phone), (was.to_vec(), is.to_vec()), "{:?}", String::from_utf8_lossy(bytes));
}

fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn only_the_bytes_of_a_changed_cell_change() {
    changed(b"Name,Phone\nAda,1\nBob,2\n", "34", b"2", b"34");
    changed(b"Name;Phone\r\nAda;1\r\nBob;2", "3;4", b"2", b"\"3;4\"");
    changed(b"Name\tPhone\rAda\t1\rBob\t2\r", "3 4", b"2", b"3 4");
    changed(b"Name|Phone\n\"Ada\"|\"1\"\n\"Bob\"|\"2\"\n", "34", b"2", b"34");
    changed(b"\xEF\xBB\xBFName,Phone\nAda,1\nB\xC3\xB6b,2\n", "\u{e9}", b"2", b"\xC3\xA9");
    changed(b"Name,Phone\nAda,1\nB\xF6b,2\n", "\u{20ac}", b"2", b"\x80");
    changed(b"sep=;\r\nName;Phone\r\nAda;1\r\nBob;2\r\n", "34", b"2", b"34");
    changed(b"\n\nName,Phone\n,\nAda,1\n\n\" \",\nBob,2\n\n", "34", b"2", b"34");
}

#[test]
fn a_cell_that_was_quoted_without_need_stays_so() {
    changed(b"Name,Phone\nAda,1\n\"Bob\",\"2\"\nCy,3\n", "34", b"2", b"34");
    changed(b"Name,Phone\nAda,1\nBob,2\nCy,\"3\"\n", "34", b"2", b"34");
}

#[test]
fn wide_characters_are_edited_in_place() {
    let text = "\u{feff}Name;Phone\r\nAda;1\r\nBöb 😀;2\r\n";
    changed(&wide(text, u16::to_le_bytes), "34", b"2", &wide("34", u16::to_le_bytes)[..3]);
    changed(&wide(text, u16::to_be_bytes), "34", b"2", b"3\x004");
}

#[test]
fn an_encoding_and_a_delimiter_can_be_named() {
    let sheet = Sheet::new(b"Name:Phone\nJos\x8e:1\n").with("encoding", "macintosh").with("delimiter", ":");
    assert_eq!(sheet.record().text("name/full"), Some("José"));
    sheet.set(0, "name/full", Some(Value::text("Zoë")));
    assert_eq!(sheet.bytes(), b"Name:Phone\nZo\x91:1\n");
    let japanese = Sheet::new(b"Name,Phone\n\x83\x7c,1\n").with("encoding", "shift_jis");
    assert_eq!(japanese.record().text("name/full"), Some("ポ"));
}

#[test]
fn what_the_encoding_lacks_is_refused_with_its_reason() {
    let sheet = Sheet::new(b"Name,Phone\nZo\xEB,1\n");
    let item = sheet.scan().items.remove(0);
    let outcome = sheet.put(&item, &item.record.clone().with("name/full", Value::text("Łódź")));
    assert_eq!(refused(&outcome), "column \"Name\": `Ł` cannot be written in windows-1252; save the table as UTF-8 to hold it");
    let nul = sheet.put(&item, &item.record.clone().with("name/full", Value::text("a\0b")));
    assert!(refused(&nul).contains("NUL"));
    assert_eq!(sheet.bytes(), b"Name,Phone\nZo\xEB,1\n");
}

#[test]
fn bytes_that_would_read_back_as_another_encoding_are_refused() {
    // In windows-1252 `Ã©` is the two bytes that UTF-8 reads as `é`, and with them the file would look like damaged UTF-8.
    let sheet = Sheet::new(b"Name,Phone\nZo\xEB,1\nAda,2\n");
    let seen = sheet.scan();
    let odd = seen.items[1].record.clone().with("name/full", Value::text("Ã©"));
    let good = seen.items[0].record.clone().with("name/full", Value::text("Zoé"));
    assert!(refused(&sheet.put(&seen.items[1], &odd)).contains("read back otherwise"));
    sheet.put(&seen.items[0], &good);
    assert_eq!(sheet.bytes(), b"Name,Phone\nZo\xE9,1\nAda,2\n");
}

#[test]
fn new_rows_take_the_style_of_the_table() {
    let ada = Record::new(Kind::CONTACT).with("name/full", Value::text("Ada")).with("phones/1/number", Value::text("1,2"));
    let added = |text: &str| {
        let sheet = Sheet::new(text);
        sheet.add(&ada);
        sheet.text()
    };
    assert_eq!(added("Name,Phone\nBob,2\n"), "Name,Phone\nBob,2\nAda,\"1,2\"\n");
    assert_eq!(added("Name,Phone\r\nBob,2"), "Name,Phone\r\nBob,2\r\nAda,\"1,2\"");
    assert_eq!(added("Name;Phone;X\n\"Bob\";2;\"\"\n\n;;\n"), "Name;Phone;X\n\"Bob\";2;\"\"\n\"Ada\";1,2;\"\"\n\n;;\n");
    assert_eq!(added("Name,Phone"), "Name,Phone\nAda,\"1,2\"");
    assert_eq!(added("\"Name\"\t\"Phone\"\n"), "\"Name\"\t\"Phone\"\n\"Ada\"\t\"1,2\"\n");
}

#[test]
fn a_removed_row_takes_its_line_ending_along() {
    let removed = |text: &str, at: usize| {
        let sheet = Sheet::new(text);
        let item = sheet.scan().items.swap_remove(at);
        sheet.delete(&item);
        sheet.text()
    };
    assert_eq!(removed("Name,Notes\r\nAda,\"a\r\nb\"\r\n\r\nBob,2\r\n", 0), "Name,Notes\r\n\r\nBob,2\r\n");
    assert_eq!(removed("Name,Notes\nAda,1\nBob,2", 1), "Name,Notes\nAda,1\n");
    assert_eq!(removed("Name,Notes\nAda,1\n", 0), "Name,Notes\n");
}

#[test]
fn a_row_can_take_the_place_of_the_last_one() {
    let sheet = Sheet::new("Name,Phone\nAda,1\nBob,2");
    let item = sheet.scan().items.remove(1);
    let new = Record::new(Kind::CONTACT).with("name/full", Value::text("Cy"));
    sheet.apply(&[crate::sheet::delete(&item), crate::sheet::create(&new)]);
    assert_eq!(sheet.text(), "Name,Phone\nAda,1\nCy,");
}

#[test]
fn line_breaks_in_cells_are_read_as_line_feeds_and_written_as_the_table_does() {
    let sheet = Sheet::new("Name,Notes\r\nAda,\"a\r\nb\"\r\nBob,\r\n");
    assert_eq!(sheet.scan().items[0].record.text("notes/@Notes/note"), Some("a\nb"));
    sheet.set(1, "notes/@Notes/note", Some(Value::text("c\nd")));
    assert_eq!(sheet.text(), "Name,Notes\r\nAda,\"a\r\nb\"\r\nBob,\"c\r\nd\"\r\n");
}

#[test]
fn a_line_break_alone_is_a_text_and_spaces_alone_are_none() {
    for cell in ["\"\r\"", "\"\n\"", "\"\r\n\"", "\" \r \""] {
        let sheet = Sheet::new(format!("Name,Notes,Colour\nAda,{cell},{cell}\n"));
        let record = sheet.record();
        let (note, colour) = (record.text("notes/@Notes/note"), record.text("ext/csv/cells/Colour"));
        assert_eq!((note.map(|text| text.trim_matches(' ')), note), (Some("\n"), colour), "{cell:?}");
        let item = sheet.scan().items.remove(0);
        assert!(matches!(sheet.put(&item, &item.record), adapter::Outcome::Put { bytes: 0, .. }));
    }
    for field in ["notes/@Notes/note", "ext/csv/cells/Colour"] {
        let sheet = Sheet::new("Name,Notes,Colour\nAda,,\n");
        sheet.set(0, field, Some(Value::text("\n")));
        sheet.set(0, field, None);
        assert_eq!(sheet.text(), "Name,Notes,Colour\nAda,,\n");
    }
    let sheet = Sheet::new("Name,Notes,Mobile\nAda,\" \",\"\n\"\n");
    assert_eq!(sheet.record().fields.keys().map(record::Pointer::as_str).collect::<Vec<_>>(), ["name/full"]);
}
