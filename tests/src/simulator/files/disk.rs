//! A disk in memory: names, files with numbers, and what an operating system allows.

use std::collections::{BTreeMap, BTreeSet};

use super::versions::Version;

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Its content.
        version: Version,
        /// It may be run.
        executable: bool,
        /// When it was written, in seconds.
        modified: i64,
    },
}

/// A file or a folder, whatever its name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its number, which another one may get once it is gone.
    pub(super) inode: u64,
    /// When it was made; zero where the disk does not tell.
    pub(super) born: u64,
    /// What it is.
    pub(super) body: Body,
}

impl Node {
    /// Returns its content, if it is a file.
    pub(super) fn version(&self) -> Option<Version> {
        match self.body {
            Body::File { version, .. } => Some(version),
            Body::Folder => None,
        }
    }

    /// Tells whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.body == Body::Folder
    }
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing stands there, or nothing is there to stand in.
    Missing,
    /// Something stands there.
    Taken,
    /// A file stands where a folder would be.
    NoFolder,
    /// The folder is not empty.
    NotEmpty,
}

/// What a disk is like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habits {
    /// Letter case does not tell names apart.
    pub(super) caseless: bool,
    /// It gives the numbers of files that went to new ones.
    pub(super) reuses: bool,
    /// It does not tell when a file was made.
    pub(super) birthless: bool,
    /// Two names cannot change places at once.
    pub(super) no_exchange: bool,
}

/// A disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    /// What it is like.
    pub(super) habits: Habits,
    /// Everything that has a name, by its path as it is looked up, with its last name as it is written.
    nodes: BTreeMap<String, (String, Node)>,
    /// Files that cannot be opened, by number.
    pub(super) unreadable: BTreeSet<u64>,
    /// A folder whose names cannot be read.
    pub(super) locked: Option<String>,
    /// The seconds since it was made.
    clock: i64,
    born: u64,
    freed: Vec<u64>,
    next: u64,
}

/// Splits a path into its folder and its name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Returns the folders above a path, the innermost first.
pub(super) fn folders(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.rsplit_once('/')?.0;
        Some(rest)
    })
}

/// Joins a folder and a name.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Tells whether two paths differ, and in nothing but the letter case of the folders above.
pub(super) fn is_spelling(one: &str, other: &str) -> bool {
    one != other && spelled_small(one) == spelled_small(other)
}

/// Returns a path with the folders above in small letters.
pub(super) fn spelled_small(path: &str) -> String {
    let (folder, name) = split(path);
    join(&folder.to_lowercase(), name)
}

impl Disk {
    /// Makes an empty disk.
    pub(super) fn new(habits: Habits, first: u64) -> Self {
        Self { habits, next: first, clock: i64::try_from(first).unwrap_or_default(), ..Self::default() }
    }

    fn look_up(&self, path: &str) -> String {
        if self.habits.caseless { path.to_lowercase() } else { path.to_owned() }
    }

