//! Parameter values: quotes and the circumflex escapes of RFC 6868.

use crate::error::Unwritable;
use std::borrow::Cow;

/// Returns the text of one raw parameter value: quotes taken off, `^n ^' ^^` decoded.
///
/// vCard 2.1 knows no circumflex escapes; there, take [`unquoted`] instead.
#[must_use]
pub fn decode(raw: &str) -> Cow<'_, str> {
    let text = unquoted(raw);
    if !text.contains('^') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '^' {
            decoded.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => decoded.push('\n'),
            Some('\'') => decoded.push('"'),
            Some('^') => decoded.push('^'),
            Some(other) => decoded.extend(['^', other]),
            None => decoded.push('^'),
        }
    }
    Cow::Owned(decoded)
}

/// Returns a raw parameter value without its quotes.
#[must_use]
pub fn unquoted(raw: &str) -> &str {
    let raw = raw.trim();
    raw.strip_prefix('"').map_or(raw, |rest| rest.strip_suffix('"').unwrap_or(rest))
}

/// Splits a raw parameter value at the commas outside quotes; the elements keep their quotes.
#[must_use]
pub fn elements(raw: &str) -> Vec<&str> {
    each(raw).collect()
}

/// Iterates over the elements of a raw parameter value, as [`elements`] returns them.
pub fn each(raw: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    raw.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
}

/// Encodes a text as one raw parameter value (RFC 6868), in quotes where it needs them.
///
/// # Errors
/// Fails with the first control character, for which there is no escape.
pub fn encode(text: &str) -> Result<Cow<'_, str>, Unwritable> {
    let barred = |character: &char| character.is_ascii_control() && !matches!(character, '\n' | '\t');
    if let Some(character) = text.chars().find(barred) {
        return Err(Unwritable::Parameter { character });
    }
    let quotes = text.is_empty() || text.contains([',', ';', ':', ' ', '\t', '=']) || text.trim() != text;
    if !quotes && !text.contains(['^', '\n', '"']) {
        return Ok(Cow::Borrowed(text));
    }
    let escaped = text.replace('^', "^^").replace('\n', "^n").replace('"', "^'");
    Ok(Cow::Owned(if quotes { format!("\"{escaped}\"") } else { escaped }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circumflex_escapes_are_read_from_left_to_right() {
        assert_eq!(decode("\"a^nb^'c^^n^x^\""), "a\nb\"c^n^x^");
        assert_eq!(encode("a\nb\"c^n").unwrap(), "a^nb^'c^^n");
    }

    #[test]
    fn quotes_protect_separators() {
        assert_eq!(elements("work,\"a,b\",c"), ["work", "\"a,b\"", "c"]);
        assert_eq!(encode("a, b").unwrap(), "\"a, b\"");
        assert_eq!(encode("plain").unwrap(), "plain");
    }

    #[test]
    fn a_control_character_is_refused() {
        assert_eq!(encode("a\rb"), Err(Unwritable::Parameter { character: '\r' }));
    }
}
