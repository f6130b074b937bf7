//! Damaged tables, one field edited: of all that another reader finds in the file only that cell differs.

use adapter::{Item, Options, Outcome};
use conformance::mutation::{Chance, damaged, survives};
use record::{Pointer, Value};

use crate::sheet::{Memory, Sheet};

/// Whole tables in several dialects, of which the damaged ones are made.
const TABLES: &[&str] = &[
    "Name,E-mail,Mobile,Notes,Colour\nAda,a@x.org,1,\"likes a, b\",red\nBob,b@x.org ::: c@x.org,\"+49 30\",,\n\"Cy \"\"C\"\"\",,,\"two\nlines\",tan\n",
    "\u{feff}First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\r\nAda,Love,* myContacts ::: Work,* Work,a@x.org ::: b@x.org,Mobile,1\r\nZoë,,,,,,\r\n",
    "sep=,\r\nSubject,Start Date,Start Time,End Date,End Time,All Day Event,Description,Location\r\nMeet,01/31/2026,09:00 AM,01/31/2026,10:00 AM,False,d,Room\r\nTrip,02/01/2026,,02/03/2026,,True,\"a\r\nb\",\r\n",
    "Part,Price,Remark\nP1,1.50,\nP1,1.50,\n\n,,\nP2,\"2,50\",x\n",
];

/// How many damaged tables are tried.
fn mutations() -> u64 {
    std::env::var("SYNCRETIC_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

/// Reads a table with another reader.
fn cells(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv_core::Reader::new();
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let (mut input, mut out) = (bytes, [0; 512]);
    loop {
        let (result, read, written) = reader.read_field(input, &mut out);
        input = &input[read..];
        cell.extend_from_slice(&out[..written]);
        match result {
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(std::mem::take(&mut cell));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            csv_core::ReadFieldResult::End => return rows,
        }
    }
}

/// Returns a text of one cell that people would edit.
fn editable(item: &Item, chance: &mut Chance) -> Option<Pointer> {
    let texts = item.record.fields.iter().filter(|(pointer, value)| {
        matches!(value, Value::Text(_))
            && !pointer.as_str().ends_with("/label")
            && !matches!(pointer.as_str(), "uid" | "privacy" | "status")
    });
    let texts: Vec<&Pointer> = texts.map(|(pointer, _)| pointer).collect();
    texts.get(chance.below(texts.len())).map(|pointer| (*pointer).clone())
}

#[test]
fn one_edit_of_a_damaged_table_changes_one_cell() {
    let mut edited = 0;
    for number in 0..mutations() {
        let mut chance = Chance::new(number);
        let bytes = damaged(TABLES[chance.below(TABLES.len())].as_bytes(), &mut chance);
        let sheet = Sheet::new(&bytes).with("delimiter", ",");
        let Ok(seen) = sheet.try_scan(&Memory::default()) else { continue };
        let Some(item) = seen.items.get(chance.below(seen.items.len())) else { continue };
        let Some(pointer) = editable(item, &mut chance) else { continue };
        let record = item.record.clone().with(pointer.as_str(), Value::text("Fuzz, and; \"more\""));
        let Outcome::Put { record: shown, .. } = sheet.put(item, &record) else {
            assert_eq!(sheet.bytes(), bytes, "{number}: what was refused was written");
            continue;
        };
        assert_eq!(shown, record, "{number}: {pointer}");
        let after = sheet.bytes();
        let (was, is) = (cells(&bytes), cells(&after));
        let wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
        if !wide {
            let shape = |rows: &[Vec<Vec<u8>>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
            assert_eq!(shape(&was), shape(&is), "{number}: {pointer}");
            let differing = was.iter().flatten().zip(is.iter().flatten()).filter(|(one, other)| one != other).count();
            assert_eq!(differing, 1, "{number}: {pointer} in {}", String::from_utf8_lossy(&bytes));
        }
        edited += 1;
    }
    assert!(edited * 4 > mutations(), "of {} damaged tables only {edited} could be edited", mutations());
}

#[test]
fn any_bytes_are_survived() {
    for number in 0..mutations() {
        let mut chance = Chance::new(number ^ 0x5EED);
        let bytes = damaged(TABLES[chance.below(TABLES.len())].as_bytes(), &mut chance);
        survives(adapter_csv::format(), &Options::new(), "table.csv", &bytes);
    }
}
