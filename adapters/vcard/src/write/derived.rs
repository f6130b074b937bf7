//! What a card must say and its record does not: a full name, or the parts of one; shown, and not meant.

use crate::version::Version;
use record::{Kind, Record, Value};
use std::borrow::Cow;

/// The parts of a name in the order in which people read them.
const PARTS: [&str; 7] =
    ["name/title", "name/given", "name/given2", "name/surname", "name/surname2", "name/generation", "name/generationMarker"];

/// Adds what a card of this version must say and the record does not.
///
/// Of a card that exists already, what it left unsaid stays so until somebody names it: only what was derived before follows
/// its source.
pub(crate) fn complete<'r>(record: &'r Record, version: Version, old: Option<&Record>) -> Cow<'r, Record> {
    let mut meant = Cow::Borrowed(record);
    if record.kind == Kind::GROUP && record.field("kind").is_none() {
        add(&mut meant, "kind", "group");
    }
    let named = old.is_none_or(|old| old.field("name/full").is_some());
    if named
        && version.needs_full_name()
        && record.text("name/full").is_none_or(str::is_empty)
        && let Some(name) = full_name(record)
    {
        add(&mut meant, "name/full", &name);
    }
    if version.needs_name() && !has_parts(record) && old.is_none_or(shows_derived_parts) {
        for (field, text) in parts_of(record) {
            add(&mut meant, field, &text);
        }
    }
    meant
}

fn add(record: &mut Cow<'_, Record>, field: &'static str, text: &str) {
    record.to_mut().fields.insert(record::Pointer::from_static(field), Value::text(text));
}

fn has_parts(record: &Record) -> bool {
    PARTS.iter().any(|part| record.field(part).is_some())
}

/// Tells whether the parts of a card's name are those that its full name would be taken apart into.
fn shows_derived_parts(card: &Record) -> bool {
    let derived = parts_of(card);
    let of = |part: &str| derived.iter().find(|(field, _)| *field == part).map(|(_, text)| text.as_str());
    !derived.is_empty() && PARTS.iter().all(|part| card.text(part) == of(part))
}

/// Returns a full name made of the name's parts, else of what else names the card; `None` where nothing does.
pub(crate) fn full_name(record: &Record) -> Option<String> {
    let parts: Vec<&str> = PARTS.into_iter().filter_map(|part| record.text(part)).map(str::trim).filter(|part| !part.is_empty()).collect();
    if !parts.is_empty() {
        return Some(parts.join(" "));
    }
    let heads = [("organizations", "name"), ("emails", "address"), ("phones", "number"), ("onlineServices", "user")];
    let nickname = || record.below("nicknames").next().map(|(pointer, _)| pointer.clone());
    let name = nickname().and_then(|pointer| pointer.segments().next_back().map(|word| record::pointer::unescape(word).into_owned()));
    name.or_else(|| heads.into_iter().find_map(|(stem, head)| first(record, stem, head)))
        .map(|name| name.replace('\n', " ").trim().to_owned())
        .filter(|name| !name.is_empty())
}

fn first(record: &Record, stem: &str, head: &str) -> Option<String> {
    let named = |pointer: &record::Pointer| pointer.below(stem).and_then(|rest| rest.split_once('/')).is_some_and(|(_, rest)| rest == head);
    record.below(stem).find(|(pointer, _)| named(pointer)).and_then(|(_, value)| value.as_text()).map(str::to_owned)
}

/// Takes the full name of a person apart, as address books do that show N and not FN.
///
/// Nothing is taken apart that is not surely a person's: the name of a group, of an organisation, of a place.
fn parts_of(record: &Record) -> Vec<(&'static str, String)> {
    let person = record.kind == Kind::CONTACT && record.text("kind").is_none_or(|kind| kind == "individual");
    let name = record.text("name/full").filter(|_| person).map(str::trim).unwrap_or_default();
    let company = first(record, "organizations", "name").is_some_and(|company| company == name);
    if name.is_empty() || company || name.contains(['\n', '@', ';']) {
        return Vec::new();
    }
    taken_apart(name)
}

fn taken_apart(name: &str) -> Vec<(&'static str, String)> {
    const TITLES: &[&str] = &["dr", "prof", "mr", "mrs", "ms", "miss", "herr", "frau", "mme", "sir", "dame", "rev"];
    const SUFFIXES: &[&str] = &["jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "mba"];
    const PARTICLES: &[&str] = &[
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "ter", "ten", "zu", "zur", "af", "av",
        "bin", "ibn", "al", "el",
    ];
    let is = |word: &str, known: &[&str]| {
        let plain: String = word.chars().filter(|character| !matches!(character, '.' | ',')).flat_map(char::to_lowercase).collect();
        known.contains(&plain.as_str())
    };
    let (family, rest) = match name.split_once(", ") {
        Some((family, rest)) if !is(rest, SUFFIXES) => (Some(family), rest),
        _ => (None, name),
    };
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let title = words.iter().take_while(|word| is(word, TITLES)).count().min(words.len().saturating_sub(1));
    let titles: Vec<&str> = words.drain(..title).collect();
    let suffix = words.iter().rev().take_while(|word| is(word, SUFFIXES)).count().min(words.len().saturating_sub(1));
    let suffixes = words.split_off(words.len() - suffix);
    let first = words.iter().skip(1).position(|word| PARTICLES.contains(word)).map_or(words.len().saturating_sub(1).max(1), |at| at + 1);
    let surnames = if family.is_some() { Vec::new() } else { words.split_off(first.min(words.len())) };
    let given2 = words.split_off(words.len().min(1));
    let surname = family.map_or_else(|| surnames.join(" "), str::to_owned);
    let surname = surname.trim_end_matches(',').to_owned();
    let all = [
        ("name/title", titles.join(" ")),
        ("name/given", words.join(" ")),
        ("name/given2", given2.join(" ")),
        ("name/surname", surname),
        ("name/generation", suffixes.join(" ")),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(name: &str) -> String {
        let parts = taken_apart(name);
        let of = |field: &str| parts.iter().find(|(found, _)| *found == field).map_or("", |(_, text)| text);
        ["name/surname", "name/given", "name/given2", "name/title", "name/generation"].map(of).join(";")
    }

    #[test]
    fn full_names_of_people_come_apart_as_address_books_do_it() {
        for (name, parts) in [
            ("Grete Hopper", "Hopper;Grete;;;"),
            ("Grete Murray Anne Hopper", "Hopper;Grete;Murray Anne;;"),
            ("Dr. Grete Hopper", "Hopper;Grete;;Dr.;"),
            ("Ludwig van Beethoven", "van Beethoven;Ludwig;;;"),
            ("Maria de los Angeles", "de los Angeles;Maria;;;"),
            ("Hopper, Grete", "Hopper;Grete;;;"),
            ("Hopper, Grete M.", "Hopper;Grete;M.;;"),
            ("Sammy Davis, Jr.", "Davis;Sammy;;;Jr."),
            ("Sammy Davis Jr.", "Davis;Sammy;;;Jr."),
            ("Madonna", ";Madonna;;;"),
            ("王小明", ";王小明;;;"),
            ("Dr.", ";Dr.;;;"),
            ("von", ";von;;;"),
        ] {
            assert_eq!(apart(name), parts, "{name}");
        }
    }
}
