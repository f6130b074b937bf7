//! The outline of a file: its BEGIN and END lines, and the lines of one property, found without reading the others.

use crate::line::{Line, mark_length, terminator};
use crate::unfold::unfold;
use memchr::memchr;
use std::borrow::Cow;

/// No component of any format has a longer name; a longer one is text.
const LONGEST_NAME: usize = 64;

/// One line of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// The whole logical line.
    pub line: Line,
    /// What it is.
    pub what: What<'a>,
}

/// What a line of an outline is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// Opens a component of this name, in any case.
    Begin(Cow<'a, [u8]>),
    /// Closes a component of this name, in any case.
    End(Cow<'a, [u8]>),
    /// A line of the property that was asked for.
    Property,
}

/// Returns the outline of any bytes with the lines of `property`, in linear time.
///
/// Only folds are known here: a BEGIN or END in the soft-broken part of a quoted-printable value counts as one, and
/// [`crate::document::Document::read`] then refuses what it cuts in two.
#[must_use]
pub fn outline<'a>(bytes: &'a [u8], property: &'static str) -> Outline<'a> {
    let first = property.bytes().next().unwrap_or(0).to_ascii_lowercase();
    Outline { bytes, property, first, next: Some(mark_length(bytes)), start: true, terminator: terminator(bytes) }
}

/// The outline of a file, in order.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    bytes: &'a [u8],
    property: &'static str,
    first: u8,
    next: Option<usize>,
    start: bool,
    terminator: u8,
}

impl<'a> Outline<'a> {
    /// Returns the start of the next physical line behind `from`.
    fn after(&self, from: usize) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        let next = from + memchr(self.terminator, rest)? + 1;
        (next < self.bytes.len()).then_some(next)
    }

    /// Returns the logical line at `start`; folds alone continue it.
    fn logical(&self, start: usize) -> Line {
        let (mut end, mut folded) = (self.after(start).unwrap_or(self.bytes.len()), false);
        while matches!(self.bytes.get(end), Some(b' ' | b'\t')) {
            (end, folded) = (self.after(end).unwrap_or(self.bytes.len()), true);
        }
        let whole = self.bytes.get(start..end).unwrap_or_default();
        let text = whole.strip_suffix(&[self.terminator]).unwrap_or(whole);
        let kept = if self.terminator == b'\n' { text.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1) } else { text.len() };
        Line { start, body: start + kept, end, folded }
    }

    fn post(&self, start: usize) -> Option<Post<'a>> {
        let line = self.logical(start);
        let raw = line.raw(self.bytes);
        let text = if line.folded { Cow::Owned(unfold(raw)) } else { Cow::Borrowed(raw) };
        let what = match text {
            Cow::Borrowed(text) => self.what(text)?,
            Cow::Owned(text) => match self.what(&text)? {
                What::Begin(name) => What::Begin(Cow::Owned(name.into_owned())),
                What::End(name) => What::End(Cow::Owned(name.into_owned())),
                What::Property => What::Property,
            },
        };
        Some(Post { line, what })
    }

    fn what<'t>(&self, text: &'t [u8]) -> Option<What<'t>> {
        let text = text.trim_ascii_start();
        let begin = || component(text, b"BEGIN:").map(What::Begin);
        let end = || component(text, b"END:").map(What::End);
        begin().or_else(end).or_else(|| self.is_property(text).then_some(What::Property))
    }

    fn is_property(&self, text: &[u8]) -> bool {
        let named = text.get(..self.property.len()).is_some_and(|name| name.eq_ignore_ascii_case(self.property.as_bytes()));
        named && matches!(text.get(self.property.len()), Some(b':' | b';'))
    }
}

fn component<'t>(text: &'t [u8], keyword: &[u8]) -> Option<Cow<'t, [u8]>> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    let name = rest.trim_ascii();
    (start.eq_ignore_ascii_case(keyword) && !name.is_empty() && name.len() <= LONGEST_NAME).then_some(Cow::Borrowed(name))
}

impl<'a> Iterator for Outline<'a> {
    type Item = Post<'a>;

    fn next(&mut self) -> Option<Post<'a>> {
        while let Some(start) = self.next {
            let byte = self.bytes.get(start)?.to_ascii_lowercase();
            // A blank begins a line only at the very start; elsewhere it goes on with the line before.
            let telling = byte == b'b' || byte == b'e' || byte == self.first || (self.start && byte.is_ascii_whitespace());
            self.start = false;
            self.next = self.after(start);
            if telling && let Some(post) = self.post(start) {
                return Some(post);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let of = |post: Post<'_>| match post.what {
            What::Begin(name) => format!("+{}", String::from_utf8_lossy(&name)),
            What::End(name) => format!("-{}", String::from_utf8_lossy(&name)),
            What::Property => text[post.line.start..post.line.body].to_owned(),
        };
        outline(text.as_bytes(), "UID").map(of).collect()
    }

    #[test]
    fn begins_ends_and_the_property_are_found_in_any_case() {
        assert_eq!(found("BEGIN:A\r\nUID:1\r\nX:BEGIN:B\r\nuid;p=q:2\r\nUIDS:3\r\nend:a\r\n"), ["+A", "UID:1", "uid;p=q:2", "-a"]);
    }

    #[test]
    fn a_folded_line_is_read_whole_and_a_continuation_is_none() {
        assert_eq!(found("BEGIN:VEV\n ENT\nX:\n BEGIN:B\nUID:1\n 2\nE\n ND:VEVENT"), ["+VEVENT", "UID:1\n 2", "-VEVENT"]);
        assert_eq!(found(" BEGIN:A\nEND:A"), ["+A", "-A"]);
    }

    #[test]
    fn bare_cr_ends_lines_where_there_is_no_lf() {
        assert_eq!(found("BEGIN:A\rUID:1\rEND:A\r"), ["+A", "UID:1", "-A"]);
        assert_eq!(found("\u{feff}BEGIN:A\r\r\nEND:A"), ["+A", "-A"]);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert!(found("").is_empty() && found("\r\n").is_empty() && found("E").is_empty());
    }
}
