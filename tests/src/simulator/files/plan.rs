//! What each operation does to the folder and will show, by the rules of `adapters/fs/src/plan.rs`.

use std::collections::BTreeSet;

use adapter::{Expect, Key, Op, Outcome};
use record::Record;

use super::disk::{Disk, folders, is_spelling};
use super::face::{Face, Mark, PATH};
use super::step::{Act, Draft};

/// What is to be done for one operation.
pub(super) enum Plan {
    /// Nothing; the answer is known.
    Answer(Outcome),
    /// Names are exchanged.
    Do(Doing),
}

/// A name that is made, changed or removed.
pub(super) struct Doing {
    pub(super) draft: Draft,
    /// What stands under which name then; none for a deletion.
    pub(super) becomes: Option<(String, Face)>,
    pub(super) bytes: u64,
}

/// Returns the answer before anything is done.
pub(super) fn rehearsed(key: &str, face: Face, bytes: u64) -> Outcome {
    Outcome::Put { key: Key::new(key), fingerprint: Mark::before(face).fingerprint(), record: face.record(key), bytes }
}

/// What an operation finds.
struct Standing {
    path: String,
    mark: Mark,
    inode: u64,
    modified: i64,
}

/// Names that earlier operations of the step leave and take.
#[derive(Default)]
struct Names {
    freed: BTreeSet<String>,
    taken: BTreeSet<String>,
}

/// Plans the operations of one step, in their order.
pub(super) fn plan(disk: &Disk, ops: &[Op<'_>], blind: bool) -> Vec<Plan> {
    let planner = Planner { disk, blind };
    let mut names = Names::default();
    ops.iter().enumerate().map(|(index, op)| planner.one(index, op, &mut names).unwrap_or_else(Plan::Answer)).collect()
}

struct Planner<'d> {
    disk: &'d Disk,
    /// It writes whatever stands there, which is wrong.
    blind: bool,
}

impl Planner<'_> {
    fn one(&self, index: usize, op: &Op<'_>, names: &mut Names) -> Result<Plan, Outcome> {
        match *op {
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } => {
                let mut standing = self.standing(key, expected).ok_or(Outcome::Stale)?;
                let (path, face) = wanted(record)?;
                if is_spelling(&path, &key.0) && self.disk.find(&path).is_some_and(|node| node.inode == standing.inode) {
                    // Another spelling of the folders above, on a disk that takes both for one.
                    standing.path.clone_from(&path);
                }
                // The path that the key shows already is no move.
                let path = if path == key.0 { standing.path.clone() } else { path };
                self.edit(index, &standing, path, face, names)
            }
            Op::Put { expect: Expect::Absent, record, .. } => {
                let (path, face) = wanted(record)?;
                self.free(&path, face, None, names)?;
                names.taken.insert(path.clone());
                let act = creation(path.clone(), face);
                Ok(doing(index, vec![act], path, face, 1))
            }
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } => self.removal(index, key, expected, names),
            Op::Put { key: None, expect: Expect::Fingerprint(_), .. } | Op::Delete { expect: Expect::Absent, .. } => Err(Outcome::Stale),
        }
    }

    /// Finds an item that must still be what it was.
    fn standing(&self, key: &Key, expected: &adapter::Fingerprint) -> Option<Standing> {
        let (known, node) = (Mark::read(expected)?, self.disk.find(&key.0)?);
        let face = Face::of(node);
        let same = known.face.is_folder() == face.is_folder() && (self.blind || known.face.is_like(face));
        let modified = match face {
            Face::File { modified, .. } => modified,
            Face::Folder => 0,
        };
        same.then(|| Standing { path: key.0.clone(), mark: Mark { face, ..Mark::of(node) }, inode: node.inode, modified })
    }

    fn removal(&self, index: usize, key: &Key, expected: &adapter::Fingerprint, names: &mut Names) -> Result<Plan, Outcome> {
        let standing = self.standing(key, expected).ok_or(Outcome::Stale)?;
        let folder = standing.mark.face.is_folder();
        if folder && !self.disk.is_empty(&standing.path) {
            // A folder that is not empty any more is no item any more.
            return Err(Outcome::Deleted { bytes: 0 });
        }
        names.freed.insert(standing.path.clone());
        let target = standing.path;
        let act = if folder { Act::RemoveFolder { target } } else { Act::Delete { target, expected: standing.mark.face } };
        Ok(Plan::Do(Doing { draft: Draft { index, becomes: None, acts: vec![act] }, becomes: None, bytes: 0 }))
    }

    fn edit(&self, index: usize, from: &Standing, path: String, face: Face, names: &mut Names) -> Result<Plan, Outcome> {
        let moves = from.path != path;
        if moves {
            self.free(&path, face, Some(from), names)?;
        }
        let acts = acts(from, &path, face);
        if acts.is_empty() {
            let (key, fingerprint) = (Key(from.path.clone()), from.mark.fingerprint());
            return Err(Outcome::Put { key, fingerprint, record: shown(from, face).record(&from.path), bytes: 0 });
        }
        if moves {
            names.freed.insert(from.path.clone());
            names.taken.insert(path.clone());
        }
        let writes = acts.iter().any(|act| matches!(act, Act::Create { .. } | Act::Replace { .. } | Act::MakeFolder { .. }));
        let face = if writes { face } else { shown(from, face) };
        Ok(doing(index, acts, path, face, 1))
    }

    /// Tells whether a name will be free when its turn comes.
    fn free(&self, path: &str, face: Face, from: Option<&Standing>, names: &Names) -> Result<(), Outcome> {
        let refused = |reason: &str| Err(Outcome::Refused { reason: reason.to_owned() });
        if names.taken.contains(path) {
            return Err(Outcome::Stale);
        }
        if folders(path).any(|folder| names.taken.contains(folder)) {
            return refused("a file stands where its folder would be");
        }
        match self.disk.find(path) {
            None => {
                let file = |folder: &&str| self.disk.find(folder).is_some_and(|node| !node.is_folder()) && !names.freed.contains(*folder);
                if folders(path).any(|folder| file(&folder)) { refused("a file stands where its folder would be") } else { Ok(()) }
            }
            Some(_) if names.freed.contains(path) => Ok(()),
            Some(node) if from.is_some_and(|from| from.inode == node.inode) => Ok(()),
            Some(node) if node.is_folder() && (face.is_folder() || self.will_be_empty(path, names)) => Ok(()),
            Some(node) if node.is_folder() => refused("a folder stands in its place"),
            Some(_) => Err(Outcome::Stale),
        }
    }

    /// Tells whether everything in a folder leaves it before.
    fn will_be_empty(&self, path: &str, names: &Names) -> bool {
        self.disk
            .beneath(path)
            .iter()
            .all(|path| self.disk.find(path).is_some_and(super::disk::Node::is_folder) || names.freed.contains(path))
    }
}

