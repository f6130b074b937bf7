//! A folder as an endpoint has it: the disk, the area where steps are staged, the trash, and what survives every crash.

use std::collections::BTreeMap;

use adapter::StepId;

use super::disk::{Disk, Habits, Node};
use super::step::Journal;
use super::versions::{Version, Versions};
use crate::simulator::mutation::Mutation;
use crate::simulator::shared::Shared;

/// A folder of files, and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The endpoint's number.
    pub(super) at: usize,
    /// What users see.
    pub(super) disk: Disk,
    /// The root is there.
    pub(super) mounted: bool,
    /// The root is another, empty folder.
    pub(super) replaced: bool,
    /// The journals of steps that are not settled.
    pub(super) journals: BTreeMap<StepId, Journal>,
    /// What is staged or displaced, by step and slot.
    pub(super) slots: BTreeMap<(StepId, usize), Node>,
    /// What steps deleted or replaced.
    pub(super) trash: Vec<Version>,
    /// What steps displaced and nobody had seen.
    pub(super) kept: Vec<Version>,
    /// How many operations wrote something.
    pub(super) writes: u64,
    /// What users meant.
    pub(super) versions: Shared<Versions>,
    /// What is wrong with the adapter.
    pub(super) mutation: Option<Mutation>,
}

impl Place {
    /// Makes an empty folder.
    pub(super) fn new(at: usize, habits: Habits, versions: Shared<Versions>, mutation: Option<Mutation>) -> Self {
        Self {
            at,
            disk: Disk::new(habits, 10_000 * (at as u64 + 1)),
            mounted: true,
            replaced: false,
            journals: BTreeMap::new(),
            slots: BTreeMap::new(),
            trash: Vec::new(),
            kept: Vec::new(),
            writes: 0,
            versions,
            mutation,
        }
    }

    /// Tells whether users see their files.
    pub(super) fn whole(&self) -> bool {
        self.mounted && !self.replaced
    }
}
