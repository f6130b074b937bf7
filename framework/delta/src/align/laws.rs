//! The laws of alignment, held against generated records.

use std::collections::BTreeMap;

use proptest::prelude::*;
use record::{Fields, Kind, Pointer, Record, Value};

use crate::align::part::{Part, Slot, dissect, explicit, is_place};
use crate::align::{Parts, align, localise};

/// One part as an adapter shows it: stem, value, traits and other content. Alphabets are small, so that parts are often alike.
#[derive(Clone, Debug)]
struct Shown {
    stem: &'static str,
    sort: char,
    value: String,
    traits: u8,
    name: Name,
}

/// What sort of local id a part has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Name {
    Position,
    Place,
    Explicit,
}

fn shown() -> impl Strategy<Value = Shown> {
    let stem = prop::sample::select(vec!["phones", "emails", "anniversaries", "addresses", "ext/vcard/lines"]);
    let name = prop_oneof![4 => Just(Name::Position), 1 => Just(Name::Place), 1 => Just(Name::Explicit)];
    (stem, prop::char::range('A', 'B'), "[ab1][ab12 ]{0,3}", 0_u8..8, name).prop_map(|(stem, sort, value, traits, name)| Shown {
        stem,
        sort,
        value,
        traits,
        name,
    })
}

fn some() -> impl Strategy<Value = Vec<Shown>> {
    prop::collection::vec(shown(), 1..8)
}

fn cards() -> impl Strategy<Value = Vec<Shown>> {
    prop::collection::vec(shown(), 0..8)
}

/// Writes the parts as an adapter would: positions count lines, other ids are derived from `seed`.
fn card(parts: &[Shown], seed: usize) -> Record {
    let mut record = Record::new(Kind::CONTACT).with("name/full", Value::text("Ada"));
    for (at, part) in parts.iter().enumerate() {
        let id = match part.name {
            Name::Position => format!("{}", (at * 7 + seed) % 101),
            Name::Place => format!("@{at}"),
            Name::Explicit => format!("={at}"),
        };
        put(&mut record.fields, part, &id);
    }
    record
}

fn put(fields: &mut Fields, part: &Shown, id: &str) {
    let mut set = |rest: &str, text: &str| fields.insert(super::pointer_of(part.stem, id, rest), Value::text(text));
    match part.stem {
        "phones" => set("number", &part.value),
        "emails" => set("address", &part.value),
        "anniversaries" => {
            set("kind", if part.sort == 'A' { "birth" } else { "death" });
            set("date", &part.value)
        }
        "addresses" => {
            set("street", &part.value);
            set("country", &part.sort.to_string())
        }
        _ => {
            set("", &format!("X-{}:{}", part.sort, part.value));
            return;
        }
    };
    if part.traits & 1 > 0 {
        set("contexts/work", "");
    }
    if part.traits & 2 > 0 {
        set("pref", "1");
    }
    if part.traits & 4 > 0 {
        fields.insert(Pointer::from(format!("ext/vcard/params/{}/{id}/X-Q", part.stem)), Value::text("q"));
    }
}

type Contents<'a> = (&'a str, Vec<(Slot<'a>, &'a Value)>);

