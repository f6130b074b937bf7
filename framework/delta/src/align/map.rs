//! The map between an endpoint's local ids and the record's shared ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use record::CodecError;
use record::codec::{MAX_FIELDS, Reader, Writer};
use smol_str::SmolStr;

/// Which local id of one endpoint's item stands for which shared id of the record, per stem, one to one.
///
/// Copies share one memory until one of them changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Arc<Both>);

/// The same pairs by either id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Both {
    /// By stem and local id: the shared id.
    shared: BTreeMap<(SmolStr, SmolStr), SmolStr>,
    /// By stem and shared id: the local id.
    local: BTreeMap<(SmolStr, SmolStr), SmolStr>,
}

impl Parts {
    /// Notes that `local` stands for `shared`; whatever either stood for before is forgotten.
    pub fn insert(&mut self, stem: &str, local: &str, shared: &str) {
        let both = Arc::make_mut(&mut self.0);
        let (stem, local, shared) = (SmolStr::new(stem), SmolStr::new(local), SmolStr::new(shared));
        if let Some(old) = both.shared.insert((stem.clone(), local.clone()), shared.clone()) {
            both.local.remove(&(stem.clone(), old));
        }
        if let Some(old) = both.local.insert((stem.clone(), shared), local.clone())
            && old != local
        {
            both.shared.remove(&(stem, old));
        }
    }

    /// Returns the shared id that a local id stands for.
    #[must_use]
    pub fn shared(&self, stem: &str, local: &str) -> Option<&str> {
        self.0.shared.get(&(SmolStr::new(stem), SmolStr::new(local))).map(SmolStr::as_str)
    }

    /// Returns the local id that stands for a shared id.
    #[must_use]
    pub fn local(&self, stem: &str, shared: &str) -> Option<&str> {
        self.0.local.get(&(SmolStr::new(stem), SmolStr::new(shared))).map(SmolStr::as_str)
    }

    /// Iterates over (stem, local id, shared id), in order of stem and local id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.shared.iter().map(|((stem, local), shared)| (stem.as_str(), local.as_str(), shared.as_str()))
    }

    /// Returns the number of parts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.shared.len()
    }

    /// Tells whether the map holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the map as an array of `[stem, local, shared]`, in order of stem and local id.
    pub fn encode(&self, writer: &mut Writer) {
        writer.array(self.len());
        for (stem, local, shared) in self.iter() {
            writer.array(3).text(stem).text(local).text(shared);
        }
    }

    /// Reads what [`Parts::encode`] wrote.
    ///
    /// # Errors
    /// Fails if there is none, it is out of order, or an id stands twice.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let count = reader.array("parts", MAX_FIELDS)?;
        let mut parts = Self::default();
        let mut last = None;
        for _ in 0..count {
            reader.tuple("a stem and two ids", 3)?;
            let (stem, local, shared) = (reader.text()?, reader.text()?, reader.text()?);
            if last.is_some_and(|last| last >= (stem, local)) || parts.local(stem, shared).is_some() {
                return Err(CodecError::NotCanonical);
            }
            last = Some((stem, local));
            parts.insert(stem, local, shared);
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(parts: &Parts) -> Vec<u8> {
        let mut writer = Writer::default();
        parts.encode(&mut writer);
        writer.finish()
    }

    #[test]
    fn a_map_is_read_back_from_its_bytes() {
        let mut parts = Parts::default();
        parts.insert("phones", "@Mobile", "1a");
        parts.insert("emails", "1", "2b");
        let bytes = encoded(&parts);
        assert_eq!(Parts::decode(&mut Reader::new(&bytes)), Ok(parts));
    }

    #[test]
    fn an_id_stands_for_one_part_only() {
        let mut parts = Parts::default();
        parts.insert("phones", "1", "a");
        parts.insert("phones", "2", "a");
        assert_eq!((parts.shared("phones", "1"), parts.local("phones", "a")), (None, Some("2")));
        parts.insert("phones", "2", "b");
        assert_eq!((parts.local("phones", "a"), parts.local("phones", "b"), parts.len()), (None, Some("2"), 1));
    }

    #[test]
    fn a_map_in_which_an_id_stands_twice_is_refused() {
        for pairs in [[("1", "a"), ("2", "a")], [("2", "a"), ("1", "b")], [("1", "a"), ("1", "b")]] {
            let mut writer = Writer::default();
            writer.array(2);
            for (local, shared) in pairs {
                writer.array(3).text("phones").text(local).text(shared);
            }
            let bytes = writer.finish();
            assert_eq!(Parts::decode(&mut Reader::new(&bytes)), Err(CodecError::NotCanonical));
        }
    }
}
