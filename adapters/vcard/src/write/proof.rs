//! The check before anything is replaced: what was written reads back as what was meant.

use crate::map::table::VOLATILE;
use crate::write::refusal::Refusal;
use record::{Fields, Pointer, Record, Value, vocabulary};
use std::collections::{BTreeMap, BTreeSet};

/// The fields of one part, or of the record itself.
type Named = BTreeMap<String, Value>;

/// A record without local ids: its own fields, and the parts of each stem in an order of their content.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    own: Named,
    parts: BTreeMap<String, Vec<Named>>,
}

/// Compares what was read back with what was meant, leaving out `unheld` and what changes by itself.
pub(crate) fn check(meant: &Record, unheld: &BTreeSet<Pointer>, found: &Record) -> Result<(), Refusal> {
    let kept: Fields = meant.fields.iter().filter(|(pointer, _)| !unheld.contains(*pointer)).map(|(p, v)| (p.clone(), v.clone())).collect();
    let (meant, found) = (content(&kept), content(&found.fields));
    if meant == found {
        return Ok(());
    }
    Err(first_difference(&meant, &found))
}

fn content(fields: &Fields) -> Content {
    let mut own = Named::new();
    let mut parts: BTreeMap<(String, String), Named> = BTreeMap::new();
    for (pointer, value) in fields {
        let text = pointer.as_str();
        if VOLATILE.iter().any(|field| text == *field || is_parameter_of(text, field)) {
            continue;
        }
        let (part, name) = match (vocabulary::split(text), vocabulary::parameter_owner(text)) {
            (Some((stem, id, rest)), _) => ((stem.to_owned(), id.to_owned()), rest.to_owned()),
            (None, Some((format, stem, id))) => {
                let name = text.rsplit('/').next().unwrap_or_default();
                ((stem.to_owned(), id.to_owned()), format!("ext/{format}/{name}"))
            }
            (None, None) => {
                own.insert(text.to_owned(), value.clone());
                continue;
            }
        };
        parts.entry(part).or_default().insert(name, value.clone());
    }
    let mut by_stem: BTreeMap<String, Vec<Named>> = BTreeMap::new();
    for ((stem, _), named) in parts {
        by_stem.entry(stem).or_default().push(named);
    }
    by_stem.values_mut().for_each(|all| all.sort());
    Content { own, parts: by_stem }
}

fn is_parameter_of(pointer: &str, field: &str) -> bool {
    pointer.strip_prefix("ext/vcard/params/").and_then(|rest| rest.strip_prefix(field)).is_some_and(|rest| rest.starts_with('/'))
}

fn first_difference(meant: &Content, found: &Content) -> Refusal {
    if let Some(refusal) = difference("", &meant.own, &found.own) {
        return refusal;
    }
    let none = Vec::new();
    let stems: BTreeSet<&String> = meant.parts.keys().chain(found.parts.keys()).collect();
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
            return Refusal::Mismatch { field: stem.clone(), meant: mismatch(meant.len()), found: mismatch(found.len()) };
        }
    }
    Refusal::Mismatch { field: "the card".to_owned(), meant: "written".to_owned(), found: "something else".to_owned() }
}

fn difference(stem: &str, meant: &Named, found: &Named) -> Option<Refusal> {
    let names: BTreeSet<&String> = meant.keys().chain(found.keys()).collect();
    let name = names.into_iter().find(|name| meant.get(*name) != found.get(*name))?;
    let field = if stem.is_empty() { name.clone() } else { format!("{stem}/{name}") };
    Some(Refusal::Mismatch { field, meant: shown(meant.get(name)), found: shown(found.get(name)) })
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{}`", value.display().chars().take(60).collect::<String>()))
}
