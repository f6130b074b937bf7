//! The holds that were printed: which deletions exactly a person saw, so that a confirmation lets those pass and no others.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::Hold;
use protocol::Collection;
use record::RecordId;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::prefix;
use crate::state::{make_private, write_once};

/// The folder of holds.
#[derive(Clone, Debug)]
pub(crate) struct Holds {
    folder: PathBuf,
}

/// A hold that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its name.
    pub(crate) name: String,
    /// The collection.
    pub(crate) collection: String,
    /// The records whose deletion was shown.
    pub(crate) records: BTreeSet<RecordId>,
}

impl Holds {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps a hold under its name.
    pub(crate) fn keep(&self, collection: &Collection, hold: &Hold) -> Outcome<()> {
        let path = self.folder.join(hold.name());
        let records: Vec<String> = hold.records.iter().map(RecordId::to_string).collect();
        let content = json!({ "version": 1, "collection": collection.as_str(), "endpoint": hold.endpoint, "records": records });
        let written = make_private(&self.folder).and_then(|()| {
            // The name is a digest of the records, but a collection of the same records may have had it before.
            let _ = fs::remove_file(&path);
            write_once(&path, content.to_string().as_bytes(), 0o600)
        });
        written.map_err(|error| Failure::io("write", &path, &error))
    }

    /// Returns the hold of this name, or of the only name that begins so.
    pub(crate) fn find(&self, name: &str) -> Outcome<Kept> {
        let names = self.names()?;
        let found = prefix::find(names.iter().map(String::as_str), "hold-", name);
        let found = found.map_err(|error| error.failure("hold", name).help("type `syncretic sync` to see what is held now"))?;
        self.read(&self.folder.join(found), found)
    }

    /// Forgets all holds of a collection: its jobs went through, so that none of them holds anything any more.
    pub(crate) fn forget(&self, collection: &Collection) -> Outcome<()> {
        for name in self.names()? {
            let path = self.folder.join(&name);
            if self.read(&path, &name).is_ok_and(|kept| kept.collection == collection.as_str()) {
                fs::remove_file(&path).map_err(|error| Failure::io("remove", &path, &error))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Outcome<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("read", &self.folder, &error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("hold-") && !name.contains('.')).collect();
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path, name: &str) -> Outcome<Kept> {
        let text = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
        parse(&text, name).ok_or_else(|| {
            Failure::new(Exit::Integrity, format!("`{}` is damaged: it is no hold", path.display()))
                .note("nothing was read or written")
                .help("remove the file, then type `syncretic sync` to have the hold shown again")
        })
    }
}

fn parse(text: &str, name: &str) -> Option<Kept> {
    let content: Value = serde_json::from_str(text).ok()?;
    let records = content.get("records")?.as_array()?.iter().map(|id| id.as_str()?.parse().ok());
    let collection = content.get("collection")?.as_str()?.to_owned();
    (content.get("version")? == 1).then_some(())?;
    Some(Kept { name: name.to_owned(), collection, records: records.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::report::Direction;

    fn hold(ids: &[u8]) -> Hold {
        let records = ids.iter().map(|id| RecordId([*id; 16])).collect();
        Hold { endpoint: "sheet".to_owned(), direction: Direction::Push, records, titles: Vec::new(), of: 3, limit: 1, replaced: false }
    }

    #[test]
    fn a_hold_is_found_by_its_name_until_its_collection_is_through() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::in_folder(folder.path().join("holds"));
        let (contacts, others): (Collection, Collection) = ("contacts".parse().unwrap(), "others".parse().unwrap());
        assert_eq!(holds.find("hold-1").unwrap_err().exit, Exit::Usage);
        let (first, second) = (hold(&[1, 2]), hold(&[3]));
        holds.keep(&contacts, &first).unwrap();
        holds.keep(&contacts, &first).unwrap();
        holds.keep(&others, &second).unwrap();
        assert_eq!(holds.find(&first.name()).unwrap().records, first.records);
        assert_eq!(holds.find(&first.name()[..12]).unwrap().records, first.records);
        holds.forget(&contacts).unwrap();
        assert_eq!(holds.find(&first.name()).unwrap_err().exit, Exit::Usage);
        assert_eq!(holds.find(&second.name()).unwrap().collection, "others");
    }

    #[test]
    fn a_damaged_hold_lets_nothing_pass() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::in_folder(folder.path().to_owned());
        for content in
            ["", "{}", "{\"version\":1,\"collection\":\"c\",\"records\":[\"zz\"]}", "{\"version\":2,\"collection\":\"c\",\"records\":[]}"]
        {
            fs::write(folder.path().join("hold-12"), content).unwrap();
            assert_eq!(holds.find("hold-12").unwrap_err().exit, Exit::Integrity, "{content}");
        }
    }
}
