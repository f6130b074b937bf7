//! What an application's format must offer to be synced: the [`Adapter`] trait and what crosses it.
//!
//! The trait is shaped so that it crosses a C boundary: plain values in, plain values out,
//! one call at a time, no callback kept. Adapters read and write one format; they never
//! align repeated parts, never merge and never talk to a store.

pub mod contract;
pub mod error;
pub mod format;
pub mod item;
pub mod operation;
pub mod profile;
pub mod proof;
pub mod staging;

pub use contract::{Adapter, Blobs, Known, Outcomes, Scan, Sink};
pub use error::Error;
pub use format::{Description, Format, Host, OptionKind, OptionSpec, OptionValue, Options};
pub use item::{Broken, Fingerprint, Item, Key, Place};
pub use operation::{Expect, Fate, Mode, Op, Outcome, StepId};
pub use profile::{Atomicity, Keys, Profile, View};
