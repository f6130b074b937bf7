//! Writing a step: what each operation changes, one new file, and the exchange.

use std::borrow::Cow;
use std::collections::HashSet;

use adapter::staging::{Placed, Staged, Staging};
use adapter::{Error, Expect, Host, Key, Op, Outcome, StepId};
use record::{Record, RecordId};

use crate::compose::Edited;
use crate::decode::{decode, unfold};
use crate::encode::{Changes, encode};
use crate::find::{Place, Spot, Spots};
use crate::identity::{content_of, fingerprint, key_of_cells, key_text};
use crate::opened::Opened;
use crate::readback::{Checked, Meant, check};
use crate::settings::Settings;
use crate::source::{Origin, Source};
use crate::stream::{Edit, Reading};
use crate::table::BLANK;

/// A step as it would be written.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What changes in the text, in order; nothing if nothing visible does.
    pub(crate) edits: Vec<Edit>,
    /// The answer to each operation.
    pub(crate) answers: Vec<Outcome>,
}

/// What becomes of one operation.
#[derive(Debug)]
enum Verdict {
    Stale,
    Refused(String),
    /// The row of this number, or a new one.
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
        self.edits.iter().map(|edit| (edit.bytes.len() as u64).max(edit.span.end - edit.span.start)).sum()
    }
}

/// Finds out what a step changes, and reads the new table before anything is written.
///
/// # Errors
/// Fails if the table cannot be read at all any more, or someone asked to stop.
pub(crate) fn plan(opened: &Opened<'_>, ops: &[Op<'_>], settings: &Settings, host: &dyn Host) -> Result<Plan, Error> {
    /// An operation that reads back otherwise is left out, and the rest is tried again.
    const ROUNDS: usize = 3;
    let (spots, mut verdicts) = judge(opened, ops, host)?;
    for round in 0..=ROUNDS {
        let edits = all_edits(opened, &spots, &verdicts);
        if edits.is_empty() {
            return Ok(Plan { edits, answers: standing_answers(opened, ops, &verdicts) });
        }
        let edited = Edited { opened, edits: &edits };
        let meant = meant(&spots, &verdicts);
        let checked = match Opened::read(&edited, settings) {
            Ok(after) => check(opened, &after, &meant, host)?,
            Err(error) => Checked { failed: [(None, error.to_string())].into(), ..Checked::default() },
        };
        if checked.failed.is_empty() {
            let answers = answers(opened, &verdicts, &checked);
            return Ok(Plan { edits, answers });
        }
        refuse(&mut verdicts, &checked, round == ROUNDS - 1);
    }
    Ok(Plan { edits: Vec::new(), answers: verdicts.iter().map(|_| Outcome::Stale).collect() })
}

/// Exchanges the file, and answers as stale what lost against another writer.
///
/// # Errors
/// Fails if the file cannot be staged or exchanged, or changed while it was read.
pub(crate) fn exchange(staging: &Staging, step: StepId, source: &Source, opened: &Opened<'_>, plan: Plan) -> Result<Vec<Outcome>, Error> {
    let staged = |(index, answer): (usize, &Outcome)| match answer {
        Outcome::Put { key, fingerprint, .. } => Some(Staged { index, key: Some(key.clone()), fingerprint: Some(fingerprint.clone()) }),
        Outcome::Deleted { .. } => Some(Staged { index, key: None, fingerprint: None }),
        Outcome::Stale | Outcome::Refused { .. } => None,
    };
    let Plan { edits, answers } = plan;
    let ops = answers.iter().enumerate().filter_map(staged).collect();
    let was = source.digest()?;
    let mut stage = staging.begin(step)?;
    let edited = Edited { opened, edits: &edits };
    stage.replace_from(ops, source.path(), was, &mut Reading::new(edited.raw()))?;
    // What was checked and what was staged are two readings of one file.
    source.settled()?;
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

fn judge(opened: &Opened<'_>, ops: &[Op<'_>], host: &dyn Host) -> Result<(Spots, Vec<Verdict>), Error> {
    let new = |op: &Op<'_>| match *op {
        Op::Put { id, expect: Expect::Absent, record, .. } => Some(put(opened, None, record, id)),
        Op::Put { .. } | Op::Delete { .. } => None,
    };
    let mut created: Vec<Option<Verdict>> = ops.iter().map(new).collect();
    let new_key = |verdict: &Option<Verdict>| match verdict {
        Some(Verdict::Put { target, .. }) => key_text(&target.cells, &opened.layout).map(Key),
        _ => None,
    };
    let new_keys: Vec<Option<Key>> = created.iter().map(new_key).collect();
    let named = ops.iter().filter_map(|op| match op {
        Op::Put { key, .. } => *key,
        Op::Delete { key, .. } => Some(*key),
    });
    let spots = if ops.is_empty() { Spots::default() } else { Spots::find(opened, host, named.chain(new_keys.iter().flatten()))? };
    let mut touched = HashSet::new();
    let mut verdicts: Vec<Verdict> = ops
        .iter()
        .zip(&mut created)
        .map(|(op, created)| match *op {
            Op::Delete { key, expect, .. } => match standing(opened, &spots, key, expect) {
                Some((row, spot)) if touched.insert(row) => Verdict::Gone { row, bytes: spot.next - spot.start },
                _ => Verdict::Stale,
            },
            Op::Put { id, key: Some(key), expect: expect @ Expect::Fingerprint(_), record, .. } => {
                match standing(opened, &spots, key, expect) {
                    Some((row, spot)) if touched.insert(row) => put(opened, Some((row, spot)), record, id),
                    _ => Verdict::Stale,
                }
            }
            Op::Put { key, expect: Expect::Absent, .. } if key.is_none_or(|key| spots.of(key).is_none()) => {
                created.take().unwrap_or(Verdict::Stale)
            }
            Op::Put { .. } => Verdict::Stale,
        })
        .collect();
    turn_stale_where_taken(&spots, &mut verdicts, &new_keys);
    Ok((spots, verdicts))
}

