//! The stores of this crate keep the laws.

use std::path::Path;

use protocol::{Error, Store};
use store::laws::{self, Subject};
use store::{Memory, Sqlite};
use syncretic_store as store;

struct InMemory(Memory);

impl Subject for InMemory {
    fn open(&self) -> Result<Box<dyn Store>, Error> {
        Ok(Box::new(self.0.clone()))
    }
}

struct InFolder<'a>(&'a Path);

impl Subject for InFolder<'_> {
    fn open(&self) -> Result<Box<dyn Store>, Error> {
        Ok(Box::new(Sqlite::open(self.0)?))
    }
}

#[test]
fn memory_keeps_every_law() {
    assert_eq!(format!("{:?}", laws::broken(&InMemory(Memory::new()))), "[]");
}

#[test]
fn sqlite_keeps_every_law() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(format!("{:?}", laws::broken(&InFolder(folder.path()))), "[]");
}

#[test]
fn a_seeded_memory_names_its_logs_alike_each_time() {
    let (one, other): (protocol::Collection, protocol::Collection) = ("one".parse().unwrap(), "other".parse().unwrap());
    let id = |seed, collection| Memory::seeded(seed).head(collection).unwrap().log;
    assert_eq!(id(1, &one), id(1, &one));
    assert_ne!(id(1, &one), id(2, &one));
    assert_ne!(id(1, &one), id(1, &other));
}
