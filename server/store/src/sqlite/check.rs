//! Checking a store as a whole: chains, signatures, digests, and files that nothing names; and how much it holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protocol::messages::AuditLine;
use protocol::{BlobId, Collection, Cursor, DeviceId, Error, Hash, Signature, Store};
use sha2::{Digest, Sha256};

use super::backup::walk;
use super::log::Log;
use super::{Sqlite, failure};

/// How many lines of the audit log are read at a time.
const LINES: usize = 1000;

/// Tells whether a device signed a message.
pub type Verifies<'a> = &'a dyn Fn(&DeviceId, &[u8], &Signature) -> bool;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Collections.
    pub collections: u64,
    /// Entries that were read whole: digest, chain and signature.
    pub entries: u64,
    /// Blobs whose digests are their names.
    pub blobs: u64,
    /// Lines of the audit log.
    pub lines: u64,
    /// Files that nothing names: they take space and mean nothing.
    pub orphans: u64,
    /// What is wrong, each as a sentence; empty if all is well.
    pub problems: Vec<String>,
}

/// How much a collection holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The collection.
    pub collection: Collection,
    /// Its head.
    pub head: Cursor,
    /// The sequence up to which it is compacted.
    pub horizon: Cursor,
    /// Bytes of envelopes in the database.
    pub rows: u64,
    /// Bytes of envelopes, snapshots and blobs in files.
    pub files: u64,
}

impl Sqlite {
    /// Checks everything, and goes on after whatever is wrong.
    ///
    /// # Errors
    /// Fails if the database cannot be read at all.
    pub fn fsck(&self, verifies: Verifies<'_>) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for collection in self.names()? {
            checked.collections += 1;
            if let Err(error) = self.check_log(&collection, verifies, &mut checked) {
                checked.problems.push(format!("collection `{collection}`: {error}"));
            }
        }
        self.check_files(&mut checked)?;
        self.check_audit(&mut checked)?;
        Ok(checked)
    }

    /// Returns how much each collection holds.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn stats(&self) -> Result<Vec<Stats>, Error> {
        let root = self.path.parent().unwrap_or(Path::new("."));
        self.names()?.iter().map(|collection| self.stats_of(root, collection)).collect()
    }

    fn stats_of(&self, root: &Path, collection: &Collection) -> Result<Stats, Error> {
        let owner = Hash(Sha256::digest(collection.as_str()).into()).to_string();
        let files = ["envelopes", "blobs", "snapshots"].iter().flat_map(|room| walk(&root.join(room).join(&owner)));
        let files = files.map(|path| fs::metadata(path).map_or(0, |file| file.len())).sum();
        self.log(collection, |log| {
            let sum = "SELECT coalesce(sum(length(envelope)), 0) FROM entry WHERE log = ?1";
            let rows = log.place.connection.query_row(sum, [log.row], |row| row.get(0).map(super::log::number));
            let rows = rows.map_err(|error| failure::database(&self.path, &error))?;
            Ok(Stats { collection: collection.clone(), head: log.head()?, horizon: log.horizon()?, rows, files })
        })
    }

    /// Returns the names of all collections.
    ///
    /// # Errors
    /// Fails if the store cannot be read.
    pub fn names(&self) -> Result<Vec<Collection>, Error> {
        self.readers.read(&self.path, |connection| {
            let list = || {
                let mut statement = connection.prepare("SELECT collection FROM log ORDER BY collection")?;
                statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
            };
            let names = list().map_err(|error| failure::database(&self.path, &error))?;
            Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
        })
    }

    fn check_log(&self, collection: &Collection, verifies: Verifies<'_>, checked: &mut Checked) -> Result<(), Error> {
        let mut place = self.log(collection, |log: Log<'_>| log.horizon())?;
        loop {
            let page = self.read(collection, &place, usize::MAX)?;
            for entry in &page.entries {
                let envelope = &entry.envelope;
                if !verifies(&envelope.device, &envelope.signed(collection), &envelope.signature) {
                    let what = format!("{} of `{collection}` is not signed by its device {}", entry.sequence, envelope.device);
                    checked.problems.push(what);
                }
                place = entry.cursor(place.log);
                checked.entries += 1;
            }
            if page.entries.is_empty() {
                break;
            }
        }
        if let Some(snapshot) = self.snapshot(collection)?
            && !verifies(&snapshot.device, &snapshot.signed(collection), &snapshot.signature)
        {
            checked.problems.push(format!("the snapshot of `{collection}` is not signed by its device {}", snapshot.device));
        }
        Ok(())
    }

    /// Checks that each blob is what its name says, and counts what nothing names.
    fn check_files(&self, checked: &mut Checked) -> Result<(), Error> {
        let root = self.path.parent().unwrap_or(Path::new("."));
        let named = self.named_digests()?;
        let owners = self.names()?.into_iter().map(|name| (Hash(Sha256::digest(name.as_str()).into()).to_string(), name));
        for (owner, collection) in owners {
            for path in walk(&root.join("blobs").join(owner)) {
                let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<BlobId>().ok());
                let Some(id) = id else { continue };
                match self.blob(&collection, id, &mut std::io::sink()) {
                    Ok(()) => checked.blobs += 1,
                    Err(error) => checked.problems.push(format!("collection `{collection}`: {error}")),
                }
            }
        }
        for path in ["envelopes", "snapshots"].iter().flat_map(|room| walk(&root.join(room))) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            checked.orphans += u64::from(!named.contains(name));
        }
        Ok(())
    }

    fn named_digests(&self) -> Result<BTreeSet<String>, Error> {
        self.readers.read(&self.path, |connection| {
            let list = || {
                let select = "SELECT digest FROM entry JOIN log ON log.id = entry.log WHERE envelope IS NULL AND sequence > log.horizon
                              UNION SELECT digest FROM snapshot";
                let mut statement = connection.prepare(select)?;
                statement.query_map([], |row| Ok(Hash(row.get(0)?).to_string()))?.collect::<rusqlite::Result<_>>()
            };
            list().map_err(|error| failure::database(&self.path, &error))
        })
    }

    fn check_audit(&self, checked: &mut Checked) -> Result<(), Error> {
        let (mut previous, mut after) = (Hash::ZERO, 0);
        loop {
            let lines = self.audit(after, LINES)?.lines;
            let Some(last) = lines.last().map(|line| line.number) else { return Ok(()) };
            for line in &lines {
                if !follows(line, after, previous) {
                    checked.problems.push(format!("line {} of the audit log does not follow the one before it", line.number));
                }
                (previous, after) = (line.hash, line.number);
                checked.lines += 1;
            }
            after = last;
        }
    }
}

fn follows(line: &AuditLine, after: u64, previous: Hash) -> bool {
    line.number == after + 1 && line.previous == previous && line.hash == line.chain()
}
