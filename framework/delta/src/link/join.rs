//! Two sides that are joined: who is settled, and what one piece of evidence at a time says of the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use record::RecordId;

use crate::link::{Candidate, Doubt, Evidence, Link, Links, Reason};

/// The most residents that are listed for one newcomer.
pub(super) const LISTED: usize = 16;

/// What speaks for pairs of a newcomer and a resident, by their places in the join.
pub(super) type Pairs = BTreeMap<(usize, usize), Evidence>;

/// The state of a join.
pub(super) struct Join<'a> {
    pub(super) newcomers: Vec<Candidate<'a>>,
    pub(super) residents: Vec<Candidate<'a>>,
    apart: &'a BTreeSet<(RecordId, RecordId)>,
    settled_newcomers: BTreeSet<usize>,
    settled_residents: BTreeSet<usize>,
    links: Links,
}

impl<'a> Join<'a> {
    pub(super) fn new(newcomers: &[Candidate<'a>], residents: &[Candidate<'a>], apart: &'a BTreeSet<(RecordId, RecordId)>) -> Self {
        let sorted = |side: &[Candidate<'a>]| {
            let mut side = side.to_vec();
            side.sort_by_key(|candidate| candidate.id);
            side
        };
        Self {
            newcomers: sorted(newcomers),
            residents: sorted(residents),
            apart,
            settled_newcomers: BTreeSet::new(),
            settled_residents: BTreeSet::new(),
            links: Links::default(),
        }
    }

    /// Returns the newcomers and the residents that are not settled.
    pub(super) fn open(&self) -> (Vec<usize>, Vec<usize>) {
        let newcomers = (0..self.newcomers.len()).filter(|at| !self.settled_newcomers.contains(at)).collect();
        (newcomers, (0..self.residents.len()).filter(|at| !self.settled_residents.contains(at)).collect())
    }

    /// Tells whether two records may still be linked.
    pub(super) fn may_be(&self, newcomer: usize, resident: usize) -> bool {
        let Some((new, old)) = self.newcomers.get(newcomer).zip(self.residents.get(resident)) else { return false };
        new.record.kind == old.record.kind
            && !self.settled_newcomers.contains(&newcomer)
            && !self.settled_residents.contains(&resident)
            && !self.apart.contains(&(new.id, old.id))
            && !self.apart.contains(&(old.id, new.id))
    }

    /// Links what has one UID.
    pub(super) fn by_uid(&mut self) {
        let (mut by_uid, mut by_id) = (HashMap::<&str, Vec<usize>>::new(), HashMap::<RecordId, Vec<usize>>::new());
        for (at, resident) in self.residents.iter().enumerate() {
            by_id.entry(resident.id).or_default().push(at);
            if let Some(uid) = uid(resident) {
                by_uid.entry(uid).or_default().push(at);
                by_id.entry(RecordId::from_urn(uid).unwrap_or(resident.id)).or_default().push(at);
            }
        }
        let mut pairs = Pairs::new();
        for (at, newcomer) in self.newcomers.iter().enumerate() {
            let uid = uid(newcomer);
            let named = uid.and_then(|uid| by_uid.get(uid));
            let meant = uid.and_then(RecordId::from_urn).and_then(|id| by_id.get(&id));
            for residents in [named, meant, by_id.get(&newcomer.id)].into_iter().flatten() {
                pairs.extend(residents.iter().take(LISTED).map(|resident| ((at, *resident), Evidence::Uid)));
            }
        }
        self.decide(pairs);
    }

    /// Links the pairs that are one to one among those that may still be linked, and doubts the others.
    pub(super) fn decide(&mut self, mut pairs: Pairs) {
        pairs.retain(|(newcomer, resident), _| self.may_be(*newcomer, *resident));
        let (mut of_newcomer, mut of_resident) = (HashMap::<usize, usize>::new(), HashMap::<usize, usize>::new());
        for (newcomer, resident) in pairs.keys() {
            *of_newcomer.entry(*newcomer).or_default() += 1;
            *of_resident.entry(*resident).or_default() += 1;
        }
        let sole = |newcomer: &usize, resident: &usize| of_newcomer.get(newcomer) == Some(&1) && of_resident.get(resident) == Some(&1);
        let (certain, several): (Pairs, Pairs) = pairs.into_iter().partition(|((newcomer, resident), _)| sole(newcomer, resident));
        for ((newcomer, resident), evidence) in certain {
            self.link(newcomer, resident, evidence);
        }
        self.doubt(&several, Reason::Several);
        // Whoever is in doubt on good evidence is not linked on worse.
        for (newcomer, resident) in several.into_keys() {
            self.settle(newcomer, resident);
        }
    }

    /// Links a pair, if it may be linked.
    pub(super) fn link(&mut self, newcomer: usize, resident: usize, evidence: Evidence) {
        if !self.may_be(newcomer, resident) {
            return;
        }
        if let Some((new, old)) = self.newcomers.get(newcomer).zip(self.residents.get(resident)) {
            self.links.certain.push(Link { newcomer: new.id, resident: old.id, evidence });
        }
        self.settle(newcomer, resident);
    }

    fn settle(&mut self, newcomer: usize, resident: usize) {
        self.settled_newcomers.insert(newcomer);
        self.settled_residents.insert(resident);
    }

    /// Lists the pairs that may still be linked, without settling anybody.
    pub(super) fn doubt(&mut self, pairs: &Pairs, reason: Reason) {
        let mut doubts: BTreeMap<usize, (Vec<usize>, &Evidence)> = BTreeMap::new();
        for ((newcomer, resident), evidence) in pairs.iter().filter(|((newcomer, resident), _)| self.may_be(*newcomer, *resident)) {
            let (residents, strongest) = doubts.entry(*newcomer).or_insert((Vec::new(), evidence));
            residents.push(*resident);
            *strongest = evidence.min(strongest);
        }
        for (newcomer, (residents, evidence)) in doubts {
            let Some(newcomer) = self.newcomers.get(newcomer).map(|candidate| candidate.id) else { continue };
            let residents = residents.into_iter().take(LISTED).filter_map(|at| self.residents.get(at).map(|candidate| candidate.id));
            self.links.doubtful.push(Doubt { newcomer, residents: residents.collect(), evidence: evidence.clone(), reason });
        }
    }

    /// Returns what was found.
    pub(super) fn finish(mut self) -> Links {
        self.links.certain.sort_unstable();
        self.links.doubtful.sort_by_key(|doubt| (doubt.newcomer, doubt.reason));
        self.links
    }
}

fn uid<'a>(candidate: &Candidate<'a>) -> Option<&'a str> {
    candidate.record.text("uid").filter(|uid| !uid.trim().is_empty())
}
