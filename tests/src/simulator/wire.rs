//! The wire between an endpoint and the log, on which messages are lost, doubled and late.

use std::io::Write;
use std::time::Duration;

use protocol::{
    Appended, BlobId, Chunk, ChunkId, Collection, Compacted, Cursor, DeviceId, Envelope, Error, Fence, Give, Head, Lease, LeaseMode, Page,
    Place, Recipe, Right, Sequence, Snapshot, State, Store, Timestamp, TransactionId, Transfer,
};

use super::faults::Fault;
use super::fuse::Fuse;
use super::log::Log;
use super::shared::Shared;
use super::weather::Weather;

/// The store as one endpoint reaches it.
pub(super) struct Wire {
    pub(super) log: Shared<Log>,
    pub(super) weather: Shared<Weather>,
    pub(super) fuse: Fuse,
    /// Envelopes that will arrive, or arrive once more, later.
    pub(super) under_way: Shared<Vec<Envelope>>,
    /// The store is a file on this device: messages arrive.
    pub(super) embedded: bool,
    /// The newest sequence that was ever answered: a reader's replica may lag, but never goes back.
    pub(super) latest: Shared<u64>,
}

impl Wire {
    fn live(&self) -> Result<(), Error> {
        if self.fuse.burn() { Err(Error::Unavailable("the device is dead".into())) } else { Ok(()) }
    }

    fn fails(&self, fault: Fault, permille: usize) -> bool {
        !self.embedded && self.weather.look().strikes(fault, permille)
    }

    fn ask(&self) -> Result<(), Error> {
        self.live()?;
        if self.fails(Fault::RequestLost, 40) || self.fails(Fault::ReplyLost, 20) {
            return Err(Error::Unavailable("no answer".into()));
        }
        Ok(())
    }

    fn reached(&self, sequence: u64) {
        let mut latest = self.latest.look();
        *latest = sequence.max(*latest);
    }

    /// Returns the sequence that a read is answered from.
    fn replica(&self, at_least: u64) -> u64 {
        let newest = self.log.look().length();
        let floor = (*self.latest.look()).max(at_least).min(newest);
        let span = usize::try_from(newest - floor).unwrap_or_default();
        let lag = if self.fails(Fault::StaleRead, 150) { self.weather.look().dice.below(span + 1) } else { 0 };
        let sequence = newest - lag as u64;
        self.reached(sequence);
        sequence
    }
}

impl Store for Wire {
    fn is_shared(&self) -> bool {
        !self.embedded
    }

    fn head(&self, _: &Collection) -> Result<Head, Error> {
        self.ask()?;
        let sequence = self.replica(0);
        Ok(self.log.look().at(sequence))
    }

    fn append_fenced(&self, _: &Collection, envelope: &Envelope, _: Option<Fence>) -> Result<Appended, Error> {
        self.live()?;
        if self.fails(Fault::RequestLost, 60) {
            return Err(Error::Unavailable("no answer".into()));
        }
        if self.fails(Fault::Late, 60) {
            self.under_way.look().push(envelope.clone());
            return Err(Error::Unavailable("no answer in time".into()));
        }
        let answer = self.log.look().append(envelope)?;
        self.weather.look().tally.count(if matches!(answer, Appended::Stale(_)) { "appends refused as stale" } else { "appends" });
        if self.fails(Fault::Doubled, 80) {
            self.under_way.look().push(envelope.clone());
        }
        if self.fails(Fault::ReplyLost, 80) {
            return Err(Error::Unavailable("no answer".into()));
        }
        self.live()?;
        let length = self.log.look().length();
        self.reached(length);
        Ok(answer)
    }

    fn read(&self, _: &Collection, after: &Cursor, limit: usize) -> Result<Page, Error> {
        self.ask()?;
        let sequence = self.replica(after.sequence.0);
        // A short page now and then: nobody may rely on getting everything at once.
        let limit = limit.min(1 + self.weather.look().dice.below(6));
        self.log.look().page(after, sequence, limit)
    }

    fn wait(&self, collection: &Collection, _: &Head, _: Duration) -> Result<Head, Error> {
        self.head(collection)
    }

