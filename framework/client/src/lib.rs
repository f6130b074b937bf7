//! The store at the other end of a network.

pub mod address;
pub mod http;
pub mod retry;
pub mod sse;

pub use address::Address;
