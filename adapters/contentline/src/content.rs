//! One content line: group, name, parameters and value, each still as it was written.

use crate::charset::{self, Charset};
use crate::head;
use crate::line::Line;
use crate::transport::{self, Transfer};
use crate::unfold::unfold;
use memchr::{memchr, memchr_iter, memchr2};
use std::borrow::Cow;
use std::ops::Range;

/// One unfolded content line: `[group "."] name *(";" parameter) ":" value`.
///
/// Nothing is refused: a line without a colon has an empty name and is all value.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    text: Cow<'a, [u8]>,
    group: Range<usize>,
    name: Range<usize>,
    parameters: Vec<Spans>,
    colon: Option<usize>,
    transfer: Transfer,
    charset: Option<Charset>,
}

#[derive(Clone, Debug)]
struct Spans {
    name: Range<usize>,
    value: Range<usize>,
}

/// One parameter, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'c> {
    /// The name; empty for the bare values of vCard 2.1 (`TEL;HOME:`).
    pub name: Cow<'c, str>,
    /// The raw value, with quotes and escapes ([`crate::parameter`] reads it).
    pub value: Cow<'c, str>,
}

impl<'a> Content<'a> {
    /// Reads a logical line of a file.
    #[must_use]
    pub fn of(bytes: &'a [u8], line: &Line) -> Self {
        let raw = line.raw(bytes);
        Self::parse(if line.folded { Cow::Owned(unfold(raw)) } else { Cow::Borrowed(raw) })
    }

    /// Reads an unfolded line.
    #[must_use]
    pub fn parse(text: Cow<'a, [u8]>) -> Self {
        let bytes = text.as_ref();
        if let Some(colon) = head::bare(bytes) {
            let (group, name) = names(bytes, 0..colon);
            return Self { group, name, parameters: Vec::new(), colon: Some(colon), transfer: Transfer::Plain, charset: None, text };
        }
        let colon = head::colon(bytes);
        let head = bytes.get(..colon.unwrap_or(0)).unwrap_or_default();
        let mut tokens = Tokens::of(head);
        let (group, name) = names(head, tokens.next().unwrap_or(0..0));
        let parameters: Vec<Spans> = tokens.filter_map(|token| spans(head, token)).collect();
        let charset = parameters
            .iter()
            .find(|spans| slice(head, &spans.name).eq_ignore_ascii_case(b"CHARSET"))
            .and_then(|spans| Charset::named(slice(head, &spans.value)));
        let transfer = if parameters.is_empty() { Transfer::Plain } else { head::transfer(head) };
        Self { group, name, parameters, colon, transfer, charset, text }
    }

