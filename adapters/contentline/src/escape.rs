//! Escapes within text values, and splitting at separators that are not escaped.

use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// Which characters a backslash protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// vCard 2.1: the separator only; a line break needs quoted-printable.
    Separator,
    /// vCard 3.0 and 4.0 (RFC 6350 §3.4) and iCalendar (RFC 5545 §3.3.11): `\\ \; \, \n`.
    Text,
}

impl Escaping {
    /// Returns the text that an escaped value stands for; a backslash that begins no escape stays.
    #[must_use]
    pub fn unescape(self, value: &str) -> Cow<'_, str> {
        let Some(first) = memchr(b'\\', value.as_bytes()) else { return Cow::Borrowed(value) };
        if self == Self::Separator {
            return Cow::Owned(value.replace("\\;", ";"));
        }
        let (plain, escaped) = value.split_at(first);
        let mut text = String::with_capacity(value.len());
        text.push_str(plain);
        let mut rest = escaped.chars();
        while let Some(character) = rest.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            match rest.next() {
                Some('n' | 'N') => text.push('\n'),
                // `\:` and `\"` are in no RFC but in many files.
                Some(escaped @ ('\\' | ',' | ';' | ':' | '"')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            }
        }
        Cow::Owned(text)
    }

    /// Escapes a text so that it is one value, one component or one element of a list.
    ///
    /// What the version cannot escape (a line break in 2.1, a bare CR) stays as it is, for
    /// [`crate::fold::fold`] to refuse or for quoted-printable to carry.
    #[must_use]
    pub fn escape(self, text: &str) -> Cow<'_, str> {
        if self == Self::Separator {
            return if text.contains(';') { Cow::Owned(text.replace(';', "\\;")) } else { Cow::Borrowed(text) };
        }
        if !text.contains(['\\', ',', ';', '\n']) {
            return Cow::Borrowed(text);
        }
        let mut value = String::with_capacity(text.len() + 8);
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '\r' if rest.peek() == Some(&'\n') => {}
                '\n' => value.push_str("\\n"),
                '\\' | ',' | ';' => value.extend(['\\', character]),
                other => value.push(other),
            }
        }
        Cow::Owned(value)
    }

    /// Splits a value at each `separator` that no backslash protects; the pieces keep their escapes.
    #[must_use]
    pub fn split(self, value: &str, separator: u8) -> Vec<&str> {
        self.pieces(value, separator).collect()
    }

    /// Iterates over the pieces of a value, as [`Escaping::split`] returns them.
    #[must_use]
    pub fn pieces(self, value: &str, separator: u8) -> Pieces<'_> {
        Pieces { escaping: self, value, separator, start: Some(0) }
    }
}

/// The pieces of a value between separators.
#[derive(Clone, Debug)]
pub struct Pieces<'v> {
    escaping: Escaping,
    value: &'v str,
    separator: u8,
    start: Option<usize>,
}

impl<'v> Iterator for Pieces<'v> {
    type Item = &'v str;

    fn next(&mut self) -> Option<&'v str> {
        let start = self.start?;
        let bytes = self.value.as_bytes();
        let mut at = start;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr2(self.separator, b'\\', rest) else {
                self.start = None;
                return self.value.get(start..);
            };
            at += found;
            if rest.get(found) == Some(&self.separator) {
                self.start = Some(at + 1);
                return self.value.get(start..at);
            }
            let protects = self.escaping == Escaping::Text || bytes.get(at + 1) == Some(&self.separator);
            at += if protects { 2 } else { 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_versions_escape_separators_backslashes_and_line_breaks() {
        assert_eq!(Escaping::Text.escape("a;b,c\\d\ne\r\nf"), "a\\;b\\,c\\\\d\\ne\\nf");
        assert_eq!(Escaping::Text.unescape("a\\;b\\,c\\\\d\\ne\\N\\:\\x\\"), "a;b,c\\d\ne\n:\\x\\");
    }

    #[test]
    fn the_old_version_escapes_the_semicolon_only() {
        assert_eq!(Escaping::Separator.escape("a;b,c\\d"), "a\\;b,c\\d");
        assert_eq!(Escaping::Separator.unescape("a\\;b\\,c\\n"), "a;b\\,c\\n");
    }

    #[test]
    fn an_escaped_separator_separates_nothing() {
        assert_eq!(Escaping::Text.split("a\\;b;c\\\\;d", b';'), ["a\\;b", "c\\\\", "d"]);
        assert_eq!(Escaping::Separator.split("a\\;b;c:\\x;d", b';'), ["a\\;b", "c:\\x", "d"]);
        assert_eq!(Escaping::Text.split("", b';'), [""]);
    }
}
