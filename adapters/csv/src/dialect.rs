//! The habits of a table: delimiter, line ending, quoting.

use crate::span::{Row, Rows, Shape, cells, content, ending};

/// How many rows are looked at to learn a habit.
const ROWS: usize = 1000;
/// How many bytes are looked at to find the delimiter.
pub(crate) const SAMPLE: usize = 64 * 1024;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a table writes line ends and quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The byte between cells.
    pub(crate) delimiter: u8,
    /// What ends a row.
    pub(crate) ending: &'static str,
    /// What breaks a line inside a cell.
    pub(crate) fold: &'static str,
    /// How each column quotes.
    pub(crate) quoting: Vec<Quoting>,
}

/// How a column quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quoting {
    /// Cells that hold something are quoted whether they need it or not.
    pub(crate) always: bool,
    /// Empty cells are quoted.
    pub(crate) empty: bool,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    bare: usize,
    needless: usize,
    empty_bare: usize,
    empty_quoted: usize,
}

impl Tally {
    fn quoting(self, table: Self) -> Quoting {
        let seen = if self.bare + self.needless > 0 { self } else { table };
        let empties = if self.empty_bare + self.empty_quoted > 0 { self } else { table };
        Quoting { always: seen.needless > seen.bare, empty: empties.empty_quoted > empties.empty_bare }
    }

    fn add(&mut self, other: Self) {
        self.bare += other.bare;
        self.needless += other.needless;
        self.empty_bare += other.empty_bare;
        self.empty_quoted += other.empty_quoted;
    }

    fn count(&mut self, cell: &[u8], delimiter: u8) {
        match (cell.first(), cell.len()) {
            (None, _) => self.empty_bare += 1,
            (Some(b'"'), 2) => self.empty_quoted += 1,
            (Some(b'"'), _) if !needs_quotes(&content(cell), delimiter) => self.needless += 1,
            (Some(b'"'), _) => {}
            (Some(_), _) => self.bare += 1,
        }
    }
}

impl Dialect {
    /// Learns the habits of a table from its header and first rows.
    pub(crate) fn learn(text: &[u8], delimiter: u8, header: Row, rows: &[Row]) -> Self {
        let mut tallies: Vec<Tally> = Vec::new();
        let mut ends = Vec::new();
        let mut fold = "\n";
        for row in std::iter::once(&header).chain(rows.iter().take(ROWS)) {
            let bytes = text.get(row.start..row.end).unwrap_or_default();
            cells(bytes, delimiter, row.shape, &mut ends);
            if row.start == header.start {
                tallies.resize(ends.len(), Tally::default());
            }
            if row.shape == Shape::Folded && memchr::memmem::find(bytes, b"\r\n").is_some() {
                fold = "\r\n";
            }
            let mut start = 0;
            for (tally, end) in tallies.iter_mut().zip(&ends) {
                let at = std::mem::replace(&mut start, end + 1);
                if row.start != header.start || rows.is_empty() {
                    tally.count(bytes.get(at..*end).unwrap_or_default(), delimiter);
                }
            }
        }
        let mut table = Tally::default();
        tallies.iter().for_each(|tally| table.add(*tally));
        let quoting = tallies.iter().map(|tally| tally.quoting(table)).collect();
        Self { delimiter, ending: line_ending(text, header, rows), fold, quoting }
    }

    /// Returns the bytes of a cell: `value`, quoted as its column does it.
    pub(crate) fn quote(&self, value: &[u8], column: usize, was: Option<&[u8]>) -> Vec<u8> {
        let habit = self.quoting.get(column).copied().unwrap_or_default();
        let kept = was.is_some_and(|cell| cell.len() > 2 && cell.first() == Some(&b'"') && !needs_quotes(&content(cell), self.delimiter));
        let quoted = if value.is_empty() { habit.empty } else { habit.always || kept || needs_quotes(value, self.delimiter) };
        if !quoted {
            return value.to_vec();
        }
        let mut cell = Vec::with_capacity(value.len() + 2);
        cell.push(b'"');
        for byte in value {
            if *byte == b'"' {
                cell.push(b'"');
            }
            cell.push(*byte);
        }
        cell.push(b'"');
        cell
    }
}

