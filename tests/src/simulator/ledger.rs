//! The ledger: follows the log entry by entry, verifies it, and judges each death and each conflict as it is told.

use std::collections::{BTreeMap, BTreeSet};

use delta::Transaction;
use engine::Keys;
use protocol::{Collection, Cursor, Entry, LogId, TransactionId};
use record::{Against, Change, Conflict, ConflictId, Fields, Life, Pointer, RecordId, Value};

use super::history::History;
use super::keys::DeviceKey;
use super::log::LOG;
use super::token::{Token, token};
use super::world::Violation;

/// What the log says of a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// It lives.
    pub(super) alive: bool,
    /// It was linked into another.
    pub(super) linked: Option<RecordId>,
    /// Its fields.
    pub(super) fields: Fields,
    /// Every value that it ever had.
    pub(super) ever: BTreeSet<Token>,
    /// The values that each field ever had.
    pub(super) stood: BTreeMap<Pointer, BTreeSet<Token>>,
    /// Every UID and path that it ever had.
    pub(super) names: BTreeSet<String>,
    /// Its path changed after its birth.
    pub(super) moved: bool,
}

/// What the log says.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// Each record.
    pub(super) records: BTreeMap<RecordId, Account>,
    /// Open conflicts.
    pub(super) open: BTreeMap<ConflictId, Conflict>,
    /// Every value that was ever in a conflict.
    pub(super) disputed: BTreeSet<Token>,
    /// Every value that the log ever held.
    pub(super) reached: BTreeSet<Token>,
    transactions: BTreeSet<TransactionId>,
    place: Cursor,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            open: BTreeMap::new(),
            disputed: BTreeSet::new(),
            reached: BTreeSet::new(),
            transactions: BTreeSet::new(),
            place: Cursor::start(LOG),
        }
    }
}

impl Ledger {
    /// Makes the ledger of another log.
    pub(super) fn of(log: LogId) -> Self {
        Self { place: Cursor::start(log), ..Self::default() }
    }

    /// Remembers what records once were, though the log does not say so any more.
    pub(super) fn remember(&mut self, before: Self) {
        self.disputed.extend(before.disputed);
        for (id, was) in before.records {
            let account = self.records.entry(id).or_default();
            account.ever.extend(was.ever);
            account.names.extend(was.names);
            account.moved |= was.moved;
            for (pointer, stood) in was.stood {
                account.stood.entry(pointer).or_default().extend(stood);
            }
        }
    }

    /// Returns how many entries it has followed.
    pub(super) fn followed(&self) -> u64 {
        self.place.sequence.0
    }

    /// Takes the next entry, and returns what is wrong with it and what it says.
    pub(super) fn take(&mut self, entry: &Entry, collection: &Collection, history: &History) -> (Vec<Violation>, String) {
        let mut wrong = self.verify(entry, collection);
        let transaction = match Transaction::unpack(&entry.envelope.payload) {
            Ok(transaction) => transaction,
            Err(error) => {
                wrong.push(Violation::new("LOG", format!("entry {} is no transaction: {error}", entry.sequence)));
                Transaction::default()
            }
        };
        let header = &entry.envelope.header;
        if (header.operations, header.deletions) != (transaction.operations(), transaction.deletions()) {
            wrong.push(Violation::new("LOG", format!("the header of entry {} lies", entry.sequence)));
        }
        for change in &transaction.changes {
            wrong.extend(self.change(change, history));
        }
        for conflict in &transaction.conflicts {
            wrong.extend(self.judge(conflict, history));
            self.disputed.extend(token(&conflict.value));
            self.open.insert(conflict.id, conflict.clone());
        }
        transaction.settled.iter().for_each(|id| {
            self.open.remove(id);
        });
        (wrong, describe(entry, &transaction))
    }

