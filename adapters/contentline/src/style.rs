//! How a file is written: its line endings and its folds, so that new lines look like the old ones.

use crate::head;
use crate::line::{Line, lines};
use crate::transport::Transfer;
use memchr::memchr;
use std::ops::RangeInclusive;

/// How many lines are looked at; a file is written by one program, in one way.
const SAMPLE: usize = 4096;
/// Widths that a program can have meant; others come from lines that were short anyway.
const WIDTHS: RangeInclusive<usize> = 40..=80;
const WIDTH: usize = 75;

/// The way in which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// What ends a physical line.
    pub ending: &'static str,
    /// The blank that a folded line goes on with; `None` where lines are not folded.
    pub fold: Option<u8>,
    /// The greatest number of bytes in a physical line, without its ending; at least 20.
    pub width: usize,
    /// Whether quoted-printable is broken by soft breaks.
    pub soft: bool,
}

impl Default for Style {
    /// Returns the style that the RFCs ask for: CRLF, folded with a space at 75 bytes.
    fn default() -> Self {
        Self { ending: "\r\n", fold: Some(b' '), width: WIDTH, soft: true }
    }
}

impl Style {
    /// Sees how a file, or a component cut out of one, is written; what it does not show is as in the RFCs.
    ///
    /// A file that has long lines and never folds is not folded on writing either.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut seen = Seen::default();
        for line in lines(bytes).take(SAMPLE) {
            seen.take(bytes, &line);
        }
        seen.style()
    }

    /// Returns this style with the line ending of an old line, which a new one takes the place of.
    #[must_use]
    pub fn ending_like(self, bytes: &[u8], line: &Line) -> Self {
        Self { ending: known_ending(line.ending(bytes)).unwrap_or(self.ending), ..self }
    }
}

#[derive(Default)]
struct Seen {
    ending: Option<&'static str>,
    fold: Option<u8>,
    width: usize,
    long: bool,
    long_quoted: bool,
}

impl Seen {
    fn take(&mut self, bytes: &[u8], line: &Line) {
        self.ending = self.ending.or_else(|| known_ending(line.ending(bytes)));
        let raw = line.raw(bytes);
        if line.folded {
            self.take_folded(raw);
        } else if raw.len() > *WIDTHS.end() {
            match head::colon(raw).and_then(|colon| raw.get(..colon)).map(head::transfer) {
                Some(Transfer::QuotedPrintable) => self.long_quoted = true,
                Some(Transfer::Plain | Transfer::Base64) | None => self.long = true,
            }
        }
    }

    fn take_folded(&mut self, raw: &[u8]) {
        let terminator = if memchr(b'\n', raw).is_some() { b'\n' } else { b'\r' };
        let Some(first) = memchr(terminator, raw) else { return };
        let Some(blank @ (b' ' | b'\t')) = raw.get(first + 1).copied() else { return };
        let text = raw.get(..first).unwrap_or_default();
        self.fold.get_or_insert(blank);
        self.width = self.width.max(text.trim_ascii_end().len());
    }

    fn style(self) -> Style {
        let plain = Style::default();
        Style {
            ending: self.ending.unwrap_or(plain.ending),
            fold: if self.long { self.fold } else { self.fold.or(plain.fold) },
            width: if WIDTHS.contains(&self.width) { self.width } else { plain.width },
            soft: !self.long_quoted,
        }
    }
}

fn known_ending(ending: &[u8]) -> Option<&'static str> {
    ["\n", "\r\n", "\r", "\r\r\n"].into_iter().find(|known| known.as_bytes() == ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_decides_ending_fold_and_width() {
        let line = format!("NOTE:{}\n\t{}\n", "a".repeat(65), "b".repeat(69));
        let style = Style { ending: "\n", fold: Some(b'\t'), width: 70, soft: true };
        assert_eq!(Style::of(line.as_bytes()), style);
        assert_eq!(Style::of(b"A:1\r\r\nB:2\r\r\n").ending, "\r\r\n");
        assert_eq!(Style::of(b"A:1\rB:2\r").ending, "\r");
        assert_eq!(Style::of(b""), Style::default());
    }

    #[test]
    fn a_file_with_long_lines_that_never_folds_is_not_folded() {
        let long = format!("NOTE:{}\n", "a".repeat(100));
        assert_eq!(Style::of(long.as_bytes()).fold, None);
        let quoted = format!("NOTE;ENCODING=QUOTED-PRINTABLE:{}\n", "a".repeat(100));
        let style = Style::of(quoted.as_bytes());
        assert_eq!((style.fold, style.soft), (Some(b' '), false));
    }

    #[test]
    fn a_fold_behind_a_short_head_says_nothing_about_the_width() {
        assert_eq!(Style::of(b"PHOTO;ENCODING=BASE64:\r\n AAAA\r\n").width, WIDTH);
    }
}
