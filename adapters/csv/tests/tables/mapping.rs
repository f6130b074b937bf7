//! What columns show, and which part of a record each column takes.

use adapter::{Keys, Outcome};
use record::{Kind, Pointer, Record, Value};

use crate::sheet::{ID, Sheet, lines};

fn contact() -> Record {
    Record::new(Kind::CONTACT)
}

fn yes() -> Value {
    Value::Boolean(true)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

/// Returns the row that a new record becomes, without the header.
fn row(header: &str, record: &Record) -> String {
    let sheet = Sheet::new(format!("{header}\n"));
    match sheet.add(record) {
        Outcome::Put { .. } => sheet.text().lines().skip(1).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guessed_table_shows_places_and_what_they_imply() {
    let sheet = Sheet::new("Full name,Mobile,Work e-mail,Home City,Birthday,Tags,Shoe size\nAda,1,a@b.c,London,1815-12-10,\"x, y\",38\n");
    let expected = [
        "addresses/@Home City/contexts/private = true",
        "addresses/@Home City/locality = London",
        "anniversaries/@Birthday/date = 1815-12-10",
        "anniversaries/@Birthday/kind = birth",
        "emails/@Work e-mail/address = a@b.c",
        "emails/@Work e-mail/contexts/work = true",
        "ext/csv/cells/Shoe size = 38",
        "keywords/x = true",
        "keywords/y = true",
        "name/full = Ada",
        "phones/@Mobile/features/mobile = true",
        "phones/@Mobile/number = 1",
    ];
    assert_eq!(lines(&sheet.record()), expected);
}

#[test]
fn an_empty_cell_shows_nothing() {
    let sheet = Sheet::new("Name,Mobile,Home Street,Home City\nAda,, ,\n");
    assert_eq!(lines(&sheet.record()), ["name/full = Ada"]);
}

#[test]
fn columns_of_the_job_are_used_alone() {
    let sheet = Sheet::new("Wer,Draht,Mobile\nAda,1,2\n").columns(&[("Wer", "name/full"), ("draht", "phones[Lake house]/number")]);
    let expected = ["ext/csv/cells/Mobile = 2", "name/full = Ada", "phones/@Draht/label = Lake house", "phones/@Draht/number = 1"];
    assert_eq!(lines(&sheet.record()), expected);
}

#[test]
fn the_view_is_what_the_columns_can_hold() {
    let sheet = Sheet::new("Name,Mobile,Colour\nAda,1,red\n");
    let adapter = sheet.open();
    let holds = |pointer: &str| adapter.profile().view.holds(&Pointer::new(pointer));
    let inside = ["name/full", "phones/x/number", "phones/x/features/mobile", "ext/csv/cells/Colour"];
    let outside = ["phones/x/label", "phones/x/contexts/work", "emails/x/address", "ext/csv/cells/Shape", "uid", "name/given"];
    assert!(inside.into_iter().all(holds));
    assert!(!outside.into_iter().any(holds));
    assert_eq!(adapter.profile().keys, Keys::Unstable);
}

#[test]
fn a_selector_takes_the_most_preferred_part_that_nobody_took() {
    let record = contact()
        .with("name/full", text("Ada"))
        .with("phones/a/number", text("1"))
        .with("phones/b/number", text("2"))
        .with("phones/b/features/mobile", yes())
        .with("phones/c/number", text("3"))
        .with("phones/c/features/mobile", yes())
        .with("phones/c/pref", Value::Integer(1))
        .with("phones/d/number", text("4"))
        .with("phones/d/contexts/work", yes())
        .with("phones/d/features/fax", yes());
    assert_eq!(row("Name,Mobile,Phone", &record), "Ada,3,1");
    assert_eq!(row("Name,Mobile,Mobile 2,Phone 2,Work phone", &record), "Ada,3,2,,4");
    assert_eq!(row("Name,Work phone,Work fax,Phone 1,Phone 2,Phone 3", &record), "Ada,,4,3,1,2");
}

#[test]
fn a_new_row_holds_as_many_parts_as_there_are_columns_for_them() {
    let header = "Name,Mobile,Work phone,E-mail,Street,City\n";
    let sheet = Sheet::new(header);
    let room = adapter_csv::room(&sheet.path()).unwrap();
    assert_eq!(room.into_iter().collect::<Vec<_>>(), [("addresses", 1), ("emails", 1), ("phones", 2)]);
    let all = ["1", "2", "3"].iter().fold(contact().with("name/full", text("Ada")), |record, id| {
        let record = record.with(&format!("phones/{id}/number"), text(id)).with(&format!("phones/{id}/features/mobile"), yes());
        record.with(&format!("phones/{id}/contexts/work"), yes()).with(&format!("emails/{id}/address"), text(id))
    });
    let Outcome::Put { record: shown, .. } = sheet.add(&all) else { panic!("not put") };
    let parts = |stem: &str| shown.below(stem).filter(|(pointer, _)| !pointer.as_str().contains("/features/")).count();
    assert_eq!((sheet.text(), parts("emails")), (format!("{header}Ada,1,2,1,,\n"), 1));
    // A cell of several values keeps them, and does not take more.
    let sheet = Sheet::new("Name,E-mail\nAda,a ::: b\n");
    let item = sheet.scan().items.remove(0);
    let more = item.record.clone().with("emails/new/address", text("c"));
    assert!(matches!(sheet.put(&item, &more), Outcome::Put { record, .. } if record == item.record));
    assert_eq!(sheet.text(), "Name,E-mail\nAda,a ::: b\n");
    assert!(adapter_csv::room(&sheet.path().with_file_name("none.csv")).is_err());
}

#[test]
fn a_part_stays_in_its_column_while_it_matches() {
    let sheet = Sheet::new("Name,Phone 1,Phone 2,Mobile\nAda,1,2,3\n");
    let item = sheet.scan().items.remove(0);
    let mut record = item.record.clone().with("phones/0/number", text("9")).with("phones/0/pref", Value::Integer(1));
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), "Name,Phone 1,Phone 2,Mobile\nAda,1,2,3\n");
    record.fields.remove("phones/@Phone 2/number");
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), "Name,Phone 1,Phone 2,Mobile\nAda,1,9,3\n");
}

