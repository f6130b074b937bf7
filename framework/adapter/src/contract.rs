//! The contract between the engine and one configured endpoint.

use std::io::{Read, Write};

use record::{Digest, Record};

use crate::error::Error;
use crate::item::{Broken, Fingerprint, Item, Key};
use crate::operation::{Fate, Mode, Op, Outcome, StepId};
use crate::profile::Profile;

/// One configured endpoint. One call at a time; no memory beyond what it can read again.
pub trait Adapter: Send {
    /// Returns what the endpoint can hold. Asked for after [`Adapter::scan`] it fits what that scan read.
    fn profile(&self) -> &Profile;

    /// Returns what the endpoint leaves out by its settings, if it leaves out anything.
    fn selection(&self) -> Option<&dyn Selection> {
        None
    }

    /// Tells whether nothing at all changed since the scan that left `note`; false if that takes more than a look.
    ///
    /// # Errors
    /// Fails as [`Adapter::scan`] would.
    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        let _ = note;
        Ok(false)
    }

    /// Reads again what a scan would remember for writing new items, where [`Adapter::same`] has just stood in for it.
    ///
    /// # Errors
    /// Fails as [`Adapter::scan`] would.
    fn recollect(&mut self, known: &dyn Known) -> Result<(), Error> {
        let _ = known;
        Ok(())
    }

    /// Returns the identity of the root that a step made, where a scan had found it still to be made; none otherwise.
    ///
    /// Asked after a step was performed or recovered. Without an answer the next scan joins the place anew.
    fn made(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Reports everything that is there: each item once, as changed, unchanged or broken.
    ///
    /// # Errors
    /// Fails if the listing is not complete: a missing root, a file that kept changing. A failed scan means nothing.
    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error>;

    /// Rehearses or performs the operations of one step and answers each, in any order, by its index.
    ///
    /// Rehearsal and performance are one path up to the exchange of files. What is displaced stays staged until
    /// the step is settled. The answer is always what a scan would show.
    ///
    /// # Errors
    /// Fails if the endpoint as a whole cannot be written; operations not answered are then unknown.
    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error>;

    /// Tells what became of each operation of a step that was cut off, in order; empty if the step is not known here.
    ///
    /// # Errors
    /// Fails if the staging area cannot be read.
    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error>;

    /// Takes note that the step is durable in the object store: what it displaced may go.
    ///
    /// # Errors
    /// Fails if the staging area cannot be cleared; that harms nothing.
    fn settle(&mut self, step: StepId) -> Result<(), Error>;

    /// Streams a blob that the item showed at its last scan.
    ///
    /// # Errors
    /// Fails if the item does not hold that blob any more.
    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error>;
}

/// What the engine knows of the items from the last scan or write.
pub trait Known: Sync {
    /// Returns the fingerprint that the item of this key had.
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint>;

    /// Returns the number of known items.
    fn count(&self) -> usize;

    /// Hands on every known item and tells whether it can: what runs in another process is told all at once.
    ///
    /// Where it cannot, such an adapter takes everything for new, which costs time and nothing else.
    fn each(&self, take: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        let _ = take;
        false
    }
}

/// Which records an endpoint holds, of those that it could hold. The others are none of its business.
pub trait Selection {
    /// Tells whether such a record has an item here.
    fn takes(&self, record: &Record) -> bool;

    /// Returns another value for another selection.
    fn digest(&self) -> Digest;
}

/// What is known of an endpoint that was never seen.
pub struct NothingKnown;

impl Known for NothingKnown {
    fn fingerprint(&self, _: &Key) -> Option<Fingerprint> {
        None
    }

    fn count(&self) -> usize {
        0
    }

    fn each(&self, _: &mut dyn FnMut(&Key, &Fingerprint)) -> bool {
        true
    }
}

/// Takes what a scan finds. An item is reported by exactly one call.
pub trait Sink {
    /// Takes an item that is new or changed.
    fn item(&mut self, item: Item);

    /// Takes an item that had the key `from` when it was last known, and has it no more: the application tells that it was renamed.
    ///
    /// For whoever does not care it is an item like any other.
    fn moved(&mut self, item: Item, from: Key) {
        let _ = from;
        self.item(item);
    }

    /// Takes an item whose content is what it was; its fingerprint may be a newer one of the same content.
    fn unchanged(&mut self, key: Key, fingerprint: Fingerprint);

    /// Takes input that cannot be read.
    fn broken(&mut self, broken: Broken);
}

/// What a complete scan says of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The identity of the root: another identity is another place, so a new join and never a difference.
    /// A single file's is its canonical path (editors replace files); a folder's also holds device and inode. A folder
    /// that is still to be made has none: it is empty until [`Adapter::made`] tells it.
    pub root: Vec<u8>,
    /// What [`Adapter::same`] may be asked with later, where that can tell. It is kept only if nothing was broken, and
    /// forgotten once anything is written.
    pub note: Option<Vec<u8>>,
}

/// Takes the answers of [`Adapter::apply`].
pub trait Outcomes {
    /// Takes the answer to the operation at `index`.
    fn outcome(&mut self, index: usize, outcome: Outcome);
}

/// Gives the bytes of blobs that are to be written.
pub trait Blobs: Sync {
    /// Opens a blob.
    ///
    /// # Errors
    /// Fails if the blob is not to be had now.
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error>;
}
