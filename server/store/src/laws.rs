//! The laws of [`protocol::Store`]: whatever keeps logs passes them all, here or at the other end of a network.
//!
//! Each law works in collections of its own with names that nobody else has, so a store that is in use may be checked too.

mod append;
mod blobs;
mod bounds;
mod chunks;
mod leases;
mod many;
mod places;
mod read;

use std::fmt;

use protocol::{
    Appended, Collection, Cursor, DeviceId, Entry, Envelope, Error, Head, Header, RecordDigest, Signature, Snapshot, Store, TransactionId,
};

/// The store as another device opens it, and that device.
pub type Another = (Box<dyn Store>, DeviceId);

/// A store that is held against the laws.
pub trait Subject: Sync {
    /// Opens the store; called again, the same store again, as another process would.
    ///
    /// # Errors
    /// Fails as the store's own opening does.
    fn open(&self) -> Result<Box<dyn Store>, Error>;

    /// Makes an envelope one that this store accepts: a store that checks devices and signatures has them set here.
    fn seal(&self, collection: &Collection, envelope: Envelope) -> Envelope {
        let _ = collection;
        envelope
    }

    /// Makes a snapshot one that this store accepts.
    fn seal_snapshot(&self, collection: &Collection, snapshot: Snapshot) -> Snapshot {
        let _ = collection;
        snapshot
    }

    /// Returns the device that the store takes the caller for.
    fn device(&self) -> DeviceId {
        DeviceId([0; 32])
    }

    /// Opens the store as another device, which may write every collection too, and returns that device; nothing where there can be none.
    ///
    /// # Errors
    /// Fails as the store's own opening does.
    fn another(&self) -> Result<Option<Another>, Error> {
        Ok(Some((self.open()?, DeviceId([1; 32]))))
    }

    /// Makes an envelope one of that other device.
    fn seal_as(&self, device: &DeviceId, collection: &Collection, envelope: Envelope) -> Envelope {
        let _ = collection;
        Envelope { device: *device, ..envelope }
    }
}

/// One law.
#[derive(Clone, Copy)]
pub struct Law {
    /// What holds, as a sentence.
    pub name: &'static str,
    check: fn(&Bench<'_>) -> Result<(), Broken>,
}

/// How a law was broken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("the store failed where it must not: {error}"))
    }
}

impl Law {
    /// Holds a store against this law.
    ///
    /// # Errors
    /// Fails with what the store did.
    pub fn check(&self, subject: &dyn Subject) -> Result<(), Broken> {
        let bench = Bench { subject, store: subject.open()? };
        (self.check)(&bench)
    }
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Returns all laws.
#[must_use]
pub fn all() -> Vec<Law> {
    [append::LAWS, read::LAWS, bounds::LAWS, many::LAWS, blobs::LAWS, chunks::LAWS, places::LAWS, leases::LAWS].concat()
}

/// Holds a store against all laws and returns those that it broke.
#[must_use]
pub fn broken(subject: &dyn Subject) -> Vec<(Law, Broken)> {
    all().into_iter().filter_map(|law| law.check(subject).err().map(|broken| (law, broken))).collect()
}

/// A store under test, with what every law needs.
struct Bench<'a> {
    subject: &'a dyn Subject,
    store: Box<dyn Store>,
}

impl Bench<'_> {
    /// Returns the name of a collection that nobody has used.
    fn collection(&self) -> Result<Collection, Broken> {
        let name = format!("law-{}", TransactionId(crate::random::bytes()?));
        name.parse().map_err(|error| Broken(format!("{error}")))
    }

    /// Returns a new collection with its first head.
    fn log(&self) -> Result<(Collection, Head), Broken> {
        let collection = self.collection()?;
        let head = self.store.head(&collection)?;
        require(head == Cursor::start(head.log), || format!("the head of a new log is {head}"))?;
        Ok((collection, head))
    }

    /// Returns a new collection with `count` entries.
    fn filled(&self, count: usize) -> Result<(Collection, Vec<Entry>), Broken> {
        let (collection, mut head) = self.log()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = self.append(&collection, &self.envelope(&collection, head, b"payload")?)?;
            head = entry.cursor(head.log);
            entries.push(entry);
        }
        Ok((collection, entries))
    }

    fn envelope(&self, collection: &Collection, base: Cursor, payload: &[u8]) -> Result<Envelope, Broken> {
        let envelope = Envelope {
            transaction: TransactionId(crate::random::bytes()?),
            device: DeviceId([0; 32]),
            base,
            header: Header { operations: 1, deletions: 0, records: vec![RecordDigest([7; 16])] },
            payload: payload.to_vec(),
            signature: Signature([0; 64]),
        };
        Ok(self.subject.seal(collection, envelope))
    }

    /// Appends where nothing stands against it.
    fn append(&self, collection: &Collection, envelope: &Envelope) -> Result<Entry, Broken> {
        match self.store.append(collection, envelope)? {
            Appended::Entry(entry) => Ok(entry),
            Appended::Stale(_) => Err(Broken("an append on the head was answered as stale".into())),
        }
    }

    /// Reads a whole log in pages of at most `limit`, checking every link.
    fn whole(&self, store: &dyn Store, collection: &Collection, limit: usize) -> Result<Vec<Entry>, Broken> {
        let mut place = Cursor::start(store.head(collection)?.log);
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let page = store.read(collection, &place, limit)?;
            require(page.entries.len() <= limit, || format!("a page of {limit} holds {}", page.entries.len()))?;
            for entry in page.entries.iter().cloned() {
                require(entry.follows(&place), || format!("{} does not follow {place}", entry.cursor(place.log)))?;
                place = entry.cursor(place.log);
                entries.push(entry);
            }
            if place == page.head {
                return Ok(entries);
            }
            require(!page.entries.is_empty(), || format!("nothing after {place}, but the head is {}", page.head))?;
        }
    }
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(otherwise())) }
}

fn equal<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), Broken> {
    require(found == expected, || format!("{what}: {found:?} instead of {expected:?}"))
}

/// Requires that a store refused in the way that `expected` names.
fn refused<T: fmt::Debug>(what: &str, answer: Result<T, Error>, expected: fn(&Error) -> bool) -> Result<(), Broken> {
    match answer {
        Err(error) if expected(&error) => Ok(()),
        Err(error) => Err(Broken(format!("{what} was refused with another error: {error:?}"))),
        Ok(answer) => Err(Broken(format!("{what} was not refused: {answer:?}"))),
    }
}

/// A collection without a log knows no cursor; a store with grants may say that there is no such collection.
fn is_nowhere(error: &Error) -> bool {
    is_unknown(error) || matches!(error, Error::NoSuchCollection(_))
}

fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::UnknownCursor { .. })
}
