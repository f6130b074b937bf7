//! The check before anything is replaced: what was written reads back as what was meant.

use crate::map::spelling::SPELLING;
use crate::map::table::VOLATILE;
use crate::write::refusal::Refusal;
use record::{Pointer, Record, Value, vocabulary};
use std::collections::{BTreeMap, BTreeSet};

/// The fields of one part, or of the record itself.
type Named<'r> = BTreeMap<String, &'r Value>;

/// A record without local ids: its own fields, and the parts of each stem in an order of their content.
#[derive(Debug, PartialEq, Eq)]
struct Content<'r> {
    own: Named<'r>,
    parts: BTreeMap<&'r str, Vec<Named<'r>>>,
}

/// Compares what was read back with what was meant, leaving out `unheld` and what changes by itself.
pub(crate) fn check(meant: &Record, unheld: &BTreeSet<Pointer>, found: &Record) -> Result<(), Refusal> {
    let none = BTreeSet::new();
    if outline(meant, unheld) == outline(found, &none) {
        return Ok(());
    }
    let (meant, found) = (content(meant, unheld), content(found, &none));
    if meant == found { Ok(()) } else { Err(first_difference(&meant, &found)) }
}

/// One part in the order of the record, without its id: stem, and where its fields begin and end.
type Outline<'r> = (Vec<(&'r str, &'r Value)>, Vec<(&'r str, Vec<(&'r str, &'r Value)>)>);

/// Returns fields of the record itself and the parts in an order of their content; parameters count as the record's own
/// where there are any, so that only equal outlines say something.
fn outline<'r>(record: &'r Record, unheld: &BTreeSet<Pointer>) -> Outline<'r> {
    let mut own = Vec::new();
    let mut parts: Vec<(&str, Vec<(&str, &Value)>)> = Vec::new();
    let mut last = "";
    for (pointer, value) in record.fields.iter().filter(|(pointer, _)| unheld.is_empty() || !unheld.contains(*pointer)) {
        let text = pointer.as_str();
        if is_volatile(text) {
            continue;
        }
        let same = !last.is_empty() && text.strip_prefix(last).is_some_and(|rest| rest.starts_with('/'));
        let part = if same { text.get(last.len() + 1..).map(|rest| (None, rest)) } else { None };
        let part = part.or_else(|| vocabulary::split(text).map(|(stem, id, rest)| (Some((stem, id)), rest)));
        match part {
            Some((Some((stem, id)), rest)) => {
                last = text.get(..stem.len() + 1 + id.len()).unwrap_or_default();
                parts.push((text.get(..stem.len()).unwrap_or_default(), vec![(rest, value)]));
            }
            Some((None, rest)) => {
                if let Some((_, fields)) = parts.last_mut() {
                    fields.push((rest, value));
                }
            }
            None => own.push((text, value)),
        }
    }
    parts.sort();
    (own, parts)
}

fn is_volatile(text: &str) -> bool {
    let spells = || text.starts_with("ext/vcard/params/") && text.rsplit('/').next() == Some(SPELLING);
    VOLATILE.iter().any(|field| text == *field || is_parameter_of(text, field)) || spells()
}

fn content<'r>(record: &'r Record, unheld: &BTreeSet<Pointer>) -> Content<'r> {
    let mut own = Named::new();
    let mut parts: BTreeMap<(&str, &str), Named<'_>> = BTreeMap::new();
    for (pointer, value) in record.fields.iter().filter(|(pointer, _)| !unheld.contains(*pointer)) {
        let text = pointer.as_str();
        if is_volatile(text) {
            continue;
        }
        let (part, name) = match (vocabulary::split(text), vocabulary::parameter_owner(text)) {
            (Some((stem, id, rest)), _) => ((stem, id), rest.to_owned()),
            (None, Some((format, stem, id))) => {
                let name = text.rsplit('/').next().unwrap_or_default();
                ((stem, id), format!("ext/{format}/{name}"))
            }
            (None, None) => {
                own.insert(text.to_owned(), value);
                continue;
            }
        };
        parts.entry(part).or_default().insert(name, value);
    }
    let mut by_stem: BTreeMap<&str, Vec<Named<'_>>> = BTreeMap::new();
    for ((stem, _), named) in parts {
        by_stem.entry(stem).or_default().push(named);
    }
    by_stem.values_mut().for_each(|all| all.sort());
    Content { own, parts: by_stem }
}

fn is_parameter_of(pointer: &str, field: &str) -> bool {
    pointer.strip_prefix("ext/vcard/params/").and_then(|rest| rest.strip_prefix(field)).is_some_and(|rest| rest.starts_with('/'))
}

fn first_difference(meant: &Content<'_>, found: &Content<'_>) -> Refusal {
    if let Some(refusal) = difference("", &meant.own, &found.own) {
        return refusal;
    }
    let none = Vec::new();
    let stems: BTreeSet<&str> = meant.parts.keys().chain(found.parts.keys()).copied().collect();
    for stem in stems {
        let (meant, found) = (meant.parts.get(stem).unwrap_or(&none), found.parts.get(stem).unwrap_or(&none));
        let lost = meant.iter().find(|part| !found.contains(part));
        let made = found.iter().find(|part| !meant.contains(part));
        let empty = Named::new();
        if let Some(refusal) = difference(stem, lost.unwrap_or(&empty), made.unwrap_or(&empty)) {
            return refusal;
        }
        if meant != found {
            let mismatch = |count: usize| format!("{count} entries");
            return Refusal::Mismatch { field: stem.to_owned(), meant: mismatch(meant.len()), found: mismatch(found.len()) };
        }
    }
    Refusal::Mismatch { field: "the card".to_owned(), meant: "written".to_owned(), found: "something else".to_owned() }
}

fn difference(stem: &str, meant: &Named<'_>, found: &Named<'_>) -> Option<Refusal> {
    let names: BTreeSet<&String> = meant.keys().chain(found.keys()).collect();
    let name = names.into_iter().find(|name| meant.get(*name) != found.get(*name))?;
    let field = if stem.is_empty() { name.clone() } else { format!("{stem}/{name}") };
    Some(Refusal::Mismatch { field, meant: shown(meant.get(name).copied()), found: shown(found.get(name).copied()) })
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{}`", value.display().chars().take(60).collect::<String>()))
}
