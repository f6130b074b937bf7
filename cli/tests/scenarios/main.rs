//! Scenarios: the real program on real files, each test one sentence of what a person may rely on.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod configuration;
mod conflicts;
mod conversions;
mod corpus;
mod crashes;
mod damage;
mod deletions;
mod demonstration;
mod examples;
mod harness;
mod joins;
mod main_job;
mod plugins;
mod state;
