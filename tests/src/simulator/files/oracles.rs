//! The oracles that look at the end of a run: one tree everywhere, every version somewhere, nothing undone, nothing written for nothing.

use std::collections::{BTreeMap, BTreeSet};

use delta::{State, Transaction};
use engine::objects::Objects;
use record::{Conflict, RecordId, Value};

use super::disk::{Disk, spelled_small};
use super::face::{Face, PATH};
use super::step::staged;
use super::versions::{Fate, Version};
use super::world::World;
use crate::simulator::log::Log;
use crate::simulator::world::Violation;

/// What stands in a folder: files with their contents, and folders in which nothing stands.
type Tree = BTreeMap<String, (Option<Version>, bool)>;

fn tree(disk: &Disk) -> Tree {
    let shown = disk.list().into_iter().filter(|(path, node)| !node.is_folder() || disk.is_empty(path));
    shown.map(|(path, node)| (path, shown_by(Face::of(node)))).collect()
}

fn shown_by(face: Face) -> (Option<Version>, bool) {
    (face.version(), matches!(face, Face::File { executable: true, .. }))
}

/// What the log says.
struct Told {
    /// What stands under each path, once for each record.
    living: Vec<(String, (Option<Version>, bool))>,
    open: Vec<Conflict>,
    /// Contents that the log speaks of and the store does not have.
    lacking: BTreeSet<Version>,
}

fn told(log: &Log) -> Told {
    let mut records: BTreeMap<RecordId, State> = BTreeMap::new();
    let mut open: Vec<Conflict> = Vec::new();
    for entry in &log.entries {
        let transaction = Transaction::unpack(&entry.envelope.payload).unwrap_or_default();
        for change in transaction.changes {
            let state = records.entry(change.id).or_insert_with(|| State::unborn(change.kind.clone()));
            state.apply(&change, entry.sequence.0);
        }
        open.extend(transaction.conflicts);
        open.retain(|conflict| !transaction.settled.contains(&conflict.id));
    }
    let alive: Vec<&State> = records.values().filter(|state| state.alive).collect();
    let living = alive.iter().filter_map(|state| {
        let face = Face::wanted(&state.record).ok()?;
        Some((state.record.text(PATH).unwrap_or_default().to_owned(), shown_by(face)))
    });
    let mut living: Vec<_> = living.collect();
    living.sort();
    let disputed = open.iter().filter_map(disputed);
    let spoken_of = living.iter().filter_map(|(_, (version, _))| *version).chain(disputed);
    let lacking = spoken_of.filter(|version| !log.blobs.contains_key(&version.blob().digest.0)).collect();
    Told { living, open, lacking }
}

fn disputed(conflict: &Conflict) -> Option<Version> {
    match &conflict.value {
        Value::Blob(blob) => Version::of(&blob.digest),
        _ => None,
    }
}

impl World {
    /// Asks every oracle.
    pub(super) fn judge(&mut self) {
        let told = told(&self.log.look());
        let trees: Vec<Tree> = self.endpoints.iter().map(|endpoint| tree(&endpoint.place.look().disk)).collect();
        (0..self.log.look().length()).for_each(|_| self.count("transactions"));
        self.count_conflicts(&trees, &told);
        let violation = self
            .held()
            .or_else(|| self.diverged(&trees, &told))
            .or_else(|| self.lost(&trees, &told))
            .or_else(|| self.misled(&trees))
            .or_else(|| self.rewritten())
            .or_else(|| self.unfinished());
        if let Some(violation) = violation {
            self.violated(violation);
        }
    }

    fn count_conflicts(&self, trees: &[Tree], told: &Told) {
        let aside = trees.iter().take(1).flat_map(Tree::keys).filter(|path| path.contains(" (conflict, ")).count();
        (0..aside).for_each(|_| self.count("conflict files"));
        told.open.iter().for_each(|_| self.count("open conflicts"));
    }

    /// Nothing waits for a person once all faults have ended.
    fn held(&self) -> Option<Violation> {
        let held = self.endpoints.iter().find(|endpoint| !endpoint.held.is_empty())?;
        Some(Violation::new("HELD", format!("{} cannot write or read {:?}", held.name, held.held)))
    }

    /// L1: every folder shows exactly what the log says, and the store has every content.
    fn diverged(&self, trees: &[Tree], told: &Told) -> Option<Violation> {
        for (endpoint, tree) in self.endpoints.iter().zip(trees) {
            let caseless = endpoint.place.look().disk.habits.caseless;
            // How a folder is spelled is such a disk's own.
            let spelled = |path: &str| if caseless { spelled_small(path) } else { path.to_owned() };
            let sorted = |items: &mut dyn Iterator<Item = (String, (Option<Version>, bool))>| {
                let mut items: Vec<_> = items.map(|(path, face)| (spelled(&path), face)).collect();
                items.sort();
                items
            };
            let shown = sorted(&mut tree.clone().into_iter());
            let living = sorted(&mut told.living.iter().cloned());
            if shown != living {
                let only = |one: &[(String, (Option<Version>, bool))], other: &[(String, (Option<Version>, bool))]| {
                    one.iter().filter(|item| !other.contains(item)).map(|item| format!("{item:?}")).collect::<Vec<_>>()
                };
                let (lacks, has) = (only(&living, &shown), only(&shown, &living));
                let detail = format!("{} shows {} of {}, lacks {lacks:?}, has {has:?}", endpoint.name, shown.len(), living.len());
                return Some(Violation::new("DIVERGED", detail));
            }
        }
        let lacking = told.lacking.first()?;
        Some(Violation::new("LACKING", format!("the store does not have {lacking:?}")))
    }

