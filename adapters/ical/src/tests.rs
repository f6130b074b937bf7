//! Laws of the adapter.

mod conformance;
mod corpus;
mod edits;
mod endpoint;
mod oracle;
mod reading;
