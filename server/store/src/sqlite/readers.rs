//! Connections that only read: they see the last commit and never wait for the writer.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use protocol::Error;
use rusqlite::Connection;

use super::{failure, schema};

/// The most connections that are kept open while nobody uses them.
const IDLE: usize = 8;

/// Connections that nobody uses at present.
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(first: Connection) -> Self {
        Self { idle: Mutex::new(vec![first]) }
    }

    /// Calls `read` within one read transaction.
    pub(super) fn read<T>(&self, path: &Path, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let connection = taken.map_or_else(|| schema::reader(path), Ok)?;
        let transaction = connection.unchecked_transaction().map_err(|error| failure::database(path, &error))?;
        let answer = read(&transaction);
        drop(transaction);
        let mut idle = idle();
        if idle.len() < IDLE {
            idle.push(connection);
        }
        answer
    }
}