#[test]
fn a_part_that_matches_no_more_moves_to_another_column() {
    let sheet = Sheet::new("Name,Phone,Mobile\nAda,,3\n");
    let item = sheet.scan().items.remove(0);
    let mut record = item.record.clone();
    record.fields.remove("phones/@Mobile/features/mobile");
    sheet.put(&item, &record);
    assert_eq!(sheet.text(), "Name,Phone,Mobile\nAda,3,\n");
}

#[test]
fn labels_match_in_any_case() {
    let record =
        contact().with("name/full", text("Ada")).with("emails/1/address", text("a@b.c")).with("emails/1/label", text("LAKE house"));
    let sheet = Sheet::new("Name,Lake\n").columns(&[("Name", "name/full"), ("Lake", "emails[Lake House]/address")]);
    sheet.add(&record);
    assert_eq!(sheet.text(), "Name,Lake\nAda,a@b.c\n");
}

#[test]
fn dates_follow_the_form_of_the_table() {
    let sheet = Sheet::new("Name,Birthday\nAda,10.12.1815\nBob,bald\nCy,7.3.1985\n").with("date-format", "%d.%m.%Y");
    let shown: Vec<Value> =
        sheet.scan().items.iter().map(|item| item.record.field("anniversaries/@Birthday/date").unwrap().clone()).collect();
    assert_eq!(shown, [Value::Date("1815-12-10".to_owned()), text("bald"), Value::Date("1985-03-07".to_owned())]);
    sheet.set(0, "anniversaries/@Birthday/date", Some(Value::Date("1815-12-11".to_owned())));
    sheet.set(1, "anniversaries/@Birthday/date", Some(Value::Date("--03-07".to_owned())));
    sheet.set(2, "name/full", Some(text("Cyd")));
    assert_eq!(sheet.text(), "Name,Birthday\nAda,11.12.1815\nBob,--03-07\nCyd,7.3.1985\n");
}

#[test]
fn sets_keep_the_order_of_what_stays() {
    let sheet = Sheet::new("Name,Tags\nAda,\"zoo, art\"\n");
    sheet.set(0, "keywords/bee", Some(yes()));
    assert_eq!(sheet.text(), "Name,Tags\nAda,\"zoo, art, bee\"\n");
    sheet.set(0, "keywords/zoo", None);
    assert_eq!(sheet.text(), "Name,Tags\nAda,\"art, bee\"\n");
}

#[test]
fn a_word_of_a_set_may_hold_a_line_break() {
    let text = "Name,Labels\n,\"a\r\nb, c\"\n";
    let sheet = Sheet::new(text);
    let item = sheet.scan().items.remove(0);
    assert_eq!(lines(&item.record), ["keywords/a\nb = true", "keywords/c = true"]);
    sheet.put(&item, &item.record);
    assert_eq!(sheet.text(), text);
    sheet.set(0, "keywords/c", None);
    assert_eq!(sheet.scan().items[0].record.field("keywords/a\nb"), Some(&yes()));
}

#[test]
fn a_full_name_is_made_of_components_only_where_those_have_no_column() {
    let record = contact().with("name/given", text("Ada")).with("name/surname", text("Lovelace")).with("phones/1/number", text("1"));
    assert_eq!(row("Name,Phone", &record), "Ada Lovelace,1");
    assert_eq!(row("Name,First name,Phone", &record), ",Ada,1");
}

#[test]
fn headers_that_are_empty_or_alike_hold_cells_of_their_own() {
    let sheet = Sheet::new("Name,,Colour,Colour,a/b\nAda,1,2,3,4\n");
    let expected =
        ["ext/csv/cells/#2 = 1", "ext/csv/cells/Colour = 2", "ext/csv/cells/Colour#4 = 3", "ext/csv/cells/a~1b = 4", "name/full = Ada"];
    assert_eq!(lines(&sheet.record()), expected);
}

