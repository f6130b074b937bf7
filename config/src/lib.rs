//! A device's `syncretic.toml` as typed values, or the lines that are wrong and what to do about them.
//!
//! [`read`] and [`parse`] check everything that TOML alone can tell and report every problem of a file at once. What an
//! adapter's option means is not known here: [`Endpoint::check`](job::Endpoint::check) holds the options against what an
//! adapter expects, and [`Problem::at`] reports in the same form whatever else its caller finds.

mod check;
mod document;
mod endpoint;
pub mod job;
mod jobs;
mod keys;
pub mod options;
mod path;
mod printable;
pub mod problem;
mod section;
mod smallest;
pub mod source;
pub mod suggest;

pub use document::{parse, read};
pub use job::{Config, Endpoint, Guard, Job, Link, Merge, SameField, StoreChoice};
pub use options::{Expected, OptionValue, Options, Shape};
pub use problem::{Kind, Problem, Problems};
pub use smallest::SMALLEST;
pub use source::{Location, Source, Span, Spanned};
