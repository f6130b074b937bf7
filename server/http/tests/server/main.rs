//! The server from outside: real requests to a real server on a loopback port.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod asked;
mod bad;
mod killed;
mod matrix;
mod meeting;
mod stopping;
