//! The laws of linking, held against generated people.

use std::collections::BTreeSet;

use proptest::prelude::*;
use record::{Kind, Record, RecordId, Value};

use crate::link::{Candidate, Links, link};

fn person() -> impl Strategy<Value = Record> {
    let name = prop::sample::select(vec!["", "Ada King", "A. King", "King", "Will King", "Will King jun.", "Jürgen", "Juergen"]);
    let kind = prop::sample::select(vec![Kind::CONTACT, Kind::CONTACT, Kind::CONTACT, Kind::ROW]);
    let digits = |range: std::ops::Range<u8>| prop::option::of(range);
    (kind, name, digits(0..3), digits(0..3), digits(0..6), digits(0..2)).prop_map(|(kind, name, email, phone, uid, street)| {
        let mut record = Record::new(kind);
        let mut set = |pointer: &str, value: Option<String>| {
            value.map(|value| record.fields.insert(pointer.into(), Value::Text(value)));
        };
        set("name/full", Some(name.to_owned()).filter(|name| !name.is_empty()));
        set("emails/1/address", email.map(|digit| format!("{digit}@x.org")));
        set("phones/1/number", phone.map(|digit| ["0171 1234567", "+49 171 1234567", "030 1234567"][usize::from(digit)].to_owned()));
        set("uid", uid.map(|digit| digit.to_string()));
        set("addresses/1/street", street.map(|digit| digit.to_string()));
        record
    })
}

fn side() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(person(), 0..6)
}

fn candidates(records: &[Record], offset: u8) -> Vec<Candidate<'_>> {
    records.iter().zip(offset..).map(|(record, at)| Candidate { id: RecordId([at; 16]), record }).collect()
}

fn apart() -> impl Strategy<Value = BTreeSet<(RecordId, RecordId)>> {
    prop::collection::btree_set((0_u8..6, 100_u8..106).prop_map(|(a, b)| (RecordId([a; 16]), RecordId([b; 16]))), 0..4)
}

fn pairs(links: &Links) -> BTreeSet<(RecordId, RecordId)> {
    links.certain.iter().map(|link| (link.newcomer, link.resident)).collect()
}

proptest! {
    #[test]
    fn nobody_is_linked_twice_and_whoever_is_linked_is_in_no_doubt(new in side(), old in side(), apart in apart()) {
        let links = link(&candidates(&new, 0), &candidates(&old, 100), &apart);
        let newcomers: BTreeSet<_> = links.certain.iter().map(|link| link.newcomer).collect();
        let residents: BTreeSet<_> = links.certain.iter().map(|link| link.resident).collect();
        prop_assert_eq!((newcomers.len(), residents.len()), (links.certain.len(), links.certain.len()));
        for doubt in &links.doubtful {
            prop_assert!(!newcomers.contains(&doubt.newcomer) && !doubt.residents.is_empty());
            prop_assert!(doubt.residents.iter().all(|id| !apart.contains(&(doubt.newcomer, *id))));
        }
        prop_assert!(pairs(&links).is_disjoint(&apart));
    }

    #[test]
    fn order_decides_nothing(new in side(), old in side(), apart in apart()) {
        let (new, old) = (candidates(&new, 0), candidates(&old, 100));
        let (mut new_back, mut old_back) = (new.clone(), old.clone());
        new_back.reverse();
        old_back.reverse();
        prop_assert_eq!(link(&new, &old, &apart), link(&new_back, &old_back, &apart));
    }

    #[test]
    fn who_joins_whom_decides_nothing_about_people(new in side(), old in side(), apart in apart()) {
        let people = |side: &[Record]| side.iter().filter(|record| record.kind == Kind::CONTACT).cloned().collect::<Vec<_>>();
        let (new, old) = (people(&new), people(&old));
        let there = link(&candidates(&new, 0), &candidates(&old, 100), &apart);
        let back = link(&candidates(&old, 100), &candidates(&new, 0), &apart);
        prop_assert_eq!(pairs(&there), pairs(&back).into_iter().map(|(a, b)| (b, a)).collect());
    }
}