/// The parts without their ids, in order.
fn contents(record: &Record) -> Vec<Contents<'_>> {
    let mut all: Vec<_> = dissect(record).1.into_iter().map(|Part { stem, contents, .. }| (stem, contents)).collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn nothing_but_ids_changes_and_no_two_parts_get_one_id(old in cards(), new in cards()) {
        let (before, known) = align(None, &Parts::default(), &card(&old, 3));
        let now = card(&new, 0);
        let (after, map) = align(Some(&before), &known, &now);
        prop_assert_eq!(contents(&after), contents(&now));
        prop_assert_eq!(map.len(), new.len());
        prop_assert_eq!(after.text("name/full"), Some("Ada"));
    }

    #[test]
    fn aligning_again_changes_nothing(old in cards(), new in cards()) {
        let (before, known) = align(None, &Parts::default(), &card(&old, 3));
        let now = card(&new, 0);
        let (after, map) = align(Some(&before), &known, &now);
        prop_assert_eq!(align(Some(&after), &map, &now), (after, map));
    }

    #[test]
    fn the_order_of_lines_does_not_matter(old in cards(), new in cards(), seed in 1_usize..101) {
        let (before, known) = align(None, &Parts::default(), &card(&old, 3));
        prop_assert_eq!(align(Some(&before), &known, &card(&new, 0)).0, align(Some(&before), &known, &card(&new, seed)).0);
        prop_assert_eq!(align(None, &known, &card(&new, 0)).0, align(None, &known, &card(&new, seed)).0);
    }

    #[test]
    fn a_record_made_local_and_aligned_is_the_same(old in cards(), new in cards()) {
        let (before, known) = align(None, &Parts::default(), &card(&old, 3));
        let (target, _) = align(Some(&before), &known, &card(&new, 0));
        let (local, map) = localise(&target, &known);
        prop_assert_eq!(contents(&local), contents(&target));
        prop_assert_eq!(align(Some(&target), &map, &local), (target.clone(), map));
        // A part that the endpoint does not know is not taken for one that it knows.
        for part in dissect(&target).1.iter().filter(|part| known.local(part.stem, part.id).is_none()) {
            let id = localise(&target, &known).1.local(part.stem, part.id).unwrap().to_owned();
            prop_assert!(known.shared(part.stem, &id).is_none() && explicit(&id).is_none() && !is_place(&id));
        }
    }

    #[test]
    fn editing_one_value_changes_one_part(parts in some(), at in any::<prop::sample::Index>(), value in "[ab1][ab12 ]{0,3}") {
        let (before, known) = align(None, &Parts::default(), &card(&parts, 0));
        let mut edited = parts.clone();
        edited[at.index(parts.len())].value = value;
        let (after, _) = align(Some(&before), &known, &card(&edited, 5));
        prop_assert_eq!(before.fields.keys().collect::<Vec<_>>(), after.fields.keys().collect::<Vec<_>>());
        prop_assert!(before.fields.iter().filter(|(pointer, value)| after.field(pointer.as_str()) != Some(value)).count() <= 1);
    }

    #[test]
    fn deleting_one_part_removes_exactly_it(parts in some(), at in any::<prop::sample::Index>()) {
        // Renumbered places and explicit ids would be edits, so all are positions.
        let mut parts = parts;
        parts.iter_mut().for_each(|part| part.name = Name::Position);
        let (before, known) = align(None, &Parts::default(), &card(&parts, 0));
        parts.remove(at.index(parts.len()));
        let now = card(&parts, 9);
        let (after, _) = align(Some(&before), &known, &now);
        prop_assert_eq!(contents(&after), contents(&now));
        prop_assert!(after.fields.iter().all(|(pointer, value)| before.field(pointer.as_str()) == Some(value)));
    }

    #[test]
    fn inserting_a_part_keeps_every_id(parts in cards(), at in any::<prop::sample::Index>(), new in shown()) {
        // An id that the format used again for another part would be an edit, so all are positions at first.
        let mut parts: Vec<Shown> = parts.into_iter().map(|part| Shown { name: Name::Position, ..part }).collect();
        let (before, known) = align(None, &Parts::default(), &card(&parts, 0));
        parts.insert(at.index(parts.len() + 1), new);
        let (after, _) = align(Some(&before), &known, &card(&parts, 9));
        prop_assert!(before.fields.iter().all(|(pointer, value)| after.field(pointer.as_str()) == Some(value)));
    }

    #[test]
    fn two_devices_that_meet_a_card_agree(parts in cards(), seed in 1_usize..101) {
        let ids = |seed| align(None, &Parts::default(), &card(&parts, seed)).0.fields.into_iter().collect::<BTreeMap<_, _>>();
        prop_assert_eq!(ids(0), ids(seed));
    }
}
