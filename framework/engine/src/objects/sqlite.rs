//! The object store in a file: SQLite, one commit a step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use adapter::{Fingerprint, Key};
use delta::State;
use protocol::{Envelope, Hash, Sequence};
use record::codec::{CodecError, Reader, Writer};
use record::{Conflict, RecordId};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::Error;
use crate::objects::encoding;
use crate::objects::model::{MARK, TAIL};
use crate::objects::{Batch, Item, Joined, Meta, Objects, Retained, Seen, Step};
use crate::parallel;
use crate::report::Held;

/// The version of the tables. A store of a newer version is refused, an older one is brought forward.
const VERSION: i64 = 2;

/// How many statements are kept prepared: all that there are.
const STATEMENTS: usize = 64;

/// Fingerprints stand apart from bodies: they are all that an unchanged scan reads.
const TABLES: &str = "
create table meta (name text primary key, body blob not null) without rowid;
create table item (id blob primary key, key text not null, fingerprint blob not null, uid text) without rowid;
create table seen (id blob primary key, body blob not null);
create table agreed (id blob primary key, body blob);
create table remote (id blob primary key, body blob not null);
create table conflict (id blob primary key, body blob not null) without rowid;
create table attention (id blob primary key) without rowid;
create table joined (newcomer blob primary key, body blob not null) without rowid;
";

/// What version 2 added.
const TABLES_2: &str = "create table tail (sequence integer primary key, hash blob not null, envelope blob);";

/// An object store in a file.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Whether commits wait for the disk at present.
    durable: bool,
}

type Blob = Vec<u8>;

impl Sqlite {
    /// Opens the object store, making it if there is none.
    ///
    /// # Errors
    /// Fails if the file cannot be opened, is no object store, or is of a newer version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path).map_err(|error| failed(path, &error))?;
        let store = Self { connection, path: path.to_owned(), durable: true };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), Error> {
        self.check(self.connection.busy_timeout(std::time::Duration::from_secs(10)))?;
        self.connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else a statement over two tables is compiled anew for every value that is bound to it.
        self.check(self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))?;
        self.check(self.connection.execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;"))?;
        let version: i64 = self.check(self.connection.query_row("pragma user_version", [], |row| row.get(0)))?;
        match version {
            VERSION => Ok(()),
            0 => self.make(&format!("{TABLES} {TABLES_2}")),
            1 => self.make(TABLES_2),
            newer => Err(self.wrong(format!("it has version {newer}, this program reads version {VERSION}: upgrade syncretic"))),
        }
    }

    fn make(&self, tables: &str) -> Result<(), Error> {
        self.check(self.connection.execute_batch(&format!("begin immediate; {tables} pragma user_version = {VERSION}; commit;")))
    }

    fn check<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|error| failed(&self.path, &error))
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Objects { place: self.path.display().to_string(), reason }
    }

    fn damaged(&self, error: &CodecError) -> Error {
        self.wrong(format!("a row is damaged ({error}); move the file away and sync again: the endpoint joins anew and nothing is deleted"))
    }

    fn body(&self, sql: &str, id: &[u8]) -> Result<Option<Option<Blob>>, Error> {
        let mut statement = self.check(self.connection.prepare_cached(sql))?;
        self.check(statement.query_row([id], |row| row.get(0)).optional())
    }

    fn named(&self, name: &str) -> Result<Option<Blob>, Error> {
        let mut statement = self.check(self.connection.prepare_cached("select body from meta where name = ?"))?;
        self.check(statement.query_row([name], |row| row.get(0)).optional())
    }

    fn bodies(&self, sql: &str) -> Result<Vec<Blob>, Error> {
        let mut statement = self.check(self.connection.prepare_cached(sql))?;
        let rows = self.check(statement.query_map([], |row| row.get(0)))?;
        self.check(rows.collect())
    }

    fn decode<T>(&self, body: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Result<T, CodecError>) -> Result<T, Error> {
        let mut reader = Reader::new(body);
        let value = read(&mut reader).map_err(|error| self.damaged(&error))?;
        reader.finish().map_err(|error| self.damaged(&error))?;
        Ok(value)
    }
}

