//! Small maps in order of name: the fields and the raw parameters of one line, owned or lent.

use record::Value;
use std::borrow::Cow;

/// The name of a field below its part or its record, or of a parameter.
pub(crate) type Name = Cow<'static, str>;

/// Values by name, in order of name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sorted<V>(Vec<(Name, V)>);

/// Fields by their names below a part, or below the record.
pub(crate) type Named = Sorted<Value>;
/// Raw parameters by name.
pub(crate) type Raw = Sorted<String>;

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Sorted<V> {
    /// Makes a map of pairs in any order; of equal names the first counts.
    pub(crate) fn of(mut pairs: Vec<(Name, V)>) -> Self {
        pairs.sort_by(|one, other| one.0.cmp(&other.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs)
    }

    /// Returns the value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.0.binary_search_by(|(found, _)| found.as_ref().cmp(name)).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Tells whether there is a value of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a value that is not set yet, and tells whether it did; meant for few names, since it moves those behind.
    pub(crate) fn put(&mut self, name: Name, value: V) -> bool {
        match self.0.binary_search_by(|(found, _)| found.cmp(&name)) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, (name, value));
                true
            }
        }
    }

    /// Returns the value of a name, made where it is missing.
    pub(crate) fn entry(&mut self, name: Name, value: impl FnOnce() -> V) -> Option<&mut V> {
        let at = match self.0.binary_search_by(|(found, _)| found.cmp(&name)) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name, value()));
                at
            }
        };
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// Tells whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.iter().map(|(name, _)| name)
    }
}

impl<V> IntoIterator for Sorted<V> {
    type Item = (Name, V);
    type IntoIter = std::vec::IntoIter<(Name, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Lent values by name, in order of name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View<'v, V>(Vec<(Cow<'v, str>, V)>);

/// Lent fields.
pub(crate) type Fields<'v> = View<'v, &'v Value>;
/// Lent raw parameters.
pub(crate) type Parameters<'v> = View<'v, &'v str>;

impl<V> Default for View<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'v, V: Copy> View<'v, V> {
    /// Adds a pair whose name comes behind all others.
    pub(crate) fn push(&mut self, name: Cow<'v, str>, value: V) {
        self.0.push((name, value));
    }

    /// Restores the order after pairs were added in another one.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by(|one, other| one.0.cmp(&other.0));
    }

    /// Returns the place and the value of a name.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, V)> {
        let at = self.0.binary_search_by(|(found, _)| found.as_ref().cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| (at, *value))
    }

    /// Returns the value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<V> {
        self.find(name).map(|(_, value)| value)
    }

    /// Tells whether there is a value of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates in order of name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Cow<'v, str>, V)> {
        self.0.iter().map(|(name, value)| (name, *value))
    }
}

impl Named {
    /// Lends the fields.
    pub(crate) fn view(&self) -> Fields<'_> {
        View(self.0.iter().map(|(name, value)| (Cow::Borrowed(name.as_ref()), value)).collect())
    }
}

impl Raw {
    /// Lends the parameters.
    pub(crate) fn view(&self) -> Parameters<'_> {
        View(self.0.iter().map(|(name, raw)| (Cow::Borrowed(name.as_ref()), raw.as_str())).collect())
    }
}
