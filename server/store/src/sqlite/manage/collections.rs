//! Collections: making them, their settings and states, and what of it is done in the name of a device.

use std::time::Duration;

use protocol::messages::{Listed, Settings, Settled};
use protocol::routes::Access;
use protocol::{Collection, Cursor, DeviceId, Error, Fence, Lease, LeaseMode, LogId, Right, State};
use rusqlite::Transaction;

use super::{Need, Sqlite};
use crate::lease;
use crate::sqlite::audit::{self, Note};
use crate::sqlite::log::{self, number};
use crate::sqlite::{failure, find_log, leases, make_log, registry, standing};

impl Sqlite {
    /// Makes a collection, unless it is there.
    ///
    /// # Errors
    /// Fails with [`Error::NotAuthorised`] unless the caller administers the store.
    pub fn create(&self, caller: &DeviceId, collection: &Collection) -> Result<(), Error> {
        let (name, id, now) = (collection.clone(), LogId(crate::random::bytes()?), self.clock.now());
        let need = Need { caller: *caller, access: Access::Administrator, collection: None };
        self.act(need, move |transaction, authorised| {
            if find_log(transaction, &name)?.is_none() {
                make_log(transaction, &name, id)?;
                audit::write(transaction, now, &Note { by: &authorised.name, action: "create", object: name.as_str(), detail: "" })?;
            }
            Ok(Ok(()))
        })
    }

