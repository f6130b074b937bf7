//! Joining the physical lines of a folded line: on bytes, since a fold may cut a character.

use crate::head::{self, HeadSearch};
use crate::transport::Transfer;
use memchr::{memchr, memchr_iter};

/// Joins the pieces of a folded line, as [`crate::line::lines`] put them together.
///
/// A line ending goes with the one blank behind it (RFC 6350 §3.2). A soft break of quoted-printable goes with
/// its `=`, and keeps a space behind it, which is text; unindented base64 is joined as it is.
#[must_use]
pub fn unfold(raw: &[u8]) -> Vec<u8> {
    let terminator = if memchr(b'\n', raw).is_some() { b'\n' } else { b'\r' };
    let mut joined = Vec::with_capacity(raw.len());
    let mut softness = Softness::default();
    let mut start = 0;
    for end in memchr_iter(terminator, raw).chain([raw.len()]) {
        let piece = raw.get(start..end).unwrap_or_default();
        let piece = if terminator == b'\n' && end < raw.len() { without_cr(piece) } else { piece };
        append(&mut joined, piece, start > 0, &mut softness);
        start = end + 1;
    }
    joined
}

fn append(joined: &mut Vec<u8>, piece: &[u8], continued: bool, softness: &mut Softness) {
    let indent = piece.first().copied().filter(|first| continued && matches!(first, b' ' | b'\t'));
    let text = if indent.is_some() { piece.get(1..).unwrap_or_default() } else { piece };
    if continued && joined.last() == Some(&b'=') && softness.at_end_of(joined, indent.is_some()) {
        joined.pop();
        if indent == Some(b' ') {
            joined.push(b' ');
        }
    }
    joined.extend_from_slice(text);
}

fn without_cr(mut piece: &[u8]) -> &[u8] {
    while let Some(rest) = piece.strip_suffix(b"\r") {
        piece = rest;
    }
    piece
}

/// Whether a `=` at the end of a piece is a soft break; each byte is looked at once, however many pieces there are.
#[derive(Default)]
struct Softness {
    search: HeadSearch,
    transfer: Option<Transfer>,
}

impl Softness {
    fn at_end_of(&mut self, joined: &[u8], indented: bool) -> bool {
        self.search.advance(joined);
        let Some(colon) = self.search.colon() else {
            // Within the head an indented line is an ordinary fold, and only a bare one was cut by a soft break.
            return !indented;
        };
        let head = joined.get(..colon).unwrap_or_default();
        *self.transfer.get_or_insert_with(|| head::transfer(head)) == Transfer::QuotedPrintable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_blank_goes_with_the_line_ending() {
        assert_eq!(unfold(b"NOTE:a\r\n  b\r\n\tc"), b"NOTE:a bc");
        assert_eq!(unfold(b"NOTE:a\r\r\n b"), b"NOTE:ab");
        assert_eq!(unfold(b"NOTE:a\r b"), b"NOTE:ab");
    }

    #[test]
    fn a_character_cut_by_a_fold_is_whole_again() {
        assert_eq!(unfold(b"NOTE:\xc3\r\n \xa9"), "NOTE:é".as_bytes());
    }

    #[test]
    fn a_soft_break_goes_with_its_equals_sign() {
        assert_eq!(unfold(b"NOTE;QUOTED-PRINTABLE:a=\r\nb=\r\n c"), b"NOTE;QUOTED-PRINTABLE:ab c");
        assert_eq!(unfold(b"NOTE;QUOTED-PRINTABLE;X=\r\n Y:b"), b"NOTE;QUOTED-PRINTABLE;X=Y:b");
        assert_eq!(unfold(b"NOTE;QUOTED-PRINTABLE;X=\r\nY:b"), b"NOTE;QUOTED-PRINTABLE;XY:b");
    }

    #[test]
    fn an_equals_sign_before_an_ordinary_fold_stays() {
        assert_eq!(unfold(b"URL:http://x?a=\r\n b"), b"URL:http://x?a=b");
    }

    #[test]
    fn a_bare_cr_within_a_line_stays_text() {
        assert_eq!(unfold(b"NOTE:a\rb\n c"), b"NOTE:a\rbc");
    }
}
