//! `docs/fields.md` and the vocabulary say the same.

use std::collections::BTreeSet;

use syncretic_record::vocabulary::{
    CALENDAR_FIELDS, CONTACT_FIELDS, EVENT_FIELDS, EVENT_PARTS, FREEBUSY_FIELDS, JOURNAL_FIELDS, OVERRIDE_FIELDS, PARTS, Part, TASK_FIELDS,
};

/// The tables of the sections whose titles begin so: the cells of each row whose first one is a pointer.
fn rows(section: &str) -> Vec<Vec<String>> {
    let page = include_str!("../../../docs/fields.md");
    let sections = page.split("\n## ").filter(|text| text.starts_with(section));
    let lines = sections.flat_map(str::lines).filter(|line| line.starts_with("| `") && !line.starts_with("| `ext/"));
    lines.map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1).collect()).collect()
}

fn fields_of(section: &str) -> BTreeSet<String> {
    let rows = rows(section);
    assert!(!rows.is_empty(), "{section}");
    rows.into_iter().filter_map(|cells| cells.into_iter().next()).collect()
}

fn owned(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

fn fields_of_parts(parts: &[Part]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for part in parts {
        let mut fields: BTreeSet<&str> = part.heads.iter().chain(part.fields).copied().collect();
        // The page names the first of five units.
        fields.retain(|field| !field.starts_with("units/") || *field == "units/1");
        all.extend(fields.into_iter().map(|field| format!("{}/*/{field}", part.stem)));
    }
    all
}

#[test]
fn every_field_of_the_page_is_in_the_vocabulary_and_the_reverse() {
    assert_eq!(fields_of("contact and group: fields that stand alone"), owned(CONTACT_FIELDS));
    assert_eq!(fields_of("contact and group: parts"), fields_of_parts(PARTS));
    assert_eq!(fields_of("event, task, journal, freebusy: parts"), fields_of_parts(EVENT_PARTS));
    assert_eq!(fields_of("calendar: fields that stand alone"), owned(CALENDAR_FIELDS));
    let overrides = OVERRIDE_FIELDS.iter().map(|field| format!("recurrenceOverrides/*/{field}"));
    assert_eq!(fields_of("event, task, journal: a date of a series"), overrides.collect());
}

#[test]
fn every_field_of_the_page_stands_in_the_kinds_that_it_names() {
    let rows = rows("event, task, journal, freebusy: fields that stand alone");
    for (kind, fields) in [("event", EVENT_FIELDS), ("task", TASK_FIELDS), ("journal", JOURNAL_FIELDS), ("freebusy", FREEBUSY_FIELDS)] {
        let page = rows.iter().filter(|cells| cells[3].split(' ').any(|found| found == kind)).map(|cells| cells[0].clone());
        assert_eq!(page.collect::<BTreeSet<_>>(), owned(fields), "{kind}");
    }
}

#[test]
fn the_page_marks_exactly_the_heads() {
    for (section, parts) in [("contact and group: parts", PARTS), ("event, task, journal, freebusy: parts", EVENT_PARTS)] {
        for cells in rows(section) {
            let (stem, rest) = cells[0].split_once("/*/").unwrap();
            let part = parts.iter().find(|part| part.stem == stem).unwrap();
            assert_eq!(part.heads.contains(&rest), cells[2].contains("**head**"), "{}", cells[0]);
        }
    }
}
