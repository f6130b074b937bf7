//! Writing a step: what each operation changes, one new file, and the exchange.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use adapter::staging::{Placed, Staged, Staging};
use adapter::{Error, Expect, Key, Op, Outcome, StepId};
use record::{Digest, Record, RecordId};

use crate::compose::{Edit, compose as splice};
use crate::decode::{decode, unfold};
use crate::encode::{Changes, encode};
use crate::identity::key_text;
use crate::opened::Opened;
use crate::readback::{Expected, check};
use crate::settings::Settings;
use crate::span::ending;

/// A step as it would be written.
#[derive(Debug)]
pub(crate) struct Written {
    /// The new file; none if nothing visible changes.
    pub(crate) file: Option<Vec<u8>>,
    /// The answer to each operation.
    pub(crate) answers: Vec<Outcome>,
}

/// What becomes of one operation.
#[derive(Debug)]
enum Verdict {
    Stale,
    Refused(String),
    /// The row at this place of the table, or a new one.
    Put {
        row: Option<usize>,
        target: Target,
    },
    Gone {
        row: usize,
        bytes: u64,
    },
}

/// What a row is to become.
#[derive(Debug)]
struct Target {
    /// All its cells.
    cells: Vec<String>,
    /// What has to be written for that; for a new row, the row without its line ending.
    edits: Vec<Edit>,
}

impl Target {
    fn bytes(&self) -> u64 {
        self.edits.iter().map(|edit| edit.bytes.len().max(edit.span.len()) as u64).sum()
    }
}

