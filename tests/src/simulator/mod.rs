//! The simulator: seeded worlds in which users, faults and crashes meet the real engine, and oracles that know what users meant.
//!
//! A seed is a number. It decides how many endpoints there are, how each shows its values, who does what and when,
//! which message is lost and where a device dies. The engine's sessions are polled by hand, one point at a time;
//! dropping one is a crash. What users meant is kept in a [`history`](History) of its own, never read back from the
//! engine, and compared with the log and with every application once all faults have ended.

mod adapter;
mod application;
mod campaign;
mod convergence;
mod decisions;
mod dice;
mod endpoint;
mod faults;
mod files;
mod final_oracles;
mod fuse;
mod harmony;
mod history;
mod item;
mod keeper;
mod keys;
mod ledger;
mod log;
mod mishaps;
mod mutation;
mod performance;
mod quiet;
mod shape;
mod shared;
mod tally;
mod token;
mod upsets;
mod users;
mod weather;
mod wire;
mod world;

pub use campaign::{Campaign, Findings, Tried, Worlds};
pub use faults::{Fault, Faults};
pub use history::History;
pub use mutation::Mutation;
pub use tally::Tally;
pub use world::{Outcome, Violation, simulate};
