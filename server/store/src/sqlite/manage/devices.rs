//! Devices: who they are, what they may do, how they are renamed and revoked.

use protocol::messages::{Device, DeviceGrant, SetGrant};
use protocol::routes::Access;
use protocol::{Collection, Cursor, DeviceId, Error, Hash, LogId, Right, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::enrollment::check_name;
use super::{Need, Sqlite};
use crate::sqlite::append::bound;
use crate::sqlite::audit::{self, Note};
use crate::sqlite::log::{number, sequence};
use crate::sqlite::registry::{level, revocation, stored};
use crate::sqlite::writer::Outcome;

impl Sqlite {
    /// Returns all devices, by name, the revoked ones too.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn devices(&self) -> Result<Vec<Device>, Error> {
        self.look(|connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY name, key"))?;
            let mut devices: Vec<Device> = statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
            for device in &mut devices {
                device.grants = grants(connection, &device.device)?;
            }
            Ok(Ok(devices))
        })
    }

    /// Returns a device.
    ///
    /// # Errors
    /// Fails with [`Error::NotFound`] if the store has never known it.
    pub fn device(&self, device: &DeviceId) -> Result<Device, Error> {
        self.look(|connection| one(connection, device))
    }

    /// Gives a device another name.
    ///
    /// # Errors
    /// Fails with [`Error::Malformed`] if it is no name, with [`Error::Conflict`] if it is taken, with [`Error::NotFound`] if there
    /// is no such device.
    pub fn rename(&self, caller: &DeviceId, device: &DeviceId, name: &str) -> Result<Device, Error> {
        check_name(name)?;
        let (device, name, now) = (*device, name.to_owned(), self.clock.now());
        self.act(administrator(caller), move |transaction, authorised| {
            let before = match one(transaction, &device)? {
                Ok(before) => before,
                Err(error) => return Ok(Err(error)),
            };
            if before.name != name
                && let Err(error) = name_is_free(transaction, &name)?
            {
                return Ok(Err(error));
            }
            transaction.execute("UPDATE device SET name = ?2 WHERE key = ?1", params![device.0, name])?;
            let detail = format!("from {} to {name}", before.name);
            let note = Note { by: &authorised.name, action: "rename", object: &device.to_string(), detail: &detail };
            audit::write(transaction, now, &note)?;
            one(transaction, &device)
        })
    }

    /// Takes every right from a device, for ever: no append that begins after this returns gets in.
    ///
    /// # Errors
    /// Fails with [`Error::NotFound`] if there is no such device, and with [`Error::Conflict`] if it is the only administrator.
    pub fn revoke(&self, caller: &DeviceId, device: &DeviceId) -> Result<Device, Error> {
        let (device, now) = (*device, self.clock.now());
        self.act(administrator(caller), move |transaction, authorised| {
            let before = match one(transaction, &device)? {
                Ok(before) if before.revoked.is_some() => return Ok(Ok(before)),
                Ok(before) => before,
                Err(error) => return Ok(Err(error)),
            };
            let others = "SELECT EXISTS (SELECT 1 FROM device WHERE administrator = 1 AND revoked IS NULL AND key <> ?1)";
            if before.administrator && !transaction.query_row(others, [device.0], |row| row.get::<_, bool>(0))? {
                let text = format!("device `{}` is the only administrator; invite another one first", before.name);
                return Ok(Err(Error::Conflict(text)));
            }
            let revoke = "UPDATE device SET revoked = ?2, revoked_by = ?3 WHERE key = ?1";
            transaction.execute(revoke, params![device.0, bound(now.0), authorised.name])?;
            transaction.execute("UPDATE log SET holder = NULL WHERE holder = ?1", [device.0])?;
            let note = Note { by: &authorised.name, action: "revoke", object: &device.to_string(), detail: &before.name };
            audit::write(transaction, now, &note)?;
            one(transaction, &device)
        })
    }

    /// Gives a device a right on a collection, in place of the one that it had.
    ///
    /// # Errors
    /// Fails with [`Error::NotFound`] if there is no such device.
    pub fn set_grant(&self, caller: &DeviceId, collection: &Collection, device: &DeviceId, set: &SetGrant) -> Result<(), Error> {
        let (device, set, name, now) = (*device, set.clone(), collection.clone(), self.clock.now());
        self.act_on(caller, Access::Admin, collection, move |transaction, authorised, log| {
            let known = match one(transaction, &device)? {
                Ok(known) => known,
                Err(error) => return Ok(Err(error)),
            };
            transaction.execute("DELETE FROM access WHERE log = ?1 AND device = ?2 AND level = 0 AND wrote = 0", params![log, device.0])?;
            replace(transaction, log, &device, stored(set.right), set.delete_budget)?;
            let budget = set.delete_budget.map(|budget| format!(", {budget} deletions a day")).unwrap_or_default();
            let detail = format!("{} to {}{budget}", set.right, known.name);
            audit::write(transaction, now, &Note { by: &authorised.name, action: "grant", object: name.as_str(), detail: &detail })?;
            Ok(Ok(()))
        })
    }

    /// Takes a device's right on a collection. What it signed before stays valid.
    ///
    /// # Errors
    /// Fails with [`Error::NotFound`] if it has none.
    pub fn remove_grant(&self, caller: &DeviceId, collection: &Collection, device: &DeviceId) -> Result<(), Error> {
        let (device, name, now) = (*device, collection.clone(), self.clock.now());
        self.act_on(caller, Access::Admin, collection, move |transaction, authorised, log| {
            let take = "UPDATE access SET level = 0 WHERE log = ?1 AND device = ?2 AND level > 0";
            if transaction.execute(take, params![log, device.0])? == 0 {
                return Ok(Err(Error::NotFound(format!("a right of device {device} on `{name}`"))));
            }
            transaction.execute("UPDATE log SET holder = NULL WHERE id = ?1 AND holder = ?2", params![log, device.0])?;
            let note = Note { by: &authorised.name, action: "ungrant", object: name.as_str(), detail: &device.to_string() };
            audit::write(transaction, now, &note).map(Ok)
        })
    }

    /// Notes when devices were last heard of.
    ///
    /// # Errors
    /// Fails if the store cannot be written.
    pub fn heard_of(&self, devices: Vec<(DeviceId, Timestamp)>) -> Result<(), Error> {
        self.write(move |transaction| {
            let mut note = transaction.prepare_cached("UPDATE device SET seen = max(coalesce(seen, 0), ?2) WHERE key = ?1")?;
            for (device, at) in &devices {
                note.execute(params![device.0, bound(at.0)])?;
            }
            Ok(Ok(()))
        })
    }
}

