//! Cards before a strict reader of vCard 4.0 (RFC 6350, RFC 9554).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use contentline::content::Content;
use contentline::items::items;
use contentline::line::{Line, lines};
use vcard::{ParseError, ParseErrorKind, ValidationError};

use crate::lint::rules::{BROKEN_CARD, CARDINALITY, PARAMETER, of_card_property};
use crate::lint::strict::{Card, card, is_about_a_line};
use crate::lint::{Report, Sort, text};

/// The most findings of one card: a reader is asked again for each.
const MOST: usize = 50;

/// Looks at a file of cards.
pub(crate) fn look(bytes: &[u8]) -> Report {
    let (mut report, mut ids) = (Report::default(), HashMap::new());
    for item in items(bytes) {
        if let Some(broken) = &item.broken {
            report.add_broken(broken, Sort::Cards);
            continue;
        }
        look_at(bytes.get(item.span).unwrap_or_default(), item.line, &mut ids, &mut report);
    }
    report
}

/// One logical line, and the physical line on which it begins.
struct Numbered<'c> {
    number: usize,
    name: String,
    value: String,
    raw: &'c [u8],
}

fn look_at(bytes: &[u8], first: usize, ids: &mut HashMap<String, usize>, report: &mut Report) {
    let mut all = lines(bytes);
    let mut kept = Vec::new();
    while let Some(line) = all.next() {
        kept.push(numbered(bytes, line, first + all.number() - 1));
    }
    own_id(&kept, ids, report);
    match kept.iter().find(|line| line.name == "VERSION").map(|line| line.value.trim()) {
        Some("4.0") => {}
        Some("2.1" | "3.0") => {
            report.unchecked += 1;
            return;
        }
        Some(other) => return report.add(first, format!("there is no version \"{other}\" of vCard"), of_card_property("VERSION")),
        None => return report.add(first, "the card has no VERSION", of_card_property("VERSION")),
    }
    report.checked += 1;
    text(bytes, first, Sort::Cards, report);
    for _ in 0..MOST {
        let raw: Vec<u8> = kept.iter().flat_map(|line| line.raw).copied().collect();
        match card(&String::from_utf8_lossy(&raw)) {
            Card::Fine => return,
            Card::Failed => return report.add(first, "the strict reader failed at this card", BROKEN_CARD),
            Card::Invalid(error) => return invalid(&error, &kept, first, report),
            Card::Stopped(error) => {
                let at = place(&kept, error.line);
                let line = at.and_then(|at| kept.get(at));
                report.add(line.map_or(first, |line| line.number), error.kind.to_string(), rule(&error, line));
                match at.filter(|_| is_about_a_line(&error.kind)) {
                    Some(at) => drop(kept.remove(at)),
                    None => return,
                }
            }
        }
    }
}

/// An id stands for one card of a file.
fn own_id(lines: &[Numbered<'_>], ids: &mut HashMap<String, usize>, report: &mut Report) {
    let Some(line) = lines.iter().find(|line| line.name == "UID" && !line.value.trim().is_empty()) else { return };
    match ids.entry(line.value.trim().to_owned()) {
        Entry::Occupied(before) => report.add(line.number, format!("UID is that of line {}", before.get()), of_card_property("UID")),
        Entry::Vacant(free) => drop(free.insert(line.number)),
    }
}

fn numbered(bytes: &[u8], line: Line, number: usize) -> Numbered<'_> {
    let content = Content::of(bytes, &line);
    let raw = bytes.get(line.start..line.end).unwrap_or_default();
    Numbered { number, name: content.name().to_uppercase(), value: content.value().into_owned(), raw }
}

/// Returns which of the lines the physical line `number` of their text belongs to.
fn place(kept: &[Numbered<'_>], number: usize) -> Option<usize> {
    let mut below = 1;
    kept.iter().position(|line| {
        below += contentline::position::position(line.raw, line.raw.len()).line - 1;
        number < below
    })
}

fn rule(error: &ParseError, line: Option<&Numbered<'_>>) -> &'static str {
    match &error.kind {
        ParseErrorKind::InvalidParameter(_) => PARAMETER,
        ParseErrorKind::InvalidValue { property } => of_card_property(property),
        ParseErrorKind::DuplicateProperty(_) => CARDINALITY,
        ParseErrorKind::MissingFormattedName => of_card_property("FN"),
        ParseErrorKind::ExpectedVersion | ParseErrorKind::UnsupportedVersion(_) => of_card_property("VERSION"),
        _ => line.map_or(BROKEN_CARD, |line| of_card_property(&line.name)),
    }
}

fn invalid(error: &ValidationError, kept: &[Numbered<'_>], first: usize, report: &mut Report) {
    let message = error.to_string();
    // The reader names the property but not its line.
    let named =
        |line: &&Numbered<'_>| message.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|word| word == line.name && word.len() > 1);
    let line = kept.iter().filter(|line| !matches!(line.name.as_str(), "BEGIN" | "END")).find(named);
    let rule = line.map_or(CARDINALITY, |line| of_card_property(&line.name));
    report.add(line.map_or(first, |line| line.number), message, rule);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String, &'static str)> {
        look(text.as_bytes()).findings.into_iter().map(|finding| (finding.line.unwrap(), finding.message, finding.rule)).collect()
    }

    const HEAD: &str = "BEGIN:VCARD\r\nVERSION:4.0\r\n";

    #[test]
    fn an_id_of_two_cards_of_any_version_is_found() {
        let card = |version: &str| {
            format!("BEGIN:VCARD\nVERSION:{version}\nUID:urn:uuid:00000000-0000-4000-8000-000000000001\nFN:Ann\nEND:VCARD\n")
        };
        let report = look([card("3.0"), card("4.0"), card("2.1")].concat().as_bytes());
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
        assert_eq!(found, [(Some(8), "UID is that of line 3"), (Some(13), "UID is that of line 3")]);
    }

    #[test]
    fn every_line_that_a_strict_reader_refuses_is_named() {
        let text = format!("{HEAD}FN:Ada\r\nUID:http//x y\r\nNOTE:a\r\n b\r\nREV:soon\r\nEND:VCARD\r\n{HEAD}N:;;;;\r\nEND:VCARD\r\n");
        let found = found(&text);
        let places: Vec<_> = found.iter().map(|(line, _, rule)| (*line, *rule)).collect();
        assert_eq!(places, [(4, "RFC 6350 §6.7.6"), (7, "RFC 6350 §6.7.4"), (12, "RFC 6350 §6.2.1")], "{found:?}");
    }

    #[test]
    fn a_card_that_is_cut_off_is_a_finding_and_older_versions_are_not_judged() {
        let report = look(format!("BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n{HEAD}FN:Ada\r\n").as_bytes());
        assert_eq!((report.unchecked, report.checked, report.findings.len()), (1, 0, 1));
        assert_eq!(report.findings[0].line, Some(4));
    }

    #[test]
    fn a_rule_that_names_no_line_gets_the_line_of_its_property() {
        let found = found(&format!("{HEAD}FN:Ada\r\nMEMBER:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af\r\nEND:VCARD\r\n"));
        assert_eq!((found[0].0, found[0].2), (4, "RFC 6350 §6.6.5"), "{found:?}");
    }
}
