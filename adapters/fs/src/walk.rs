//! The walk: every name beneath the root that is synced, in parallel, without following a link.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rustix::fs::FileType;

use crate::beneath::{Look, Root, list, look, open_folder, sort};
use crate::mark::Sort;
use crate::rules::Rules;

/// A name that was found.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its path beneath the root.
    pub(crate) path: Vec<u8>,
    pub(crate) look: Look,
}

/// What could not be looked at.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) path: Vec<u8>,
    /// Whether it is a folder, so that nobody knows what is in it.
    pub(crate) folder: bool,
    pub(crate) reason: String,
}

/// A folder, and what it was when its names were read.
#[derive(Debug)]
struct Visited {
    path: Vec<u8>,
    look: Look,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files, links and whatever is neither, and folders in which nothing is synced; in no order.
    pub(crate) entries: Vec<Entry>,
    /// Folders in which there are only names that are not synced.
    pub(crate) bare: Vec<Vec<u8>>,
    pub(crate) troubles: Vec<Trouble>,
    visited: Vec<Visited>,
}

/// Walks through everything beneath the root. `stop` ends it early.
///
/// # Errors
/// Fails if the root cannot be read.
pub(crate) fn walk(root: &Root, rules: &Rules, stop: &(dyn Fn() -> bool + Sync)) -> io::Result<Walk> {
    let walker = Walker { rules, stop, found: Mutex::default() };
    let folder = Arc::new(root.folder().try_clone_to_owned()?);
    let mut outcome = Ok(());
    rayon::scope(|scope| outcome = walker.visit(scope, &folder, &[]));
    outcome?;
    Ok(walker.found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Walk {
    /// Returns a folder whose names changed since they were read: then something may have been moved past the walk.
    pub(crate) fn changed(&self, root: &Root) -> Option<&[u8]> {
        let same = |visited: &Visited| {
            let now = if visited.path.is_empty() { look(root.folder(), b".") } else { root.look(&visited.path) };
            now.is_ok_and(|now| now.stat.modified == visited.look.stat.modified && now.stat.inode == visited.look.stat.inode)
        };
        self.visited.par_iter().find_any(|visited| !same(visited)).map(|visited| visited.path.as_slice())
    }
}

struct Walker<'w> {
    rules: &'w Rules,
    stop: &'w (dyn Fn() -> bool + Sync),
    found: Mutex<Walk>,
}

impl<'w> Walker<'w> {
    /// Reads one folder, and lets others read those in it.
    fn visit<'s>(&'s self, scope: &rayon::Scope<'s>, folder: &Arc<OwnedFd>, path: &[u8]) -> io::Result<()>
    where
        'w: 's,
    {
        if (self.stop)() {
            return Ok(());
        }
        let mut found = Walk::default();
        let own = look(folder.as_fd(), b".")?;
        let (mut taken, mut passed) = (0_usize, 0_usize);
        let mut inner: Vec<Vec<u8>> = Vec::new();
        list(folder.as_fd(), &mut |name, told| {
            let below = join(path, name);
            match self.one(folder, &below, name, told) {
                Ok(None) => passed += 1,
                Ok(Some(One::Folder)) => {
                    taken += 1;
                    inner.push(name.to_vec());
                }
                Ok(Some(One::Name(look))) => {
                    taken += 1;
                    found.entries.push(Entry { path: below, look });
                }
                // It went while it was walked past: it is not there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    taken += 1;
                    found.troubles.push(Trouble { path: below, folder: false, reason: reason(&error) });
                }
            }
        })?;
        if taken == 0 && !path.is_empty() {
            if passed > 0 {
                found.bare.push(path.to_vec());
            } else if self.rules.takes(path, true) {
                found.entries.push(Entry { path: path.to_vec(), look: own });
            }
        }
        found.visited.push(Visited { path: path.to_vec(), look: own });
        self.add(found);
        for name in inner {
            let (folder, path) = (Arc::clone(folder), join(path, &name));
            scope.spawn(move |scope| self.enter(scope, &folder, &name, path));
        }
        Ok(())
    }

    fn enter<'s>(&'s self, scope: &rayon::Scope<'s>, parent: &OwnedFd, name: &[u8], path: Vec<u8>)
    where
        'w: 's,
    {
        let outcome = open_folder(parent.as_fd(), name).and_then(|folder| self.visit(scope, &Arc::new(folder), &path));
        match outcome {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let trouble = Trouble { path, folder: true, reason: reason(&error) };
                self.add(Walk { troubles: vec![trouble], ..Walk::default() });
            }
        }
    }

    /// Looks at one name; nothing if it is passed over.
    fn one(&self, folder: &OwnedFd, path: &[u8], name: &[u8], told: FileType) -> io::Result<Option<One>> {
        let mut looked = None;
        let kind = match told {
            FileType::Unknown => looked.insert(look(folder.as_fd(), name)?).sort,
            told => sort(told),
        };
        if kind == Sort::Folder {
            return Ok((!self.rules.passes_over(path)).then_some(One::Folder));
        }
        if !self.rules.takes(path, false) {
            return Ok(None);
        }
        let found = match looked {
            Some(found) => found,
            None => look(folder.as_fd(), name)?,
        };
        Ok(Some(if found.sort == Sort::Folder { One::Folder } else { One::Name(found) }))
    }

    fn add(&self, more: Walk) {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.entries.extend(more.entries);
        all.bare.extend(more.bare);
        all.troubles.extend(more.troubles);
        all.visited.extend(more.visited);
    }
}

enum One {
    Folder,
    Name(Look),
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Says for people why something cannot be read.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "it was there a moment ago; sync again".to_owned(),
        _ => error.to_string(),
    }
}