    /// Returns the group before the dot, as in `item1.TEL`.
    #[must_use]
    pub fn group(&self) -> Option<Cow<'_, str>> {
        (!self.group.is_empty()).then(|| self.decoded(&self.group))
    }

    /// Returns the name of the property, as it was written.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        self.decoded(&self.name)
    }

    /// Returns the name of the property as it was written, in the bytes of the line.
    #[must_use]
    pub fn raw_name(&self) -> &[u8] {
        slice(&self.text, &self.name)
    }

    /// Tells whether nothing but blanks stands in the line.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.trim_ascii().is_empty()
    }

    /// Returns how many parameters there are.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// Tells whether the property has this name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        slice(&self.text, &self.name).eq_ignore_ascii_case(name.as_bytes())
    }

    /// Returns the parameters in the order in which they stand.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        self.parameters.iter().map(|spans| Parameter { name: self.decoded(&spans.name), value: self.decoded(&spans.value) })
    }

    /// Returns the raw value of the first parameter with this name, in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let named = |spans: &&Spans| slice(&self.text, &spans.name).eq_ignore_ascii_case(name.as_bytes());
        self.parameters.iter().find(named).map(|spans| self.decoded(&spans.value))
    }

    /// Tells whether a colon ends the head; a line without one is no property.
    #[must_use]
    pub fn is_property(&self) -> bool {
        self.colon.is_some() && !self.name.is_empty()
    }

    /// Returns all before the colon as it was written, unfolded: an edit of the value keeps it.
    #[must_use]
    pub fn raw_head(&self) -> &[u8] {
        slice(&self.text, &(0..self.colon.unwrap_or(0)))
    }

    /// Returns all behind the colon as it was written, unfolded: an edit of the head keeps it.
    #[must_use]
    pub fn raw_value(&self) -> &[u8] {
        slice(&self.text, &(self.colon.map_or(0, |colon| colon + 1)..self.text.len()))
    }

    /// Returns the whole line, unfolded, in its own charset, with its transfer encoding and escapes.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        charset::decode(&self.text, self.charset)
    }

    /// Returns how the value is encoded.
    #[must_use]
    pub fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Returns the charset that the line names, if it is one that can be read.
    #[must_use]
    pub fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// Returns the charset to write a changed value in; `file` is that of the file's other lines.
    #[must_use]
    pub fn charset_to_write(&self, file: Charset) -> Charset {
        Charset::to_write(&self.transported(), self.charset, file)
    }

    /// Returns the value as text: quoted-printable and charset decoded, escapes as they stand.
    ///
    /// Line breaks within quoted-printable are LF here; base64 stays base64 ([`Content::bytes`] decodes it).
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        match self.transported() {
            Cow::Borrowed(bytes) => charset::decode(bytes, self.charset),
            Cow::Owned(bytes) => Cow::Owned(charset::decode(&bytes, self.charset).replace("\r\n", "\n")),
        }
    }

    /// Returns the value as [`Content::value`] does, without the line: lent by the file where it stands there as it is.
    #[must_use]
    pub fn into_value(self) -> Cow<'a, str> {
        match self.text {
            Cow::Borrowed(text) if self.transfer == Transfer::Plain => {
                let start = self.colon.map_or(0, |colon| colon + 1);
                charset::decode(text.get(start..).unwrap_or_default(), self.charset)
            }
            Cow::Borrowed(_) | Cow::Owned(_) => Cow::Owned(self.value().into_owned()),
        }
    }

    /// Returns the bytes of a base64 value; `None` where the value is not base64.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        (self.transfer == Transfer::Base64).then(|| transport::decode_base64(self.raw_value())).flatten()
    }

    fn transported(&self) -> Cow<'_, [u8]> {
        match self.transfer {
            Transfer::QuotedPrintable => Cow::Owned(transport::decode_quoted(self.raw_value())),
            Transfer::Plain | Transfer::Base64 => Cow::Borrowed(self.raw_value()),
        }
    }

    fn decoded(&self, range: &Range<usize>) -> Cow<'_, str> {
        charset::decode(slice(&self.text, range), self.charset)
    }
}

/// The pieces of a head between the semicolons; those within quotes do not count.
struct Tokens<'h> {
    head: &'h [u8],
    at: Option<usize>,
    /// Whether quotes protect anything: an unbalanced one does not.
    quotes: bool,
}

impl<'h> Tokens<'h> {
    fn of(head: &'h [u8]) -> Self {
        let count = memchr_iter(b'"', head).count();
        Self { head, at: Some(0), quotes: count > 0 && count.is_multiple_of(2) }
    }

    /// Returns where the piece that begins at `start` ends.
    fn end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            let rest = self.head.get(at..).unwrap_or_default();
            let found = if self.quotes { memchr2(b';', b'"', rest) } else { memchr(b';', rest) };
            let Some(place) = found else { return self.head.len() };
            if rest.get(place) == Some(&b';') {
                return at + place;
            }
            let quoted = rest.get(place + 1..).unwrap_or_default();
            at += place + 1 + memchr(b'"', quoted).map_or(quoted.len(), |close| close + 1);
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at?;
        let end = self.end(start);
        self.at = (end < self.head.len()).then_some(end + 1);
        Some(start..end)
    }
}

