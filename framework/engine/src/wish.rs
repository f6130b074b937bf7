//! A wish: what one item should become.

use delta::Loser;
use record::{Record, RecordId};

/// What one item should become.
pub(crate) struct Wish {
    pub(crate) id: RecordId,
    /// The record that it should stand for; none to remove it.
    pub(crate) target: Option<Record>,
    /// What to write if that is not the target itself: a temporary name on the way.
    pub(crate) detour: Option<Record>,
    /// The local values that lose by it.
    pub(crate) losers: Vec<Loser>,
}
