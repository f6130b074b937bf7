//! The database file: how it is opened, which tables it has, and how an older one becomes the present one.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use protocol::Error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure;

/// How many compiled statements a connection keeps: more than there are.
const STATEMENTS: usize = 64;
/// How long a process waits for another one's transaction before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each turns version n of the tables into n + 1; the first one makes them. Released ones are never edited.
///
/// Payloads lie last in their rows, so that a head is found without reading one.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL UNIQUE,
    log BLOB NOT NULL
) STRICT;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (id),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    transaction_id BLOB NOT NULL,
    digest BLOB NOT NULL,
    envelope BLOB
) STRICT;
CREATE UNIQUE INDEX entry_by_sequence ON entry (log, sequence);
CREATE UNIQUE INDEX entry_by_transaction ON entry (log, transaction_id);
",
    "
ALTER TABLE log ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN lease_mode TEXT NOT NULL DEFAULT 'write';
ALTER TABLE log ADD COLUMN retention_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN holder BLOB;
ALTER TABLE log ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (id),
    sequence INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX snapshot_by_sequence ON snapshot (log, sequence);
CREATE TABLE arrival (
    log INTEGER NOT NULL REFERENCES log (id),
    device BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (store BLOB NOT NULL) STRICT;
CREATE TABLE device (
    key BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    administrator INTEGER NOT NULL,
    enrolled INTEGER NOT NULL,
    seen INTEGER,
    revoked INTEGER,
    revoked_by TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_by_name ON device (name) WHERE revoked IS NULL;
CREATE TABLE access (
    log INTEGER NOT NULL REFERENCES log (id),
    device BLOB NOT NULL REFERENCES device (key),
    level INTEGER NOT NULL,
    wrote INTEGER NOT NULL,
    budget INTEGER,
    PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE invitation (
    digest BLOB NOT NULL PRIMARY KEY,
    administrator INTEGER NOT NULL,
    grants TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE deletion (
    log INTEGER NOT NULL REFERENCES log (id),
    device BLOB NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
CREATE INDEX deletion_by_device ON deletion (log, device, at);
CREATE TABLE held (
    log INTEGER NOT NULL REFERENCES log (id),
    transaction_id BLOB NOT NULL,
    device BLOB NOT NULL,
    deletions INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    at INTEGER NOT NULL,
    verdict INTEGER,
    decided_by TEXT,
    used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log, transaction_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
",
    "
CREATE TABLE pack (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (id),
    digest BLOB NOT NULL UNIQUE,
    length INTEGER NOT NULL
) STRICT;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (id),
    chunk BLOB NOT NULL,
    pack INTEGER NOT NULL REFERENCES pack (id),
    place INTEGER NOT NULL,
    size INTEGER NOT NULL,
    length INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    damaged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX chunk_by_id ON chunk (log, chunk);
CREATE INDEX chunk_by_pack ON chunk (pack);
CREATE INDEX chunk_damaged ON chunk (log) WHERE damaged = 1;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (id),
    blob BLOB NOT NULL,
    length INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX blob_by_id ON blob (log, blob);
CREATE TABLE piece (
    blob INTEGER NOT NULL REFERENCES blob (id),
    position INTEGER NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    PRIMARY KEY (blob, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX piece_by_chunk ON piece (chunk);
",
];

/// Opens the database for reading, making or migrating it first if it is not there or old.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path)?;
    let present = version(&connection);
    if !present.is_ok_and(|version| version == newest()) {
        migrate(path, &connection)?;
    }
    connection.pragma_update(None, "query_only", true).map_err(|error| failure::database(path, &error))?;
    Ok(connection)
}

/// Opens a further connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| failure::database(path, &error))?;
    Ok(connection)
}

/// Opens a connection whose commits are on the disk before they return.
pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
    let connection = connect(path)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(|error| failure::database(path, &error))?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise a statement over a table with a partial index is compiled anew whenever a value is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    connect().map_err(|error| failure::database(path, &error))
}

/// Returns the version that the migrations lead to.
fn newest() -> u64 {
    MIGRATIONS.len() as u64
}

/// Returns the version of the tables; 0 if there are none at all.
fn version(connection: &Connection) -> rusqlite::Result<u64> {
    if connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))? {
        return Ok(0);
    }
    connection.query_row("SELECT version FROM schema", [], |row| row.get::<_, u32>(0)).map(u64::from)
}

/// Brings the tables to the present version, one process at a time: SQLite's own locks do not cover the change to WAL.
fn migrate(path: &Path, connection: &Connection) -> Result<(), Error> {
    let guard = path.with_extension("lock");
    let lock = File::create(&guard).map_err(|error| failure::io("make", &guard, &error))?;
    lock.lock().map_err(|error| failure::io("lock", &guard, &error))?;
    let database = |error: &rusqlite::Error| failure::database(path, error);
    let found = version(connection).map_err(|error| foreign(path, &error))?;
    if found > newest() {
        let what = format!("the store `{}`", path.display());
        return Err(Error::Newer { what, found, known: newest() });
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(|error| database(&error))?;
    for (version, migration) in (1_u32..).zip(MIGRATIONS).filter(|(version, _)| u64::from(*version) > found) {
        step(connection, version, migration).map_err(|error| database(&error))?;
    }
    Ok(())
}

fn step(connection: &Connection, version: u32, migration: &str) -> rusqlite::Result<()> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration)?;
    transaction.execute_batch("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT; DELETE FROM schema;")?;
    transaction.execute("INSERT INTO schema (version) VALUES (?1)", [version])?;
    transaction.commit()
}

/// Tells a database of another program from one that is ours and failed.
fn foreign(path: &Path, error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(inner, _) if inner.code == rusqlite::ErrorCode::Unknown => {
            Error::Failed(format!("`{}` is a database of another program; name another folder for the store", path.display()))
        }
        _ => failure::database(path, error),
    }
}
