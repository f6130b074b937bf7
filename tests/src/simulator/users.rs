//! Users: they write, edit, empty, move, replace and delete, each knowing what their own application shows.

use std::collections::BTreeSet;

use record::{Record, Value};

use super::application::Application;
use super::endpoint::Endpoint;
use super::faults::Fault;
use super::item::Item;
use super::shape::{Identity, STAMP, STEM};
use super::token::{Token, token, tokens};
use super::world::World;

/// How many names there are for new items: few, so that people choose the same.
const NAMES: usize = 12;
/// The most items of an application.
const MOST: usize = 8;

impl World {
    /// Lets the user of an endpoint do something.
    pub(super) fn user(&mut self, at: usize) {
        if self.dice.chance(80) {
            self.decide();
            return;
        }
        let Some(application) = self.endpoints.get(at).map(|endpoint| endpoint.application.clone()) else { return };
        let application = &mut *application.look();
        if !application.whole() {
            return;
        }
        let items: Vec<u64> = application.items.iter().filter(|(_, item)| item.broken.is_none()).map(|(number, _)| *number).collect();
        let Some(number) = self.dice.pick(&items).filter(|_| !self.dice.chance(200)) else {
            self.create(at, application);
            return;
        };
        match self.dice.below(100) {
            0..40 => self.edit(at, application, number, 1),
            40..50 => self.edit(at, application, number, 2),
            50..56 => self.empty(at, application, number),
            56..70 => self.move_about(at, application, number),
            70..76 => self.replace(at, application, number),
            76..80 => self.touch_parts(at, application, number),
            80..82 if self.faults.on(Fault::MassDelete) => self.delete_most(at, application),
            _ => self.delete(at, application, number),
        }
    }

    fn write(&mut self, application: &Application) -> (Token, Value) {
        let token = self.history.fresh();
        (token, application.shape.form.write(token))
    }

    fn create(&mut self, at: usize, application: &mut Application) {
        if application.items.len() >= MOST {
            return;
        }
        let mut item = Item::default();
        if let Some(field) = application.shape.name() {
            let name = format!("{field}-{}", self.dice.below(NAMES));
            if application.taken(&name, None) {
                return;
            }
            self.claim(at, application, &name, None);
            item.fields.insert(field, Value::text(&name));
        }
        for slot in application.shape.slots() {
            let (_, value) = self.write(application);
            item.fields.insert(slot, value);
        }
        if application.shape.parts {
            for _ in 0..self.dice.below(3) {
                let (_, value) = self.write(application);
                item.lines.push(value);
            }
        }
        let number = application.number();
        self.put(at, application, number, item, "creates");
    }

    /// Takes note that an item takes a name under which another one was, or is still thought to be: by its name alone
    /// it is that other one.
    fn claim(&mut self, at: usize, application: &Application, name: &str, item: Option<&Item>) {
        let thought = |base: &(String, Record)| {
            let other = item.is_none_or(|item| item.lineage.is_disjoint(&tokens(&base.1)));
            other && base.1.text("path") == Some(name)
        };
        let remembered = self.endpoints.get(at).map(Endpoint::remembered).unwrap_or_default();
        let again = application.shape.identity == Identity::Uid && !self.names.insert(name.to_owned());
        if again || remembered.iter().any(thought) {
            self.reused.insert(name.to_owned());
        }
    }

    /// Puts an item where its user wants it.
    fn put(&mut self, at: usize, application: &mut Application, number: u64, mut item: Item, what: &str) {
        item.lineage.extend(item.shown());
        if application.shape.stamped {
            let stamp = application.number();
            item.fields.insert(STAMP, Value::text(&format!("stamp {stamp}")));
        }
        self.count("users' actions");
        self.say(|| format!("USER of e{at} {what} {number}: {}", describe(&item)));
        application.items.insert(number, item);
    }