/// Tells whether a value can only stand in quotes.
fn needs_quotes(value: &[u8], delimiter: u8) -> bool {
    value.iter().any(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r'))
}

fn line_ending(text: &[u8], header: Row, rows: &[Row]) -> &'static str {
    let found = std::iter::once(&header).chain(rows.iter().take(ROWS)).map(|row| ending(text, row.end)).find(|found| !found.is_empty());
    match found {
        Some(b"\r\n") => "\r\n",
        Some(b"\r") => "\r",
        _ => "\n",
    }
}

/// Finds the delimiter: the one whose rows agree best with their header.
pub(crate) fn find_delimiter(text: &[u8], bars: bool) -> u8 {
    let whole = text.len() <= SAMPLE;
    let sample = text.get(..SAMPLE).unwrap_or(text);
    DELIMITERS
        .into_iter()
        .filter(|delimiter| bars || *delimiter != b'|')
        .filter_map(|delimiter| Some((agreement(sample, delimiter, whole)?, delimiter)))
        .max_by_key(|(score, delimiter)| (*score, *delimiter == b','))
        .map_or(b',', |(_, delimiter)| delimiter)
}

/// Returns how many rows in a thousand have as many cells as the header, and how many cells those are; none for one cell.
fn agreement(sample: &[u8], delimiter: u8, whole: bool) -> Option<(usize, usize)> {
    let mut ends = Vec::new();
    let mut counts = Vec::new();
    for row in Rows::new(sample, delimiter).filter(|row| row.start < row.end).take(64) {
        if !whole && row.next() >= sample.len() && !counts.is_empty() {
            break;
        }
        cells(sample.get(row.start..row.end).unwrap_or_default(), delimiter, row.shape, &mut ends);
        counts.push(ends.len());
    }
    let header = *counts.first()?;
    let agreeing = counts.iter().filter(|count| **count == header).count();
    (header > 1).then(|| (agreeing * 1000 / counts.len().max(1), header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(text: &[u8]) -> Dialect {
        let delimiter = find_delimiter(text, true);
        let mut rows = Rows::new(text, delimiter);
        let header = rows.next().unwrap();
        Dialect::learn(text, delimiter, header, &rows.collect::<Vec<_>>())
    }

    #[test]
    fn the_delimiter_is_the_one_on_which_rows_agree() {
        assert_eq!(find_delimiter(b"Name;Phone\nDoe, John;1,2\n", true), b';');
        assert_eq!(find_delimiter(b"Name\tPhone\na\tb", true), b'\t');
        assert_eq!(find_delimiter(b"Name|Phone\na|b", true), b'|');
        assert_eq!(find_delimiter(b"Name\nDoe; John\n", true), b',');
        assert_eq!(find_delimiter(b"\"a;b\",c\n1,2", true), b',');
    }

    #[test]
    fn each_column_keeps_its_habit() {
        let dialect = learn(b"a,b,c\r\n\"x\",1,\"\"\r\n\"y\",\"1,2\",\"\"\r\n");
        assert_eq!(dialect.ending, "\r\n");
        assert_eq!(dialect.quote(b"z", 0, Some(b"\"x\"")), b"\"z\"");
        assert_eq!(dialect.quote(b"3", 1, Some(b"\"1,2\"")), b"3");
        assert_eq!(dialect.quote(b"3,4", 1, Some(b"1")), b"\"3,4\"");
        assert_eq!(dialect.quote(b"", 2, None), b"\"\"");
        assert_eq!(dialect.quote(b"say \"x\"", 1, None), b"\"say \"\"x\"\"\"");
    }

    #[test]
    fn a_table_without_rows_quotes_as_its_header() {
        assert_eq!(learn(b"\"a\";\"b\"\n").quote(b"1", 1, None), b"\"1\"");
        assert_eq!(learn(b"a;b").quote(b"1", 1, None), b"1");
    }
}
