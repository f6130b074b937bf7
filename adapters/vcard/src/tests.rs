//! What holds for cards as a whole.

mod conformance;
mod corpus;
mod edits;
mod endpoint;
mod folder;
mod holding;
mod oracle;
mod rest;
mod rows;
mod single;
mod validity;
