//! The scan, by the rules of `adapters/fs/src/scan.rs`: what stands there, compared with what was known of it.

use std::collections::{BTreeMap, BTreeSet};

use adapter::{Broken, Fingerprint, Item, Key, Known, Place as Spot, Sink};

use super::disk::{Disk, Node, folders, is_spelling};
use super::face::{Face, Mark};
use crate::simulator::mutation::Mutation;

/// A name with what was known of it.
struct Candidate<'d> {
    key: String,
    node: &'d Node,
    known: Option<(Mark, Fingerprint)>,
    /// The key under which it was known, if it was moved.
    from: Option<Key>,
}

/// What was known and does not stand where it stood, in the order of the keys.
type Missing = BTreeMap<Key, Mark>;

/// Reports everything that stands on a disk.
pub(super) fn scan(disk: &Disk, known: &dyn Known, mutation: Option<Mutation>, out: &mut dyn Sink) {
    let mut candidates = candidates(disk, known);
    let mut missing = missing(&candidates, known);
    respell(disk, &mut candidates, &mut missing);
    if mutation != Some(Mutation::ForgetsMoves) {
        recognise(&mut candidates, &mut missing);
    }
    for candidate in candidates {
        report(disk, candidate, &missing, mutation, out);
    }
    if let Some(folder) = disk.locked.as_ref().filter(|folder| disk.find(folder).is_some_and(Node::is_folder)) {
        out.broken(Broken { key: None, title: Some(folder.clone()), place: spot(folder), reason: "it cannot be read".to_owned() });
    }
}

fn spot(path: &str) -> Spot {
    Spot { path: path.into(), line: None, column: None }
}

/// Files, and folders in which nothing stands.
fn candidates<'d>(disk: &'d Disk, known: &dyn Known) -> Vec<Candidate<'d>> {
    let hidden = |path: &str| std::iter::once(path).chain(folders(path)).any(|folder| disk.locked.as_deref() == Some(folder));
    let listed = disk.list().into_iter().filter(|(path, node)| !hidden(path) && (!node.is_folder() || disk.is_empty(path)));
    let mut candidates: Vec<Candidate<'d>> = listed
        .map(|(key, node)| {
            let known = known.fingerprint(&Key(key.clone())).and_then(|fingerprint| Some((Mark::read(&fingerprint)?, fingerprint)));
            Candidate { key, node, known, from: None }
        })
        .collect();
    candidates.sort_by(|one, other| one.key.cmp(&other.key));
    candidates
}

fn missing(candidates: &[Candidate<'_>], known: &dyn Known) -> Missing {
    let here: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.key.as_str()).collect();
    let mut missing = Missing::new();
    known.each(&mut |key, fingerprint| {
        if let Some(mark) = Mark::read(fingerprint).filter(|_| !here.contains(key.0.as_str())) {
            missing.insert(key.clone(), mark);
        }
    });
    missing
}

/// Keeps the key of what is known under another spelling of its folders, where the disk takes both for one.
fn respell(disk: &Disk, candidates: &mut [Candidate<'_>], missing: &mut Missing) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.known.is_none()) {
        let leads_here = |key: &Key| disk.find(&key.0).is_some_and(|node| node.inode == candidate.node.inode);
        let known = missing.keys().find(|key| is_spelling(&key.0, &candidate.key) && leads_here(key)).cloned();
        if let Some((key, mark)) = known.and_then(|key| missing.remove_entry(&key)) {
            candidate.known = Some((mark, mark.fingerprint()));
            candidate.key = key.0;
        }
    }
}

/// Finds what is missing under new names, by its number on the disk.
fn recognise(candidates: &mut [Candidate<'_>], missing: &mut Missing) {
    let mut numbers: BTreeMap<u64, Vec<(Key, Mark)>> = BTreeMap::new();
    for (key, mark) in missing.iter().filter(|(_, mark)| !mark.face.is_folder()) {
        // Two may be known by one number: the later got it when the earlier was gone.
        numbers.entry(mark.inode).or_default().push((key.clone(), *mark));
    }
    for candidate in candidates.iter_mut().filter(|candidate| candidate.known.is_none()) {
        let Some(known) = numbers.get_mut(&candidate.node.inode) else { continue };
        if let Some(at) = known.iter().position(|(_, mark)| mark.is_file(candidate.node)) {
            let (key, mark) = known.swap_remove(at);
            missing.remove(&key);
            candidate.known = Some((mark, mark.fingerprint()));
            candidate.from = Some(key);
        }
    }
}

fn report(disk: &Disk, candidate: Candidate<'_>, missing: &Missing, mutation: Option<Mutation>, out: &mut dyn Sink) {
    let Candidate { key, node, known, from } = candidate;
    let (mark, place) = (Mark::of(node), spot(&key));
    let unwritten = known.as_ref().is_some_and(|(known, _)| *known == mark);
    if disk.unreadable.contains(&node.inode) && !node.is_folder() && !(unwritten && from.is_none()) {
        if mutation == Some(Mutation::DropsBroken) {
            return;
        }
        let hides = beneath(&key, missing);
        let reason = "permission denied".to_owned();
        return out.broken(Broken { title: Some(key.clone()), key: (!hides).then_some(Key(key)), place, reason });
    }
    match known {
        // A newer time alone is nobody's edit.
        Some((known, _)) if from.is_none() && known.face.is_folder() == mark.face.is_folder() && known.face.is_like(mark.face) => {
            out.unchanged(Key(key), mark.fingerprint());
        }
        _ => {
            let item = Item { fingerprint: mark.fingerprint(), record: Face::of(node).record(&key), key: Key(key), place };
            match from {
                Some(from) => out.moved(item, from),
                None => out.item(item),
            }
        }
    }
}

/// Tells whether something that is missing stood beneath a key.
fn beneath(key: &str, missing: &Missing) -> bool {
    let folder = Key(format!("{key}/"));
    missing.range(&folder..).next().is_some_and(|(known, _)| known.0.starts_with(&folder.0))
}