/// Returns the row that an operation means, if it still is what was expected.
fn standing<'s>(opened: &Opened<'_>, spots: &'s Spots, key: &Key, expect: Expect<'_>) -> Option<(usize, &'s Spot)> {
    let row = spots.of(key)?;
    let spot = spots.spot(row)?;
    match expect {
        Expect::Fingerprint(expected) if fingerprint(spot.content, &opened.layout) == *expected => Some((row, spot)),
        Expect::Fingerprint(_) | Expect::Absent => None,
    }
}

/// A new row whose key stands in the table already is not absent, as was expected; one that goes in this step is.
fn turn_stale_where_taken(spots: &Spots, verdicts: &mut [Verdict], new_keys: &[Option<Key>]) {
    let gone: HashSet<usize> =
        verdicts.iter().filter_map(|verdict| if let Verdict::Gone { row, .. } = verdict { Some(*row) } else { None }).collect();
    for (verdict, key) in verdicts.iter_mut().zip(new_keys) {
        let taken = key.as_ref().and_then(|key| spots.of(key)).is_some_and(|row| !gone.contains(&row));
        if taken && matches!(verdict, Verdict::Put { row: None, .. }) {
            *verdict = Verdict::Stale;
        }
    }
}

fn put(opened: &Opened<'_>, row: Option<(usize, &Spot)>, record: &Record, id: RecordId) -> Verdict {
    let cells = match row.map(|(_, spot)| opened.table.cells(&spot.bytes, spot.shape)) {
        Some(Ok(cells)) => cells,
        Some(Err(_)) => return Verdict::Stale,
        None => Vec::new(),
    };
    let changes = encode(&opened.layout, &cells, record, id);
    match changes.and_then(|changes| target(opened, row.map(|(_, spot)| spot), &cells, &changes)) {
        Ok(target) if target.cells.iter().all(|cell| cell.chars().all(|c| BLANK.contains(&c))) => Verdict::Refused(
            "the row would be empty: no column of the table holds any field of this record; add a column for one".to_owned(),
        ),
        Ok(target) => Verdict::Put { row: row.map(|(row, _)| row), target },
        Err(reason) => Verdict::Refused(reason),
    }
}

