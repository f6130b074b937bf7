//! The laws that every adapter must pass, for tables of each kind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adapter::{Format, Item, OptionValue, Options};
use conformance::Subject;
use record::{Kind, Pointer, Record, Value};

/// Contacts by name, told apart by their content.
struct Plain;
/// Contacts with a `uid` column, in the dialect of a German spreadsheet.
struct Keyed;
/// Rows of any table.
struct Rows;
/// Events in Google's form, with a formula guard.
struct Events;

/// Tasks told apart by their content, between bars, on an old Macintosh.
struct Tasks;
/// Contacts with several addresses in a cell.
struct Several;

/// Replaces the first `from` in the line on which an item stands.
fn replace(path: &Path, item: &Item, from: &str, to: &str) -> io::Result<()> {
    replace_between('\n', path, item, from, to)
}

fn replace_between(ending: char, path: &Path, item: &Item, from: &str, to: &str) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let line = usize::try_from(item.place.line.unwrap()).unwrap();
    let lines = text
        .split_inclusive(ending)
        .enumerate()
        .map(|(at, text)| if at + 1 == line { text.replacen(from, to, 1) } else { text.to_owned() });
    fs::write(path, lines.collect::<String>())
}

fn number(item: &Item) -> String {
    let of = |field: &str| item.record.text(field).and_then(|text| text.rsplit(' ').next()).map(str::to_owned);
    of("name/full").or_else(|| of("cells/Name")).unwrap()
}

impl Subject for Plain {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("contacts.csv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let rows = (0..count).map(|n| format!("Person {n},p{n}@example.org,\"+49 30 {n}\",\"likes a, b\",red\n"));
        fs::write(path, format!("Name,E-mail,Mobile,Notes,Colour\n{}", rows.collect::<String>()))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::CONTACT)
            .with("name/full", Value::Text(format!("Person {number}")))
            .with("emails/1/address", Value::Text(format!("p{number}@example.org")))
            .with("notes/1/note", Value::text("a note"))
    }

    fn field(&self) -> &'static str {
        "notes/1/note"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace(path, item, "red", "tan")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace(path, item, ",red", "").map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let unknown = format!("ultramarine {}", number(item));
        replace(path, item, "red", &unknown).map(|()| Some(unknown.into_bytes()))
    }
}

impl Subject for Keyed {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn options(&self) -> Options {
        Options::from([("date-format".to_owned(), OptionValue::Text("%d.%m.%Y".to_owned()))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("Adressen.csv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let row = |n| format!("\"id-{n}\";\"Zoë\";\"Person {n}\";\"01.02.1990\";\"p{n}@example.org\";\"eins {n}\";\"x\"\r\n");
        let rows: String = (0..count).map(row).collect();
        fs::write(path, format!("\u{feff}\"uid\";\"Vorname\";\"Nachname\";\"Geburtstag\";\"E-Mail\";\"Notizen\";\"Farbe\"\r\n{rows}"))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::CONTACT)
            .with("name/given", Value::text("Zoë"))
            .with("name/surname", Value::Text(format!("Person {number}")))
            .with("anniversaries/1/date", Value::Date("1990-02-28".to_owned()))
            .with("anniversaries/1/kind", Value::text("birth"))
            .with("emails/1/address", Value::Text(format!("p{number}@example.org")))
            .with("notes/1/note", Value::text("a note"))
    }

    fn field(&self) -> &'static str {
        "notes/1/note"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace(path, item, "eins", "drei")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace(path, item, "\"x\"", "\"x\";\"y\"").map(|()| true)
    }

    fn date(&self) -> Option<&'static str> {
        Some("anniversaries/1/date")
    }

    fn make_oddly(&self, path: &Path) -> io::Result<bool> {
        let rows = "\r\n;;;;;;\r\na;\"Zo\"\"ë\";P;1990-02-01;p@x;\"eins;\"zwei;x\nb;;\"\";01.02.1990;;drei;'=1\r\"c\";\"\nY\";Q;--02-01; q@x ;\"vier\";\r\n\n";
        fs::write(path, format!("\u{feff}sep=;\r\n\r\nuid;Vorname;Nachname;Geburtstag;E-Mail;Notizen;Farbe\r\n{rows}")).map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let unknown = format!("türkis {}", item.record.text("uid").unwrap());
        replace(path, item, "\"x\"", &format!("\"{unknown}\"")).map(|()| Some(unknown.into_bytes()))
    }
}

