//! Why a card cannot be read.

use contentline::error::{Broken, NotUtf16};
use thiserror::Error;

/// A card that cannot be read; the text is a reason for people, lower-case and without a full stop.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Unreadable {
    #[error("{0}")]
    Structure(#[from] Broken),
    #[error("{0}")]
    NotUtf16(#[from] NotUtf16),
    #[error("the file is empty; it may have been cut off while it was written")]
    Torn,
    #[error("BEGIN:{name} is no card; BEGIN:VCARD is expected")]
    NoCard { name: String },
    #[error("more than one card stands in the file; a folder holds one card a file")]
    Several,
    #[error("VERSION stands twice, so two cards have run together")]
    RunTogether,
    #[error("VERSION:{found} cannot be read; 2.1, 3.0 and 4.0 can")]
    Version { found: String },
    #[error("there is nothing in the card")]
    Nothing,
}

impl Unreadable {
    /// Returns the physical line within the bytes that were read.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Structure(broken) => broken.line(),
            Self::NotUtf16(_)
            | Self::Torn
            | Self::NoCard { .. }
            | Self::Several
            | Self::RunTogether
            | Self::Version { .. }
            | Self::Nothing => None,
        }
    }
}
