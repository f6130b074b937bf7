//! Ids of records and conflicts: 128 bits that never change.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, from_hexadecimal, hexadecimal};
use crate::kind::Kind;

/// The id of a record. It never changes, whatever becomes of the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

/// The id of a conflict: random, made once, kept on every device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConflictId(pub [u8; 16]);

/// An id whose text is not 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnId(pub String);

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an id: 32 hexadecimal digits are expected", self.0)
    }
}

impl std::error::Error for NotAnId {}

impl RecordId {
    /// Returns the id that a record with a UID starts with, so that two devices agree without talking.
    #[must_use]
    pub fn of_uid(kind: &Kind, uid: &str) -> Self {
        Self(Digest::of_parts(&[b"syncretic.record-id/1", kind.as_str().as_bytes(), uid.as_bytes()]).head())
    }

    /// Returns the UID that a new item gets when its record has none: `urn:uuid:…` (RFC 9562).
    #[must_use]
    pub fn urn(&self) -> String {
        let hex = self.to_string();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }

    /// Reads the id out of a UID that [`RecordId::urn`] made.
    #[must_use]
    pub fn from_urn(uid: &str) -> Option<Self> {
        let head = uid.get(..9)?;
        let rest = uid.get(9..)?;
        if !head.eq_ignore_ascii_case("urn:uuid:") || rest.len() != 36 {
            return None;
        }
        from_hexadecimal(rest).map(Self)
    }
}

macro_rules! id_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hexadecimal(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                from_hexadecimal(text).map(Self).ok_or_else(|| NotAnId(text.to_owned()))
            }
        }
    };
}
id_text!(RecordId);
id_text!(ConflictId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_own_uid() {
        let id = RecordId::of_uid(&Kind::CONTACT, "ada");
        assert_eq!(RecordId::from_urn(&id.urn()), Some(id));
        assert_eq!(RecordId::from_urn(&id.urn().to_uppercase()), Some(id));
        assert_eq!(RecordId::from_urn("urn:uuid:short"), None);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn kinds_with_one_uid_have_two_ids() {
        assert_ne!(RecordId::of_uid(&Kind::CONTACT, "x"), RecordId::of_uid(&Kind::EVENT, "x"));
    }
}
