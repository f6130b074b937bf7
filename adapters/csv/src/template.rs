//! Maps of the same fields again and again: rows that are neighbours mostly show the same ones.

use std::collections::BTreeMap;

use record::{Pointer, Value};

/// The fields that the last rows showed.
#[derive(Debug, Default)]
pub(crate) struct Template {
    /// Which of all fields the row before showed.
    shown: Vec<bool>,
    /// These fields, saying nothing yet; made when a second row shows them.
    blank: Option<BTreeMap<Pointer, Value>>,
}

impl Template {
    /// Returns the values that are there by their pointers, which are in order and each there once; `values` is empty then.
    ///
    /// Where the row before showed the same fields its map is copied and filled, which compares no pointers.
    pub(crate) fn fill<'p>(
        &mut self,
        pointers: impl Iterator<Item = &'p Pointer>,
        values: &mut Vec<Option<Value>>,
    ) -> BTreeMap<Pointer, Value> {
        if !self.shown.iter().copied().eq(values.iter().map(Option::is_some)) {
            self.shown.clear();
            self.shown.extend(values.iter().map(Option::is_some));
            self.blank = None;
            return pointers.zip(values.drain(..)).filter_map(|(pointer, value)| Some((pointer.clone(), value?))).collect();
        }
        let shown = pointers.zip(&self.shown).filter(|(_, shown)| **shown);
        let blank = self.blank.get_or_insert_with(|| shown.map(|(pointer, _)| (pointer.clone(), Value::Boolean(true))).collect());
        let mut fields = blank.clone();
        for (field, value) in fields.values_mut().zip(values.drain(..).flatten()) {
            *field = value;
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_map_is_the_same_whatever_stood_before(
            kinds in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 15), 1..4),
            rows in proptest::collection::vec(0..4_usize, 0..20),
        ) {
            let pointers: Vec<Pointer> = (0..15).map(|place| Pointer::from(format!("cells/{place:02}"))).collect();
            let mut template = Template::default();
            for (row, kind) in rows.into_iter().enumerate() {
                let shown = &kinds[kind % kinds.len()];
                let value = |place: usize| shown[place].then(|| Value::text(&format!("{row} {place}")));
                let mut values: Vec<_> = (0..15).map(value).collect();
                let expected: BTreeMap<_, _> =
                    pointers.iter().cloned().zip(values.clone()).filter_map(|(pointer, value)| Some((pointer, value?))).collect();
                prop_assert_eq!(template.fill(pointers.iter(), &mut values), expected);
                prop_assert!(values.is_empty());
            }
        }
    }
}
