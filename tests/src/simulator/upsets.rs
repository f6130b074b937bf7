//! What happens to stores and devices as wholes: backups that are restored, stores made anew, compaction, clones.

use engine::Doors;
use engine::objects::Objects;
use protocol::LogId;

use super::dice::fold;
use super::faults::Fault;
use super::keys::DeviceKey;
use super::ledger::Ledger;
use super::shared::Shared;
use super::token::token;
use super::world::World;

impl World {
    /// Something happens to the store, or to an endpoint's device.
    pub(super) fn upset(&mut self, at: usize) {
        match self.dice.below(8) {
            0 | 1 => self.roll_back(),
            2 => self.make_anew(),
            3 | 4 => self.compact(at),
            5 | 6 => self.back_up_or_restore(at),
            _ => self.clone_device(at),
        }
    }

    fn roll_back(&mut self) {
        let count = 1 + self.dice.below(4);
        if !self.weather.look().strikes(Fault::RolledBack, 1000) {
            return;
        }
        let lost = self.log.look().roll_back(count);
        self.say(|| format!("STORE loses its {lost} newest entries"));
        self.follow_anew();
    }

    fn make_anew(&mut self) {
        let id = LogId(fold(&self.dice.roll().to_be_bytes()));
        if !self.weather.look().strikes(Fault::MadeAnew, 400) {
            return;
        }
        self.log.look().make_anew(id);
        self.say(|| format!("STORE is made anew as {id}"));
        self.follow_anew();
    }

    /// Follows what the log says now from its beginning; what was wrong before has been told before.
    fn follow_anew(&mut self) {
        let (id, entries) = {
            let log = self.log.look();
            (log.id, log.entries.clone())
        };
        let before = std::mem::replace(&mut self.ledger, Ledger::of(id));
        for entry in entries {
            let _ = self.ledger.take(&entry, &self.collection, &self.history);
        }
        self.ledger.remember(before);
    }

    /// A device makes a snapshot, and the store keeps no older entries.
    fn compact(&mut self, at: usize) {
        let Some(endpoint) = self.endpoints.get(at) else { return };
        let Some(errand) = self.errand(at, self.settings(at)) else { return };
        let doors = Doors {
            store: &errand.wire,
            keys: &DeviceKey(endpoint.device),
            randomness: &self.ids,
            progress: &engine::Nobody,
            pass: &|_| true,
        };
        let made = engine::snapshot(&doors, &self.collection, &errand.keeper).ok().flatten();
        let mut log = self.log.look();
        let newer = |cursor: protocol::Cursor| log.snapshot.as_ref().is_none_or(|old| old.cursor.sequence < cursor.sequence);
        let fits = |cursor: &protocol::Cursor| log.length() >= cursor.sequence.0 && log.at(cursor.sequence.0) == *cursor;
        let Some(snapshot) = made.filter(|made| made.cursor.sequence.0 > 0 && fits(&made.cursor) && newer(made.cursor)) else { return };
        if self.weather.look().strikes(Fault::Compacted, 1000) {
            self.weather.look().say(|| format!("STORE keeps a snapshot at {} and no older entries", snapshot.cursor.sequence));
            log.snapshot = Some(snapshot);
        }
    }

    fn back_up_or_restore(&mut self, at: usize) {
        let restores = self.dice.chance(500);
        let Some(endpoint) = self.endpoints.get_mut(at).filter(|endpoint| endpoint.running.is_none()) else { return };
        match endpoint.backup.clone().filter(|_| restores) {
            None => endpoint.backup = Some(endpoint.keeper.memory.fork()),
            Some(backup) if self.weather.look().strikes(Fault::Restored, 1000) => {
                // A conflict that was made here and told nobody yet is kept in this state alone.
                let meta = endpoint.keeper.memory.meta().unwrap_or_default();
                let intents = endpoint.keeper.memory.step().ok().flatten().map(|step| step.intents).unwrap_or_default();
                let untold = meta.pending.iter().chain(intents.iter().flat_map(|intent| &intent.losers));
                untold.filter_map(|conflict| token(&conflict.value)).for_each(|token| self.history.dismiss(token));
                endpoint.keeper.become_like(&backup);
                let cursor = backup.meta().ok().and_then(|meta| meta.cursor);
                self.weather.look().say(|| format!("e{at}'s object store is restored: {cursor:?}"));
            }
            Some(_) => {}
        }
    }

    /// A device is copied with everything that it has; both go on.
    fn clone_device(&mut self, from: usize) {
        let whole = self.endpoints.get(from).is_some_and(|source| source.running.is_none() && source.application.look().whole());
        if !whole || !self.weather.look().strikes(Fault::Cloned, 500) {
            return;
        }
        let Some(at) = self.settle_in() else { return };
        let Some(source) = self.endpoints.get(from) else { return };
        let (device, application, memory) = (source.device, source.application.look().clone(), source.keeper.memory.fork());
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        endpoint.device = device;
        endpoint.application = Shared::new(application);
        endpoint.keeper.become_like(&memory);
        self.copied = true;
        self.weather.look().say(|| format!("e{at} is a clone of e{from}"));
    }
}
