//! The management plane's operations: each looks at the caller's rights in the transaction that it writes in, and leaves its audit line there.

mod collections;
mod devices;
mod enrollment;
mod holds;

use protocol::messages::Audit;
use protocol::routes::Access;
use protocol::{Collection, DeviceId, Error, StoreId};
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::audit::{self, Note};
use super::registry::{self, Authorised};
use super::writer::Outcome;
use super::{Sqlite, failure, find_log};

/// What a caller needs, and where.
#[derive(Clone)]
struct Need {
    caller: DeviceId,
    access: Access,
    collection: Option<Collection>,
}

impl Sqlite {
    /// Returns the store's id, which is made when it is first asked for.
    ///
    /// # Errors
    /// Fails if the store cannot be read or written.
    pub fn identity(&self) -> Result<StoreId, Error> {
        let fresh: [u8; 16] = crate::random::bytes()?;
        self.write(move |transaction| {
            let known = transaction.query_row("SELECT store FROM identity", [], |row| row.get(0).map(StoreId)).optional()?;
            if let Some(known) = known {
                return Ok(Ok(known));
            }
            transaction.execute("INSERT INTO identity (store) VALUES (?1)", [fresh])?;
            Ok(Ok(StoreId(fresh)))
        })
    }

    /// Tells whether a device may do something.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownDevice`], [`Error::Revoked`], [`Error::NotAuthorised`], [`Error::ReadOnly`] or, to
    /// administrators only, [`Error::NoSuchCollection`].
    pub fn authorise(&self, device: &DeviceId, access: Access, collection: Option<&Collection>) -> Result<Authorised, Error> {
        self.look(|connection| registry::authorise(connection, device, access, collection))
    }

    /// Returns at most `limit` lines of the audit log after the one with number `after`.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn audit(&self, after: u64, limit: usize) -> Result<Audit, Error> {
        self.look(|connection| audit::read(connection, after, limit).map(Ok))
    }

    /// Adds a line to the audit log about something that was refused before it came to a transaction.
    ///
    /// # Errors
    /// Fails if the store cannot be written.
    pub fn note(&self, by: &str, action: &str, object: &str, detail: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let texts = [by, action, object, detail].map(str::to_owned);
        self.write(move |transaction| {
            let [by, action, object, detail] = &texts;
            audit::write(transaction, now, &Note { by, action, object, detail }).map(Ok)
        })
    }

    /// Reads within one read transaction.
    fn look<T>(&self, look: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T, Error> {
        self.readers.read(&self.path, |connection| look(connection).map_err(|error| failure::database(&self.path, &error))?)
    }

    /// Writes for a caller, if its rights allow that in the very transaction.
    fn act<T: Send + 'static>(
        &self,
        need: Need,
        mut work: impl FnMut(&Transaction<'_>, &Authorised) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.write(move |transaction| match registry::authorise(transaction, &need.caller, need.access, need.collection.as_ref())? {
            Ok(authorised) => work(transaction, &authorised),
            Err(error) => Ok(Err(error)),
        })
    }

    /// Writes for a caller to a collection that is there.
    fn act_on<T: Send + 'static>(
        &self,
        caller: &DeviceId,
        access: Access,
        collection: &Collection,
        mut work: impl FnMut(&Transaction<'_>, &Authorised, i64) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Error> {
        let need = Need { caller: *caller, access, collection: Some(collection.clone()) };
        let name = collection.clone();
        self.act(need, move |transaction, authorised| match find_log(transaction, &name)? {
            Some(log) => work(transaction, authorised, log),
            None => Ok(Err(Error::NoSuchCollection(name.to_string()))),
        })
    }
}
