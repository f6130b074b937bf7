//! The text of a configuration file, and where in it something stands.

use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

/// A range of bytes of a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// A value and the place it was written at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where it was written; for a default, the table that it is a default of.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A place as an editor shows it: both numbers count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// A configuration file's name and text.
#[derive(Clone, Debug)]
pub struct Source {
    file: PathBuf,
    text: String,
    lines: Vec<usize>,
}

impl Source {
    /// Takes the text of `file`; linear in the text.
    #[must_use]
    pub fn new(file: &Path, text: &str) -> Self {
        let mut lines = vec![if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }];
        lines.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { file: file.to_owned(), text: text.to_owned(), lines }
    }

    /// Returns the file's name as it was given.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what stands at `span`, or nothing if it is not within the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Returns the line and the column at which `span` begins.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        let (line, start) = self.line_at(span.start);
        let column = self.text.get(start..self.boundary(span.start)).unwrap_or_default().chars().count() + 1;
        Location { line, column }
    }

    /// Returns the line at which `span` begins, counting from 1.
    pub(crate) fn line_number(&self, span: Span) -> usize {
        self.line_at(span.start).0
    }

    /// Returns the text of the line that `span` begins in, without its line ending.
    pub(crate) fn line(&self, span: Span) -> &str {
        let (line, start) = self.line_at(span.start);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// Returns the number of characters of `span` in the line it begins in, at least one.
    pub(crate) fn width(&self, span: Span) -> usize {
        let covered = self.text.get(self.boundary(span.start)..self.boundary(span.end)).unwrap_or_default();
        covered.lines().next().unwrap_or_default().chars().count().max(1)
    }

    fn line_at(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        (line, self.lines.get(line - 1).copied().unwrap_or_default())
    }

    fn boundary(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, Source, Span};
    use std::path::Path;

    fn at(text: &str, start: usize) -> (usize, usize) {
        let Location { line, column } = Source::new(Path::new("x"), text).location(Span { start, end: start });
        (line, column)
    }

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        assert_eq!(at("ä = 1\nb", 0), (1, 1));
        assert_eq!(at("ä = 1\nb", 3), (1, 3));
        assert_eq!(at("ä = 1\nb", 7), (2, 1));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        assert_eq!(at("\u{feff}a = 1", 3), (1, 1));
        assert_eq!(at("\u{feff}a = 1", 0), (1, 1));
    }

    #[test]
    fn an_offset_outside_or_within_a_character_still_has_a_place() {
        assert_eq!(at("ä", 1), (1, 1));
        assert_eq!(at("ä\n", 99), (2, 1));
        assert_eq!(at("", 0), (1, 1));
    }

    #[test]
    fn a_line_ends_before_its_ending() {
        let source = Source::new(Path::new("x"), "one\r\ntwo");
        assert_eq!(source.line(Span { start: 1, end: 2 }), "one");
        assert_eq!(source.line(Span { start: 5, end: 6 }), "two");
        assert_eq!(source.width(Span { start: 1, end: 8 }), 2);
    }
}
