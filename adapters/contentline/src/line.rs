//! Logical lines with their byte spans: every byte behind the byte order mark belongs to exactly one.

use crate::head;
use crate::transport::Transfer;
use memchr::memchr;

/// One logical line: one or more physical lines that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where its first byte stands.
    pub start: usize,
    /// Where its last line ending begins.
    pub body: usize,
    /// Where the next line starts.
    pub end: usize,
    /// Whether it spans more than one physical line.
    pub folded: bool,
}

impl Line {
    /// Returns the bytes of the line as they stand, without its last line ending.
    #[must_use]
    pub fn raw<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.body).unwrap_or_default()
    }

    /// Returns the line ending; empty where the file ends without one.
    #[must_use]
    pub fn ending<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.body..self.end).unwrap_or_default()
    }
}

/// Returns how many bytes the UTF-8 byte order mark takes: 3 or 0.
#[must_use]
pub fn mark_length(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Returns the byte that ends physical lines.
///
/// A bare CR ends a line only in a file that has no LF at all (old exports); elsewhere it is text.
#[must_use]
pub fn terminator(bytes: &[u8]) -> u8 {
    if memchr(b'\n', bytes).is_none() && memchr(b'\r', bytes).is_some() { b'\r' } else { b'\n' }
}

/// Returns the logical lines of any bytes; linear, and nothing is refused.
///
/// A line goes on over a physical line that begins with a blank (RFC 6350 §3.2), over a soft break in
/// quoted-printable, and over unindented base64 (vCard 2.1).
#[must_use]
pub fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines { bytes, at: mark_length(bytes), terminator: terminator(bytes), number: 0, passed: 0 }
}

/// The logical lines of a file, in order.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    terminator: u8,
    number: usize,
    passed: usize,
}

impl Lines<'_> {
    /// Returns the number of the physical line, from 1, where the last returned line starts.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns where the text and the whole of the physical line at `start` end.
    fn physical(&self, start: usize) -> (usize, usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let (mut text, length) = match memchr(self.terminator, rest) {
            Some(place) => (place, place + 1),
            None => (rest.len(), rest.len()),
        };
        if self.terminator == b'\n' {
            while text > 0 && rest.get(text - 1) == Some(&b'\r') {
                text -= 1;
            }
        }
        (start + text, start + length)
    }

    /// Tells whether the physical line at `end` belongs to the logical line `start..body`.
    fn continues(&self, line: Line, transfer: &mut Option<Transfer>) -> bool {
        match self.bytes.get(line.end) {
            None => return false,
            Some(b' ' | b'\t') => return true,
            Some(_) => {}
        }
        let raw = line.raw(self.bytes);
        let (soft, bare) = (raw.last() == Some(&b'='), !self.has_colon(line.end));
        // Nearly every line ends here, before its head is looked at.
        if !soft && !bare {
            return false;
        }
        match transfer.get_or_insert_with(|| transfer_of(raw)) {
            Transfer::Plain => false,
            Transfer::QuotedPrintable => soft,
            Transfer::Base64 => {
                let (body, _) = self.physical(line.end);
                bare && !self.bytes.get(line.end..body).unwrap_or_default().trim_ascii().is_empty()
            }
        }
    }

    /// Tells whether a colon stands in the physical line at `start`.
    fn has_colon(&self, start: usize) -> bool {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.iter().find(|byte| **byte == b':' || **byte == self.terminator) == Some(&b':')
    }
}

/// Returns the encoding that the head of a line names, however the head itself is folded.
fn transfer_of(raw: &[u8]) -> Transfer {
    let head = head::colon(raw).and_then(|colon| raw.get(..colon)).unwrap_or(raw);
    if memchr(b';', head).is_none() {
        return Transfer::Plain;
    }
    let joined: Vec<u8>;
    let head = if memchr::memchr2(b'\n', b'\r', head).is_some() {
        joined = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        joined.as_slice()
    } else {
        head
    };
    head::transfer(head)
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let (body, end) = self.physical(self.at);
        let mut line = Line { start: self.at, body, end, folded: false };
        let mut transfer = None;
        self.number = self.passed + 1;
        self.passed += 1;
        while self.continues(line, &mut transfer) {
            (line.body, line.end) = self.physical(line.end);
            line.folded = true;
            self.passed += 1;
        }
        self.at = line.end;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<&[u8]> {
        lines(bytes).map(|line| line.raw(bytes)).collect()
    }

    #[test]
    fn an_indented_line_continues_the_line_before_it() {
        assert_eq!(texts(b"A:1\r\n 2\r\n\t3\r\nB:4\r\n"), [&b"A:1\r\n 2\r\n\t3"[..], b"B:4"]);
    }

    #[test]
    fn a_bare_cr_ends_a_line_only_where_there_is_no_lf() {
        assert_eq!(texts(b"A:1\rB:2\r"), [&b"A:1"[..], b"B:2"]);
        assert_eq!(texts(b"A:1\rB:2\n"), [&b"A:1\rB:2"[..]]);
    }

    #[test]
    fn two_cr_and_a_lf_are_one_ending() {
        let bytes = b"A:1\r\r\nB:2\r\r\n";
        assert_eq!(texts(bytes), [&b"A:1"[..], b"B:2"]);
        assert_eq!(lines(bytes).next().unwrap().ending(bytes), b"\r\r\n");
    }

    #[test]
    fn a_soft_break_continues_a_quoted_printable_line_only() {
        let quoted = b"NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nb\r\nTEL:1\r\n";
        assert_eq!(texts(quoted).len(), 2);
        assert_eq!(texts(b"URL:http://x?a=\r\nb:1\r\n").len(), 2);
        assert_eq!(texts(b"NOTE;QUOTED-PRINTABLE:a=\nb=\nc\nTEL:1\n").len(), 2);
    }

    #[test]
    fn a_head_folded_within_its_encoding_is_still_quoted_printable() {
        assert_eq!(texts(b"NOTE;ENCODING=QUOTED-\r\n PRINTABLE:a=\r\nb\r\nTEL:1\r\n").len(), 2);
        assert_eq!(texts(b"NOTE;ENCODING=QUOTED-PRINTABLE;X=\r\nY:b\r\nTEL:1\r\n").len(), 2);
    }

    #[test]
    fn unindented_base64_goes_on_to_a_blank_line_or_a_colon() {
        let blank = b"PHOTO;ENCODING=BASE64:AA\nBB\nCC\n\nTEL:1\n";
        assert_eq!(texts(blank), [&b"PHOTO;ENCODING=BASE64:AA\nBB\nCC"[..], b"", b"TEL:1"]);
        assert_eq!(texts(b"PHOTO;BASE64:AA\nBB\nTEL:1\n").len(), 2);
        assert_eq!(texts(b"PHOTO;ENCODING=b:AA\nBB\nTEL:1\n").len(), 2);
    }

    #[test]
    fn numbers_are_those_of_physical_lines() {
        let mut all = lines(b"A:1\n 2\nB:3\n\nC:4");
        let mut numbers = Vec::new();
        while all.next().is_some() {
            numbers.push(all.number());
        }
        assert_eq!(numbers, [1, 3, 4, 5]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(texts(b"\xef\xbb\xbfA:1\n"), [&b"A:1"[..]]);
    }
}
