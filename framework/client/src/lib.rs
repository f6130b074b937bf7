//! The store at the other end of a network.

pub mod retry;
pub mod sse;
