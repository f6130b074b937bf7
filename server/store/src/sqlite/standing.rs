//! Where a collection stands: its head, horizon, snapshot and lease, and everybody who takes part.

use protocol::{Cursor, DeviceId, Error, Hash, LeaseMode, Member, Right, State, Timestamp};
use rusqlite::{Connection, Transaction, params};

use super::append::bound;
use super::log::{Log, number, sequence};
use super::{failure, leases, registry, snapshots};
use crate::lease;

/// Notes that a device has everything up to a cursor.
pub(super) fn arrive(transaction: &Transaction<'_>, log: i64, device: &DeviceId, cursor: &Cursor) -> rusqlite::Result<()> {
    let note = "INSERT INTO arrival (log, device, sequence, hash) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (log, device) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash";
    transaction.prepare_cached(note)?.execute(params![log, device.0, bound(cursor.sequence.0), cursor.hash.0])?;
    Ok(())
}

/// Returns the state of a collection, to whoever has `right` there.
pub(super) fn state(log: &Log<'_>, right: Right, now: Timestamp) -> Result<State, Error> {
    let connection = log.place.connection;
    let head = log.head()?;
    let horizon = log.horizon()?;
    let read = || {
        let snapshot = snapshots::newest(connection, log.row)?.map(|(stored, _)| sequence(stored));
        let held = lease::held(leases::find(connection, log.row)?, now);
        Ok((snapshot, lease_mode(connection, log.row)?, held, members(log, connection, &head)?))
    };
    let (snapshot, lease_mode, lease, members) = read().map_err(|error| failure::database(log.place.path, &error))?;
    let snapshot = snapshot.map(|sequence| log.cursor_at(sequence)).transpose()?;
    Ok(State { head, horizon, snapshot, lease_mode, lease, right, members })
}

/// Returns what a lease keeps from others.
pub(super) fn lease_mode(connection: &Connection, log: i64) -> rusqlite::Result<LeaseMode> {
    let mut statement = connection.prepare_cached("SELECT lease_mode FROM log WHERE id = ?1")?;
    statement.query_row([log], |row| row.get::<_, String>(0)).map(|word| word.parse().unwrap_or_default())
}

/// Returns everybody who has or had a right, administrates the store, or reported a cursor.
fn members(log: &Log<'_>, connection: &Connection, head: &Cursor) -> rusqlite::Result<Vec<Member>> {
    let mut statement = connection.prepare_cached(
        "SELECT who.key, coalesce(device.name, ''), coalesce(device.administrator, 0), access.level, arrival.sequence, arrival.hash,
                device.seen, device.revoked, device.revoked_by, device.key IS NULL
         FROM (SELECT device AS key FROM access WHERE log = ?1 UNION SELECT device FROM arrival WHERE log = ?1
               UNION SELECT key FROM device WHERE administrator = 1) AS who
         LEFT JOIN device ON device.key = who.key
         LEFT JOIN access ON access.log = ?1 AND access.device = who.key
         LEFT JOIN arrival ON arrival.log = ?1 AND arrival.device = who.key
         ORDER BY 2, 1",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        let hash: Option<[u8; 32]> = row.get(5)?;
        let arrived = row.get::<_, Option<i64>>(4)?.zip(hash);
        let cursor = arrived.map(|(at, hash)| Cursor { log: log.id, sequence: sequence(at), hash: Hash(hash) });
        let revoked = registry::revocation(row.get(7)?, row.get(8)?);
        let all: bool = row.get::<_, bool>(2)? || row.get::<_, bool>(9)?;
        let granted = row.get::<_, Option<i64>>(3)?.and_then(registry::level);
        Ok(Member {
            device: DeviceId(row.get(0)?),
            name: row.get(1)?,
            right: if all { Some(Right::Admin) } else { granted }.filter(|_| revoked.is_none()),
            cursor,
            lag: head.sequence.0.saturating_sub(cursor.map_or(0, |cursor| cursor.sequence.0)),
            seen: row.get::<_, Option<i64>>(6)?.map(|at| Timestamp(number(at))),
            revoked,
        })
    };
    statement.query_map([log.row], read)?.collect()
}
