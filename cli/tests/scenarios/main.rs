//! Scenarios: the real program on real files, each test one sentence of what a person may rely on.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr, reason = "a test fails by panicking")]

mod approvals;
mod calendars;
mod compaction;
mod configuration;
mod conflicts;
mod conversions;
mod corpus;
mod crashes;
mod damage;
mod deletions;
mod demonstration;
mod event_sheets;
mod examples;
mod exports;
mod faults;
mod fidelity;
mod files;
mod going_back;
mod harness;
mod joins;
mod leases;
mod lint;
mod main_job;
mod meeting;
mod network;
mod plans;
mod plugins;
mod progress;
mod proxy;
mod running;
mod state;
mod texts;
#[path = "../../../tests/src/trees.rs"]
#[expect(unreachable_pub, reason = "it is a module of another crate, too")]
mod trees;
mod watching;
