//! Cases and laws of the merge.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;
use record::Kind;

fn record(fields: &[(&str, &str)]) -> Record {
    fields.iter().fold(Record::new(Kind::CONTACT), |record, (pointer, text)| record.with(pointer, Value::text(text)))
}

fn state(alive: bool, fields: &[(&str, &str)]) -> State {
    State { alive, record: record(fields), ..State::unborn(Kind::CONTACT) }
}

fn sides<'a>(meant: Option<&'a Record>, agreed: Option<&'a State>, remote: Option<&'a State>) -> Sides<'a> {
    Sides { meant, agreed, remote, holds: &|_| true, volatile: &|pointer| pointer.as_str() == "updated" }
}

fn merged(meant: Option<&Record>, agreed: Option<&State>, remote: Option<&State>) -> Merged {
    merge(&sides(meant, agreed, remote), Policy::Store)
}

#[test]
fn edits_of_two_fields_on_two_sides_both_stand() {
    let base = state(true, &[("phone", "1"), ("email", "a")]);
    let (mine, theirs) = (record(&[("phone", "2"), ("email", "a")]), state(true, &[("phone", "1"), ("email", "b")]));
    let result = merged(Some(&mine), Some(&base), Some(&theirs));
    assert_eq!(result, Merged { target: Target::Put(record(&[("phone", "2"), ("email", "b")])), losers: vec![] });
}

#[test]
fn edits_of_one_field_on_two_sides_are_a_conflict_in_which_the_store_stands() {
    let base = state(true, &[("phone", "1")]);
    let (mine, theirs) = (record(&[("phone", "2")]), state(true, &[("phone", "3")]));
    let result = merged(Some(&mine), Some(&base), Some(&theirs));
    let loser = Loser { field: Pointer::new("phone"), value: Value::text("2"), against: Against::Value, base: Some(Value::text("1")) };
    assert_eq!(result, Merged { target: Target::Put(record(&[("phone", "3")])), losers: vec![loser] });
}

#[test]
fn the_time_of_a_file_follows_its_content_and_is_no_conflict() {
    let file = |record: Record| Record { kind: Kind::FILE, ..record };
    let of = |fields: &[(&str, &str)]| State { record: file(record(fields)), ..state(true, &[]) };
    let base = of(&[("content", "1"), ("modified", "10")]);
    let mine = file(record(&[("content", "2"), ("modified", "20")]));
    let theirs = of(&[("content", "3"), ("modified", "30")]);
    let result = merged(Some(&mine), Some(&base), Some(&theirs));
    assert_eq!(result.target, Target::Put(theirs.record.clone()));
    assert_eq!(result.losers.iter().map(|loser| loser.field.as_str()).collect::<Vec<_>>(), ["content"]);
    let same = of(&[("content", "2"), ("modified", "30")]);
    assert!(merged(Some(&mine), Some(&base), Some(&same)).losers.is_empty());
}

#[test]
fn the_policy_mine_pushes_the_local_value_and_keeps_the_other() {
    let base = state(true, &[("phone", "1")]);
    let (mine, theirs) = (record(&[("phone", "2")]), state(true, &[("phone", "3")]));
    let sides = sides(Some(&mine), Some(&base), Some(&theirs));
    assert_eq!(merge(&sides, Policy::Mine).target, Target::Put(mine.clone()));
    let push = push(RecordId([1; 16]), &sides).unwrap();
    assert_eq!(push.change.set, mine.fields);
    assert_eq!(push.losers.len(), 1);
    assert_eq!(push.losers[0].value, Value::text("3"));
}

#[test]
fn an_older_copy_of_a_deleted_record_is_told_and_gets_what_was_added_since_once_that_lives_again() {
    let copy = record(&[("phone", "1"), ("note", "mine")]);
    let dead = state(false, &[("phone", "2"), ("email", "added after the copy was made")]);
    assert_eq!(merged(Some(&copy), None, Some(&dead)).target, Target::Nothing);
    let push = push(RecordId([1; 16]), &sides(Some(&copy), None, Some(&dead))).unwrap();
    assert_eq!((push.change.life, push.change.set.clone()), (Some(Life::Born), copy.fields.clone()));
    assert_eq!((&push.change.unset, &push.losers), (&BTreeSet::new(), &vec![]));
    let (mut told, mut alive) = (State::unborn(Kind::CONTACT), dead);
    told.apply(&push.change, 9);
    alive.apply(&push.change, 9);
    let whole = record(&[("phone", "1"), ("email", "added after the copy was made"), ("note", "mine")]);
    assert_eq!(merged(Some(&copy), Some(&told), Some(&alive)), Merged { target: Target::Put(whole), losers: vec![] });
}

