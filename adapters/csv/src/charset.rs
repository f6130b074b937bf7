//! Characters and bytes: the encoding of a table, found and kept.

use std::borrow::Cow;
use std::io;

use encoding_rs::{ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::stream::Stream;

/// How many bytes tell the byte order mark, or that it is missing.
const HEAD: usize = 64;

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
    Legacy(&'static encoding_rs::Encoding),
}

/// How the characters of a file are written, and the byte order mark before them.
///
/// A table's text is held as bytes in which delimiters, quotes and line ends are single ASCII bytes: UTF-16 as UTF-8, with a
/// lone surrogate as the three bytes that UTF-8 forbids, so that the way back is exact; every other encoding as it is. The
/// mark stands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) charset: Charset,
    mark: &'static [u8],
}

impl Charset {
    /// Finds an encoding by its name (<https://encoding.spec.whatwg.org/#names-and-labels>).
    pub(crate) fn named(label: &str) -> Option<Self> {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes())?;
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

impl Encoding {
    /// Finds the encoding of a file: the one that was asked for, or the one that its bytes show.
    ///
    /// # Errors
    /// Fails with [`io::ErrorKind::InvalidData`] and what is wrong if the file is empty, or cannot be text in that encoding.
    pub(crate) fn find(mut raw: impl Stream, wanted: Option<Charset>) -> io::Result<Self> {
        let mut head = Vec::new();
        while head.len() < HEAD && raw.more(&mut head)? {}
        if head.is_empty() {
            return Err(invalid("is empty (0 bytes); a table has at least its header, so it may be torn: restore it".to_owned()));
        }
        let marks = [(UTF_8_MARK, Charset::Utf8), (LITTLE_MARK, Charset::Utf16Little), (BIG_MARK, Charset::Utf16Big)];
        let marked = marks.into_iter().find(|(mark, _)| head.starts_with(mark));
        if let Some(wanted) = wanted {
            let mark = marked.filter(|(_, charset)| *charset == wanted).map_or(&[][..], |(mark, _)| mark);
            return Ok(Self { charset: wanted, mark });
        }
        if let Some((mark, charset)) = marked {
            return Ok(Self { charset, mark });
        }
        if let Some(name) = wide_without_mark(&head) {
            return Err(invalid(format!("looks like {name} without a byte order mark; say `encoding = \"{name}\"` if it is")));
        }
        let charset = if is_utf8(head, raw)? { Charset::Utf8 } else { Charset::Legacy(WINDOWS_1252) };
        Ok(Self { charset, mark: &[] })
    }

    /// Returns the text of a file.
    pub(crate) fn decoded<S: Stream>(self, raw: S) -> Decoded<S> {
        let unit = match self.charset {
            Charset::Utf16Little => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
            Charset::Utf16Big => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
            Charset::Utf8 | Charset::Legacy(_) => None,
        };
        Decoded { raw, skip: self.mark.len(), unit, held: Vec::new() }
    }

    /// Returns the file of a text.
    pub(crate) fn encoded<S: Stream>(self, text: S) -> Encoded<S> {
        let unit = match self.charset {
            Charset::Utf16Little => Some(u16::to_le_bytes as fn(u16) -> [u8; 2]),
            Charset::Utf16Big => Some(u16::to_be_bytes as fn(u16) -> [u8; 2]),
            Charset::Utf8 | Charset::Legacy(_) => None,
        };
        Encoded { text, mark: self.mark, unit, held: Vec::new() }
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Tells whether the bytes are UTF-8, whole or damaged: a damaged one holds other characters of several bytes.
fn is_utf8(mut bytes: Vec<u8>, mut raw: impl Stream) -> io::Result<bool> {
    let mut damaged = false;
    loop {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Err(error) = std::str::from_utf8(rest) else {
                if !rest.is_ascii() {
                    return Ok(true);
                }
                at = bytes.len();
                break;
            };
            if !rest.get(..error.valid_up_to()).unwrap_or_default().is_ascii() {
                return Ok(true);
            }
            at += error.valid_up_to();
            let Some(length) = error.error_len() else { break };
            at += length;
            damaged = true;
        }
        // The beginning of a character waits for its rest.
        bytes.drain(..at);
        if !raw.more(&mut bytes)? {
            return Ok(!damaged && bytes.is_empty());
        }
    }
}

/// The text of a file.
pub(crate) struct Decoded<S> {
    raw: S,
    /// How much of the byte order mark is still to come.
    skip: usize,
    unit: Option<fn([u8; 2]) -> u16>,
    /// Bytes that are no whole character yet.
    held: Vec<u8>,
}

impl<S: Stream> Decoded<S> {
    fn unmarked(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let start = to.len();
        let more = self.raw.more(to)?;
        let mark = self.skip.min(to.len() - start);
        to.drain(start..start + mark);
        self.skip -= mark;
        Ok(more)
    }
}

impl<S: Stream> Stream for Decoded<S> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let Some(unit) = self.unit else { return self.unmarked(to) };
        let mut held = std::mem::take(&mut self.held);
        let more = self.unmarked(&mut held)?;
        let whole = held.len() / 2 * 2;
        if !more && whole < held.len() {
            return Err(invalid("ends in the middle of a UTF-16 character; it may be torn".to_owned()));
        }
        let last = held.get(whole.saturating_sub(2)..whole).and_then(|pair| pair.first_chunk()).map(|pair| unit(*pair));
        // The first half of a pair waits for the second.
        let waits = more && matches!(last, Some(0xD800..=0xDBFF));
        let ready = if waits { whole - 2 } else { whole };
        widen(held.get(..ready).unwrap_or_default(), unit, to);
        self.held = held.split_off(ready);
        Ok(more)
    }
}

