//! Reading a table: every row once, as changed, unchanged or broken.

use std::borrow::Cow;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use adapter::{Broken, Error, Host, Item, Key, Known, Place, Sink};
use rayon::prelude::*;

use crate::decode::{Plan, Unreadable};
use crate::identity::{Repeats, Sketch, Standing, fingerprint, key_of, key_text};
use crate::opened::Opened;
use crate::pieces::Piece;
use crate::settings::ShortRows;
use crate::span::{Row, Shape};
use crate::table::Fault;

/// How many rows one thread maps at least.
const BATCH: usize = 256;

/// What is said of one row.
enum Finding {
    Item(Item),
    Unchanged(Key, adapter::Fingerprint),
    Broken(Broken),
}

/// What is said of the rows of one piece, in order.
type Findings = Result<Vec<Finding>, Error>;

/// Reports every row of a table in order: while some are handed on, the next are mapped.
///
/// # Errors
/// Fails if the table cannot be read, or with [`Error::Cancelled`] if someone asked to stop.
pub(crate) fn report(opened: &Opened<'_>, known: &dyn Known, host: &dyn Host, out: &mut dyn Sink) -> Result<(), Error> {
    let repeats = Repeats::of(opened, host)?;
    let count = repeats.count as u64;
    let mut done = 0;
    thread::scope(|scope| {
        let (to, from) = sync_channel(1);
        scope.spawn(move || map_all(opened, known, repeats, &to));
        for findings in from {
            let findings = findings?;
            if host.cancelled() {
                return Err(Error::Cancelled);
            }
            done += findings.len();
            findings.into_iter().for_each(|finding| hand_on(finding, out));
            host.progress(done as u64, Some(count));
        }
        Ok(())
    })
}

fn map_all(opened: &Opened<'_>, known: &dyn Known, mut repeats: Repeats, to: &SyncSender<Findings>) {
    let mut body = opened.body();
    loop {
        let findings = match body.next() {
            Ok(Some(piece)) => Ok(map_piece(opened, known, &mut repeats, &piece)),
            Ok(None) => return,
            Err(error) => Err(opened.origin.failure(error)),
        };
        // Nobody takes the rest if someone asked to stop.
        if to.send(findings).is_err() {
            return;
        }
    }
}

fn map_piece(opened: &Opened<'_>, known: &dyn Known, repeats: &mut Repeats, piece: &Piece) -> Vec<Finding> {
    let sketches = repeats.next_sketches(opened, piece);
    let standing: Vec<Standing> = sketches.iter().map(|sketch| repeats.standing(sketch)).collect();
    let repeats = &*repeats;
    let rows = piece.rows.par_iter().zip(&sketches).zip(&standing).with_min_len(BATCH);
    let reader = || Reader::new(opened, known, repeats, piece);
    rows.map_init(reader, |reader, ((row, sketch), standing)| reader.find(*row, sketch, *standing)).collect()
}

fn hand_on(finding: Finding, out: &mut dyn Sink) {
    match finding {
        Finding::Item(item) => out.item(item),
        Finding::Unchanged(key, fingerprint) => out.unchanged(key, fingerprint),
        Finding::Broken(broken) => out.broken(broken),
    }
}

/// What one thread needs for one row after another.
struct Reader<'p> {
    opened: &'p Opened<'p>,
    known: &'p dyn Known,
    repeats: &'p Repeats,
    piece: &'p Piece,
    plan: Plan<'p>,
    ends: Vec<usize>,
    cells: Vec<Cow<'p, str>>,
}

impl<'p> Reader<'p> {
    fn new(opened: &'p Opened<'p>, known: &'p dyn Known, repeats: &'p Repeats, piece: &'p Piece) -> Self {
        Self { opened, known, repeats, piece, plan: Plan::of(&opened.layout), ends: Vec::new(), cells: Vec::new() }
    }