/// Makes the new file of a step and reads it back before anything is written.
///
/// # Errors
/// Fails if the table cannot be read at all any more.
pub(crate) fn compose(opened: &Opened, ops: &[Op<'_>], settings: &Settings) -> Result<Written, Error> {
    /// An operation that reads back otherwise is left out, and the rest is tried again.
    const ROUNDS: usize = 3;
    let mut verdicts = judge(opened, ops);
    for round in 0..=ROUNDS {
        let edits = all_edits(opened, &verdicts);
        if edits.is_empty() {
            let rows = expected(opened, &verdicts).0;
            return Ok(Written { file: None, answers: answers(opened, &verdicts, &rows) });
        }
        let file = opened.table.text.file(&splice(&opened.table.text.bytes, edits));
        let (rows, intended) = expected(opened, &verdicts);
        let failed = match Opened::read(&opened.path, file, settings) {
            Ok(after) => match check(opened, &after, &intended) {
                failed if failed.is_empty() => {
                    let answers = answers(&after, &verdicts, &rows);
                    return Ok(Written { file: Some(after.table.text.into_file()), answers });
                }
                failed => failed,
            },
            Err(error) => HashMap::from([(None, error.to_string())]),
        };
        refuse(&mut verdicts, &failed, round == ROUNDS - 1);
    }
    Ok(Written { file: None, answers: verdicts.iter().map(|_| Outcome::Stale).collect() })
}

/// Exchanges the file, and answers as stale what lost against another writer.
///
/// # Errors
/// Fails if the file cannot be staged or exchanged.
pub(crate) fn exchange(
    staging: &Staging,
    step: StepId,
    path: &Path,
    was: Digest,
    file: &[u8],
    answers: Vec<Outcome>,
) -> Result<Vec<Outcome>, Error> {
    let staged = |(index, answer): (usize, &Outcome)| match answer {
        Outcome::Put { key, fingerprint, .. } => Some(Staged { index, key: Some(key.clone()), fingerprint: Some(fingerprint.clone()) }),
        Outcome::Deleted { .. } => Some(Staged { index, key: None, fingerprint: None }),
        Outcome::Stale | Outcome::Refused { .. } => None,
    };
    let ops = answers.iter().enumerate().filter_map(staged).collect();
    let mut stage = staging.begin(step)?;
    stage.replace(ops, path, was, file)?;
    let placed = stage.commit()?;
    if placed.iter().all(|placed| matches!(placed, Placed::Done(_))) {
        return Ok(answers);
    }
    let stale = |answer| match answer {
        Outcome::Put { .. } | Outcome::Deleted { .. } => Outcome::Stale,
        other => other,
    };
    Ok(answers.into_iter().map(stale).collect())
}

fn judge(opened: &Opened, ops: &[Op<'_>]) -> Vec<Verdict> {
    let found = opened.index.find(ops.iter().filter_map(|op| match op {
        Op::Put { key, .. } => *key,
        Op::Delete { key, .. } => Some(*key),
    }));
    let mut touched = HashSet::new();
    let mut verdicts: Vec<Verdict> = ops
        .iter()
        .map(|op| match *op {
            Op::Delete { key, expect, .. } => match standing(opened, &found, key, expect) {
                Some(row) if touched.insert(row) => gone(opened, row),
                _ => Verdict::Stale,
            },
            Op::Put { id, key: Some(key), expect: expect @ Expect::Fingerprint(_), record, .. } => {
                match standing(opened, &found, key, expect) {
                    Some(row) if touched.insert(row) => put(opened, Some(row), record, id),
                    _ => Verdict::Stale,
                }
            }
            Op::Put { id, key, expect: Expect::Absent, record, .. } if key.is_none_or(|key| !found.contains_key(key)) => {
                put(opened, None, record, id)
            }
            Op::Put { .. } => Verdict::Stale,
        })
        .collect();
    turn_stale_where_taken(opened, &mut verdicts);
    verdicts
}

fn gone(opened: &Opened, row: usize) -> Verdict {
    let bytes = opened.table.rows.get(row).map_or(0, |row| (row.next() - row.start) as u64);
    Verdict::Gone { row, bytes }
}

/// Returns the place of the row that an operation means, if it still is what was expected.
fn standing(opened: &Opened, found: &HashMap<&Key, usize>, key: &Key, expect: Expect<'_>) -> Option<usize> {
    let row = *found.get(key)?;
    match expect {
        Expect::Fingerprint(expected) if opened.index.fingerprint(&opened.layout, row) == *expected => Some(row),
        Expect::Fingerprint(_) | Expect::Absent => None,
    }
}

/// A new row whose key stands in the table already is not absent, as was expected; one that goes in this step is.
fn turn_stale_where_taken(opened: &Opened, verdicts: &mut [Verdict]) {
    let key = |verdict: &Verdict| match verdict {
        Verdict::Put { row: None, target } => key_text(&target.cells, &opened.layout).map(Key),
        _ => None,
    };
    let keys: Vec<Option<Key>> = verdicts.iter().map(key).collect();
    let found = opened.index.find(keys.iter().flatten());
    let gone: HashSet<usize> =
        verdicts.iter().filter_map(|verdict| if let Verdict::Gone { row, .. } = verdict { Some(*row) } else { None }).collect();
    for (verdict, key) in verdicts.iter_mut().zip(&keys) {
        if key.as_ref().and_then(|key| found.get(key)).is_some_and(|row| !gone.contains(row)) {
            *verdict = Verdict::Stale;
        }
    }
}

fn put(opened: &Opened, row: Option<usize>, record: &Record, id: RecordId) -> Verdict {
    let cells = match row.map(|row| opened.table.rows.get(row).map(|row| opened.table.cells(*row))) {
        Some(Some(Ok(cells))) => cells,
        Some(_) => return Verdict::Stale,
        None => Vec::new(),
    };
    let changes = encode(&opened.layout, &cells, record, id);
    match target(opened, row, &cells, &changes) {
        Ok(target) if target.cells.iter().all(|cell| cell.trim().is_empty()) => Verdict::Refused(
            "the row would be empty: no column of the table holds any field of this record; add a column for one".to_owned(),
        ),
        Ok(target) => Verdict::Put { row, target },
        Err(reason) => Verdict::Refused(reason),
    }
}

fn target(opened: &Opened, row: Option<usize>, cells: &[Cow<'_, str>], changes: &Changes) -> Result<Target, String> {
    let fold = opened.table.dialect.fold;
    let text = |at: usize, change: &Option<String>| match change {
        Some(text) if fold == "\n" => unfold(text).into_owned(),
        Some(text) => unfold(text).replace('\n', fold),
        None => cells.get(at).map(|cell| cell.clone().into_owned()).unwrap_or_default(),
    };
    let cells: Vec<String> = changes.iter().enumerate().map(|(at, change)| text(at, change)).collect();
    let edits = match row {
        Some(row) => cell_edits(opened, row, &cells, changes)?,
        None => vec![Edit { span: 0..0, bytes: new_row(opened, &cells)? }],
    };
    Ok(Target { cells, edits })
}

/// Returns the bytes of a cell, or why it cannot be written.
fn cell_bytes(opened: &Opened, at: usize, text: &str, was: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let column = opened.layout.names.get(at).map(String::as_str).unwrap_or_default();
    if text.contains('\0') {
        return Err(format!("the value for column \"{column}\" holds a NUL character, which no CSV file can hold"));
    }
    let charset = opened.table.text.charset;
    let bytes = charset.encode(text).map_err(|lacking| {
        let name = charset.name();
        format!("column \"{column}\": `{lacking}` cannot be written in {name}; save the table as UTF-8 to hold it")
    })?;
    Ok(opened.table.dialect.quote(&bytes, at, was))
}

fn cell_edits(opened: &Opened, row: usize, cells: &[String], changes: &Changes) -> Result<Vec<Edit>, String> {
    let table = &opened.table;
    let Some(row) = table.rows.get(row) else { return Ok(Vec::new()) };
    let mut ends = Vec::new();
    table.cell_ends(*row, &mut ends).map_err(|fault| fault.to_string())?;
    let mut edits = Vec::new();
    let mut start = row.start;
    for (at, (end, (text, change))) in ends.iter().zip(cells.iter().zip(changes)).enumerate() {
        let span = std::mem::replace(&mut start, row.start + end + 1)..row.start + end;
        if change.is_some() {
            let bytes = cell_bytes(opened, at, text, table.text.bytes.get(span.clone()))?;
            edits.push(Edit { span, bytes });
        }
    }
    // A short row is filled up to its last cell that is written now.
    let mut bytes = Vec::new();
    let last = changes.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    for (at, text) in cells.iter().enumerate().take(last).skip(ends.len()) {
        bytes.push(table.dialect.delimiter);
        bytes.extend(cell_bytes(opened, at, text, None)?);
    }
    if !bytes.is_empty() {
        edits.push(Edit { span: row.end..row.end, bytes });
    }
    Ok(edits)
}

fn new_row(opened: &Opened, cells: &[String]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            bytes.push(opened.table.dialect.delimiter);
        }
        bytes.extend(cell_bytes(opened, at, text, None)?);
    }
    Ok(bytes)
}

/// Returns everything that the step writes.
fn all_edits(opened: &Opened, verdicts: &[Verdict]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut new = Vec::new();
    for verdict in verdicts {
        match verdict {
            Verdict::Put { row: Some(_), target } => edits.extend(target.edits.iter().cloned()),
            Verdict::Put { row: None, target } => new.extend(target.edits.iter().map(|edit| edit.bytes.as_slice())),
            Verdict::Gone { row, .. } => {
                edits.extend(opened.table.rows.get(*row).map(|row| Edit { span: row.start..row.next(), bytes: Vec::new() }));
            }
            Verdict::Stale | Verdict::Refused(_) => {}
        }
    }
    if !new.is_empty() {
        edits.push(appended(opened, verdicts, &new));
    }
    edits
}

/// Returns the place behind which new rows come: the last row that is whole, since one with an open quote would swallow them.
fn last_whole(opened: &Opened) -> Option<usize> {
    opened.table.rows.iter().rposition(|row| row.shape != crate::span::Shape::Open)
}

/// Returns the edit that adds rows in the style of the table: a last row without a line ending stays without one.
fn appended(opened: &Opened, verdicts: &[Verdict], new: &[&[u8]]) -> Edit {
    let table = &opened.table;
    let last = last_whole(opened);
    let row = last.and_then(|last| table.rows.get(last)).unwrap_or(&table.header);
    let gone = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Gone { row, .. } if Some(*row) == last));
    let line = table.dialect.ending.as_bytes();
    let ended = !ending(&table.text.bytes, row.end).is_empty();
    let mut bytes = if ended || gone { Vec::new() } else { line.to_vec() };
    bytes.extend(new.join(line));
    if ended {
        bytes.extend_from_slice(line);
    }
    Edit { span: row.next()..row.next(), bytes }
}

