//! The check before a file is written: the new table is read, and every row must be what was meant.

use std::collections::HashMap;

use adapter::{Error, Host};

use crate::find::Spots;
use crate::identity::{Names, Sketch, State, content_of, each_piece, name_of_cells};
use crate::opened::Opened;
use crate::pieces::Piece;
use crate::span::Row;
use crate::stream::AnyStream;
use crate::table::{Body, Table};

/// What a step makes of the rows of a table: operations by what they concern.
#[derive(Debug, Default)]
pub(crate) struct Meant<'v> {
    /// By where the row begins in the old text: the operation, and the cells it is to have, if it stays.
    pub(crate) touched: HashMap<u64, (usize, Option<&'v [String]>)>,
    /// The new rows in order.
    pub(crate) new: Vec<(usize, &'v [String])>,
    /// The row behind which they come: where it begins; none for the header.
    pub(crate) behind: Option<u64>,
}

impl<'v> Meant<'v> {
    /// Begins with the place of new rows.
    pub(crate) fn new(spots: &Spots) -> Self {
        Self { behind: spots.last.map(|last| last.start), ..Self::default() }
    }

    fn cells(&self) -> impl Iterator<Item = (usize, &'v [String])> {
        let touched = self.touched.values().filter_map(|(op, cells)| Some((*op, (*cells)?)));
        touched.chain(self.new.iter().copied())
    }
}

/// What reading the new table showed.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What is not as meant: by operation, or without one if no single operation is to blame.
    pub(crate) failed: HashMap<Option<usize>, String>,
    /// Of each operation whose row stays: its place among the rows of one name.
    pub(crate) ordinals: HashMap<usize, u32>,
}

/// What a row of the new table must be.
enum Expected<'p, 'v> {
    /// A row of the old table, byte for byte.
    Same(&'p [u8]),
    /// A row that an operation wrote.
    Cells(usize, &'v [String]),
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

/// Reads the new table beside the old one.
///
/// # Errors
/// Fails if either cannot be read, or someone asked to stop.
pub(crate) fn check(before: &Opened<'_>, after: &Opened<'_>, meant: &Meant<'_>, host: &dyn Host) -> Result<Checked, Error> {
    let mut checked = Checked::default();
    if after.layout.digest != before.layout.digest || before.table.header_bytes() != after.table.header_bytes() {
        checked.failed.insert(None, Mismatch::Columns.to_string());
        return Ok(checked);
    }
    let mut names: Names<(u32, State)> = Names::default();
    names.extend(meant.cells().map(|(_, cells)| name_of_cells(cells, &after.layout)).map(|(name, state)| (name, (0, state))));
    let mut walk = Walk::new(before, meant);
    let (mut missing, mut wrong) = (false, Ok(()));
    each_piece(after, host, &mut |piece, sketches| {
        for (row, sketch) in piece.rows.iter().zip(&sketches) {
            match walk.next() {
                Ok(Some(expected)) => checked.look(after, (before, &expected), (piece, *row), sketch, &mut names),
                Ok(None) => missing = true,
                Err(error) => wrong = Err(error),
            }
        }
    })?;
    wrong?;
    if missing || walk.next()?.is_some() {
        checked.failed = HashMap::from([(None, Mismatch::Count.to_string())]);
        return Ok(checked);
    }
    for (op, cells) in meant.cells() {
        let (name, state) = name_of_cells(cells, &after.layout);
        if state == State::Keyed && names.get(&name).is_some_and(|(count, _)| *count > 1) {
            checked.failed.insert(Some(op), Mismatch::Twin.to_string());
        }
    }
    // A row that nobody changed is healed once the operation that changed it is left out.
    if checked.failed.len() > 1 {
        checked.failed.remove(&None);
    }
    Ok(checked)
}

impl Checked {
    fn look(
        &mut self,
        after: &Opened<'_>,
        (before, expected): (&Opened<'_>, &Expected<'_, '_>),
        (piece, row): (&Piece, Row),
        sketch: &Sketch,
        names: &mut Names<(u32, State)>,
    ) {
        let count = names.get_mut(&sketch.name).filter(|(_, state)| *state == sketch.state);
        let ordinal = count.map(|(count, _)| std::mem::replace(count, *count + 1));
        let bytes = piece.bytes(row);
        let (op, mismatch) = match expected {
            Expected::Same(was) => (None, (!same(&before.table, was, &after.table, bytes)).then_some(Mismatch::Untouched)),
            Expected::Cells(op, cells) => (Some(*op), (!reads_as(&after.table, bytes, sketch, cells)).then_some(Mismatch::Cells)),
        };
        self.ordinals.extend(op.zip(ordinal));
        if let Some(mismatch) = mismatch {
            self.failed.insert(op, mismatch.to_string());
        }
    }
}

/// The rows of the old table, with those of a step among them.
struct Walk<'o, 'v> {
    body: Body<AnyStream<'o>>,
    before: &'o Opened<'o>,
    meant: &'v Meant<'v>,
    piece: Option<Piece>,
    /// The next row of the piece.
    at: usize,
    /// The next new row, once their place is reached.
    new: Option<usize>,
}

impl<'o, 'v> Walk<'o, 'v> {
    fn new(before: &'o Opened<'o>, meant: &'v Meant<'v>) -> Self {
        let new = meant.behind.is_none().then_some(0);
        Self { body: before.body(), before, meant, piece: None, at: 0, new }
    }

    fn next(&mut self) -> Result<Option<Expected<'_, 'v>>, Error> {
        loop {
            if let Some(number) = self.new
                && let Some((op, cells)) = self.meant.new.get(number)
            {
                self.new = Some(number + 1);
                return Ok(Some(Expected::Cells(*op, cells)));
            }
            let Some(start) = self.step()? else { return Ok(None) };
            if self.meant.behind == Some(start) {
                self.new = Some(0);
            }
            match self.meant.touched.get(&start) {
                Some((_, None)) => {}
                Some((op, Some(cells))) => return Ok(Some(Expected::Cells(*op, cells))),
                None => break,
            }
        }
        let row = self.piece.as_ref().and_then(|piece| Some(piece.bytes(*piece.rows.get(self.at.checked_sub(1)?)?)));
        Ok(row.map(Expected::Same))
    }

    /// Moves behind the next row of the old table, and returns where that begins.
    fn step(&mut self) -> Result<Option<u64>, Error> {
        loop {
            if let Some(piece) = &self.piece
                && let Some(row) = piece.rows.get(self.at)
            {
                self.at += 1;
                return Ok(Some(piece.start(*row)));
            }
            self.piece = self.body.next().map_err(|error| self.before.origin.failure(error))?;
            self.at = 0;
            if self.piece.is_none() {
                return Ok(None);
            }
        }
    }
}

/// Tells whether a row that nobody changed is what it was: its bytes, in an encoding in which they mean the same.
fn same(before: &Table, was: &[u8], after: &Table, is: &[u8]) -> bool {
    was == is && before.dialect.delimiter == after.dialect.delimiter && (before.encoding == after.encoding || is.is_ascii())
}

fn reads_as(after: &Table, bytes: &[u8], sketch: &Sketch, cells: &[String]) -> bool {
    let second = second_reading(bytes, after.dialect.delimiter);
    let agrees = |(read, meant): (&Vec<u8>, &String)| after.encoding.charset.decode(read).is_some_and(|read| read == meant.as_str());
    let rest_empty = cells.iter().skip(second.len()).all(String::is_empty);
    let agree = second.len() <= cells.len() && rest_empty && second.iter().zip(cells).all(agrees);
    sketch.state != State::Faulty && sketch.content == content_of(cells) && agree
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