    fn edit(&mut self, at: usize, application: &mut Application, number: u64, times: usize) {
        let Some(mut item) = application.items.get(&number).cloned() else { return };
        let mut written = Vec::new();
        for _ in 0..times {
            let places = application.shape.slots().len() + item.lines.len();
            let place = self.dice.below(places);
            // A value counts once the edit is made; until then only its number is taken.
            let (new, value) = self.write(application);
            let old = match application.shape.slots().get(place) {
                Some(slot) => item.fields.insert(slot, value),
                None => item.lines.get_mut(place - application.shape.slots().len()).map(|line| std::mem::replace(line, value)),
            };
            written.push((old.as_ref().and_then(token), new));
        }
        if !self.recognisable(at, application, number, &item, false) {
            written.iter().for_each(|(_, new)| self.history.dismiss(*new));
            return;
        }
        for (old, new) in written {
            if let Some(old) = old {
                self.history.overwrite(old, new);
            }
        }
        self.put(at, application, number, item, "edits");
    }

    fn empty(&mut self, at: usize, application: &mut Application, number: u64) {
        let Some(mut item) = application.items.get(&number).cloned() else { return };
        let Some(slot) = self.dice.pick(application.shape.slots()) else { return };
        let Some(old) = item.fields.remove(slot).as_ref().and_then(token) else { return };
        if item.shown().is_empty() || !self.recognisable(at, application, number, &item, false) {
            return;
        }
        self.history.empty(old);
        self.put(at, application, number, item, "empties a field of");
    }

    /// Moves a file, swaps two files' paths, or turns the rows of a sheet round.
    fn move_about(&mut self, at: usize, application: &mut Application, number: u64) {
        match application.shape.identity {
            Identity::Uid => self.edit(at, application, number, 1),
            Identity::Rows => self.turn_rows(at, application),
            Identity::Path if self.dice.chance(300) => self.swap_paths(at, application, number),
            Identity::Path => {
                let Some(mut item) = application.items.get(&number).cloned() else { return };
                let path = format!("path-{}", self.dice.below(NAMES));
                if application.taken(&path, None) {
                    return;
                }
                self.claim(at, application, &path, Some(&item));
                item.fields.insert("path", Value::text(&path));
                if self.recognisable(at, application, number, &item, false) {
                    self.put(at, application, number, item, "moves");
                }
            }
        }
    }

    fn turn_rows(&mut self, at: usize, application: &mut Application) {
        let mut rows: Vec<Item> = std::mem::take(&mut application.items).into_values().collect();
        let by = self.dice.below(rows.len());
        rows.rotate_left(by);
        for row in rows {
            let number = application.number();
            application.items.insert(number, row);
        }
        self.say(|| format!("USER of e{at} turns the rows by {by}"));
    }

    fn swap_paths(&mut self, at: usize, application: &mut Application, number: u64) {
        let others: Vec<u64> =
            application.items.iter().filter(|(n, item)| **n != number && item.broken.is_none()).map(|(n, _)| *n).collect();
        let Some(other) = self.dice.pick(&others) else { return };
        let (Some(mut one), Some(mut two)) = (application.items.get(&number).cloned(), application.items.get(&other).cloned()) else {
            return;
        };
        let (Some(first), Some(second)) = (one.fields.remove("path"), two.fields.remove("path")) else { return };
        // A file under a temporary name is on its way: people leave those names alone.
        if [&first, &second].iter().any(|path| path.as_text().is_some_and(|path| path.starts_with(".syncretic-"))) {
            return;
        }
        for (path, item) in [(&second, &one), (&first, &two)] {
            self.claim(at, application, &path.display(), Some(item));
        }
        one.fields.insert("path", second);
        two.fields.insert("path", first);
        if self.recognisable(at, application, number, &one, false) && self.recognisable(at, application, other, &two, false) {
            self.put(at, application, number, one, "swaps the path of");
            self.put(at, application, other, two, "swaps the path of");
        }
    }

    /// An editor saves by writing a new file over the old path.
    fn replace(&mut self, at: usize, application: &mut Application, number: u64) {
        if application.shape.identity != Identity::Path {
            self.edit(at, application, number, 1);
            return;
        }
        let Some(mut item) = application.items.get(&number).cloned() else { return };
        let Some(slot) = self.dice.pick(application.shape.slots()) else { return };
        let (new, value) = self.write(application);
        let old = item.fields.insert(slot, value).as_ref().and_then(token);
        if !self.recognisable(at, application, number, &item, true) {
            self.history.dismiss(new);
            return;
        }
        if let Some(old) = old {
            self.history.overwrite(old, new);
        }
        application.items.remove(&number);
        let number = application.number();
        self.put(at, application, number, item, "saves by replacing, now");
    }