/// Returns where each operation's row stands in the new table, and what each row of it must be.
fn expected<'v>(opened: &Opened, verdicts: &'v [Verdict]) -> (Vec<Option<usize>>, Vec<Expected<'v>>) {
    let mut touched: HashMap<usize, (usize, Option<&Target>)> = HashMap::new();
    for (op, verdict) in verdicts.iter().enumerate() {
        match verdict {
            Verdict::Put { row: Some(row), target } => drop(touched.insert(*row, (op, Some(target)))),
            Verdict::Gone { row, .. } => drop(touched.insert(*row, (op, None))),
            Verdict::Put { row: None, .. } | Verdict::Stale | Verdict::Refused(_) => {}
        }
    }
    let mut places = vec![None; verdicts.len()];
    let mut rows = Vec::with_capacity(opened.table.rows.len());
    let behind = last_whole(opened).map_or(0, |last| last + 1);
    for at in 0..=opened.table.rows.len() {
        if at == behind {
            for (op, verdict) in verdicts.iter().enumerate() {
                if let Verdict::Put { row: None, target } = verdict {
                    places.get_mut(op).into_iter().for_each(|place| *place = Some(rows.len()));
                    rows.push(Expected::Cells { op, cells: &target.cells });
                }
            }
        }
        match touched.get(&at) {
            Some((op, Some(target))) => {
                places.get_mut(*op).into_iter().for_each(|place| *place = Some(rows.len()));
                rows.push(Expected::Cells { op: *op, cells: &target.cells });
            }
            Some((_, None)) => {}
            None if at < opened.table.rows.len() => rows.push(Expected::Same { row: at }),
            None => {}
        }
    }
    (places, rows)
}

