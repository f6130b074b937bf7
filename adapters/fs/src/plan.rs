//! What each operation does to the folder, and what it will show.

use adapter::staging::Moment;
use std::collections::HashSet;
use std::io;

use adapter::{Error, Expect, Fingerprint, Host, Key, Op, Outcome};
use rayon::prelude::*;
use record::{Digest, Kind, Record};

use crate::beneath::{Look, Root, list};
use crate::journal::Was;
use crate::mark::{Mark, Sort};
use crate::name;
use crate::read;
use crate::rules::Rules;
use crate::shape::{self, PATH, Shape};
use crate::step::{Content, Draft, Work, refusal};

/// What is to be done for one operation.
pub(crate) enum Plan {
    /// Nothing; the answer is known.
    Answer(Outcome),
    /// Names are exchanged.
    Do(Box<Doing>),
}

/// A name that is made, changed or removed.
pub(crate) struct Doing {
    pub(crate) draft: Draft,
    /// What stands there then; none for a deletion.
    pub(crate) becomes: Option<Becomes>,
    pub(crate) bytes: u64,
}

/// What stands under a name once an operation is done.
pub(crate) struct Becomes {
    pub(crate) key: String,
    pub(crate) path: Vec<u8>,
    pub(crate) shape: Shape,
    pub(crate) digest: Digest,
}

impl Becomes {
    fn fingerprint(&self) -> Fingerprint {
        let executable = matches!(self.shape, Shape::File { executable: true, .. });
        match self.shape.sort() {
            Sort::Folder => Mark::folder().fingerprint(),
            sort => shape::mark(sort, self.digest, executable, adapter::staging::Stat::default()).fingerprint(),
        }
    }

    /// Returns the answer before anything is done.
    pub(crate) fn rehearsed(&self, bytes: u64) -> Outcome {
        Outcome::Put { key: Key(self.key.clone()), fingerprint: self.fingerprint(), record: self.shape.record(&self.key), bytes }
    }
}

/// One operation after it was held against what stands there.
enum Checked {
    Answer(Outcome),
    New { path: Vec<u8>, shape: Shape },
    Edit { from: Standing, path: Vec<u8>, shape: Shape },
    Remove(Standing),
}

/// What an operation finds.
struct Standing {
    path: Vec<u8>,
    key: String,
    mark: Mark,
    look: Look,
    was: Was,
}

/// The folder as it is now.
pub(crate) struct Planner<'p> {
    pub(crate) root: &'p Root,
    pub(crate) rules: &'p Rules,
    pub(crate) symlinks: bool,
    /// Whether the folder is still to be made, so that every name is free.
    pub(crate) fresh: bool,
    pub(crate) now: Moment,
}

/// Names that earlier operations of the step leave and take.
#[derive(Default)]
struct Names {
    freed: HashSet<Vec<u8>>,
    taken: HashSet<Vec<u8>>,
    /// Folders that are known to be there, or to be makeable.
    fine: HashSet<Vec<u8>>,
}

