//! The scan: what stands beneath the root, compared with what was known of it.
//!
//! A file whose size, times and number are what they were is not opened. One that is gone is looked for under the new
//! names by its number on the disk, so that a moved file or folder is known for what it was.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use adapter::staging::{Moment, Note, Stat};
use adapter::{Broken, Error, Fingerprint, Host, Item, Key, Known, Place, Sink};
use rayon::prelude::*;

use crate::beneath::{Look, Root};
use crate::mark::{Mark, Sort};
use crate::name;
use crate::read::{self, Unread};
use crate::rules::Rules;
use crate::shape::Shape;
use crate::walk::{self, Entry, Trouble, Walk, reason};

/// What a scan works with.
pub(crate) struct Scanner<'s> {
    pub(crate) root: &'s Root,
    pub(crate) path: &'s Path,
    pub(crate) rules: &'s Rules,
    pub(crate) symlinks: bool,
    pub(crate) now: Moment,
    pub(crate) host: &'s dyn Host,
    pub(crate) known: &'s dyn Known,
}

/// A name with what was known of it.
struct Candidate {
    entry: Entry,
    key: String,
    known: Option<(Mark, Fingerprint)>,
    /// The key under which it was known, if it was moved.
    from: Option<Key>,
}

/// What was known and does not stand where it stood, in the order of the keys.
type Missing = Vec<(Key, Mark)>;

/// What became of a name.
enum Found {
    Same(Fingerprint),
    Item(Box<Shape>, Mark),
    Broken(String),
    /// Nothing that is synced stands there, and nothing did.
    Passed,
}

/// What a note depends on besides the files.
const READER: &[u8] = concat!("fs/1 ", env!("CARGO_PKG_VERSION")).as_bytes();

/// How often the walk begins again because names changed meanwhile.
const WALKS: usize = 3;