    fn find(&mut self, row: Row, sketch: &Sketch, standing: Standing) -> Finding {
        let Opened { table, layout, .. } = self.opened;
        let bytes = self.piece.bytes(row);
        let ordinal = match standing {
            Standing::Alone(ordinal) => ordinal,
            Standing::Twin => 0,
            Standing::Faulty => return Finding::Broken(self.faulty(row)),
        };
        if table.cell_ends(bytes, row.shape, &mut self.ends).is_err() {
            return Finding::Broken(self.faulty(row));
        }
        let key = key_of(self.opened, bytes, &self.ends, sketch.content, ordinal);
        if standing == Standing::Twin {
            return Finding::Broken(self.twin(row, sketch, key));
        }
        let fingerprint = fingerprint(sketch.content, layout);
        if self.known.fingerprint(&key).as_ref() == Some(&fingerprint) {
            return Finding::Unchanged(key, fingerprint);
        }
        if table.read_cells(bytes, &self.ends, &mut self.cells).is_err() {
            return Finding::Broken(self.faulty(row));
        }
        match self.plan.decode(&self.cells) {
            Ok(record) => Finding::Item(Item { key, fingerprint, record, place: self.place(row, None) }),
            Err(unreadable) => Finding::Broken(self.strange(row, key, unreadable)),
        }
    }

    fn place(&self, row: Row, offset: Option<usize>) -> Place {
        let path = self.opened.origin.path().to_owned();
        Place { path, line: Some(row.line()), column: offset.map(|offset| offset as u64 + 1) }
    }

    fn twin(&self, row: Row, sketch: &Sketch, key: Key) -> Broken {
        let layout = &self.opened.layout;
        let lines: Vec<String> = self.repeats.twins(sketch, row.line()).take(3).map(|line| line.to_string()).collect();
        let columns: Vec<&str> = layout.key.iter().filter_map(|column| layout.names.get(*column)).map(String::as_str).collect();
        let reason = format!("line {} has the same \"{}\"; give each row its own", lines.join(" and line "), columns.join("\", \""));
        self.broken(row, Some(key), None, reason)
    }

    /// Reports a row of which a cell does not say what its column is for.
    fn strange(&self, row: Row, key: Key, found: Unreadable) -> Broken {
        let Unreadable { column, expected } = found;
        let layout = &self.opened.layout;
        let name = layout.names.get(column).map(String::as_str).unwrap_or_default();
        let cell = self.cells.get(column).map(Cow::as_ref).unwrap_or_default();
        let cell: String = cell.chars().filter(|c| !c.is_control()).take(40).collect();
        let reason = format!("column \"{name}\" holds \"{cell}\", but {expected} is expected there");
        let key = (!layout.key.is_empty()).then_some(key).filter(|key| self.known.fingerprint(key).is_some());
        self.broken(row, key, None, reason)
    }

    fn faulty(&self, row: Row) -> Broken {
        let fault = match self.opened.table.cells(self.piece.bytes(row), row.shape) {
            Err(fault) => fault,
            Ok(_) => Fault::Open,
        };
        let mut reason = fault.to_string();
        if let Fault::Count { found, expected } = fault
            && found < expected
            && self.opened.short_rows == ShortRows::Refuse
        {
            reason.push_str("; if such rows are meant, say `short-rows = \"fill\"`");
        }
        let key = self.plausible_key(row, &fault).filter(|key| self.known.fingerprint(key).is_some());
        self.broken(row, key, fault.offset(), reason)
    }

    /// Returns the key that a damaged row seems to have. A row that may have swallowed others has none.
    fn plausible_key(&self, row: Row, fault: &Fault) -> Option<Key> {
        let Opened { table, layout, .. } = self.opened;
        let bytes = self.piece.bytes(row);
        let one_line = memchr::memchr2(b'\n', b'\r', bytes).is_none();
        if row.shape == Shape::Open || matches!(fault, Fault::Open | Fault::Ragged) || !one_line {
            return None;
        }
        let mut ends = Vec::new();
        crate::span::cells(bytes, table.dialect.delimiter, row.shape, &mut ends);
        let texts: Vec<Option<Cow<'_, str>>> = (0..ends.len()).map(|column| table.text_at(bytes, &ends, column)).collect();
        let whole = layout.key.iter().all(|column| matches!(texts.get(*column), Some(Some(_))));
        let texts: Vec<Cow<'_, str>> = texts.into_iter().map(Option::unwrap_or_default).collect();
        key_text(&texts, layout).filter(|_| whole).map(Key)
    }

    fn broken(&self, row: Row, key: Option<Key>, offset: Option<usize>, reason: String) -> Broken {
        let title = self.opened.table.title(self.piece.bytes(row), row.shape);
        Broken { key, title, place: self.place(row, offset), reason }
    }
}