#[test]
fn a_table_of_anything_holds_plain_rows() {
    let sheet = Sheet::new("Part,Price\nbolt,0.10\n");
    let item = sheet.scan().items.remove(0);
    assert_eq!(
        (item.record.kind.clone(), lines(&item.record)),
        (Kind::ROW, vec!["cells/Part = bolt".to_owned(), "cells/Price = 0.10".to_owned()])
    );
    sheet.set(0, "cells/Price", Some(text("0.20")));
    assert_eq!(sheet.text(), "Part,Price\nbolt,0.20\n");
    let contacts = Sheet::new("Name,Phone\nAda,1\n").with("kind", "row");
    assert_eq!(lines(&contacts.record()), ["cells/Name = Ada", "cells/Phone = 1"]);
}

#[test]
fn a_column_of_ids_names_the_rows() {
    let sheet = Sheet::new("id,Name\nurn:uuid:6f1e2d3c,Ada\nurn:uuid:7f1e2d3c,Bob\n");
    let seen = sheet.scan();
    assert_eq!(seen.items[0].record.text("uid"), Some("urn:uuid:6f1e2d3c"));
    assert_eq!(seen.items[0].key.0, "urn:uuid:6f1e2d3c");
    let counted = Sheet::new("id,Name\n1,Ada\n2,Bob\n");
    assert_eq!(counted.scan().items[0].record.field("uid"), None);
    assert_eq!(counted.open().profile().keys, Keys::Unstable);
}

#[test]
fn new_rows_get_a_uid_and_old_ones_only_when_they_are_written() {
    let sheet = Sheet::new("uid,Name,Phone\n,Ada,1\n");
    let item = sheet.scan().items.remove(0);
    sheet.put(&item, &item.record);
    assert_eq!(sheet.text(), "uid,Name,Phone\n,Ada,1\n");
    let Outcome::Put { key, record, .. } = sheet.put(&item, &item.record.clone().with("name/full", text("Ida"))) else { panic!() };
    assert_eq!(sheet.text(), format!("uid,Name,Phone\n{},Ida,1\n", ID.urn()));
    assert_eq!((key.0, record.text("uid")), (ID.urn(), Some(ID.urn().as_str())));
    let other = Sheet::new("uid,Name,Phone\n");
    other.add(&contact().with("name/full", text("Bob")).with("uid", text("bob-1")));
    other.add(&contact().with("name/full", text("Cy")));
    assert_eq!(other.text(), format!("uid,Name,Phone\nbob-1,Bob,\n{},Cy,\n", ID.urn()));
}

#[test]
fn a_uid_of_the_record_fills_an_empty_cell_and_none_is_ever_taken_away() {
    let sheet = Sheet::new("uid,Name\n,Ada\nkept,Bob\n");
    let seen = sheet.scan();
    sheet.put(&seen.items[0], &seen.items[0].record.clone().with("uid", text("ada-1")));
    let mut bob = seen.items[1].record.clone();
    bob.fields.remove("uid");
    sheet.put(&seen.items[1], &bob);
    assert_eq!(sheet.text(), "uid,Name\nada-1,Ada\nkept,Bob\n");
}

#[test]
fn fields_that_no_column_holds_are_not_shown_and_not_refused() {
    let sheet = Sheet::new("Name,Phone\nAda,1\n");
    let item = sheet.scan().items.remove(0);
    let record = item.record.clone().with("emails/1/address", text("a@b.c")).with("phones/2/number", text("2"));
    match sheet.put(&item, &record) {
        Outcome::Put { record, bytes: 0, .. } => assert_eq!(record, item.record),
        other => panic!("{other:?}"),
    }
    let strange = contact().with("emails/1/address", text("a@b.c"));
    assert!(crate::sheet::refused(&sheet.add(&strange)).contains("no column"));
}

#[test]
fn parts_of_one_address_share_a_place() {
    let sheet = Sheet::new("Name,Home Street,Home City,Work City\nAda,Main St 1,London,\n");
    let expected = [
        "addresses/@Home City/contexts/private = true",
        "addresses/@Home City/locality = London",
        "addresses/@Home City/street = Main St 1",
        "name/full = Ada",
    ];
    assert_eq!(lines(&sheet.record()), expected);
    let record = contact()
        .with("name/full", text("Bob"))
        .with("addresses/1/contexts/work", yes())
        .with("addresses/1/locality", text("Paris"))
        .with("addresses/1/street", text("Rue 1"));
    sheet.add(&record);
    assert_eq!(sheet.text(), "Name,Home Street,Home City,Work City\nAda,Main St 1,London,\nBob,,,Paris\n");
}

#[test]
fn one_cell_may_hold_several_values_and_each_is_what_its_column_says() {
    let sheet = Sheet::new("Name,Mobile\nAda,1 ::: 2\n");
    let expected = [
        "name/full = Ada",
        "phones/@Mobile ::: 2/features/mobile = true",
        "phones/@Mobile ::: 2/number = 2",
        "phones/@Mobile/features/mobile = true",
        "phones/@Mobile/number = 1",
    ];
    assert_eq!(lines(&sheet.record()), expected);
    sheet.set(0, "phones/@Mobile ::: 2/number", Some(text("3")));
    assert_eq!(sheet.text(), "Name,Mobile\nAda,1 ::: 3\n");
}
