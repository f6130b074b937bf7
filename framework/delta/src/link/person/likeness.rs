//! What two people hold beside name, addresses and numbers: whether it is equal, and whether it says who they are.

use std::collections::{BTreeMap, BTreeSet};

use record::{Fields, Record, Value};

use crate::align::part::{dissect, normal};
use crate::link::is_bookkeeping;

/// The most parts of one stem that are compared.
const PARTS: usize = 64;

/// A day of birth; year, month or day may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Birthday([Option<u16>; 3]);

impl Birthday {
    /// Returns the birthday of a contact that has exactly one.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let kinds =
            record.below("anniversaries").filter(|(pointer, kind)| pointer.as_str().ends_with("/kind") && kind.as_text() == Some("birth"));
        let dates = kinds.filter_map(|(pointer, _)| record.text(&pointer.as_str().replace("/kind", "/date")));
        let mut days: Vec<Self> = dates.filter_map(Self::read).collect();
        days.dedup();
        days.pop().filter(|_| days.is_empty())
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.split('T').next()?;
        let (text, skipped) =
            text.strip_prefix("---").map(|day| (day, 2)).or_else(|| Some((text.strip_prefix("--")?, 1))).unwrap_or((text, 0));
        let numbers: Vec<Option<u16>> = text.split('-').map(|number| number.parse().ok()).collect();
        let mut all = std::iter::repeat_n(None, skipped).chain(numbers).chain(std::iter::repeat(None));
        let day = Self([all.next()?, all.next()?, all.next()?]);
        day.0.iter().any(Option::is_some).then_some(day)
    }

    /// Tells whether both say the year, the month or the day, and say different ones.
    pub(super) fn contradicts(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a.zip(b).is_some_and(|(a, b)| a != b))
    }
}

/// A part by its head fields in normal form, and its sort.
type Face = BTreeMap<String, String>;

/// Tells whether two contacts with one name have something telling in common, and nothing that differs.
pub(super) fn agrees_otherwise(a: &Record, b: &Record) -> bool {
    let ((alone_a, parts_a), (alone_b, parts_b)) = (faces(a), faces(b));
    let single = |pointer: &str| !pointer.starts_with("name/") && !pointer.starts_with("ext/") && !is_bookkeeping(pointer);
    let differs = |(pointer, value): (&record::Pointer, &Value)| {
        single(pointer.as_str()) && alone_b.get(pointer).is_some_and(|other| folded(other) != folded(value))
    };
    if alone_a.iter().any(differs) {
        return false;
    }
    let mut telling = false;
    for (stem, mine) in &parts_a {
        let Some(theirs) = parts_b.get(stem) else { continue };
        let (fewer, more) = if mine.len() <= theirs.len() { (mine, theirs) } else { (theirs, mine) };
        if more.len() > PARTS || !fewer.iter().all(|part| more.iter().any(|other| is_excerpt(part, other))) {
            return false;
        }
        telling |= fewer.iter().any(|part| is_telling(stem, part));
    }
    telling
}

fn folded(value: &Value) -> String {
    value.display().trim().to_lowercase()
}

fn faces(record: &Record) -> (Fields, BTreeMap<&str, BTreeSet<Face>>) {
    let (alone, parts) = dissect(record);
    let mut faces: BTreeMap<&str, BTreeSet<Face>> = BTreeMap::new();
    for part in parts.iter().filter(|part| !part.stem.starts_with("ext/")) {
        let heads = part.value().into_iter().map(|field| (field.0.to_owned(), normal(part.stem, &[field])));
        let face: Face = heads.chain(part.kind().map(|kind| ("kind".to_owned(), kind))).collect();
        faces.entry(part.stem).or_default().insert(face);
    }
    (alone, faces)
}

/// Tells whether all that both parts say is the same, and one says no more than the other.
fn is_excerpt(a: &Face, b: &Face) -> bool {
    let (fewer, more) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    !fewer.is_empty() && fewer.iter().all(|(head, value)| more.get(head) == Some(value))
}

/// Tells whether two people of one name hardly ever share a part: an employer or a country they may.
fn is_telling(stem: &str, part: &Face) -> bool {
    match stem {
        "anniversaries" => part.get("date").is_some_and(|date| date.chars().filter(char::is_ascii_digit).count() >= 8),
        "addresses" => ["street", "full", "postOfficeBox"].into_iter().any(|head| part.contains_key(head)),
        "cryptoKeys" | "links" | "media" | "notes" | "onlineServices" | "schedulingAddresses" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birthdays_contradict_where_both_say_something() {
        let day = |text| Birthday::read(text).unwrap();
        assert!(!day("1815-12-10").contradicts(day("--12-10")));
        assert!(!day("1815-12-10T00:00:00").contradicts(day("1815")));
        assert!(!day("---10").contradicts(day("1815-12-10")));
        assert!(day("1815-12-10").contradicts(day("--12-11")));
        assert!(day("1815").contradicts(day("1816-01-01")));
        assert_eq!(Birthday::read("unknown"), None);
    }
}
