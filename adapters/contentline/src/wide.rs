//! UTF-16 files: decoded at the door, and encoded again when the whole file is written.

use crate::error::NotUtf16;
use std::borrow::Cow;

/// How the text of a file is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As bytes, each line in its own charset.
    #[default]
    Bytes,
    /// As UTF-16 in this order of bytes, with or without a byte order mark.
    Utf16 {
        /// The order of the bytes.
        order: Order,
        /// Whether a byte order mark begins the file.
        marked: bool,
    },
}

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The high byte.
    Big,
    /// The low byte.
    Little,
}

/// Returns how a file is stored, by its byte order mark or by the zeros between its first letters.
#[must_use]
pub fn form(bytes: &[u8]) -> Form {
    match bytes {
        [0xff, 0xfe, ..] => Form::Utf16 { order: Order::Little, marked: true },
        [0xfe, 0xff, ..] => Form::Utf16 { order: Order::Big, marked: true },
        [first, 0, second, 0, ..] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
            Form::Utf16 { order: Order::Little, marked: false }
        }
        [0, first, 0, second, ..] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
            Form::Utf16 { order: Order::Big, marked: false }
        }
        _ => Form::Bytes,
    }
}

/// Returns the content of a file as UTF-8 where it is UTF-16, else the bytes as they are.
///
/// # Errors
/// Fails with the first byte of a unit that is no character, or that is cut off.
pub fn decode(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, Form), NotUtf16> {
    let form = form(bytes);
    let Form::Utf16 { order, marked } = form else {
        return Ok((Cow::Borrowed(bytes), form));
    };
    let start = if marked { 2 } else { 0 };
    let (pairs, rest) = bytes.get(start..).unwrap_or_default().as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut offset = start;
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair, order))) {
        let character = character.map_err(|_| NotUtf16 { offset })?;
        text.push(character);
        offset += character.len_utf16() * 2;
    }
    if !rest.is_empty() {
        return Err(NotUtf16 { offset });
    }
    Ok((Cow::Owned(text.into_bytes()), form))
}

/// Stores a text in the form that its file had.
#[must_use]
pub fn encode(text: &str, form: Form) -> Vec<u8> {
    let Form::Utf16 { order, marked } = form else {
        return text.as_bytes().to_vec();
    };
    let mark = marked.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(|unit| bytes(unit, order)).collect()
}

fn unit(pair: [u8; 2], order: Order) -> u16 {
    match order {
        Order::Big => u16::from_be_bytes(pair),
        Order::Little => u16::from_le_bytes(pair),
    }
}

fn bytes(unit: u16, order: Order) -> [u8; 2] {
    match order {
        Order::Big => unit.to_be_bytes(),
        Order::Little => unit.to_le_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_utf16_comes_back_as_it_was() {
        for order in [Order::Big, Order::Little] {
            for marked in [true, false] {
                let form = Form::Utf16 { order, marked };
                let stored = encode("BEGIN:VCARD\nFN:Ada 日 𝄞", form);
                let (text, seen) = decode(&stored).unwrap();
                assert_eq!((text.as_ref(), seen), ("BEGIN:VCARD\nFN:Ada 日 𝄞".as_bytes(), form));
            }
        }
    }

    #[test]
    fn other_files_are_taken_as_they_are() {
        let (bytes, form) = decode(b"BEGIN:VCARD\n\xff").unwrap();
        assert_eq!((bytes.as_ref(), form), (&b"BEGIN:VCARD\n\xff"[..], Form::Bytes));
    }

    #[test]
    fn a_cut_or_broken_unit_is_an_error_with_its_place() {
        assert_eq!(decode(b"\xff\xfeA\0B"), Err(NotUtf16 { offset: 4 }));
        assert_eq!(decode(b"\xff\xfeA\0\0\xd8B\0"), Err(NotUtf16 { offset: 4 }));
    }
}
