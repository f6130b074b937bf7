//! The content of a file: UTF-16 decoded, anything else as it is, and the charset of lines that name none.

use crate::charset::Charset;
use crate::error::NotUtf16;
use crate::style::Style;
use crate::wide::{self, Form};
use std::borrow::Cow;

/// A file's bytes as content lines are read from them.
#[derive(Debug)]
pub struct Text<'b> {
    /// The bytes that lines and spans are of.
    pub bytes: Cow<'b, [u8]>,
    /// The charset of lines that name none.
    pub charset: Charset,
    form: Form,
}

impl<'b> Text<'b> {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// Fails if they claim to be UTF-16 and are not.
    pub fn new(raw: &'b [u8]) -> Result<Self, NotUtf16> {
        let (bytes, form) = wide::decode(raw)?;
        let charset = if std::str::from_utf8(&bytes).is_ok() { Charset::UTF_8 } else { Charset::WINDOWS_1252 };
        Ok(Self { bytes, charset, form })
    }

    /// Returns how its lines are written.
    #[must_use]
    pub fn style(&self) -> Style {
        Style::of(&self.bytes)
    }

    /// Returns the file that has `bytes` for its content; `None` where UTF-16 cannot hold them.
    #[must_use]
    pub fn file(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.form {
            Form::Bytes => Some(bytes),
            Form::Utf16 { .. } => std::str::from_utf8(&bytes).ok().map(|text| wide::encode(text, self.form)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_file_is_written_as_it_was() {
        let raw: Vec<u8> = [0xfeff_u16].into_iter().chain("A:é".encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let text = Text::new(&raw).unwrap();
        assert!(text.bytes.ends_with("A:é".as_bytes()));
        assert_eq!(text.file(text.bytes.to_vec()), Some(raw.clone()));
        assert_eq!(text.file(vec![0xff]), None);
    }
}
