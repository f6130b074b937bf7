//! Why a record cannot be written as a card.

use contentline::error::Unwritable;
use thiserror::Error;

use crate::unreadable::Unreadable;

/// A refused write; the text is a reason for people, lower-case and without a full stop.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error("{property} cannot be written: {source}")]
    Line { property: String, source: Unwritable },
    #[error("the bytes of {field} are not to be had: {reason}")]
    Blob { field: String, reason: String },
    #[error("the card would not read back: {0}")]
    Unreadable(#[from] Unreadable),
    #[error("{field} would read back as {found}, not as {meant}")]
    Mismatch { field: String, meant: String, found: String },
}
