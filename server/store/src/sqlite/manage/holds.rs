//! Transactions that delete more than their device may, and wait for somebody's word.

use protocol::messages::{HeldTransaction, Verdict};
use protocol::routes::Access;
use protocol::{Collection, DeviceId, Error, Timestamp, TransactionId};
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use crate::sqlite::audit::{self, Note};
use crate::sqlite::find_log;
use crate::sqlite::log::number;

impl Sqlite {
    /// Returns the held transactions of a collection, the oldest first.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn held(&self, collection: &Collection) -> Result<Vec<HeldTransaction>, Error> {
        self.look(|connection| match find_log(connection, collection)? {
            Some(log) => list(connection, log).map(Ok),
            None => Ok(Err(Error::NoSuchCollection(collection.to_string()))),
        })
    }

    /// Decides about a held transaction. Approval lets its device delete as many records once.
    ///
    /// # Errors
    /// Fails with [`Error::NotFound`] if it is not held, and with [`Error::Conflict`] if it was decided otherwise.
    pub fn decide(
        &self,
        caller: &DeviceId,
        collection: &Collection,
        transaction_id: TransactionId,
        verdict: Verdict,
    ) -> Result<HeldTransaction, Error> {
        let (name, now) = (collection.clone(), self.clock.now());
        self.act_on(caller, Access::Admin, collection, move |transaction, authorised, log| {
            let held = list(transaction, log)?.into_iter().find(|held| held.transaction == transaction_id);
            let Some(held) = held else { return Ok(Err(Error::NotFound(format!("held transaction {transaction_id}")))) };
            match held.verdict {
                Some(earlier) if earlier == verdict => return Ok(Ok(held)),
                Some(_) => return Ok(Err(Error::Conflict(format!("it was decided otherwise about transaction {transaction_id}")))),
                None => {}
            }
            let decide = "UPDATE held SET verdict = ?3, decided_by = ?4 WHERE log = ?1 AND transaction_id = ?2";
            transaction.execute(decide, params![log, transaction_id.0, verdict == Verdict::Approve, authorised.name])?;
            let action = if verdict == Verdict::Approve { "approve" } else { "reject" };
            let detail = format!("{transaction_id} of {}, {} deletions", held.name, held.deletions);
            audit::write(transaction, now, &Note { by: &authorised.name, action, object: name.as_str(), detail: &detail })?;
            Ok(Ok(HeldTransaction { verdict: Some(verdict), ..held }))
        })
    }
}

fn list(connection: &Connection, log: i64) -> rusqlite::Result<Vec<HeldTransaction>> {
    let mut statement = connection.prepare_cached(
        "SELECT transaction_id, device, coalesce(device.name, ''), deletions, operations, at, verdict
         FROM held LEFT JOIN device ON device.key = held.device WHERE log = ?1 ORDER BY at, transaction_id",
    )?;
    let read = |row: &Row<'_>| {
        let verdict = row.get::<_, Option<bool>>(6)?;
        Ok(HeldTransaction {
            transaction: TransactionId(row.get(0)?),
            device: DeviceId(row.get(1)?),
            name: row.get(2)?,
            deletions: number(row.get(3)?),
            operations: number(row.get(4)?),
            at: Timestamp(number(row.get(5)?)),
            verdict: verdict.map(|approved| if approved { Verdict::Approve } else { Verdict::Reject }),
        })
    };
    statement.query_map([log], read)?.collect()
}