    fn place(&self, _: &Collection, sequence: Sequence) -> Result<Place, Error> {
        self.ask()?;
        Ok(self.log.look().tell(sequence))
    }

    fn find(&self, _: &Collection, transactions: &[TransactionId]) -> Result<Vec<(TransactionId, Cursor)>, Error> {
        self.ask()?;
        Ok(self.log.look().find(transactions))
    }

    fn arrived(&self, _: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<(), Error> {
        self.ask()?;
        self.log.look().members.insert(*device, *cursor);
        Ok(())
    }

    fn state(&self, _: &Collection) -> Result<State, Error> {
        self.ask()?;
        let log = self.log.look();
        let horizon = log.snapshot.as_ref().map(|snapshot| snapshot.cursor);
        Ok(State {
            head: log.head(),
            horizon: horizon.unwrap_or(Cursor::start(log.id)),
            snapshot: horizon,
            lease_mode: LeaseMode::Write,
            lease: None,
            right: Right::Admin,
            members: Vec::new(),
        })
    }

    fn put_snapshot(&self, _: &Collection, snapshot: &Snapshot) -> Result<(), Error> {
        self.log.look().snapshot = Some(snapshot.clone());
        Ok(())
    }

    fn snapshot(&self, _: &Collection) -> Result<Option<Snapshot>, Error> {
        self.ask()?;
        Ok(self.log.look().snapshot.clone())
    }

    fn compact(&self, _: &Collection, _: &Cursor) -> Result<Compacted, Error> {
        Ok(Compacted::default())
    }

    fn acquire(&self, _: &Collection, device: &DeviceId, _: Duration) -> Result<Lease, Error> {
        self.ask()?;
        Ok(Lease { holder: *device, name: String::new(), fence: Fence(1), until: Timestamp(0) })
    }

    fn renew(&self, collection: &Collection, _: Fence, time: Duration) -> Result<Lease, Error> {
        self.acquire(collection, &DeviceId([0; 32]), time)
    }

    fn release(&self, _: &Collection, _: Fence) -> Result<(), Error> {
        self.ask()
    }

    fn lease(&self, _: &Collection) -> Result<Option<Lease>, Error> {
        Ok(None)
    }

    fn missing(&self, _: &Collection, blobs: &[BlobId]) -> Result<Vec<BlobId>, Error> {
        self.ask()?;
        let log = self.log.look();
        Ok(blobs.iter().filter(|id| !log.blobs.contains_key(&id.0)).copied().collect())
    }

    fn put_blobs(&self, _: &Collection, blobs: &[BlobId], give: &mut Give<'_>) -> Result<Transfer, Error> {
        for id in blobs {
            self.ask()?;
            let mut bytes = Vec::new();
            give(*id, &mut bytes).map_err(|error| Error::Failed(error.to_string()))?;
            self.log.look().blobs.insert(id.0, bytes);
        }
        Ok(Transfer::default())
    }

    fn blob(&self, _: &Collection, id: BlobId, to: &mut dyn Write) -> Result<(), Error> {
        self.ask()?;
        let bytes = self.log.look().blobs.get(&id.0).cloned().ok_or_else(|| Error::NoSuchBlob(id.to_string()))?;
        to.write_all(&bytes).map_err(|error| Error::Failed(error.to_string()))
    }

    fn missing_chunks(&self, _: &Collection, _: &[ChunkId]) -> Result<Vec<ChunkId>, Error> {
        Ok(Vec::new())
    }

    fn put_chunks(&self, _: &Collection, _: &[Chunk]) -> Result<(), Error> {
        Ok(())
    }

    fn chunks(&self, _: &Collection, chunks: &[ChunkId], _: &mut dyn FnMut(Chunk) -> Result<(), Error>) -> Result<(), Error> {
        chunks.first().map_or(Ok(()), |chunk| Err(Error::NoSuchChunk(chunk.to_string())))
    }

    fn put_recipes(&self, _: &Collection, _: &[Recipe]) -> Result<(), Error> {
        Ok(())
    }

    fn recipe(&self, _: &Collection, id: BlobId) -> Result<Recipe, Error> {
        Err(Error::NoSuchBlob(id.to_string()))
    }
}
