//! Tables that are too large to be held whole: read and edited piece by piece, with the same answers as small ones.

use std::fmt::Write as _;

use adapter::{Error, Outcome};
use record::{Kind, Record, Value};

use crate::sheet::{Memory, Sheet, create, delete, update};

/// More rows than are held in memory.
const ROWS: usize = 18_000;

fn row(number: usize) -> String {
    let notes = if number.is_multiple_of(1000) { "\"two\r\nlines\"".to_owned() } else { "a long note ".repeat(80) };
    format!("id-{number};\"Person {number}\";+49 30 {number};{notes};red\r\n")
}

fn table(header: &str, row: impl Fn(usize) -> String) -> String {
    let mut text = header.to_owned();
    (0..ROWS).for_each(|number| write!(text, "{}", row(number)).unwrap());
    text
}

/// Returns the line on which a row begins.
fn line(number: usize) -> usize {
    number + 2 + number.div_ceil(1000)
}

fn keyed() -> String {
    table("uid;Name;Mobile;Notes;Colour\r\n", row)
}

#[test]
fn a_large_table_is_read_and_edited_as_a_small_one() {
    let text = keyed();
    let sheet = Sheet::new(&text);
    let seen = sheet.scan();
    assert_eq!((seen.items.len(), seen.broken.len()), (ROWS, 0));
    let again = sheet.try_scan(&seen.memory()).unwrap();
    assert_eq!((again.items.len(), again.unchanged.len()), (0, ROWS));
    let (first, middle, last) = (&seen.items[0], &seen.items[9_999], &seen.items[ROWS - 1]);
    assert_eq!(first.record.text("notes/@Notes/note"), Some("two\nlines"));
    assert_eq!(last.place.line, Some(line(ROWS - 1) as u64));
    let renamed = middle.record.clone().with("name/full", Value::text("Ada; \"the first\""));
    let new = Record::new(Kind::CONTACT).with("name/full", Value::text("New"));
    let answers = sheet.apply(&[delete(last), update(middle, &renamed), create(&new), delete(first)]);
    assert!(matches!(answers[..], [Outcome::Deleted { .. }, Outcome::Put { .. }, Outcome::Put { .. }, Outcome::Deleted { .. }]));
    let now = sheet.text();
    let added = now.lines().last().unwrap();
    assert!(added.starts_with("urn:uuid:07070707-") && added.contains(";\"New\";"), "{added}");
    let expected = text.replacen(&row(0), "", 1).replacen("\"Person 9999\"", "\"Ada; \"\"the first\"\"\"", 1).replacen(
        &row(ROWS - 1),
        &format!("{added}\r\n"),
        1,
    );
    assert!(now == expected, "other bytes changed than were meant");
    let scanned = sheet.scan();
    assert_eq!(scanned.items.len(), ROWS - 1);
    let Outcome::Put { key, fingerprint, record, .. } = &answers[1] else { panic!("{:?}", answers[1]) };
    assert!(scanned.items.iter().any(|item| item.key == *key && item.fingerprint == *fingerprint && item.record == *record));
}

#[test]
fn equal_rows_and_shared_keys_are_found_wherever_they_stand() {
    let far = |number: usize| if number == 7 || number == ROWS - 7 { "twin;Ada;1;x;red\r\n".to_owned() } else { row(number) };
    let seen = Sheet::new(table("uid;Name;Mobile;Notes;Colour\r\n", far)).scan();
    assert_eq!(seen.items.len(), ROWS - 2);
    let (one, other) = (line(7), line(ROWS - 7));
    let said = |line, other| format!("{line}: line {other} has the same \"uid\"; give each row its own");
    assert_eq!(seen.reasons(), [said(one, other), said(other, one)]);
    let bare = table("Nr;Name;Mobile;Notes;Colour\r\n", far);
    let sheet = Sheet::new(&bare);
    let seen = sheet.scan();
    let twins: Vec<_> = seen.items.iter().filter(|item| item.record.text("name/full") == Some("Ada")).collect();
    assert!(twins[0].key.0.ends_with("#0") && twins[1].key.0.ends_with("#1"));
    let ida = twins[1].record.clone().with("name/full", Value::text("Ida"));
    assert!(matches!(sheet.put(twins[1], &ida), Outcome::Put { .. }));
    let at = bare.rfind("twin;Ada").unwrap();
    assert!(sheet.text() == format!("{}twin;\"Ida\"{}", &bare[..at], &bare[at + 8..]));
}

#[test]
fn wide_characters_are_edited_in_place_in_a_large_table_too() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let text = format!("\u{feff}{}", table("uid;Name;Mobile;Notes;Colour\r\n", |number| row(number).replace("note", "nöte 😀")));
    let sheet = Sheet::new(wide(&text));
    let item = sheet.scan().items.swap_remove(12_345);
    let record = item.record.clone().with("name/full", Value::text("Zoë 𝄞"));
    assert!(matches!(sheet.put(&item, &record), Outcome::Put { .. }));
    assert!(sheet.bytes() == wide(&text.replacen("Person 12345\"", "Zoë 𝄞\"", 1)));
}

#[test]
fn damage_in_a_large_table_is_told_with_its_line() {
    let mut text = keyed().into_bytes();
    let at = text.windows(13).position(|window| window == b"Person 17000\"").unwrap();
    text[at] = 0xFF;
    text.extend_from_slice("id-ö;\"Zoë\";1;x;red\r\n".as_bytes());
    let seen = Sheet::new(&text).scan();
    assert_eq!(seen.items.len(), ROWS);
    assert_eq!(seen.reasons(), [format!("{}:10: column \"Name\" holds bytes that are not UTF-8", line(17_000))]);
    text.push(b'"');
    let open = Sheet::new(&text).scan();
    assert!(open.reasons()[1].contains("never closed"), "{:?}", open.reasons());
    let torn = Sheet::new([&b"\xFF\xFE"[..], &vec![b'a'; 17_000_001]].concat());
    assert!(torn.try_scan(&Memory::default()).is_err_and(|error| matches!(error, Error::Source { .. })));
}
