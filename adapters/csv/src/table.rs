//! What is known of a table before its rows are read: its encoding, its habits and its header.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use adapter::Error;
use memchr::memchr;

use crate::charset::{Charset, Decoded, Encoding};
use crate::dialect::{Dialect, SAMPLE, find_delimiter};
use crate::guess::looks_like_data;
use crate::pieces::{PIECE, Piece, Pieces};
use crate::settings::{RowKind, Settings, ShortRows};
use crate::source::Origin;
use crate::span::{Row, Shape, cells, content};
use crate::stream::{AnyStream, Stream};

/// How many rows are looked at to learn a habit or the form of a column.
const ROWS: usize = 1000;

/// A table as its beginning shows it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) encoding: Encoding,
    pub(crate) dialect: Dialect,
    pub(crate) headers: Vec<String>,
    /// The header as a place in the text.
    pub(crate) header: Row,
    /// The beginning of the text: the header and the first rows.
    head: Vec<u8>,
    /// The first rows that hold something, as places in the text.
    pub(crate) first: Vec<Row>,
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
    /// Reads the beginning of a table.
    ///
    /// # Errors
    /// Fails with [`Error::Source`] if it is empty, no text, or has no header.
    pub(crate) fn read(origin: &dyn Origin, settings: &Settings) -> Result<Self, Error> {
        let source = |reason: String| Error::Source { path: origin.path().to_owned(), reason };
        let fails = |error| origin.failure(error);
        let encoding = Encoding::find(origin.raw(), settings.charset).map_err(fails)?;
        let mut text = encoding.decoded(origin.raw());
        let mut head = Vec::new();
        // One byte more than the sample tells whether the text is longer.
        while head.len() <= SAMPLE + SEPARATOR && text.more(&mut head).map_err(fails)? {}
        let (start, named) = separator_line(&head);
        let body = head.get(start..).unwrap_or_default();
        let delimiter = settings.delimiter.or(named).unwrap_or_else(|| find_delimiter(body, !encoding.charset.hides_bars()));
        let (head, mut first) = first_rows(head, text, delimiter, start).map_err(fails)?;
        if first.is_empty() {
            return Err(source("holds nothing but blank lines; its first line must name the columns".to_owned()));
        }
        let header = first.remove(0);
        let dialect = Dialect::learn(&head, delimiter, header, &first);
        let fill = settings.short_rows == ShortRows::Fill;
        let mut table = Self { encoding, dialect, headers: Vec::new(), header, head, first, fill };
        table.headers = table.read_header().map_err(source)?;
        table.check_header(settings).map_err(source)?;
        Ok(table)
    }

    /// Begins to read the rows below the header.
    pub(crate) fn body<'o>(&self, origin: &'o dyn Origin) -> Body<AnyStream<'o>> {
        let pieces = Pieces::new(Vec::new(), self.encoding.decoded(origin.raw()), self.dialect.delimiter, PIECE);
        Body { pieces, delimiter: self.dialect.delimiter, header: self.header.start as u64 }
    }

    /// Returns the bytes of the header without its line ending.
    pub(crate) fn header_bytes(&self) -> &[u8] {
        self.first_bytes(self.header)
    }

    fn first_bytes(&self, row: Row) -> &[u8] {
        self.head.get(row.start..row.end).unwrap_or_default()
    }

    /// Fills `ends` with the ends of a row's cells, as offsets into its bytes.
    ///
    /// # Errors
    /// Fails if the row has another number of cells than the header, or a quote is amiss.
    pub(crate) fn cell_ends(&self, bytes: &[u8], shape: Shape, ends: &mut Vec<usize>) -> Result<(), Fault> {
        cells(bytes, self.dialect.delimiter, shape, ends);
        let (found, expected) = (ends.len(), self.headers.len());
        match shape {
            Shape::Open => Err(Fault::Open),
            Shape::Ragged => Err(Fault::Ragged),
            _ if found == expected || (self.fill && found < expected) => Ok(()),
            _ => Err(Fault::Count { found, expected }),
        }
    }

    /// Returns the cells of a row as text, as many as the header has.
    ///
    /// # Errors
    /// Fails with the first thing that is wrong with the row.
    pub(crate) fn cells<'t>(&self, bytes: &'t [u8], shape: Shape) -> Result<Vec<Cow<'t, str>>, Fault> {
        let mut ends = Vec::with_capacity(self.headers.len());
        let mut texts = Vec::with_capacity(self.headers.len());
        self.cell_ends(bytes, shape, &mut ends)?;
        self.read_cells(bytes, &ends, &mut texts)?;
        Ok(texts)
    }

    /// Fills `texts` with the cells of a row that end at `ends`, as many as the header has.
    ///
    /// # Errors
    /// Fails with the first cell that is no text.
    pub(crate) fn read_cells<'t>(&self, bytes: &'t [u8], ends: &[usize], texts: &mut Vec<Cow<'t, str>>) -> Result<(), Fault> {
        texts.clear();
        self.each_cell(bytes, ends, |text| texts.push(text))
    }

    /// Calls `each` with the cells of a row that end at `ends`, as many as the header has.
    ///
    /// # Errors
    /// Fails with the first cell that is no text.
    pub(crate) fn each_cell<'t>(&self, bytes: &'t [u8], ends: &[usize], mut each: impl FnMut(Cow<'t, str>)) -> Result<(), Fault> {
        let whole = self.whole_text(bytes);
        let mut start = 0;
        for (column, end) in ends.iter().enumerate() {
            let span = std::mem::replace(&mut start, end + 1)..*end;
            match whole.and_then(|row| bare(row.get(span.clone())?)) {
                Some(text) => each(Cow::Borrowed(text)),
                None => each(self.read_cell(bytes, span, column)?),
            }
        }
        (ends.len()..self.headers.len()).for_each(|_| each(Cow::Borrowed("")));
        Ok(())
    }

    /// Returns a row that is text in one piece, so that its cells need no look each.
    pub(crate) fn whole_text<'t>(&self, bytes: &'t [u8]) -> Option<&'t str> {
        let text = match self.encoding.charset {
            Charset::Legacy(_) => std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
            Charset::Utf8 | Charset::Utf16Little | Charset::Utf16Big => std::str::from_utf8(bytes).ok(),
        };
        text.filter(|_| memchr(0, bytes).is_none())
    }

    fn read_cell<'t>(&self, bytes: &'t [u8], span: Range<usize>, column: usize) -> Result<Cow<'t, str>, Fault> {
        let offset = span.start;
        let cell = content(bytes.get(span).unwrap_or_default());
        let column = || self.headers.get(column).cloned().unwrap_or_default();
        if memchr(0, &cell).is_some() {
            return Err(Fault::Nul { column: column(), offset });
        }
        self.decode(cell).ok_or_else(|| Fault::Damaged { column: column(), charset: self.encoding.charset.name(), offset })
    }

    /// Returns the text of one cell of a row whose cells end at `ends`.
    pub(crate) fn text_at<'t>(&self, bytes: &'t [u8], ends: &[usize], column: usize) -> Option<Cow<'t, str>> {
        let start = column.checked_sub(1).map_or(Some(0), |before| ends.get(before).map(|end| end + 1))?;
        self.decode(content(bytes.get(start..*ends.get(column)?)?))
    }

    /// Returns the first text of a row that may be damaged, for people.
    pub(crate) fn title(&self, bytes: &[u8], shape: Shape) -> Option<String> {
        let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
        let mut ends = Vec::new();
        cells(head, self.dialect.delimiter, shape, &mut ends);
        let mut start = 0;
        ends.iter().find_map(|end| {
            let cell = content(head.get(std::mem::replace(&mut start, end + 1)..*end).unwrap_or_default());
            let text = self.encoding.charset.decode(&cell).unwrap_or_else(|| String::from_utf8_lossy(&cell)).trim().to_owned();
            let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            (!shown.is_empty()).then_some(shown)
        })
    }

    /// Returns the first values of a column.
    pub(crate) fn sample(&self, column: usize) -> Vec<String> {
        let rows = self.first.iter().take(ROWS).filter_map(|row| self.cells(self.first_bytes(*row), row.shape).ok());
        rows.filter_map(|cells| cells.get(column).map(|cell| cell.clone().into_owned())).collect()
    }

    fn decode<'t>(&self, cell: Cow<'t, [u8]>) -> Option<Cow<'t, str>> {
        match cell {
            Cow::Borrowed(bytes) => self.encoding.charset.decode(bytes),
            Cow::Owned(bytes) => self.encoding.charset.decode(&bytes).map(|text| Cow::Owned(text.into_owned())),
        }
    }

    fn read_header(&self) -> Result<Vec<String>, String> {
        let line = self.header.line();
        if matches!(self.header.shape, Shape::Open | Shape::Ragged) {
            return Err(format!("line {line}: a quote in the header is never closed; close it"));
        }
        let mut ends = Vec::new();
        let bytes = self.header_bytes();
        cells(bytes, self.dialect.delimiter, self.header.shape, &mut ends);
        let header = |column| {
            let text = self.text_at(bytes, &ends, column).filter(|text| !text.contains('\0'));
            text.map(Cow::into_owned).ok_or_else(|| format!("line {line}: the header is not {} text", self.encoding.charset.name()))
        };
        (0..ends.len()).map(header).collect()
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

/// Returns what a cell stands for, if that stands in it in one piece: without quotes, or between the only two.
fn bare(cell: &str) -> Option<&str> {
    match cell.strip_prefix('"') {
        Some(inside) => inside.strip_suffix('"').filter(|text| memchr(b'"', text.as_bytes()).is_none()),
        None => Some(cell),
    }
}

/// How long a line that names the delimiter can be.
const SEPARATOR: usize = 8;

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

/// Reads on until the header and enough rows below it are there, or the text ends.
fn first_rows(head: Vec<u8>, text: Decoded<AnyStream<'_>>, delimiter: u8, start: usize) -> io::Result<(Vec<u8>, Vec<Row>)> {
    let mut pieces = Pieces::new(head, text, delimiter, SAMPLE);
    let (mut bytes, mut rows) = (Vec::new(), Vec::new());
    while rows.len() <= ROWS
        && let Some(piece) = pieces.next()?
    {
        let before = bytes.len();
        let full = piece.rows.iter().filter(|row| before + row.start >= start && !is_blank(&piece.bytes, **row, delimiter));
        rows.extend(full.map(|row| row.moved(before)));
        bytes.extend(piece.bytes);
    }
    Ok((bytes, rows))
}

/// The rows below the header, piece by piece.
pub(crate) struct Body<S> {
    pieces: Pieces<Decoded<S>>,
    delimiter: u8,
    /// Where the header begins.
    header: u64,
}

impl<S: Stream> Body<S> {
    /// Returns the next piece, with the rows that hold something; none at the end. Blank lines and rows of empty cells are
    /// left where they are.
    ///
    /// # Errors
    /// Fails as the text does.
    pub(crate) fn next(&mut self) -> io::Result<Option<Piece>> {
        let Some(mut piece) = self.pieces.next()? else { return Ok(None) };
        let Piece { at, bytes, rows } = &mut piece;
        rows.retain(|row| *at + row.start as u64 > self.header && !is_blank(bytes, *row, self.delimiter));
        Ok(Some(piece))
    }
}

/// What stands in cells that say nothing: a row of such cells is none.
pub(crate) const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

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
