//! The laws of pairing, held against generated rows.

use std::collections::BTreeSet;

use proptest::prelude::*;
use record::{Kind, Pointer, Record, RecordId, Value};

use crate::pair::pair;

fn row() -> impl Strategy<Value = Record> {
    let cells = prop::collection::vec(0_u8..4, 4);
    let uid = prop_oneof![4 => Just(None), 1 => (0_u8..3).prop_map(Some)];
    (cells, uid).prop_map(|(cells, uid)| {
        let filled = cells.iter().enumerate().filter(|(_, value)| **value > 0);
        let row = filled.fold(Record::new(Kind::ROW), |row, (at, value)| row.with(&format!("cells/{at}"), Value::Integer((*value).into())));
        uid.into_iter().fold(row, |row, uid| row.with("uid", Value::text(&uid.to_string())))
    })
}

fn rows() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(row(), 0..7)
}

fn ids(seen: &[Record]) -> Vec<(RecordId, &Record)> {
    (0_u8..).zip(seen).map(|(at, record)| (RecordId([at; 16]), record)).collect()
}

type Kept<'a> = Vec<(&'a Record, Option<&'a Record>)>;

/// Which content was found to be which, in no order: all that may not hang on order.
fn outcome<'a>(seen: &[(RecordId, &'a Record)], items: &[&'a Record]) -> Kept<'a> {
    let unique = Pointer::new("cells/0");
    let found = pair(seen, items, Some(&unique));
    let content = |id: RecordId| seen.iter().find(|(other, _)| *other == id).map(|(_, record)| *record);
    let mut kept: Kept<'a> = items.iter().copied().zip(found.into_iter().map(|id| id.and_then(content))).collect();
    kept.sort_by_cached_key(|(item, record)| (item.digest(), record.map(Record::digest)));
    kept
}

proptest! {
    #[test]
    fn order_decides_nothing(seen in rows(), items in rows(), shuffle in any::<u64>()) {
        let (seen, items) = (ids(&seen), items.iter().collect::<Vec<_>>());
        let (mut other_seen, mut other_items) = (seen.clone(), items.clone());
        other_seen.sort_by_key(|(id, _)| u64::from(id.0[0]).wrapping_mul(shuffle | 1) >> 7);
        other_items.reverse();
        prop_assert_eq!(outcome(&seen, &items), outcome(&other_seen, &other_items));
    }

    #[test]
    fn nobody_is_two_and_two_are_never_one(seen in rows(), items in rows()) {
        let seen = ids(&seen);
        let found = pair(&seen, &items.iter().collect::<Vec<_>>(), None);
        prop_assert_eq!(found.len(), items.len());
        let used: Vec<RecordId> = found.iter().flatten().copied().collect();
        prop_assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len());
        for (item, id) in items.iter().zip(&found) {
            let record = id.and_then(|id| seen.iter().find(|(other, _)| *other == id));
            let uids = item.text("uid").zip(record.and_then(|(_, record)| record.text("uid")));
            prop_assert!(uids.is_none_or(|(a, b)| a == b));
        }
    }

    #[test]
    fn unchanged_records_are_all_found(seen in rows()) {
        let found = pair(&ids(&seen), &seen.iter().rev().collect::<Vec<_>>(), None);
        for (item, id) in seen.iter().rev().zip(found) {
            prop_assert_eq!(Some(item), id.map(|id| &seen[usize::from(id.0[0])]));
        }
    }

    #[test]
    fn one_edited_record_is_found_if_it_kept_anything(seen in prop::collection::vec(row(), 1..7), at in any::<prop::sample::Index>(), new in row()) {
        let at = at.index(seen.len());
        let mut items = seen.clone();
        items[at] = new;
        let found = pair(&ids(&seen), &items.iter().collect::<Vec<_>>(), None);
        let common = seen[at].fields.iter().any(|(pointer, value)| items[at].field(pointer.as_str()) == Some(value));
        let uids_differ = seen[at].text("uid").zip(items[at].text("uid")).is_some_and(|(a, b)| a != b);
        prop_assert_eq!(found.iter().filter(|id| id.is_none()).count(), usize::from(!(seen[at] == items[at] || common && !uids_differ)));
    }
}
