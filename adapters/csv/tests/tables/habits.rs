//! What people do to their tables: each is exact, or told, and nothing is lost.

use adapter::Outcome;
use record::{Kind, Record, Value};

use crate::sheet::{Sheet, delete, lines};

const KEYED: &str = "uid,Name,Mobile,Notes\na,Ada,1,x\nb,Bob,2,y\nc,Cy,3,z\n";

fn text(text: &str) -> Value {
    Value::text(text)
}

#[test]
fn a_sorted_table_has_not_changed() {
    for header in ["uid", "Nr"] {
        let sheet = Sheet::new(KEYED.replacen("uid", header, 1));
        let known = sheet.scan().memory();
        sheet.save(format!("{header},Name,Mobile,Notes\nc,Cy,3,z\nb,Bob,2,y\na,Ada,1,x\n"));
        let seen = sheet.try_scan(&known).unwrap();
        assert_eq!((seen.items.len(), seen.unchanged.len(), seen.broken.len()), (0, 3, 0));
    }
}

#[test]
fn moved_columns_show_the_same_records() {
    let sheet = Sheet::new(KEYED);
    let before = sheet.scan();
    sheet.save("Notes,Mobile,uid,Name\nx,1,a,Ada\ny,2,b,Bob\nz,3,c,Cy\n");
    let after = sheet.scan();
    let shown = |seen: &crate::sheet::Seen| seen.items.iter().map(|item| (item.key.clone(), item.record.clone())).collect::<Vec<_>>();
    assert_eq!(shown(&before), shown(&after));
    sheet.set(1, "notes/@Notes/note", Some(text("w")));
    assert_eq!(sheet.text(), "Notes,Mobile,uid,Name\nx,1,a,Ada\nw,2,b,Bob\nz,3,c,Cy\n");
}

#[test]
fn a_dropped_or_renamed_column_is_out_of_view_and_no_deletion() {
    let sheet = Sheet::new(KEYED);
    let mut adapter = sheet.open();
    adapter.scan(&crate::sheet::Memory::default(), &mut crate::sheet::Seen::default()).unwrap();
    assert!(adapter.profile().view.holds(&"notes/@Notes/note".into()));
    for header in ["uid,Name,Mobile\na,Ada,1\n", "uid,Name,Mobile,Shoe size\na,Ada,1,x\n"] {
        sheet.save(header);
        let mut seen = crate::sheet::Seen::default();
        adapter.scan(&crate::sheet::Memory::default(), &mut seen).unwrap();
        assert!(!adapter.profile().view.holds(&"notes/@Notes/note".into()), "what is out of view is not taken for removed");
        assert_eq!(seen.items[0].key.0, "a");
    }
    let mapped = Sheet::new("uid,Name,Shoe size\na,Ada,x\n").columns(&[("uid", "uid"), ("Name", "name/full"), ("Notes", "notes/note")]);
    assert!(mapped.error().contains("the table has no column \"Notes\""), "{}", mapped.error());
}

#[test]
fn a_table_saved_anew_by_another_program_has_not_changed() {
    let text = "uid,Name,Mobile,Notes\na,Ada,1,\"x, y\"\nb,Zoë,2,\n";
    let sheet = Sheet::new(text);
    let known = sheet.scan().memory();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let semicolons = "uid;Name;Mobile;Notes\r\na;Ada;1;x, y\r\nb;Zoë;2;\r\n";
    for saved in [
        wide(&format!("\u{feff}{}", semicolons.replace(';', "\t"))),
        format!("\u{feff}{semicolons}").into_bytes(),
        format!("sep=;\r\n{semicolons}").into_bytes(),
        semicolons.replace("Zoë", "Zo\u{1}").into_bytes().iter().map(|byte| if *byte == 1 { 0xEB } else { *byte }).collect(),
        text.replace(",2,\n", ",2,\n\n,,,\n  \n\r\n").into_bytes(),
        text.replace("\na,", "\r\na,").into_bytes(),
        text.replace("Ada", "\"Ada\"").into_bytes(),
    ] {
        sheet.save(&saved);
        let seen = sheet.try_scan(&known).unwrap();
        assert_eq!((seen.items.len(), seen.unchanged.len(), seen.broken.len()), (0, 2, 0), "{}", String::from_utf8_lossy(&saved));
        let item = sheet.scan().items.remove(0);
        assert!(matches!(sheet.put(&item, &item.record), Outcome::Put { bytes: 0, .. }));
        assert_eq!(sheet.bytes(), saved);
    }
}

