//! Appending within a transaction: who may, under which lease, on which head; and the row itself.

use std::time::Duration;

use protocol::routes::Access;
use protocol::{Collection, Cursor, DeviceId, Entry, Error, Fence, LogId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::audit::{self, Note};
use super::registry::{self, Authorised};
use super::writer::Outcome;
use super::{leases, log};
use crate::lease;

/// The time over which a delete budget counts.
const BUDGET: Duration = Duration::from_hours(24);

/// Who asks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// This process, for the user whose folder it is: no rights are looked at.
    Local,
    /// A device on the network that has shown who it is.
    Device(DeviceId),
}

/// An entry as it is to be stored.
pub(super) struct Row {
    pub(super) collection: Collection,
    pub(super) caller: Caller,
    pub(super) fence: Option<Fence>,
    pub(super) now: Timestamp,
    pub(super) digest: [u8; 32],
    /// Absent if a file has it.
    pub(super) bytes: Option<Vec<u8>>,
    base: Cursor,
    sequence: i64,
    hash: [u8; 32],
    transaction: [u8; 16],
    signer: DeviceId,
    operations: u64,
    deletions: u64,
}

/// What became of a row.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is in the log.
    Kept,
    /// The head is not its base, or its transaction is there already.
    Refused,
    /// It waits for approval, which is noted.
    Held(Error),
}

impl Row {
    pub(super) fn new(collection: &Collection, caller: Caller, fence: Option<Fence>, now: Timestamp, entry: &Entry) -> Option<Self> {
        let envelope = &entry.envelope;
        Some(Self {
            collection: collection.clone(),
            caller,
            fence,
            now,
            digest: [0; 32],
            bytes: None,
            base: envelope.base,
            sequence: i64::try_from(entry.sequence.0).ok()?,
            hash: entry.hash.0,
            transaction: envelope.transaction.0,
            signer: envelope.device,
            operations: envelope.header.operations,
            deletions: envelope.header.deletions,
        })
    }