fn administrator(caller: &DeviceId) -> Need {
    Need { caller: *caller, access: Access::Administrator, collection: None }
}

pub(super) fn name_is_free(connection: &Connection, name: &str) -> Outcome<()> {
    let taken = "SELECT EXISTS (SELECT 1 FROM device WHERE name = ?1 AND revoked IS NULL)";
    if connection.query_row(taken, [name], |row| row.get(0))? {
        return Ok(Err(Error::Conflict(format!("a device named `{name}` is enrolled already; choose another name"))));
    }
    Ok(Ok(()))
}

/// Gives a device a right, unless it has a greater one.
pub(super) fn grant(transaction: &Transaction<'_>, log: i64, device: &DeviceId, right: Right, budget: Option<u64>) -> rusqlite::Result<()> {
    let held = "SELECT level FROM access WHERE log = ?1 AND device = ?2";
    let held: i64 = transaction.query_row(held, params![log, device.0], |row| row.get(0)).optional()?.unwrap_or_default();
    if held > stored(right) { Ok(()) } else { replace(transaction, log, device, stored(right), budget) }
}

fn replace(transaction: &Transaction<'_>, log: i64, device: &DeviceId, level: i64, budget: Option<u64>) -> rusqlite::Result<()> {
    let set = "INSERT INTO access (log, device, level, wrote, budget) VALUES (?1, ?2, ?3, ?3 >= 2, ?4) ON CONFLICT (log, device)
               DO UPDATE SET level = excluded.level, wrote = max(wrote, excluded.wrote), budget = excluded.budget";
    transaction.execute(set, params![log, device.0, level, budget.map(bound)])?;
    Ok(())
}

const SELECT: &str = "SELECT key, name, administrator, enrolled, seen, revoked, revoked_by FROM device";

/// Returns a device with its grants.
pub(super) fn one(connection: &Connection, device: &DeviceId) -> Outcome<Device> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE key = ?1"))?;
    let Some(found) = statement.query_row([device.0], read).optional()? else {
        return Ok(Err(Error::NotFound(format!("device {device}"))));
    };
    Ok(Ok(Device { grants: grants(connection, device)?, ..found }))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        device: DeviceId(row.get(0)?),
        name: row.get(1)?,
        administrator: row.get(2)?,
        enrolled: Timestamp(number(row.get(3)?)),
        seen: row.get::<_, Option<i64>>(4)?.map(|at| Timestamp(number(at))),
        revoked: revocation(row.get(5)?, row.get(6)?),
        grants: Vec::new(),
    })
}

fn grants(connection: &Connection, device: &DeviceId) -> rusqlite::Result<Vec<DeviceGrant>> {
    let mut statement = connection.prepare_cached(
        "SELECT log.collection, log.log, access.level, access.budget, arrival.sequence, arrival.hash,
                (SELECT coalesce(max(sequence), 0) FROM entry WHERE entry.log = log.id)
         FROM access JOIN log ON log.id = access.log
         LEFT JOIN arrival ON arrival.log = access.log AND arrival.device = access.device
         WHERE access.device = ?1 ORDER BY log.collection",
    )?;
    let rows = statement.query_map([device.0], |row| {
        let (Some(right), Ok(collection)) = (level(row.get(2)?), row.get::<_, String>(0)?.parse()) else { return Ok(None) };
        let (log, head) = (LogId(row.get(1)?), number(row.get(6)?));
        let arrived = row.get::<_, Option<i64>>(4)?.zip(row.get::<_, Option<[u8; 32]>>(5)?);
        let cursor = arrived.map(|(at, hash)| Cursor { log, sequence: sequence(at), hash: Hash(hash) });
        let lag = head.saturating_sub(cursor.map_or(0, |cursor| cursor.sequence.0));
        Ok(Some(DeviceGrant { collection, right, delete_budget: row.get::<_, Option<i64>>(3)?.map(number), cursor, lag }))
    })?;
    rows.filter_map(Result::transpose).collect()
}
