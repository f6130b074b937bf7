//! The files that a watch looks at, and which of their events matter.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Something that is watched: an endpoint's place, or the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<T> {
    /// What it belongs to.
    pub(crate) owner: T,
    /// Where it is; it need not exist.
    pub(crate) path: PathBuf,
}

/// Returns the owners of the places that an event is about; all of them if the system lost events.
///
/// Nothing below `state` matters, and no staging area: those are our own writes.
pub(crate) fn owners<T: Copy + PartialEq>(places: &[Place<T>], state: &Path, event: &Event) -> Vec<T> {
    let mut owners = Vec::new();
    for place in places {
        let matters = |path: &PathBuf| !path.starts_with(state) && !is_staging(path) && concerns(&place.path, path);
        let hit = event.need_rescan() || (is_change(&event.kind) && event.paths.iter().any(matters));
        if hit && !owners.contains(&place.owner) {
            owners.push(place.owner);
        }
    }
    owners
}

/// Returns the paths of an event at which a watched folder may be another one by now: it, or one above it, came or went.
pub(crate) fn uprooted<T>(places: &[Place<T>], event: &Event) -> Vec<PathBuf> {
    if event.need_rescan() {
        return vec![PathBuf::from("/")];
    }
    if !matches!(event.kind, EventKind::Any | EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
        return Vec::new();
    }
    let holds = |path: &&PathBuf| places.iter().any(|place| place.path.starts_with(path) || real(&place.path).starts_with(path));
    event.paths.iter().filter(holds).cloned().collect()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Reading is no change; writing is one when the file is closed, and each write before is too.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        _ => true,
    }
}

/// Tells whether a path is the place, something in it, or a folder that holds it; through a link as well.
fn concerns(place: &Path, path: &Path) -> bool {
    let is = |place: &Path| path.starts_with(place) || place.starts_with(path);
    is(place) || is(&real(place))
}

/// Tells whether a path lies in an adapter's staging area: `.syncretic` in a folder, `.NAME.syncretic` beside a file.
fn is_staging(path: &Path) -> bool {
    let staging = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".syncretic"));
    path.iter().any(staging)
}

/// The folders that the system watches.
pub(crate) struct Watched {
    watcher: RecommendedWatcher,
    folders: BTreeMap<PathBuf, RecursiveMode>,
}

impl Watched {
    /// Begins with none; `tell` is called on another thread.
    ///
    /// # Errors
    /// Fails if the system cannot watch files at all.
    pub(crate) fn new(tell: impl FnMut(notify::Result<Event>) + Send + 'static) -> notify::Result<Self> {
        Ok(Self { watcher: notify::recommended_watcher(tell)?, folders: BTreeMap::new() })
    }

    /// Watches what the places need now, and nothing else. Returns what cannot be watched, and why.
    ///
    /// What is at or below `uprooted` is watched anew: a folder that was removed and made again is another folder.
    pub(crate) fn arrange<'p>(&mut self, places: impl Iterator<Item = &'p Path>, uprooted: &[PathBuf]) -> Vec<(PathBuf, notify::Error)> {
        let wanted = folders(places);
        let another = |folder: &Path| uprooted.iter().any(|path| folder.starts_with(path));
        let stale = |(folder, mode): &(&PathBuf, &RecursiveMode)| another(folder) || wanted.get(*folder) != Some(*mode);
        let stale: Vec<PathBuf> = self.folders.iter().filter(stale).map(|(folder, _)| folder.clone()).collect();
        for folder in stale {
            // It may be gone, and its watch with it.
            let _ = self.watcher.unwatch(&folder);
            self.folders.remove(&folder);
        }
        let mut failed = Vec::new();
        for (folder, mode) in wanted {
            if self.folders.contains_key(&folder) {
                continue;
            }
            match self.watcher.watch(&folder, mode) {
                Ok(()) => drop(self.folders.insert(folder, mode)),
                Err(error) => failed.push((folder, error)),
            }
        }
        failed
    }
}

/// Returns the folders to watch: a place that is a folder in its depth, and the nearest folder above every place, where it
/// appears, disappears or is replaced.
fn folders<'p>(places: impl Iterator<Item = &'p Path>) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut folders = BTreeMap::new();
    for place in places {
        for path in [Some(place.to_owned()), place.canonicalize().ok()].into_iter().flatten() {
            if let Some(above) = path.ancestors().skip(1).find(|folder| folder.is_dir()) {
                folders.entry(above.to_owned()).or_insert(RecursiveMode::NonRecursive);
            }
            if path.is_dir() {
                folders.insert(path, RecursiveMode::Recursive);
            }
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, Flag, RenameMode};

    fn places() -> Vec<Place<usize>> {
        let place = |owner, path: &str| Place { owner, path: PathBuf::from(path) };
        vec![place(0, "/home/ada/contacts.csv"), place(0, "/home/ada/cards"), place(1, "/srv/team")]
    }

    fn hit(kind: EventKind, path: &str) -> Vec<usize> {
        owners(&places(), Path::new("/home/ada/cards/.state"), &Event::new(kind).add_path(PathBuf::from(path)))
    }

    #[test]
    fn a_save_matters_however_the_editor_does_it() {
        for kind in [
            EventKind::Modify(ModifyKind::Any),
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
        ] {
            assert_eq!(hit(kind, "/home/ada/contacts.csv"), [0], "{kind:?}");
            assert_eq!(hit(kind, "/home/ada/cards/work/bob.vcf"), [0], "{kind:?}");
        }
        assert_eq!(hit(EventKind::Create(CreateKind::Folder), "/srv"), [1], "a folder above was mounted");
    }

    #[test]
    fn reading_neighbours_and_our_own_staging_do_not_matter() {
        let modified = EventKind::Modify(ModifyKind::Any);
        assert_eq!(hit(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/home/ada/contacts.csv"), [0; 0]);
        for path in [
            "/home/ada/letter.odt",
            "/home/ada/.contacts.csv.syncretic/0a/0",
            "/home/ada/cards/.syncretic/0a/journal",
            "/home/ada/cards/.state/store/store.db-wal",
        ] {
            assert_eq!(hit(modified, path), [0; 0], "{path}");
        }
    }

    #[test]
    fn a_folder_that_comes_or_goes_is_another_folder_and_a_saved_file_is_not() {
        let uprooted = |kind, path: &str| uprooted(&places(), &Event::new(kind).add_path(PathBuf::from(path)));
        assert_eq!(uprooted(EventKind::Create(CreateKind::Folder), "/home/ada/cards"), [PathBuf::from("/home/ada/cards")]);
        assert_eq!(uprooted(EventKind::Modify(ModifyKind::Name(RenameMode::From)), "/srv"), [PathBuf::from("/srv")]);
        assert!(uprooted(EventKind::Create(CreateKind::File), "/home/ada/cards/bob.vcf").is_empty());
        assert!(uprooted(EventKind::Modify(ModifyKind::Any), "/home/ada/cards").is_empty());
    }

    #[test]
    fn lost_events_concern_everybody_once() {
        let event = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(owners(&places(), Path::new("/x"), &event), [0, 1]);
    }

    #[test]
    fn a_folder_is_watched_in_its_depth_and_a_missing_one_from_above() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("cards")).unwrap();
        let (cards, gone) = (root.join("cards"), root.join("not/yet/there"));
        let found = folders([cards.as_path(), gone.as_path()].into_iter());
        let expected = [(root, RecursiveMode::NonRecursive), (cards, RecursiveMode::Recursive)];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }
}
