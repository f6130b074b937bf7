//! The three versions of vCard that are read and written.

use contentline::escape::Escaping;

/// A version of vCard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// vCard 2.1 (versit, 1996).
    V2_1,
    /// vCard 3.0 (RFC 2426).
    V3_0,
    /// vCard 4.0 (RFC 6350).
    V4_0,
}

/// All versions, oldest first.
pub(crate) const ALL: &[Version] = &[Version::V2_1, Version::V3_0, Version::V4_0];

impl Version {
    /// Reads the value of VERSION, or of the option `version`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        ALL.iter().copied().find(|version| version.text() == text.trim())
    }

    /// Returns the value of VERSION.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::V2_1 => "2.1",
            Self::V3_0 => "3.0",
            Self::V4_0 => "4.0",
        }
    }

    /// Returns what stands for it in a fingerprint.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::V2_1 => 21,
            Self::V3_0 => 30,
            Self::V4_0 => 40,
        }
    }

    /// Undoes [`Version::byte`].
    pub(crate) fn of_byte(byte: u8) -> Option<Self> {
        ALL.iter().copied().find(|version| version.byte() == byte)
    }

    /// Returns how its text values are escaped.
    pub(crate) fn escaping(self) -> Escaping {
        match self {
            Self::V2_1 => Escaping::Separator,
            Self::V3_0 | Self::V4_0 => Escaping::Text,
        }
    }

    /// Escapes one word of a list; 2.1 has no lists of its own, and its writers escape the comma as later ones do.
    pub(crate) fn escape_word(self, word: &str) -> String {
        let word = self.escaping().escape(word);
        if self == Self::V2_1 { word.replace(',', "\\,") } else { word.into_owned() }
    }

    /// Undoes [`Version::escape_word`].
    pub(crate) fn unescape_word(self, piece: &str) -> String {
        let word = self.escaping().unescape(piece);
        if self == Self::V2_1 { word.replace("\\,", ",") } else { word.into_owned() }
    }

    /// Tells whether a card must have FN (RFC 2426 §3.1.1, RFC 6350 §6.2.1).
    pub(crate) fn needs_full_name(self) -> bool {
        self != Self::V2_1
    }

    /// Tells whether a card must have N (2.1, and RFC 2426 §3.1.2).
    pub(crate) fn needs_name(self) -> bool {
        self != Self::V4_0
    }
}