    /// Appends the row, if everything allows it.
    pub(super) fn append(&self, transaction: &Transaction<'_>) -> Outcome<Verdict> {
        let authorised = match self.caller {
            Caller::Local => None,
            Caller::Device(device) => match registry::authorise(transaction, &device, Access::Write, Some(&self.collection))? {
                Ok(authorised) => Some(authorised),
                Err(error) => return Ok(Err(error)),
            },
        };
        let mut find = transaction.prepare_cached("SELECT id, log FROM log WHERE collection = ?1")?;
        let found = find.query_row([self.collection.as_str()], |row| Ok((row.get::<_, i64>(0)?, LogId(row.get(1)?)))).optional()?;
        let Some((id, log)) = found else { return Ok(Ok(Verdict::Refused)) };
        if self.is_known(transaction, id)? {
            return Ok(Ok(Verdict::Refused));
        }
        // Before the head is looked at: an exclusive lease keeps the entries that a stale answer holds from others, too.
        if let Err(error) = self.under(transaction, id)? {
            return Ok(Err(error));
        }
        if log::head(transaction, id, log)? != self.base {
            return Ok(Ok(Verdict::Refused));
        }
        match authorised.map_or(Ok(Ok(None)), |authorised| self.allow(transaction, id, &authorised))? {
            Ok(None) => self.insert(transaction, id).map(|()| Ok(Verdict::Kept)),
            Ok(Some(held)) => Ok(Ok(Verdict::Held(held))),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Looks at the lease.
    fn under(&self, connection: &Connection, log: i64) -> Outcome<()> {
        let held = lease::held(leases::find(connection, log)?, self.now);
        Ok(lease::may_append(&self.collection, held.as_ref(), &self.acting(), self.fence))
    }

    /// Tells whether the caller may have an answer at all: what is not appended is answered with what others wrote.
    pub(super) fn may_ask(&self, connection: &Connection) -> Outcome<()> {
        if let Caller::Device(device) = self.caller
            && let Err(error) = registry::authorise(connection, &device, Access::Write, Some(&self.collection))?
        {
            return Ok(Err(error));
        }
        match super::find_log(connection, &self.collection)? {
            Some(log) if !self.is_known(connection, log)? => self.under(connection, log),
            _ => Ok(Ok(())),
        }
    }

    /// Returns the device that a lease lets in or keeps out.
    fn acting(&self) -> DeviceId {
        match self.caller {
            Caller::Local => self.signer,
            Caller::Device(device) => device,
        }
    }

    fn is_known(&self, connection: &Connection, log: i64) -> rusqlite::Result<bool> {
        let mut known = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE log = ?1 AND transaction_id = ?2)")?;
        known.query_row(params![log, self.transaction], |row| row.get(0))
    }

    /// Looks at the signer's rights, if it is not the caller, and at the caller's delete budget; returns why it is held, if it is.
    fn allow(&self, transaction: &Transaction<'_>, log: i64, caller: &Authorised) -> Outcome<Option<Error>> {
        if self.signer != caller.device {
            let wrote = registry::ever_wrote(transaction, log, &self.signer)?;
            return Ok(if wrote { Ok(None) } else { Err(Error::UnknownDevice(self.signer)) });
        }
        let Some(budget) = caller.budget.filter(|_| self.deletions > 0) else { return Ok(Ok(None)) };
        let since = self.now.0.saturating_sub(u64::try_from(BUDGET.as_millis()).unwrap_or(u64::MAX));
        let mut spent =
            transaction.prepare_cached("SELECT coalesce(sum(count), 0) FROM deletion WHERE log = ?1 AND device = ?2 AND at > ?3")?;
        let spent: i64 = spent.query_row(params![log, self.signer.0, bound(since)], |row| row.get(0))?;
        let left = budget.saturating_sub(u64::try_from(spent).unwrap_or_default());
        if self.deletions <= left {
            let spend = "INSERT INTO deletion (log, device, at, count) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(spend, params![log, self.signer.0, bound(self.now.0), bound(self.deletions)])?;
            return Ok(Ok(None));
        }
        self.hold(transaction, log, caller, left)
    }

    /// Lets a transaction pass that was approved, or one as large as one that was; holds any other.
    fn hold(&self, transaction: &Transaction<'_>, log: i64, caller: &Authorised, left: u64) -> Outcome<Option<Error>> {
        let approved = transaction.execute(
            "UPDATE held SET used = 1 WHERE (log, transaction_id) = (SELECT log, transaction_id FROM held WHERE log = ?1 AND device = ?2 AND verdict = 1
             AND used = 0 AND deletions >= ?3 ORDER BY at LIMIT 1)",
            params![log, self.signer.0, bound(self.deletions)],
        )?;
        if approved == 1 {
            return Ok(Ok(None));
        }
        let id = protocol::TransactionId(self.transaction);
        let find = "SELECT verdict, decided_by FROM held WHERE log = ?1 AND transaction_id = ?2";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<bool>>(0)?, row.get::<_, Option<String>>(1)?));
        let decided = transaction.query_row(find, params![log, self.transaction], read).optional()?;
        if let Some((Some(false), by)) = decided {
            return Ok(Err(Error::Rejected { transaction: id, by: by.unwrap_or_default() }));
        }
        if decided.is_none() {
            let hold = "INSERT INTO held (log, transaction_id, device, deletions, operations, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let (deletions, operations) = (bound(self.deletions), bound(self.operations));
            transaction.execute(hold, params![log, self.transaction, self.signer.0, deletions, operations, bound(self.now.0)])?;
            let detail = format!("{id} deletes {} records, {left} are left", self.deletions);
            audit::write(
                transaction,
                self.now,
                &Note { by: &caller.name, action: "hold", object: self.collection.as_str(), detail: &detail },
            )?;
        }
        let collection = self.collection.to_string();
        Ok(Ok(Some(Error::Held { collection, transaction: id, deletions: self.deletions, left })))
    }

    fn insert(&self, transaction: &Transaction<'_>, log: i64) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO entry (log, sequence, hash, transaction_id, digest, envelope, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let at = bound(self.now.0);
        insert.execute(params![log, self.sequence, self.hash, self.transaction, self.digest, self.bytes, at])?;
        Ok(())
    }
}

/// Numbers that SQLite stores have 63 bits; what is larger stands for the largest.
pub(super) fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