#[test]
fn blank_rows_at_the_end_stay_behind_new_ones() {
    let sheet = Sheet::new("Name,Mobile\r\nAda,1\r\n,\r\n,\r\n\r\n");
    sheet.add(&Record::new(Kind::CONTACT).with("name/full", text("Bob")));
    assert_eq!(sheet.text(), "Name,Mobile\r\nAda,1\r\nBob,\r\n,\r\n,\r\n\r\n");
}

#[test]
fn columns_of_one_name_or_none_are_told_apart_and_kept() {
    let sheet = Sheet::new("Name,,Colour,Colour,\nAda,one,red,tan,two\n");
    assert_eq!(
        lines(&sheet.record()),
        [
            "ext/csv/cells/#2 = one",
            "ext/csv/cells/#5 = two",
            "ext/csv/cells/Colour = red",
            "ext/csv/cells/Colour#4 = tan",
            "name/full = Ada"
        ]
    );
    sheet.set(0, "ext/csv/cells/Colour#4", Some(text("blue")));
    sheet.set(0, "ext/csv/cells/#5", None);
    assert_eq!(sheet.text(), "Name,,Colour,Colour,\nAda,one,red,blue,\n");
}

#[test]
fn a_table_of_ten_thousand_columns_is_edited_in_one_cell() {
    let columns: Vec<String> = (0..10_000).map(|number| format!("c{number}")).collect();
    let row = |name: &str| format!("{name}{}", ",v".repeat(10_000));
    let table = format!("Name,{}\n{}\n{}\n", columns.join(","), row("Ada"), row("Bob"));
    let sheet = Sheet::new(&table);
    assert_eq!(sheet.scan().items[1].record.fields.len(), 10_001);
    sheet.set(1, "ext/csv/cells/c9999", Some(text("w,\"")));
    let bob = row("Bob");
    assert_eq!(sheet.text(), table.replace(&format!("{bob}\n"), &format!("{}\"w,\"\"\"\n", &bob[..bob.len() - 1])));
}

#[test]
fn quotes_inside_of_bare_cells_and_mixed_line_endings_stay() {
    let table = "Name,Notes\r\nAda,19\" disk\nBob,a \"b\" c\rCy,\"x\"\"y\"\r\nDi,'q'\n\"E\"d,z";
    let sheet = Sheet::new(table);
    let notes: Vec<_> = sheet.scan().items.iter().map(|item| item.record.text("notes/@Notes/note").unwrap().to_owned()).collect();
    assert_eq!(notes, ["19\" disk", "a \"b\" c", "x\"y", "'q'", "z"]);
    sheet.set(1, "notes/@Notes/note", Some(text("b\n\"c\"")));
    assert_eq!(sheet.text(), table.replace("a \"b\" c", "\"b\n\"\"c\"\"\""));
    let items = sheet.scan().items;
    sheet.apply(&[delete(&items[3]), delete(&items[0])]);
    assert_eq!(sheet.text(), "Name,Notes\r\nBob,\"b\n\"\"c\"\"\"\rCy,\"x\"\"y\"\r\n\"E\"d,z");
}

#[test]
fn ragged_rows_are_told_with_their_lines_and_the_others_are_edited_beside_them() {
    let table = "uid,Name,Mobile\na,Ada,1\nb,Bob\nc,Cy,3,,\n\nd,Di,4\n";
    let sheet = Sheet::new(table);
    let seen = sheet.scan();
    assert_eq!((seen.titles(), seen.broken.len()), (vec!["Ada".to_owned(), "Di".to_owned()], 2));
    sheet.set(1, "phones/@Mobile/number", Some(text("44")));
    assert_eq!(sheet.text(), table.replace("d,Di,4", "d,Di,44"));
}
