//! What an application's format must offer to be synced: the [`Adapter`] trait and what crosses it.
//!
//! The trait is shaped so that it crosses a C boundary: plain values in, plain values out,
//! one call at a time, no callback kept. Adapters read and write one format; they never
//! align repeated parts, never merge and never talk to a store.

pub mod abi;
#[cfg(feature = "host")]
mod backend;
pub mod contract;
mod crossing;
mod documents;
#[cfg(feature = "host")]
mod elf;
pub mod error;
pub mod export;
pub mod format;
#[cfg(feature = "host")]
pub mod host;
pub mod item;
#[cfg(feature = "host")]
mod lines;
#[cfg(feature = "host")]
mod message;
pub mod operation;
#[cfg(feature = "host")]
pub mod plugged;
pub mod profile;
pub mod proof;
#[cfg(feature = "host")]
mod reading;
#[cfg(feature = "host")]
pub mod refusal;
#[cfg(feature = "host")]
pub mod remote;
#[cfg(feature = "host")]
mod said;
#[cfg(feature = "host")]
pub mod serve;
pub mod staging;
#[cfg(feature = "host")]
pub mod told;
#[cfg(feature = "host")]
mod wire;

pub use contract::{Adapter, Blobs, Known, NothingKnown, Outcomes, Scan, Selection, Sink};
pub use error::{Error, Fault};
pub use format::{Description, Format, Host, OptionKind, OptionSpec, OptionValue, Options};
pub use item::{Broken, Fingerprint, Item, Key, Place};
pub use operation::{Expect, Fate, Mode, Op, Outcome, StepId};
pub use profile::{Atomicity, Keys, Profile, View};
