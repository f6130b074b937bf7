//! Leases in the database: one row's columns a collection, changed only within the writer's transactions.

use std::time::Duration;

use protocol::{Collection, DeviceId, Fence, Lease, Timestamp};
use rusqlite::{Connection, Transaction, params};

use super::append::bound;
use super::log;
use super::writer::Outcome;
use crate::lease;

/// Returns the lease of a log, ended or not.
pub(super) fn find(connection: &Connection, log: i64) -> rusqlite::Result<Option<Lease>> {
    let mut statement = connection.prepare_cached(
        "SELECT holder, coalesce(device.name, ''), fence, held_until FROM log LEFT JOIN device ON device.key = holder WHERE log.id = ?1",
    )?;
    statement.query_row([log], |row| {
        let Some(holder) = row.get::<_, Option<[u8; 32]>>(0)? else { return Ok(None) };
        let (fence, until) = (Fence(log::number(row.get(2)?)), Timestamp(log::number(row.get(3)?)));
        Ok(Some(Lease { holder: DeviceId(holder), name: row.get(1)?, fence, until }))
    })
}

pub(super) fn acquire(
    transaction: &Transaction<'_>,
    (collection, log): (&Collection, i64),
    device: &DeviceId,
    now: Timestamp,
    time: Duration,
) -> Outcome<Lease> {
    let held = lease::held(find(transaction, log)?, now);
    let last = transaction.query_row("SELECT fence FROM log WHERE id = ?1", [log], |row| row.get(0).map(log::number))?;
    let lease = match lease::acquire(collection, held.as_ref(), Fence(last), device, now.after(time)) {
        Ok(lease) => lease,
        Err(error) => return Ok(Err(error)),
    };
    keep(transaction, log, &lease)?;
    // With the holder's name, as everybody else is told.
    Ok(Ok(find(transaction, log)?.unwrap_or(lease)))
}

pub(super) fn renew(
    transaction: &Transaction<'_>,
    (collection, log): (&Collection, i64),
    fence: Fence,
    now: Timestamp,
    time: Duration,
) -> Outcome<Lease> {
    let held = lease::held(find(transaction, log)?, now);
    match lease::renew(collection, held, fence, now, time) {
        Ok(lease) => keep(transaction, log, &lease).map(|()| Ok(lease)),
        Err(error) => Ok(Err(error)),
    }
}

pub(super) fn release(transaction: &Transaction<'_>, log: i64, fence: Fence) -> rusqlite::Result<bool> {
    let release = "UPDATE log SET holder = NULL WHERE id = ?1 AND fence = ?2 AND holder IS NOT NULL";
    transaction.execute(release, params![log, bound(fence.0)]).map(|changed| changed == 1)
}

fn keep(transaction: &Transaction<'_>, log: i64, lease: &Lease) -> rusqlite::Result<()> {
    let keep = "UPDATE log SET holder = ?2, fence = ?3, held_until = ?4 WHERE id = ?1";
    transaction.execute(keep, params![log, lease.holder.0, bound(lease.fence.0), bound(lease.until.0)])?;
    Ok(())
}