fn failed(path: &Path, error: &rusqlite::Error) -> Error {
    let reason = format!("{error}; if the file is damaged, move it away and sync again: the endpoint joins anew and nothing is deleted");
    Error::Objects { place: path.display().to_string(), reason }
}

fn encode(write: impl FnOnce(&mut Writer)) -> Blob {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.finish()
}

impl Objects for Sqlite {
    fn incoming(&self) -> Option<PathBuf> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".incoming");
        Some(PathBuf::from(name))
    }

    fn meta(&self) -> Result<Meta, Error> {
        self.named("meta")?.map_or_else(|| Ok(Meta::default()), |body| self.decode(&body, encoding::read_meta))
    }

    fn items(&self) -> Result<Vec<Item>, Error> {
        let mut statement = self.check(self.connection.prepare_cached("select id, key, fingerprint, uid from item order by id"))?;
        let rows = statement.query_map([], |row| {
            let (id, fingerprint) = (RecordId(row.get(0)?), Fingerprint(row.get(2)?));
            Ok(Item { key: Key(row.get(1)?), fingerprint, id, uid: row.get(3)? })
        });
        self.check(self.check(rows)?.collect())
    }

    fn count(&self) -> Result<usize, Error> {
        let mut statement = self.check(self.connection.prepare_cached("select count(*) from item"))?;
        let count: i64 = self.check(statement.query_row([], |row| row.get(0)))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    fn seen(&self, id: RecordId) -> Result<Option<Seen>, Error> {
        let mut statement =
            self.check(self.connection.prepare_cached("select key, fingerprint, body from item join seen using (id) where id = ?"))?;
        let row = statement.query_row([&id.0[..]], |row| Ok((Key(row.get(0)?), Fingerprint(row.get(1)?), row.get::<_, Blob>(2)?)));
        let Some((key, fingerprint, body)) = self.check(row.optional())? else { return Ok(None) };
        self.decode(&body, |reader| encoding::read_seen(reader, key, fingerprint)).map(Some)
    }

    fn agreed(&self, id: RecordId) -> Result<Option<State>, Error> {
        match self.body("select body from agreed where id = ?", &id.0)? {
            None => Ok(None),
            // Nearly always the two trees say the same: that is kept once.
            Some(None) => self.remote(id),
            Some(Some(body)) => self.decode(&body, State::decode).map(Some),
        }
    }

    fn remote(&self, id: RecordId) -> Result<Option<State>, Error> {
        let body = self.body("select body from remote where id = ?", &id.0)?.flatten();
        body.map(|body| self.decode(&body, State::decode)).transpose()
    }

    fn each_seen(&self, visit: &mut dyn FnMut(RecordId, Seen)) -> Result<(), Error> {
        let sql = "select id, key, fingerprint, body from item join seen using (id) order by id";
        let mut statement = self.check(self.connection.prepare_cached(sql))?;
        let mut rows = self.check(statement.query([]))?;
        while let Some(row) = self.check(rows.next())? {
            let (id, body): ([u8; 16], Blob) = (self.check(row.get(0))?, self.check(row.get(3))?);
            let (key, fingerprint) = (Key(self.check(row.get(1))?), Fingerprint(self.check(row.get(2))?));
            visit(RecordId(id), self.decode(&body, |reader| encoding::read_seen(reader, key, fingerprint))?);
        }
        Ok(())
    }

    fn each_unseen(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let sql = "select id, body from remote where id not in (select id from item) order by id";
        let mut statement = self.check(self.connection.prepare_cached(sql))?;
        let mut rows = self.check(statement.query([]))?;
        while let Some(row) = self.check(rows.next())? {
            let (id, body): ([u8; 16], Blob) = (self.check(row.get(0))?, self.check(row.get(1))?);
            visit(RecordId(id), self.decode(&body, State::decode)?);
        }
        Ok(())
    }

    fn each_remote(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let mut statement = self.check(self.connection.prepare_cached("select id, body from remote order by id"))?;
        let mut rows = self.check(statement.query([]))?;
        while let Some(row) = self.check(rows.next())? {
            let (id, body): ([u8; 16], Blob) = (self.check(row.get(0))?, self.check(row.get(1))?);
            visit(RecordId(id), self.decode(&body, State::decode)?);
        }
        Ok(())
    }

    fn tail(&self) -> Result<Vec<Retained>, Error> {
        let mut statement = self.check(self.connection.prepare_cached("select sequence, hash, envelope from tail order by sequence"))?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Option<Blob>>(2)?)));
        let rows: Vec<_> = self.check(self.check(rows)?.collect())?;
        let retained = rows.into_iter().map(|(sequence, hash, envelope)| {
            let envelope = envelope.map(|bytes| Envelope::decode(&bytes)).transpose().map_err(|error| self.wrong(error.to_string()))?;
            Ok(Retained { sequence: Sequence(sequence.unsigned_abs()), hash: Hash(hash), envelope })
        });
        retained.collect()
    }

    fn conflicts(&self) -> Result<Vec<Conflict>, Error> {
        let bodies = self.bodies("select body from conflict order by id")?;
        bodies.iter().map(|body| self.decode(body, |reader| reader.conflict())).collect()
    }

    fn attention(&self) -> Result<BTreeSet<RecordId>, Error> {
        let mut statement = self.check(self.connection.prepare_cached("select id from attention"))?;
        let rows = self.check(statement.query_map([], |row| row.get(0).map(RecordId)))?;
        self.check(rows.collect())
    }

    fn step(&self) -> Result<Option<Step>, Error> {
        self.named("step")?.map(|body| self.decode(&body, encoding::read_step)).transpose()
    }

    fn held(&self) -> Result<Vec<Held>, Error> {
        self.named("held")?.map_or_else(|| Ok(Vec::new()), |body| self.decode(&body, encoding::read_held))
    }

    fn joined(&self) -> Result<Vec<Joined>, Error> {
        let bodies = self.bodies("select body from joined order by newcomer")?;
        bodies.iter().map(|body| self.decode(body, encoding::read_joined)).collect()
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let path = self.path.clone();
        let before = std::mem::replace(&mut self.durable, batch.durable);
        let keep = |connection: &mut Connection| -> rusqlite::Result<()> {
            if before != batch.durable {
                // In WAL mode a commit that is not synced is whole or not there after a power loss; the next one that is
                // synced makes those before it durable too.
                connection.pragma_update(None, "synchronous", if batch.durable { "full" } else { "normal" })?;
            }
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            keep_items(&transaction, &batch)?;
            keep_states(&transaction, &batch)?;
            keep_rest(&transaction, &batch)?;
            keep_tail(&transaction, &batch)?;
            transaction.commit()
        };
        keep(&mut self.connection).map_err(|error| failed(&path, &error))
    }
}

