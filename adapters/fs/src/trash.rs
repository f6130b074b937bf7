//! The trash: what a step displaced, kept for a number of days under the name and the day it went.

use adapter::staging::Moment;
use std::io;

use jiff::Timestamp;

use crate::beneath::{Root, list};
use crate::mark::Sort;
use crate::name;

/// Where everything of Syncretic's own lies, beneath the root.
pub(crate) const AREA: &[u8] = b".syncretic";
const TRASH: &[u8] = b".syncretic/trash";
/// Where files are kept that a step displaced and nobody had seen: removed by their owner only.
const KEPT: &[u8] = b".syncretic/kept";

const DAY: i64 = 24 * 60 * 60;

/// Moves a displaced file into the trash of today, under the path that it had.
pub(crate) fn bury(root: &Root, displaced: &[u8], path: &[u8], now: Moment) -> io::Result<()> {
    let today = [TRASH, b"/", day(now.0).as_bytes()].concat();
    let wanted = [&today, &b"/"[..], path].concat();
    match settle_in(root, displaced, &wanted) {
        Ok(_) => Ok(()),
        // Its folder's name is a file there, or its path is too long: it lies there under its name alone.
        Err(_) => settle_in(root, displaced, &[&today, &b"/"[..], shortened(name::split(path).1)].concat()).map(|_| ()),
    }
}

/// Moves a file aside that nobody had seen, and returns where it lies now.
pub(crate) fn keep(root: &Root, displaced: &[u8], path: &[u8]) -> io::Result<Vec<u8>> {
    settle_in(root, displaced, &[KEPT, b"/", shortened(name::split(path).1)].concat())
}

/// Removes the days from the trash that are older than this many days.
pub(crate) fn empty(root: &Root, days: i64, now: Moment) -> io::Result<()> {
    let Ok(trash) = root.beneath(TRASH) else { return Ok(()) };
    let oldest = day(now.0 - days * DAY);
    let mut old = Vec::new();
    list(trash.folder(), &mut |name, _| {
        let is_day = name.len() == oldest.len() && name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        if is_day && name < oldest.as_bytes() {
            old.push(name.to_vec());
        }
    })?;
    old.iter().try_for_each(|name| remove_all(root, &[TRASH, b"/", name].concat()))
}

/// Removes a folder with everything in it, following no link.
pub(crate) fn remove_all(root: &Root, path: &[u8]) -> io::Result<()> {
    let mut pending = vec![path.to_vec()];
    let mut folders = Vec::new();
    while let Some(path) = pending.pop() {
        let Ok(folder) = root.beneath(&path) else { continue };
        let mut names = Vec::new();
        list(folder.folder(), &mut |name, _| names.push(name.to_vec()))?;
        for name in names {
            let below = [&path, &b"/"[..], &name].concat();
            match root.look(&below) {
                Ok(look) if look.sort == Sort::Folder => pending.push(below),
                _ => root.remove(&below)?,
            }
        }
        folders.push(path);
    }
    folders.iter().rev().try_for_each(|path| root.remove_folder(path))
}

/// Moves to a name, or to that name with a number where it is taken; folders are made.
fn settle_in(root: &Root, from: &[u8], wanted: &[u8]) -> io::Result<Vec<u8>> {
    const MOST: u32 = 10_000;
    let above: Vec<&[u8]> = name::folders(wanted).collect();
    for number in 1..MOST {
        let to = if number == 1 { wanted.to_vec() } else { [wanted, format!("~{number}").as_bytes()].concat() };
        match root.place(from, &to) {
            Ok(()) => return Ok(to),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && number == 1 => {
                above.iter().rev().try_for_each(|folder| made(root.make_folder(folder, 0o700)))?;
                match root.place(from, &to) {
                    Ok(()) => return Ok(to),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Takes a folder that is there for one that was made.
pub(crate) fn made(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns the end of a name, so short that a number fits behind it.
fn shortened(name: &[u8]) -> &[u8] {
    const LONGEST: usize = 240;
    name.get(name.len().saturating_sub(LONGEST)..).unwrap_or(name)
}

/// Returns the day of a moment, as `2026-11-26`.
fn day(seconds: i64) -> String {
    let text = Timestamp::from_second(seconds).unwrap_or_default().to_string();
    text.get(..10).unwrap_or("0000-00-00").to_owned()
}