    /// Returns what stands at a path.
    pub(super) fn find(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&self.look_up(path)).map(|(_, node)| node)
    }

    fn find_mut(&mut self, path: &str) -> Option<&mut Node> {
        let path = self.look_up(path);
        self.nodes.get_mut(&path).map(|(_, node)| node)
    }

    /// Returns everything with its path as it is written, each folder before what is in it.
    pub(super) fn list(&self) -> Vec<(String, &Node)> {
        let mut written: BTreeMap<&str, String> = BTreeMap::new();
        let mut listed = Vec::new();
        for (path, (name, node)) in &self.nodes {
            let above = written.get(split(path).0).map(String::as_str).unwrap_or_default();
            let whole = join(above, name);
            if node.is_folder() {
                written.insert(path, whole.clone());
            }
            listed.push((whole, node));
        }
        listed
    }

    /// Tells whether nothing stands in a folder.
    pub(super) fn is_empty(&self, path: &str) -> bool {
        self.beneath(path).is_empty()
    }

    /// Returns the paths of everything in a folder, as they are looked up.
    pub(super) fn beneath(&self, path: &str) -> Vec<String> {
        let start = format!("{}/", self.look_up(path));
        self.nodes.range(start.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&start)).cloned().collect()
    }

    fn enter(&mut self, path: &str, node: Node) -> Result<(), Refusal> {
        let (folder, name) = split(path);
        match self.find(folder) {
            _ if folder.is_empty() => {}
            None => return Err(if folders(path).any(|above| self.is_file(above)) { Refusal::NoFolder } else { Refusal::Missing }),
            Some(found) if !found.is_folder() => return Err(Refusal::NoFolder),
            Some(_) => {}
        }
        if self.find(path).is_some() {
            return Err(Refusal::Taken);
        }
        self.nodes.insert(self.look_up(path), (name.to_owned(), node));
        Ok(())
    }

    fn is_file(&self, path: &str) -> bool {
        self.find(path).is_some_and(|node| !node.is_folder())
    }

    /// Makes a file that has no name yet.
    pub(super) fn fresh(&mut self, body: Body) -> Node {
        let again = if self.habits.reuses { self.freed.pop() } else { None };
        self.next += 1;
        self.born += 1;
        let born = if self.habits.birthless { 0 } else { self.born };
        Node { inode: again.unwrap_or(self.next), born, body }
    }

    /// Returns a second that no file was written in before.
    pub(super) fn now(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    /// Takes a file that is gone for good.
    pub(super) fn free(&mut self, node: &Node) {
        self.freed.push(node.inode);
    }

    /// Makes a folder.
    pub(super) fn make_folder(&mut self, path: &str) -> Result<(), Refusal> {
        let node = self.fresh(Body::Folder);
        self.enter(path, node)
    }

    /// Makes a folder and those above it.
    pub(super) fn make_folders(&mut self, path: &str) -> Result<(), Refusal> {
        let all: Vec<String> = std::iter::once(path).chain(folders(path)).map(str::to_owned).collect();
        for folder in all.iter().rev().filter(|folder| !folder.is_empty()) {
            match self.make_folder(folder) {
                Err(Refusal::Taken) if self.find(folder).is_some_and(Node::is_folder) => {}
                Err(Refusal::Taken) => return Err(Refusal::NoFolder),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Gives a file without a name a free one.
    pub(super) fn attach(&mut self, path: &str, node: Node) -> Result<(), Refusal> {
        self.enter(path, node)
    }

    /// Takes a file's name away.
    pub(super) fn detach(&mut self, path: &str) -> Result<Node, Refusal> {
        match self.find(path) {
            Some(node) if node.is_folder() && !self.is_empty(path) => Err(Refusal::NotEmpty),
            Some(_) => self.nodes.remove(&self.look_up(path)).map(|(_, node)| node).ok_or(Refusal::Missing),
            None => Err(Refusal::Missing),
        }
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&mut self, path: &str) -> Result<(), Refusal> {
        match self.find(path) {
            None => Err(Refusal::Missing),
            Some(node) if !node.is_folder() => Err(Refusal::NoFolder),
            Some(_) => self.detach(path).map(|_| ()),
        }
    }

    /// Lets a file without a name and one with a name change places. A folder that is not empty stays: to exchange it and to
    /// exchange it back, as it is not what was expected, is the same.
    pub(super) fn exchange(&mut self, path: &str, other: &mut Node) -> Result<(), Refusal> {
        if !self.is_empty(path) {
            return Err(Refusal::Taken);
        }
        let node = self.find_mut(path).ok_or(Refusal::Missing)?;
        std::mem::swap(node, other);
        Ok(())
    }

    /// Renames a file or a folder with everything in it to a free name.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let (old, new) = (self.look_up(from), self.look_up(to));
        if !self.nodes.contains_key(&old) {
            return Err(Refusal::Missing);
        }
        if old == new {
            if let Some((name, _)) = self.nodes.get_mut(&old) {
                split(to).1.clone_into(name);
            }
            return Ok(());
        }
        if new.starts_with(&format!("{old}/")) {
            return Err(Refusal::NoFolder);
        }
        let Some((name, node)) = self.nodes.remove(&old) else { return Err(Refusal::Missing) };
        if let Err(refusal) = self.enter(to, node.clone()) {
            self.nodes.insert(old, (name, node));
            return Err(refusal);
        }
        let inside: Vec<String> = self.beneath(from);
        for path in inside {
            if let (Some(rest), Some(entry)) = (path.strip_prefix(&old).map(str::to_owned), self.nodes.remove(&path)) {
                self.nodes.insert(format!("{new}{rest}"), entry);
            }
        }
        Ok(())
    }

    /// Writes a file in place.
    pub(super) fn write(&mut self, path: &str, new: Version) {
        let now = self.now();
        if let Some(Node { body: Body::File { version, modified, .. }, .. }) = self.find_mut(path) {
            (*version, *modified) = (new, now);
        }
    }

    /// Changes nothing but a file's time.
    pub(super) fn touch(&mut self, path: &str) {
        let now = self.now();
        if let Some(Node { body: Body::File { modified, .. }, .. }) = self.find_mut(path) {
            *modified = now;
        }
    }

    /// Lets a file be run, or not.
    pub(super) fn set_executable(&mut self, path: &str, truth: bool) {
        if let Some(Node { body: Body::File { executable, .. }, .. }) = self.find_mut(path) {
            *executable = truth;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(disk: &mut Disk, path: &str, version: u32) {
        let node = disk.fresh(Body::File { version: Version(version), executable: false, modified: 0 });
        disk.attach(path, node).expect("a free name");
    }

    fn paths(disk: &Disk) -> Vec<String> {
        disk.list().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn a_folder_is_renamed_with_everything_in_it_and_never_into_itself() {
        let mut disk = Disk::default();
        disk.make_folders("a/b").expect("folders");
        file(&mut disk, "a/b/x", 1);
        file(&mut disk, "a b", 2);
        disk.rename("a", "c").expect("a free name");
        assert_eq!(paths(&disk), ["a b", "c", "c/b", "c/b/x"]);
        assert_eq!(disk.rename("c", "c/b/c"), Err(Refusal::NoFolder));
        assert_eq!(disk.rename("a b", "c"), Err(Refusal::Taken));
        assert_eq!(disk.remove_folder("c"), Err(Refusal::NotEmpty));
        assert_eq!(disk.make_folders("a b/x"), Err(Refusal::NoFolder));
    }

    #[test]
    fn a_caseless_disk_keeps_the_case_of_whoever_was_first() {
        let mut disk = Disk::new(Habits { caseless: true, ..Habits::default() }, 0);
        disk.make_folder("Docs").expect("a free name");
        file(&mut disk, "docs/x", 1);
        assert_eq!(paths(&disk), ["Docs", "Docs/x"]);
        disk.rename("docs/X", "Docs/X").expect("another case of its own name");
        assert_eq!(paths(&disk), ["Docs", "Docs/X"]);
        assert_eq!(disk.make_folder("DOCS"), Err(Refusal::Taken));
    }
}
