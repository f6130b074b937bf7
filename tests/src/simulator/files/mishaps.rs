//! What happens to folders besides users: files that cannot be opened, folders that cannot be read, roots that go, endpoints that join.

use super::disk::Node;
use super::place::Place;
use super::world::World;
use crate::simulator::faults::Fault;

impl World {
    /// Something happens to an endpoint's folder, or ends.
    pub(super) fn mishap(&mut self, at: usize) {
        let Some(place) = self.endpoints.get(at).map(|endpoint| endpoint.place.clone()) else { return };
        let place = &mut *place.look();
        match self.dice.below(4) {
            0 => self.close_or_open(at, place),
            1 => self.lock_or_unlock(at, place),
            2 => self.unmount_or_mount(at, place),
            _ => self.replace_or_return(at, place),
        }
    }

    fn close_or_open(&mut self, at: usize, place: &mut Place) {
        if !place.disk.unreadable.is_empty() {
            place.disk.unreadable.clear();
            self.say(|| format!("e{at}: every file can be opened again"));
            return;
        }
        let files: Vec<u64> = place.disk.list().into_iter().filter(|(_, node)| !node.is_folder()).map(|(_, node)| node.inode).collect();
        if let Some(inode) = self.dice.pick(&files).filter(|_| self.weather.look().strikes(Fault::Broken, 700)) {
            place.disk.unreadable.insert(inode);
            self.say(|| format!("e{at}: file number {inode} cannot be opened"));
        }
    }

    fn lock_or_unlock(&mut self, at: usize, place: &mut Place) {
        if place.disk.locked.take().is_some() {
            self.say(|| format!("e{at}: every folder can be read again"));
            return;
        }
        let folders: Vec<String> = place.disk.list().into_iter().filter(|(_, node)| node.is_folder()).map(|(path, _)| path).collect();
        if let Some(path) = self.dice.pick(&folders).filter(|_| self.weather.look().strikes(Fault::Lying, 500)) {
            self.say(|| format!("e{at}: folder {path} cannot be read"));
            place.disk.locked = Some(path);
        }
    }

    fn unmount_or_mount(&mut self, at: usize, place: &mut Place) {
        if !place.mounted {
            place.mounted = true;
            self.say(|| format!("e{at}: the root is back"));
        } else if self.weather.look().strikes(Fault::Unmounted, 300) {
            place.mounted = false;
            self.say(|| format!("e{at}: the root is missing"));
        }
    }

    fn replace_or_return(&mut self, at: usize, place: &mut Place) {
        if place.replaced {
            place.replaced = false;
            self.say(|| format!("e{at}: the root is itself again"));
        } else if self.weather.look().strikes(Fault::Replaced, 200) {
            place.replaced = true;
            self.say(|| format!("e{at}: the root is another, empty folder"));
        }
    }

    /// An endpoint joins: empty, or with a copy of another's files.
    pub(super) fn join(&mut self) {
        let from = self.dice.below(self.endpoints.len());
        let Some(at) = self.settle_in() else { return };
        if !self.weather.look().strikes(Fault::JoinCopy, 500) {
            return;
        }
        let (Some(source), Some(endpoint)) = (self.endpoints.get(from), self.endpoints.get(at)) else { return };
        let source = source.place.look().disk.clone();
        let mut place = endpoint.place.look();
        for (path, node) in source.list() {
            let Node { body, .. } = node.clone();
            if let Some(version) = node.version() {
                self.versions.look().tangle(version, "it was copied to a device that joins");
            }
            let node = place.disk.fresh(body);
            // On a disk that takes two names for one the later one is left out.
            let _ = place.disk.attach(&path, node);
        }
        self.weather.look().say(|| format!("e{at} joins with a copy of e{from}"));
    }
}
