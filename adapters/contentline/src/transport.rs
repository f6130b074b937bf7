//! How the bytes of a value travel: as they are, as quoted-printable (RFC 2045 §6.7), or as base64 (RFC 4648 §4).

/// The encoding that a line's head names for its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// The value stands as it is.
    #[default]
    Plain,
    /// Quoted-printable (vCard 2.1).
    QuotedPrintable,
    /// Base64 (`BASE64` in vCard 2.1 and iCalendar, `B` in 3.0).
    Base64,
}

impl Transfer {
    /// Reads a parameter value; `B` counts only where the parameter was named ENCODING.
    pub(crate) fn named(value: &[u8], encoding: bool) -> Option<Self> {
        let value = value.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
        if value.eq_ignore_ascii_case(b"QUOTED-PRINTABLE") {
            Some(Self::QuotedPrintable)
        } else if value.eq_ignore_ascii_case(b"BASE64") || (encoding && value.eq_ignore_ascii_case(b"B")) {
            Some(Self::Base64)
        } else {
            None
        }
    }
}

/// Decodes quoted-printable; a `=` that begins no escape stays.
#[must_use]
pub fn decode_quoted(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'=', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push((high << 4) | low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    bytes
}

/// Encodes bytes as quoted-printable without line breaks; [`crate::fold::fold`] breaks the line.
#[must_use]
pub fn encode_quoted(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut text = String::with_capacity(bytes.len());
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    for (place, byte) in bytes.iter().copied().enumerate() {
        // A blank at the end of a line would be lost on the way.
        let last = place + 1 == bytes.len();
        if matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (byte == b' ' && !last) {
            text.push(char::from(byte));
        } else {
            text.push('=');
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
    }
    text
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Decodes base64; blanks do not count and padding may be missing. `None` where it is not base64.
#[must_use]
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut padded) = (0_u32, 0_u32, 0_u32);
    for byte in text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
        if byte == b'=' {
            padded += 1;
            if padded > 2 {
                return None;
            }
            continue;
        }
        let value = sextet(byte).filter(|_| padded == 0)?;
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(bits.checked_shr(held)?.to_le_bytes().first().copied()?);
            bits &= (1 << held) - 1;
        }
    }
    (held < 6).then_some(bytes)
}

/// Encodes bytes as base64 with padding, without line breaks.
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let part = |place: usize| chunk.get(place).copied().map_or(0, usize::from);
        let bits = (part(0) << 16) | (part(1) << 8) | part(2);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(sextet).copied().map_or('=', char::from);
            text.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    text
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_escapes_what_is_not_plain_ascii() {
        assert_eq!(encode_quoted("a=é\t ".as_bytes()), "a=3D=C3=A9=09=20");
        assert_eq!(decode_quoted(b"a=3d=C3=a9=0A=ZZ="), "a=é\n=ZZ=".as_bytes());
    }

    #[test]
    fn base64_needs_no_padding_and_refuses_what_it_is_not() {
        assert_eq!(encode_base64(b"light w"), "bGlnaHQgdw==");
        assert_eq!(decode_base64(b"bGln aHQg\tdw"), Some(b"light w".to_vec()));
        assert_eq!(decode_base64(b"bGlnaHQgdw=="), Some(b"light w".to_vec()));
        assert_eq!(decode_base64(b"bGl-"), None);
        assert_eq!(decode_base64(b"b"), None);
        assert_eq!(decode_base64(b"bA==bA=="), None);
        assert_eq!(decode_base64(b""), Some(Vec::new()));
    }
}
