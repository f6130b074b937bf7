//! Users: they write, save as editors do, move, swap, copy and delete, each knowing what their own folder shows.

use std::collections::BTreeMap;

use adapter::Fingerprint;

use super::disk::{Body, Node, folders, join, split};
use super::face::Mark;
use super::place::Place;
use super::versions::Version;
use super::world::World;
use crate::simulator::faults::Fault;

/// Folders and names for new files: few, so that people choose the same.
const FOLDERS: &[&str] = &["", "", "a", "b", "a/c"];
const NAMES: &[&str] = &["x", "y", "z.txt", "w", "a", "B", "X"];
/// The most files of a folder.
const MOST: usize = 9;

/// Someone at an endpoint.
pub(super) struct User<'p> {
    at: usize,
    pub(super) place: &'p mut Place,
    /// What the engine knew when they began.
    known: BTreeMap<String, Vec<Fingerprint>>,
}

/// A file that a user sees.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) path: String,
    pub(super) version: Version,
    executable: bool,
}

impl User<'_> {
    /// Returns the files that can be opened.
    pub(super) fn files(&self) -> Vec<Sight> {
        self.all()
            .into_iter()
            .filter(|file| !self.place.disk.find(&file.path).is_some_and(|node| self.place.disk.unreadable.contains(&node.inode)))
            .collect()
    }

    fn all(&self) -> Vec<Sight> {
        let seen = self.place.disk.list().into_iter().filter(|(path, _)| !is_own(path));
        seen.filter_map(|(path, node)| match node.body {
            Body::File { version, executable, .. } => Some(Sight { path, version, executable }),
            Body::Folder => None,
        })
        .collect()
    }

    fn folders(&self) -> Vec<String> {
        self.place.disk.list().into_iter().filter(|(_, node)| node.is_folder()).map(|(path, _)| path).collect()
    }

    fn inside(&self, folder: &str) -> Vec<Sight> {
        let start = format!("{folder}/");
        self.all().into_iter().filter(|file| file.path.starts_with(&start)).collect()
    }

    /// Tells whether the engine will know a file that is moved now for what it was; a file that it does not know at all is new anyway.
    fn recognised(&self, path: &str) -> bool {
        let Some(known) = self.known.get(path) else { return true };
        let node = self.place.disk.find(path);
        known.iter().filter_map(Mark::read).any(|mark| node.is_some_and(|node| mark.is_file(node)))
    }

    /// Gives a file another name in what users meant.
    fn moved(&self, file: &Sight, to: &str) {
        let mut versions = self.place.versions.look();
        let unknown = self.place.disk.habits.birthless && versions.is_just_written(self.at, file.version);
        if unknown || !self.recognised(&file.path) {
            versions.tangle(file.version, "moved before it was known");
        }
        versions.rename(self.at, file.version, to);
    }

    fn mixed_up(&self, file: &Sight, also: &str, why: &'static str) {
        let mut versions = self.place.versions.look();
        versions.tangle(file.version, why);
        versions.rename(self.at, file.version, also);
    }

    fn make_folders_of(&mut self, path: &str) -> bool {
        let Some(folder) = folders(path).next().map(str::to_owned) else { return true };
        self.place.disk.make_folders(&folder).is_ok()
    }

    /// Makes a file of a version under a free name.
    fn lay(&mut self, path: &str, version: Version, executable: bool) -> bool {
        let modified = self.place.disk.now();
        let node = self.place.disk.fresh(Body::File { version, executable, modified });
        self.place.disk.attach(path, node).is_ok()
    }

    fn is_free(&self, path: &str) -> bool {
        self.place.disk.find(path).is_none() && folders(path).all(|folder| self.place.disk.find(folder).is_none_or(Node::is_folder))
    }

    fn remove(&mut self, file: &Sight) {
        if let Ok(node) = self.place.disk.detach(&file.path) {
            self.place.disk.free(&node);
        }
        self.place.versions.look().delete(file.version);
    }

    /// Removes a folder with everything in it, unless something in it cannot be removed.
    fn remove_folder(&mut self, folder: &str) -> bool {
        for file in self.inside(folder) {
            self.remove(&file);
        }
        for path in self.place.disk.beneath(folder).into_iter().rev() {
            let _ = self.place.disk.remove_folder(&path);
        }
        self.place.disk.remove_folder(folder).is_ok()
    }
}

/// Tells whether a name is one that an item only passes through.
fn is_own(path: &str) -> bool {
    path.starts_with(".syncretic")
}

