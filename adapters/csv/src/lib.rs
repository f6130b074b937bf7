//! A spreadsheet kept as CSV, read and edited in place: only the cells that change are written.
//!
//! The way of a table: `source` and `stream` (bytes, block by block), `charset` (bytes to characters), `span` and `pieces`
//! (rows and cells), `table` (what the beginning of a file shows), `layout` (what each column means), `identity` (which row
//! is which), `decode` and `encode` (row ↔ record), `compose` (a new file, read back before it is written), `endpoint`
//! (the adapter). No file is held whole but a small one.

mod agenda;
mod charset;
mod compose;
mod dates;
mod decode;
mod dialect;
mod encode;
mod endpoint;
mod find;
mod formula;
mod guess;
mod identity;
mod layout;
mod mapping;
mod moments;
mod opened;
mod outline;
mod pieces;
mod presets;
mod readback;
mod scan;
mod settings;
mod slots;
mod source;
mod span;
mod stream;
mod table;
mod template;
mod truth;
mod words;
mod write;

pub use endpoint::{Csv, room};
pub use outline::outline;

use adapter::Format;

/// Returns the format, as an application registers it.
#[must_use]
pub fn format() -> &'static dyn Format {
    &Csv
}
