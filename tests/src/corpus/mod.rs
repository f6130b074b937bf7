//! Files before their adapters: what is read, what survives into a new file, what an edit touches, and whether two meet.
//!
//! What is lost is judged by `reader`, which shares nothing with the adapters.

mod edits;
mod endpoint;
mod examination;
mod meeting;
mod reader;
mod report;

pub use examination::{Examination, Format, examine};
pub use reader::{Entry, entries, lost};
pub use report::table;
