//! Why an item cannot be read.

use contentline::error::{Broken, NotUtf16};
use thiserror::Error;

/// An item that cannot be read; the text is a reason for people, lower-case and without a full stop.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Unreadable {
    #[error("{}", crate::calendar::reason(.0))]
    Structure(#[from] Broken),
    #[error("{0}")]
    NotUtf16(#[from] NotUtf16),
    #[error("the file is empty; it may have been cut off while it was written")]
    Torn,
    #[error("the same UID stands twice without a RECURRENCE-ID; keep one of them")]
    Twice,
    #[error("the same UID stands in a {0} and a {1}; give one of them another")]
    Mixed(&'static str, &'static str),
    #[error("more than one item stands in the file; a folder holds one a file, or name the file itself in `path`")]
    Several,
    #[error("there is no event, task, journal entry or free-busy time in it")]
    Nothing,
}
