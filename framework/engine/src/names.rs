//! Names: who holds which, and who stands in whose way: another of the same name, or a file where a folder would be.

use std::collections::{BTreeMap, BTreeSet};

use record::{Kind, Pointer, Record, RecordId, Value};

/// A name that an item has or wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: RecordId,
    /// The name in the form in which names are compared.
    pub(crate) name: String,
    /// Whether others may stand beneath it.
    pub(crate) is_folder: bool,
}

impl Place {
    /// Returns the place of a record, if it has a name.
    pub(crate) fn of(id: RecordId, record: &Record, unique: &Pointer) -> Option<Self> {
        Some(Self { id, name: folded(record.field(unique.as_str())?), is_folder: is_folder(record) })
    }
}

/// The form in which unique names are compared: case folded. (Names are kept in NFC by those who make them.)
pub(crate) fn folded(value: &Value) -> String {
    value.display().to_lowercase()
}

/// Tells whether a record is a folder: others may stand beneath its name.
fn is_folder(record: &Record) -> bool {
    record.kind == Kind::FILE && record.field("content").is_none() && record.field("symlink").is_none()
}

/// Returns the names of the folders that a name stands in, the innermost first.
fn folders(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        rest = rest.rsplit_once('/')?.0;
        Some(rest)
    })
}

/// Who holds which name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    holders: BTreeMap<String, (RecordId, bool)>,
    names: BTreeMap<RecordId, String>,
}

impl Names {
    /// Gives a name to whoever wants it, who leaves the one held before.
    pub(crate) fn give(&mut self, place: Place) {
        self.leave(place.id);
        self.names.insert(place.id, place.name.clone());
        self.holders.insert(place.name, (place.id, place.is_folder));
    }

    /// Lets a record leave its name.
    pub(crate) fn leave(&mut self, id: RecordId) {
        if let Some(name) = self.names.remove(&id)
            && self.holders.get(&name).is_some_and(|(holder, _)| *holder == id)
        {
            self.holders.remove(&name);
        }
    }

    /// Tells whether somebody holds a name.
    pub(crate) fn is_held(&self, name: &str) -> bool {
        self.holders.contains_key(name)
    }

    /// Returns who has to leave before a place can be taken: it may be the very one who wants it, whose name is a folder in the new one.
    pub(crate) fn in_the_way<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = RecordId> + 'a {
        let same = self.holders.get(&place.name).map(|(holder, _)| *holder).filter(|holder| *holder != place.id);
        let above = folders(&place.name).filter_map(|folder| self.holders.get(folder)).filter(|(_, is_folder)| !is_folder);
        let start = if place.is_folder { None } else { Some(format!("{}/", place.name)) };
        let beneath = start.into_iter().flat_map(|start| {
            let range = self.holders.range(start.clone()..);
            range.take_while(move |(name, _)| name.starts_with(&start)).map(|(_, (holder, _))| *holder)
        });
        same.into_iter().chain(above.map(|(holder, _)| *holder)).chain(beneath)
    }
}

/// Returns the names of all folders that names stand in.
pub(crate) fn folders_of<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut last = "";
    for name in names {
        // Names of one folder stand together: it is taken down once.
        let folder = folders(name).next().unwrap_or_default();
        if folder != last {
            found.extend(folders(name).map(str::to_owned));
            last = folder;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use record::Value;

    use super::*;

    fn place(id: u8, name: &str) -> Place {
        Place { id: RecordId([id; 16]), name: name.to_owned(), is_folder: name.ends_with("folder") }
    }

    fn way(names: &Names, place: &Place) -> Vec<u8> {
        names.in_the_way(place).map(|id| id.0[0]).collect()
    }

    #[test]
    fn a_file_stands_in_the_way_of_what_would_stand_in_a_folder_of_its_name() {
        let mut names = Names::default();
        names.give(place(1, "a"));
        names.give(place(2, "b/x"));
        names.give(place(3, "c/folder"));
        assert_eq!(way(&names, &place(9, "a/y")), [1]);
        assert_eq!(way(&names, &place(9, "a/y/z")), [1]);
        assert_eq!(way(&names, &place(9, "b")), [2]);
        assert_eq!(way(&names, &place(9, "c/folder/x")), [0_u8; 0], "what is a folder may hold others");
        assert_eq!(way(&names, &place(9, "c")), [3]);
        assert_eq!(way(&names, &place(9, "a")), [1]);
        assert_eq!(way(&names, &place(1, "a")), [0_u8; 0]);
        assert_eq!(way(&names, &place(1, "a/a")), [1], "its own name would be a folder");
        assert_eq!(way(&names, &place(2, "b")), [2]);
        assert_eq!(way(&names, &place(9, "a b")), [0_u8; 0]);
        names.give(place(1, "d"));
        assert_eq!(way(&names, &place(9, "a/y")), [0_u8; 0]);
        names.leave(RecordId([1; 16]));
        assert!(!names.is_held("d") && names.is_held("b/x"));
    }

    #[test]
    fn the_folders_of_all_names_are_found() {
        let names: BTreeSet<String> = ["a", "a b", "a/x", "a/y", "b", "c/d", "c/d/e/f"].map(str::to_owned).into();
        assert_eq!(folders_of(names.iter()), ["a", "c", "c/d", "c/d/e"].map(str::to_owned).into());
    }

    #[test]
    fn a_file_without_a_content_is_a_folder() {
        let record = Record::new(Kind::FILE).with("path", Value::text("a"));
        assert!(is_folder(&record));
        assert!(!is_folder(&record.with("symlink", Value::text("b"))));
        assert!(!is_folder(&Record::new(Kind::CONTACT)));
    }
}
