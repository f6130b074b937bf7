//! Alignment, case by case.

use record::{Kind, Record, Value};

use crate::align::{Parts, align, localise};

fn contact(fields: &[(&str, &str)]) -> Record {
    fields.iter().fold(Record::new(Kind::CONTACT), |record, (pointer, text)| record.with(pointer, Value::text(text)))
}

fn known(entries: &[(&str, &str, &str)]) -> Parts {
    let mut parts = Parts::default();
    entries.iter().for_each(|(stem, local, shared)| parts.insert(stem, local, shared));
    parts
}

/// Aligns at a first sight.
fn first(shown: &Record) -> Record {
    align(None, &Parts::default(), shown).0
}

#[test]
fn a_row_and_a_card_with_one_phone_give_it_one_id() {
    let row = contact(&[("phones/@Mobile/number", "+49 30 1234"), ("phones/@Mobile/features/mobile", "")]);
    let card = contact(&[
        ("phones/7/number", "+49-30-1234"),
        ("phones/7/features/mobile", ""),
        ("phones/7/features/voice", ""),
        ("phones/3/number", "+49 171 99"),
    ]);
    let id = |record: &Record| align(None, &Parts::default(), record).1;
    assert_eq!(id(&row).shared("phones", "@Mobile"), id(&card).shared("phones", "7"));
    assert_ne!(id(&card).shared("phones", "3"), id(&card).shared("phones", "7"));
}

#[test]
fn a_formats_own_id_is_the_shared_id() {
    let card = contact(&[("emails/=e1/address", "ada@x.org")]);
    assert_eq!(first(&card), contact(&[("emails/e1/address", "ada@x.org")]));
}

#[test]
fn a_formats_own_id_survives_a_change_of_everything_else() {
    let before = contact(&[("phones/p1/number", "+49 30 1"), ("phones/p2/number", "+49 30 2")]);
    let shown = contact(&[("phones/=p1/number", "+49 30 2"), ("phones/=p2/number", "+1 555 9")]);
    let known = known(&[("phones", "=p1", "p1"), ("phones", "=p2", "p2")]);
    assert_eq!(align(Some(&before), &known, &shown).0, contact(&[("phones/p1/number", "+49 30 2"), ("phones/p2/number", "+1 555 9")]));
}

#[test]
fn another_applications_own_ids_do_not_double_what_is_there_already() {
    let before = contact(&[("phones/1/number", "+49 30 1"), ("phones/2/number", "+49 30 2"), ("emails/3f/address", "a@x.org")]);
    let shown = contact(&[("phones/=1/number", "+49 30 2"), ("phones/=2/number", "+49 30 1"), ("emails/=1/address", "A@x.org")]);
    let (aligned, map) = align(Some(&before), &Parts::default(), &shown);
    assert_eq!(aligned.fields.keys().collect::<Vec<_>>(), before.fields.keys().collect::<Vec<_>>());
    assert_eq!((map.shared("phones", "=1"), map.shared("emails", "=1")), (Some("2"), Some("3f")));
    assert_eq!(localise(&aligned, &map).0, shown);
}

#[test]
fn an_own_id_that_another_part_holds_is_not_taken() {
    let before = contact(&[("phones/1/number", "+49 30 1234567")]);
    let shown = contact(&[("phones/@Home/number", "+49 30 1234567"), ("phones/=1/number", "+1 555 99")]);
    let (aligned, map) = align(Some(&before), &known(&[("phones", "@Home", "1")]), &shown);
    assert_eq!(map.shared("phones", "@Home"), Some("1"));
    assert_eq!(aligned.text("phones/1/number"), Some("+49 30 1234567"));
    assert_eq!(aligned.fields.len(), 2);
}

#[test]
fn a_part_that_replaced_another_with_an_own_id_is_new() {
    let before = contact(&[("phones/a/number", "+49 30 1234567")]);
    let shown = contact(&[("phones/=b/number", "+49 30 1234568")]);
    assert_eq!(align(Some(&before), &known(&[("phones", "=a", "a")]), &shown).1, known(&[("phones", "=b", "b")]));
}

#[test]
fn an_edited_cell_is_an_edit_of_its_part() {
    let before = contact(&[("emails/a/address", "ada@x.org"), ("emails/b/address", "countess@y.net")]);
    let shown = contact(&[("emails/@1/address", "qqq@w.com"), ("emails/@2/address", "ada@x.com")]);
    let known = known(&[("emails", "@1", "a"), ("emails", "@2", "b")]);
    assert_eq!(align(Some(&before), &known, &shown).1, known);
}

