//! Reading a table: every row once, as changed, unchanged or broken.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::mpsc;
use std::thread;

use adapter::{Broken, Error, Host, Item, Key, Known, Place, Sink};
use rayon::prelude::*;

use crate::decode::{Plan, Unreadable};
use crate::identity::{State, key_text};
use crate::opened::Opened;
use crate::settings::ShortRows;
use crate::table::Fault;

/// How many rows one thread maps at once: few enough that the room for their findings is used again and not given back.
const BATCH: usize = 256;
/// How many rows are mapped before they are handed on.
const CHUNK: usize = 32 * BATCH;

/// What is said of one row.
enum Finding {
    Item(Item),
    Unchanged(Key, adapter::Fingerprint),
    Broken(Broken),
}

/// Reports every row of a table in order: while some are handed on, the next are mapped.
///
/// # Errors
/// Fails with [`Error::Cancelled`] if someone asked to stop.
pub(crate) fn report(opened: &Opened, known: &dyn Known, host: &dyn Host, out: &mut dyn Sink) -> Result<(), Error> {
    let count = opened.table.rows.len();
    let mut done = 0;
    thread::scope(|scope| {
        let (to, from) = mpsc::sync_channel(1);
        scope.spawn(move || {
            let mut chunks = (0..count).step_by(CHUNK).map(|start| map_chunk(opened, known, start..count.min(start + CHUNK)));
            // Nobody takes the rest if someone asked to stop.
            let _ = chunks.try_for_each(|chunk| to.send(chunk));
        });
        for findings in from {
            if host.cancelled() {
                return Err(Error::Cancelled);
            }
            done += findings.iter().map(Vec::len).sum::<usize>();
            findings.into_iter().flatten().for_each(|finding| hand_on(finding, out));
            host.progress(done as u64, Some(count as u64));
        }
        Ok(())
    })
}

fn map_chunk(opened: &Opened, known: &dyn Known, rows: Range<usize>) -> Vec<Vec<Finding>> {
    let batch = |start: usize| {
        let mut reader = Reader::new(opened);
        (start..rows.end.min(start + BATCH)).map(|at| reader.find(known, at)).collect()
    };
    rows.clone().into_par_iter().step_by(BATCH).map(batch).collect()
}

fn hand_on(finding: Finding, out: &mut dyn Sink) {
    match finding {
        Finding::Item(item) => out.item(item),
        Finding::Unchanged(key, fingerprint) => out.unchanged(key, fingerprint),
        Finding::Broken(broken) => out.broken(broken),
    }
}

/// What one thread needs for one row after another.
struct Reader<'t> {
    opened: &'t Opened,
    plan: Plan<'t>,
    ends: Vec<usize>,
    cells: Vec<Cow<'t, str>>,
}

impl<'t> Reader<'t> {
    fn new(opened: &'t Opened) -> Self {
        Self { opened, plan: Plan::of(&opened.layout), ends: Vec::new(), cells: Vec::new() }
    }

    fn find(&mut self, known: &dyn Known, at: usize) -> Finding {
        let Opened { table, layout, index, .. } = self.opened;
        let faulty = || Finding::Broken(faulty(self.opened, known, at));
        let Some(row) = table.rows.get(at).copied().filter(|row| table.cell_ends(*row, &mut self.ends).is_ok()) else { return faulty() };
        let Some(key) = index.key_of(table, layout, at, &self.ends) else { return faulty() };
        if index.sketches.get(at).is_some_and(|sketch| sketch.state == State::Twin) {
            return Finding::Broken(twin(self.opened, at, key));
        }
        let fingerprint = index.fingerprint(layout, at);
        if known.fingerprint(&key).as_ref() == Some(&fingerprint) {
            return Finding::Unchanged(key, fingerprint);
        }
        if table.read_cells(row, &self.ends, &mut self.cells).is_err() {
            return faulty();
        }
        match self.plan.decode(&self.cells) {
            Ok(record) => Finding::Item(Item { key, fingerprint, record, place: place(self.opened, at, None) }),
            Err(unreadable) => Finding::Broken(strange(self.opened, known, at, (key, unreadable), &self.cells)),
        }
    }
}

