//! A whole table: its text, its header and its rows.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use adapter::Error;
use memchr::memchr;

use crate::charset::{Charset, Text};
use crate::dialect::{Dialect, find_delimiter};
use crate::guess::looks_like_data;
use crate::settings::{RowKind, Settings, ShortRows};
use crate::span::{Row, Rows, Shape, cells, content};

/// A table as it stands in a file.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) text: Text,
    pub(crate) dialect: Dialect,
    pub(crate) headers: Vec<String>,
    pub(crate) header: Row,
    /// The rows that hold something, in order; blank lines and rows of empty cells are left where they are.
    pub(crate) rows: Vec<Row>,
    fill: bool,
}

/// Why a row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("a quoted cell that begins on this line is never closed; close it with a quote")]
    Open,
    #[error("a quote seems to be missing: a quoted cell runs over several lines and text follows its closing quote")]
    Ragged,
    #[error("{found} cells stand here, but the header has {expected}; is a delimiter missing, or a comma not quoted?")]
    Count { found: usize, expected: usize },
    #[error("column \"{column}\" holds bytes that are not {charset}")]
    Damaged { column: String, charset: &'static str, offset: usize },
    #[error("column \"{column}\" holds a NUL character")]
    Nul { column: String, offset: usize },
}

impl Fault {
    /// Returns where in the row the trouble is, in bytes.
    pub(crate) fn offset(&self) -> Option<usize> {
        match self {
            Self::Damaged { offset, .. } | Self::Nul { offset, .. } => Some(*offset),
            Self::Open | Self::Ragged | Self::Count { .. } => None,
        }
    }
}

impl Table {
    /// Reads a table from the bytes of its file.
    ///
    /// # Errors
    /// Fails with [`Error::Source`] if it is empty, no text, or has no header.
    pub(crate) fn read(path: &Path, raw: Vec<u8>, settings: &Settings) -> Result<Self, Error> {
        let source = |reason: String| Error::Source { path: path.to_owned(), reason };
        if raw.is_empty() {
            return Err(source("is empty (0 bytes); a table has at least its header, so it may be torn: restore it".to_owned()));
        }
        let text = Text::read(raw, settings.charset).map_err(source)?;
        let (start, named) = separator_line(&text.bytes);
        let body = text.bytes.get(start..).unwrap_or_default();
        let delimiter = settings.delimiter.or(named).unwrap_or_else(|| find_delimiter(body, !text.charset.hides_bars()));
        let mut all = Rows::new(&text.bytes, delimiter).skip_while(|row| row.start < start || is_blank(&text.bytes, *row, delimiter));
        let Some(header) = all.next() else {
            return Err(source("holds nothing but blank lines; its first line must name the columns".to_owned()));
        };
        let rows: Vec<Row> = all.filter(|row| !is_blank(&text.bytes, *row, delimiter)).collect();
        let dialect = Dialect::learn(&text.bytes, delimiter, header, &rows);
        let fill = settings.short_rows == ShortRows::Fill;
        let mut table = Self { text, dialect, headers: Vec::new(), header, rows, fill };
        table.headers = table.read_header().map_err(source)?;
        table.check_header(settings).map_err(source)?;
        Ok(table)
    }

    /// Returns the bytes of a row without its line ending.
    pub(crate) fn bytes(&self, row: Row) -> &[u8] {
        self.text.bytes.get(row.start..row.end).unwrap_or_default()
    }

    /// Fills `ends` with the ends of a row's cells, as offsets into its bytes.
    ///
    /// # Errors
    /// Fails if the row has another number of cells than the header, or a quote is amiss.
    pub(crate) fn cell_ends(&self, row: Row, ends: &mut Vec<usize>) -> Result<(), Fault> {
        cells(self.bytes(row), self.dialect.delimiter, row.shape, ends);
        let (found, expected) = (ends.len(), self.headers.len());
        match row.shape {
            Shape::Open => Err(Fault::Open),
            Shape::Ragged => Err(Fault::Ragged),
            _ if found == expected || (self.fill && found < expected) => Ok(()),
            _ => Err(Fault::Count { found, expected }),
        }
    }

