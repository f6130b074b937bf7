//! Trees under the real program: three devices with a folder each over one store, random users, and kills at random moments.
//!
//! What must hold in the end: the trees are byte for byte equal, and every version that a user wrote, and no user overwrote or
//! deleted with their own hands, is in a tree, a conflict file or the trash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a campaign did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Turns of users.
    pub turns: usize,
    /// Versions that users wrote.
    pub versions: usize,
    /// Syncs that ran to their end.
    pub syncs: usize,
    /// Syncs that were killed.
    pub kills: usize,
    /// Conflict files in the end.
    pub conflicts: usize,
    /// Files in the end that no user wrote as they are: merged line by line.
    pub merged: usize,
    /// Files in the end.
    pub files: usize,
}

/// Numbers that follow from their seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % (limit.max(1) as u64)).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// A device: a folder with a configuration and a tree.
struct Device {
    home: PathBuf,
}

impl Device {
    fn new(root: &Path, number: usize) -> io::Result<Self> {
        let home = root.join(format!("device{number}"));
        fs::create_dir_all(home.join("tree"))?;
        let config =
            "[job.files]\n[job.files.guard]\nmax-delete = \"100%\"\n[job.files.conflict]\nmerge = \"text\"\n[[job.files.endpoint]]\n";
        let name = format!("name = \"device{number}\"\nadapter = \"fs\"\npath = \"tree\"\n");
        fs::write(home.join("syncretic.toml"), format!("{config}{name}"))?;
        Ok(Self { home })
    }

    fn tree(&self) -> PathBuf {
        self.home.join("tree")
    }

    fn command(&self, program: &Path, state: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["sync"]).current_dir(&self.home).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("SYNCRETIC_STATE_HOME", state).env("HOME", state.join("home"));
        command
    }

    /// Syncs to the end, and returns the exit code with what was said.
    fn sync(&self, program: &Path, state: &Path) -> io::Result<(i32, String)> {
        let output = self.command(program, state).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok((output.status.code().unwrap_or(-1), said))
    }

    /// Syncs, and kills that after a while; tells whether it was still running.
    fn killed(&self, program: &Path, state: &Path, after: Duration) -> io::Result<bool> {
        let mut child = self.command(program, state).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        sleep(after);
        let running = child.try_wait()?.is_none();
        child.kill()?;
        child.wait()?;
        Ok(running)
    }
}

/// Every file below a folder with its content; what is Syncretic's own only if asked for.
fn files(root: &Path, own: bool) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
            if name == Path::new(".syncretic") && !own {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
            } else if let Ok(content) = fs::read(&path) {
                found.insert(name, content);
            }
        }
    }
    found
}

/// Every folder below a folder, Syncretic's own left out.
fn folders(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() && !path.ends_with(".syncretic") {
                found.insert(path.strip_prefix(root).unwrap_or(&path).to_owned());
                pending.push(path);
            }
        }
    }
    found
}

/// The users of all devices, and what they wrote.
struct Users {
    dice: Dice,
    versions: BTreeSet<Vec<u8>>,
    /// Versions that a user overwrote or deleted, who had them before their eyes.
    given_up: BTreeSet<Vec<u8>>,
    written: usize,
}

impl Users {
    fn version(&mut self, device: usize) -> Vec<u8> {
        self.written += 1;
        let mut content = format!("version {} of device {device}\n", self.written).into_bytes();
        for _ in 0..self.dice.below(40) {
            content.extend(self.dice.roll().to_string().into_bytes());
            content.push(b'\n');
        }
        self.versions.insert(content.clone());
        content
    }

    /// Returns a text with one line of it changed, or one more.
    fn edited(&mut self, device: usize, text: &str) -> Vec<u8> {
        self.written += 1;
        let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        let new = format!("line {} of device {device}\n", self.written);
        let at = self.dice.below(lines.len() + 1);
        match lines.get_mut(at) {
            Some(line) if self.dice.below(2) == 0 => *line = new,
            _ => lines.insert(at, new),
        }
        let content = lines.concat().into_bytes();
        self.versions.insert(content.clone());
        content
    }

    fn name(&mut self) -> PathBuf {
        const FOLDERS: &[&str] = &["", "", "a", "b", "a/deep", "c/d"];
        let folder = self.dice.pick(FOLDERS).copied().unwrap_or_default();
        Path::new(folder).join(format!("file{}.txt", self.dice.below(14)))
    }

