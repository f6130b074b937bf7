//! What each operation does to a folder: which file it makes, replaces or removes, and with what content.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::Path;

use adapter::staging::read_whole;
use adapter::{Blobs, Error, Expect, Fingerprint, Key, Op, Outcome};
use record::{Digest, Record, RecordId, Value};

use crate::mark::FileMark;
use crate::naming::{file_name, is_item};
use crate::{Codec, Habits, Written, uid_digest};

/// What is to be done for one operation.
pub(crate) enum Plan {
    /// Nothing; the answer is known.
    Answer(Outcome),
    /// A file is made or replaced.
    Write(Box<Writing>),
    /// A file goes.
    Remove { key: Key, expected: Digest, uid: Option<[u8; 16]> },
}

/// A file that is made or replaced.
#[derive(Clone)]
pub(crate) struct Writing {
    pub(crate) name: String,
    /// The content that the file must have; none for a new file.
    pub(crate) expected: Option<Digest>,
    /// The UID that the file had.
    pub(crate) before: Option<[u8; 16]>,
    pub(crate) written: Written,
}

/// The folder as it is now, and how new files are written there.
pub(crate) struct Planner<'p> {
    pub(crate) codec: &'p dyn Codec,
    pub(crate) root: &'p Path,
    pub(crate) habits: Habits,
    /// The file that each UID stands in, as of the last look.
    pub(crate) uids: Option<&'p HashMap<[u8; 16], String>>,
    pub(crate) blobs: &'p dyn Blobs,
}

impl Planner<'_> {
    /// Plans one operation against the files as they are now.
    pub(crate) fn plan(&self, op: &Op<'_>) -> Result<Plan, Error> {
        match *op {
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } => self.edit(key, expected, record),
            Op::Put { id, key, expect: Expect::Absent, record, .. } => Ok(self.create(id, key, record)),
            Op::Put { key: None, expect: Expect::Fingerprint(_), .. } | Op::Delete { expect: Expect::Absent, .. } => {
                Ok(Plan::Answer(Outcome::Stale))
            }
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } => Ok(match FileMark::read(expected) {
                Some(mark) if self.is_name(&key.0) => Plan::Remove { key: key.clone(), expected: mark.digest, uid: mark.traits.uid },
                _ => Plan::Answer(Outcome::Stale),
            }),
        }
    }

    fn is_name(&self, name: &str) -> bool {
        is_item(name, self.codec.ending()) && !name.contains('/')
    }

    fn edit(&self, key: &Key, expected: &Fingerprint, record: &Record) -> Result<Plan, Error> {
        let path = self.root.join(&key.0);
        let Some(before) = FileMark::read(expected).filter(|_| self.is_name(&key.0)) else {
            return Ok(Plan::Answer(Outcome::Stale));
        };
        let (raw, found) = match read_whole(&path) {
            Ok(read) => read,
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Plan::Answer(Outcome::Stale)),
            Err(Error::Changed { .. }) => return Ok(Plan::Answer(Outcome::Stale)),
            Err(error) => return Err(error),
        };
        if Digest::of(&raw) != before.digest {
            return Ok(Plan::Answer(Outcome::Stale));
        }
        let mark = FileMark { trusted: false, stat: found, ..before };
        Ok(match self.codec.edit(&raw, record, self.blobs) {
            Err(reason) => Plan::Answer(Outcome::Refused { reason }),
            Ok(Written { bytes, record, .. }) if bytes == raw => {
                Plan::Answer(Outcome::Put { key: key.clone(), fingerprint: mark.fingerprint(), record, bytes: 0 })
            }
            Ok(written) => {
                let expected = Some(before.digest);
                Plan::Write(Box::new(Writing { name: key.0.clone(), expected, before: before.traits.uid, written }))
            }
        })
    }

    fn create(&self, id: RecordId, key: Option<&Key>, record: &Record) -> Plan {
        let uid = record.text("uid").filter(|uid| !uid.trim().is_empty()).map_or_else(|| id.urn(), str::to_owned);
        let name = key.map_or_else(|| file_name(&uid, self.codec.ending()), |key| key.0.clone());
        if !self.is_name(&name) {
            return Plan::Answer(Outcome::Refused { reason: format!("`{name}` is no name for a {}", self.codec.noun()) });
        }
        if fs::symlink_metadata(self.root.join(&name)).is_ok() || self.holds(&uid) {
            return Plan::Answer(Outcome::Stale);
        }
        let record = record.clone().with("uid", Value::text(&uid));
        match self.codec.create(&record, self.habits, self.blobs) {
            Err(reason) => Plan::Answer(Outcome::Refused { reason }),
            Ok(written) => Plan::Write(Box::new(Writing { name, expected: None, before: None, written })),
        }
    }

    /// Tells whether a file of the folder has this UID, and has it still.
    fn holds(&self, uid: &str) -> bool {
        let name = self.uids.and_then(|uids| uids.get(&uid_digest(uid)));
        let Some((raw, _)) = name.and_then(|name| read_whole(&self.root.join(name)).ok()) else {
            return false;
        };
        self.codec.glance(&raw).0.as_deref() == Some(uid)
    }
}

/// Lets only the first of several operations of one step make a file or have a UID.
pub(crate) fn one_a_name(plans: Vec<Plan>) -> Vec<Plan> {
    let mut names = BTreeSet::new();
    let mut uids = BTreeSet::new();
    let free = |plan: Plan| match plan {
        Plan::Write(writing) => {
            let new_uid = writing.expected.is_some() || writing.written.traits.uid.is_none_or(|uid| uids.insert(uid));
            if names.insert(writing.name.clone()) && new_uid { Plan::Write(writing) } else { Plan::Answer(Outcome::Stale) }
        }
        other => other,
    };
    plans.into_iter().map(free).collect()
}
