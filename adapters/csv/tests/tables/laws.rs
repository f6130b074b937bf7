//! Laws over random tables and random bytes.

use adapter::Outcome;
use proptest::prelude::*;
use record::Value;

use crate::sheet::{Sheet, update};

/// How a random table is written.
#[derive(Clone, Debug)]
struct Style {
    delimiter: char,
    ending: &'static str,
    mark: &'static str,
    quoted: Vec<bool>,
    last: bool,
}

const HEADERS: [&str; 5] = ["Name", "Mobile", "E-mail", "Notes", "Colour"];
const FIELDS: [&str; 5] = ["name/full", "phones/@Mobile/number", "emails/@E-mail/address", "notes/@Notes/note", "ext/csv/cells/Colour"];

fn style() -> impl Strategy<Value = Style> {
    let delimiter = prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')];
    let ending = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let mark = prop_oneof![Just(""), Just("\u{feff}")];
    (delimiter, ending, mark, proptest::collection::vec(any::<bool>(), HEADERS.len()), any::<bool>())
        .prop_map(|(delimiter, ending, mark, quoted, last)| Style { delimiter, ending, mark, quoted, last })
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-zé,;|\t\"\n 0-9]{0,8}", "[a-z]{1,6}"]
}

fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    let row = ("[a-z]{1,6}", proptest::collection::vec(cell(), HEADERS.len() - 1));
    proptest::collection::vec(row.prop_map(|(name, rest)| std::iter::once(name).chain(rest).collect()), 1..6)
}

impl Style {
    fn cell(&self, column: usize, text: &str) -> String {
        let needs = text.contains([self.delimiter, '"', '\n', '\r']);
        if needs || (self.quoted[column] && !text.is_empty()) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    }

    fn row(&self, cells: &[String]) -> String {
        cells.iter().enumerate().map(|(at, text)| self.cell(at, text)).collect::<Vec<_>>().join(&self.delimiter.to_string())
    }

    fn table(&self, rows: &[Vec<String>]) -> String {
        let header = HEADERS.map(str::to_owned).join(&self.delimiter.to_string());
        let lines: Vec<String> = std::iter::once(header).chain(rows.iter().map(|row| self.row(row))).collect();
        format!("{}{}{}", self.mark, lines.join(self.ending), if self.last { self.ending } else { "" })
    }
}

/// Returns what a cell says: where prose stands, a line break alone is a text too.
fn shown(column: usize, text: &str) -> Option<Value> {
    let prose = matches!(HEADERS[column], "Notes" | "Colour");
    let blank = text.chars().all(|c| c.is_whitespace() && !(prose && matches!(c, '\n' | '\r')));
    (!blank).then(|| Value::text(text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn only_the_edited_cells_change(style in style(), rows in rows(), edits in proptest::collection::vec((0..6_usize, 1..HEADERS.len(), cell()), 1..4)) {
        let sheet = Sheet::new(style.table(&rows)).with("delimiter", &style.delimiter.to_string());
        let seen = sheet.scan();
        prop_assert_eq!(seen.items.len(), rows.len());
        let (mut wanted, mut expected) = (Vec::new(), rows.clone());
        for (at, item) in seen.items.iter().enumerate() {
            let mut record = item.record.clone();
            for (_, column, text) in edits.iter().filter(|(row, ..)| *row == at) {
                match shown(*column, text) {
                    Some(value) => drop(record.fields.insert(FIELDS[*column].into(), value)),
                    None => drop(record.fields.remove(FIELDS[*column])),
                }
                if shown(*column, text) != shown(*column, &expected[at][*column]) {
                    expected[at][*column] = if shown(*column, text).is_some() { text.clone() } else { String::new() };
                }
            }
            for (field, trait_field) in [(FIELDS[1], "phones/@Mobile/features/mobile")] {
                match record.field(field) {
                    Some(_) => drop(record.fields.insert(trait_field.into(), Value::Boolean(true))),
                    None => drop(record.fields.remove(trait_field)),
                }
            }
            wanted.push(record);
        }
        let ops: Vec<_> = seen.items.iter().zip(&wanted).map(|(item, record)| update(item, record)).collect();
        for (answer, wanted) in sheet.apply(&ops).iter().zip(&wanted) {
            match answer {
                Outcome::Put { record, .. } => prop_assert_eq!(record, wanted),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let now: Vec<_> = sheet.scan().items.into_iter().map(|item| item.record).collect();
        prop_assert_eq!(now, wanted);
        let before = style.table(&rows);
        let untouched = rows.iter().zip(&expected).filter(|(one, other)| one == other).map(|(row, _)| style.row(row));
        for row in untouched {
            prop_assert!(sheet.text().contains(&row), "{:?} is gone from {:?}", row, sheet.text());
        }
        if expected == rows {
            prop_assert_eq!(sheet.text(), before);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), edit in cell()) {
        exercise(&bytes, &edit)?;
    }

    #[test]
    fn near_tables_never_panic_and_stay_as_they_are_where_nothing_is_written(text in "(Name|uid|E-mail|First Name)(,|;)(Phone|Phone 1 - Value|Labels)[\r\n]{1,2}[ab,;\"\r\n\u{0}é:* ]{0,60}", edit in cell()) {
        exercise(text.as_bytes(), &edit)?;
    }
}

/// Reads a table, writes every row as it is, and then edits one.
fn exercise(bytes: &[u8], edit: &str) -> Result<(), TestCaseError> {
    let sheet = Sheet::new(bytes);
    let Ok(seen) = sheet.try_scan(&crate::sheet::Memory::default()) else { return Ok(()) };
    let ops: Vec<_> = seen.items.iter().map(|item| update(item, &item.record)).collect();
    for answer in sheet.apply(&ops) {
        prop_assert!(matches!(answer, Outcome::Put { bytes: 0, .. }), "{:?}", answer);
    }
    prop_assert_eq!(sheet.bytes(), bytes);
    let Some(item) = seen.items.first() else { return Ok(()) };
    let Some(pointer) = item.record.fields.keys().find(|pointer| !pointer.as_str().starts_with("keywords/")).cloned() else {
        return Ok(());
    };
    let record = item.record.clone().with(pointer.as_str(), Value::text(edit));
    if let Outcome::Put { key, record, fingerprint, .. } = sheet.put(item, &record) {
        let now = sheet.scan();
        let found = now.items.iter().find(|item| item.key == key);
        prop_assert_eq!(found.map(|item| (&item.record, &item.fingerprint)), Some((&record, &fingerprint)));
        prop_assert_eq!(now.broken.len(), seen.broken.len());
    }
    Ok(())
}