    /// L2: a version that nobody who saw it did away with is in a tree or a conflict; nothing that stands lies in a trash alone.
    fn lost(&self, trees: &[Tree], told: &Told) -> Option<Violation> {
        let living: BTreeSet<Version> = trees.iter().flat_map(|tree| tree.values().filter_map(|(version, _)| *version)).collect();
        let disputed: BTreeSet<Version> = told.open.iter().filter_map(disputed).collect();
        let mut aside = BTreeSet::new();
        for endpoint in &self.endpoints {
            let place = endpoint.place.look();
            aside.extend(place.trash.iter().chain(&place.kept).copied().chain(staged(&place)));
        }
        let versions = self.versions.look();
        let gone = |version: &Version| versions.stands(*version) && !living.contains(version) && !disputed.contains(version);
        let lost = versions.all().filter(gone).max_by_key(|version| !aside.contains(version))?;
        let kind = if aside.contains(&lost) { "TRASHED" } else { "LOST" };
        Some(Violation::new(kind, format!("{lost:?} is {}", if kind == "LOST" { "nowhere" } else { "in a trash alone" })))
    }

    /// L3, L4: where it is plain what is to become of a file, exactly that became of it.
    fn misled(&self, trees: &[Tree]) -> Option<Violation> {
        let versions = self.versions.look();
        let tree = trees.first()?;
        for line in versions.lines() {
            let Some(fate) = versions.fate(line) else { continue };
            if self.powerless && !line.moves.is_empty() {
                continue;
            }
            let mut found = tree.iter().filter(|(_, (version, _))| version.is_some_and(|version| line.versions.contains(&version)));
            let (first, second) = (found.next(), found.next());
            let right = match (&fate, first) {
                (Fate::Gone, None) => true,
                (Fate::Stands(wanted, path, executable), Some((at, (version, runs)))) => {
                    *version == Some(*wanted) && at.to_lowercase() == path.to_lowercase() && runs == executable
                }
                _ => false,
            };
            self.count("files of plain fate");
            if line.met && !line.moves.is_empty() {
                self.count("moves that met an edit");
            }
            if !line.deleted.is_empty() && fate != Fate::Gone {
                self.count("deletions that met an edit");
            }
            if !right || second.is_some() {
                let kind = match fate {
                    Fate::Gone => "RESURRECTED",
                    Fate::Stands(..) if second.is_some() => "DUPLICATE",
                    Fate::Stands(..) if line.moves.is_empty() => "UNDONE",
                    Fate::Stands(..) => "MOVE",
                };
                return Some(Violation::new(kind, format!("{fate:?} was meant, and there is {first:?} {second:?} of {line:?}")));
            }
        }
        None
    }

    /// L5: what nobody touched since it was made is still the very same file.
    fn rewritten(&self) -> Option<Violation> {
        let versions = self.versions.look();
        for line in versions.lines() {
            let Some(Fate::Stands(version, path, false)) = versions.fate(line) else { continue };
            let (at, inode) = line.made;
            let Some(endpoint) = self.endpoints.get(at).filter(|_| line.moves.is_empty() && line.versions.len() == 1) else { continue };
            let place = endpoint.place.look();
            let listed = place.disk.list();
            // The case of a folder above it may have become another one.
            let found = listed.iter().find(|(found, _)| found.to_lowercase() == path.to_lowercase()).map(|(_, node)| node.inode);
            if inode != 0 && found != Some(inode) {
                return Some(Violation::new(
                    "REWRITTEN",
                    format!("{path} of {} was written anew, though {version:?} is all it ever was", endpoint.name),
                ));
            }
        }
        None
    }

    /// Nothing is left to do.
    fn unfinished(&self) -> Option<Violation> {
        self.endpoints.iter().find_map(|endpoint| {
            let (step, meta) = (endpoint.keeper.memory.step().ok().flatten(), endpoint.keeper.memory.meta().unwrap_or_default());
            let place = endpoint.place.look();
            let left =
                step.is_some() || !meta.pending.is_empty() || meta.out.is_some() || !place.slots.is_empty() || !place.journals.is_empty();
            left.then(|| Violation::new("HARMONY", format!("{} keeps {step:?}, {:?}, {:?}", endpoint.name, meta.pending, place.journals)))
        })
    }
}