impl Scanner<'_> {
    /// Reports everything that stands beneath the root, in the order of the keys, and returns what [`Self::note`] does.
    ///
    /// # Errors
    /// Fails if the root cannot be read, or if someone asked to stop.
    pub(crate) fn scan(&self, identity: &[u8], out: &mut dyn Sink) -> Result<Option<Vec<u8>>, Error> {
        let (walk, mut candidates, mut missing) = self.look_around()?;
        self.respell(&mut candidates, &mut missing);
        self.recognise(&mut candidates, &mut missing);
        let bare: Vec<String> = walk.bare.iter().map(|path| name::text(path)).collect();
        let found = self.look_into(&candidates)?;
        let mut note = if walk.troubles.is_empty() { self.note(identity, &candidates, &found, &bare) } else { None };
        self.report(candidates, found, &missing, out);
        for key in bare {
            self.keep_bare(&Key(key), &mut missing, out);
        }
        if self.keep_excluded(&missing, out) {
            note = None;
        }
        walk.troubles.iter().for_each(|trouble| self.tell(trouble, &missing, out));
        Ok(note)
    }

    /// Tells whether everything stands as it stood when a note was made.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub(crate) fn same(&self, identity: &[u8], note: &[u8]) -> Result<bool, Error> {
        let walk = self.walk()?;
        let settled = |entry: &Entry| !self.is_read(entry.look.sort) || entry.look.stat.is_settled(self.now);
        if !walk.troubles.is_empty() || !walk.entries.par_iter().all(settled) {
            return Ok(false);
        }
        let (entries, bare) = (walk.entries.into_par_iter(), walk.bare.into_par_iter());
        let mut names: Vec<_> = entries.map(|entry| (name::text(&entry.path), entry.look.sort, entry.look.stat)).collect();
        names.par_extend(bare.map(|path| (name::text(&path), Sort::Other, Stat::default())));
        names.par_sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(self.noted(identity, names.iter().map(|(key, sort, stat)| (key.as_str(), *sort, stat))) == note)
    }

    /// Returns what tells later whether anything changed; nothing where the times of a file would not show it.
    fn note(&self, identity: &[u8], candidates: &[Candidate], found: &[Found], bare: &[String]) -> Option<Vec<u8>> {
        let mut names = Vec::with_capacity(candidates.len() + bare.len());
        for (candidate, found) in candidates.iter().zip(found) {
            let mark = match found {
                Found::Same(fingerprint) => Mark::read(fingerprint)?,
                Found::Item(_, mark) => *mark,
                Found::Passed => Mark { sort: candidate.entry.look.sort, ..Mark::folder() },
                Found::Broken(_) => return None,
            };
            if self.is_read(mark.sort) && !mark.trusted {
                return None;
            }
            names.push((candidate.key.as_str(), mark.sort, mark.stat));
        }
        names.extend(bare.iter().map(|key| (key.as_str(), Sort::Other, Stat::default())));
        names.sort_by(|one, other| one.0.cmp(other.0));
        Some(self.noted(identity, names.iter().map(|(key, sort, stat)| (*key, *sort, stat))))
    }

    /// Tells whether what stands there counts, besides its being there.
    fn is_read(&self, sort: Sort) -> bool {
        sort == Sort::File || (sort == Sort::Link && self.symlinks)
    }

    /// Digests names in their order.
    fn noted<'n>(&self, identity: &[u8], names: impl Iterator<Item = (&'n str, Sort, &'n Stat)>) -> Vec<u8> {
        let reader = [READER, &[u8::from(self.symlinks)], &self.rules.digest().0].concat();
        let mut note = Note::new(&reader, identity);
        for (key, sort, stat) in names {
            let nothing = Stat::default();
            note.add(&[&[sort as u8], key.as_bytes()].concat(), if self.is_read(sort) { stat } else { &nothing });
        }
        note.finish()
    }

    fn walk(&self) -> Result<Walk, Error> {
        let stop = || self.host.cancelled();
        let walk = walk::walk(self.root, self.rules, &stop).map_err(|error| Error::io(self.path, error))?;
        if self.host.cancelled() { Err(Error::Cancelled) } else { Ok(walk) }
    }

    /// Walks until no name that was known can have been moved past the walk.
    fn look_around(&self) -> Result<(Walk, Vec<Candidate>, Missing), Error> {
        let mut attempt = 1;
        loop {
            let mut walk = self.walk()?;
            let mut candidates: Vec<Candidate> =
                std::mem::take(&mut walk.entries).into_par_iter().map(|entry| self.candidate(entry)).collect();
            candidates.par_sort_unstable_by(|one, other| one.key.cmp(&other.key));
            let missing = self.missing(&candidates);
            if missing.is_empty() {
                return Ok((walk, candidates, missing));
            }
            match walk.changed(self.root).map(<[u8]>::to_vec) {
                None => return Ok((walk, candidates, missing)),
                Some(path) if attempt == WALKS => {
                    let reason = "files were made or moved in it while it was read; sync again".to_owned();
                    walk.troubles.push(Trouble { path, folder: true, reason });
                    return Ok((walk, candidates, missing));
                }
                Some(_) => attempt += 1,
            }
        }
    }

    fn candidate(&self, entry: Entry) -> Candidate {
        let key = Key(name::text(&entry.path));
        let known = self.known.fingerprint(&key).and_then(|fingerprint| Some((Mark::read(&fingerprint)?, fingerprint)));
        Candidate { entry, key: key.0, known, from: None }
    }

    /// Returns what was known and does not stand where it stood.
    fn missing(&self, candidates: &[Candidate]) -> Missing {
        let standing = candidates.iter().filter(|candidate| candidate.known.is_some()).count();
        if standing == self.known.count() {
            return Vec::new();
        }
        let here: HashSet<&str> = candidates.iter().map(|candidate| candidate.key.as_str()).collect();
        let mut missing = Vec::new();
        self.known.each(&mut |key, fingerprint| {
            if !here.contains(key.0.as_str())
                && let Some(mark) = Mark::read(fingerprint)
            {
                missing.push((key.clone(), mark));
            }
        });
        missing.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        missing
    }

    /// Keeps the key of what is known under another spelling of its folders, where the disk takes both for one: else two such disks
    /// that spell a folder in two ways would each tell the other's spelling as a move, for ever.
    fn respell(&self, candidates: &mut [Candidate], missing: &mut Missing) {
        let known = missing.iter().filter_map(|(key, mark)| Some((name::spelled_small(&key.0)?, (key.clone(), *mark))));
        let mut known: HashMap<String, (Key, Mark)> = known.collect();
        let mut found = HashSet::new();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.known.is_none()) {
            let Some(small) = name::spelled_small(&candidate.key).filter(|small| known.contains_key(small)) else { continue };
            let number = |look: &Look| (look.stat.device, look.stat.inode);
            let leads_here = |key: &Key| {
                let look = name::raw(&key.0).and_then(|path| self.root.look(&path).ok());
                look.is_some_and(|look| number(&look) == number(&candidate.entry.look))
            };
            if let Some((key, mark)) = known.remove(&small).filter(|(key, _)| leads_here(key)) {
                candidate.known = Some((mark, mark.fingerprint()));
                candidate.key.clone_from(&key.0);
                found.insert(key);
            }
        }
        missing.retain(|(key, _)| !found.contains(key));
    }

    /// Finds what is missing under new names, by its number on the disk.
    fn recognise(&self, candidates: &mut [Candidate], missing: &mut Missing) {
        let mut numbers: HashMap<(u64, u64), Vec<(Key, Mark)>> = HashMap::new();
        for (key, mark) in missing.iter().filter(|(_, mark)| mark.sort == Sort::File) {
            // Two may be known by one number: the later got it when the earlier was gone.
            numbers.entry((mark.stat.device, mark.stat.inode)).or_default().push((key.clone(), *mark));
        }
        let mut found = HashSet::new();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.known.is_none()) {
            let look = &candidate.entry.look;
            let Some(known) = numbers.get_mut(&(look.stat.device, look.stat.inode)).filter(|_| look.sort == Sort::File) else { continue };
            if let Some(at) = known.iter().position(|(_, mark)| mark.is_file(&look.stat, look.born)) {
                let (key, mark) = known.swap_remove(at);
                candidate.known = Some((mark, mark.fingerprint()));
                found.insert(key.clone());
                candidate.from = Some(key);
            }
        }
        missing.retain(|(key, _)| !found.contains(key));
    }

    fn look_into(&self, candidates: &[Candidate]) -> Result<Vec<Found>, Error> {
        let (done, of) = (AtomicU64::new(0), candidates.len() as u64);
        self.host.progress(0, Some(of));
        let found: Result<Vec<Found>, Error> = candidates
            .par_iter()
            .map(|candidate| {
                if self.host.cancelled() {
                    return Err(Error::Cancelled);
                }
                let found = self.find(candidate);
                let done = done.fetch_add(1, Ordering::Relaxed);
                if done.is_multiple_of(256) {
                    self.host.progress(done, Some(of));
                }
                Ok(found)
            })
            .collect();
        self.host.progress(of, Some(of));
        found
    }

    fn find(&self, candidate: &Candidate) -> Found {
        let (look, known) = (&candidate.entry.look, candidate.known.as_ref().map(|(mark, _)| mark));
        match look.sort {
            Sort::Folder => match &candidate.known {
                Some((mark, fingerprint)) if mark.sort == Sort::Folder => Found::Same(fingerprint.clone()),
                _ => Found::Item(Box::new(Shape::Folder), Mark::folder()),
            },
            Sort::Other if known.is_some() => Found::Broken("a pipe, socket or device stands there now; those are not synced".to_owned()),
            Sort::Other => Found::Passed,
            Sort::Link if !self.symlinks => match known {
                Some(_) => Found::Broken("a symbolic link stands there now; add `symlinks = true` to sync links".to_owned()),
                None => Found::Passed,
            },
            Sort::Link => self.link(candidate),
            Sort::File => self.file(candidate),
        }
    }

    fn link(&self, candidate: &Candidate) -> Found {
        match self.root.read_link(&candidate.entry.path) {
            Err(error) => Found::Broken(reason(&error)),
            Ok(target) if !name::stays_inside(&candidate.entry.path, &target) => {
                Found::Broken("this symbolic link leads out of the folder; it is not synced".to_owned())
            }
            Ok(target) => {
                let digest = read::of_link(&target);
                let mark = self.mark(&candidate.entry.look, digest);
                self.compared(candidate, mark, || Shape::Link(target))
            }
        }
    }

    fn file(&self, candidate: &Candidate) -> Found {
        let look = candidate.entry.look;
        let vouched = candidate.known.as_ref().filter(|(mark, _)| mark.vouches_for(look.sort, &look.stat, self.now));
        let mark = match vouched {
            Some((mark, fingerprint)) if candidate.from.is_none() && mark.executable == look.executable() => {
                return Found::Same(fingerprint.clone());
            }
            Some((mark, _)) => self.mark(&look, mark.digest),
            None => match read::digest(self.root, &candidate.entry.path) {
                Ok((digest, look)) if look.sort == Sort::File => self.mark(&look, digest),
                Ok(_) | Err(Unread::Changed) => return Found::Broken("it changed while it was read; sync again".to_owned()),
                Err(Unread::Io(error)) => return Found::Broken(reason(&error)),
            },
        };
        self.compared(candidate, mark, || Shape::of_file(&mark))
    }

    fn mark(&self, look: &Look, digest: record::Digest) -> Mark {
        let trusted = look.stat.is_settled(self.now);
        Mark { trusted, sort: look.sort, executable: look.executable(), stat: look.stat, born: look.born, digest }
    }

    fn compared(&self, candidate: &Candidate, mark: Mark, shape: impl FnOnce() -> Shape) -> Found {
        let same = |known: &Mark| known.sort == mark.sort && known.digest == mark.digest && known.executable == mark.executable;
        match &candidate.known {
            // A newer time alone is nobody's edit.
            Some((known, _)) if candidate.from.is_none() && same(known) => Found::Same(mark.fingerprint()),
            _ => Found::Item(Box::new(shape()), mark),
        }
    }

    fn report(&self, candidates: Vec<Candidate>, found: Vec<Found>, missing: &[(Key, Mark)], out: &mut dyn Sink) {
        for (candidate, found) in candidates.into_iter().zip(found) {
            let Candidate { entry, key, from, .. } = candidate;
            let place = self.place(&entry.path);
            match found {
                Found::Same(fingerprint) => out.unchanged(Key(key), fingerprint),
                Found::Item(shape, mark) => {
                    let record = shape.record(&key);
                    let item = Item { key: Key(key), fingerprint: mark.fingerprint(), record, place };
                    match from {
                        Some(from) => out.moved(item, from),
                        None => out.item(item),
                    }
                }
                Found::Broken(reason) => {
                    let title = Some(name::shown(&key));
                    // What a link hides is not known by its own name.
                    let hides = beneath(&key, missing);
                    out.broken(Broken { key: (!hides).then_some(Key(key)), title, place, reason });
                }
                Found::Passed if beneath(&key, missing) => {
                    let reason = "something that is not synced stands in the place of this folder; what was in it is not taken for deleted"
                        .to_owned();
                    out.broken(Broken { key: None, title: Some(name::shown(&key)), place, reason });
                }
                Found::Passed => {}
            }
        }
    }

    /// A folder that was known stays known when nothing but what is not synced lies in it.
    fn keep_bare(&self, key: &Key, missing: &mut Missing, out: &mut dyn Sink) {
        if let Ok(at) = missing.binary_search_by(|(known, _)| known.cmp(key)) {
            let (key, mark) = missing.remove(at);
            if mark.sort == Sort::Folder {
                out.unchanged(key, mark.fingerprint());
            }
        }
    }

    /// What stands there, but is not synced any more, was not deleted; tells whether there is any.
    fn keep_excluded(&self, missing: &[(Key, Mark)], out: &mut dyn Sink) -> bool {
        let mut any = false;
        for (key, mark) in missing {
            let Some(path) = name::raw(&key.0) else { continue };
            let excluded = !self.rules.take_wholly(&path, mark.sort == Sort::Folder);
            if excluded && self.root.find(&path).is_ok_and(|found| found.is_some()) {
                out.unchanged(key.clone(), mark.fingerprint());
                any = true;
            }
        }
        any
    }

    fn tell(&self, trouble: &Trouble, missing: &[(Key, Mark)], out: &mut dyn Sink) {
        let key = name::text(&trouble.path);
        let (title, place) = (Some(name::shown(&key)), self.place(&trouble.path));
        let unknown = trouble.folder || beneath(&key, missing);
        out.broken(Broken { key: (!unknown).then_some(Key(key)), title, place, reason: trouble.reason.clone() });
    }

    fn place(&self, path: &[u8]) -> Place {
        use std::os::unix::ffi::OsStrExt as _;
        Place { path: self.path.join(std::ffi::OsStr::from_bytes(path)), line: None, column: None }
    }
}

/// Tells whether something that is missing stood beneath a key.
fn beneath(key: &str, missing: &[(Key, Mark)]) -> bool {
    let folder = format!("{key}/");
    let at = missing.partition_point(|(known, _)| known.0 < folder);
    missing.get(at).is_some_and(|(known, _)| known.0.starts_with(&folder))
}
