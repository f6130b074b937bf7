//! What changed, which is which, and what follows: difference, alignment, linking, merge, and the packed transaction.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness.

pub mod align;
pub mod difference;
pub mod link;
pub mod merge;
mod name;
pub mod pair;
pub mod snapshot;
pub mod state;
pub mod text;
pub mod transaction;

pub use difference::Holds;
pub use merge::{Loser, Merged, Policy, Push, Sides, Target};
pub use snapshot::Snapshot;
pub use state::State;
pub use transaction::{PayloadError, Transaction};
