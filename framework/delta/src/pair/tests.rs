//! Pairing, case by case.

use record::{Kind, Pointer, Record, RecordId, Value};

use crate::pair::pair;

fn row(cells: &str) -> Record {
    let cells = cells.split(',').enumerate().filter(|(_, text)| !text.is_empty());
    cells.fold(Record::new(Kind::ROW), |record, (at, text)| record.with(&format!("cells/{at}"), Value::text(text)))
}

/// Pairs rows; the answer is the index of the seen row.
fn rows(seen: &[&str], items: &[&str]) -> Vec<Option<u8>> {
    let (seen, items): (Vec<_>, Vec<_>) = (seen.iter().map(|c| row(c)).collect(), items.iter().map(|c| row(c)).collect());
    paired(&seen, &items, None)
}

fn paired(seen: &[Record], items: &[Record], unique: Option<&str>) -> Vec<Option<u8>> {
    let seen: Vec<_> = (0_u8..).zip(seen).map(|(at, record)| (RecordId([at; 16]), record)).collect();
    let items: Vec<&Record> = items.iter().collect();
    pair(&seen, &items, unique.map(Pointer::new).as_ref()).into_iter().map(|id| id.map(|id| id.0[0])).collect()
}

#[test]
fn sorted_and_edited_rows_are_who_they_were() {
    let seen = ["Ada,Lovelace,London", "Alan,Turing,London", "Kurt,Gödel,Wien"];
    assert_eq!(rows(&seen, &["Kurt,Gödel,Princeton", "Ada,King,London", "Alan,Turing,London"]), [Some(2), Some(0), Some(1)]);
}

#[test]
fn equal_rows_pair_as_many_as_there_are() {
    assert_eq!(rows(&["a,b", "a,b"], &["a,b", "a,b", "a,b"]), [Some(0), Some(1), None]);
    assert_eq!(rows(&["a,b", "a,b", "a,b"], &["a,b"]), [Some(0)]);
}

#[test]
fn an_undecidable_tie_pairs_nobody() {
    assert_eq!(rows(&["Hans,Müller,1", "Hans,Müller,2"], &["Hans,Müller,3"]), [None]);
    assert_eq!(rows(&["Hans,Müller,1"], &["Hans,Müller,2", "Hans,Müller,3"]), [None, None]);
}

#[test]
fn a_tie_among_records_of_one_content_is_none() {
    assert_eq!(rows(&["Hans,Müller,1", "Hans,Müller,1"], &["Hans,Müller,3"]), [Some(0)]);
}

#[test]
fn a_tie_that_the_other_direction_decides_is_decided() {
    // The first item has as much in common with either row, but the second row is the only one for the second item.
    assert_eq!(rows(&["a,b,,", ",,c,d"], &["a,,c,x", ",,,d"]), [Some(0), Some(1)]);
}

#[test]
fn nothing_in_common_is_nobody() {
    assert_eq!(rows(&["a,b"], &["c,d"]), [None]);
    assert_eq!(rows(&[], &["c,d"]), [None]);
    assert_eq!(rows(&["a,b"], &[]), []);
}

#[test]
fn two_uids_are_two_records() {
    let with = |uid: &str, name: &str| row("same,same,same").with("uid", Value::text(uid)).with("cells/9", Value::text(name));
    assert_eq!(paired(&[with("u1", "x")], &[with("u2", "x")], None), [None]);
    assert_eq!(paired(&[with("u1", "x")], &[with("u1", "y")], None), [Some(0)]);
    assert_eq!(paired(&[with("u1", "x")], &[row("same,same,same")], None), [Some(0)]);
}

#[test]
fn a_unique_field_counts_more_than_another_and_less_than_two() {
    let seen = [row("p,a,b"), row("q,c,d")];
    assert_eq!(paired(&seen, &[row("p,c,x")], Some("cells/0")), [Some(0)]);
    assert_eq!(paired(&seen, &[row("p,c,d")], Some("cells/0")), [Some(1)]);
    assert_eq!(paired(&seen, &[row("p,c,x")], None), [None]);
}

#[test]
fn ids_and_order_of_parts_do_not_count() {
    let card = |a: &str, b: &str| {
        let part = |record: Record, id: &str, text: &str| record.with(&format!("phones/{id}/number"), Value::text(text));
        part(part(Record::new(Kind::CONTACT), a, "+49 1"), b, "+49 2")
    };
    assert_eq!(paired(&[card("f00", "ba5")], &[card("2", "1").with("name/full", Value::text("Ada"))], None), [Some(0)]);
    assert_eq!(paired(&[card("f00", "ba5")], &[card("2", "1")], None), [Some(0)]);
}