/// Returns the places of the group and of the name in the first token of a head.
fn names(head: &[u8], first: Range<usize>) -> (Range<usize>, Range<usize>) {
    let (group, name) = match slice(head, &first).iter().position(|byte| *byte == b'.') {
        Some(dot) => (first.start..first.start + dot, first.start + dot + 1..first.end),
        None => (0..0, first),
    };
    (trimmed(head, group), trimmed(head, name))
}

fn spans(head: &[u8], token: Range<usize>) -> Option<Spans> {
    let token = trimmed(head, token);
    if token.is_empty() {
        return None;
    }
    Some(match memchr(b'=', slice(head, &token)) {
        Some(place) => {
            Spans { name: trimmed(head, token.start..token.start + place), value: trimmed(head, token.start + place + 1..token.end) }
        }
        None => Spans { name: token.start..token.start, value: token },
    })
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let part = slice(text, &range);
    let start = range.start + (part.len() - part.trim_ascii_start().len());
    start..start + part.trim_ascii().len()
}

fn slice<'t>(text: &'t [u8], range: &Range<usize>) -> &'t [u8] {
    text.get(range.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Content<'_> {
        Content::parse(Cow::Borrowed(text.as_bytes()))
    }

    fn parameters(content: &Content<'_>) -> Vec<(String, String)> {
        content.parameters().map(|one| (one.name.into_owned(), one.value.into_owned())).collect()
    }

    #[test]
    fn a_line_comes_apart_into_group_name_parameters_and_value() {
        let line = parse("item1.TEL;HOME;TYPE=\"work,cell\";PREF=1:+1;x:2");
        assert_eq!(line.group().as_deref(), Some("item1"));
        assert!(line.is("tel"));
        let expected = [("", "HOME"), ("TYPE", "\"work,cell\""), ("PREF", "1")];
        assert_eq!(parameters(&line), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(line.value(), "+1;x:2");
        assert_eq!(line.raw_head(), b"item1.TEL;HOME;TYPE=\"work,cell\";PREF=1");
        assert_eq!(line.parameter("pref").as_deref(), Some("1"));
    }

    #[test]
    fn a_colon_or_semicolon_within_quotes_ends_nothing() {
        let line = parse("X;ALTREP=\"http://a;b\":c");
        assert_eq!(parameters(&line), [("ALTREP".to_owned(), "\"http://a;b\"".to_owned())]);
        assert_eq!(line.value(), "c");
    }

    #[test]
    fn an_unbalanced_quote_is_text() {
        let line = parse("X;CN=\"Ada;Y=1:c");
        assert_eq!(line.value(), "c");
        assert_eq!(line.parameter("Y").as_deref(), Some("1"));
    }

    #[test]
    fn a_line_without_a_colon_is_no_property() {
        let line = parse("just words; here");
        assert!(!line.is_property());
        assert_eq!((line.name(), line.raw_value()), ("".into(), &b"just words; here"[..]));
    }

    #[test]
    fn quoted_printable_is_decoded_in_its_charset() {
        let line = parse("N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Caf=E9=0D=0Ax");
        assert_eq!(line.value(), "Café\nx");
        assert_eq!(line.transfer(), Transfer::QuotedPrintable);
        assert_eq!(line.charset_to_write(Charset::UTF_8), Charset::WINDOWS_1252);
    }

    #[test]
    fn a_value_is_the_same_with_and_without_its_line() {
        for text in ["UID:1", "UID;X=\"a:b\":1:2", "N;ENCODING=QUOTED-PRINTABLE:=C3=A9=0D=0Ax", "PHOTO;ENCODING=b:AAEC", "words"] {
            assert_eq!(parse(text).into_value(), parse(text).value(), "{text}");
        }
    }

    #[test]
    fn base64_gives_its_bytes() {
        assert_eq!(parse("PHOTO;ENCODING=b;TYPE=JPEG:AAEC").bytes(), Some(vec![0, 1, 2]));
        assert_eq!(parse("PHOTO;ENCODING=b:A").bytes(), None);
        assert_eq!(parse("PHOTO:AAEC").bytes(), None);
    }
}
