//! Invitations and enrollment: a code is good once, for a time, and only its digest is kept.

use std::time::Duration;

use protocol::messages::{Device, Enroll, Grant, Invitation, Invite, MAX_NAME};
use protocol::routes::Access;
use protocol::{Code, Collection, DeviceId, Error, LogId, Right, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use super::devices::{self, name_is_free};
use super::{Need, Sqlite};
use crate::sqlite::append::bound;
use crate::sqlite::audit::{self, Note};
use crate::sqlite::writer::Outcome;
use crate::sqlite::{make_log, registry};

/// How long a code lives if nobody says otherwise.
const LIFE: Duration = Duration::from_mins(10);
/// How long the code of the first administrator lives: until the server is started again, and a day at most.
const FIRST: Duration = Duration::from_hours(24);
/// The name under which the audit log knows whoever started the server.
const OPERATOR: &str = "(operator)";

impl Sqlite {
    /// Returns a code for the first administrator, if there is none yet. An earlier one is good no more.
    ///
    /// # Errors
    /// Fails if the store cannot be written.
    pub fn first_code(&self) -> Result<Option<Code>, Error> {
        let code = Code(crate::random::bytes()?);
        let now = self.clock.now();
        self.write(move |transaction| {
            let administered = "SELECT EXISTS (SELECT 1 FROM device WHERE administrator = 1 AND revoked IS NULL)";
            if transaction.query_row(administered, [], |row| row.get(0))? {
                return Ok(Ok(None));
            }
            transaction.execute("DELETE FROM invitation WHERE invited_by = ?1", [OPERATOR])?;
            keep(transaction, code, &Invite { grants: Vec::new(), administrator: true, seconds: None }, OPERATOR, now.after(FIRST))?;
            audit::write(transaction, now, &Note { by: OPERATOR, action: "invite", object: "administrator", detail: "" })?;
            Ok(Ok(Some(code)))
        })
    }

    /// Makes an enrollment code.
    ///
    /// # Errors
    /// Fails with [`Error::NotAuthorised`] unless the caller administers the store.
    pub fn invite(&self, caller: &DeviceId, invite: Invite) -> Result<Invitation, Error> {
        let code = Code(crate::random::bytes()?);
        let now = self.clock.now();
        let until = now.after(invite.seconds.map_or(LIFE, Duration::from_secs));
        let need = Need { caller: *caller, access: Access::Administrator, collection: None };
        self.act(need, move |transaction, authorised| {
            transaction.execute("DELETE FROM invitation WHERE until <= ?1", [bound(now.0)])?;
            keep(transaction, code, &invite, &authorised.name, until)?;
            let object = if invite.administrator { "administrator" } else { "device" };
            let note = Note { by: &authorised.name, action: "invite", object, detail: &lines(&invite.grants).replace('\n', ", ") };
            audit::write(transaction, now, &note)?;
            Ok(Ok(Invitation { code, until }))
        })
    }

    /// Enrolls a device, and uses the code up. Whether the device has its key is the caller's to check.
    ///
    /// # Errors
    /// Fails with [`Error::WrongCode`], with [`Error::Conflict`] if the name is taken, and with [`Error::Revoked`] if the device was
    /// revoked before; the code stays good in both of the latter cases.
    pub fn enroll(&self, enroll: Enroll) -> Result<Device, Error> {
        check_name(&enroll.name)?;
        let now = self.clock.now();
        let fresh = LogId(crate::random::bytes()?);
        self.write(move |transaction| {
            let digest: [u8; 32] = Sha256::digest(enroll.code.0).into();
            let find = "SELECT administrator, grants, invited_by FROM invitation WHERE digest = ?1 AND until > ?2";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, bool>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
            let Some((administrator, grants, by)) = transaction.query_row(find, params![digest, bound(now.0)], read).optional()? else {
                let note = Note { by: "", action: "refuse-code", object: &enroll.device.to_string(), detail: &enroll.name };
                audit::write(transaction, now, &note)?;
                return Ok(Err(Error::WrongCode));
            };
            if let Err(error) = admit(transaction, &enroll, administrator, now)? {
                return Ok(Err(error));
            }
            transaction.execute("DELETE FROM invitation WHERE digest = ?1", [digest])?;
            for (number, (collection, right, budget)) in (0_u8..=255).cycle().zip(read_lines(&grants)) {
                let log = make_log(transaction, &collection, nth(fresh, &collection, number))?;
                devices::grant(transaction, log, &enroll.device, right, budget)?;
            }
            let detail = format!("invited by {by}{}", if administrator { ", administrator" } else { "" });
            audit::write(
                transaction,
                now,
                &Note { by: &enroll.name, action: "enroll", object: &enroll.device.to_string(), detail: &detail },
            )?;
            devices::one(transaction, &enroll.device)
        })
    }
}

/// Adds a device, or what its further code brings.
fn admit(transaction: &Transaction<'_>, enroll: &Enroll, administrator: bool, now: Timestamp) -> Outcome<()> {
    match registry::authorise(transaction, &enroll.device, Access::Device, None)? {
        Ok(_) => {
            let gain = "UPDATE device SET administrator = max(administrator, ?2) WHERE key = ?1";
            transaction.execute(gain, params![enroll.device.0, administrator])?;
            return Ok(Ok(()));
        }
        Err(Error::UnknownDevice(_)) => {}
        Err(error) => return Ok(Err(error)),
    }
    if let Err(error) = name_is_free(transaction, &enroll.name)? {
        return Ok(Err(error));
    }
    let insert = "INSERT INTO device (key, name, administrator, enrolled) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(insert, params![enroll.device.0, enroll.name, administrator, bound(now.0)])?;
    Ok(Ok(()))
}

fn keep(transaction: &Transaction<'_>, code: Code, invite: &Invite, by: &str, until: Timestamp) -> rusqlite::Result<()> {
    let digest: [u8; 32] = Sha256::digest(code.0).into();
    let insert = "INSERT INTO invitation (digest, administrator, grants, invited_by, until) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.execute(insert, params![digest, invite.administrator, lines(&invite.grants), by, bound(until.0)])?;
    Ok(())
}

/// Writes grants as lines: collection, right, and the delete budget if there is one. Names of collections hold no spaces.
fn lines(grants: &[Grant]) -> String {
    let line = |grant: &Grant| {
        let budget = grant.delete_budget.map(|budget| format!(" {budget}")).unwrap_or_default();
        format!("{} {}{budget}", grant.collection, grant.right)
    };
    grants.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn read_lines(lines: &str) -> impl Iterator<Item = (Collection, Right, Option<u64>)> {
    lines.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (collection, right) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((collection, right, words.next().and_then(|budget| budget.parse().ok())))
    })
}

/// Returns an id of its own for each log that one enrollment makes.
fn nth(fresh: LogId, collection: &Collection, number: u8) -> LogId {
    let digest = Sha256::new().chain_update(fresh.0).chain_update([number]).chain_update(collection.as_str()).finalize();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    LogId(id)
}

/// Checks a device's name: 1 to 64 characters, none of them a control character, no space at either end.
///
/// # Errors
/// Fails with [`Error::Malformed`].
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if (1..=MAX_NAME).contains(&length) && !name.chars().any(char::is_control) && name.trim() == name {
        return Ok(());
    }
    Err(Error::Malformed(format!(
        "name: 1 to {MAX_NAME} characters are needed, none of them a control character, and no space at either end"
    )))
}
