//! The oracles that look at the end of a run: agreement, losses, duplicates, resurrections, stubs.

use std::collections::{BTreeMap, BTreeSet};

use engine::objects::Objects;
use record::{Record, RecordId};

use super::faults::Fault;
use super::item::Item;
use super::ledger::Account;
use super::shape::{Identity, Shape};
use super::token::{Token, token};
use super::world::{Violation, World};

/// An item without its number and its form.
type Face = (Option<String>, BTreeMap<&'static str, Option<Token>>, Vec<Option<Token>>);

fn face(shape: &Shape, item: &Item) -> Face {
    let name = (shape.identity == Identity::Path).then(|| item.text("path").map(str::to_owned)).flatten();
    let slots = shape.slots().iter().filter_map(|slot| Some((*slot, token(item.fields.get(slot)?)))).collect();
    let mut lines: Vec<Option<Token>> = item.lines.iter().map(token).collect();
    lines.sort();
    (name, slots, lines)
}

impl World {
    fn alive(&self) -> impl Iterator<Item = (&RecordId, &Account)> {
        self.ledger.records.iter().filter(|(_, account)| account.alive)
    }

    /// L1: every application shows exactly what the log says, as far as it can hold it, and lists the same conflicts.
    pub(super) fn diverged(&self) -> Option<Violation> {
        let kind = |shape: &Shape| Record::new(shape.kind());
        for (at, endpoint) in self.endpoints.iter().enumerate().filter(|(at, _)| !self.hindered(*at)) {
            let application = endpoint.application.look();
            let shape = &application.shape;
            let expected = self.alive().map(|(_, account)| {
                let mut record = kind(shape);
                record.fields = account.fields.clone();
                face(shape, &Item::render(shape, &record, None))
            });
            let mut expected: Vec<Face> = expected.collect();
            let mut found: Vec<Face> = application.items.values().map(|item| face(shape, item)).collect();
            expected.sort();
            found.sort();
            if expected != found {
                let only = |one: &[Face], other: &[Face]| {
                    one.iter().filter(|face| !other.contains(face)).map(|face| format!("{face:?}")).collect::<Vec<_>>()
                };
                let (lacks, has) = (only(&expected, &found), only(&found, &expected));
                let unseen = |id: &RecordId| endpoint.keeper.memory.seen(*id).is_ok_and(|seen| seen.is_none());
                let unseen: Vec<&RecordId> = self.alive().map(|(id, _)| id).filter(|id| unseen(id)).collect();
                let counts = format!("{} items for {} records", found.len(), expected.len());
                let detail = format!("e{at} shows {counts}, lacks {lacks:?} and has {has:?} besides; it has not seen {unseen:?}");
                return Some(Violation::new("DIVERGED", detail));
            }
            let listed: BTreeSet<_> = endpoint.keeper.memory.conflicts().unwrap_or_default().iter().map(|conflict| conflict.id).collect();
            let open: BTreeSet<_> = self.ledger.open.keys().copied().collect();
            if listed != open {
                return Some(Violation::new("DIVERGED", format!("e{at} lists conflicts {listed:?}, the log {open:?}")));
            }
        }
        None
    }

    /// L4: no value lives twice, and no name.
    pub(super) fn doubled(&self) -> Option<Violation> {
        let mut values: BTreeMap<Token, u32> = BTreeMap::new();
        let mut names: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (_, account) in self.alive() {
            account.fields.values().filter_map(token).for_each(|token| *values.entry(token).or_default() += 1);
            for field in ["uid", "path"] {
                if let Some(name) = account.fields.get(field).and_then(|value| value.as_text()) {
                    *names.entry((field, name)).or_default() += 1;
                }
            }
        }
        if let Some(((field, name), _)) = names.iter().find(|(_, count)| **count > 1) {
            return Some(Violation::new("DUPLICATE", format!("two records live with {field} {name}")));
        }
        let (twice, _) = values.iter().find(|(_, count)| **count > 1)?;
        if self.copied {
            self.count("copies that live twice");
            return None;
        }
        Some(Violation::new("DUPLICATE", format!("{twice:?} lives twice")))
    }

    fn living(&self) -> BTreeSet<Token> {
        self.alive().flat_map(|(_, account)| account.fields.values().filter_map(token)).collect()
    }

    /// L2: a value that nobody who saw it did away with lives, or is in a conflict.
    pub(super) fn lost(&self) -> Option<Violation> {
        let living = self.living();
        let disputed: BTreeSet<Token> = self.ledger.open.values().filter_map(|conflict| token(&conflict.value)).collect();
        let gone = |token: &Token| self.history.stands(*token) && !living.contains(token) && !disputed.contains(token);
        let refused = self.endpoints.iter().enumerate().any(|(at, _)| self.hindered(at));
        let lost = self.history.tokens().find(gone)?;
        // What an application refuses may still wait in it to be told.
        let waiting = refused && self.endpoints.iter().any(|endpoint| endpoint.application.look().holder(lost).is_some());
        (!waiting).then(|| Violation::new("LOST", format!("{lost:?} is nowhere")))
    }

    /// L3: a value that was replaced, or a record that was deleted, does not come back by itself.
    pub(super) fn resurrected(&self) -> Option<Violation> {
        if self.copied {
            return None;
        }
        let risen = |token: &Token| {
            let later = self.history.descendants(*token);
            let told = later.iter().any(|next| self.ledger.reached.contains(next));
            told && !later.iter().any(|next| self.ledger.disputed.contains(next)) && !self.history.was_revived(*token)
        };
        if let Some(token) = self.living().iter().find(|token| risen(token)) {
            return Some(Violation::new(
                "RESURRECTED",
                format!("{token:?} lives though {:?} replaced it", self.history.descendants(*token)),
            ));
        }
        self.alive().find_map(|(id, account)| self.undead(*id, account))
    }

    /// A record that someone deleted lives although nobody wrote anything into it that the deletion did not know.
    fn undead(&self, id: RecordId, account: &Account) -> Option<Violation> {
        let excused = account.moved || self.made_anew(account) || account.ever.iter().any(|token| self.history.was_revived(*token));
        let deleted = self.history.deletions_of(&account.ever).find(|known| {
            let news = account.ever.iter().filter(|token| !known.contains(token));
            // What was known had replaced older values: those are no news.
            news.filter(|token| self.history.descendants(**token).is_disjoint(known)).count() == 0
        })?;
        let emptied = account.ever.iter().any(|token| self.emptied(*token));
        (!excused && !emptied)
            .then(|| Violation::new("RESURRECTED", format!("{id} lives though it was deleted by someone who knew {deleted:?}")))
    }

    fn made_anew(&self, account: &Account) -> bool {
        !account.names.is_disjoint(&self.reused)
    }

    /// Tells whether someone did away with a value or one that replaced it, and kept the record.
    fn emptied(&self, token: Token) -> bool {
        self.history.done_away(token) || self.history.descendants(token).iter().any(|next| self.history.done_away(*next))
    }

    /// STUB: a living record has lost no field that nobody emptied.
    pub(super) fn stubs(&self) -> Option<Violation> {
        for (id, account) in self.alive().filter(|(_, account)| !self.made_anew(account)) {
            for (pointer, stood) in &account.stood {
                let empty = !account.fields.contains_key(pointer);
                if empty && !stood.iter().any(|token| self.emptied(*token) || self.realigned(account, *token)) {
                    return Some(Violation::new("STUB", format!("{id} lives without {pointer}, once {stood:?}, which nobody emptied")));
                }
            }
        }
        None
    }

    /// Tells whether a part's value still stands in another part, or one that replaced it came to be told of another part.
    fn realigned(&self, account: &Account, once: Token) -> bool {
        let later = self.history.descendants(once);
        let stands = account.fields.values().filter_map(token).any(|now| now == once);
        self.faults.on(Fault::Parts) && (stands || !later.is_disjoint(&account.ever) || !later.is_disjoint(&self.ledger.disputed))
    }
}
