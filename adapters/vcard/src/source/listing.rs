//! The files of a folder, and what each of them shows.

use crate::card::Card;
use crate::source::fingerprint::FileMark;
use crate::source::naming::is_card;
use crate::source::text::{Fault, Text, glance};
use crate::unreadable::Unreadable;
use adapter::staging::{Moment, Stat, read_whole};
use adapter::{Error, Fingerprint, Host};
use contentline::items::items;
use rayon::prelude::*;
use record::{Digest, Record};
use std::fs::{self, DirEntry};
use std::io;
use std::ops::Range;
use std::path::Path;

/// What one file of a folder shows.
#[derive(Debug)]
pub(crate) enum Look {
    /// The content that it had, under this mark and fingerprint now.
    Same(FileMark, Fingerprint),
    /// A card.
    Card(Box<Record>, FileMark),
    /// Nothing that can be read.
    Fault(Fault),
}

/// A file of a folder as the file system tells of it.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) stat: Result<Stat, Fault>,
}

/// Lists the cards in a folder, in the order of their names; names that are not UTF-8 are shown as near as can be.
pub(crate) fn list(folder: &Path, host: &dyn Host) -> Result<Vec<Listed>, Error> {
    let fails = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => {
            Error::Source { path: folder.to_owned(), reason: "the folder is not there; nothing was taken for deleted".to_owned() }
        }
        _ => Error::io(folder, source),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fails)? {
        let entry = entry.map_err(fails)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_card(&name) {
            found.push((name, entry));
        }
    }
    found.par_sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let of = found.len() as u64;
    host.progress(0, Some(of));
    let stat = |(name, entry): (String, DirEntry)| {
        if host.cancelled() { Err(Error::Cancelled) } else { Ok(Listed { name, stat: stat_of(&entry) }) }
    };
    found.into_par_iter().map(stat).collect()
}

/// Asks about a file relative to its folder, which is cheaper than by its path; links are followed.
fn stat_of(entry: &DirEntry) -> Result<Stat, Fault> {
    let found = match entry.metadata() {
        Ok(link) if link.is_symlink() => fs::metadata(entry.path()),
        found => found,
    };
    match found {
        Ok(metadata) if metadata.is_file() => Ok(Stat::from(&metadata)),
        Ok(_) => Err(Fault::of_file("it is no file".to_owned())),
        Err(error) => Err(unlooked(&error)),
    }
}

/// Looks at one file; it is not read where its stat says that it is still what `known` tells.
pub(crate) fn look(path: &Path, stat: Result<Stat, Fault>, known: Option<Fingerprint>, now: Moment) -> Look {
    let known = known.and_then(|fingerprint| FileMark::read(&fingerprint).map(|mark| (mark, fingerprint)));
    let stat = match stat {
        Ok(stat) => stat,
        Err(fault) => return Look::Fault(fault),
    };
    match known {
        Some((mark, fingerprint)) if mark.vouches_for(&stat, now) => Look::Same(mark, fingerprint),
        known => match read_whole(path) {
            Ok((bytes, stat)) => look_into(&bytes, stat, known.map(|(mark, _)| mark), now),
            Err(error) => Look::Fault(unread(&error)),
        },
    }
}

fn look_into(bytes: &[u8], stat: Stat, known: Option<FileMark>, now: Moment) -> Look {
    let digest = Digest::of(bytes);
    if let Some(mark) = known.filter(|mark| mark.digest == digest) {
        let mark = FileMark::new(stat, digest, mark.traits, now);
        return Look::Same(mark, mark.fingerprint());
    }
    match read_card(bytes) {
        Ok((record, traits)) => Look::Card(Box::new(record), FileMark::new(stat, digest, traits, now)),
        Err(fault) => Look::Fault(fault),
    }
}

fn read_card(bytes: &[u8]) -> Result<(Record, crate::source::fingerprint::Traits), Fault> {
    let text = Text::new(bytes).map_err(|error| Fault::new(&[], 1, &error.into()))?;
    let (span, line) = only_card(&text.bytes)?;
    let slice = text.bytes.get(span).unwrap_or_default();
    let (version, record) = Card::shown(slice).map_err(|error| Fault::new(slice, line, &error))?;
    let mut traits = glance(slice).traits();
    traits.version = version;
    Ok((record, traits))
}

/// Returns the span of the one card in a file, and the line on which it begins.
pub(crate) fn only_card(bytes: &[u8]) -> Result<(Range<usize>, usize), Fault> {
    let mut all = items(bytes);
    let Some(first) = all.next() else {
        return Err(Fault::of_file(Unreadable::Torn.to_string()));
    };
    if let Some(broken) = first.broken {
        let slice = bytes.get(first.span).unwrap_or_default();
        // The line of a fault of the splitter counts from the beginning of the file.
        return Err(Fault::new(slice, 1, &broken.into()));
    }
    match all.next() {
        None => Ok((first.span, first.line)),
        Some(second) => {
            let unreadable = second.broken.map_or(Unreadable::Several, Unreadable::from);
            let line = if unreadable.line().is_some() { 1 } else { second.line };
            Err(Fault::new(bytes.get(first.span).unwrap_or_default(), line, &unreadable))
        }
    }
}

/// Describes a file that cannot be asked about.
fn unlooked(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::of_file("it was there a moment ago, or is a link to nothing; sync again".to_owned()),
        _ => Fault::of_file(format!("it cannot be read: {error}")),
    }
}

/// Describes a file that cannot be read.
fn unread(error: &Error) -> Fault {
    match error {
        Error::Changed { .. } => Fault::of_file("it changed while it was read; sync again".to_owned()),
        Error::Io { source, .. } => unlooked(source),
        other => Fault::of_file(other.to_string()),
    }
}
