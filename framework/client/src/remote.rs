//! The store at the other end of HTTP.

use std::io::{Read, Write};
use std::time::Duration;

use protocol::messages::{Blobs, Compact, Find, Found, FoundAt, LeaseFor, Leases, MAX_IDS, MAX_PAGE, MAX_WAIT};
use protocol::routes::Route;
use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Entry, Envelope, Error, Fence, Give, Head, Lease,
    MAX_PAYLOAD, MAX_SNAPSHOT, Page, Place, Recipe, Sequence, Snapshot, State, Store, TransactionId, Transfer, wire,
};

use crate::blobs;
use crate::roster::Roster;
use crate::session::{Call, Session};

/// The most bytes of a page: a store may add one of the largest entries to a page that was almost full, and clear headers count too.
const MAX_PAGE_BYTES: u64 = 4 * MAX_PAYLOAD as u64;

/// A store on the network, as one device sees it.
pub struct Remote {
    session: Session,
    roster: Roster,
}

impl Remote {
    /// Takes a session, and the devices whose keys were seen before.
    #[must_use]
    pub fn new(session: Session, roster: Roster) -> Self {
        Self { session, roster }
    }

    /// Returns the session, for what is not a store's.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Tells whether the store vouches, or once vouched, for a device's key in a collection.
    ///
    /// Asks the store about a device that was not seen before; what it says then is kept.
    #[must_use]
    pub fn vouches(&self, collection: &Collection, device: &DeviceId) -> bool {
        self.roster.knows(device) || (self.state(collection).is_ok() && self.roster.knows(device))
    }

    /// Returns the devices' names as they were last seen.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    fn own(&self, device: &DeviceId) -> Result<(), Error> {
        if *device == self.session.device() {
            return Ok(());
        }
        Err(Error::NotAuthorised("a device speaks only for itself".to_owned()))
    }

    fn lease_for(&self, route: Route, collection: &Collection, time: Duration, fence: Option<Fence>) -> Result<Lease, Error> {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        self.session.exchange(&Call::to(route, &[collection.as_str()]), &LeaseFor { milliseconds, fence })
    }
}

impl Store for Remote {
    fn is_shared(&self) -> bool {
        true
    }

    /// Asks for the head. A collection that is not there is made, if this device may.
    fn head(&self, collection: &Collection) -> Result<Head, Error> {
        match self.session.message(&Call::to(Route::Head, &[collection.as_str()])) {
            Err(Error::NoSuchCollection(name)) => match crate::manage::create(&self.session, collection) {
                Ok(state) => Ok(state.head),
                Err(Error::NotAuthorised(_)) => Err(Error::NoSuchCollection(name)),
                Err(error) => Err(error),
            },
            other => other,
        }
    }

    fn append_fenced(&self, collection: &Collection, envelope: &Envelope, fence: Option<Fence>) -> Result<Appended, Error> {
        envelope.check()?;
        let bytes = envelope.encode();
        let name = [collection.as_str()];
        let call = Call { fence, ..Call::to(Route::Append, &name).with(wire::BYTES, &bytes) };
        let reply = self.session.ask(&call, MAX_PAGE_BYTES)?;
        if reply.status == 409 || reply.kind.starts_with(wire::PAGE) {
            return Ok(Appended::Stale(wire::decode_page(&reply.bytes)?));
        }
        let entry = wire::decode_appended(&reply.bytes, envelope)?;
        let true_hash = Entry::chain(envelope.base.log, entry.sequence, entry.previous, &entry.envelope) == entry.hash;
        if entry.envelope.transaction != envelope.transaction || !true_hash {
            return Err(Error::Integrity("the store answered an append with an entry of something else".to_owned()));
        }
        Ok(Appended::Entry(entry))
    }

    fn read(&self, collection: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        let asked = limit.clamp(1, MAX_PAGE);
        let query = format!("log={}&sequence={}&hash={}&limit={asked}", after.log, after.sequence.0, after.hash);
        let name = [collection.as_str()];
        let reply = self.session.ask(&Call { query: &query, ..Call::to(Route::Read, &name) }, MAX_PAGE_BYTES)?;
        let mut page = wire::decode_page(&reply.bytes)?;
        if page.entries.len() > asked {
            return Err(Error::Malformed(format!("page: it holds {} entries where {asked} were asked for", page.entries.len())));
        }
        page.entries.truncate(limit);
        Ok(page)
    }

    fn wait(&self, collection: &Collection, known: &Head, patience: Duration) -> Result<Head, Error> {
        let name = [collection.as_str()];
        let mut left = patience.as_secs() + u64::from(patience.subsec_nanos() > 0);
        loop {
            let wait = left.min(MAX_WAIT);
            let query = format!("log={}&hash={}&wait={wait}", known.log, known.hash);
            let call = Call { query: &query, patience: Duration::from_secs(wait), ..Call::to(Route::Head, &name) };
            let head: Head = self.session.message(&call)?;
            left -= wait;
            if head != *known || left == 0 {
                return Ok(head);
            }
        }
    }

