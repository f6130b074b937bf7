//! An application and its data: what users see, and what survives every crash of the engine.

use std::collections::{BTreeMap, BTreeSet};

use adapter::{Fate, Key, StepId};
use record::{Record, RecordId};

use super::item::Item;
use super::mutation::Mutation;
use super::shape::{Identity, Shape};
use super::token::{Token, token};

/// An application's data and its staging area.
#[derive(Clone, Debug)]
pub(super) struct Application {
    /// What it is like.
    pub(super) shape: Shape,
    /// Its items by the number that it gave them; rows stand in this order.
    pub(super) items: BTreeMap<u64, Item>,
    /// Items that a lying listing leaves out.
    pub(super) hidden: BTreeSet<u64>,
    /// The root is there.
    pub(super) mounted: bool,
    /// The root is another, empty place.
    pub(super) replaced: bool,
    /// It refuses records by this salt.
    pub(super) picky: Option<u32>,
    /// What became of the operations of steps that are not settled.
    pub(super) journal: BTreeMap<StepId, Vec<Fate>>,
    /// Numbers that steps will give to the items they write.
    pub(super) reserved: BTreeMap<(StepId, RecordId), u64>,
    /// How many items the engine wrote or deleted.
    pub(super) writes: u64,
    /// What is wrong with its adapter.
    pub(super) mutation: Option<Mutation>,
    next: u64,
}

impl Application {
    /// Makes an empty application whose numbers begin after `first`.
    pub(super) fn new(shape: Shape, first: u64) -> Self {
        Self {
            shape,
            items: BTreeMap::new(),
            hidden: BTreeSet::new(),
            mounted: true,
            replaced: false,
            picky: None,
            journal: BTreeMap::new(),
            reserved: BTreeMap::new(),
            writes: 0,
            mutation: None,
            next: first,
        }
    }

    /// Returns a number that no item had yet.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Tells whether users see their data whole.
    pub(super) fn whole(&self) -> bool {
        self.mounted && !self.replaced && self.hidden.is_empty()
    }

    /// Returns the numbers of the items that a listing shows, with their names; what cannot be read has none.
    pub(super) fn listing(&self) -> Vec<(u64, Option<Key>)> {
        let mut ordinals: BTreeMap<String, usize> = BTreeMap::new();
        let visible = self.items.iter().filter(|(number, _)| !self.hidden.contains(number));
        let mut name = |number: u64, item: &Item| match self.shape.identity {
            Identity::Path => Some(Key(number.to_string())),
            Identity::Uid => item.text("uid").map(Key::new),
            Identity::Rows => {
                let digest: String = item.fingerprint().0.iter().map(|byte| format!("{byte:02x}")).collect();
                let ordinal = ordinals.entry(digest.clone()).or_default();
                *ordinal += 1;
                Some(Key(format!("{digest}#{ordinal}")))
            }
        };
        visible
            .map(|(number, item)| match item.broken {
                Some(named) => (*number, named.then(|| name(*number, item)).flatten()),
                None => (*number, name(*number, item)),
            })
            .collect()
    }

    /// Finds the item of a key.
    pub(super) fn find(&self, key: &Key) -> Option<u64> {
        self.listing().into_iter().find(|(_, found)| found.as_ref() == Some(key)).map(|(number, _)| number)
    }

    /// Tells whether another item than `but` has this path or UID.
    pub(super) fn taken(&self, name: &str, but: Option<u64>) -> bool {
        let Some(field) = self.shape.name() else { return false };
        self.items.iter().any(|(number, item)| Some(*number) != but && item.text(field) == Some(name))
    }

    /// Tells whether the application takes a record at all.
    pub(super) fn refuses(&self, record: &Record) -> bool {
        let Some(salt) = self.picky else { return false };
        let shown = Item::render(&self.shape, record, None).shown();
        shown.into_iter().any(|Token(number)| (number.wrapping_mul(2_654_435_761) >> 16) % 41 == salt % 41)
    }

    /// Finds the item that shows a token.
    pub(super) fn holder(&self, wanted: Token) -> Option<u64> {
        let holds = |item: &Item| item.fields.values().chain(&item.lines).filter_map(token).any(|found| found == wanted);
        self.items.iter().find(|(_, item)| item.broken.is_none() && holds(item)).map(|(number, _)| *number)
    }
}
