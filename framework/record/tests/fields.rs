//! `docs/fields.md` and the vocabulary say the same.

use std::collections::BTreeSet;

use syncretic_record::vocabulary::{CONTACT_FIELDS, PARTS};

/// The rows of the page's tables whose first cell is a pointer: pointer, and whether it is a head.
fn rows() -> Vec<(String, bool)> {
    let page = include_str!("../../../docs/fields.md");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.filter(|(field, _)| !field.starts_with("ext/")).map(|(field, rest)| (field.to_owned(), rest.contains("**head**"))).collect()
}

#[test]
fn every_field_of_the_page_is_in_the_vocabulary_and_the_reverse() {
    let page: BTreeSet<String> = rows().into_iter().map(|(field, _)| field).collect();
    let mut code: BTreeSet<String> = CONTACT_FIELDS.iter().map(|field| (*field).to_owned()).collect();
    for part in PARTS {
        let mut fields: BTreeSet<&str> = part.heads.iter().chain(part.fields).copied().collect();
        // The page names the first of five units.
        fields.retain(|field| !field.starts_with("units/") || *field == "units/1");
        code.extend(fields.into_iter().map(|field| format!("{}/*/{field}", part.stem)));
    }
    assert_eq!(page, code);
}

#[test]
fn the_page_marks_exactly_the_heads() {
    for (field, head) in rows() {
        let Some((stem, rest)) = field.split_once("/*/") else { continue };
        let part = PARTS.iter().find(|part| part.stem == stem).unwrap();
        assert_eq!(part.heads.contains(&rest), head, "{field}");
    }
}
