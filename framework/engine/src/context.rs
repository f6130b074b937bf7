//! The context: what the steps of one session share.

use std::collections::BTreeSet;

use adapter::{Adapter, Key, Profile};
use delta::{Policy, Sides, Target};
use protocol::{Collection, Fence};
use record::{Pointer, Record, RecordId};

use crate::doors::Doors;
use crate::error::Error;
use crate::guard::Guard;
use crate::progress::{Phase, Work};
use crate::report::{Held, Report};
use crate::texts::Texts;
use crate::trees::Trees;

/// What a job says about its collection.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The collection.
    pub collection: Collection,
    /// Who stands when both sides changed one field.
    pub policy: Policy,
    /// How many deletions may pass at once.
    pub guard: Guard,
    /// Whether items of a joining endpoint are linked with records that they evidently are.
    pub link: bool,
    /// Deletions that a person has confirmed.
    pub confirmed: BTreeSet<RecordId>,
    /// Whether text that two sides changed is merged line by line.
    pub merge_text: bool,
    /// What this device is called, in the names of files whose content lost.
    pub device: String,
}

/// Whether a session looks at the application again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It does.
    Again,
    /// It takes what was seen last for what is there: plans never write, so nothing can have changed.
    Trust,
}

/// Whose turn it is, as far as this session knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody's.
    #[default]
    Open,
    /// This session's, under the lease of this number.
    Own(Fence),
    /// Never this session's: its device may not write. What it pushes is refused by the store, which says why.
    Denied,
}

impl Turn {
    /// Returns the number of the lease that is held.
    pub(crate) fn fence(self) -> Option<Fence> {
        match self {
            Self::Own(fence) => Some(fence),
            Self::Open | Self::Denied => None,
        }
    }
}

/// What the steps of a session share.
pub(crate) struct Session<'s> {
    pub(crate) doors: &'s Doors<'s>,
    pub(crate) endpoint: &'s str,
    pub(crate) adapter: &'s mut dyn Adapter,
    pub(crate) settings: &'s Settings,
    pub(crate) trees: Trees<'s>,
    pub(crate) profile: Profile,
    /// Whether the adapter was only asked if anything changed, and said no: it has not read what is there.
    pub(crate) asked: bool,
    /// Records whose items cannot be read now: nothing is done about them.
    pub(crate) untouchable: BTreeSet<RecordId>,
    /// What could not be read in this session's scan.
    pub(crate) unread: Vec<Held>,
    /// Items that changed while they were sent, once: they are looked at again.
    pub(crate) restless: BTreeSet<Key>,
    /// What could not be written in this session.
    pub(crate) unwritten: Vec<Held>,
    /// What a person must look at besides.
    pub(crate) findings: Vec<Held>,
    /// Records that this session pushed, and wrote.
    pub(crate) pushed: BTreeSet<RecordId>,
    pub(crate) pulled: BTreeSet<RecordId>,
    pub(crate) report: Report,
    /// The texts that this session merged line by line.
    pub(crate) texts: Texts,
    /// The lease that this session holds, if it does.
    pub(crate) turn: Turn,
}

impl<'s> Session<'s> {
    pub(crate) fn new(
        doors: &'s Doors<'s>,
        endpoint: &'s str,
        adapter: &'s mut dyn Adapter,
        settings: &'s Settings,
        trees: Trees<'s>,
    ) -> Self {
        let profile = adapter.profile().clone();
        Self {
            doors,
            endpoint,
            adapter,
            settings,
            trees,
            profile,
            asked: false,
            untouchable: BTreeSet::new(),
            unread: Vec::new(),
            restless: BTreeSet::new(),
            unwritten: Vec::new(),
            findings: Vec::new(),
            pushed: BTreeSet::new(),
            pulled: BTreeSet::new(),
            texts: Texts::default(),
            turn: Turn::Open,
            report: Report { endpoint: endpoint.to_owned(), ..Report::default() },
        }
    }

    /// Makes a session that only pulls and appends: for decisions.
    pub(crate) fn deciding(doors: &'s Doors<'s>, settings: &'s Settings, nothing: &'s mut dyn Adapter, trees: Trees<'s>) -> Self {
        Self::new(doors, "decision", nothing, settings, trees)
    }

    pub(crate) fn adapter_error(&self, source: adapter::Error) -> Error {
        Error::Adapter { endpoint: self.endpoint.to_owned(), source }
    }

    /// Begins a phase of the work, of so many items and bytes as far as that is known.
    pub(crate) fn begin(&self, phase: Phase, items: Option<u64>, bytes: Option<u64>) -> Work<'s> {
        Work::begin(self.doors.progress, self.endpoint, phase, (items, bytes))
    }

    /// Holds up something that a person must look at, once.
    pub(crate) fn found(&mut self, finding: &adapter::Error) {
        self.findings.push(Held {
            key: None,
            record: None,
            title: "(kept aside)".to_owned(),
            place: format!("endpoint {}", self.endpoint),
            reason: finding.to_string(),
            unwritten: true,
            missing: false,
        });
    }

    /// Lends what a merge may look at; the record was fetched before.
    pub(crate) fn with_sides<T>(&self, id: RecordId, then: impl FnOnce(&Sides<'_>) -> T) -> T {
        let (seen, agreed, remote) = self.trees.sides(id);
        let holds = |pointer: &Pointer| self.profile.view.holds(pointer);
        let volatile = |pointer: &Pointer| self.profile.volatile.holds(pointer);
        then(&Sides { meant: seen.map(|seen| &seen.meant), agreed, remote, holds: &holds, volatile: &volatile })
    }

    /// Tells whether this endpoint holds records of a record's kind, and by its settings this one, as it is here or elsewhere.
    pub(crate) fn concerns(&self, id: RecordId) -> bool {
        let (seen, _, remote) = self.trees.sides(id);
        let selected = |record: &Record| self.adapter.selection().is_none_or(|selection| selection.takes(record));
        match (seen, remote) {
            (Some(seen), remote) => selected(&seen.shown) || remote.is_some_and(|remote| selected(&remote.record)),
            (None, Some(remote)) => self.profile.kinds.contains(&remote.record.kind) && selected(&remote.record),
            (None, None) => true,
        }
    }

    /// Tells whether nothing is to be done about a record until one of its trees changes.
    pub(crate) fn in_harmony(&self, id: RecordId) -> bool {
        if self.untouchable.contains(&id) {
            return false;
        }
        if !self.concerns(id) {
            return true;
        }
        self.with_sides(id, |sides| {
            let still = match delta::merge::merge(sides, self.settings.policy).target {
                Target::Nothing => true,
                Target::Put(record) => sides.meant.is_some_and(|meant| *meant == record),
                Target::Delete => false,
            };
            still && delta::merge::push(id, sides).is_none()
        })
    }

    /// Tells whether an item stands under a temporary name, on its way to a name that another item still has.
    pub(crate) fn between_names(&self, id: RecordId) -> bool {
        let (seen, _, _) = self.trees.sides(id);
        let Some((unique, seen)) = self.profile.unique.as_ref().zip(seen) else { return false };
        seen.shown.field(unique.as_str()) != seen.meant.field(unique.as_str())
    }
}
