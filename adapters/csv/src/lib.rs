//! A spreadsheet kept as CSV, read and edited in place: only the cells that change are written.
//!
//! The way of a table: `charset` (bytes to characters), `span` (rows and cells), `table` (a whole file),
//! `layout` (what each column means), `decode` and `encode` (row ↔ record), `compose` (a new file,
//! read back before it is written), `endpoint` (the adapter).

mod agenda;
mod charset;
mod compose;
mod dates;
mod decode;
mod dialect;
mod encode;
mod endpoint;
mod formula;
mod guess;
mod identity;
mod layout;
mod mapping;
mod moments;
mod opened;
mod outline;
mod presets;
mod readback;
mod scan;
mod settings;
mod slots;
mod span;
mod table;
mod truth;
mod words;
mod write;

pub use endpoint::Csv;
pub use outline::outline;

use adapter::Format;

/// Returns the format, as an application registers it.
#[must_use]
pub fn format() -> &'static dyn Format {
    &Csv
}
