//! The fields of a record: a map in pointer order whose copies share one memory until one of them changes.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::pointer::Pointer;
use crate::value::Value;

/// Fields of a record, in pointer order.
///
/// A sync holds every record several times: as it was shown, as it is meant, as it was agreed, as the collection has it.
/// Nearly always these are equal, so a copy costs a counter, and comparing it with its original costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fields(Arc<BTreeMap<Pointer, Value>>);

impl Fields {
    /// Makes an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the pointers, in order.
    pub fn into_keys(self) -> btree_map::IntoKeys<Pointer, Value> {
        Arc::unwrap_or_clone(self.0).into_keys()
    }
}

impl Deref for Fields {
    type Target = BTreeMap<Pointer, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Fields {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl From<BTreeMap<Pointer, Value>> for Fields {
    fn from(fields: BTreeMap<Pointer, Value>) -> Self {
        Self(Arc::new(fields))
    }
}

impl FromIterator<(Pointer, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Pointer, Value)>>(fields: I) -> Self {
        Self::from(fields.into_iter().collect::<BTreeMap<_, _>>())
    }
}

impl IntoIterator for Fields {
    type Item = (Pointer, Value);
    type IntoIter = btree_map::IntoIter<Pointer, Value>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'f> IntoIterator for &'f Fields {
    type Item = (&'f Pointer, &'f Value);
    type IntoIter = btree_map::Iter<'f, Pointer, Value>;

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
