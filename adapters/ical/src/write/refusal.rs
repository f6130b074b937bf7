//! Why a record cannot be written.

use crate::unreadable::Unreadable;
use adapter::proof::Mismatch;
use contentline::error::Unwritable;
use thiserror::Error;

/// A refused write; the text is a reason for people, lower-case and without a full stop.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error("{property} cannot be written: {source}")]
    Line { property: String, source: Unwritable },
    #[error("the bytes of {field} are not to be had: {reason}")]
    Blob { field: String, reason: String },
    #[error("it would not read back: {0}")]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Mismatch(#[from] Mismatch),
    #[error("it would become {0} items")]
    Pieces(usize),
    #[error("a {0} is no part of a calendar file")]
    Kind(String),
    #[error("UTF-16 cannot hold what it holds")]
    Wide,
    #[error("the calendar in the file has no END:VCALENDAR, so nothing can be added to it")]
    Unclosed,
}