/// Refuses the operations that read back otherwise; all of them if none is to blame, or if it was tried often enough.
fn refuse(verdicts: &mut [Verdict], failed: &HashMap<Option<usize>, String>, all: bool) {
    let common = failed.get(&None).or_else(|| failed.values().next().filter(|_| all));
    for (op, verdict) in verdicts.iter_mut().enumerate() {
        let reason = failed.get(&Some(op)).or(common);
        if let (Verdict::Put { .. } | Verdict::Gone { .. }, Some(reason)) = (&*verdict, reason) {
            *verdict = Verdict::Refused(format!("nothing was written, because the table would read back otherwise: {reason}"));
        }
    }
}

fn answers(after: &Opened, verdicts: &[Verdict], places: &[Option<usize>]) -> Vec<Outcome> {
    let answer = |(verdict, place): (&Verdict, &Option<usize>)| match verdict {
        Verdict::Stale => Outcome::Stale,
        Verdict::Refused(reason) => Outcome::Refused { reason: reason.clone() },
        Verdict::Gone { bytes, .. } => Outcome::Deleted { bytes: *bytes },
        Verdict::Put { target, .. } => shown(after, *place, target.bytes()).unwrap_or(Outcome::Stale),
    };
    verdicts.iter().zip(places).map(answer).collect()
}

fn shown(after: &Opened, place: Option<usize>, bytes: u64) -> Option<Outcome> {
    let place = place?;
    let cells = after.table.cells(*after.table.rows.get(place)?).ok()?;
    let key = after.index.key(&after.table, &after.layout, place)?;
    let fingerprint = after.index.fingerprint(&after.layout, place);
    Some(Outcome::Put { key, fingerprint, record: decode(&after.layout, &cells).ok()?, bytes })
}
