//! A table whose beginning was read: what its rows mean is known, and they can be read one after another.

use adapter::Error;

use crate::layout::Layout;
use crate::settings::{Settings, ShortRows};
use crate::source::Origin;
use crate::stream::AnyStream;
use crate::table::{Body, Table};

/// A table whose beginning was read.
#[derive(Debug)]
pub(crate) struct Opened<'o> {
    pub(crate) origin: &'o dyn Origin,
    pub(crate) table: Table,
    pub(crate) layout: Layout,
    pub(crate) short_rows: ShortRows,
}

impl<'o> Opened<'o> {
    /// Reads the beginning of a table.
    ///
    /// # Errors
    /// Fails if it is no table with a header, or lacks a column that the job names.
    pub(crate) fn read(origin: &'o dyn Origin, settings: &Settings) -> Result<Self, Error> {
        let table = Table::read(origin, settings)?;
        let layout = Layout::find(&table.headers, settings, &|column| table.sample(column))?;
        Ok(Self { origin, table, layout, short_rows: settings.short_rows })
    }

    /// Begins to read the rows.
    pub(crate) fn body(&self) -> Body<AnyStream<'o>> {
        self.table.body(self.origin)
    }
}