impl Subject for Rows {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn options(&self) -> Options {
        let text = |text: &str| OptionValue::Text(text.to_owned());
        Options::from([("kind".to_owned(), text("row")), ("key".to_owned(), OptionValue::List(vec!["Part".to_owned(), "uid".to_owned()]))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("parts.tsv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let rows = (0..count).map(|n| format!("P{n}\tPart {n}\t{n}.50\tblue\t\n"));
        fs::write(path, format!("Part\tName\tPrice\tRemark\tuid\n{}", rows.collect::<String>()))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::ROW)
            .with("cells/Part", Value::Text(format!("P{number}")))
            .with("cells/Name", Value::Text(format!("Part {number}")))
            .with("cells/Remark", Value::text("a remark"))
    }

    fn field(&self) -> &'static str {
        "cells/Remark"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace(path, item, "blue", "pink")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace(path, item, "\tblue", "\tblue\tgreen").map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let pointer = Pointer::new("cells/Price");
        let was = item.record.text(pointer.as_str()).unwrap().to_owned();
        let unknown = format!("{was} EUR");
        replace(path, item, &was, &unknown).map(|()| Some(unknown.into_bytes()))
    }
}

impl Subject for Events {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn options(&self) -> Options {
        Options::from([("formula-guard".to_owned(), OptionValue::Boolean(true))])
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("calendar.csv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let row = |n| {
            format!(
                "Meeting {n},01/{:02}/2026,09:00 AM,01/{:02}/2026,10:00 AM,False,'+{n},Room {n},False,red,{n}@x\r\n",
                n % 28 + 1,
                n % 28 + 1
            )
        };
        let rows: String = (0..count).map(row).collect();
        let header = "Subject,Start Date,Start Time,End Date,End Time,All Day Event,Description,Location,Private,Colour,uid\r\n";
        fs::write(path, format!("{header}{rows}"))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::EVENT)
            .with("title", Value::Text(format!("=Meeting {number}")))
            .with("start", Value::Date("2026-02-28".to_owned()))
            .with("end", Value::Date("2026-03-01".to_owned()))
            .with("locations/1/name", Value::text("@Room"))
            .with("description", Value::text("'+1"))
    }

    fn field(&self) -> &'static str {
        "description"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace(path, item, "red", "tan")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace(path, item, "09:00 AM", "soon").map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let unknown = format!("ultramarine {}", item.record.text("uid").unwrap());
        replace(path, item, "red", &unknown).map(|()| Some(unknown.into_bytes()))
    }
}

impl Subject for Tasks {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("todo.csv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let rows = (0..count).map(|n| format!("Do {n}|2026-02-{:02}|{}|open|\"note {n}\"|red\r", n % 28 + 1, n % 9 + 1));
        fs::write(path, format!("Task|Due|Priority|Status|Notes|Colour\r{}", rows.collect::<String>()))
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::TASK)
            .with("title", Value::Text(format!("Do {number}")))
            .with("due", Value::Date("2026-02-28".to_owned()))
            .with("priority", Value::Integer(5))
            .with("description", Value::text("a note"))
    }

    fn field(&self) -> &'static str {
        "description"
    }

    fn date(&self) -> Option<&'static str> {
        Some("due")
    }

    fn number(&self) -> Option<&'static str> {
        Some("priority")
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace_between('\r', path, item, "red", "tan")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace_between('\r', path, item, "|2026-", "|about 2026-").map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let unknown = format!("ultramarine {}", item.record.text("title").unwrap());
        replace_between('\r', path, item, "red", &unknown).map(|()| Some(unknown.into_bytes()))
    }
}

impl Subject for Several {
    fn format(&self) -> &dyn Format {
        adapter_csv::format()
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join("people.tsv")
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        let rows = (0..count).map(|n| format!("Person {n}\tp{n}@example.org ::: q{n}@example.org\tnote {n}\tred\n"));
        fs::write(path, format!("Name\tE-mail\tNotes\tColour\n{}", rows.collect::<String>()))
    }

    fn make_oddly(&self, path: &Path) -> io::Result<bool> {
        let rows = "Ada\t\"a ::: b\"\tone\t\rBob\t ::: c ::: \t\"\"\t\"\"\n\"\n\"\td\t\"x\"\t'\nCy\t\"e\"f\t2\" disk\t\r\n\t\t\t";
        fs::write(path, format!("\n\"Name\"\tE-mail\tNotes\tColour\r\n{rows}")).map(|()| true)
    }

    fn sample(&self, number: usize) -> Record {
        Record::new(Kind::CONTACT)
            .with("name/full", Value::Text(format!("Person {number}")))
            .with("emails/1/address", Value::Text(format!("p{number}@example.org")))
            .with("notes/1/note", Value::text("a note"))
    }

    fn field(&self) -> &'static str {
        "notes/1/note"
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        replace(path, item, "red", "tan")
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        replace(path, item, "\tred", "").map(|()| true)
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let unknown = format!("ultramarine {}", number(item));
        replace(path, item, "red", &unknown).map(|()| Some(unknown.into_bytes()))
    }
}

#[test]
fn tasks_keep_the_laws() {
    conformance::assert_conforms(&Tasks);
}

#[test]
fn several_values_in_a_cell_keep_the_laws() {
    conformance::assert_conforms(&Several);
}

#[test]
fn events_keep_the_laws() {
    conformance::assert_conforms(&Events);
}

#[test]
fn contacts_without_a_key_keep_the_laws() {
    conformance::assert_conforms(&Plain);
}

#[test]
fn contacts_with_a_uid_keep_the_laws() {
    conformance::assert_conforms(&Keyed);
}

#[test]
fn plain_rows_keep_the_laws() {
    conformance::assert_conforms(&Rows);
}
