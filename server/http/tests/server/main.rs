//! The server from outside: real requests to a real server on a loopback port.

mod asked;
mod bad;
mod matrix;
mod meeting;
