//! The cases of files: trees with many small files, and documents of 100 KB, beside rsync and the programs that sync folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Bench, at_rest, nothing, walk};
use crate::contestant::{Contestant, Score};
use crate::data;
use crate::error::Error;
use crate::peers::{self, Peer};

/// How many files a folder holds.
const A_FOLDER: usize = 500;
/// The length of a document in bytes.
const DOCUMENT: usize = 100_000;

/// What a tree is made of.
#[derive(Clone, Copy)]
struct Tree {
    files: usize,
    length: usize,
}

impl Tree {
    fn path(self, root: &Path, number: usize) -> PathBuf {
        root.join(format!("folder-{}", number / A_FOLDER)).join(format!("file-{number}.dat"))
    }

    /// Makes the tree. No two files are equal, and nothing compresses them.
    fn make(self, root: &Path) -> Result<(), Error> {
        for number in 0..self.files {
            let path = self.path(root, number);
            if number.is_multiple_of(A_FOLDER)
                && let Some(folder) = path.parent()
            {
                fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
            }
            fs::write(&path, noise(number as u64, self.length)).map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }

    /// Writes other content into one file in a hundred, as an editor that replaces the file does.
    fn edit(self, root: &Path, round: usize) -> Result<(), Error> {
        for number in (0..self.files).step_by(100) {
            let path = self.path(root, number);
            let staged = path.with_extension("new");
            let seed = (round as u64 + 1) << 32 | number as u64;
            fs::write(&staged, noise(seed, self.length)).map_err(|error| Error::io(&staged, error))?;
            fs::rename(&staged, &path).map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }
}

/// Returns bytes that follow from a number and that nothing compresses (splitmix64).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    std::iter::repeat_with(&mut next).take(length.div_ceil(8)).flatten().take(length).collect()
}

fn many(bench: &Bench) -> Tree {
    Tree { files: bench.sizes.files, length: 100 }
}

fn documents(bench: &Bench) -> Tree {
    Tree { files: bench.sizes.documents, length: DOCUMENT }
}

/// Returns the programs that sync any files.
fn rivals() -> impl Iterator<Item = Peer> {
    peers::installed().into_iter().filter(|peer| *peer != Peer::Vdirsyncer)
}

fn configure(home: &Path) -> Result<(), Error> {
    let endpoint = |path: &str| format!("[[job.files.endpoint]]\nadapter = \"fs\"\npath = \"{path}\"\ncreate = true\n");
    let path = home.join("syncretic.toml");
    let text = format!("[job.files]\n{}{}", endpoint("a"), endpoint("b"));
    fs::create_dir_all(home).and_then(|()| fs::write(&path, text)).map_err(|error| Error::io(&path, error))
}

fn in_sync(bench: &Bench, tree: Tree, home: &Path) -> Result<(), Error> {
    configure(home)?;
    tree.make(&home.join("a"))?;
    at_rest(bench, || bench.field.sync(home))
}

fn rival_in_sync(bench: &Bench, peer: Peer, tree: Tree, home: &Path) -> Result<(), Error> {
    tree.make(&home.join("a"))?;
    peer.configure(home)?;
    bench.field.settle(peer.first(home))?;
    at_rest(bench, || peer.sync(home))
}

/// Nothing changed in many small files.
pub(crate) fn unchanged(bench: &Bench) -> Result<Vec<Score>, Error> {
    let (tree, home) = (many(bench), bench.field.root.join("many"));
    in_sync(bench, tree, &home)?;
    let folders = vec![home.join("a"), home.join("b")];
    let own = Contestant { name: "syncretic".to_owned(), before: nothing(), command: Box::new(|| bench.field.sync(&home)) };
    let mut contestants = vec![own, walk(bench, "walk + stat of both trees", folders)];
    for peer in rivals() {
        let home = bench.field.root.join(format!("many-{}", peer.program()));
        rival_in_sync(bench, peer, tree, &home)?;
        contestants.push(Contestant { name: peer.title().to_owned(), before: nothing(), command: Box::new(move || peer.sync(&home)) });
    }
    bench.field.race(&contestants)
}

fn rsync(home: &Path) -> Option<Command> {
    peers::found("rsync").then(|| {
        let mut command = Command::new("rsync");
        command.current_dir(home).args(["-a", "a/", "b/"]);
        command
    })
}

/// Documents go into an empty folder.
pub(crate) fn first(bench: &Bench) -> Result<Vec<Score>, Error> {
    let (tree, home) = (documents(bench), bench.field.root.join("documents"));
    configure(&home)?;
    tree.make(&home.join("a"))?;
    let forget = |home: PathBuf| move |_: usize| data::aside(&home.join("state")).and_then(|()| data::aside(&home.join("b")));
    let own =
        Contestant { name: "syncretic".to_owned(), before: Box::new(forget(home.clone())), command: Box::new(|| bench.field.sync(&home)) };
    let mut contestants = vec![own];
    let copied = bench.field.root.join("documents-rsync");
    if rsync(&copied).is_some() {
        tree.make(&copied.join("a"))?;
        let before = Box::new(forget(copied.clone()));
        let command = Box::new(move || rsync(&copied).unwrap_or_else(|| Command::new("rsync")));
        contestants.push(Contestant { name: "rsync -a".to_owned(), before, command });
    }
    for peer in rivals() {
        let home = bench.field.root.join(format!("documents-{}", peer.program()));
        tree.make(&home.join("a"))?;
        let (clear, at) = (forget(home.clone()), home.clone());
        let before = Box::new(move |run: usize| clear(run).and_then(|()| peer.configure(&at)));
        contestants.push(Contestant { name: peer.title().to_owned(), before, command: Box::new(move || peer.first(&home)) });
    }
    bench.field.race(&contestants)
}

/// One document in a hundred was written anew.
pub(crate) fn changed(bench: &Bench) -> Result<Vec<Score>, Error> {
    let (tree, home) = (documents(bench), bench.field.root.join("edited"));
    in_sync(bench, tree, &home)?;
    let edit = move |home: PathBuf| move |run: usize| tree.edit(&home.join("a"), run);
    let own =
        Contestant { name: "syncretic".to_owned(), before: Box::new(edit(home.clone())), command: Box::new(|| bench.field.sync(&home)) };
    let mut contestants = vec![own];
    for peer in rivals() {
        let home = bench.field.root.join(format!("edited-{}", peer.program()));
        rival_in_sync(bench, peer, tree, &home)?;
        let before = Box::new(edit(home.clone()));
        contestants.push(Contestant { name: peer.title().to_owned(), before, command: Box::new(move || peer.sync(&home)) });
    }
    bench.field.race(&contestants)
}