fn wanted(record: &Record) -> Result<(String, Face), Outcome> {
    let refused = |reason: String| Outcome::Refused { reason };
    let path = record.text(PATH).ok_or_else(|| refused("it has no path".to_owned()))?;
    Ok((path.to_owned(), Face::wanted(record).map_err(refused)?))
}

/// Returns what a name shows if only its name or permissions change: its time is its own.
fn shown(from: &Standing, face: Face) -> Face {
    match face {
        Face::File { version, executable, .. } => Face::File { version, executable, modified: from.modified },
        Face::Folder => face,
    }
}

/// Returns what turns what stands there into what is wanted.
fn acts(from: &Standing, path: &str, face: Face) -> Vec<Act> {
    let (moves, target, before, expected) = (from.path != path, path.to_owned(), from.path.clone(), from.mark.face);
    match (expected.is_folder(), face.is_folder()) {
        (true, true) if !moves => Vec::new(),
        (true, true) => vec![Act::RemoveFolder { target: before }, Act::MakeFolder { target }],
        (true, false) => vec![Act::RemoveFolder { target: before }, creation(target, face)],
        (false, true) => vec![Act::Delete { target: before, expected }, Act::MakeFolder { target }],
        (false, false) => {
            let mut acts = Vec::new();
            if moves {
                acts.push(Act::Move { from: before, target: target.clone(), expected, inode: from.inode });
            }
            if face.version() != expected.version() {
                acts.push(Act::Replace { target, face, expected });
            } else if !face.runs_like(expected) {
                acts.push(Act::Set { target, executable: matches!(face, Face::File { executable: true, .. }), expected });
            }
            acts
        }
    }
}

fn creation(target: String, face: Face) -> Act {
    if face.is_folder() { Act::MakeFolder { target } } else { Act::Create { target, face } }
}

fn doing(index: usize, acts: Vec<Act>, path: String, face: Face, bytes: u64) -> Plan {
    let draft = Draft { index, becomes: Some((path.clone(), Mark::before(face).fingerprint())), acts };
    Plan::Do(Doing { draft, becomes: Some((path, face)), bytes })
}
