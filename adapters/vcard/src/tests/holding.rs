//! What is said to be held in a version is what a new card of it shows, field by field.

use crate::holding::{versions, versions_at};
use crate::map::table::{ROWS, view};
use crate::tests::edits::Shelf;
use crate::version::Version;
use crate::write::edit::create;
use crate::write::line::Manner;
use contentline::charset::Charset;
use contentline::style::Style;
use record::{Blob, Digest, Kind, Pointer, Record, Value, vocabulary};

/// Values of every type; a field takes one of them.
fn values() -> Vec<Value> {
    let blob = Blob { digest: Digest::of(b"photo"), length: 5 };
    let mut values = vec![Value::Boolean(true), Value::Integer(1), Value::Blob(blob), Value::Date("1980-03-22".to_owned())];
    values.extend(["urn:uuid:1", "geo:1.5,2.5"].map(|uri| Value::Uri(uri.to_owned())));
    values.extend(["xy", "friend", "image/png", "1"].map(Value::text));
    values
}

/// Records that have the field, and what else its part must have: each head alone, with the kinds that its rows tell apart by.
fn records(field: &str, value: &Value) -> Vec<Record> {
    let named = Record::new(Kind::CONTACT).with("name/full", Value::text("Ada")).with("name/surname", Value::text("Abel"));
    let field = field.replace('*', "1");
    let Some((stem, id, _)) = vocabulary::split(&field) else { return vec![named.with(&field, value.clone())] };
    let part = vocabulary::part(stem).unwrap();
    let mut fixed: Vec<Option<(&str, &str)>> = ROWS.iter().filter(|row| row.stem == Some(part.stem)).map(|row| row.fixed).collect();
    fixed.push(None);
    let mut all = Vec::new();
    // Of many heads, as an address has, any one does.
    for head in part.heads.iter().take(3) {
        for head_value in values() {
            for fixed in &fixed {
                let mut record = named.clone().with(&format!("{stem}/{id}/{head}"), head_value.clone());
                if let Some((name, word)) = fixed {
                    record = record.with(&format!("{stem}/{id}/{name}"), Value::text(word));
                }
                // A kind that a row has is the only one that the row can show.
                let is_fixed = fixed.is_some_and(|(name, _)| field == format!("{stem}/{id}/{name}"));
                all.push(if is_fixed { record } else { record.with(&field, value.clone()) });
            }
        }
    }
    all
}

/// Tells whether a new card shows the field of some record that has it.
fn is_shown(field: &str, version: Version) -> bool {
    let shelf = Shelf(vec![b"photo".to_vec()]);
    let manner = Manner { version, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
    let pattern = record::Pattern::new(field);
    values().iter().any(|value| {
        records(field, value).iter().any(|record| {
            let shown = create(record, manner).map(|written| written.record);
            let meant = || record.fields.iter().filter(|(pointer, _)| pattern.matches(pointer)).map(|(_, value)| value);
            shown.is_ok_and(|shown| {
                shown.fields.iter().any(|(pointer, found)| pattern.matches(pointer) && meant().any(|value| found == value))
            })
        })
    })
}

#[test]
fn what_a_version_is_said_to_hold_is_what_its_new_cards_show() {
    let fields = view().into_iter().filter(|field| !field.starts_with("ext/") && field != "prodId" && field != "updated");
    let mut wrong = Vec::new();
    for field in fields {
        for (version, held) in versions() {
            let said = held.holds(&Pointer::new(&field.replace('*', "1")));
            if said != is_shown(&field, Version::read(version).unwrap()) {
                wrong.push(format!("{field} in {version}: said {said}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_versions_of_a_place_are_those_of_its_cards() {
    let place = tempfile::tempdir().unwrap();
    let card = |version: &str| format!("BEGIN:VCARD\nVERSION:{version}\nFN:A\nEND:VCARD\n");
    assert_eq!(versions_at(place.path()), [""; 0]);
    std::fs::write(place.path().join("a.vcf"), card("4.0")).unwrap();
    std::fs::write(place.path().join("b.vcf"), card("2.1")).unwrap();
    std::fs::write(place.path().join("c.txt"), card("3.0")).unwrap();
    assert_eq!(versions_at(place.path()), ["2.1", "4.0"]);
    let file = place.path().join("all.VCF");
    std::fs::write(&file, [card("3.0"), card("4.0")].concat()).unwrap();
    assert_eq!(versions_at(&file), ["3.0", "4.0"]);
}
