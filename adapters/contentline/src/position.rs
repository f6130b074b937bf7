//! From a byte offset to the line and column that a person looks for.

use crate::line::{mark_length, terminator};
use memchr::{memchr_iter, memrchr};

/// A place in a file as editors count it, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The physical line.
    pub line: usize,
    /// The character within it.
    pub column: usize,
}

/// Returns the position of a byte; linear in `offset`, so meant for messages and not for loops.
#[must_use]
pub fn position(bytes: &[u8], offset: usize) -> Position {
    let terminator = terminator(bytes);
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = memchr_iter(terminator, before).count() + 1;
    let start = memrchr(terminator, before).map_or(mark_length(before), |place| place + 1);
    let text = String::from_utf8_lossy(before.get(start..).unwrap_or_default());
    Position { line, column: text.chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let bytes = "\u{feff}é1\r\n 2\r\n".as_bytes();
        let at = |offset| {
            let Position { line, column } = position(bytes, offset);
            (line, column)
        };
        assert_eq!([at(3), at(5), at(6), at(8), at(9), at(99)], [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]);
        assert_eq!(position(b"a\rb", 2), Position { line: 2, column: 1 });
    }
}
