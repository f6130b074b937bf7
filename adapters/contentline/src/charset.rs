//! The character set of a line: UTF-8 where its bytes are UTF-8, else what CHARSET says, else windows-1252.

use crate::error::Unwritable;
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// A character set that a content line can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(UTF_8);
    /// Windows-1252, of which ISO 8859-1 and ASCII are parts.
    pub const WINDOWS_1252: Self = Self(WINDOWS_1252);

    /// Reads the value of a CHARSET parameter; `None` for a set that a content line cannot be written in.
    #[must_use]
    pub fn named(label: &[u8]) -> Option<Self> {
        let label = label.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(label);
        let encoding = Encoding::for_label(label)?;
        (encoding.is_ascii_compatible() || encoding == ISO_2022_JP).then_some(Self(encoding))
    }

    /// Returns the set that `bytes` are written in, where CHARSET says `declared`.
    ///
    /// Many writers name a set and write another, so bytes that are UTF-8 are read as UTF-8.
    #[must_use]
    pub fn of(bytes: &[u8], declared: Option<Self>) -> Self {
        match declared {
            // Seven-bit throughout, and so always good UTF-8 too.
            Some(Self(encoding)) if encoding == ISO_2022_JP && bytes.contains(&0x1b) => {}
            _ if std::str::from_utf8(bytes).is_ok() => return Self::UTF_8,
            _ => {}
        }
        match declared {
            Some(charset) if charset != Self::UTF_8 && charset.reads(bytes) => charset,
            _ => Self::WINDOWS_1252,
        }
    }

    /// Returns the set to write a changed value in.
    ///
    /// `old` are the bytes of the value before (transport decoded), `file` the set of the file's other lines.
    /// Plain ASCII says nothing, so CHARSET decides, and without it the file.
    #[must_use]
    pub fn to_write(old: &[u8], declared: Option<Self>, file: Self) -> Self {
        if old.is_ascii() && !old.contains(&0x1b) { declared.unwrap_or(file) } else { Self::of(old, declared) }
    }

    /// Returns the name to put into a CHARSET parameter.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Decodes bytes of this set; bytes that it lacks become U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// Encodes a text so that [`Charset::of`] reads it back as this set and the same text.
    ///
    /// # Errors
    /// Fails with the first character that the set lacks, or where the bytes would be taken for UTF-8.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, Unwritable> {
        let (bytes, _, lacking) = self.0.encode(text);
        if lacking {
            let lacks = |character: &char| self.0.encode(character.encode_utf8(&mut [0; 4])).2;
            let character = text.chars().find(lacks).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Err(Unwritable::Charset { character, charset: self.name() });
        }
        if self != Self::UTF_8 && Self::of(&bytes, Some(self)).decode(&bytes) != text {
            return Err(Unwritable::Ambiguous { charset: self.name() });
        }
        Ok(bytes)
    }

    fn reads(self, bytes: &[u8]) -> bool {
        self.0.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    }
}

/// Decodes the bytes of a value by the rule of [`Charset::of`].
#[must_use]
pub fn decode(bytes: &[u8], declared: Option<Charset>) -> Cow<'_, str> {
    if declared.is_none()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    Charset::of(bytes, declared).decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_utf8_is_utf8_whatever_the_line_says() {
        let latin = Charset::named(b"ISO-8859-1");
        assert_eq!(decode("é".as_bytes(), latin), "é");
        assert_eq!(decode(b"\xe9", latin), "é");
        assert_eq!(decode(b"\xe9", None), "é");
        assert_eq!(decode(b"\x83\x7d", Charset::named(b"Shift_JIS")), "マ");
    }

    #[test]
    fn seven_bit_japanese_is_read_by_its_charset() {
        let charset = Charset::named(b"ISO-2022-JP").unwrap();
        let bytes = charset.encode("日本").unwrap().into_owned();
        assert!(bytes.is_ascii());
        assert_eq!(decode(&bytes, Some(charset)), "日本");
    }

    #[test]
    fn bytes_that_a_declared_set_cannot_read_lose_nothing() {
        assert_eq!(Charset::of(b"\x83", Charset::named(b"Shift_JIS")), Charset::WINDOWS_1252);
        assert_eq!(Charset::of(b"\xff\xfe", Charset::named(b"utf-8")), Charset::WINDOWS_1252);
        assert_eq!(Charset::named(b"utf-16"), None);
    }

    #[test]
    fn what_a_charset_lacks_is_refused_with_the_character() {
        let refused = Charset::WINDOWS_1252.encode("Kyō 日").unwrap_err();
        assert_eq!(refused, Unwritable::Charset { character: 'ō', charset: "windows-1252" });
    }

    #[test]
    fn text_that_would_be_taken_for_utf8_is_refused() {
        let refused = Charset::WINDOWS_1252.encode("Ã©").unwrap_err();
        assert_eq!(refused, Unwritable::Ambiguous { charset: "windows-1252" });
    }

    #[test]
    fn an_ascii_value_is_rewritten_in_the_set_of_its_line_or_file() {
        let latin = Charset::WINDOWS_1252;
        assert_eq!(Charset::to_write(b"Ada", None, latin), latin);
        assert_eq!(Charset::to_write(b"Ada", Some(Charset::UTF_8), latin), Charset::UTF_8);
        assert_eq!(Charset::to_write("é".as_bytes(), None, latin), Charset::UTF_8);
        assert_eq!(Charset::to_write(b"\xe9", None, Charset::UTF_8), latin);
    }
}
