//! What changed, which is which, and what follows: difference, alignment, linking, merge, and the packed transaction.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness.

pub mod align;
pub mod link;
pub mod pair;
