//! The pieces of a report, for people and for programs: changes, quarantined items, holds.

pub(crate) mod changes;
pub(crate) mod held;
pub(crate) mod json;
pub(crate) mod network;