/// The file of a text.
pub(crate) struct Encoded<S> {
    text: S,
    mark: &'static [u8],
    unit: Option<fn(u16) -> [u8; 2]>,
    /// Bytes that are no whole character yet.
    held: Vec<u8>,
}

impl<S: Stream> Stream for Encoded<S> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        to.extend_from_slice(std::mem::take(&mut self.mark));
        let Some(unit) = self.unit else { return self.text.more(to) };
        let mut held = std::mem::take(&mut self.held);
        let more = self.text.more(&mut held)?;
        let lead =
            held.iter().rposition(|byte| byte & 0xC0 != 0x80).filter(|at| more && held.get(*at).is_some_and(|byte| !byte.is_ascii()));
        self.held = held.split_off(lead.unwrap_or(held.len()));
        narrow(&held, unit, to);
        Ok(more)
    }
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

fn widen(raw: &[u8], unit: fn([u8; 2]) -> u16, to: &mut Vec<u8>) {
    let (pairs, _) = raw.as_chunks::<2>();
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => to.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => to.extend_from_slice(&lone_surrogate(lone.unpaired_surrogate())),
        }
    }
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
    use crate::stream::Held;
    use crate::stream::tests::{Crumbs, all};

    fn read(raw: &[u8], size: usize) -> Result<(&'static str, Vec<u8>), String> {
        let encoding = Encoding::find(Crumbs(raw, size), None).map_err(|error| error.to_string())?;
        let (mut text, mut stream) = (Vec::new(), encoding.decoded(Crumbs(raw, size)));
        while stream.more(&mut text).map_err(|error| error.to_string())? {}
        Ok((encoding.charset.name(), text))
    }

    #[test]
    fn marks_and_bytes_tell_the_encoding() {
        for size in [1, 2, 3, 64] {
            let found = |raw: &[u8]| read(raw, size);
            assert_eq!(found(b"\xEF\xBB\xBFa"), Ok(("UTF-8", b"a".to_vec())));
            assert_eq!(found(b"\xFF\xFEa\0"), Ok(("UTF-16LE", b"a".to_vec())));
            assert_eq!(found(b"\xFE\xFF\0a"), Ok(("UTF-16BE", b"a".to_vec())));
            assert_eq!(found(b"caf\xE9,x").map(|f| f.0), Ok("windows-1252"));
            assert_eq!(found("é and \u{1F600}".as_bytes()).map(|f| f.0), Ok("UTF-8"));
            assert_eq!(found(b"\xC3\xA9,\xE9").map(|f| f.0), Ok("UTF-8"), "a damaged cell among others");
            assert_eq!(found(b"a,\xC3").map(|f| f.0), Ok("windows-1252"), "half of a character");
            assert!(found(b"a\0b\0c\0d\0").is_err_and(|reason| reason.contains("utf-16le")));
            assert!(found(b"\xFF\xFEa\0b").is_err_and(|reason| reason.contains("torn")));
            assert!(found(b"").is_err_and(|reason| reason.contains("empty")));
        }
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
        fn every_file_is_given_back_as_it_was(mark in 0..4_usize, mut raw in proptest::collection::vec(any::<u8>(), 0..60), size in 1..70_usize) {
            raw.splice(0..0, [&[][..], LITTLE_MARK, BIG_MARK, UTF_8_MARK][mark].iter().copied());
            if let Ok((_, text)) = read(&raw, size) {
                let encoding = Encoding::find(Held(&raw), None).unwrap();
                prop_assert_eq!(&all(encoding.decoded(Held(&raw))), &text);
                prop_assert_eq!(all(encoding.encoded(Crumbs(&text, size))), raw);
            }
        }

        #[test]
        fn blocks_of_any_size_show_the_same_encoding(raw in proptest::collection::vec(prop_oneof![Just(b'a'), Just(0xC3), Just(0xA9), Just(0xE9), any::<u8>()], 65..90), size in 1..90_usize) {
            let found = |stream: Crumbs<'_>| Encoding::find(stream, None).map_err(|error| error.to_string());
            prop_assert_eq!(found(Crumbs(&raw, size)), found(Crumbs(&raw, 1000)));
        }
    }
}