    fn verify(&mut self, entry: &Entry, collection: &Collection) -> Vec<Violation> {
        let mut wrong = Vec::new();
        let envelope = &entry.envelope;
        if !entry.follows(&self.place) {
            wrong.push(Violation::new("LOG", format!("entry {} does not follow {}", entry.sequence, self.place)));
        }
        if !DeviceKey(0).verify(collection, &envelope.device, &envelope.signed(collection), &envelope.signature) {
            wrong.push(Violation::new("LOG", format!("the signature of entry {} is wrong", entry.sequence)));
        }
        if !self.transactions.insert(envelope.transaction) {
            wrong.push(Violation::new("DUPLICATE", format!("transaction {} is in the log twice", envelope.transaction)));
        }
        self.place = entry.cursor(self.place.log);
        wrong
    }

    /// Returns the record that an id means now.
    pub(super) fn resolve(&self, id: RecordId) -> RecordId {
        let mut at = id;
        for _ in 0..8 {
            match self.records.get(&at).and_then(|account| account.linked) {
                Some(into) => at = into,
                None => return at,
            }
        }
        at
    }

    fn change(&mut self, change: &Change, history: &History) -> Option<Violation> {
        let linked = matches!(change.life, Some(Life::Linked(_)));
        let id = if linked { change.id } else { self.resolve(change.id) };
        if let Some(Life::Linked(into)) = change.life {
            let ever = self.records.get(&id).map(|account| account.ever.clone()).unwrap_or_default();
            self.records.entry(into).or_default().ever.extend(ever);
        }
        let account = self.records.entry(id).or_default();
        match change.life {
            Some(Life::Born) => account.alive = true,
            Some(Life::Dead) => account.alive = false,
            Some(Life::Linked(into)) => (account.alive, account.linked) = (false, Some(into)),
            None => {}
        }
        for (pointer, value) in &change.set {
            if matches!(pointer.as_str(), "uid" | "path") {
                account.names.insert(value.display());
            }
            let before = account.fields.insert(pointer.clone(), value.clone());
            account.moved |= pointer.as_str() == "path" && before.is_some_and(|before| before != *value);
            if let Some(token) = token(value) {
                account.ever.insert(token);
                account.stood.entry(pointer.clone()).or_default().insert(token);
                self.reached.insert(token);
            }
        }
        for pointer in &change.unset {
            account.fields.remove(pointer);
        }
        let killed = change.life == Some(Life::Dead) && history.deletions_of(&account.ever).next().is_none();
        killed.then(|| Violation::new("KILLED", format!("record {id} was deleted by nobody")))
    }

    /// Tells whether a value is called a loser though its writer, or the standing value's, knew the other.
    fn judge(&self, conflict: &Conflict, history: &History) -> Option<Violation> {
        let account = self.records.get(&self.resolve(conflict.record))?;
        let standing = token(account.fields.get(&conflict.field)?)?;
        let loser = token(&conflict.value)?;
        if conflict.against == Against::Death || !account.alive || history.was_revived(standing) || history.was_revived(loser) {
            return None;
        }
        if standing == loser || history.descendants(loser).contains(&standing) {
            return Some(Violation::new("SPURIOUS", format!("{loser:?} is in conflict with {standing:?}, which replaced it")));
        }
        let regressed = history.descendants(standing).contains(&loser);
        regressed.then(|| Violation::new("REGRESSED", format!("{standing:?} stands against {loser:?}, which replaced it")))
    }
}

fn describe(entry: &Entry, transaction: &Transaction) -> String {
    let plain = |fields: &Fields| fields.iter().map(|(pointer, value)| format!("{pointer}={}", value.display())).collect::<Vec<_>>();
    let changes = transaction.changes.iter().map(|c| format!("{:.13?} {:?} {:?} unset {:?}", c.id, c.life, plain(&c.set), c.unset));
    let conflicts = transaction.conflicts.iter().map(|c| {
        let base = c.base.as_ref().map(Value::display);
        format!("conflict {:.17?} {:.13?} {} {} against {:?} base {base:?}", c.id, c.record, c.field, c.value.display(), c.against)
    });
    let settled = transaction.settled.iter().map(|id| format!("settled {id:.17?}"));
    let said: Vec<String> = changes.chain(conflicts).chain(settled).collect();
    let device = entry.envelope.device.0.first().copied().unwrap_or_default();
    format!("LOG {} by device {device}: {}", entry.sequence, said.join("\n        "))
}
