//! Values of fields: typed, compared by bytes, never converted.

use crate::digest::Digest;

/// A large value that travels apart from its record: photos, files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Length of the content in bytes.
    pub length: u64,
}

/// The value of one field.
///
/// Text forms are canonical: `Date` is `YYYY-MM-DD`, `YYYY-MM`, `YYYY`, `--MM-DD`, `--MM` or `---DD`;
/// `LocalDateTime` is `YYYY-MM-DDTHH:MM:SS`; `Instant` the same with a `Z`; `Duration` is RFC 5545 §3.3.6
/// as written. Nothing is ever converted to UTC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Value {
    /// Any text; line breaks are `\n`.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number as it was written.
    Decimal(String),
    /// True or false.
    Boolean(bool),
    /// A date; year, month or day may be missing.
    Date(String),
    /// A date and time without a zone.
    LocalDateTime(String),
    /// A moment in UTC.
    Instant(String),
    /// A length of time.
    Duration(String),
    /// A URI.
    Uri(String),
    /// A short run of bytes.
    Bytes(Vec<u8>),
    /// A large value, by digest.
    Blob(Blob),
}

impl Value {
    /// Makes a text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Returns the characters of a value that is written as characters.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text)
            | Self::Decimal(text)
            | Self::Date(text)
            | Self::LocalDateTime(text)
            | Self::Instant(text)
            | Self::Duration(text)
            | Self::Uri(text) => Some(text),
            Self::Integer(_) | Self::Boolean(_) | Self::Bytes(_) | Self::Blob(_) => None,
        }
    }

    /// Returns what a person reads: the text, the number, or what the bytes are.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Boolean(truth) => truth.to_string(),
            Self::Bytes(bytes) => format!("({} bytes)", bytes.len()),
            Self::Blob(blob) => format!("({} bytes, {:.12})", blob.length, blob.digest.to_string()),
            _ => self.as_text().unwrap_or_default().to_owned(),
        }
    }
}
