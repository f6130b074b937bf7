//! What a name shows: its record, and the fingerprint by which it is known again.

use adapter::Fingerprint;
use record::{Kind, Record, Value};

use super::disk::{Body, Node};
use super::versions::Version;

pub(super) const PATH: &str = "path";
pub(super) const CONTENT: &str = "content";
pub(super) const MODIFIED: &str = "modified";
pub(super) const EXECUTABLE: &str = "executable";

/// What stands, or should stand, under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// A file; its time in seconds.
    File { version: Version, executable: bool, modified: i64 },
    /// An empty folder.
    Folder,
}

impl Face {
    /// Looks at a file or folder.
    pub(super) fn of(node: &Node) -> Self {
        match node.body {
            Body::Folder => Self::Folder,
            Body::File { version, executable, modified } => Self::File { version, executable, modified },
        }
    }

    /// Reads what a record wants.
    pub(super) fn wanted(record: &Record) -> Result<Self, String> {
        match record.field(CONTENT) {
            None => Ok(Self::Folder),
            Some(Value::Blob(blob)) => Ok(Self::File {
                version: Version::of(&blob.digest).ok_or("a content that nobody wrote")?,
                executable: record.field(EXECUTABLE) == Some(&Value::Boolean(true)),
                modified: record.text(MODIFIED).and_then(seconds).unwrap_or_default(),
            }),
            Some(_) => Err("`content` of a file must be a blob".to_owned()),
        }
    }

    /// Returns the record that says this of a path.
    pub(super) fn record(self, path: &str) -> Record {
        let record = Record::new(Kind::FILE).with(PATH, Value::text(path));
        let Self::File { version, executable, modified } = self else { return record };
        let record = record.with(CONTENT, Value::Blob(version.blob())).with(MODIFIED, Value::Instant(moment(modified)));
        if executable { record.with(EXECUTABLE, Value::Boolean(true)) } else { record }
    }

    /// Tells whether it is a folder.
    pub(super) fn is_folder(self) -> bool {
        self == Self::Folder
    }

    /// Returns its content, if it is a file.
    pub(super) fn version(self) -> Option<Version> {
        match self {
            Self::File { version, .. } => Some(version),
            Self::Folder => None,
        }
    }

    fn is_executable(self) -> bool {
        matches!(self, Self::File { executable: true, .. })
    }

    /// Tells whether both are the same to users: a newer time alone is nobody's edit.
    pub(super) fn is_like(self, other: Self) -> bool {
        self.version() == other.version() && self.is_executable() == other.is_executable()
    }

    /// Tells whether it may be run as the other may.
    pub(super) fn runs_like(self, other: Self) -> bool {
        self.is_executable() == other.is_executable()
    }
}

/// The day on which every disk's clock begins.
const SECONDS_A_DAY: i64 = 86_400;

fn moment(seconds: i64) -> String {
    let (day, rest) = (1 + seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    format!("2026-01-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

fn seconds(moment: &str) -> Option<i64> {
    let part = |from: usize| moment.get(from..from + 2)?.parse::<i64>().ok();
    Some((part(8)? - 1) * SECONDS_A_DAY + part(11)? * 3600 + part(14)? * 60 + part(17)?)
}

/// What is known of a name, as `adapters/fs` keeps it in a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// What it showed.
    pub(super) face: Face,
    /// The number of the file; zero before it is known.
    pub(super) inode: u64,
    /// When it was made; zero where that is not told.
    pub(super) born: u64,
}

impl Mark {
    /// Takes down what stands under a name.
    pub(super) fn of(node: &Node) -> Self {
        match Face::of(node) {
            Face::Folder => Self::before(Face::Folder),
            face @ Face::File { .. } => Self { face, inode: node.inode, born: node.born },
        }
    }

    /// Makes the mark of what does not stand anywhere yet.
    pub(super) fn before(face: Face) -> Self {
        Self { face, inode: 0, born: 0 }
    }

    /// Tells whether this is the same file, wherever it stands: by number and birth; without a birth, by time.
    pub(super) fn is_file(&self, node: &Node) -> bool {
        let known = self.born != 0 && node.born != 0;
        let same = match (self.face, Face::of(node)) {
            (Face::File { modified: then, .. }, Face::File { modified: now, .. }) => known || then == now,
            _ => false,
        };
        same && self.inode == node.inode && (!known || self.born == node.born)
    }

    /// Writes it as a fingerprint.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let (sort, version, modified) = match self.face {
            Face::Folder => (0, 0, 0),
            Face::File { version, executable, modified } => (if executable { 2 } else { 1 }, version.0, modified),
        };
        let mut bytes = vec![sort];
        bytes.extend(version.to_be_bytes());
        [self.inode, self.born].into_iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend(modified.to_be_bytes());
        Fingerprint(bytes)
    }

    /// Reads a fingerprint.
    pub(super) fn read(fingerprint: &Fingerprint) -> Option<Self> {
        let (sort, rest) = fingerprint.0.split_first()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (inode, rest) = rest.split_first_chunk::<8>()?;
        let (born, rest) = rest.split_first_chunk::<8>()?;
        let modified = i64::from_be_bytes(rest.try_into().ok()?);
        let version = Version(u32::from_be_bytes(*version));
        let face = if *sort == 0 { Face::Folder } else { Face::File { version, executable: *sort == 2, modified } };
        Some(Self { face, inode: u64::from_be_bytes(*inode), born: u64::from_be_bytes(*born) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_and_a_fingerprint_say_what_stands_there() {
        for face in [Face::Folder, Face::File { version: Version(9), executable: true, modified: 100_000 }] {
            assert_eq!(Face::wanted(&face.record("a/b")), Ok(face));
            let mark = Mark { face, inode: 7, born: 3 };
            assert_eq!(Mark::read(&mark.fingerprint()), Some(mark));
        }
    }
}
