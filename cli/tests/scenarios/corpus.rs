//! Real address books, where `SYNCRETIC_CORPUS` names a folder of them: into a sheet, edited there, and back.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Desk;

fn cards(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cards(&path, found);
        } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("vcf")) {
            found.push(path);
        }
    }
}

/// Returns the content lines, unfolded, that only one of the two has.
fn differing(before: &[u8], after: &[u8]) -> Vec<String> {
    let unfolded = |text: &[u8]| String::from_utf8_lossy(text).replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let (before, after) = (unfolded(before), unfolded(after));
    let only = |some: &str, others: &str| {
        let others: Vec<&str> = others.lines().collect();
        some.lines().filter(|line| !others.contains(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    [only(&before, &after), only(&after, &before)].concat()
}

#[test]
fn real_cards_go_into_a_sheet_and_an_edit_there_changes_the_lines_of_that_field_only() {
    let Some(corpus) = std::env::var_os("SYNCRETIC_CORPUS") else { return };
    let mut files = Vec::new();
    cards(Path::new(&corpus), &mut files);
    files.sort();
    assert!(!files.is_empty());
    let mut edited = 0;
    for file in files {
        let before = fs::read(&file).unwrap();
        let desk = Desk::with("Name,Mobile,Work phone,Phone,Email,Company,Notes\n", &[]);
        desk.edit("syncretic.toml", "path = \"cards\"", "path = \"book.vcf\"");
        desk.put("book.vcf", &before);
        let run = desk.run(&["sync"]);
        assert!((0..=6).contains(&run.code) && run.code != 1, "{}: {run:?}", file.display());
        run.says(&[]);
        assert_eq!(fs::read(desk.path("book.vcf")).unwrap(), before, "{}", file.display());
        edited += usize::from(edit_one(&desk, &file, &before));
    }
    assert!(edited > 0);
}

/// Edits the first e-mail address of the sheet, if there is one, and expects only its lines to change in the book.
fn edit_one(desk: &Desk, file: &Path, before: &[u8]) -> bool {
    let sheet = desk.text_lossy("contacts.csv");
    // A row of which nothing stays is another person's: an edit leaves the name as it is.
    let named = sheet.lines().skip(1).filter(|row| row.split(',').next().is_some_and(|name| !name.is_empty() && !name.contains('@')));
    let address = named.flat_map(|row| row.split(',')).find(|cell| cell.contains('@') && !cell.contains([' ', '"', ':']));
    let Some(address) = address.filter(|address| sheet.matches(*address).count() == 1) else { return false };
    desk.put("contacts.csv", sheet.replace(address, "x@y.example"));
    let run = desk.run(&["sync"]);
    assert!(matches!(run.code, 0 | 3 | 4), "{}: {run:?}", file.display());
    let after = fs::read(desk.path("book.vcf")).unwrap();
    let lines = differing(before, &after);
    let about = |line: &String| line.to_uppercase().contains("EMAIL");
    assert!(lines.iter().all(about), "{}: {lines:#?}", file.display());
    !lines.is_empty()
}