    /// Swaps, adds or removes lines of a repeated part.
    fn touch_parts(&mut self, at: usize, application: &mut Application, number: u64) {
        let Some(mut item) = application.items.get(&number).cloned() else { return };
        if !application.shape.parts {
            self.edit(at, application, number, 1);
            return;
        }
        let what = self.dice.below(3);
        if what == 0 && item.lines.len() < 3 {
            let (new, value) = self.write(application);
            let place = self.dice.below(item.lines.len() + 1);
            item.lines.insert(place, value);
            if !self.recognisable(at, application, number, &item, false) {
                self.history.dismiss(new);
                return;
            }
        } else if what == 1 && !item.lines.is_empty() {
            let mut shorter = item.clone();
            let gone = shorter.lines.remove(self.dice.below(item.lines.len()));
            if !self.recognisable(at, application, number, &shorter, false) {
                return;
            }
            item = shorter;
            if let Some(gone) = token(&gone) {
                self.history.empty(gone);
            }
        } else {
            item.lines.reverse();
        }
        self.put(at, application, number, item, "changes the parts of");
    }

    fn delete(&mut self, at: usize, application: &mut Application, number: u64) {
        if let Some(item) = application.items.remove(&number) {
            self.history.delete(&item.known(), &item.lineage);
            self.count("users' actions");
            self.say(|| format!("USER of e{at} deletes {number}: {}", describe(&item)));
        }
    }

    fn delete_most(&mut self, at: usize, application: &mut Application) {
        let kept = self.dice.below(2);
        let doomed: Vec<u64> =
            application.items.iter().filter(|(_, item)| item.broken.is_none()).map(|(number, _)| *number).skip(kept).collect();
        if doomed.len() < 4 {
            return;
        }
        self.weather.look().struck(Fault::MassDelete);
        let Some(endpoint) = self.endpoints.get_mut(at) else { return };
        endpoint.trash = doomed.iter().filter_map(|number| Some((*number, application.items.get(number)?.clone()))).collect();
        for number in doomed {
            self.delete(at, application, number);
        }
    }

    /// Tells whether an item can still be told from another: rows and replaced files are known by what they keep.
    ///
    /// The documented limit of identity without ids: an item that keeps nothing is a deletion and a creation.
    fn recognisable(&self, at: usize, application: &Application, number: u64, now: &Item, replaced: bool) -> bool {
        let Some(endpoint) = self.endpoints.get(at).filter(|_| application.shape.identity != Identity::Uid) else { return true };
        let rows = application.shape.identity == Identity::Rows;
        let record = now.record(&application.shape);
        let kept = endpoint.remembered().into_iter();
        let read = now.scanned.iter().map(|(record, number)| (number.to_string(), record.clone()));
        kept.chain(read).all(|(key, then)| {
            if now.lineage.is_disjoint(&tokens(&then)) {
                return true;
            }
            if rows {
                return same_person(&then, &record);
            }
            let common = tokens(&then).intersection(&now.shown()).count();
            let stays = then.text("path") == now.text("path");
            !replaced && key == number.to_string() || common >= 2 || common >= 1 && stays
        })
    }
}

/// Tells whether a row is the same person still, as `docs/guarantees.md` has it: it kept its name and something, or had
/// none, or kept an address or more than half of what it showed.
fn same_person(then: &Record, now: &Record) -> bool {
    let common: BTreeSet<Token> = tokens(then).intersection(&tokens(now)).copied().collect();
    let (one, other) = (then.field("name/full").and_then(token), now.field("name/full").and_then(token));
    let renamed = one.zip(other).is_some_and(|(one, other)| one != other);
    let reached = now.below(STEM).filter_map(|(_, value)| token(value)).any(|token| common.contains(&token));
    let most = 2 * common.len() > then.fields.len().max(now.fields.len());
    !common.is_empty() && (!renamed || reached || most)
}

/// Describes an item in a trace.
pub(super) fn describe(item: &Item) -> String {
    let fields: Vec<String> = item.fields.iter().map(|(field, value)| format!("{field}={}", value.display())).collect();
    let lines: Vec<String> = item.lines.iter().map(Value::display).collect();
    format!("{} {lines:?} beneath {:?}", fields.join(" "), item.beneath)
}
