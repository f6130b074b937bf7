//! Characters and bytes: the encoding of a table, found and kept.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

const UTF_8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const LITTLE_MARK: &[u8] = &[0xFF, 0xFE];
const BIG_MARK: &[u8] = &[0xFE, 0xFF];

/// How the characters of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8.
    Utf8,
    /// UTF-16, least significant byte first.
    Utf16Little,
    /// UTF-16, most significant byte first.
    Utf16Big,
    /// An encoding in which the ASCII bytes mean themselves.
    Legacy(&'static Encoding),
}

/// The text of a table as bytes in which delimiters, quotes and line ends are single ASCII bytes.
///
/// UTF-16 is held as UTF-8, with a lone surrogate as the three bytes that UTF-8 forbids, so that the way back is exact;
/// every other encoding is held as it is. The byte order mark stands apart.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) charset: Charset,
    mark: &'static [u8],
    pub(crate) bytes: Vec<u8>,
}

impl Charset {
    /// Finds an encoding by its name (<https://encoding.spec.whatwg.org/#names-and-labels>).
    pub(crate) fn named(label: &str) -> Option<Self> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        match encoding {
            found if found == UTF_8 => Some(Self::Utf8),
            found if found == UTF_16LE => Some(Self::Utf16Little),
            found if found == UTF_16BE => Some(Self::Utf16Big),
            found if found == ISO_2022_JP || found == REPLACEMENT => None,
            found => Some(Self::Legacy(found)),
        }
    }

    /// Returns the name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Little => "UTF-16LE",
            Self::Utf16Big => "UTF-16BE",
            Self::Legacy(encoding) => encoding.name(),
        }
    }

    /// Tells whether a `|` byte can be half of another character.
    pub(crate) fn hides_bars(self) -> bool {
        matches!(self, Self::Legacy(encoding) if !encoding.is_single_byte())
    }

    /// Reads the bytes of a cell; none if they are not characters of this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        if let Ok(text) = std::str::from_utf8(bytes)
            && (!matches!(self, Self::Legacy(_)) || text.is_ascii())
        {
            return Some(Cow::Borrowed(text));
        }
        match self {
            Self::Legacy(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
            Self::Utf8 | Self::Utf16Little | Self::Utf16Big => None,
        }
    }

    /// Writes the characters of a cell, or tells the first one that this encoding has no bytes for.
    pub(crate) fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        let Self::Legacy(encoding) = self else { return Ok(text.as_bytes().to_vec()) };
        let (bytes, _, unmappable) = encoding.encode(text);
        if !unmappable {
            return Ok(bytes.into_owned());
        }
        let lacking = |c: &char| encoding.encode(c.encode_utf8(&mut [0; 4])).2;
        Err(text.chars().find(lacking).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

impl Text {
    /// Takes the bytes of a file, in the encoding that was asked for or the one that they show.
    ///
    /// # Errors
    /// Fails with what is wrong if the file cannot be text in that encoding.
    pub(crate) fn read(raw: Vec<u8>, wanted: Option<Charset>) -> Result<Self, String> {
        let (charset, mark) = detect(&raw, wanted)?;
        let bytes = match charset {
            Charset::Utf16Little => widen(raw.get(mark.len()..).unwrap_or_default(), u16::from_le_bytes)?,
            Charset::Utf16Big => widen(raw.get(mark.len()..).unwrap_or_default(), u16::from_be_bytes)?,
            Charset::Utf8 | Charset::Legacy(_) => {
                let mut bytes = raw;
                bytes.drain(..mark.len());
                bytes
            }
        };
        Ok(Self { charset, mark, bytes })
    }

    /// Returns the bytes of the file that this text was read from.
    pub(crate) fn into_file(self) -> Vec<u8> {
        match self.charset {
            Charset::Utf8 | Charset::Legacy(_) if self.mark.is_empty() => self.bytes,
            _ => self.file(&self.bytes),
        }
    }

    /// Returns the bytes of the file that holds `bytes` in place of this text's.
    pub(crate) fn file(&self, bytes: &[u8]) -> Vec<u8> {
        let mut file = self.mark.to_vec();
        match self.charset {
            Charset::Utf16Little => narrow(bytes, u16::to_le_bytes, &mut file),
            Charset::Utf16Big => narrow(bytes, u16::to_be_bytes, &mut file),
            Charset::Utf8 | Charset::Legacy(_) => file.extend_from_slice(bytes),
        }
        file
    }
}

fn detect(raw: &[u8], wanted: Option<Charset>) -> Result<(Charset, &'static [u8]), String> {
    let marks = [(UTF_8_MARK, Charset::Utf8), (LITTLE_MARK, Charset::Utf16Little), (BIG_MARK, Charset::Utf16Big)];
    let marked = marks.into_iter().find(|(mark, _)| raw.starts_with(mark));
    if let Some(wanted) = wanted {
        let mark = marked.filter(|(_, charset)| *charset == wanted).map_or(&[][..], |(mark, _)| mark);
        return Ok((wanted, mark));
    }
    if let Some((mark, charset)) = marked {
        return Ok((charset, mark));
    }
    if let Some(name) = wide_without_mark(raw) {
        return Err(format!("looks like {name} without a byte order mark; say `encoding = \"{name}\"` if it is"));
    }
    Ok((if is_utf8(raw) { Charset::Utf8 } else { Charset::Legacy(WINDOWS_1252) }, &[]))
}

/// Tells whether the bytes are UTF-8, whole or damaged: a damaged one holds other characters of several bytes.
fn is_utf8(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok() || raw.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

/// Names the UTF-16 that a file without a mark seems to be: every other one of its first bytes is zero.
fn wide_without_mark(raw: &[u8]) -> Option<&'static str> {
    let head = raw.get(..raw.len().min(64) / 2 * 2)?;
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = (head.len() / 2).div_ceil(2).max(2);
    match (even >= many, odd >= many) {
        (true, false) => Some("utf-16be"),
        (false, true) => Some("utf-16le"),
        _ => None,
    }
}

fn widen(raw: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Vec<u8>, String> {
    let (pairs, rest) = raw.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("ends in the middle of a UTF-16 character; it may be torn".to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => bytes.extend_from_slice(&lone_surrogate(lone.unpaired_surrogate())),
        }
    }
    Ok(bytes)
}

/// Returns a lone surrogate as three bytes, in the way that UTF-8 would write it if it were a character.
fn lone_surrogate(unit: u16) -> [u8; 3] {
    let [high, low] = unit.to_be_bytes();
    [0xE0 | (high >> 4), 0x80 | ((high & 0x0F) << 2) | (low >> 6), 0x80 | (low & 0x3F)]
}

fn narrow(bytes: &[u8], unit: fn(u16) -> [u8; 2], to: &mut Vec<u8>) {
    let mut surrogate = Vec::with_capacity(3);
    for chunk in bytes.utf8_chunks() {
        chunk.valid().encode_utf16().for_each(|code| to.extend_from_slice(&unit(code)));
        surrogate.extend_from_slice(chunk.invalid());
        if let [first, second, third] = *surrogate.as_slice() {
            let code = (u16::from(first & 0x0F) << 12) | (u16::from(second & 0x3F) << 6) | u16::from(third & 0x3F);
            to.extend_from_slice(&unit(code));
            surrogate.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_and_bytes_tell_the_encoding() {
        let found = |raw: &[u8]| Text::read(raw.to_vec(), None).map(|text| (text.charset.name(), text.bytes));
        assert_eq!(found(b"\xEF\xBB\xBFa"), Ok(("UTF-8", b"a".to_vec())));
        assert_eq!(found(b"\xFF\xFEa\0"), Ok(("UTF-16LE", b"a".to_vec())));
        assert_eq!(found(b"\xFE\xFF\0a"), Ok(("UTF-16BE", b"a".to_vec())));
        assert_eq!(found(b"caf\xE9,x").map(|f| f.0), Ok("windows-1252"));
        assert_eq!(found("é and \u{1F600}".as_bytes()).map(|f| f.0), Ok("UTF-8"));
        assert_eq!(found(b"\xC3\xA9,\xE9").map(|f| f.0), Ok("UTF-8"), "a damaged cell among others");
        assert!(found(b"a\0b\0c\0d\0").is_err_and(|reason| reason.contains("utf-16le")));
        assert!(found(b"\xFF\xFEa\0b").is_err_and(|reason| reason.contains("torn")));
    }

    #[test]
    fn a_character_that_the_encoding_lacks_is_named() {
        let latin = Charset::Legacy(WINDOWS_1252);
        assert_eq!(latin.encode("Zoë"), Ok(b"Zo\xEB".to_vec()));
        assert_eq!(latin.encode("Łódź"), Err('Ł'));
        assert_eq!(Charset::named("latin1"), Some(latin));
        assert_eq!(Charset::named("iso-2022-jp"), None);
    }

    proptest! {
        #[test]
        fn every_file_is_given_back_as_it_was(mark in 0..3_usize, mut raw in proptest::collection::vec(any::<u8>(), 0..60)) {
            raw.splice(0..0, [&[][..], LITTLE_MARK, BIG_MARK][mark].iter().copied());
            if let Ok(text) = Text::read(raw.clone(), None) {
                prop_assert_eq!(text.file(&text.bytes), raw.clone());
                prop_assert_eq!(text.into_file(), raw);
            }
        }
    }
}