    /// Returns the collections that a device may read.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn collections(&self, caller: &DeviceId) -> Result<Vec<Listed>, Error> {
        self.look(|connection| {
            let mut statement = connection.prepare_cached("SELECT id, collection, log FROM log ORDER BY collection")?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, LogId(row.get(2)?)));
            let mut listed = Vec::new();
            for row in statement.query_map([], read)? {
                let (row, name, log) = row?;
                let Ok(collection) = name.parse::<Collection>() else { continue };
                if let Ok(authorised) = registry::authorise(connection, caller, Access::Read, Some(&collection))? {
                    listed.push(Listed { collection, head: log::head(connection, row, log)?, right: authorised.right });
                }
            }
            Ok(Ok(listed))
        })
    }

    /// Returns where a collection stands, to a device with `right` there.
    ///
    /// # Errors
    /// Fails with [`Error::NoSuchCollection`] if there is none.
    pub fn state_as(&self, collection: &Collection, right: Right) -> Result<State, Error> {
        self.read_log(collection, |log| match log {
            Some(log) => standing::state(&log, right, self.clock.now()),
            None => Err(Error::NoSuchCollection(collection.to_string())),
        })
    }

    /// Fails with [`Error::Leased`] if an exclusive lease of another device keeps this one from reading.
    ///
    /// # Errors
    /// As said, and if the store cannot be read.
    pub fn may_read(&self, caller: &DeviceId, collection: &Collection) -> Result<(), Error> {
        let now = self.clock.now();
        self.look(|connection| {
            let Some(log) = find_log(connection, collection)? else { return Ok(Ok(())) };
            let held = lease::held(leases::find(connection, log)?, now).filter(|lease| lease.holder != *caller);
            Ok(match held {
                Some(held) if standing::lease_mode(connection, log)? == LeaseMode::Exclusive => Err(lease::refused(collection, &held)),
                _ => Ok(()),
            })
        })
    }

    /// Changes a collection's settings, and returns them.
    ///
    /// # Errors
    /// Fails with [`Error::NotAuthorised`] unless the caller administers the collection.
    pub fn set(&self, caller: &DeviceId, collection: &Collection, settings: &Settings) -> Result<Settled, Error> {
        let (settings, name, now) = (settings.clone(), collection.clone(), self.clock.now());
        self.act_on(caller, Access::Admin, collection, move |transaction, authorised, log| {
            if let Some(mode) = settings.lease {
                transaction.execute("UPDATE log SET lease_mode = ?2 WHERE id = ?1", (log, mode.to_string()))?;
            }
            if let Some(days) = settings.retention_days {
                transaction.execute("UPDATE log SET retention_days = ?2 WHERE id = ?1", (log, crate::sqlite::append::bound(days)))?;
            }
            let settled = settled(transaction, log)?;
            let detail = format!("lease = {}, retention_days = {}", settled.lease, settled.retention_days);
            audit::write(transaction, now, &Note { by: &authorised.name, action: "settings", object: name.as_str(), detail: &detail })?;
            Ok(Ok(settled))
        })
    }

    /// Notes that a device has everything up to a cursor.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownCursor`] if the cursor is no place of the log.
    pub fn arrived_as(&self, caller: &DeviceId, collection: &Collection, cursor: &Cursor) -> Result<(), Error> {
        self.read_log(collection, |log| match log {
            Some(log) => log.require(cursor),
            None => Err(Error::NoSuchCollection(collection.to_string())),
        })?;
        let (device, cursor) = (*caller, *cursor);
        self.act_on(caller, Access::Read, collection, move |transaction, _, log| {
            standing::arrive(transaction, log, &device, &cursor).map(Ok)
        })
    }

    /// Gives a device the lease, as [`protocol::Store::acquire`] does.
    ///
    /// # Errors
    /// As [`protocol::Store::acquire`].
    pub fn acquire_as(&self, caller: &DeviceId, collection: &Collection, time: Duration) -> Result<Lease, Error> {
        let (name, now) = (collection.clone(), self.clock.now());
        self.act_on(caller, Access::Write, collection, move |transaction, authorised, log| {
            leases::acquire(transaction, (&name, log), &authorised.device, now, time)
        })
    }

    /// Lets a device's own lease last longer, as [`protocol::Store::renew`] does.
    ///
    /// # Errors
    /// As [`protocol::Store::renew`].
    pub fn renew_as(&self, caller: &DeviceId, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error> {
        let (name, now) = (collection.clone(), self.clock.now());
        self.act_on(caller, Access::Write, collection, move |transaction, authorised, log| {
            match lease::held(leases::find(transaction, log)?, now) {
                Some(held) if held.holder != authorised.device => Ok(Err(lease::refused(&name, &held))),
                _ => leases::renew(transaction, (&name, log), fence, now, time),
            }
        })
    }

    /// Ends a lease: a device's own, or, with the right to administer the collection, another one's.
    ///
    /// # Errors
    /// Fails with [`Error::Leased`] if another device holds it and the caller may not end it.
    pub fn release_as(&self, caller: &DeviceId, collection: &Collection, fence: Fence) -> Result<(), Error> {
        let (name, now) = (collection.clone(), self.clock.now());
        self.act_on(caller, Access::Write, collection, move |transaction, authorised, log| {
            let held = lease::held(leases::find(transaction, log)?, now).filter(|lease| lease.fence == fence);
            let Some(held) = held else { return Ok(Ok(())) };
            if held.holder != authorised.device {
                if authorised.right < Right::Admin {
                    return Ok(Err(lease::refused(&name, &held)));
                }
                let detail = format!("of {}", held.name);
                let note = Note { by: &authorised.name, action: "end-lease", object: name.as_str(), detail: &detail };
                audit::write(transaction, now, &note)?;
            }
            leases::release(transaction, log, fence).map(|_| Ok(()))
        })
    }

    /// Returns the place up to which a collection can be compacted now.
    ///
    /// # Errors
    /// Fails with [`Error::NoSnapshot`] if there is no snapshot.
    pub fn newest_snapshot(&self, collection: &Collection) -> Result<Cursor, Error> {
        let newest = self.read_log(collection, |log| {
            let Some(log) = log else { return Err(Error::NoSuchCollection(collection.to_string())) };
            let newest = crate::sqlite::snapshots::newest(log.place.connection, log.row);
            let newest = newest.map_err(|error| failure::database(&self.path, &error))?;
            newest.map(|(stored, _)| log.cursor_at(log::sequence(stored))).transpose()
        })?;
        newest.ok_or_else(|| Error::NoSnapshot(collection.to_string()))
    }
}

fn settled(transaction: &Transaction<'_>, log: i64) -> rusqlite::Result<Settled> {
    let days: i64 = transaction.query_row("SELECT retention_days FROM log WHERE id = ?1", [log], |row| row.get(0))?;
    Ok(Settled { lease: standing::lease_mode(transaction, log)?, retention_days: number(days) })
}