#[test]
fn values_that_move_between_cells_keep_their_ids() {
    let before = contact(&[("emails/a/address", "ada@x.org"), ("emails/b/address", "countess@y.net")]);
    let shown = contact(&[("emails/@1/address", "countess@y.net"), ("emails/@2/address", "ada@x.org")]);
    let (aligned, map) = align(Some(&before), &known(&[("emails", "@1", "a"), ("emails", "@2", "b")]), &shown);
    assert_eq!(aligned, before);
    assert_eq!(map.shared("emails", "@1"), Some("b"));
}

#[test]
fn swapped_lines_with_unmapped_parameters_change_nothing() {
    let before = contact(&[
        ("media/a/uri", "x:1"),
        ("media/b/uri", "x:1"),
        ("ext/vcard/params/media/a/X-N", "1"),
        ("ext/vcard/params/media/b/X-N", "2"),
    ]);
    let shown = contact(&[
        ("media/0/uri", "x:1"),
        ("media/1/uri", "x:1"),
        ("ext/vcard/params/media/0/X-N", "2"),
        ("ext/vcard/params/media/1/X-N", "1"),
    ]);
    assert_eq!(align(Some(&before), &Parts::default(), &shown).0, before);
}

#[test]
fn a_column_that_shows_a_part_of_an_address_shows_that_address() {
    let before = contact(&[
        ("addresses/a/street", "Unter den Linden 77"),
        ("addresses/a/locality", "Berlin"),
        ("addresses/b/street", "Ring 1"),
        ("addresses/b/locality", "Wien"),
    ]);
    let shown = contact(&[("addresses/@Home/locality", "Wien")]);
    assert_eq!(align(Some(&before), &Parts::default(), &shown).1.shared("addresses", "@Home"), Some("b"));
}

#[test]
fn a_birthday_is_never_taken_for_a_day_of_death() {
    let before = contact(&[("anniversaries/a/kind", "birth"), ("anniversaries/a/date", "1815-12-10")]);
    let shown = contact(&[("anniversaries/1/kind", "death"), ("anniversaries/1/date", "1815-12-11")]);
    assert_ne!(align(Some(&before), &Parts::default(), &shown).1.shared("anniversaries", "1"), Some("a"));
}

#[test]
fn a_verbatim_line_is_never_taken_for_one_of_another_name() {
    let before = contact(&[("ext/vcard/lines/a", "item1.X-FOO:value"), ("ext/vcard/lines/b", "X-BAR:other")]);
    let shown = contact(&[("ext/vcard/lines/1", "X-BAR:value"), ("ext/vcard/lines/2", "item7.X-FOO:new and long")]);
    let (_, map) = align(Some(&before), &Parts::default(), &shown);
    assert_eq!((map.shared("ext/vcard/lines", "1"), map.shared("ext/vcard/lines", "2")), (Some("b"), Some("a")));
}

#[test]
fn a_new_part_never_gets_the_id_of_one_that_went() {
    let card = contact(&[("emails/1/address", "ada@x.org"), ("emails/2/address", "ada@x.org"), ("emails/2/label", "second")]);
    let (before, known) = align(None, &Parts::default(), &card);
    let shown = contact(&[
        ("emails/1/address", "ada@x.org"),
        ("emails/2/address", "ada@x.org"),
        ("emails/2/label", "second"),
        ("emails/3/address", "ada@x.org"),
        ("emails/3/label", "third"),
    ]);
    let (after, _) = align(Some(&before), &known, &shown);
    assert_eq!(after.below("emails").filter(|(pointer, _)| before.fields.contains_key(*pointer)).count(), 3);
}

#[test]
fn an_unknown_part_whose_id_is_a_local_id_or_reads_like_one_is_renamed() {
    let record = contact(&[("phones/1/number", "new"), ("phones/a/number", "old"), ("phones/=x/number", "odd")]);
    let (local, map) = localise(&record, &known(&[("phones", "1", "a"), ("phones", "1~", "gone")]));
    assert_eq!(local, contact(&[("phones/1/number", "old"), ("phones/1~~/number", "new"), ("phones/~=x/number", "odd")]));
    assert_eq!(map, known(&[("phones", "1", "a"), ("phones", "1~~", "1"), ("phones", "~=x", "=x")]));
}

#[test]
fn thousands_of_equal_or_like_parts_end_soon() {
    let lines = |count: usize, text: fn(usize) -> String| {
        (0..count).fold(Record::new(Kind::CONTACT), |record, at| record.with(&format!("ext/vcard/lines/{at}"), Value::Text(text(at))))
    };
    for text in [|_| "X-A:1".to_owned(), |at| format!("X-A:{}{at}", "long ".repeat(30))] as [fn(usize) -> String; 2] {
        let card = lines(5000, text);
        let (before, known) = align(None, &Parts::default(), &card);
        assert_eq!(known.len(), 5000);
        assert_eq!(align(Some(&before), &known, &card).0, before);
        assert_eq!(align(Some(&before), &known, &lines(5001, |at| format!("X-A:{}{at}!", "long ".repeat(30)))).1.len(), 5001);
    }
}
