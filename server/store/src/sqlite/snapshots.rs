//! Snapshots, in files that rows name; and compaction, which needs one.

use std::fs;

use protocol::{Collection, Compacted, Cursor, Error, Sequence, Snapshot, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::append::bound;
use super::failure;
use super::files::{Files, Room};
use super::log::{Log, number};
use super::writer::Outcome;

/// How many snapshots stay, so that whoever reads the one before the newest can read on.
const KEPT: i64 = 2;
/// How many entries one transaction of a compaction treats: appends go on between them.
const CHUNK: i64 = 4096;

/// Returns the sequence of the newest snapshot of a log, and the digest of its file.
pub(super) fn newest(connection: &Connection, log: i64) -> rusqlite::Result<Option<(i64, [u8; 32])>> {
    let mut statement = connection.prepare_cached("SELECT sequence, digest FROM snapshot WHERE log = ?1 ORDER BY sequence DESC LIMIT 1")?;
    statement.query_row([log], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// Reads a snapshot's file.
pub(super) fn read(files: &Files, collection: &Collection, digest: [u8; 32]) -> Result<Snapshot, Error> {
    let path = files.path(Room::Snapshots, collection, digest);
    let bytes = fs::read(&path).map_err(|error| failure::damaged(&path, format_args!("it cannot be read ({error})")))?;
    if <[u8; 32]>::from(Sha256::digest(&bytes)) != digest {
        return Err(failure::damaged(&path, "it is not what was put"));
    }
    Snapshot::decode(&bytes).map_err(|error| failure::damaged(&path, error))
}

/// Names a snapshot's file, and returns the digests of those that no row names any more.
pub(super) fn keep(transaction: &Transaction<'_>, log: i64, sequence: Sequence, digest: [u8; 32]) -> rusqlite::Result<Vec<[u8; 32]>> {
    let insert = "INSERT INTO snapshot (log, sequence, digest) VALUES (?1, ?2, ?3) ON CONFLICT (log, sequence) DO NOTHING";
    if transaction.execute(insert, params![log, bound(sequence.0), digest])? == 0 {
        return Ok(vec![digest]);
    }
    let mut old = transaction.prepare("SELECT id, digest FROM snapshot WHERE log = ?1 ORDER BY sequence DESC LIMIT -1 OFFSET ?2")?;
    let old = old.query_map([log, KEPT], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for (id, _) in &old {
        transaction.execute("DELETE FROM snapshot WHERE id = ?1", [id])?;
    }
    Ok(old.into_iter().map(|(_, digest)| digest).collect())
}

/// What is to be compacted.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) log: i64,
    pub(super) after: i64,
    pub(super) until: i64,
}

/// Looks up what a compaction up to `horizon` may remove: what is behind a snapshot, and old enough.
pub(super) fn range(log: &Log<'_>, connection: &Connection, horizon: &Cursor, now: Timestamp) -> Result<Outcome<Range>, Error> {
    log.require(horizon)?;
    let look = || {
        let Some((snapshot, _)) = newest(connection, log.row)?.filter(|(snapshot, _)| *snapshot >= bound(horizon.sequence.0)) else {
            return Ok(None);
        };
        let _ = snapshot;
        let (after, days): (i64, i64) =
            connection
                .query_row("SELECT horizon, retention_days FROM log WHERE id = ?1", [log.row], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut until = bound(horizon.sequence.0);
        if days > 0 {
            let old = bound(now.0.saturating_sub(number(days).saturating_mul(86_400_000)));
            let select = "SELECT coalesce(max(sequence), 0) FROM entry WHERE log = ?1 AND sequence <= ?2 AND at <= ?3";
            until = connection.query_row(select, [log.row, until, old], |row| row.get(0))?;
        }
        Ok(Some(Range { log: log.row, after, until }))
    };
    Ok(look().map(|range| range.ok_or_else(|| Error::NoSnapshot(log.collection.to_string()))))
}

/// Removes the envelopes of one chunk of a range; returns how many, their bytes, the files to remove, and where to go on.
pub(super) fn compact(transaction: &Transaction<'_>, range: Range) -> rusqlite::Result<(Compacted, Vec<[u8; 32]>, i64)> {
    let until = range.until.min(range.after.saturating_add(CHUNK));
    let Range { log, after, .. } = range;
    let mut done = Compacted::default();
    let mut select =
        transaction.prepare_cached("SELECT digest, length(envelope) FROM entry WHERE log = ?1 AND sequence > ?2 AND sequence <= ?3")?;
    let mut rows = select.query([log, after, until])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        done.entries += 1;
        match row.get::<_, Option<i64>>(1)? {
            Some(length) => done.bytes += number(length),
            None => files.push(row.get(0)?),
        }
    }
    transaction.execute("UPDATE entry SET envelope = NULL WHERE log = ?1 AND sequence > ?2 AND sequence <= ?3", [log, after, until])?;
    transaction.execute("UPDATE log SET horizon = max(horizon, ?2) WHERE id = ?1", [log, until])?;
    Ok((done, files, until))
}
