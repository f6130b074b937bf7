//! Rows and cells as spans of bytes: rows tile the text, cells tile a row.
//!
//! Reads what `csv-core` reads (RFC 4180, any line ending): a quote opens only at the start of a cell,
//! two quotes inside stand for one, and what follows the closing quote belongs to the cell.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where its first cell begins.
    pub(crate) start: usize,
    /// Where its last cell ends.
    pub(crate) end: usize,
    /// The line on which it begins, counted from one.
    line: u32,
    /// How many bytes its line ending has.
    ending: u8,
    /// How its quotes stand.
    pub(crate) shape: Shape,
}

/// How the quotes of a row stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No cell is quoted.
    Plain,
    /// Some cell is quoted; the row stands on one line.
    Quoted,
    /// A quoted cell holds a line break.
    Folded,
    /// Text stands behind a closing quote, and the row spans lines: a quote too few somewhere swallowed rows.
    Ragged,
    /// A quote is never closed: the row ends with the text.
    Open,
}

impl Row {
    /// Returns where the line ending ends: the start of the next row.
    pub(crate) fn next(&self) -> usize {
        self.end + usize::from(self.ending)
    }

    /// Returns the row as a place in a text in which it stands further behind.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by, ..self }
    }

    /// Returns the line on which it begins, counted from one.
    pub(crate) fn line(&self) -> u64 {
        u64::from(self.line)
    }
}

/// Cuts a text into rows.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'t> {
    text: &'t [u8],
    delimiter: u8,
    at: usize,
    line: u64,
}

impl<'t> Rows<'t> {
    /// Begins at the start of the text.
    pub(crate) fn new(text: &'t [u8], delimiter: u8) -> Self {
        Self::from_line(text, delimiter, 1)
    }

    /// Begins at the start of a text that begins on this line.
    pub(crate) fn from_line(text: &'t [u8], delimiter: u8, line: u64) -> Self {
        Self { text, delimiter, at: 0, line }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let (start, line) = (self.at, self.line);
        let text = self.text;
        if start >= text.len() {
            return None;
        }
        let mut scan = Scan { text, delimiter: self.delimiter, start, at: start, breaks: 0, quoted: false, spill: false };
        let open = !scan.run_out();
        let end = scan.at;
        let ending = ending(text, end).len();
        self.at = end + ending;
        self.line = self.line.saturating_add(scan.breaks).saturating_add(1);
        let shape = match (open, scan.quoted, scan.breaks > 0, scan.spill) {
            (true, ..) => Shape::Open,
            (_, false, ..) => Shape::Plain,
            (_, _, false, _) => Shape::Quoted,
            (_, _, true, false) => Shape::Folded,
            (_, _, true, true) => Shape::Ragged,
        };
        // Rows are kept by the million, so they are small; a line that no editor could show is the last one.
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Some(Row { start, end, line, ending: if ending == 2 { 2 } else { u8::from(ending == 1) }, shape })
    }
}

struct Scan<'t> {
    text: &'t [u8],
    delimiter: u8,
    start: usize,
    at: usize,
    breaks: u64,
    quoted: bool,
    spill: bool,
}

impl Scan<'_> {
    /// Moves to the end of the row; false if a quote stays open.
    fn run_out(&mut self) -> bool {
        loop {
            let Some(found) = memchr3(b'"', b'\n', b'\r', rest(self.text, self.at)) else {
                self.at = self.text.len();
                return true;
            };
            let place = self.at + found;
            if self.text.get(place) != Some(&b'"') {
                self.at = place;
                return true;
            }
            let opens = place == self.start || self.text.get(place.wrapping_sub(1)) == Some(&self.delimiter);
            self.at = place + 1;
            if opens && !self.past_quoted() {
                return false;
            }
        }
    }

    /// Moves behind the closing quote of the cell whose opening quote was just passed.
    fn past_quoted(&mut self) -> bool {
        self.quoted = true;
        let from = self.at;
        let Some(close) = closing(self.text, from) else {
            self.at = self.text.len();
            return false;
        };
        self.breaks += breaks(self.text.get(from..close).unwrap_or_default());
        self.at = close + 1;
        self.spill |= self.text.get(self.at).is_some_and(|byte| *byte != self.delimiter && !matches!(byte, b'\r' | b'\n'));
        true
    }
}

/// Returns the place of the quote that closes a cell whose content begins at `from`.
fn closing(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let place = at + memchr(b'"', rest(text, at))?;
        if text.get(place + 1) != Some(&b'"') {
            return Some(place);
        }
        at = place + 2;
    }
}