fn keep_items(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let mut put_item = transaction.prepare_cached("insert or replace into item (id, key, fingerprint, uid) values (?, ?, ?, ?)")?;
    let mut put_seen = transaction.prepare_cached("insert or replace into seen (id, body) values (?, ?)")?;
    let mut renew = transaction.prepare_cached("update item set fingerprint = ? where id = ?")?;
    let encoded = |(_, seen): (_, &Option<Seen>)| seen.as_ref().map(|seen| encode(|writer| encoding::write_seen(writer, seen)));
    for ((id, seen), body) in batch.seen.iter().zip(parallel::in_pieces(batch.seen.iter().collect(), encoded)) {
        let Some((seen, body)) = seen.as_ref().zip(body) else {
            transaction.prepare_cached("delete from item where id = ?")?.execute([&id.0[..]])?;
            transaction.prepare_cached("delete from seen where id = ?")?.execute([&id.0[..]])?;
            continue;
        };
        put_item.execute(params![&id.0[..], seen.key.0, seen.fingerprint.0, seen.shown.text("uid")])?;
        put_seen.execute(params![&id.0[..], body])?;
    }
    for (id, fingerprint) in &batch.fingerprints {
        renew.execute(params![fingerprint.0, &id.0[..]])?;
    }
    Ok(())
}

