//! The fields of a record: a map in pointer order whose copies share one memory until one of them changes.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::pointer::Pointer;
use crate::value::Value;

/// Something for each of some fields, in pointer order.
///
/// A sync holds every record several times: as it was shown, as it is meant, as it was agreed, as the collection has it.
/// Nearly always these are equal, so a copy costs a counter, and comparing it with its original costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByPointer<T>(Arc<BTreeMap<Pointer, T>>);

/// Fields of a record, in pointer order.
pub type Fields = ByPointer<Value>;

impl<T> ByPointer<T> {
    /// Makes an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Clone> ByPointer<T> {
    /// Returns the pointers, in order.
    pub fn into_keys(self) -> btree_map::IntoKeys<Pointer, T> {
        Arc::unwrap_or_clone(self.0).into_keys()
    }
}

impl<T> Default for ByPointer<T> {
    fn default() -> Self {
        Self(Arc::new(BTreeMap::new()))
    }
}

impl<T> Deref for ByPointer<T> {
    type Target = BTreeMap<Pointer, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Clone> DerefMut for ByPointer<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<BTreeMap<Pointer, T>> for ByPointer<T> {
    fn from(fields: BTreeMap<Pointer, T>) -> Self {
        Self(Arc::new(fields))
    }
}

impl<T> FromIterator<(Pointer, T)> for ByPointer<T> {
    fn from_iter<I: IntoIterator<Item = (Pointer, T)>>(fields: I) -> Self {
        Self::from(fields.into_iter().collect::<BTreeMap<_, _>>())
    }
}

impl<T: Clone> IntoIterator for ByPointer<T> {
    type Item = (Pointer, T);
    type IntoIter = btree_map::IntoIter<Pointer, T>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'f, T> IntoIterator for &'f ByPointer<T> {
    type Item = (&'f Pointer, &'f T);
    type IntoIter = btree_map::Iter<'f, Pointer, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_changes_leaves_its_original_alone() {
        let original: Fields = [(Pointer::new("uid"), Value::text("1"))].into_iter().collect();
        let mut copy = original.clone();
        assert_eq!(copy, original);
        copy.insert(Pointer::new("name/full"), Value::text("Ada"));
        copy.remove("uid");
        assert_eq!(original.keys().map(Pointer::as_str).collect::<Vec<_>>(), ["uid"]);
        assert_eq!(copy.into_keys().map(|key| key.to_string()).collect::<Vec<_>>(), ["name/full"]);
    }
}
