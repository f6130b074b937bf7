//! Tables of all sorts: read, edited in place, damaged.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod calendars;
mod damage;
mod dialects;
mod guard;
mod habits;
mod large;
mod laws;
mod mapping;
mod mutation;
mod presets;
mod sheet;
mod steps;
