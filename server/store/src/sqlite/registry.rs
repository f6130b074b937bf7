//! Devices and their rights, as they stand within one transaction.

use protocol::routes::Access;
use protocol::{Collection, DeviceId, Error, Revocation, Right, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::log::number;
use super::writer::Outcome;

/// A device that may do what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorised {
    /// The device.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// Whether it administers the store.
    pub administrator: bool,
    /// Its right on the collection; [`Right::Read`] where there is none in question.
    pub right: Right,
    /// How many records it may delete in 24 hours without approval.
    pub budget: Option<u64>,
}

struct Known {
    name: String,
    administrator: bool,
    revoked: Option<Revocation>,
}

/// Tells whether a device may do something that needs `access`.
///
/// Whether a collection exists is told to nobody who has no right on it.
pub(super) fn authorise(
    connection: &Connection,
    device: &DeviceId,
    access: Access,
    collection: Option<&Collection>,
) -> Outcome<Authorised> {
    let Some(known) = find(connection, device)? else { return Ok(Err(Error::UnknownDevice(*device))) };
    if let Some(Revocation { at, by }) = known.revoked {
        return Ok(Err(Error::Revoked { device: known.name, by, at }));
    }
    let denied = |what: String| Ok(Err(Error::NotAuthorised(format!("device `{}` {what}", known.name))));
    let authorised =
        |right, budget| Ok(Ok(Authorised { device: *device, name: known.name.clone(), administrator: known.administrator, right, budget }));
    let (needed, collection) = match (access, collection) {
        (Access::Open | Access::Device, _) => return authorised(Right::Read, None),
        (Access::Administrator, _) | (_, None) if known.administrator => return authorised(Right::Admin, None),
        (Access::Administrator, _) | (_, None) => return denied("does not administer the store".into()),
        (Access::Read, Some(collection)) => (Right::Read, collection),
        (Access::Write, Some(collection)) => (Right::Write, collection),
        (Access::Admin, Some(collection)) => (Right::Admin, collection),
    };
    let mut log = connection.prepare_cached("SELECT id FROM log WHERE collection = ?1")?;
    let log = log.query_row([collection.as_str()], |row| row.get::<_, i64>(0)).optional()?;
    let granted = log.map(|log| right(connection, log, device)).transpose()?.flatten();
    match (log, known.administrator, granted) {
        (None, true, _) => Ok(Err(Error::NoSuchCollection(collection.to_string()))),
        (Some(_), true, _) => authorised(Right::Admin, None),
        (_, false, Some((right, budget))) if right >= needed => authorised(right, budget),
        (_, false, Some(_)) if needed == Right::Write => Ok(Err(Error::ReadOnly(collection.to_string()))),
        (_, false, Some(_)) => denied(format!("does not administer collection `{collection}`")),
        (_, false, None) => denied(format!("has no right on a collection `{collection}`")),
    }
}

fn find(connection: &Connection, device: &DeviceId) -> rusqlite::Result<Option<Known>> {
    let mut statement = connection.prepare_cached("SELECT name, administrator, revoked, revoked_by FROM device WHERE key = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        let revoked = revocation(row.get(2)?, row.get(3)?);
        Ok(Known { name: row.get(0)?, administrator: row.get(1)?, revoked })
    };
    statement.query_row([device.0], read).optional()
}

pub(super) fn revocation(at: Option<i64>, by: Option<String>) -> Option<Revocation> {
    at.map(|at| Revocation { at: Timestamp(number(at)), by: by.unwrap_or_default() })
}

/// Returns a device's right on a log, and its delete budget.
fn right(connection: &Connection, log: i64, device: &DeviceId) -> rusqlite::Result<Option<(Right, Option<u64>)>> {
    let mut statement = connection.prepare_cached("SELECT level, budget FROM access WHERE log = ?1 AND device = ?2")?;
    let read = |row: &rusqlite::Row<'_>| Ok((level(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(number)));
    Ok(statement.query_row(params![log, device.0], read).optional()?.and_then(|(right, budget)| right.map(|right| (right, budget))))
}

/// Tells whether a device may write or ever might.
pub(super) fn ever_wrote(connection: &Connection, log: i64, device: &DeviceId) -> rusqlite::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM access WHERE log = ?1 AND device = ?2 AND wrote = 1)
                  OR EXISTS (SELECT 1 FROM device WHERE key = ?2 AND administrator = 1)";
    connection.prepare_cached(select)?.query_row(params![log, device.0], |row| row.get(0))
}

/// Reads a right as it is stored; 0 is one that was taken away.
pub(super) fn level(stored: i64) -> Option<Right> {
    match stored {
        1 => Some(Right::Read),
        2 => Some(Right::Write),
        3 => Some(Right::Admin),
        _ => None,
    }
}

/// Returns a right as it is stored.
pub(super) fn stored(right: Right) -> i64 {
    match right {
        Right::Read => 1,
        Right::Write => 2,
        Right::Admin => 3,
    }
}
