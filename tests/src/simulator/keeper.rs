//! The object store of an endpoint: what was committed survives every crash, what was synced a loss of power too, and a
//! commit may fail.

use std::collections::BTreeSet;

use delta::State;
use engine::Error;
use engine::objects::memory::Memory;
use engine::objects::{Batch, Item, Joined, Meta, Objects, Retained, Seen, Step};
use engine::report::Held;
use record::{Conflict, RecordId};

use super::faults::Fault;
use super::fuse::Fuse;
use super::mutation::Mutation;
use super::shared::Shared;
use super::weather::Weather;

/// An endpoint's object store. Clones share what is kept.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) memory: Memory,
    /// What would be left without power.
    pub(super) synced: Memory,
    pub(super) weather: Shared<Weather>,
    pub(super) fuse: Fuse,
    pub(super) mutation: Option<Mutation>,
}

impl Keeper {
    /// Becomes another state, as a whole and for good.
    pub(super) fn become_like(&self, state: &Memory) {
        self.memory.become_like(state);
        self.synced.become_like(state);
    }

    /// Takes back what was not synced.
    pub(super) fn lose_power(&self) {
        self.memory.become_like(&self.synced);
    }

    /// Syncs what is kept, if that can ever be taken back in this run.
    fn sync(&self) {
        if self.weather.look().faults.on(Fault::PowerLost) {
            self.synced.become_like(&self.memory);
        }
    }
}

fn failed(reason: &str) -> Error {
    Error::Objects { place: "in memory".into(), reason: reason.into() }
}

impl Objects for Keeper {
    fn meta(&self) -> Result<Meta, Error> {
        self.memory.meta()
    }

    fn items(&self) -> Result<Vec<Item>, Error> {
        self.memory.items()
    }

    fn seen(&self, id: RecordId) -> Result<Option<Seen>, Error> {
        self.memory.seen(id)
    }

    fn agreed(&self, id: RecordId) -> Result<Option<State>, Error> {
        self.memory.agreed(id)
    }

    fn remote(&self, id: RecordId) -> Result<Option<State>, Error> {
        self.memory.remote(id)
    }

    fn each_unseen(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        self.memory.each_unseen(visit)
    }

    fn each_remote(&self, visit: &mut dyn FnMut(RecordId, State)) -> Result<(), Error> {
        let forgetful = self.mutation == Some(Mutation::ForgetsRemote);
        self.memory.each_remote(&mut |id, state| visit(id, if forgetful { State::unborn(state.record.kind) } else { state }))
    }

    fn tail(&self) -> Result<Vec<Retained>, Error> {
        if self.mutation == Some(Mutation::ForgetsRemote) { Ok(Vec::new()) } else { self.memory.tail() }
    }

    fn conflicts(&self) -> Result<Vec<Conflict>, Error> {
        self.memory.conflicts()
    }

    fn attention(&self) -> Result<BTreeSet<RecordId>, Error> {
        self.memory.attention()
    }

    fn step(&self) -> Result<Option<Step>, Error> {
        self.memory.step()
    }

    fn held(&self) -> Result<Vec<Held>, Error> {
        self.memory.held()
    }

    fn joined(&self) -> Result<Vec<Joined>, Error> {
        self.memory.joined()
    }

    fn commit(&mut self, mut batch: Batch) -> Result<(), Error> {
        if self.fuse.burn() {
            return Err(failed("the device is dead"));
        }
        if self.weather.look().strikes(Fault::DiskFull, 15) {
            return Err(failed("the disk is full"));
        }
        if self.mutation == Some(Mutation::ForgetsIntents) {
            batch.step = None;
        }
        let durable = batch.durable;
        if durable && self.mutation == Some(Mutation::SyncsLate) {
            self.sync();
        }
        self.memory.commit(batch)?;
        if durable && self.mutation != Some(Mutation::SyncsLate) {
            self.sync();
        }
        if self.fuse.burn() { Err(failed("the device is dead")) } else { Ok(()) }
    }
}
