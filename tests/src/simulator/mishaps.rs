//! What happens to applications besides users: torn items, missing and lying roots, endpoints that join.

use super::application::Application;
use super::faults::Fault;
use super::item::Item;
use super::shape::Identity;
use super::token::tokens;
use super::world::World;
use engine::objects::Objects;
use engine::report::Direction;
use record::RecordId;

impl World {
    /// Something happens to an endpoint's application, or ends.
    pub(super) fn mishap(&mut self, at: usize) {
        let Some(application) = self.endpoints.get(at).map(|endpoint| endpoint.application.clone()) else { return };
        let application = &mut *application.look();
        match self.dice.below(4) {
            0 => self.break_or_mend(at, application),
            1 => self.unmount_or_mount(at, application),
            2 => self.replace_or_return(at, application),
            _ => self.lie_or_confess(at, application),
        }
    }

    fn break_or_mend(&mut self, at: usize, application: &mut Application) {
        let broken: Vec<u64> = application.items.iter().filter(|(_, item)| item.broken.is_some()).map(|(number, _)| *number).collect();
        if let Some(number) = self.dice.pick(&broken).filter(|_| self.dice.chance(600)) {
            if let Some(item) = application.items.get_mut(&number) {
                item.broken = None;
            }
            self.say(|| format!("e{at}: item {number} can be read again"));
            return;
        }
        let items: Vec<u64> = application.items.keys().copied().collect();
        // A file that was replaced since is another to the engine: until it can be read nobody can tell that it is the same.
        let known = |world: &Self, number: u64| application.shape.identity != Identity::Path || world.remembers(at, number);
        let Some(number) = self.dice.pick(&items).filter(|number| known(self, *number)) else { return };
        if self.weather.look().strikes(Fault::Broken, 700) {
            // A file keeps its number whatever is in it; a card in a file of many may have lost its UID, a row has no name.
            let named = match application.shape.identity {
                Identity::Path => true,
                Identity::Uid => self.dice.chance(500),
                Identity::Rows => false,
            };
            if let Some(item) = application.items.get_mut(&number) {
                item.broken = Some(named);
            }
            self.say(|| format!("e{at}: item {number} cannot be read, its name can: {named}"));
        }
    }

    fn remembers(&self, at: usize, number: u64) -> bool {
        self.endpoints.get(at).is_some_and(|endpoint| endpoint.remembered().iter().any(|(key, _)| *key == number.to_string()))
    }

    fn unmount_or_mount(&mut self, at: usize, application: &mut Application) {
        if !application.mounted {
            application.mounted = true;
            self.say(|| format!("e{at}: the root is back"));
        } else if self.weather.look().strikes(Fault::Unmounted, 300) {
            application.mounted = false;
            self.say(|| format!("e{at}: the root is missing"));
        }
    }

    fn replace_or_return(&mut self, at: usize, application: &mut Application) {
        if application.replaced {
            application.replaced = false;
            self.say(|| format!("e{at}: the root is itself again"));
        } else if self.weather.look().strikes(Fault::Replaced, 200) {
            application.replaced = true;
            self.say(|| format!("e{at}: the root is another, empty place"));
        }
    }

    /// Hides so many items that a guard must notice.
    fn lie_or_confess(&mut self, at: usize, application: &mut Application) {
        if !application.hidden.is_empty() {
            application.hidden.clear();
            self.say(|| format!("e{at}: the listing is whole again"));
            return;
        }
        // A session that is past its scan would go on to write: what it adds could make the lie too small to be noticed.
        let Some(endpoint) = self.endpoints.get(at).filter(|endpoint| endpoint.running.is_none()) else { return };
        let remembered = endpoint.remembered();
        let known = |item: &Item| remembered.iter().any(|(_, base)| !item.lineage.is_disjoint(&tokens(base)));
        let kept = self.dice.below(2);
        let doomed: Vec<u64> = application.items.iter().filter(|(_, item)| known(item)).map(|(number, _)| *number).skip(kept).collect();
        // An item that the engine does not know yet may be taken for one of the hidden: the others must be too many by themselves.
        let fresh = application.items.values().filter(|item| !known(item)).count();
        let missed = doomed.len().saturating_sub(fresh);
        let noticed = missed > 2 && missed * 100 > remembered.len() * 60;
        // A sheet is one file: it is there or it is not.
        if noticed && application.shape.identity != Identity::Rows && self.weather.look().strikes(Fault::Lying, 500) {
            application.hidden = doomed.into_iter().collect();
            self.say(|| format!("e{at}: the listing hides {:?}", application.hidden));
        }
    }

    /// A user looks at what the guard stopped: confirms what was meant, or takes a mass deletion back.
    pub(super) fn answer_hold(&mut self, at: usize) {
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        let Some(hold) = endpoint.hold.take().filter(|_| endpoint.running.is_none()) else { return };
        let mut application = endpoint.application.look();
        if !application.whole() {
            return;
        }
        let still_there = |id: &RecordId| {
            let seen = endpoint.keeper.memory.seen(*id).ok().flatten();
            seen.is_some_and(|seen| application.items.values().any(|item| !item.lineage.is_disjoint(&tokens(&seen.shown))))
        };
        if hold.direction == Direction::Push && hold.records.iter().any(still_there) {
            return;
        }
        let remembered = endpoint.remembered();
        let unnoticed = |item: &Item| remembered.iter().any(|(_, base)| !item.lineage.is_disjoint(&tokens(base)));
        let free =
            |item: &Item| application.shape.name().and_then(|field| item.text(field)).is_none_or(|name| !application.taken(name, None));
        let restorable = hold.direction == Direction::Push
            && !endpoint.trash.is_empty()
            && endpoint.trash.values().all(|item| unnoticed(item) && free(item));
        let trash = std::mem::take(&mut endpoint.trash);
        if restorable && self.dice.chance(500) {
            for item in trash.values() {
                self.history.restore(&item.known(), &item.lineage);
            }
            application.items.extend(trash);
            self.weather.look().say(|| format!("USER of e{at} restores what the guard held"));
        } else {
            endpoint.confirmed = hold.records;
            self.weather.look().say(|| format!("USER of e{at} confirms {:?}", endpoint.confirmed));
        }
    }

    /// An endpoint joins: empty, or with a copy of another's data.
    pub(super) fn join(&mut self) {
        let from = self.dice.below(self.endpoints.len());
        let Some(at) = self.settle_in() else { return };
        if !self.weather.look().strikes(Fault::JoinCopy, 500) {
            return;
        }
        let (Some(source), Some(endpoint)) = (self.endpoints.get(from), self.endpoints.get(at)) else { return };
        let source = source.application.look().clone();
        let mut application = endpoint.application.look();
        if !source.whole() {
            return;
        }
        application.shape = source.shape;
        for item in source.items.into_values().filter(|item| item.broken.is_none()) {
            let number = application.number();
            let lineage = item.shown();
            application.items.insert(number, Item { beneath: std::collections::BTreeSet::new(), lineage, ..item });
        }
        self.copied = true;
        self.weather.look().say(|| format!("e{at} joins with a copy of e{from}"));
    }
}
