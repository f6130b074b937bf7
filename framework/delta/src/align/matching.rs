//! The matching of shown parts with the parts of the previous record, from the surest evidence to the weakest.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use record::{Digest, Value};

use crate::align::map::Parts;
use crate::align::nearest::{ALIKE, essence, is_excerpt, likeness};
use crate::align::part::{Part, explicit, is_place, normal};

/// How many pairs of one group are compared with one another, and how many pairs of one record by likeness.
const PAIRS: usize = 4096;

/// Tells whether the known map is to be believed of a local id; the second argument tells whether a group is as large as it was.
type Trust = fn(&str, bool) -> bool;

/// A part and what of it is compared.
pub(super) struct Face<'a> {
    pub(super) part: Part<'a>,
    kind: Option<String>,
    value: Vec<(&'a str, &'a Value)>,
    traits: Vec<(&'a str, &'a Value)>,
    normal: String,
    /// One number per field, in order, so that common fields are counted without comparing values again.
    marks: Vec<u64>,
}

impl<'a> Face<'a> {
    fn of(part: &Part<'a>) -> Self {
        let value = part.value();
        let mut marks: Vec<u64> = part.contents.iter().map(mark).collect();
        marks.sort_unstable();
        Self { kind: part.kind(), traits: part.traits(), normal: normal(part.stem, &value), value, marks, part: part.clone() }
    }

    /// Returns the digest that a first id is made of.
    pub(super) fn birth(&self) -> Digest {
        let kind = self.kind.as_deref().unwrap_or_default();
        Digest::of_parts(&[b"syncretic.part-id/1", self.part.stem.as_bytes(), kind.as_bytes(), self.normal.as_bytes()])
    }

    /// Returns what the part is, its value aside; which of several is preferred is no part of it.
    fn what(&self) -> (&'a str, Option<&str>, Vec<(&'a str, &'a Value)>) {
        let traits = self.traits.iter().filter(|(rest, _)| *rest != "pref").copied().collect();
        (self.part.stem, self.kind.as_deref(), traits)
    }

    /// Tells whether nothing says that the two are of different sorts.
    fn may_be(&self, other: &Self) -> bool {
        self.kind.is_none() || other.kind.is_none() || self.kind == other.kind
    }

    /// Returns the number of fields that both have with one value.
    fn common(&self, other: &Self) -> usize {
        let mut theirs = other.marks.iter().peekable();
        let mut count = 0;
        for mark in &self.marks {
            while theirs.next_if(|their| *their < mark).is_some() {}
            count += usize::from(theirs.next_if_eq(&mark).is_some());
        }
        count
    }
}

fn mark<T: Hash>(field: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    field.hash(&mut hasher);
    hasher.finish()
}

/// Which shown part is which part of the previous record.
pub(super) struct Matching<'m, 'a> {
    /// The shown parts in order of content; parts equal in everything are ordered by id, which then decides nothing.
    pub(super) shown: Vec<Face<'a>>,
    before: Vec<Face<'a>>,
    known: &'m Parts,
    by_id: HashMap<(&'a str, &'a str), usize>,
    mates: Vec<Option<usize>>,
    claimed: Vec<bool>,
}

impl<'m, 'a> Matching<'m, 'a> {
    pub(super) fn new(before: &[Part<'a>], shown: &[Part<'a>], known: &'m Parts) -> Self {
        let before: Vec<Face<'a>> = before.iter().map(Face::of).collect();
        let mut shown: Vec<Face<'a>> = shown.iter().map(Face::of).collect();
        shown.sort_by(|a, b| {
            let order = |face: &Face<'a>| (explicit(face.part.id).is_none(), !is_place(face.part.id), face.part.id);
            (a.part.stem, &a.part.contents).cmp(&(b.part.stem, &b.part.contents)).then_with(|| order(a).cmp(&order(b)))
        });
        let by_id = before.iter().enumerate().map(|(at, face)| ((face.part.stem, face.part.id), at)).collect();
        let (mates, claimed) = (vec![None; shown.len()], vec![false; before.len()]);
        Self { shown, before, known, by_id, mates, claimed }
    }