fn target(opened: &Opened<'_>, row: Option<&Spot>, cells: &[Cow<'_, str>], changes: &Changes) -> Result<Target, String> {
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
fn cell_bytes(opened: &Opened<'_>, at: usize, text: &str, was: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let column = opened.layout.names.get(at).map(String::as_str).unwrap_or_default();
    if text.contains('\0') {
        return Err(format!("the value for column \"{column}\" holds a NUL character, which no CSV file can hold"));
    }
    let charset = opened.table.encoding.charset;
    let bytes = charset.encode(text).map_err(|lacking| {
        let name = charset.name();
        format!("column \"{column}\": `{lacking}` cannot be written in {name}; save the table as UTF-8 to hold it")
    })?;
    Ok(opened.table.dialect.quote(&bytes, at, was))
}

fn cell_edits(opened: &Opened<'_>, row: &Spot, cells: &[String], changes: &Changes) -> Result<Vec<Edit>, String> {
    let table = &opened.table;
    let mut ends = Vec::new();
    table.cell_ends(&row.bytes, row.shape, &mut ends).map_err(|fault| fault.to_string())?;
    let mut edits = Vec::new();
    let mut start = 0;
    for (at, (end, (text, change))) in ends.iter().zip(cells.iter().zip(changes)).enumerate() {
        let cell = std::mem::replace(&mut start, end + 1)..*end;
        if change.is_some() {
            let span = row.start + cell.start as u64..row.start + cell.end as u64;
            edits.push(Edit { span, bytes: cell_bytes(opened, at, text, row.bytes.get(cell))? });
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

fn new_row(opened: &Opened<'_>, cells: &[String]) -> Result<Vec<u8>, String> {
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
fn all_edits(opened: &Opened<'_>, spots: &Spots, verdicts: &[Verdict]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut new = Vec::new();
    for verdict in verdicts {
        match verdict {
            Verdict::Put { row: Some(_), target } => edits.extend(target.edits.iter().cloned()),
            Verdict::Put { row: None, target } => new.extend(target.edits.iter().map(|edit| edit.bytes.as_slice())),
            Verdict::Gone { row, .. } => {
                edits.extend(spots.spot(*row).map(|spot| Edit { span: spot.start..spot.next, bytes: Vec::new() }));
            }
            Verdict::Stale | Verdict::Refused(_) => {}
        }
    }
    if !new.is_empty() {
        edits.push(appended(opened, spots, verdicts, &new));
    }
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    edits
}

/// Returns the edit that adds rows in the style of the table: a last row without a line ending stays without one.
fn appended(opened: &Opened<'_>, spots: &Spots, verdicts: &[Verdict], new: &[&[u8]]) -> Edit {
    let header = opened.table.header;
    let header = Place { start: header.start as u64, end: header.end as u64, next: header.next() as u64 };
    let last = spots.last.unwrap_or(header);
    let is_last = |row: usize| spots.spot(row).is_some_and(|spot| spot.start == last.start);
    let gone = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Gone { row, .. } if is_last(*row)));
    let line = opened.table.dialect.ending.as_bytes();
    let ended = last.next > last.end;
    let mut bytes = if ended || gone { Vec::new() } else { line.to_vec() };
    bytes.extend(new.join(line));
    if ended {
        bytes.extend_from_slice(line);
    }
    Edit { span: last.next..last.next, bytes }
}

/// Returns what each row of the new table must be.
fn meant<'v>(spots: &Spots, verdicts: &'v [Verdict]) -> Meant<'v> {
    let mut meant = Meant::new(spots);
    for (op, verdict) in verdicts.iter().enumerate() {
        let (row, cells) = match verdict {
            Verdict::Put { row: Some(row), target } => (*row, Some(target.cells.as_slice())),
            Verdict::Gone { row, .. } => (*row, None),
            Verdict::Put { row: None, target } => {
                meant.new.push((op, &target.cells));
                continue;
            }
            Verdict::Stale | Verdict::Refused(_) => continue,
        };
        meant.touched.extend(spots.spot(row).map(|spot| (spot.start, (op, cells))));
    }
    meant
}

/// Refuses the operations that read back otherwise; all of them if none is to blame, or if it was tried often enough.
fn refuse(verdicts: &mut [Verdict], checked: &Checked, all: bool) {
    let failed = &checked.failed;
    let common = failed.get(&None).or_else(|| failed.values().next().filter(|_| all));
    for (op, verdict) in verdicts.iter_mut().enumerate() {
        let reason = failed.get(&Some(op)).or(common);
        if let (Verdict::Put { .. } | Verdict::Gone { .. }, Some(reason)) = (&*verdict, reason) {
            *verdict = Verdict::Refused(format!("nothing was written, because the table would read back otherwise: {reason}"));
        }
    }
}

/// Returns the answers to a step that writes nothing.
fn standing_answers(opened: &Opened<'_>, ops: &[Op<'_>], verdicts: &[Verdict]) -> Vec<Outcome> {
    let key = |op: &Op<'_>| if let Op::Put { key: Some(key), .. } = op { Some((*key).clone()) } else { None };
    ops.iter().zip(verdicts).map(|(op, verdict)| answer(opened, verdict, || key(op))).collect()
}

/// Returns the answers to a step whose new table was checked.
fn answers(opened: &Opened<'_>, verdicts: &[Verdict], checked: &Checked) -> Vec<Outcome> {
    let key = |op: usize, verdict: &Verdict| match verdict {
        Verdict::Put { target, .. } => Some(key_of_cells(&target.cells, &opened.layout, *checked.ordinals.get(&op)?)),
        _ => None,
    };
    verdicts.iter().enumerate().map(|(op, verdict)| answer(opened, verdict, || key(op, verdict))).collect()
}

fn answer(opened: &Opened<'_>, verdict: &Verdict, key: impl FnOnce() -> Option<Key>) -> Outcome {
    match verdict {
        Verdict::Stale => Outcome::Stale,
        Verdict::Refused(reason) => Outcome::Refused { reason: reason.clone() },
        Verdict::Gone { bytes, .. } => Outcome::Deleted { bytes: *bytes },
        Verdict::Put { target, .. } => shown(opened, target, key()).unwrap_or(Outcome::Stale),
    }
}

/// Returns what a row of these cells shows.
fn shown(opened: &Opened<'_>, target: &Target, key: Option<Key>) -> Option<Outcome> {
    let cells: Vec<Cow<'_, str>> = target.cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
    let fingerprint = fingerprint(content_of(&cells), &opened.layout);
    Some(Outcome::Put { key: key?, fingerprint, record: decode(&opened.layout, &cells).ok()?, bytes: target.bytes() })
}
