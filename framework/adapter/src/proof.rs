//! The check before anything is replaced: what was written reads back as what was meant, local ids aside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use record::{Fields, Pointer, Record, Value, vocabulary};

use crate::profile::View;

/// The first field that reads back as another value than was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The field, without the id of its part.
    pub field: String,
    /// What was meant, for people.
    pub meant: String,
    /// What was read back, for people.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} would read back as {}, not as {}", self.field, self.found, self.meant)
    }
}

impl std::error::Error for Mismatch {}

/// The fields of one part, or of the record itself.
type Named = BTreeMap<String, Value>;

/// A record without local ids: its own fields, and the parts of each stem in an order of their content.
#[derive(Debug, Default, PartialEq, Eq)]
struct Content {
    own: Named,
    parts: BTreeMap<String, Vec<Named>>,
}

/// Compares what was read back with what was meant, leaving out `unheld` and what changes by itself.
///
/// # Errors
/// Fails with the first field that differs.
pub fn check(meant: &Record, unheld: &BTreeSet<Pointer>, found: &Record, volatile: &View) -> Result<(), Mismatch> {
    let kept = |fields: &Fields, unheld: &BTreeSet<Pointer>| {
        content(fields.iter().filter(|(pointer, _)| !unheld.contains(*pointer) && !volatile.holds(pointer)))
    };
    let (meant, found) = (kept(&meant.fields, unheld), kept(&found.fields, &BTreeSet::new()));
    if meant == found { Ok(()) } else { Err(first_difference(&meant, &found)) }
}

fn content<'f>(fields: impl Iterator<Item = (&'f Pointer, &'f Value)>) -> Content {
    let mut own = Named::new();
    let mut parts: BTreeMap<(String, String), Named> = BTreeMap::new();
    for (pointer, value) in fields {
        let text = pointer.as_str();
        let (part, name) = match (vocabulary::split(text), vocabulary::parameter_owner(text)) {
            (Some((stem, id, rest)), _) => ((stem.to_owned(), id.to_owned()), rest.to_owned()),
            (None, Some((format, stem, id))) => {
                let before = "ext//params///".len() + format.len() + stem.len() + id.len();
                let name = format!("ext/{format}/{}", text.get(before..).unwrap_or_default());
                ((stem.to_owned(), id.to_owned()), name)
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

fn first_difference(meant: &Content, found: &Content) -> Mismatch {
    if let Some(mismatch) = difference("", &meant.own, &found.own) {
        return mismatch;
    }
    let (none, empty) = (Vec::new(), Named::new());
    let stems: BTreeSet<&String> = meant.parts.keys().chain(found.parts.keys()).collect();
    for stem in stems {
        let (meant, found) = (meant.parts.get(stem).unwrap_or(&none), found.parts.get(stem).unwrap_or(&none));
        let lost = meant.iter().find(|part| !found.contains(part));
        let made = found.iter().find(|part| !meant.contains(part));
        if let Some(mismatch) = difference(stem, lost.unwrap_or(&empty), made.unwrap_or(&empty)) {
            return mismatch;
        }
        if meant != found {
            let entries = |count: usize| format!("{count} entries");
            return Mismatch { field: stem.clone(), meant: entries(meant.len()), found: entries(found.len()) };
        }
    }
    Mismatch { field: "the item".to_owned(), meant: "written".to_owned(), found: "something else".to_owned() }
}

fn difference(stem: &str, meant: &Named, found: &Named) -> Option<Mismatch> {
    let names: BTreeSet<&String> = meant.keys().chain(found.keys()).collect();
    let name = names.into_iter().find(|name| meant.get(*name) != found.get(*name))?;
    let field = if stem.is_empty() { name.clone() } else { format!("{stem}/{name}") };
    Some(Mismatch { field, meant: shown(meant.get(name)), found: shown(found.get(name)) })
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("`{}`", value.display().chars().take(60).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Kind, Pattern};

    fn event(fields: &[(&str, &str)]) -> Record {
        fields.iter().fold(Record::new(Kind::EVENT), |record, (pointer, text)| record.with(pointer, Value::text(text)))
    }

    #[test]
    fn ids_and_what_changes_by_itself_do_not_count() {
        let volatile = View(vec![Pattern::new("stamp")]);
        let meant = event(&[("title", "A"), ("stamp", "1"), ("alerts/x/trigger", "-PT5M"), ("ext/ical/params/alerts/x/trigger/X-Q", "1")]);
        let found = event(&[("title", "A"), ("alerts/1/trigger", "-PT5M"), ("ext/ical/params/alerts/1/trigger/X-Q", "1")]);
        assert_eq!(check(&meant, &BTreeSet::new(), &found, &volatile), Ok(()));
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let (meant, found) = (event(&[("alerts/x/trigger", "-PT5M")]), event(&[("alerts/1/trigger", "-PT6M")]));
        let text = check(&meant, &BTreeSet::new(), &found, &View::default()).unwrap_err().to_string();
        assert_eq!(text, "alerts/trigger would read back as `-PT6M`, not as `-PT5M`");
        let unheld = BTreeSet::from([Pointer::new("alerts/x/trigger")]);
        assert!(check(&meant, &unheld, &event(&[]), &View::default()).is_ok());
    }
}