/// Something that a user does to one file.
type Deed = fn(&mut World, &mut User<'_>, &Sight);

/// What users do to files, and how often.
const DEEDS: &[(usize, Deed)] = &[
    (22, World::write),
    (14, World::save_by_rename),
    (6, World::save_with_backup),
    (16, World::move_file),
    (4, World::move_over),
    (5, World::change_case),
    (6, World::swap),
    (3, World::rotate),
    (4, World::copy),
    (4, World::toggle),
    (2, World::touch),
    (10, World::delete),
    (3, World::make_it_a_folder),
];

impl World {
    /// Lets the user of an endpoint do something.
    pub(super) fn user(&mut self, at: usize) {
        if self.dice.chance(150) && self.meet(at).is_some() {
            return;
        }
        self.as_user(at, Self::act);
    }

    /// Lets someone do something at an endpoint whose files can be seen.
    pub(super) fn as_user<T>(&mut self, at: usize, act: impl FnOnce(&mut Self, &mut User<'_>) -> T) -> Option<T> {
        let endpoint = self.endpoints.get(at)?;
        let (place, known) = (endpoint.place.clone(), endpoint.remembered());
        let place = &mut *place.look();
        if !place.whole() || place.disk.locked.is_some() {
            return None;
        }
        self.count("users' actions");
        let user = &mut User { at, place, known };
        let done = act(self, user);
        let mut versions = user.place.versions.look();
        user.folders().iter().for_each(|folder| versions.folder(folder));
        Some(done)
    }

    fn act(&mut self, user: &mut User<'_>) {
        let files = user.files();
        let Some(file) = self.pick(user, &files).filter(|_| !self.dice.chance(250)) else {
            return self.create(user);
        };
        if self.dice.chance(170) {
            return self.rearrange(user);
        }
        let mut left = self.dice.below(DEEDS.iter().map(|(often, _)| often).sum());
        for (often, deed) in DEEDS {
            match left.checked_sub(*often) {
                Some(less) => left = less,
                None => return deed(self, user, &file),
            }
        }
    }

    /// Picks a file: now and then the one that somebody else had last, so that people meet.
    fn pick(&mut self, user: &User<'_>, files: &[Sight]) -> Option<Sight> {
        let line = |version| user.place.versions.look().line_number(version);
        let same =
            self.latest.filter(|_| self.dice.chance(400)).and_then(|latest| files.iter().find(|file| line(file.version) == Some(latest)));
        let picked = same.cloned().or_else(|| self.dice.pick(files))?;
        self.latest = line(picked.version);
        Some(picked)
    }

    fn tell(&self, user: &User<'_>, what: &str) {
        self.say(|| format!("USER of e{} {what}", user.at));
    }

    /// Chooses a name: one that nobody else ever uses, or one of a few.
    fn some_path(&mut self) -> String {
        let folder = self.dice.pick(FOLDERS).unwrap_or_default();
        let name = if self.dice.chance(550) {
            self.named += 1;
            format!("n{}.txt", self.named)
        } else {
            self.dice.pick(NAMES).unwrap_or_default().to_owned()
        };
        let path = join(folder, &name);
        if self.faults.on(Fault::Forms) && self.dice.chance(60) { path.to_uppercase() } else { path }
    }

    fn create(&mut self, user: &mut User<'_>) {
        let path = self.some_path();
        if user.files().len() >= MOST || !user.is_free(&path) || !user.make_folders_of(&path) {
            return;
        }
        let version = user.place.versions.look().create(user.at, &path);
        user.lay(&path, version, false);
        let inode = user.place.disk.find(&path).map_or(0, |node| node.inode);
        user.place.versions.look().numbered(version, inode);
        self.tell(user, &format!("creates {path} as {version:?}"));
    }

    fn edited(&self, user: &User<'_>, file: &Sight, how: &str, same: bool) -> Version {
        let new = user.place.versions.look().edit(user.at, file.version, same);
        user.place.versions.look().seen_at(file.version, &file.path);
        self.tell(user, &format!("{how} {}: {:?} becomes {new:?}", file.path, file.version));
        new
    }

    pub(super) fn write(&mut self, user: &mut User<'_>, file: &Sight) {
        let new = self.edited(user, file, "writes", !user.place.disk.habits.birthless);
        user.place.disk.write(&file.path, new);
    }

    /// As most editors save: a new file, renamed over the old one.
    pub(super) fn save_by_rename(&mut self, user: &mut User<'_>, file: &Sight) {
        let new = self.edited(user, file, "saves by rename", false);
        if let Ok(old) = user.place.disk.detach(&file.path) {
            user.lay(&file.path, new, file.executable);
            user.place.disk.free(&old);
        }
    }

    /// As some editors save: the old file is renamed, a new one gets its name.
    fn save_with_backup(&mut self, user: &mut User<'_>, file: &Sight) {
        let backup = format!("{}~", file.path);
        if file.path.ends_with('~') || user.place.disk.rename(&file.path, &backup).is_err() {
            return;
        }
        user.mixed_up(file, &backup, "an editor left a backup of it");
        let stood = user.place.versions.look().stands(file.version);
        let new = self.edited(user, file, "saves, with a backup,", false);
        if stood {
            user.place.versions.look().keep(file.version);
        }
        user.lay(&file.path, new, file.executable);
    }

    fn move_file(&mut self, user: &mut User<'_>, file: &Sight) {
        let to = self.some_path();
        self.move_to(user, file, &to);
    }

    pub(super) fn move_to(&mut self, user: &mut User<'_>, file: &Sight, to: &str) {
        if !user.is_free(to) || !user.make_folders_of(to) {
            return;
        }
        user.moved(file, to);
        let _ = user.place.disk.rename(&file.path, to);
        self.tell(user, &format!("moves {} to {to} ({:?})", file.path, file.version));
    }

    /// A file takes the name of another one, which goes.
    fn move_over(&mut self, user: &mut User<'_>, file: &Sight) {
        let others: Vec<Sight> = user.files().into_iter().filter(|other| other.path != file.path).collect();
        let Some(other) = self.dice.pick(&others) else { return };
        self.tell(user, &format!("moves {} over {} ({:?} over {:?})", file.path, other.path, file.version, other.version));
        user.remove(&other);
        user.place.versions.look().tangle(other.version, "another file was moved over it");
        user.mixed_up(file, &other.path, "it was moved over another file");
        let _ = user.place.disk.rename(&file.path, &other.path);
    }

    fn change_case(&mut self, user: &mut User<'_>, file: &Sight) {
        let (folder, name) = split(&file.path);
        let upper = name.to_uppercase();
        let to = join(folder, &if upper == name { name.to_lowercase() } else { upper });
        let own = user.place.disk.habits.caseless;
        if !self.faults.on(Fault::Forms) || to == file.path || !(own || user.is_free(&to)) {
            return;
        }
        user.moved(file, &to);
        let _ = user.place.disk.rename(&file.path, &to);
        self.tell(user, &format!("moves {} to {to}", file.path));
    }

    /// Gives each of some files the next one's name.
    fn turn(&mut self, user: &mut User<'_>, files: &[Sight]) {
        let detached: Vec<(String, Node)> =
            files.iter().filter_map(|file| Some((file.path.clone(), user.place.disk.detach(&file.path).ok()?))).collect();
        let names = detached.iter().cycle().skip(1).map(|(path, _)| path.clone());
        for ((to, (_, node)), file) in names.zip(&detached).zip(files) {
            user.mixed_up(file, &to, "files changed their names in a circle");
            let _ = user.place.disk.attach(&to, node.clone());
        }
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        self.tell(user, &format!("turns the names of {names:?}"));
    }

    fn swap(&mut self, user: &mut User<'_>, file: &Sight) {
        let others: Vec<Sight> = user.files().into_iter().filter(|other| other.path != file.path).collect();
        if let Some(other) = self.dice.pick(&others) {
            self.turn(user, &[file.clone(), other]);
        }
    }

    fn rotate(&mut self, user: &mut User<'_>, file: &Sight) {
        let others: Vec<Sight> = user.files().into_iter().filter(|other| other.path != file.path).take(2).collect();
        if let [one, other] = others.as_slice() {
            self.turn(user, &[file.clone(), one.clone(), other.clone()]);
        }
    }

    fn copy(&mut self, user: &mut User<'_>, file: &Sight) {
        let to = self.some_path();
        if user.files().len() >= MOST || !user.is_free(&to) || !user.make_folders_of(&to) {
            return;
        }
        user.mixed_up(file, &to, "it was copied");
        user.lay(&to, file.version, file.executable);
        self.tell(user, &format!("copies {} to {to} ({:?})", file.path, file.version));
    }

    pub(super) fn toggle(&mut self, user: &mut User<'_>, file: &Sight) {
        user.place.versions.look().toggle(file.version);
        user.place.disk.set_executable(&file.path, !file.executable);
        self.tell(user, &format!("lets {} be run: {}", file.path, !file.executable));
    }

    fn touch(&mut self, user: &mut User<'_>, file: &Sight) {
        if user.place.disk.habits.birthless {
            let mut versions = user.place.versions.look();
            if versions.line(file.version).is_some_and(|line| !line.moves.is_empty()) {
                versions.tangle(file.version, "its time was changed where a file is known by it");
            }
        }
        user.place.disk.touch(&file.path);
        self.tell(user, &format!("touches {}", file.path));
    }

    pub(super) fn delete(&mut self, user: &mut User<'_>, file: &Sight) {
        user.remove(file);
        self.tell(user, &format!("deletes {} ({:?})", file.path, file.version));
    }

    fn make_it_a_folder(&mut self, user: &mut User<'_>, file: &Sight) {
        user.remove(file);
        let _ = user.place.disk.make_folder(&file.path);
        self.tell(user, &format!("makes {} a folder (it was {:?})", file.path, file.version));
        if self.dice.chance(500) {
            let path = join(&file.path, "x");
            let version = user.place.versions.look().create(user.at, &path);
            user.lay(&path, version, false);
            self.tell(user, &format!("creates {path} as {version:?}"));
        }
    }

    /// A user does something to folders.
    fn rearrange(&mut self, user: &mut User<'_>) {
        let all = user.folders();
        let folder = self.dice.pick(&all);
        match (self.dice.below(100), folder) {
            (0..15, _) | (_, None) => self.make_folder(user),
            (15..65, Some(folder)) => self.move_folder(user, &folder),
            (65..75, Some(folder)) => self.swap_folders(user, &folder),
            (75..85, Some(folder)) => self.make_it_a_file(user, &folder),
            (_, Some(folder)) => self.delete_folder(user, &folder),
        }
    }

    fn make_folder(&mut self, user: &mut User<'_>) {
        let path = self.some_path();
        if user.is_free(&path) && user.make_folders_of(&path) && user.place.disk.make_folder(&path).is_ok() {
            self.tell(user, &format!("makes the folder {path}"));
        }
    }

    fn move_folder(&mut self, user: &mut User<'_>, folder: &str) {
        let to = self.some_path();
        self.move_folder_to(user, folder, &to);
    }

    pub(super) fn move_folder_to(&mut self, user: &mut User<'_>, folder: &str, to: &str) {
        let inside = user.inside(folder);
        let own = to == folder || to.to_lowercase().starts_with(&format!("{}/", folder.to_lowercase()));
        if own || !user.is_free(to) || !user.make_folders_of(to) {
            return;
        }
        for file in &inside {
            user.moved(file, &format!("{to}{}", file.path.get(folder.len()..).unwrap_or_default()));
        }
        let _ = user.place.disk.rename(folder, to);
        self.tell(user, &format!("moves the folder {folder} to {to} with {} files", inside.len()));
    }

    fn swap_folders(&mut self, user: &mut User<'_>, folder: &str) {
        let apart = |other: &String| {
            let (one, other) = (format!("{}/", folder.to_lowercase()), format!("{}/", other.to_lowercase()));
            !one.starts_with(&other) && !other.starts_with(&one)
        };
        let others: Vec<String> = user.folders().into_iter().filter(apart).collect();
        let Some(other) = self.dice.pick(&others) else { return };
        for (from, to) in [(folder, other.as_str()), (other.as_str(), folder)] {
            for file in user.inside(from) {
                let to = format!("{to}{}", file.path.get(from.len()..).unwrap_or_default());
                user.mixed_up(&file, &to, "folders changed their names in a circle");
            }
        }
        let disk = &mut user.place.disk;
        let _ = disk.rename(folder, "swapping").and_then(|()| disk.rename(&other, folder)).and_then(|()| disk.rename("swapping", &other));
        self.tell(user, &format!("swaps the folders {folder} and {other}"));
    }

    fn make_it_a_file(&mut self, user: &mut User<'_>, folder: &str) {
        if !user.remove_folder(folder) {
            return;
        }
        let version = user.place.versions.look().create(user.at, folder);
        user.lay(folder, version, false);
        self.tell(user, &format!("makes the folder {folder} a file, {version:?}"));
    }

    fn delete_folder(&mut self, user: &mut User<'_>, folder: &str) {
        self.tell(user, &format!("deletes the folder {folder} with {} files", user.inside(folder).len()));
        user.remove_folder(folder);
    }
}