    /// Does one thing in a device's tree.
    fn act(&mut self, number: usize, tree: &Path) -> io::Result<()> {
        let there: Vec<PathBuf> = files(tree, false).into_keys().collect();
        match self.dice.below(10) {
            0..=5 => {
                let name = if self.dice.below(2) == 0 {
                    self.name()
                } else {
                    self.dice.pick(&there).cloned().unwrap_or_else(|| "first.txt".into())
                };
                let path = tree.join(&name);
                let above = path.parent().unwrap_or(tree);
                if path.is_dir() || fs::create_dir_all(above).is_err() {
                    return Ok(());
                }
                self.give_up(&path);
                let content = match fs::read_to_string(&path) {
                    Ok(text) if self.dice.below(3) > 0 => self.edited(number, &text),
                    _ => self.version(number),
                };
                if self.dice.below(3) == 0 {
                    // As editors save: beside, and renamed over.
                    let beside = tree.join(format!(".saving{}", self.written));
                    fs::write(&beside, content)?;
                    fs::rename(beside, path)
                } else {
                    fs::write(path, content)
                }
            }
            6 | 7 => {
                let Some(from) = self.dice.pick(&there).cloned() else { return Ok(()) };
                let to = self.name();
                if tree.join(&to).exists() || fs::create_dir_all(tree.join(&to).parent().unwrap_or(tree)).is_err() {
                    return Ok(());
                }
                fs::rename(tree.join(from), tree.join(to))
            }
            8 => {
                let Some(name) = self.dice.pick(&there).cloned() else { return Ok(()) };
                self.give_up(&tree.join(&name));
                fs::remove_file(tree.join(name))
            }
            _ => {
                let all: Vec<PathBuf> = folders(tree).into_iter().collect();
                let Some(from) = self.dice.pick(&all).cloned() else { return Ok(()) };
                let to = tree.join(format!("folder{}", self.dice.below(5)));
                if to.exists() { Ok(()) } else { fs::rename(tree.join(from), to) }
            }
        }
    }

    fn give_up(&mut self, path: &Path) {
        if let Ok(content) = fs::read(path) {
            self.given_up.insert(content);
        }
    }
}

/// Lets users work `turns` times on three devices, kills syncs, and holds what is left against what they wrote.
///
/// # Errors
/// Fails with what is wrong: trees that differ, a version that is nowhere, a sync that did not end well.
pub fn campaign(program: &Path, root: &Path, seed: u64, turns: usize) -> Result<Tally, String> {
    const DEVICES: usize = 3;
    let wrong = |error: io::Error| format!("seed {seed}: {error}");
    let state = root.join("state");
    let devices: Vec<Device> = (0..DEVICES).map(|number| Device::new(root, number)).collect::<io::Result<_>>().map_err(wrong)?;
    let mut users = Users { dice: Dice(seed), versions: BTreeSet::new(), given_up: BTreeSet::new(), written: 0 };
    let mut tally = Tally::default();
    while tally.turns < turns {
        tally.turns += 1;
        let at = users.dice.below(DEVICES);
        let Some(device) = devices.get(at) else { continue };
        for _ in 0..=users.dice.below(4) {
            users.act(at, &device.tree()).map_err(wrong)?;
        }
        match users.dice.below(4) {
            0 => {}
            1 => {
                let after = Duration::from_millis(users.dice.below(80) as u64);
                tally.kills += usize::from(device.killed(program, &state, after).map_err(wrong)?);
            }
            _ => {
                let (code, said) = device.sync(program, &state).map_err(wrong)?;
                tally.syncs += 1;
                if ![0, 3, 4].contains(&code) {
                    return Err(format!("seed {seed}, turn {}: exit {code}: {said}", tally.turns));
                }
            }
        }
    }
    come_together(program, &state, &devices, &mut tally).map_err(|reason| format!("seed {seed}: {reason}"))?;
    tally.versions = users.versions.len();
    judge(&devices, &users, &mut tally).map_err(|reason| format!("seed {seed}: {reason}"))?;
    Ok(tally)
}

/// Syncs all devices until nothing moves any more.
fn come_together(program: &Path, state: &Path, devices: &[Device], tally: &mut Tally) -> Result<(), String> {
    const ROUNDS: usize = 12;
    let mut before = Vec::new();
    for _ in 0..ROUNDS {
        let mut codes = Vec::new();
        for device in devices {
            let (code, said) = device.sync(program, state).map_err(|error| error.to_string())?;
            tally.syncs += 1;
            if ![0, 3, 4].contains(&code) {
                return Err(format!("exit {code}: {said}"));
            }
            codes.push((code, said));
        }
        let now: Vec<_> = devices.iter().map(|device| files(&device.tree(), false)).collect();
        if now == before {
            return match codes.iter().find(|(code, _)| *code != 0) {
                Some((code, said)) => Err(format!("after all edits a sync ends with {code}: {said}")),
                None => Ok(()),
            };
        }
        before = now;
    }
    Err(format!("after {ROUNDS} rounds something still moves"))
}

