//! What a scan finds, beside what was known before.

use std::collections::{BTreeMap, HashMap};

use adapter::{Broken, Fingerprint, Item, Key, Known, Sink};
use record::RecordId;

use crate::objects;

/// What is known of one item.
pub(crate) struct Was {
    pub(crate) id: RecordId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) uid: Option<String>,
}

/// What the object store knows of items, by key.
pub(crate) struct Knowledge {
    pub(crate) by_key: HashMap<Key, Was>,
    /// Items that another one shares a key with. Keys that are not stable may say where an item stands among its
    /// equals: once one of those is written, the keys of the others are not what they were.
    namesakes: Vec<Was>,
}

impl Knowledge {
    /// Sorts items by key.
    pub(crate) fn of(items: Vec<objects::Item>) -> Self {
        let mut knowledge = Self { by_key: HashMap::with_capacity(items.len()), namesakes: Vec::new() };
        for objects::Item { key, fingerprint, id, uid } in items {
            knowledge.namesakes.extend(knowledge.by_key.insert(key, Was { id, fingerprint, uid }));
        }
        knowledge
    }

    /// Iterates over the records of all items.
    pub(crate) fn records(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.by_key.values().chain(&self.namesakes).map(|item| item.id)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
        self.namesakes.clear();
    }
}

impl Known for Knowledge {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.by_key.get(key).map(|item| item.fingerprint.clone())
    }

    fn count(&self) -> usize {
        self.by_key.len() + self.namesakes.len()
    }

    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        self.by_key.iter().for_each(|(key, item)| take(key, &item.fingerprint));
        true
    }
}

/// What the adapter reported.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    pub(crate) unchanged: Vec<(Key, Fingerprint)>,
    pub(crate) broken: Vec<Broken>,
    /// The keys that items had before the application renamed them, by their keys now.
    pub(crate) moved: HashMap<Key, Key>,
}

impl Found {
    /// Tells whether nothing at all was reported.
    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Counts what was reported.
    pub(crate) fn count(&self) -> usize {
        self.items.len() + self.unchanged.len() + self.broken.len()
    }
}

impl Sink for Found {
    fn item(&mut self, item: Item) {
        self.items.push(item);
    }

    fn moved(&mut self, item: Item, from: Key) {
        self.moved.insert(item.key.clone(), from);
        self.items.push(item);
    }

    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint) {
        self.unchanged.push((key, fingerprint));
    }

    fn broken(&mut self, broken: Broken) {
        self.broken.push(broken);
    }
}

/// Returns the record of each UID that was seen.
pub(crate) fn by_uid(knowledge: &Knowledge) -> BTreeMap<&str, RecordId> {
    knowledge.by_key.values().filter_map(|item| Some((item.uid.as_deref()?, item.id))).collect()
}