/// Counts line breaks: LF, CRLF and CR are one each.
fn breaks(text: &[u8]) -> u64 {
    if memchr2(b'\n', b'\r', text).is_none() {
        return 0;
    }
    let lone = memchr_iter(b'\r', text).filter(|place| text.get(place + 1) != Some(&b'\n')).count();
    (memchr_iter(b'\n', text).count() + lone) as u64
}

/// Returns the line ending that stands at `at`; nothing at the end of the text.
pub(crate) fn ending(text: &[u8], at: usize) -> &[u8] {
    let length = match (text.get(at), text.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\r' | b'\n'), _) => 1,
        _ => 0,
    };
    text.get(at..at + length).unwrap_or_default()
}

/// Returns where each cell of a row ends, as offsets into the row's content.
pub(crate) fn cells(row: &[u8], delimiter: u8, shape: Shape, ends: &mut Vec<usize>) {
    ends.clear();
    if shape == Shape::Plain {
        ends.extend(memchr_iter(delimiter, row));
        ends.push(row.len());
        return;
    }
    let mut from = past_quotes(row, 0);
    for place in memchr_iter(delimiter, row) {
        if place >= from {
            ends.push(place);
            from = past_quotes(row, place + 1);
        }
    }
    ends.push(row.len());
}

/// Returns where the cell that begins at `start` can end at the earliest: behind its quotes, if it has any.
fn past_quotes(row: &[u8], start: usize) -> usize {
    match row.get(start) {
        Some(b'"') => closing(row, start + 1).map_or(row.len(), |close| close + 1),
        _ => start,
    }
}

/// Returns the bytes that a cell stands for: without its quotes, if it has any.
pub(crate) fn content(cell: &[u8]) -> Cow<'_, [u8]> {
    let Some(inside) = cell.strip_prefix(b"\"") else { return Cow::Borrowed(cell) };
    let close = closing(cell, 1);
    let body = close.map_or(inside, |close| cell.get(1..close).unwrap_or_default());
    let spill = close.and_then(|close| cell.get(close + 1..)).unwrap_or_default();
    if spill.is_empty() && memchr(b'"', body).is_none() {
        return Cow::Borrowed(body);
    }
    let mut out = Vec::with_capacity(cell.len());
    let mut at = 0;
    while let Some(place) = memchr(b'"', rest(body, at)).map(|place| at + place) {
        out.extend_from_slice(body.get(at..=place).unwrap_or_default());
        at = place + 2;
    }
    out.extend_from_slice(rest(body, at));
    out.extend_from_slice(spill);
    Cow::Owned(out)
}

fn rest(text: &[u8], at: usize) -> &[u8] {
    text.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut ends = Vec::new();
        Rows::new(text, b',')
            .filter(|row| row.start < row.end)
            .map(|row| {
                let bytes = &text[row.start..row.end];
                cells(bytes, b',', row.shape, &mut ends);
                let mut start = 0;
                ends.iter().map(|end| content(&bytes[std::mem::replace(&mut start, end + 1)..*end]).into_owned()).collect()
            })
            .collect()
    }

    fn oracle(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv_core::Reader::new();
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), Vec::new());
        let (mut input, mut out) = (text, [0; 64]);
        loop {
            let (result, read, written) = reader.read_field(input, &mut out);
            input = &input[read..];
            cell.extend_from_slice(&out[..written]);
            match result {
                csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
                csv_core::ReadFieldResult::Field { record_end } => {
                    row.push(std::mem::take(&mut cell));
                    if record_end {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                csv_core::ReadFieldResult::End => return rows,
            }
        }
    }

    #[test]
    fn rows_know_their_lines_and_shapes() {
        let text = b"a,b\r\n\"x\ny\",2\r\"q\",\"r\"\n\n\"a\nb\"c\nd,\"open";
        let rows: Vec<_> = Rows::new(text, b',').map(|row| (row.line(), row.shape)).collect();
        use Shape::{Folded, Open, Plain, Quoted, Ragged};
        assert_eq!(rows, [(1, Plain), (2, Folded), (4, Quoted), (5, Plain), (6, Ragged), (8, Open)]);
    }

    #[test]
    fn quotes_in_the_middle_mean_themselves() {
        assert_eq!(read(b"12\" disk,\"a \"\"b\"\"\",\"x\"y"), [[&b"12\" disk"[..], b"a \"b\"", b"xy"]]);
    }

    proptest! {
        #[test]
        fn csv_core_reads_the_same_cells(text in "[ab,\"\n\r]{0,40}") {
            prop_assert_eq!(read(text.as_bytes()), oracle(text.as_bytes()));
        }

        #[test]
        fn rows_tile_every_text(text in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..80)) {
            let mut at = 0;
            for row in Rows::new(&text, b',') {
                prop_assert_eq!(row.start, at);
                prop_assert!(row.end <= row.next());
                at = row.next();
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