/// Keeps the states. An agreed state that says what the remote one says is kept as nothing, so both must be known:
/// where only the remote one changes, the agreed one of before is written out first.
fn keep_states(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let remote_body = "select body from remote where id = ?";
    let mut put_remote = transaction.prepare_cached("insert or replace into remote (id, body) values (?, ?)")?;
    let mut put_agreed = transaction.prepare_cached("insert or replace into agreed (id, body) values (?, ?)")?;
    let mut spell_out = transaction
        .prepare_cached("update agreed set body = (select body from remote where remote.id = agreed.id) where id = ? and body is null")?;
    let encoded = |(id, state): (_, &Option<State>)| (id, state.as_ref().map(|state| encode(|writer| state.encode(writer))));
    for (id, body) in parallel::in_pieces(batch.remote.iter().collect(), encoded) {
        spell_out.execute([&id.0[..]])?;
        match body {
            Some(body) => put_remote.execute(params![&id.0[..], body])?,
            None => transaction.prepare_cached("delete from remote where id = ?")?.execute([&id.0[..]])?,
        };
    }
    for (id, state) in &batch.agreed {
        let Some(state) = state else {
            transaction.prepare_cached("delete from agreed where id = ?")?.execute([&id.0[..]])?;
            continue;
        };
        let spelled = match batch.remote.get(id) {
            Some(remote) => (remote.as_ref() != Some(state)).then(|| encode(|writer| state.encode(writer))),
            None => {
                let body = encode(|writer| state.encode(writer));
                let same: Option<Blob> = transaction.prepare_cached(remote_body)?.query_row([&id.0[..]], |row| row.get(0)).optional()?;
                (same.as_ref() != Some(&body)).then_some(body)
            }
        };
        put_agreed.execute(params![&id.0[..], spelled])?;
    }
    Ok(())
}

/// Retains entries, and lets the older ones go but for some places.
fn keep_tail(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let number = |sequence: u64| i64::try_from(sequence).unwrap_or(i64::MAX);
    if let Some(cut) = batch.cut {
        transaction.prepare_cached("delete from tail where sequence > ?")?.execute([number(cut)])?;
    }
    let Some(newest) = batch.tail.last().map(|retained| retained.sequence.0) else { return Ok(()) };
    let mut put = transaction.prepare_cached("insert or replace into tail (sequence, hash, envelope) values (?, ?, ?)")?;
    for retained in &batch.tail {
        let envelope = retained.envelope.as_ref().map(Envelope::encode);
        put.execute(params![number(retained.sequence.0), &retained.hash.0[..], envelope])?;
    }
    let old = number(newest.saturating_sub(TAIL as u64));
    transaction.prepare_cached("delete from tail where sequence <= ? and sequence % ? <> 0")?.execute([old, number(MARK)])?;
    transaction.prepare_cached("update tail set envelope = null where sequence <= ? and envelope is not null")?.execute([old])?;
    Ok(())
}

fn keep_rest(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let put = |name: &str, body: Blob| {
        transaction.prepare_cached("insert or replace into meta (name, body) values (?, ?)")?.execute(params![name, body])
    };
    if let Some(meta) = &batch.meta {
        put("meta", encode(|writer| encoding::write_meta(writer, meta)))?;
    }
    if let Some(held) = &batch.held {
        put("held", encode(|writer| encoding::write_held(writer, held)))?;
    }
    match &batch.step {
        Some(Some(step)) => put("step", encode(|writer| encoding::write_step(writer, step)))?,
        Some(None) => transaction.prepare_cached("delete from meta where name = 'step'")?.execute([])?,
        None => 0,
    };
    for (id, conflict) in &batch.conflicts {
        match conflict {
            Some(conflict) => transaction.prepare_cached("insert or replace into conflict (id, body) values (?, ?)")?.execute(params![
                &id.0[..],
                encode(|writer| {
                    writer.conflict(conflict);
                })
            ])?,
            None => transaction.prepare_cached("delete from conflict where id = ?")?.execute([&id.0[..]])?,
        };
    }
    for (id, needs) in &batch.attention {
        let sql = if *needs { "insert or ignore into attention (id) values (?)" } else { "delete from attention where id = ?" };
        transaction.prepare_cached(sql)?.execute([&id.0[..]])?;
    }
    for (newcomer, joined) in &batch.joined {
        match joined {
            Some(joined) => transaction
                .prepare_cached("insert or replace into joined (newcomer, body) values (?, ?)")?
                .execute(params![&newcomer.0[..], encode(|writer| encoding::write_joined(writer, joined))])?,
            None => transaction.prepare_cached("delete from joined where newcomer = ?")?.execute([&newcomer.0[..]])?,
        };
    }
    Ok(())
}
