//! Third parties' adapters: what they say they are, where they lie, whether they are still what was let in, and how they are run.

mod apart;
mod bench;
mod builtin;
mod check;
mod helper;
mod installed;
mod lock;
mod manifest;
mod new;
mod secrets;
mod shelf;
mod subject;

pub(crate) use bench::bench;
pub(crate) use builtin::shapes;
pub(crate) use check::{Finding, Patient, act, check};
pub(crate) use helper::serve;
pub(crate) use installed::Installed;
pub(crate) use lock::Pin;
pub(crate) use manifest::{CAPABILITIES, Kind, Manifest, SECRETS};
pub(crate) use new::create;
pub(crate) use secrets::Vault;
pub(crate) use shelf::{Offer, Shelf};