#[test]
fn a_value_of_unknown_origin_is_kept_beside_what_stands_and_brings_nothing_back() {
    let mut agreed = state(true, &[("phone", "1")]);
    agreed.forget(&Pointer::new("phone"));
    let mine = record(&[("phone", "2")]);
    let alive = merged(Some(&mine), Some(&agreed), Some(&state(true, &[("phone", "3")])));
    assert_eq!((&alive.target, alive.losers[0].against), (&Target::Put(record(&[("phone", "3")])), Against::Value));
    let dead = merged(Some(&mine), Some(&agreed), Some(&state(false, &[("phone", "3")])));
    assert_eq!((&dead.target, dead.losers[0].against), (&Target::Delete, Against::Death));
    assert_eq!(dead.losers[0].value, Value::text("2"));
}

#[test]
fn a_record_that_is_made_anew_after_its_deletion_is_what_it_shows() {
    let (anew, dead) = (record(&[("phone", "1")]), state(false, &[("phone", "2"), ("email", "a")]));
    let sides = sides(Some(&anew), Some(&dead), Some(&dead));
    assert_eq!(merge(&sides, Policy::Store).target, Target::Nothing);
    let push = push(RecordId([1; 16]), &sides).unwrap();
    assert_eq!((push.change.set, push.change.unset), (anew.fields.clone(), BTreeSet::from([Pointer::new("email")])));
}

#[test]
fn without_a_common_ancestor_the_store_stands_whatever_the_policy() {
    let (mine, theirs) = (record(&[("phone", "2"), ("note", "mine")]), state(true, &[("phone", "3")]));
    let result = merge(&sides(Some(&mine), None, Some(&theirs)), Policy::Mine);
    assert_eq!(result.target, Target::Put(record(&[("phone", "3"), ("note", "mine")])));
    assert_eq!(result.losers.len(), 1);
}

#[test]
fn a_deletion_here_stands_unless_the_record_was_edited_elsewhere() {
    let base = state(true, &[("phone", "1"), ("updated", "then")]);
    let same = state(true, &[("phone", "1"), ("updated", "now")]);
    assert_eq!(merged(None, Some(&base), Some(&same)).target, Target::Nothing);
    assert_eq!(push(RecordId([1; 16]), &sides(None, Some(&base), Some(&same))).unwrap().change.life, Some(Life::Dead));
    let edited = state(true, &[("phone", "2")]);
    assert_eq!(merged(None, Some(&base), Some(&edited)).target, Target::Put(record(&[("phone", "2")])));
    assert_eq!(push(RecordId([1; 16]), &sides(None, Some(&base), Some(&edited))), None);
}

#[test]
fn a_deletion_elsewhere_stands_unless_the_item_was_edited_here() {
    let (base, dead) = (state(true, &[("phone", "1"), ("note", "n")]), state(false, &[("phone", "1"), ("note", "n")]));
    let unedited = record(&[("phone", "1"), ("note", "n"), ("updated", "now")]);
    assert_eq!(merged(Some(&unedited), Some(&base), Some(&dead)).target, Target::Delete);
    let edited = record(&[("phone", "2"), ("note", "n")]);
    assert_eq!(merged(Some(&edited), Some(&base), Some(&dead)).target, Target::Put(edited.clone()));
    let push = push(RecordId([1; 16]), &sides(Some(&edited), Some(&base), Some(&dead))).unwrap();
    assert_eq!((push.change.life, push.change.set), (Some(Life::Born), record(&[("phone", "2")]).fields));
}

#[test]
fn two_applications_may_know_one_person_under_two_uids() {
    let (mine, theirs) = (record(&[("uid", "a"), ("phone", "1")]), state(true, &[("uid", "b"), ("phone", "1")]));
    let sides = sides(Some(&mine), None, Some(&theirs));
    assert_eq!(merge(&sides, Policy::Store), Merged { target: Target::Put(mine.clone()), losers: vec![] });
    assert_eq!(push(RecordId([1; 16]), &sides), None);
}

#[test]
fn an_item_without_a_uid_takes_the_record_s() {
    let (mine, theirs) = (record(&[("phone", "1")]), state(true, &[("uid", "b"), ("phone", "1")]));
    assert_eq!(merged(Some(&mine), None, Some(&theirs)).target, Target::Put(theirs.record.clone()));
}