    fn place(&self, collection: &Collection, sequence: Sequence) -> Result<Place, Error> {
        self.session.message(&Call::to(Route::Place, &[collection.as_str(), &sequence.0.to_string()]))
    }

    fn find(&self, collection: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        let mut all = Vec::new();
        for some in transactions.chunks(MAX_IDS) {
            let name = [collection.as_str()];
            let found: Found = self.session.exchange(&Call::to(Route::Find, &name), &Find { transactions: some.to_vec() })?;
            all.extend(found.transactions.into_iter().map(|FoundAt { transaction, cursor }| (transaction, cursor)));
        }
        Ok(all)
    }

    fn arrived(&self, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error> {
        self.own(device)?;
        self.session.tell(&Call::to(Route::Arrived, &[collection.as_str()]), cursor)
    }

    /// Asks for the state; the devices that take part are known from then on.
    fn state(&self, collection: &Collection) -> Result<State, Error> {
        let state: State = self.session.message(&Call::to(Route::CollectionState, &[collection.as_str()]))?;
        self.roster.see(&state.members);
        Ok(state)
    }

    fn put_snapshot(&self, collection: &Collection, snapshot: &Snapshot) -> Result<(), Error> {
        let bytes = snapshot.encode();
        self.session.ask(&Call::to(Route::PutSnapshot, &[collection.as_str()]).with(wire::BYTES, &bytes), 0).map(drop)
    }

    fn snapshot(&self, collection: &Collection) -> Result<Option<Snapshot>, Error> {
        let reply = self.session.ask(&Call::to(Route::GetSnapshot, &[collection.as_str()]), MAX_SNAPSHOT as u64 + (1 << 16))?;
        if reply.status == 204 { Ok(None) } else { Snapshot::decode(&reply.bytes).map(Some) }
    }

    fn compact(&self, collection: &Collection, horizon: &Cursor) -> Result<Compacted, Error> {
        self.session.exchange(&Call::to(Route::Compact, &[collection.as_str()]), &Compact { horizon: Some(*horizon) })
    }

    fn acquire(&self, collection: &Collection, device: &DeviceId, time: Duration) -> Result<Lease, Error> {
        self.own(device)?;
        self.lease_for(Route::AcquireLease, collection, time, None)
    }

    fn renew(&self, collection: &Collection, fence: Fence, time: Duration) -> Result<Lease, Error> {
        self.lease_for(Route::RenewLease, collection, time, Some(fence))
    }

    fn release(&self, collection: &Collection, fence: Fence) -> Result<(), Error> {
        self.session.ask(&Call::to(Route::ReleaseLease, &[collection.as_str(), &fence.to_string()]), 0).map(drop)
    }

    fn lease(&self, collection: &Collection) -> Result<Option<Lease>, Error> {
        let leases: Leases = self.session.message(&Call::to(Route::ShowLease, &[collection.as_str()]))?;
        Ok(leases.lease)
    }

    fn missing(&self, collection: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        let mut missing = Vec::new();
        for some in blobs.chunks(MAX_IDS) {
            let name = [collection.as_str()];
            let answer: Blobs = self.session.exchange(&Call::to(Route::MissingBlobs, &name), &Blobs { blobs: some.to_vec() })?;
            missing.extend(answer.blobs);
        }
        Ok(missing)
    }

    fn put_blobs(&self, collection: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        blobs::put(&self.session, collection, blobs, give)
    }

    fn blob(&self, collection: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        blobs::get(&self.session, collection, id, to)
    }

    fn open_blob<'a>(&'a self, collection: &'a Collection, id: BlobId) -> Result<Box<dyn Read + 'a>, Error> {
        blobs::open(&self.session, collection, id).map(|from| Box::new(from) as Box<dyn Read + 'a>)
    }

    fn missing_chunks(&self, collection: &Collection, chunks: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        blobs::missing(&self.session, collection, chunks)
    }

    fn put_chunks(&self, collection: &Collection, chunks: &[Chunk]) -> Result<(), Error> {
        blobs::put_chunks(&self.session, collection, chunks)
    }

    fn chunks(&self, collection: &Collection, chunks: &[ChunkId], take: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        blobs::fetch(&self.session, collection, chunks)?.into_iter().try_for_each(take)
    }

    fn put_recipes(&self, collection: &Collection, recipes: &[Recipe]) -> Result<(), Error> {
        blobs::put_recipes(&self.session, collection, recipes)
    }

    fn recipe(&self, collection: &Collection, id: BlobId) -> Result<Recipe, Error> {
        blobs::recipe(&self.session, collection, id)
    }
}
