//! Errors on the wire (RFC 9457): one table of stable codes, read in both directions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::error::Error;
use crate::ids::{DeviceId, Fence, TransactionId};
use crate::timestamp::Timestamp;

/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";
/// What stands before a code in a problem's type.
pub const TYPE: &str = "urn:syncretic:problem:";

/// A problem: RFC 9457's members, the stable code, and whatever else the code's error has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Problem {
    /// [`TYPE`] and the code.
    pub r#type: String,
    /// What kind of problem it is, for people.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// The code, stable for ever.
    pub code: String,
    /// What the error's text names, for codes whose text has one open place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// A device's name or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The name of the device that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it happened, or will end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// A cursor: what was asked for (as text in `subject`), or the horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// A lease's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<Fence>,
    /// A transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionId>,
    /// What was found: a length, a version, a number of deletions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// What is allowed: a limit, the newest version, the deletions that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<u64>,
    /// When to try again, in milliseconds; the header `Retry-After` says it in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// A row of the table.
struct Row {
    code: &'static str,
    status: u16,
    title: &'static str,
    write: fn(&Error) -> Option<Problem>,
    read: fn(&Problem) -> Option<Error>,
}

/// Makes a row for an error with one text.
macro_rules! text {
    ($code:literal, $status:literal, $title:literal, $variant:ident) => {
        Row {
            code: $code,
            status: $status,
            title: $title,
            write: |error| match error {
                Error::$variant(text) => Some(Problem { subject: Some(text.clone()), ..Problem::default() }),
                _ => None,
            },
            read: |problem| Some(Error::$variant(problem.subject.clone()?)),
        }
    };
}

