//! What each operation does to a folder: which file it makes, replaces or removes, and with what content.

use crate::card::Card;
use crate::source::fingerprint::{FileMark, Traits};
use crate::source::listing::only_card;
use crate::source::naming::{file_name, is_card};
use crate::source::text::{Text, glance, uid_digest};
use crate::version::Version;
use crate::write::edit::{create, edit};
use crate::write::line::Manner;
use adapter::staging::read_whole;
use adapter::{Blobs, Error, Expect, Fingerprint, Key, Op, Outcome};
use contentline::charset::Charset;
use contentline::style::Style;
use record::{Digest, Record, RecordId, Value};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::Path;

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
    pub(crate) bytes: Vec<u8>,
    pub(crate) record: Record,
    pub(crate) traits: Traits,
}

/// The folder as it is now, and how new cards are written there.
pub(crate) struct Planner<'p> {
    pub(crate) root: &'p Path,
    pub(crate) version: Version,
    pub(crate) style: Style,
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
                Some(mark) if is_card(&key.0) && !key.0.contains('/') => {
                    Plan::Remove { key: key.clone(), expected: mark.digest, uid: mark.traits.uid }
                }
                _ => Plan::Answer(Outcome::Stale),
            }),
        }
    }

    fn edit(&self, key: &Key, expected: &Fingerprint, record: &Record) -> Result<Plan, Error> {
        let path = self.root.join(&key.0);
        let Some(before) = FileMark::read(expected).filter(|_| is_card(&key.0) && !key.0.contains('/')) else {
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
        Ok(match edited(&raw, record, self.blobs) {
            Err(reason) => Plan::Answer(Outcome::Refused { reason }),
            Ok((bytes, record)) if bytes == raw => {
                Plan::Answer(Outcome::Put { key: key.clone(), fingerprint: mark.fingerprint(), record, bytes: 0 })
            }
            Ok((bytes, record)) => {
                let traits = Traits { uid: record.text("uid").map(uid_digest), ..before.traits };
                let expected = Some(before.digest);
                Plan::Write(Box::new(Writing { name: key.0.clone(), expected, before: before.traits.uid, bytes, record, traits }))
            }
        })
    }

    fn create(&self, id: RecordId, key: Option<&Key>, record: &Record) -> Plan {
        let uid = record.text("uid").filter(|uid| !uid.trim().is_empty()).map_or_else(|| id.urn(), str::to_owned);
        let name = key.map_or_else(|| file_name(&uid), |key| key.0.clone());
        if !is_card(&name) || name.contains('/') {
            return Plan::Answer(Outcome::Refused { reason: format!("`{name}` is no name for a card") });
        }
        if fs::symlink_metadata(self.root.join(&name)).is_ok() || self.holds(&uid) {
            return Plan::Answer(Outcome::Stale);
        }
        let (version, style) = (self.version, self.style);
        let record = record.clone().with("uid", Value::text(&uid));
        match create(&record, Manner { version, charset: Charset::UTF_8, style, blobs: self.blobs }) {
            Err(refusal) => Plan::Answer(Outcome::Refused { reason: refusal.to_string() }),
            Ok(written) => {
                let traits = Traits { uid: Some(uid_digest(&uid)), version, bare: style.ending == "\n" };
                Plan::Write(Box::new(Writing { name, expected: None, before: None, bytes: written.bytes, record: written.record, traits }))
            }
        }
    }

    /// Tells whether a file of the folder has this UID, and has it still.
    fn holds(&self, uid: &str) -> bool {
        let name = self.uids.and_then(|uids| uids.get(&uid_digest(uid)));
        let Some(name) = name else {
            return false;
        };
        let Ok((raw, _)) = read_whole(&self.root.join(name)) else {
            return false;
        };
        Text::new(&raw).is_ok_and(|text| glance(&text.bytes).uid.as_deref() == Some(uid))
    }
}

/// Lets only the first of several operations of one step make a file or have a UID.
pub(crate) fn one_a_name(plans: Vec<Plan>) -> Vec<Plan> {
    let mut names = BTreeSet::new();
    let mut uids = BTreeSet::new();
    let free = |plan: Plan| match plan {
        Plan::Write(writing) => {
            let new_uid = writing.expected.is_some() || writing.traits.uid.is_none_or(|uid| uids.insert(uid));
            if names.insert(writing.name.clone()) && new_uid { Plan::Write(writing) } else { Plan::Answer(Outcome::Stale) }
        }
        other => other,
    };
    plans.into_iter().map(free).collect()
}

/// Changes the card in a file; returns the whole file and what it then shows.
fn edited(raw: &[u8], record: &Record, blobs: &dyn Blobs) -> Result<(Vec<u8>, Record), String> {
    let text = Text::new(raw).map_err(|error| error.to_string())?;
    let (span, _) = only_card(&text.bytes).map_err(|fault| fault.reason)?;
    let slice = text.bytes.get(span.clone()).unwrap_or_default();
    let card = Card::read(slice).map_err(|error| error.to_string())?;
    let manner = Manner { version: card.version, charset: text.charset, style: text.style(), blobs };
    let written = edit(&card, record, manner).map_err(|refusal| refusal.to_string())?;
    if written.bytes == slice {
        return Ok((raw.to_vec(), written.record));
    }
    let mut whole = text.bytes.to_vec();
    whole.splice(span, written.bytes);
    let file = text.file(whole).ok_or_else(|| "UTF-16 cannot hold what the card holds".to_owned())?;
    Ok((file, written.record))
}
