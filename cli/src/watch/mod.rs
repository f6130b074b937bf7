//! Watching: what changes on this machine or in the store is synced as it happens.

pub(crate) mod files;
pub(crate) mod schedule;
pub(crate) mod streams;
pub(crate) mod systemd;