impl Planner<'_> {
    /// Plans the operations of one step, in their order.
    ///
    /// # Errors
    /// Fails if someone asked to stop.
    pub(crate) fn plan(&self, ops: &[Op<'_>], host: &dyn Host) -> Result<Vec<Plan>, Error> {
        let check = |op: &Op<'_>| if host.cancelled() { Err(Error::Cancelled) } else { Ok(self.check(op)) };
        let checked = ops.par_iter().map(check).collect::<Result<Vec<Checked>, Error>>()?;
        let mut names = Names::default();
        Ok(checked.into_iter().enumerate().map(|(index, checked)| self.resolve(index, checked, &mut names)).collect())
    }

    fn check(&self, op: &Op<'_>) -> Checked {
        match *op {
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } => {
                let Some(mut standing) = self.standing(key, expected) else { return Checked::Answer(Outcome::Stale) };
                match self.wanted(record) {
                    Err(reason) => Checked::Answer(Outcome::Refused { reason }),
                    Ok((path, shape)) => {
                        // The path that the key shows already is no move, whatever form its letters have on this disk.
                        let stays = record.text(PATH) == Some(name::shown(&key.0).as_str());
                        let path = if stays { standing.path.clone() } else { path };
                        if self.leads_to(&path, &standing) {
                            standing.key = name::text(&path);
                            standing.path.clone_from(&path);
                        }
                        Checked::Edit { from: standing, path, shape }
                    }
                }
            }
            Op::Put { expect: Expect::Absent, record, .. } => match self.wanted(record) {
                Err(reason) => Checked::Answer(Outcome::Refused { reason }),
                Ok((path, shape)) => Checked::New { path, shape },
            },
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } => self.removal(key, expected),
            Op::Put { key: None, expect: Expect::Fingerprint(_), .. } | Op::Delete { expect: Expect::Absent, .. } => {
                Checked::Answer(Outcome::Stale)
            }
        }
    }

    /// Reads what a record wants.
    fn wanted(&self, record: &Record) -> Result<(Vec<u8>, Shape), String> {
        if record.kind != Kind::FILE {
            return Err(format!("it is a {}, and no file", record.kind));
        }
        let text = record.text(PATH).ok_or("it has no path")?;
        let path = name::writable(text)?;
        let shape = Shape::of(record)?;
        if !self.rules.take_wholly(&path, shape == Shape::Folder) {
            return Err(format!("`{}` is left out here by `include`, `exclude` or `marker`", text.escape_debug()));
        }
        match &shape {
            Shape::Link(_) if !self.symlinks => Err("it is a symbolic link; add `symlinks = true` to sync links here".to_owned()),
            Shape::Link(target) if !name::stays_inside(&path, target) => {
                Err("this symbolic link would lead out of the folder; it is not written".to_owned())
            }
            _ => Ok((path, shape)),
        }
    }

    /// Finds an item that must still be what it was.
    fn standing(&self, key: &Key, expected: &Fingerprint) -> Option<Standing> {
        let (mark, path) = (Mark::read(expected)?, name::writable(&key.0).ok()?);
        let look = self.root.look(&path).ok().filter(|_| !self.fresh)?;
        if look.sort != mark.sort || look.executable() != mark.executable {
            return None;
        }
        let same = match mark.sort {
            Sort::Folder => true,
            sort => mark.vouches_for(sort, &look.stat, self.now) || read::holds(self.root, &path, sort, mark.digest),
        };
        let was = Was::of(&look, mark.digest, self.now);
        same.then(|| Standing { path, key: key.0.clone(), mark, look, was })
    }

    /// Tells whether a path is only another spelling of the folders above an item, on a disk that takes both for one.
    fn leads_to(&self, path: &[u8], standing: &Standing) -> bool {
        let number = |look: &Look| (look.stat.device, look.stat.inode);
        let same = |look: Look| number(&look) == number(&standing.look);
        name::is_spelling(&name::text(path), &standing.key) && self.root.look(path).is_ok_and(same)
    }

    fn removal(&self, key: &Key, expected: &Fingerprint) -> Checked {
        let folder = Mark::read(expected).is_some_and(|mark| mark.sort == Sort::Folder);
        match self.standing(key, expected) {
            // A folder that is not empty any more is no item any more.
            Some(standing) if folder && !self.is_empty(&standing.path) => Checked::Answer(Outcome::Deleted { bytes: 0 }),
            Some(standing) => Checked::Remove(standing),
            None => Checked::Answer(Outcome::Stale),
        }
    }

    fn is_empty(&self, path: &[u8]) -> bool {
        let mut empty = true;
        self.root.beneath(path).and_then(|folder| list(folder.folder(), &mut |_, _| empty = false)).is_ok() && empty
    }

    fn resolve(&self, index: usize, checked: Checked, names: &mut Names) -> Plan {
        match checked {
            Checked::Answer(outcome) => Plan::Answer(outcome),
            Checked::New { path, shape } => match self.free(&path, &shape, None, names) {
                Err(outcome) => Plan::Answer(outcome),
                Ok(()) => {
                    names.taken.insert(path.clone());
                    let work = creation(path.clone(), &shape);
                    let bytes = length(&shape).max(1);
                    doing(index, vec![work], path, shape, bytes)
                }
            },
            Checked::Edit { from, path, shape } => self.edit(index, &from, path, shape, names),
            Checked::Remove(standing) => {
                names.freed.insert(standing.path.clone());
                let target = standing.path;
                let work = match standing.mark.sort {
                    Sort::Folder => Work::RemoveFolder { target },
                    _ => Work::Delete { target, expected: standing.was },
                };
                Plan::Do(Box::new(Doing { draft: Draft { index, becomes: None, works: vec![work] }, becomes: None, bytes: 0 }))
            }
        }
    }

    fn edit(&self, index: usize, from: &Standing, path: Vec<u8>, shape: Shape, names: &mut Names) -> Plan {
        let moves = from.path != path;
        if moves && let Err(outcome) = self.free(&path, &shape, Some(from), names) {
            return Plan::Answer(outcome);
        }
        let (works, bytes) = works(from, &path, &shape);
        if works.is_empty() {
            let shown = shown(from, &shape);
            let (key, fingerprint) = (Key(from.key.clone()), from.mark.fingerprint());
            return Plan::Answer(Outcome::Put { key, fingerprint, record: shown.record(&from.key), bytes: 0 });
        }
        if moves {
            names.freed.insert(from.path.clone());
            names.taken.insert(path.clone());
        }
        let writes = works.iter().any(|work| matches!(work, Work::Create { .. } | Work::Replace { .. } | Work::MakeFolder { .. }));
        let shape = if writes { shape } else { shown(from, &shape) };
        doing(index, works, path, shape, bytes)
    }

    /// Tells whether a name will be free when its turn comes.
    fn free(&self, path: &[u8], shape: &Shape, from: Option<&Standing>, names: &mut Names) -> Result<(), Outcome> {
        let refused = |reason: &str| Err(Outcome::Refused { reason: reason.to_owned() });
        if names.taken.contains(path) {
            return Err(Outcome::Stale);
        }
        if name::folders(path).any(|folder| names.taken.contains(folder)) {
            return refused("a file stands where its folder would be");
        }
        if self.fresh {
            return Ok(());
        }
        let found = match self.root.find(path) {
            Ok(found) => found,
            Err(error) => return refused(&refusal(&error)),
        };
        match found {
            None => self.folders_are_fine(path, names),
            Some(_) if names.freed.contains(path) => Ok(()),
            Some(look) if from.is_some_and(|from| from.look.stat.inode == look.stat.inode && from.look.born == look.born) => Ok(()),
            Some(look) if look.sort == Sort::Folder && (*shape == Shape::Folder || self.will_be_empty(path, names)) => Ok(()),
            Some(look) if look.sort == Sort::Folder => refused("a folder stands in its place"),
            Some(look) if look.sort == Sort::Other || (look.sort == Sort::Link && !self.symlinks) => {
                refused("something that is not synced stands in its place")
            }
            Some(_) => Err(Outcome::Stale),
        }
    }

    fn folders_are_fine(&self, path: &[u8], names: &mut Names) -> Result<(), Outcome> {
        let above: Vec<&[u8]> = name::folders(path).take_while(|folder| !names.fine.contains(*folder)).collect();
        for folder in above.iter().rev() {
            match self.root.find(folder) {
                Ok(Some(look)) if look.sort != Sort::Folder && !names.freed.contains(*folder) => {
                    return Err(Outcome::Refused { reason: "a file stands where its folder would be".to_owned() });
                }
                Ok(_) => {}
                Err(error) => return Err(Outcome::Refused { reason: refusal(&error) }),
            }
        }
        names.fine.extend(above.into_iter().map(<[u8]>::to_vec));
        Ok(())
    }

    /// Tells whether everything in a folder leaves it before.
    fn will_be_empty(&self, path: &[u8], names: &Names) -> bool {
        let mut pending = vec![path.to_vec()];
        let mut stays = false;
        while let Some(path) = pending.pop() {
            let Ok(folder) = self.root.beneath(&path) else { return false };
            let listed: io::Result<()> = list(folder.folder(), &mut |name, told| {
                let below = [&path, &b"/"[..], name].concat();
                if told == rustix::fs::FileType::Directory {
                    pending.push(below);
                } else {
                    stays |= !names.freed.contains(&below);
                }
            });
            if listed.is_err() || stays {
                return false;
            }
        }
        true
    }
}