fn judge(devices: &[Device], users: &Users, tally: &mut Tally) -> Result<(), String> {
    let trees: Vec<_> = devices.iter().map(|device| (files(&device.tree(), false), folders(&device.tree()))).collect();
    let Some(first) = trees.first() else { return Ok(()) };
    for (number, tree) in trees.iter().enumerate() {
        if tree != first {
            let names =
                |tree: &(BTreeMap<PathBuf, Vec<u8>>, BTreeSet<PathBuf>)| tree.0.keys().chain(&tree.1).cloned().collect::<BTreeSet<_>>();
            let differ: Vec<_> = names(tree).symmetric_difference(&names(first)).cloned().collect();
            return Err(format!("the trees of device0 and device{number} differ: {differ:?}"));
        }
    }
    tally.files = first.0.len();
    tally.conflicts = first.0.keys().filter(|path| path.to_string_lossy().contains("(conflict, ")).count();
    tally.merged = first.0.values().filter(|content| !users.versions.contains(*content)).count();
    let everything: BTreeSet<Vec<u8>> = devices.iter().flat_map(|device| files(&device.tree(), true).into_values()).collect();
    match users.versions.iter().find(|version| !users.given_up.contains(*version) && !everything.contains(*version)) {
        Some(version) => Err(format!("a version is nowhere: {}", String::from_utf8_lossy(version).lines().next().unwrap_or_default())),
        None => Ok(()),
    }
}

/// Kills a sync of `count` files at random moments, `kills` times; each file must be the old or the new one, whole.
///
/// # Errors
/// Fails with the file that is neither, or with a sync that did not end well.
pub fn kill_loop(program: &Path, root: &Path, seed: u64, count: usize, kills: usize) -> Result<Tally, String> {
    let wrong = |error: io::Error| error.to_string();
    let (state, mut dice, mut tally) = (root.join("state"), Dice(seed), Tally::default());
    let [source, target] = [0, 1].map(|number| Device::new(root, number));
    let (source, target) = (source.map_err(wrong)?, target.map_err(wrong)?);
    let content = |file: usize, version: usize| format!("file {file}, version {version}\n{}", "x".repeat(file % 700 * 8));
    let sync = |device: &Device| match device.sync(program, &state).map_err(wrong)? {
        (0, _) => Ok(()),
        (code, said) => Err(format!("exit {code}: {said}")),
    };
    let mut version = 0;
    while tally.kills < kills {
        version += 1;
        for file in 0..count {
            let path = source.tree().join(format!("folder{}/file{file}", file % 20));
            fs::create_dir_all(path.parent().unwrap_or(root)).and_then(|()| fs::write(path, content(file, version))).map_err(wrong)?;
        }
        sync(&source)?;
        let begin = Instant::now();
        let mut longest = Duration::from_millis(400);
        loop {
            let permille = u32::try_from(dice.below(1000)).unwrap_or_default();
            if !target.killed(program, &state, longest * permille / 1000).map_err(wrong)? || tally.kills >= kills {
                break;
            }
            tally.kills += 1;
            whole(&target, count, version, &content)?;
            longest = longest.max(begin.elapsed() / 8).min(Duration::from_secs(4));
        }
        sync(&target)?;
        tally.syncs += 2;
        whole(&target, count, version, &content)?;
        if files(&source.tree(), false) != files(&target.tree(), false) {
            return Err(format!("after {} kills the trees differ", tally.kills));
        }
    }
    tally.files = count;
    tally.versions = version;
    Ok(tally)
}

/// Fails unless every file is the version before or this one; before the first there may be none.
fn whole(device: &Device, count: usize, version: usize, content: &dyn Fn(usize, usize) -> String) -> Result<(), String> {
    for file in 0..count {
        let path = device.tree().join(format!("folder{}/file{file}", file % 20));
        match fs::read_to_string(&path) {
            Ok(found) if found == content(file, version) || (version > 1 && found == content(file, version - 1)) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && version == 1 => {}
            other => return Err(format!("{} is neither the old one nor the new one: {:.60?}", path.display(), other)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two devices and a version, somewhere.
    fn judged(places: &[&str]) -> Result<(), String> {
        let root = tempfile::tempdir().map_err(|error| error.to_string())?;
        let devices: Vec<Device> = (0..2).filter_map(|number| Device::new(root.path(), number).ok()).collect();
        let version = b"version 1".to_vec();
        for place in places {
            let path = root.path().join(place);
            fs::create_dir_all(path.parent().unwrap_or(&path))
                .and_then(|()| fs::write(&path, &version))
                .map_err(|error| error.to_string())?;
        }
        let users = Users { dice: Dice(1), versions: [version].into(), given_up: BTreeSet::new(), written: 1 };
        judge(&devices, &users, &mut Tally::default())
    }

    #[test]
    fn a_version_that_is_nowhere_and_trees_that_differ_are_noticed() {
        assert_eq!(judged(&["device0/tree/a", "device1/tree/a"]), Ok(()));
        assert_eq!(judged(&["device1/tree/.syncretic/trash/2026-11-26/a"]), Ok(()));
        assert!(judged(&["device0/tree/a"]).is_err_and(|reason| reason.contains("differ")));
        assert!(judged(&[]).is_err_and(|reason| reason.contains("nowhere")));
    }
}