fn place(opened: &Opened, at: usize, offset: Option<usize>) -> Place {
    let line = opened.table.rows.get(at).map(|row| row.line());
    Place { path: opened.path.clone(), line, column: offset.map(|offset| offset as u64 + 1) }
}

fn twin(opened: &Opened, at: usize, key: Key) -> Broken {
    let lines: Vec<String> =
        opened.index.twins(at).take(3).filter_map(|other| Some(opened.table.rows.get(other)?.line().to_string())).collect();
    let columns: Vec<&str> = opened.layout.key.iter().filter_map(|column| opened.layout.names.get(*column)).map(String::as_str).collect();
    let reason = format!("line {} has the same \"{}\"; give each row its own", lines.join(" and line "), columns.join("\", \""));
    broken(opened, at, Some(key), None, reason)
}

/// Reports a row of which a cell does not say what its column is for.
fn strange(opened: &Opened, known: &dyn Known, at: usize, (key, found): (Key, Unreadable), cells: &[Cow<'_, str>]) -> Broken {
    let Unreadable { column, expected } = found;
    let name = opened.layout.names.get(column).map(String::as_str).unwrap_or_default();
    let cell: String = cells.get(column).map(Cow::as_ref).unwrap_or_default().chars().filter(|c| !c.is_control()).take(40).collect();
    let reason = format!("column \"{name}\" holds \"{cell}\", but {expected} is expected there");
    let key = (!opened.layout.key.is_empty()).then_some(key).filter(|key| known.fingerprint(key).is_some());
    broken(opened, at, key, None, reason)
}

fn faulty(opened: &Opened, known: &dyn Known, at: usize) -> Broken {
    let table = &opened.table;
    let fault = match table.rows.get(at).map(|row| table.cells(*row)) {
        Some(Err(fault)) => fault,
        _ => Fault::Open,
    };
    let mut reason = fault.to_string();
    if let Fault::Count { found, expected } = fault
        && found < expected
        && opened.short_rows == ShortRows::Refuse
    {
        reason.push_str("; if such rows are meant, say `short-rows = \"fill\"`");
    }
    let key = plausible_key(opened, &fault, at).filter(|key| known.fingerprint(key).is_some());
    broken(opened, at, key, fault.offset(), reason)
}

/// Returns the key that a damaged row seems to have. A row that may have swallowed others has none.
fn plausible_key(opened: &Opened, fault: &Fault, at: usize) -> Option<Key> {
    let table = &opened.table;
    let row = *table.rows.get(at)?;
    let one_line = memchr::memchr2(b'\n', b'\r', table.bytes(row)).is_none();
    if matches!(fault, Fault::Open | Fault::Ragged) || !one_line {
        return None;
    }
    let mut ends = Vec::new();
    crate::span::cells(table.bytes(row), table.dialect.delimiter, row.shape, &mut ends);
    let mut texts = Vec::with_capacity(ends.len());
    let read = table.each_cell(row, &ends, |cell, _| {
        texts.push(table.text.charset.decode(&cell).map(Cow::into_owned));
        Ok::<(), ()>(())
    });
    let whole = opened.layout.key.iter().all(|column| matches!(texts.get(*column), Some(Some(_))));
    let texts: Vec<String> = texts.into_iter().map(Option::unwrap_or_default).collect();
    read.ok().filter(|()| whole).and_then(|()| key_text(&texts, &opened.layout)).map(Key)
}

fn broken(opened: &Opened, at: usize, key: Option<Key>, offset: Option<usize>, reason: String) -> Broken {
    let title = opened.table.rows.get(at).and_then(|row| opened.table.title(*row));
    Broken { key, title, place: place(opened, at, offset), reason }
}