/// Makes a row for an error with fields: how they stand in a problem, and how they are read back.
macro_rules! fields {
    ($code:literal, $status:literal, $title:literal, $pattern:pat => $written:expr, $problem:ident => $read:expr) => {
        Row {
            code: $code,
            status: $status,
            title: $title,
            write: |error| match error {
                $pattern => Some($written),
                _ => None,
            },
            read: |$problem| Some($read),
        }
    };
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    text!("unavailable",        503, "The store does not answer at present",             Unavailable),
    text!("malformed",          400, "The request is not what it should be",             Malformed),
    text!("integrity",          422, "Content, digest and signature do not agree",       Integrity),
    text!("no-such-blob",       404, "The collection lacks this blob",                   NoSuchBlob),
    text!("no-such-chunk",      409, "The collection lacks this chunk",                  NoSuchChunk),
    text!("no-such-collection", 404, "There is no such collection",                      NoSuchCollection),
    text!("no-snapshot",        409, "No snapshot stands where one is needed",           NoSnapshot),
    text!("not-found",          404, "It is not there",                                  NotFound),
    text!("method-not-allowed", 405, "The path does not have this method",               NotAllowed),
    text!("conflict",           409, "It is there already, as another one",              Conflict),
    text!("not-authorised",     403, "The device may not do this",                       NotAuthorised),
    text!("read-only",          403, "The device may read the collection only",          ReadOnly),
    text!("unauthenticated",    401, "The device has not shown who it is",               Unauthenticated),
    text!("failed",             500, "The store failed",                                 Failed),
    fields!("unknown-cursor", 409, "The log does not hold this cursor",
        Error::UnknownCursor { collection, cursor } =>
            Problem { collection: Some(collection.clone()), subject: Some(cursor.clone()), ..Problem::default() },
        problem => Error::UnknownCursor { collection: problem.collection.clone()?, cursor: problem.subject.clone()? }),
    fields!("newer", 400, "A later program wrote it",
        Error::Newer { what, found, known } =>
            Problem { subject: Some(what.clone()), found: Some(*found), allowed: Some(*known), ..Problem::default() },
        problem => Error::Newer { what: problem.subject.clone()?, found: problem.found?, known: problem.allowed? }),
    fields!("too-large", 413, "It is larger than its limit",
        Error::TooLarge { length, limit } =>
            Problem { found: Some(*length as u64), allowed: Some(*limit as u64), ..Problem::default() },
        problem => Error::TooLarge { length: size(problem.found?), limit: size(problem.allowed?) }),
    fields!("compacted", 410, "The entries have been compacted away",
        Error::Compacted { collection, horizon } =>
            Problem { collection: Some(collection.clone()), cursor: Some(*horizon), ..Problem::default() },
        problem => Error::Compacted { collection: problem.collection.clone()?, horizon: problem.cursor? }),
    fields!("revoked", 403, "The device was revoked",
        Error::Revoked { device, by, at } =>
            Problem { device: Some(device.clone()), by: Some(by.clone()), at: Some(*at), ..Problem::default() },
        problem => Error::Revoked { device: problem.device.clone()?, by: problem.by.clone()?, at: problem.at? }),
    fields!("unknown-device", 403, "The store has never known this device",
        Error::UnknownDevice(device) => Problem { device: Some(device.to_string()), ..Problem::default() },
        problem => Error::UnknownDevice(problem.device.as_ref()?.parse::<DeviceId>().ok()?)),
    fields!("wrong-code", 403, "The enrollment code is not good, or not any more",
        Error::WrongCode => Problem::default(),
        _problem => Error::WrongCode),
    fields!("leased", 423, "Another device holds the lease",
        Error::Leased { collection, holder, until } =>
            Problem { collection: Some(collection.clone()), device: Some(holder.clone()), at: Some(*until), ..Problem::default() },
        problem => Error::Leased { collection: problem.collection.clone()?, holder: problem.device.clone()?, until: problem.at? }),
    fields!("stale-fence", 412, "The lease is not held any more",
        Error::StaleFence { collection, fence } =>
            Problem { collection: Some(collection.clone()), fence: Some(*fence), ..Problem::default() },
        problem => Error::StaleFence { collection: problem.collection.clone()?, fence: problem.fence? }),
    fields!("held", 403, "The transaction waits for approval",
        Error::Held { collection, transaction, deletions, left } =>
            Problem { collection: Some(collection.clone()), transaction: Some(*transaction), found: Some(*deletions), allowed: Some(*left),
                ..Problem::default() },
        problem => Error::Held { collection: problem.collection.clone()?, transaction: problem.transaction?, deletions: problem.found?,
            left: problem.allowed? }),
    fields!("rejected", 403, "The transaction was rejected",
        Error::Rejected { transaction, by } =>
            Problem { transaction: Some(*transaction), by: Some(by.clone()), ..Problem::default() },
        problem => Error::Rejected { transaction: problem.transaction?, by: problem.by.clone()? }),
    fields!("too-many", 429, "The store is asked too much",
        Error::TooMany { retry_after } =>
            Problem { retry_after: Some(u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX)), ..Problem::default() },
        problem => Error::TooMany { retry_after: Duration::from_millis(problem.retry_after?) }),
];

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let found = TABLE.iter().find_map(|row| (row.write)(error).map(|problem| (row, problem)));
        // Every error has its row: a test goes through them all.
        let Some((row, problem)) = found else { return Self { status: 500, detail: error.to_string(), ..Self::default() } };
        Self {
            r#type: format!("{TYPE}{}", row.code),
            title: row.title.to_owned(),
            status: row.status,
            detail: error.to_string(),
            code: row.code.to_owned(),
            ..problem
        }
    }
}

impl From<&Problem> for Error {
    /// A code that is not known here, of a newer store, becomes the error of its status's class.
    fn from(problem: &Problem) -> Self {
        let row = TABLE.iter().find(|row| row.code == problem.code);
        row.and_then(|row| (row.read)(problem)).unwrap_or_else(|| unknown(problem))
    }
}

fn unknown(problem: &Problem) -> Error {
    let text = if problem.detail.is_empty() { format!("status {}", problem.status) } else { problem.detail.clone() };
    match problem.status {
        401 => Error::Unauthenticated(text),
        403 => Error::NotAuthorised(text),
        404 => Error::NotFound(text),
        429 => Error::TooMany { retry_after: Duration::from_secs(1) },
        502..=504 => Error::Unavailable(text),
        _ => Error::Failed(text),
    }
}

/// Returns every code with its status and title.
pub fn codes() -> impl Iterator<Item = (&'static str, u16, &'static str)> {
    TABLE.iter().map(|row| (row.code, row.status, row.title))
}
