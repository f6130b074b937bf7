//! The object store of one endpoint: its copy of the previous state, behind a trait.
//!
//! [`Sqlite`](sqlite::Sqlite) keeps it in a file; [`Memory`](memory::Memory) keeps it for the simulator. Both
//! commit a [`Batch`] whole or not at all.

pub(crate) mod encoding;
pub mod memory;
pub mod model;
pub(crate) mod overlay;
pub mod sqlite;

use std::collections::BTreeSet;
use std::path::PathBuf;

use record::{Conflict, RecordId};

pub use model::{Batch, Frozen, Intent, Item, Joined, Meta, Retained, Seen, Step};

use crate::error::Error;
use crate::report::Held;
use delta::State;

/// One endpoint's object store. One session at a time.
pub trait Objects {
    /// Returns what is kept about the endpoint as a whole.
    ///
    /// # Errors
    /// Fails if the store cannot be read, is damaged, or is of a newer version. So do all the others.
    fn meta(&self) -> Result<Meta, Error>;

    /// Returns a line for each item that was seen, in the order of the records' ids.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn items(&self) -> Result<Vec<Item>, Error>;

    /// Returns how many items were seen.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn count(&self) -> Result<usize, Error> {
        self.items().map(|items| items.len())
    }

    /// Returns what was seen of a record.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn seen(&self, id: RecordId) -> Result<Option<Seen>, Error>;

    /// Returns what was agreed on a record.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn agreed(&self, id: RecordId) -> Result<Option<State>, Error>;

    /// Returns the collection's state of a record.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn remote(&self, id: RecordId) -> Result<Option<State>, Error>;

    /// Visits every item with what it shows, in id order.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn each_seen(&self, visit: &mut dyn FnMut(RecordId, Seen)) -> Result<(), Error> {
        for item in self.items()? {
            if let Some(seen) = self.seen(item.id)? {
                visit(item.id, seen);
            }
        }
        Ok(())
    }

    /// Visits the collection's state of every record that no item here was seen of, in id order.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn each_unseen(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error>;

    /// Visits the collection's state of every record, in id order.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn each_remote(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error>;

    /// Returns what is retained of the log, in order.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn tail(&self) -> Result<Vec<Retained>, Error>;

    /// Returns the open conflicts of the collection, in order of their ids.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn conflicts(&self) -> Result<Vec<Conflict>, Error>;

    /// Returns the records whose trees may not be in harmony.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn attention(&self) -> Result<BTreeSet<RecordId>, Error>;

    /// Returns the step of writing that was begun and not ended.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn step(&self) -> Result<Option<Step>, Error>;

    /// Returns what is held.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn held(&self) -> Result<Vec<Held>, Error>;

    /// Returns the links that the first join made or doubted.
    ///
    /// # Errors
    /// As [`Objects::meta`].
    fn joined(&self) -> Result<Vec<Joined>, Error>;

    /// Returns the folder in which large blobs may be put together, whether it is there or not; none if there is none.
    fn incoming(&self) -> Option<PathBuf> {
        None
    }

    /// Keeps everything in the batch, durably, or nothing.
    ///
    /// # Errors
    /// Fails if it cannot be kept; nothing of it is then.
    fn commit(&mut self, batch: Batch) -> Result<(), Error>;
}
