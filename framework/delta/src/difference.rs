//! The difference: what a person changed between two readings of one item.

use std::collections::BTreeSet;

use record::{Pointer, Record, vocabulary};

/// Tells whether an endpoint can hold a field.
pub type Holds<'a> = &'a dyn Fn(&Pointer) -> bool;

/// Returns the pointers that have a different value in the two records, in order.
#[must_use]
pub fn differing(before: &Record, now: &Record) -> Vec<Pointer> {
    let mut pointers: Vec<Pointer> = before.fields.iter().filter(|(p, v)| now.fields.get(*p) != Some(v)).map(|(p, _)| p.clone()).collect();
    pointers.extend(now.fields.keys().filter(|p| !before.fields.contains_key(*p)).cloned());
    pointers.sort();
    pointers
}

/// Returns what `meant` becomes when the item that showed `shown` now shows `now`.
///
/// Only fields that the endpoint holds count. A repeated part that is no longer shown is removed whole:
/// its fields that the endpoint cannot hold, and its unmapped parameters, go with it.
#[must_use]
pub fn carry(meant: &Record, shown: &Record, now: &Record, holds: Holds<'_>) -> Record {
    let mut result = meant.clone();
    result.kind = now.kind.clone();
    for pointer in differing(shown, now) {
        if !holds(&pointer) {
            continue;
        }
        match now.fields.get(&pointer) {
            Some(value) => result.fields.insert(pointer, value.clone()),
            None => result.fields.remove(&pointer),
        };
    }
    for (stem, id) in parts(shown).difference(&parts(now)) {
        remove_part(&mut result, stem, id);
    }
    result
}

/// Returns the repeated parts that exist in a record: those with a head.
#[must_use]
pub fn parts(record: &Record) -> BTreeSet<(String, String)> {
    let head = |stem: &str, rest: &str| vocabulary::part(stem).is_none_or(|part| part.heads.contains(&rest));
    record
        .fields
        .keys()
        .filter_map(|pointer| vocabulary::split(pointer.as_str()))
        .filter(|(stem, _, rest)| head(stem, rest))
        .map(|(stem, id, _)| (stem.to_owned(), id.to_owned()))
        .collect()
}

/// Unsets a part's whole subtree and its unmapped parameters.
fn remove_part(record: &mut Record, stem: &str, id: &str) {
    record.fields.retain(|pointer, _| {
        let text = pointer.as_str();
        let inside = vocabulary::split(text).is_some_and(|(s, i, _)| s == stem && i == id);
        let parameter = vocabulary::parameter_owner(text).is_some_and(|(_, s, i)| s == stem && i == id);
        !inside && !parameter
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Kind, Value};

    fn record(fields: &[(&str, &str)]) -> Record {
        fields.iter().fold(Record::new(Kind::CONTACT), |record, (pointer, text)| record.with(pointer, Value::text(text)))
    }

    #[test]
    fn what_an_endpoint_cannot_show_is_kept() {
        let meant = record(&[("name/full", "Ada"), ("ext/vcard/lines/1", "X-A:1")]);
        let carried = carry(&meant, &record(&[("name/full", "Ada")]), &record(&[("name/full", "Ada L")]), &|_| true);
        assert_eq!(carried, record(&[("name/full", "Ada L"), ("ext/vcard/lines/1", "X-A:1")]));
    }

    #[test]
    fn a_field_outside_the_view_is_no_change() {
        let meant = record(&[("name/full", "Ada"), ("notes/1/note", "kept")]);
        let shown = record(&[("name/full", "Ada"), ("notes/1/note", "kept")]);
        let carried = carry(&meant, &shown, &record(&[("name/full", "Ada")]), &|pointer| pointer.as_str() == "name/full");
        assert_eq!(carried.text("name/full"), Some("Ada"));
    }

    #[test]
    fn a_part_that_is_removed_takes_its_unseen_fields_with_it() {
        let meant = record(&[
            ("phones/a/number", "1"),
            ("phones/a/label", "boat"),
            ("ext/vcard/params/phones/a/X-Q", "1"),
            ("phones/b/number", "2"),
            ("ext/vcard/params/phones/b/X-Q", "2"),
        ]);
        let shown = record(&[("phones/a/number", "1"), ("phones/b/number", "2")]);
        let carried = carry(&meant, &shown, &record(&[("phones/b/number", "2")]), &|_| true);
        assert_eq!(carried, record(&[("phones/b/number", "2"), ("ext/vcard/params/phones/b/X-Q", "2")]));
    }

    #[test]
    fn a_verbatim_line_is_a_part() {
        let meant = record(&[("ext/vcard/lines/1", "X-A:1"), ("name/full", "Ada")]);
        let carried = carry(&meant, &meant, &record(&[("name/full", "Ada")]), &|_| true);
        assert_eq!(carried, record(&[("name/full", "Ada")]));
    }
}
