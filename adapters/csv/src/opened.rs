//! A table that was read: its cells, its layout, and which row is which.

use std::path::{Path, PathBuf};

use adapter::Error;

use crate::identity::Index;
use crate::layout::Layout;
use crate::settings::{Settings, ShortRows};
use crate::table::Table;

/// A table that was read, with all that is known of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) table: Table,
    pub(crate) layout: Layout,
    pub(crate) index: Index,
    pub(crate) short_rows: ShortRows,
}

impl Opened {
    /// Reads a table from the bytes of its file.
    ///
    /// # Errors
    /// Fails if it is no table with a header, or lacks a column that the job names.
    pub(crate) fn read(path: &Path, raw: Vec<u8>, settings: &Settings) -> Result<Self, Error> {
        let table = Table::read(path, raw, settings)?;
        let layout = Layout::find(&table.headers, settings, &|column| table.sample(column))?;
        let index = Index::of(&table, &layout);
        Ok(Self { path: path.to_owned(), table, layout, index, short_rows: settings.short_rows })
    }
}