    /// Returns the part of the previous record that a shown part is.
    pub(super) fn mate(&self, shown: usize) -> Option<&Face<'a>> {
        self.before.get((*self.mates.get(shown)?)?)
    }

    pub(super) fn run(&mut self) {
        let place: Trust = |local, _| is_place(local);
        if self.before.is_empty() {
            return;
        }
        self.claim_known(|local| explicit(local).is_some());
        // Where all of what is equal in everything is still there, no id goes: any map will do, and the known one stays.
        self.claim_groups(|face| (face.part.stem, face.part.contents.clone()), |local, all_there| all_there || is_place(local));
        self.claim_groups(|face| (face.part.stem, face.value.clone(), face.traits.clone()), place);
        self.claim_known(is_place);
        self.claim_groups(|face| (face.part.stem, face.value.clone()), place);
        self.claim_groups(|face| (face.part.stem, face.normal.clone()), place);
        self.claim_explicit();
        self.claim_alike();
        self.claim_left_alone();
    }

    fn claim(&mut self, shown: usize, before: usize) -> bool {
        let (Some(mate), Some(claimed)) = (self.mates.get_mut(shown), self.claimed.get_mut(before)) else { return false };
        if mate.is_some() || *claimed {
            return false;
        }
        *mate = Some(before);
        *claimed = true;
        true
    }

    fn free_shown(&self) -> impl Iterator<Item = (usize, &Face<'a>)> {
        self.shown.iter().zip(&self.mates).enumerate().filter(|(_, (_, mate))| mate.is_none()).map(|(at, (face, _))| (at, face))
    }

    fn free_before(&self) -> impl Iterator<Item = (usize, &Face<'a>)> {
        self.before.iter().zip(&self.claimed).enumerate().filter(|(_, (_, claimed))| !**claimed).map(|(at, (face, _))| (at, face))
    }

    /// Returns the part of the previous record that a local id stood for in the previous reading.
    fn remembered(&self, face: &Face<'a>) -> Option<usize> {
        let shared = self.known.shared(face.part.stem, face.part.id)?;
        self.by_id.get(&(face.part.stem, shared)).copied()
    }

    /// Matches the local ids that keep their meaning between readings and stood for a part before.
    fn claim_known(&mut self, keeps: fn(&str) -> bool) {
        let found: Vec<_> =
            self.free_shown().filter(|(_, face)| keeps(face.part.id)).filter_map(|(at, face)| Some((at, self.remembered(face)?))).collect();
        for (shown, before) in found {
            self.claim(shown, before);
        }
    }

    /// Matches the format's own ids that are met for the first time and that a part of the record already has.
    ///
    /// Equal values come before: two applications number their parts independently of each other.
    fn claim_explicit(&mut self) {
        let held = |face: &Face<'a>| self.by_id.get(&(face.part.stem, explicit(face.part.id)?)).copied();
        let found: Vec<_> = self.free_shown().filter_map(|(at, face)| Some((at, held(face)?))).collect();
        for (shown, before) in found {
            self.claim(shown, before);
        }
    }

    /// Matches parts with one key: whom `known` pairs if it is to be `trusted`, then those with most fields in common.
    fn claim_groups<K: Hash + Eq>(&mut self, key: impl Fn(&Face<'a>) -> K, trusted: Trust) {
        let mut groups: HashMap<K, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (at, face) in self.free_before() {
            groups.entry(key(face)).or_default().1.push(at);
        }
        for (at, face) in self.free_shown() {
            if let Some(group) = groups.get_mut(&key(face)) {
                group.0.push(at);
            }
        }
        // Groups have no part in common, so that their order does not matter.
        for (shown, before) in groups.into_values().filter(|(shown, _)| !shown.is_empty()) {
            self.claim_group(&shown, &before, trusted);
        }
    }

    fn claim_group(&mut self, shown: &[usize], before: &[usize], trusted: Trust) {
        for at in shown {
            let remembered = self
                .shown
                .get(*at)
                .filter(|face| trusted(face.part.id, shown.len() == before.len()))
                .and_then(|face| self.remembered(face));
            if let Some(old) = remembered.filter(|old| before.binary_search(old).is_ok()) {
                self.claim(*at, old);
            }
        }
        let mut pairs = Vec::new();
        if shown.len().saturating_mul(before.len()) <= PAIRS {
            for (s, b) in shown.iter().flat_map(|s| before.iter().map(move |b| (*s, *b))) {
                let common = self.faces(s, b).filter(|(new, old)| new.may_be(old)).map(|(new, old)| new.common(old));
                pairs.extend(common.map(|common| (Reverse(common), s, b)));
            }
            pairs.sort_unstable();
        } else {
            let free = |at: &&usize| self.claimed.get(**at) == Some(&false);
            let open = |at: &&usize| self.mates.get(**at) == Some(&None);
            pairs.extend(shown.iter().filter(open).zip(before.iter().filter(free)).map(|(s, b)| (Reverse(0), *s, *b)));
            pairs.retain(|(_, s, b)| self.faces(*s, *b).is_some_and(|(new, old)| new.may_be(old)));
        }
        for (_, s, b) in pairs {
            self.claim(s, b);
        }
    }

    fn faces(&self, shown: usize, before: usize) -> Option<(&Face<'a>, &Face<'a>)> {
        self.shown.get(shown).zip(self.before.get(before))
    }

    /// Tells whether a shown part may be an edit of one that the format told apart from it by an id of its own.
    fn may_be_edit(&self, new: &Face<'a>, old: &Face<'a>) -> bool {
        let named = || self.known.local(old.part.stem, old.part.id).is_some_and(|local| explicit(local).is_some());
        new.may_be(old) && (explicit(new.part.id).is_none() || !named())
    }

    /// Matches edited parts with what they were, most alike first.
    fn claim_alike(&mut self) {
        let mut stems: HashMap<&str, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (at, face) in self.free_shown() {
            stems.entry(face.part.stem).or_default().0.push(at);
        }
        for (at, face) in self.free_before() {
            stems.entry(face.part.stem).or_default().1.push(at);
        }
        let mut stems: Vec<_> = stems.into_iter().collect();
        stems.sort_unstable();
        let mut budget = PAIRS;
        for (_, (shown, before)) in stems {
            let Some(left) = budget.checked_sub(shown.len().saturating_mul(before.len())) else { continue };
            budget = left;
            let mut pairs = self.alike(&shown, &before);
            pairs.sort_unstable();
            for (_, s, b) in pairs {
                self.claim(s, b);
            }
        }
    }

    fn alike(&self, shown: &[usize], before: &[usize]) -> Vec<(Reverse<usize>, usize, usize)> {
        let old: Vec<_> = before.iter().filter_map(|b| self.before.get(*b).map(|face| (*b, face, essence(&face.value)))).collect();
        let mut pairs = Vec::new();
        for (s, new) in shown.iter().filter_map(|s| self.shown.get(*s).map(|face| (*s, face))) {
            let now = essence(&new.value);
            for (b, face, then) in old.iter().filter(|(_, old, _)| self.may_be_edit(new, old)) {
                let near = if is_excerpt(&new.value, &face.value) { 99 } else { likeness(&now, then) };
                let points = near + if new.what() == face.what() { 30 } else { 0 };
                if near >= ALIKE {
                    pairs.push((Reverse(points), s, *b));
                }
            }
        }
        pairs
    }

    /// Matches what is the only one left of what it is, on both sides: a value that was replaced whole.
    fn claim_left_alone(&mut self) {
        let mut left: HashMap<_, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (at, face) in self.free_shown() {
            left.entry(face.what()).or_default().0.push(at);
        }
        for (at, face) in self.free_before() {
            left.entry(face.what()).or_default().1.push(at);
        }
        let mut pairs = Vec::new();
        for (shown, before) in left.into_values() {
            if let ([s], [b]) = (shown.as_slice(), before.as_slice()) {
                pairs.extend(self.faces(*s, *b).filter(|(new, old)| self.may_be_edit(new, old)).map(|_| (*s, *b)));
            }
        }
        for (s, b) in pairs {
            self.claim(s, b);
        }
    }
}