#[test]
fn parts_that_exchange_their_types_are_not_exactly_equal() {
    let card = |first: &str, second: &str| {
        let number = |record: Record, id: &str| record.with(&format!("phones/{id}/number"), Value::text(id));
        let record = number(number(Record::new(Kind::CONTACT), "1"), "2");
        record.with(&format!("phones/1/{first}"), Value::text("")).with(&format!("phones/2/{second}"), Value::text(""))
    };
    let (mobile, work) = ("features/mobile", "contexts/work");
    let seen = [card(work, mobile), card(mobile, work)];
    assert_eq!(paired(&seen, &[card(mobile, work), card(work, mobile)], None), [Some(1), Some(0)]);
}

/// A contact as a sheet shows it: name, company, mobile number, e-mail address.
fn person(cells: &str) -> Record {
    let fields = ["name/full", "organizations/@o/name", "phones/@m/number", "emails/@e/address"];
    let cells = fields.into_iter().zip(cells.split(',')).filter(|(_, text)| !text.is_empty());
    let record = cells.fold(Record::new(Kind::CONTACT), |record, (field, text)| record.with(field, Value::text(text)));
    record.with("phones/@m/features/mobile", Value::Boolean(true)).with("emails/@e/contexts/work", Value::Boolean(true))
}

fn people(seen: &[&str], items: &[&str]) -> Vec<Option<u8>> {
    let (seen, items): (Vec<_>, Vec<_>) = (seen.iter().map(|c| person(c)).collect(), items.iter().map(|c| person(c)).collect());
    paired(&seen, &items, None)
}

#[test]
fn what_a_column_says_of_every_row_makes_nobody_the_same() {
    assert_eq!(people(&["Ada Lovelace,,+1,ada@x"], &["Kurt Gödel,,+2,kurt@x"]), [None]);
}

#[test]
fn two_people_of_one_company_are_two() {
    assert_eq!(people(&["Ada Lovelace,ACME,+1,ada@x"], &["Kurt Gödel,ACME,+2,kurt@x"]), [None]);
    assert_eq!(people(&["Ada Lovelace,ACME"], &["Kurt Gödel,ACME"]), [None]);
}

#[test]
fn whoever_is_renamed_but_keeps_an_address_or_most_of_the_rest_is_the_same() {
    assert_eq!(people(&["Mum,,+1,ada@x"], &["Ada Lovelace,,+2,ada@x"]), [Some(0)]);
    assert_eq!(people(&["Mum,,+1,ada@x"], &["Ada Lovelace,,+1,ada@y"]), [Some(0)]);
    let known = |name: &str| person(&format!("{name},ACME")).with("nicknames/Countess", Value::Boolean(true));
    assert_eq!(paired(&[known("Mum")], &[known("Ada Lovelace")], None), [Some(0)]);
    assert_eq!(people(&["Ada Lovelace,,+1,ada@x"], &["Ada Lovelace,,+2,ada@y"]), [Some(0)]);
}

#[test]
fn ten_thousand_edited_rows_pair_soon() {
    let cells = |at: usize, name: &str| row(&format!("{name}{at},s{at},t{at},Berlin,DE,yes"));
    let seen: Vec<Record> = (0..10_000).map(|at| cells(at, "old")).collect();
    let items: Vec<Record> = (0..10_000).rev().map(|at| cells(at, "new")).collect();
    let id = |at: usize| RecordId(u128::try_from(at).unwrap().to_be_bytes());
    let seen: Vec<_> = seen.iter().enumerate().map(|(at, record)| (id(at), record)).collect();
    let found = pair(&seen, &items.iter().collect::<Vec<_>>(), None);
    assert_eq!(found, (0..10_000).rev().map(|at| Some(id(at))).collect::<Vec<_>>());
}

#[test]
fn ten_thousand_rows_of_common_values_end_soon() {
    let cells = |at: usize, name: &str| row(&format!("{name},{},{},{},{}", at % 10, at / 10 % 10, at / 100 % 10, at / 1000));
    let (seen, items): (Vec<_>, Vec<_>) = (0..10_000).map(|at| (cells(at, "old"), cells(at, "new"))).unzip();
    let seen: Vec<_> = seen.iter().map(|record| (RecordId(record.digest().head()), record)).collect();
    assert_eq!(pair(&seen, &items.iter().collect::<Vec<_>>(), None).len(), 10_000);
}
