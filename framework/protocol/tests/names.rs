//! Collection names and how ids are shown.

use proptest::prelude::*;
use protocol::{Collection, Cursor, Hash, LogId, Sequence};
use syncretic_protocol as protocol;

#[test]
fn names_of_letters_digits_and_marks_are_collections() {
    for name in ["a", "contacts", "Ünïcode", "连络人", "a-b_c.d", "7", &"é".repeat(64)] {
        assert_eq!(name.parse::<Collection>().unwrap().as_str(), name);
    }
}

#[test]
fn names_that_could_leave_their_folder_are_none() {
    for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\0", "a:b", "\u{202e}a", &"a".repeat(65)] {
        assert!(name.parse::<Collection>().is_err(), "{name:?}");
    }
}

#[test]
fn a_cursor_shows_its_sequence_hash_and_log() {
    let cursor = Cursor { log: LogId([1; 16]), sequence: Sequence(1042), hash: Hash([2; 32]) };
    assert_eq!(cursor.to_string(), format!("v1042 {} of log {}", "02".repeat(32), "01".repeat(16)));
}

proptest! {
    #[test]
    fn no_text_panics_and_a_name_reads_back(text in ".{0,70}") {
        if let Ok(collection) = text.parse::<Collection>() {
            prop_assert_eq!(collection.to_string(), text);
        }
    }
}