/// Returns what a name shows of a shape if only its name or permissions change: its time is its own.
fn shown(from: &Standing, shape: &Shape) -> Shape {
    match shape {
        Shape::File { content, executable, .. } => {
            Shape::File { content: *content, executable: *executable, modified: Some(from.look.stat.modified.0) }
        }
        other => other.clone(),
    }
}

/// Returns what turns what stands there into a shape, and how many bytes that writes.
fn works(from: &Standing, path: &[u8], shape: &Shape) -> (Vec<Work>, u64) {
    let (moves, target) = (from.path != path, path.to_vec());
    let before = || from.path.clone();
    match (from.mark.sort, shape.sort()) {
        (Sort::Folder, Sort::Folder) if !moves => (Vec::new(), 0),
        (Sort::Folder, Sort::Folder) => (vec![Work::RemoveFolder { target: before() }, Work::MakeFolder { target }], 1),
        (Sort::Folder, _) => (vec![Work::RemoveFolder { target: before() }, creation(target, shape)], length(shape)),
        (_, Sort::Folder) => (vec![Work::Delete { target: before(), expected: from.was.clone() }, Work::MakeFolder { target }], 1),
        _ => {
            let mut works = Vec::new();
            let mut bytes = 0;
            if moves {
                works.push(Work::Move { from: before(), target: target.clone(), expected: from.was.clone() });
                bytes += 1;
            }
            if digest(shape) != from.mark.digest || shape.sort() != from.mark.sort {
                if let Some(content) = content(shape) {
                    works.push(Work::Replace { target, content, expected: from.was.clone() });
                }
                bytes += length(shape).max(1);
            } else if let Shape::File { executable, .. } = shape
                && *executable != from.mark.executable
            {
                works.push(Work::Set { target, executable: *executable, expected: from.was.clone() });
                bytes += 1;
            }
            (works, bytes)
        }
    }
}

