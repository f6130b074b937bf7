//! The check before a file is written: the new table is read, and every row must be what was meant.

use std::collections::HashMap;

use crate::identity::{State, content_of};
use crate::opened::Opened;

/// What a row of the new table must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected<'v> {
    /// The row at this place of the old table, byte for byte.
    Same { row: usize },
    /// A row that an operation wrote.
    Cells { op: usize, cells: &'v [String] },
}

/// Why a new table is not what was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Mismatch {
    #[error("another number of rows")]
    Count,
    #[error("other columns")]
    Columns,
    #[error("a row that nobody changed")]
    Untouched,
    #[error("another row has this key")]
    Twin,
    #[error("other cells than were written")]
    Cells,
}

/// Returns what is not as meant: by operation, or without one if no single operation is to blame.
pub(crate) fn check(before: &Opened, after: &Opened, expected: &[Expected<'_>]) -> HashMap<Option<usize>, String> {
    let mut failed = HashMap::new();
    let header = |opened: &Opened| opened.table.bytes(opened.table.header).to_vec();
    let whole = if after.layout.digest != before.layout.digest || header(before) != header(after) {
        Some(Mismatch::Columns)
    } else if after.table.rows.len() != expected.len() {
        Some(Mismatch::Count)
    } else {
        None
    };
    if let Some(mismatch) = whole {
        failed.insert(None, mismatch.to_string());
        return failed;
    }
    for (at, expected) in expected.iter().enumerate() {
        let (op, verdict) = match *expected {
            Expected::Same { row } if same(before, row, after, at) => (None, Ok(())),
            Expected::Same { .. } => (None, Err(Mismatch::Untouched)),
            Expected::Cells { op, cells } => (Some(op), row_of(after, at, cells)),
        };
        if let Err(mismatch) = verdict {
            failed.insert(op, mismatch.to_string());
        }
    }
    // A row whose key was taken is healed once the one that took it is left out.
    if failed.len() > 1 {
        failed.remove(&None);
    }
    failed
}

fn same(before: &Opened, row: usize, after: &Opened, at: usize) -> bool {
    let (Some(old), Some(new)) = (before.table.rows.get(row), after.table.rows.get(at)) else { return false };
    let (Some(was), Some(is)) = (before.index.sketches.get(row), after.index.sketches.get(at)) else { return false };
    let state = was.state == is.state || (was.state == State::Twin && is.state == State::Keyed);
    state && was.content == is.content && before.table.bytes(*old) == after.table.bytes(*new)
}

fn row_of(after: &Opened, at: usize, cells: &[String]) -> Result<(), Mismatch> {
    let (Some(row), Some(sketch)) = (after.table.rows.get(at), after.index.sketches.get(at)) else { return Err(Mismatch::Count) };
    if sketch.state == State::Twin {
        return Err(Mismatch::Twin);
    }
    let second = second_reading(after.table.bytes(*row), after.table.dialect.delimiter);
    let agrees = |(read, meant): (&Vec<u8>, &String)| after.table.text.charset.decode(read).is_some_and(|read| read == meant.as_str());
    let rest_empty = cells.iter().skip(second.len()).all(String::is_empty);
    let agree = second.len() <= cells.len() && rest_empty && second.iter().zip(cells).all(agrees);
    if sketch.state == State::Faulty || sketch.content != content_of(cells) || !agree {
        return Err(Mismatch::Cells);
    }
    Ok(())
}

/// Reads a row with the crate `csv-core`, so that a mistake of ours is not checked by itself.
fn second_reading(row: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut cells, mut cell) = (Vec::new(), Vec::new());
    let (mut input, mut out) = (row, [0; 512]);
    loop {
        let (result, read, written) = reader.read_field(input, &mut out);
        input = input.get(read..).unwrap_or_default();
        cell.extend_from_slice(out.get(..written).unwrap_or_default());
        match result {
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::Field { .. } => cells.push(std::mem::take(&mut cell)),
            csv_core::ReadFieldResult::End => return cells,
        }
    }
}
