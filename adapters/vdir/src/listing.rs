//! The files of a folder, and what each of them shows.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use adapter::staging::{Moment, Stat, read_whole};
use adapter::{Error, Fingerprint, Host};
use rayon::prelude::*;
use record::{Digest, Record};

use crate::mark::FileMark;
use crate::naming::is_item;
use crate::{Codec, Fault, Traits};

/// What one file of a folder shows.
#[derive(Debug)]
pub(crate) enum Look {
    /// The content that it had, under this mark and fingerprint now.
    Same(FileMark, Fingerprint),
    /// An item.
    Item(Box<Record>, FileMark),
    /// Nothing that can be read.
    Fault(Fault),
}

impl Look {
    pub(crate) fn traits(&self) -> Option<Traits> {
        match self {
            Self::Same(mark, _) | Self::Item(_, mark) => Some(mark.traits),
            Self::Fault(_) => None,
        }
    }

    pub(crate) fn title(&self) -> Option<String> {
        match self {
            Self::Item(record, _) => Some(record.title()),
            Self::Same(..) | Self::Fault(_) => None,
        }
    }
}

/// A file of a folder as the file system tells of it.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) stat: Result<Stat, Fault>,
}

/// Lists the items in a folder, in the order of their names; names that are not UTF-8 are shown as near as can be.
pub(crate) fn list(folder: &Path, ending: &str, host: &dyn Host) -> Result<Vec<Listed>, Error> {
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
        if is_item(&name, ending) {
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
        Ok(_) => Err(Fault::of_file("it is no file")),
        Err(error) => Err(unlooked(&error)),
    }
}

/// Looks at one file; it is not read where its stat says that it is still what `known` tells.
pub(crate) fn look(codec: &dyn Codec, path: &Path, stat: Result<Stat, Fault>, known: Option<Fingerprint>, now: Moment) -> Look {
    let known = known.and_then(|fingerprint| FileMark::read(&fingerprint).map(|mark| (mark, fingerprint)));
    let stat = match stat {
        Ok(stat) => stat,
        Err(fault) => return Look::Fault(fault),
    };
    match known {
        Some((mark, fingerprint)) if mark.vouches_for(&stat, now) => Look::Same(mark, fingerprint),
        known => match read_whole(path) {
            Ok((bytes, stat)) => look_into(codec, &bytes, stat, known.map(|(mark, _)| mark), now),
            Err(error) => Look::Fault(unread(&error)),
        },
    }
}

fn look_into(codec: &dyn Codec, bytes: &[u8], stat: Stat, known: Option<FileMark>, now: Moment) -> Look {
    let digest = Digest::of(bytes);
    if let Some(mark) = known.filter(|mark| mark.digest == digest) {
        let mark = FileMark::new(stat, digest, mark.traits, now);
        return Look::Same(mark, mark.fingerprint());
    }
    match codec.read(bytes) {
        Ok((record, traits)) => Look::Item(Box::new(record), FileMark::new(stat, digest, traits, now)),
        Err(fault) => Look::Fault(fault),
    }
}

/// Describes a file that cannot be asked about.
fn unlooked(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::of_file("it was there a moment ago, or is a link to nothing; sync again"),
        _ => Fault::of_file(&format!("it cannot be read: {error}")),
    }
}

/// Describes a file that cannot be read.
fn unread(error: &Error) -> Fault {
    match error {
        Error::Changed { .. } => Fault::of_file("it changed while it was read; sync again"),
        Error::Io { source, .. } => unlooked(source),
        other => Fault::of_file(&other.to_string()),
    }
}
