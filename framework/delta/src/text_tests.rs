//! Tests of the merge line by line: what people see, and laws over arbitrary texts.

use proptest::prelude::*;

use super::merge;

const POEM: &str = "one\ntwo\nthree\nfour\nfive\n";

#[test]
fn changes_apart_from_each_other_are_both_made() {
    let (top, end) = (POEM.replace("one", "ONE"), POEM.replace("five\n", "five\nsix\n"));
    assert_eq!(merge(POEM, &top, &end).as_deref(), Some("ONE\ntwo\nthree\nfour\nfive\nsix\n"));
    let (without, with) = (POEM.replace("two\n", ""), format!("{POEM}six\n"));
    assert_eq!(merge(POEM, &without, &with).as_deref(), Some("one\nthree\nfour\nfive\nsix\n"));
}

#[test]
fn the_same_change_on_both_sides_is_made_once() {
    let same = POEM.replace("three", "3");
    let more = same.replace("one", "1");
    assert_eq!(merge(POEM, &same, &same), Some(same.clone()));
    assert_eq!(merge(POEM, &same, &more), Some(more));
}

#[test]
fn changes_of_the_same_lines_or_of_lines_that_touch_are_a_conflict() {
    for (one, other) in [
        (POEM.replace("three", "3"), POEM.replace("three", "drei")),
        (POEM.replace("three", "3"), POEM.replace("four", "4")),
        (POEM.replace("three\n", ""), POEM.replace("three", "3")),
        (format!("{POEM}six\n"), format!("{POEM}sechs\n")),
        (format!("zero\n{POEM}"), format!("null\n{POEM}")),
    ] {
        assert_eq!(merge(POEM, &one, &other), None, "{one:?} {other:?}");
    }
    assert_eq!(merge("", "mine\n", "theirs\n"), None);
}

#[test]
fn line_endings_a_missing_last_one_and_a_byte_order_mark_stay_as_they_are() {
    let base = "\u{feff}one\r\ntwo\r\nthree\r\nfour";
    let (one, other) = ("\u{feff}ONE\r\ntwo\r\nthree\r\nfour", "\u{feff}one\r\ntwo\r\nthree\r\nfour\r\nfive");
    assert_eq!(merge(base, one, other).as_deref(), Some("\u{feff}ONE\r\ntwo\r\nthree\r\nfour\r\nfive"));
    // Whoever changed every line ending changed every line.
    assert_eq!(merge(POEM, &POEM.replace('\n', "\r\n"), &POEM.replace("one", "ONE")), None);
    assert_eq!(merge("a\rb\rc\r", "A\rb\rc\r", "a\rb\rC\r").as_deref(), Some("A\rb\rC\r"));
    // A last line without an ending is never glued to what another side has after it.
    assert_eq!(merge("a\nb", "a\nb\nc", "a\nb\nd"), None);
}

#[test]
fn a_text_of_too_many_lines_is_not_merged() {
    let long = |lines: usize, last: &str| format!("{}{last}\n", "x\n".repeat(lines - 1));
    let most = super::MOST_LINES;
    let first = |text: &str| text.replacen('x', "X", 1);
    assert!(merge(&long(most, "end"), &long(most, "END"), &first(&long(most, "end"))).is_some());
    let returns = "\r".repeat(most + 1);
    assert_eq!(merge(&returns, &format!("{returns}x"), &format!("x{returns}")), None);
    assert_eq!(merge(&long(most + 1, "end"), &long(most + 1, "END"), &first(&long(most + 1, "end"))), None);
}

/// A text of few different lines, so that many are equal, with odd endings between them.
fn text() -> impl Strategy<Value = String> {
    let line = (0..6_u8, prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r", ""]));
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.iter().map(|(word, end)| format!("{word}{end}")).collect())
}

/// Two texts that came of one by edits: each inserted line is the only one of its kind.
fn edited() -> impl Strategy<Value = (Vec<String>, Vec<String>, Vec<String>)> {
    let base = prop::collection::vec(0..5_u8, 0..20);
    let edits = || prop::collection::vec((0..40_usize, 0..3_u8), 0..5);
    (base, edits(), edits()).prop_map(|(base, one, other)| {
        let base: Vec<String> = base.iter().map(|word| format!("{word}\n")).collect();
        let made = |side: &str, edits: &[(usize, u8)]| {
            let mut lines = base.clone();
            for (number, (at, what)) in edits.iter().enumerate() {
                let new = format!("{side} {number}\n");
                match (at % (lines.len() + 1), what) {
                    (at, 0) if at < lines.len() => lines[at] = new,
                    (at, 1) if at < lines.len() => drop(lines.remove(at)),
                    (at, _) => lines.insert(at, new),
                }
            }
            lines
        };
        let (one, other) = (made("one", &one), made("other", &other));
        (base, one, other)
    })
}

proptest! {
    #[test]
    fn a_side_that_changed_nothing_takes_the_other_ones_text(base in text(), side in text()) {
        prop_assert_eq!(merge(&base, &side, &base), Some(side.clone()));
        prop_assert_eq!(merge(&base, &base, &side), Some(side.clone()));
        prop_assert_eq!(merge(&base, &side, &side), Some(side));
    }

    #[test]
    fn it_does_not_matter_which_side_is_which(base in text(), one in text(), other in text()) {
        prop_assert_eq!(merge(&base, &one, &other), merge(&base, &other, &one));
    }

    #[test]
    fn arbitrary_text_never_panics(base in ".{0,60}", one in ".{0,60}", other in ".{0,60}") {
        let _ = merge(&base, &one, &other);
    }

    #[test]
    fn every_line_that_a_side_wrote_is_there_in_its_order_and_none_that_nobody_wrote((base, one, other) in edited()) {
        let Some(merged) = merge(&base.concat(), &one.concat(), &other.concat()) else { return Ok(()) };
        for (side, name) in [(&one, "one"), (&other, "other")] {
            let written: Vec<&str> = side.iter().map(|line| line.trim_end()).filter(|line| line.starts_with(name)).collect();
            let found: Vec<&str> = merged.lines().filter(|line| line.starts_with(name)).collect();
            prop_assert_eq!(found, written);
        }
        for line in &base {
            let count = |lines: &[String]| lines.iter().filter(|other| *other == line).count();
            let merged = merged.lines().filter(|merged| *merged == line.trim_end()).count();
            // What neither side took away stays; what both took away goes once.
            let gone = [&one, &other].map(|side| count(&base).saturating_sub(count(side)));
            prop_assert!(merged >= count(&base).saturating_sub(gone[0] + gone[1]), "{line:?}: {merged}");
            prop_assert!(merged <= count(&base).saturating_sub(gone[0].max(gone[1])), "{line:?}: {merged}");
        }
    }
}
