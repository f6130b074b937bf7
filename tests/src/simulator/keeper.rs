//! The object store of an endpoint: what was committed survives every crash, and a commit may fail.

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
    pub(super) weather: Shared<Weather>,
    pub(super) fuse: Fuse,
    pub(super) mutation: Option<Mutation>,
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
        self.memory.commit(batch)?;
        if self.fuse.burn() { Err(failed("the device is dead")) } else { Ok(()) }
    }
}