#[test]
fn what_an_endpoint_cannot_hold_is_neither_pushed_nor_lost() {
    let (mine, theirs) = (record(&[("name", "Ada")]), state(true, &[("name", "Ada"), ("photo", "p")]));
    let narrow = Sides { holds: &|pointer| pointer.as_str() == "name", ..sides(Some(&mine), Some(&theirs), Some(&theirs)) };
    assert_eq!(push(RecordId([1; 16]), &narrow), None);
    assert_eq!(merge(&narrow, Policy::Store).target, Target::Put(theirs.record.clone()));
}

fn fields() -> impl Strategy<Value = Record> {
    prop::collection::btree_map("[abc]", "[xyz]", 0..4).prop_map(|fields| {
        fields.into_iter().fold(Record::new(Kind::ROW), |record, (pointer, text)| record.with(&pointer, Value::Text(text)))
    })
}

fn tree() -> impl Strategy<Value = Option<State>> {
    prop::option::of((any::<bool>(), fields()).prop_map(|(alive, record)| State { alive, record, ..State::unborn(Kind::ROW) }))
}

proptest! {
    /// Whatever a person wrote here stands after the merge, or is listed, or was there before; and what the store has likewise.
    #[test]
    fn no_value_is_dropped_unseen(meant in prop::option::of(fields()), agreed in tree(), remote in tree(), mine in any::<bool>()) {
        let sides = sides(meant.as_ref(), agreed.as_ref(), remote.as_ref());
        let merged = merge(&sides, if mine { Policy::Mine } else { Policy::Store });
        let base = |pointer: &Pointer| agreed.as_ref().filter(|agreed| agreed.alive).and_then(|agreed| agreed.record.fields.get(pointer));
        let target = match &merged.target {
            Target::Nothing => meant.clone(),
            Target::Put(record) => Some(record.clone()),
            Target::Delete => None,
        };
        for (pointer, value) in meant.iter().flat_map(|meant| &meant.fields) {
            let stands = target.as_ref().is_some_and(|target| target.fields.get(pointer) == Some(value));
            let listed = merged.losers.iter().any(|loser| loser.field == *pointer && loser.value == *value);
            prop_assert!(stands || listed || base(pointer) == Some(value), "{pointer} = {value:?}: {merged:?}");
        }
    }

    /// Once the target stands and everything is pushed, nothing is left to do.
    #[test]
    fn a_merge_that_is_done_and_told_is_at_rest(meant in prop::option::of(fields()), agreed in tree(), remote in tree()) {
        // What was agreed is in the store.
        prop_assume!(agreed.is_none() || remote.is_some());
        let before = merge(&sides(meant.as_ref(), agreed.as_ref(), remote.as_ref()), Policy::Store);
        let meant = match before.target {
            Target::Nothing => meant,
            Target::Put(record) => Some(record),
            Target::Delete => None,
        };
        // What both have in common by now is agreed (the engine's `agree`).
        let mut agreed = agreed.unwrap_or_else(|| State::unborn(Kind::ROW));
        let mut remote = remote.unwrap_or_else(|| State::unborn(Kind::ROW));
        if let Some(meant) = meant.as_ref().filter(|_| remote.alive) {
            if !agreed.alive { agreed = State { alive: true, ..State::unborn(Kind::ROW) }; }
            let names: BTreeSet<Pointer> = meant.fields.keys().chain(remote.record.fields.keys()).chain(agreed.record.fields.keys()).cloned().collect();
            for pointer in names {
                if meant.fields.get(&pointer) == remote.record.fields.get(&pointer) {
                    agreed.put(&pointer, remote.record.fields.get(&pointer), 1);
                }
            }
        }
        let id = RecordId([1; 16]);
        if let Some(push) = push(id, &sides(meant.as_ref(), Some(&agreed), Some(&remote))) {
            remote.apply(&push.change, 2);
            if push.change.life == Some(Life::Born) && !agreed.alive { agreed = State::unborn(Kind::ROW); }
            agreed.apply(&push.change, 2);
        }
        let after = sides(meant.as_ref(), Some(&agreed), Some(&remote));
        prop_assert_eq!(push(id, &after), None);
        let target = merge(&after, Policy::Store).target;
        prop_assert!(target == Target::Nothing || Some(&target) == meant.clone().map(Target::Put).as_ref(), "{:?} after {:?}", target, after.meant);
    }
}