fn creation(target: Vec<u8>, shape: &Shape) -> Work {
    match content(shape) {
        Some(content) => Work::Create { target, content },
        None => Work::MakeFolder { target },
    }
}

fn content(shape: &Shape) -> Option<Content> {
    match shape {
        Shape::File { content, executable, modified } => {
            Some(Content::File { blob: *content, executable: *executable, modified: *modified })
        }
        Shape::Link(target) => Some(Content::Link(target.clone())),
        Shape::Folder => None,
    }
}

fn digest(shape: &Shape) -> Digest {
    match shape {
        Shape::File { content, .. } => content.digest,
        Shape::Link(target) => read::of_link(target),
        Shape::Folder => Mark::folder().digest,
    }
}

fn length(shape: &Shape) -> u64 {
    match shape {
        Shape::File { content, .. } => content.length,
        Shape::Link(target) => target.len() as u64,
        Shape::Folder => 0,
    }
}

fn doing(index: usize, works: Vec<Work>, path: Vec<u8>, shape: Shape, bytes: u64) -> Plan {
    let becomes = Becomes { key: name::text(&path), path, digest: digest(&shape), shape };
    let draft = Draft { index, becomes: Some((becomes.key.clone(), becomes.fingerprint())), works };
    Plan::Do(Box::new(Doing { draft, becomes: Some(becomes), bytes }))
}
