//! Bytes that come block by block, so that no file has to be held whole: read, edited, handed on.

use std::io::{self, Read};
use std::ops::Range;
use std::slice;

/// How many bytes are read at once.
pub(crate) const BLOCK: usize = 256 * 1024;

/// Bytes in order, block by block.
pub(crate) trait Stream {
    /// Appends the next bytes, which may be none yet; false at the end.
    ///
    /// # Errors
    /// Fails as reading a file does; with [`io::ErrorKind::InvalidData`] if the bytes cannot be what they should be.
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool>;
}

/// Any stream.
pub(crate) type AnyStream<'s> = Box<dyn Stream + Send + 's>;

impl Stream for AnyStream<'_> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        (**self).more(to)
    }
}

/// Bytes that are held in memory.
#[derive(Debug)]
pub(crate) struct Held<'b>(pub(crate) &'b [u8]);

impl Stream for Held<'_> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let (block, rest) = self.0.split_at(self.0.len().min(BLOCK));
        to.extend_from_slice(block);
        self.0 = rest;
        Ok(!block.is_empty())
    }
}

/// Bytes that take the place of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The span in the old text; an empty one inserts.
    pub(crate) span: Range<u64>,
    /// What stands there afterwards.
    pub(crate) bytes: Vec<u8>,
}

/// A stream with spans replaced, everything else byte for byte.
pub(crate) struct Spliced<'e, S> {
    old: S,
    edits: slice::Iter<'e, Edit>,
    /// How much of the old stream was read.
    read: u64,
    /// Up to where the old stream was copied or left out.
    done: u64,
    block: Vec<u8>,
}

impl<'e, S> Spliced<'e, S> {
    /// Makes the edits, which are in order and do not overlap.
    pub(crate) fn new(old: S, edits: &'e [Edit]) -> Self {
        Self { old, edits: edits.iter(), read: 0, done: 0, block: Vec::new() }
    }

    /// Copies what was read up to `end`.
    fn copy(&mut self, end: u64, to: &mut Vec<u8>) {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.read)).unwrap_or(usize::MAX).min(self.block.len());
        to.extend_from_slice(self.block.get(place(self.done)..place(end)).unwrap_or_default());
        self.done = self.done.max(end);
    }
}

impl<S: Stream> Stream for Spliced<'_, S> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        self.block.clear();
        let more = self.old.more(&mut self.block)?;
        let end = if more { self.read + self.block.len() as u64 } else { u64::MAX };
        let mut any = more;
        while let Some(edit) = self.edits.as_slice().first().filter(|edit| edit.span.start < end) {
            self.copy(edit.span.start, to);
            to.extend_from_slice(&edit.bytes);
            self.done = self.done.max(edit.span.end);
            self.edits.next();
            any = true;
        }
        if more {
            self.copy(end, to);
            self.read = end;
        }
        Ok(any)
    }
}

/// A stream as a reader.
pub(crate) struct Reading<S> {
    stream: S,
    block: Vec<u8>,
    at: usize,
}

impl<S> Reading<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, block: Vec::new(), at: 0 }
    }
}

impl<S: Stream> Read for Reading<S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.block.len() {
            self.block.clear();
            self.at = 0;
            if !self.stream.more(&mut self.block)? {
                return Ok(0);
            }
        }
        let mut rest = self.block.get(self.at..).unwrap_or_default();
        let read = rest.read(to)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream that comes in blocks of a few bytes.
    pub(crate) struct Crumbs<'b>(pub(crate) &'b [u8], pub(crate) usize);

    impl Stream for Crumbs<'_> {
        fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
            let (block, rest) = self.0.split_at(self.0.len().min(self.1));
            to.extend_from_slice(block);
            self.0 = rest;
            Ok(!block.is_empty())
        }
    }

    pub(crate) fn all(mut stream: impl Stream) -> Vec<u8> {
        let mut bytes = Vec::new();
        while stream.more(&mut bytes).unwrap() {}
        bytes
    }

    fn edit(span: Range<u64>, bytes: &str) -> Edit {
        Edit { span, bytes: bytes.as_bytes().to_vec() }
    }

    #[test]
    fn spans_are_replaced_and_the_rest_stays() {
        let edits = [edit(1..2, "BB"), edit(3..5, ""), edit(6..6, "!")];
        for size in 1..8 {
            assert_eq!(all(Spliced::new(Crumbs(b"abcdef", size), &edits)), b"aBBcf!");
            let mut text = String::new();
            Reading::new(Spliced::new(Crumbs(b"abcdef", size), &edits)).read_to_string(&mut text).unwrap();
            assert_eq!(text, "aBBcf!");
        }
        assert_eq!(all(Spliced::new(Held(b""), &[edit(0..0, "x")])), b"x");
    }

    proptest! {
        #[test]
        fn blocks_of_any_size_give_the_same(text in "[a-z]{0,20}", cuts in proptest::collection::vec((0..4_usize, 0..4_usize, "[A-Z]{0,3}"), 0..5), size in 1..25_usize) {
            let (mut edits, mut expected, mut at) = (Vec::new(), String::new(), 0);
            for (gap, length, bytes) in cuts {
                let start = (at + gap).min(text.len());
                let end = (start + length).min(text.len());
                expected.push_str(&text[at..start]);
                expected.push_str(&bytes);
                edits.push(edit(start as u64..end as u64, &bytes));
                at = end;
            }
            expected.push_str(&text[at..]);
            prop_assert_eq!(all(Spliced::new(Crumbs(text.as_bytes(), size), &edits)), expected.as_bytes());
        }
    }
}