    /// Calls `each` with the bytes of every cell of a row, quotes undone, and where in the row it begins.
    pub(crate) fn each_cell<'t, E>(
        &'t self,
        row: Row,
        ends: &[usize],
        mut each: impl FnMut(Cow<'t, [u8]>, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = self.bytes(row);
        let mut start = 0;
        for end in ends {
            let at = std::mem::replace(&mut start, end + 1);
            each(content(bytes.get(at..*end).unwrap_or_default()), at)?;
        }
        Ok(())
    }

    /// Returns the cells of a row as text, as many as the header has.
    ///
    /// # Errors
    /// Fails with the first thing that is wrong with the row.
    pub(crate) fn cells(&self, row: Row) -> Result<Vec<Cow<'_, str>>, Fault> {
        let mut ends = Vec::with_capacity(self.headers.len());
        let mut texts = Vec::with_capacity(self.headers.len());
        self.cell_ends(row, &mut ends)?;
        self.read_cells(row, &ends, &mut texts)?;
        Ok(texts)
    }

    /// Fills `texts` with the cells of a row that end at `ends`, as many as the header has.
    ///
    /// # Errors
    /// Fails with the first cell that is no text.
    pub(crate) fn read_cells<'t>(&'t self, row: Row, ends: &[usize], texts: &mut Vec<Cow<'t, str>>) -> Result<(), Fault> {
        texts.clear();
        let whole = self.whole_text(row);
        let mut start = 0;
        for end in ends {
            let span = std::mem::replace(&mut start, end + 1)..*end;
            let bare = whole.and_then(|row| row.get(span.clone())).filter(|cell| !cell.starts_with('"'));
            texts.push(match bare {
                Some(cell) => Cow::Borrowed(cell),
                None => self.read_cell(row, span, texts.len())?,
            });
        }
        texts.resize(self.headers.len().max(texts.len()), Cow::Borrowed(""));
        Ok(())
    }

    /// Returns a row that is text in one piece, so that its cells need no look each.
    pub(crate) fn whole_text(&self, row: Row) -> Option<&str> {
        let bytes = self.bytes(row);
        let text = match self.text.charset {
            Charset::Legacy(_) => std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
            Charset::Utf8 | Charset::Utf16Little | Charset::Utf16Big => std::str::from_utf8(bytes).ok(),
        };
        text.filter(|_| memchr(0, bytes).is_none())
    }

    fn read_cell(&self, row: Row, span: Range<usize>, column: usize) -> Result<Cow<'_, str>, Fault> {
        let offset = span.start;
        let cell = content(self.bytes(row).get(span).unwrap_or_default());
        let column = || self.headers.get(column).cloned().unwrap_or_default();
        if memchr(0, &cell).is_some() {
            return Err(Fault::Nul { column: column(), offset });
        }
        self.decode(cell).ok_or_else(|| Fault::Damaged { column: column(), charset: self.text.charset.name(), offset })
    }

    /// Returns the text of one cell of a row whose cells end at `ends`.
    pub(crate) fn text_at(&self, row: Row, ends: &[usize], column: usize) -> Option<Cow<'_, str>> {
        let start = column.checked_sub(1).map_or(Some(0), |before| ends.get(before).map(|end| end + 1))?;
        self.decode(content(self.bytes(row).get(start..*ends.get(column)?)?))
    }

    /// Returns the first text of a row that may be damaged, for people.
    pub(crate) fn title(&self, row: Row) -> Option<String> {
        let bytes = self.bytes(row);
        let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
        let mut ends = Vec::new();
        cells(head, self.dialect.delimiter, row.shape, &mut ends);
        let mut start = 0;
        ends.iter().find_map(|end| {
            let cell = content(head.get(std::mem::replace(&mut start, end + 1)..*end).unwrap_or_default());
            let text = self.text.charset.decode(&cell).unwrap_or_else(|| String::from_utf8_lossy(&cell)).trim().to_owned();
            let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            (!shown.is_empty()).then_some(shown)
        })
    }

    /// Returns the first values of a column.
    pub(crate) fn sample(&self, column: usize) -> Vec<String> {
        let rows = self.rows.iter().take(1000).filter_map(|row| self.cells(*row).ok());
        rows.filter_map(|cells| cells.get(column).map(|cell| cell.clone().into_owned())).collect()
    }

    fn decode<'t>(&self, cell: Cow<'t, [u8]>) -> Option<Cow<'t, str>> {
        match cell {
            Cow::Borrowed(bytes) => self.text.charset.decode(bytes),
            Cow::Owned(bytes) => self.text.charset.decode(&bytes).map(|text| Cow::Owned(text.into_owned())),
        }
    }

    fn read_header(&self) -> Result<Vec<String>, String> {
        let line = self.header.line();
        if matches!(self.header.shape, Shape::Open | Shape::Ragged) {
            return Err(format!("line {line}: a quote in the header is never closed; close it"));
        }
        let mut ends = Vec::new();
        cells(self.bytes(self.header), self.dialect.delimiter, self.header.shape, &mut ends);
        let mut headers = Vec::with_capacity(ends.len());
        self.each_cell(self.header, &ends, |cell, _| {
            let text = self.decode(cell).filter(|text| !text.contains('\0'));
            headers.push(text.ok_or_else(|| format!("line {line}: the header is not {} text", self.text.charset.name()))?.into_owned());
            Ok::<(), String>(())
        })?;
        Ok(headers)
    }

    fn check_header(&self, settings: &Settings) -> Result<(), String> {
        let data = self.headers.iter().find(|header| settings.kind != Some(RowKind::Row) && looks_like_data(header));
        let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
        let known = |column: &String| self.headers.iter().any(|header| same(header, column));
        let wanted: Vec<&String> = settings.columns.iter().flatten().map(|(column, _)| column).chain(&settings.key).collect();
        let strange = !wanted.is_empty() && !wanted.iter().any(|column| known(column));
        // A single wrong name is a slip in the job's file; then the layout says which one.
        if data.is_none() && !(strange && wanted.len() > 1) {
            return Ok(());
        }
        let expected = wanted.first().map_or_else(|| "Name".to_owned(), |column| (*column).clone());
        let expected = if expected.is_empty() { "Name".to_owned() } else { expected };
        let found = data.or_else(|| self.headers.first()).map(String::as_str).unwrap_or_default();
        let found: String = found.chars().filter(|c| !c.is_control()).take(80).collect();
        Err(format!(
            "line {}: the header is missing: the names of the columns are expected here, as \"{expected}\", but \"{found}\" was found; put a first line with the columns' names back",
            self.header.line()
        ))
    }
}

/// Reads the line `sep=;` that Excel understands: where the table begins, and its delimiter.
fn separator_line(text: &[u8]) -> (usize, Option<u8>) {
    match text {
        [s, e, p, b'=', delimiter, end @ (b'\r' | b'\n'), rest @ ..] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => {
            let length = if *end == b'\r' && rest.first() == Some(&b'\n') { 7 } else { 6 };
            (length, Some(*delimiter).filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)))
        }
        _ => (0, None),
    }
}

/// Tells whether a row holds nothing: a blank line, or empty cells only.
fn is_blank(text: &[u8], row: Row, delimiter: u8) -> bool {
    let bytes = text.get(row.start..row.end).unwrap_or_default();
    if row.shape == Shape::Open || bytes.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'"' | b'\r' | b'\n') && *byte != delimiter) {
        return false;
    }
    if row.shape == Shape::Plain {
        return !bytes.contains(&b'"');
    }
    let mut ends = Vec::new();
    cells(bytes, delimiter, row.shape, &mut ends);
    let mut start = 0;
    ends.iter().all(|end| content(bytes.get(std::mem::replace(&mut start, end + 1)..*end).unwrap_or_default()).trim_ascii().is_empty())
}
