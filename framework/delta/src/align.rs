//! Alignment: repeated parts get the ids that the record knows them by, whatever an application calls them.
//!
//! An adapter names parts by local ids that hold within one reading. [`align`] finds out which part of the
//! previous record each of them is: by an id of the format's own that is known, by equality in everything, by
//! equal value, by the place it stands in, by the format's own id seen for the first time, and by likeness.
//! What is left is new. Positions never decide.

mod map;
mod matching;
mod nearest;
pub(crate) mod part;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use record::pointer::Pointer;
use record::{Digest, Record, vocabulary};

use crate::align::matching::Matching;
use crate::align::part::{Part, dissect, parts_of};

pub use crate::align::map::Parts;

/// Returns `shown`, a record as an adapter reported it, with shared ids, and which local id stands for which.
///
/// `before` is the previous record under shared ids: what was shown, what was just written, or at a first join
/// the record it was linked to. `known` is the map of the previous reading. Fields outside repeated parts pass
/// unchanged. Linear in the number of parts but for a bounded number of comparisons.
#[must_use]
pub fn align(before: Option<&Record>, known: &Parts, shown: &Record) -> (Record, Parts) {
    let (plain, parts) = dissect(shown);
    let old = before.map(parts_of).unwrap_or_default();
    let mut matching = Matching::new(&old, &parts, known);
    matching.run();
    let mut names = Names::avoiding(&old);
    let ids = names.assign(&matching);

    let mut aligned = Record { kind: shown.kind.clone(), fields: plain };
    let mut map = Parts::default();
    for (face, id) in matching.shown.iter().zip(ids) {
        face.part.place(&id, &mut aligned.fields);
        map.insert(face.part.stem, face.part.id, &id);
    }
    (aligned, map)
}

/// Returns `record`, which has shared ids, with the local ids of `parts`, and the map of what it now holds.
///
/// A part that the map does not know keeps its shared id, with `~` before it if an adapter would read a meaning
/// into it, and `~` after it as long as it is some part's local id.
#[must_use]
pub fn localise(record: &Record, parts: &Parts) -> (Record, Parts) {
    let (plain, found) = dissect(record);
    let mut local = Record { kind: record.kind.clone(), fields: plain };
    let mut map = Parts::default();
    let mut taken: BTreeSet<(&str, String)> = parts.iter().map(|(stem, local, _)| (stem, local.to_owned())).collect();
    for part in &found {
        let id = match parts.local(part.stem, part.id) {
            Some(id) => id.to_owned(),
            None => vacant(part, &mut taken),
        };
        part.place(&id, &mut local.fields);
        map.insert(part.stem, &id, part.id);
    }
    (local, map)
}

/// Returns a local id for a part that has none yet.
fn vacant<'a>(part: &Part<'a>, taken: &mut BTreeSet<(&'a str, String)>) -> String {
    let mut id = if part.id.starts_with(['=', '@']) { format!("~{}", part.id) } else { part.id.to_owned() };
    while !taken.insert((part.stem, id.clone())) {
        id.push('~');
    }
    id
}

/// The shared ids that are taken, and how many parts of a value have got one.
struct Names<'a> {
    taken: HashSet<(&'a str, String)>,
    ordinals: HashMap<Digest, u32>,
}

impl<'a> Names<'a> {
    /// Begins with every id of the previous record taken: a part that went must not come back as another.
    fn avoiding(old: &[Part<'a>]) -> Self {
        let taken = old.iter().map(|part| (part.stem, part.id.to_owned())).collect();
        Self { taken, ordinals: HashMap::new() }
    }

    /// Returns the shared id of each shown part, in the order of `matching.shown`.
    fn assign(&mut self, matching: &Matching<'_, 'a>) -> Vec<String> {
        let mut ids: BTreeMap<usize, String> = BTreeMap::new();
        for (at, face) in matching.shown.iter().enumerate() {
            let given = match matching.mate(at) {
                Some(old) => Some(old.part.id.to_owned()),
                None => part::explicit(face.part.id).filter(|id| self.take(face.part.stem, id)).map(str::to_owned),
            };
            given.map(|id| ids.insert(at, id));
        }
        // Hashes come last, so that they avoid every explicit id.
        for (at, face) in matching.shown.iter().enumerate() {
            ids.entry(at).or_insert_with(|| self.hashed(face.part.stem, face.birth()));
        }
        ids.into_values().collect()
    }

    fn take(&mut self, stem: &'a str, id: &str) -> bool {
        self.taken.insert((stem, id.to_owned()))
    }

    /// Returns the first free id of a value.
    fn hashed(&mut self, stem: &'a str, birth: Digest) -> String {
        loop {
            let ordinal = self.ordinals.entry(birth).or_default();
            let digest = Digest::of_parts(&[&birth.0, &ordinal.to_be_bytes()]);
            *ordinal = ordinal.wrapping_add(1);
            let id: String = digest.to_string().chars().take(13).collect();
            if self.take(stem, &id) {
                return id;
            }
        }
    }
}

/// Returns the pointer of the field `rest` of a part.
pub(crate) fn pointer_of(stem: &str, id: &str, rest: &str) -> Pointer {
    // Verbatim lines and components are their part's only field.
    Pointer::from(if vocabulary::is_verbatim(stem) { format!("{stem}/{id}") } else { format!("{stem}/{id}/{rest}") })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
