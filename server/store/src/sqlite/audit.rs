//! The audit log: lines that are only ever added, each chained to the one before.

use protocol::messages::{Audit, AuditLine};
use protocol::{Hash, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::append::bound;
use super::log::number;

/// What a line says.
pub(super) struct Note<'a> {
    pub(super) by: &'a str,
    pub(super) action: &'a str,
    pub(super) object: &'a str,
    pub(super) detail: &'a str,
}

/// Adds a line.
pub(super) fn write(transaction: &Transaction<'_>, at: Timestamp, note: &Note<'_>) -> rusqlite::Result<()> {
    let mut newest = transaction.prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")?;
    let newest = newest.query_row([], |row| Ok((number(row.get(0)?), Hash(row.get(1)?)))).optional()?;
    let (last, previous) = newest.unwrap_or((0, Hash::ZERO));
    let line = AuditLine {
        number: last.saturating_add(1),
        at,
        by: note.by.to_owned(),
        action: note.action.to_owned(),
        object: note.object.to_owned(),
        detail: note.detail.to_owned(),
        previous,
        hash: Hash::ZERO,
    };
    let hash = line.chain();
    transaction.execute(
        "INSERT INTO audit (number, at, actor, action, object, detail, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![bound(line.number), bound(at.0), line.by, line.action, line.object, line.detail, previous.0, hash.0],
    )?;
    Ok(())
}

/// Returns at most `limit` lines after the one with number `after`.
pub(super) fn read(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Audit> {
    let newest = connection.query_row("SELECT coalesce(max(number), 0) FROM audit", [], |row| row.get(0).map(number))?;
    let mut statement = connection.prepare_cached(
        "SELECT number, at, actor, action, object, detail, previous, hash FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    let lines = statement.query_map(params![bound(after), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(AuditLine {
            number: number(row.get(0)?),
            at: Timestamp(number(row.get(1)?)),
            by: row.get(2)?,
            action: row.get(3)?,
            object: row.get(4)?,
            detail: row.get(5)?,
            previous: Hash(row.get(6)?),
            hash: Hash(row.get(7)?),
        })
    })?;
    Ok(Audit { lines: lines.collect::<rusqlite::Result<_>>()?, newest })
}
