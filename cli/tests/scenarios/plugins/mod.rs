//! Third parties' adapters: let in, used in jobs, and held off when they misbehave.

mod bad;
mod entries;
mod examples;
mod falls;
mod frozen;
mod secrets;
mod workshop;
