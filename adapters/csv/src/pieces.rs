//! A text in pieces of whole rows, so that only a piece of it is in memory at a time.

use std::io;

use crate::span::{Row, Rows};
use crate::stream::Stream;

/// How many bytes a piece has at least, but for the last; one row that is longer is a piece of its own.
///
/// Records take some twenty times the memory of their rows, and those of three pieces are there at once.
pub(crate) const PIECE: usize = 1 << 18;

/// Rows that stand together.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Where in the text its first byte stands.
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
    /// Its rows, as places in its bytes.
    pub(crate) rows: Vec<Row>,
}

impl Piece {
    /// Returns the bytes of a row without its line ending.
    pub(crate) fn bytes(&self, row: Row) -> &[u8] {
        self.bytes.get(row.start..row.end).unwrap_or_default()
    }

    /// Returns where in the text a row begins.
    pub(crate) fn start(&self, row: Row) -> u64 {
        self.at + row.start as u64
    }

    /// Returns where in the text a row ends, before its line ending.
    pub(crate) fn end(&self, row: Row) -> u64 {
        self.at + row.end as u64
    }

    /// Returns where in the text the row after this one begins.
    pub(crate) fn next(&self, row: Row) -> u64 {
        self.at + row.next() as u64
    }
}

/// Cuts a text into pieces.
pub(crate) struct Pieces<S> {
    text: S,
    delimiter: u8,
    size: usize,
    /// What was read and is in no piece yet.
    rest: Vec<u8>,
    at: u64,
    line: u64,
    ended: bool,
}

impl<S: Stream> Pieces<S> {
    /// Begins at the start of a text, of which `head` was read already.
    pub(crate) fn new(head: Vec<u8>, text: S, delimiter: u8, size: usize) -> Self {
        Self { text, delimiter, size, rest: head, at: 0, line: 1, ended: false }
    }

    /// Returns the next piece; none at the end.
    ///
    /// # Errors
    /// Fails as the text does.
    pub(crate) fn next(&mut self) -> io::Result<Option<Piece>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut wanted = self.size.max(1);
        loop {
            while bytes.len() < wanted && !self.ended {
                self.ended = !self.text.more(&mut bytes)?;
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let mut rows: Vec<Row> = Rows::from_line(&bytes, self.delimiter, self.line).collect();
            // The last row may go on in what was not read yet.
            let last = if self.ended { None } else { rows.pop() };
            if rows.is_empty() {
                wanted = bytes.len() * 2;
                continue;
            }
            let at = self.at;
            if let Some(last) = last {
                self.rest = bytes.get(last.start..).unwrap_or_default().to_vec();
                bytes.truncate(last.start);
                self.line = last.line();
            }
            self.at += bytes.len() as u64;
            return Ok(Some(Piece { at, bytes, rows }));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stream::Held;
    use crate::stream::tests::Crumbs;

    proptest! {
        #[test]
        fn pieces_of_any_size_have_the_same_rows(text in "[ab,\"\n\r]{0,60}", block in 1..20_usize, size in 1..40_usize) {
            let text = text.as_bytes();
            let whole: Vec<_> = Rows::new(text, b',').map(|row| (row.start as u64, row.next() as u64, row.line(), row.shape)).collect();
            let mut pieces = Pieces::new(Vec::new(), Crumbs(text, block), b',', size);
            let (mut rows, mut bytes) = (Vec::new(), Vec::new());
            while let Some(piece) = pieces.next().unwrap() {
                prop_assert_eq!(piece.at, bytes.len() as u64);
                rows.extend(piece.rows.iter().map(|row| (piece.start(*row), piece.next(*row), row.line(), row.shape)));
                bytes.extend(piece.bytes);
            }
            prop_assert_eq!(rows, whole);
            prop_assert_eq!(bytes, text);
        }
    }

    #[test]
    fn what_was_read_before_is_the_beginning() {
        let mut pieces = Pieces::new(b"a\nb".to_vec(), Held(b"c\nd"), b',', 1);
        let texts: Vec<_> = std::iter::from_fn(|| pieces.next().unwrap()).map(|piece| piece.bytes).collect();
        assert_eq!(texts, [&b"a\n"[..], b"bc\n", b"d"]);
    }
}
