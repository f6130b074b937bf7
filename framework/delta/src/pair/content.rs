//! The content of a record without the ids of its parts, as numbers that compare fast.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use record::vocabulary;
use record::{Kind, Pointer, Record, Value};

use crate::align::part::{Slot, slot};
use crate::name::{Name, Relation};

/// Where a value stands, ids of parts aside.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place<'a> {
    Alone(&'a Pointer),
    Part(&'a str, Slot<'a>),
}

/// What a record holds; values are numbered by a [`Reading`].
pub(crate) struct Content<'a> {
    /// What tells contents apart that are not exactly equal.
    pub(crate) exact: Exact<'a>,
    /// One number per field that says who it is, ascending: the second of two equal ones has a number of its own.
    pub(crate) fields: Vec<u32>,
    record: &'a Record,
    name: OnceCell<Name>,
}

/// A record's kind, the fields that stand alone, and its parts.
pub(crate) type Exact<'a> = (&'a Kind, Vec<u32>, Vec<Vec<u32>>);

impl Content<'_> {
    /// Tells whether nothing says that the two are different things.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let uids_differ = self.record.text("uid").zip(other.record.text("uid")).is_some_and(|(a, b)| a != b);
        self.exact.0 == other.exact.0 && !uids_differ
    }

    /// Tells whether these are two people by their names.
    fn names_contradict(&self, other: &Self) -> bool {
        *self.exact.0 == Kind::CONTACT && self.name().relation(other.name()) == Relation::Contradict
    }

    fn name(&self) -> &Name {
        self.name.get_or_init(|| Name::of(self.record))
    }
}

/// Reads contents, giving the same value in the same place the same number.
pub(crate) struct Reading<'a> {
    unique: Option<&'a Pointer>,
    values: HashMap<(Place<'a>, &'a Value), u32>,
    counted: HashMap<(u32, u32), u32>,
    strong: HashSet<u32>,
    reaches: HashSet<u32>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(unique: Option<&'a Pointer>) -> Self {
        Self { unique, values: HashMap::new(), counted: HashMap::new(), strong: HashSet::new(), reaches: HashSet::new() }
    }

    /// Returns the content of a record.
    pub(crate) fn content(&mut self, record: &'a Record) -> Content<'a> {
        let (mut alone, mut parts) = (Vec::new(), BTreeMap::<_, Vec<u32>>::new());
        let mut times: HashMap<u32, u32> = HashMap::new();
        let mut fields = Vec::with_capacity(record.fields.len());
        for (pointer, value) in &record.fields {
            let place = slot(pointer);
            let number = match place {
                Some((stem, id, slot)) => {
                    let number = self.number(Place::Part(stem, slot), value);
                    parts.entry((stem, id)).or_default().push(number);
                    number
                }
                None => {
                    let number = self.number(Place::Alone(pointer), value);
                    alone.push(number);
                    number
                }
            };
            if place.is_some_and(|(stem, _, slot)| is_trait(stem, slot)) || says_nothing(record, pointer) {
                continue;
            }
            let time = times.entry(number).or_default();
            let field = self.field(number, *time);
            *time += 1;
            if Some(pointer) == self.unique {
                self.strong.insert(field);
            }
            if let Some(("emails" | "phones", _, Slot::Field("address" | "number"))) = place {
                self.reaches.insert(field);
            }
            fields.push(field);
        }
        let mut parts: Vec<Vec<u32>> = parts.into_values().collect();
        parts.iter_mut().for_each(|part| part.sort_unstable());
        parts.sort_unstable();
        alone.sort_unstable();
        fields.sort_unstable();
        Content { exact: (&record.kind, alone, parts), fields, record, name: OnceCell::new() }
    }

    fn number(&mut self, place: Place<'a>, value: &'a Value) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        *self.values.entry((place, value)).or_insert(next)
    }

    /// Returns the number of the `time`th of several equal fields.
    fn field(&mut self, number: u32, time: u32) -> u32 {
        let next = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
        *self.counted.entry((number, time)).or_insert(next)
    }

    /// Returns how much two contents have in common; nothing, if it does not make one person of two names.
    pub(crate) fn score(&self, a: &Content<'_>, b: &Content<'_>) -> u32 {
        let mut others = b.fields.iter().peekable();
        let (mut score, mut common, mut reached) = (0_u32, 0_usize, false);
        for field in &a.fields {
            while others.next_if(|other| *other < field).is_some() {}
            if others.next_if_eq(&field).is_some() {
                score = score.saturating_add(if self.strong.contains(field) { 3 } else { 2 });
                common += 1;
                reached |= self.reaches.contains(field);
            }
        }
        // A shared employer does not make one of two people; whoever keeps an address, or most of what was known, was renamed.
        let most = 2 * common > a.fields.len().max(b.fields.len());
        if score > 0 && !reached && !most && a.names_contradict(b) { 0 } else { score }
    }
}

/// Tells whether a value says of what sort a part is rather than whose it is: a column gives it to every row alike.
fn is_trait(stem: &str, slot: Slot<'_>) -> bool {
    match slot {
        Slot::Field(rest) => {
            let first = rest.split('/').next().unwrap_or_default();
            vocabulary::part(stem).is_some_and(|part| part.traits.contains(&first) && !part.heads.contains(&rest))
        }
        Slot::Parameter { .. } => true,
    }
}

/// Tells whether a field of a file says nothing of which file it is: many share a time or a permission.
fn says_nothing(record: &Record, pointer: &Pointer) -> bool {
    record.kind == Kind::FILE && matches!(pointer.as_str(), "modified" | "executable")
}
