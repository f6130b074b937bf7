//! What the file system says of a file, and reading a file whole.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use record::Digest;
use record::digest::Hasher;

use crate::error::Error;
use crate::staging::platform;

/// How many bytes of a file are held at once where only its digest is wanted.
const PIECE: usize = 1 << 20;

/// A file that was written within this many seconds before it was read may be written again within one tick of the clock.
const RACY_SECONDS: i64 = 2;

/// Seconds and nanoseconds since 1970.
pub type Moment = (i64, u32);

/// Returns the moment that it is.
#[must_use]
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Length in bytes.
    pub size: u64,
    /// When its content last changed: seconds and nanoseconds since 1970.
    pub modified: Moment,
    /// When anything about it last changed: seconds and nanoseconds since 1970; zero where the platform does not tell.
    pub changed: Moment,
    /// Its number on its file system; zero where the platform does not tell.
    pub inode: u64,
    /// Its file system; zero where the platform does not tell.
    pub device: u64,
    /// Its permissions and type, as `st_mode`; zero where the platform does not tell.
    pub mode: u32,
    /// Its owner; zero where the platform does not tell.
    pub owner: u32,
    /// Its group; zero where the platform does not tell.
    pub group: u32,
}

impl Stat {
    /// Tells whether the file was last written long enough before `now` that a later write has a later time.
    #[must_use]
    pub fn is_settled(&self, now: Moment) -> bool {
        let limit = (now.0 - RACY_SECONDS, now.1);
        self.modified < limit && self.changed < limit
    }
}

impl From<&Metadata> for Stat {
    fn from(metadata: &Metadata) -> Self {
        platform::stat_of(metadata)
    }
}

/// Asks the file system about a file; symlinks are followed.
///
/// # Errors
/// Fails if the file is not there or cannot be asked about.
pub fn stat(path: &Path) -> Result<Stat, Error> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
    Ok(Stat::from(&metadata))
}

/// Reads a file and proves that it did not change meanwhile; symlinks are followed.
///
/// # Errors
/// Fails with [`Error::Changed`] if it changed during each of three attempts, with [`Error::Io`] if it cannot be read,
/// and with [`Error::Source`] if it is a folder, a pipe or a device: reading those may never end.
pub fn read_whole(path: &Path) -> Result<(Vec<u8>, Stat), Error> {
    read_between(path, &mut || {})
}

/// Returns the digest of a file, read as [`read_whole`] reads it but never held whole in memory.
///
/// # Errors
/// Fails as [`read_whole`] does.
pub fn digest_whole(path: &Path) -> Result<(Digest, Stat), Error> {
    attempt(path, &mut |file| {
        let mut hasher = Hasher::default();
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok((hasher.finish(), length)),
                Ok(read) => {
                    hasher.update(piece.get(..read).unwrap_or_default());
                    length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    })
}

/// Reads a file; `meanwhile` runs between reading and the second look.
pub(super) fn read_between(path: &Path, meanwhile: &mut dyn FnMut()) -> Result<(Vec<u8>, Stat), Error> {
    attempt(path, &mut |file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        meanwhile();
        let length = bytes.len() as u64;
        Ok((bytes, length))
    })
}

/// Takes in a file with `take`, which also tells how many bytes it read, until it does not change meanwhile.
fn attempt<T>(path: &Path, take: &mut dyn FnMut(&mut File) -> io::Result<(T, u64)>) -> Result<(T, Stat), Error> {
    const ATTEMPTS: usize = 3;
    let fails = |error| Error::io(path, error);
    for _ in 0..ATTEMPTS {
        if !std::fs::metadata(path).map_err(fails)?.is_file() {
            return Err(Error::Source { path: path.to_owned(), reason: "this is not a regular file".to_owned() });
        }
        let mut file = File::open(path).map_err(fails)?;
        let before = Stat::from(&file.metadata().map_err(fails)?);
        let (taken, length) = take(&mut file).map_err(fails)?;
        let after = Stat::from(&file.metadata().map_err(fails)?);
        if before == after && before.size == length {
            return Ok((taken, after));
        }
    }
    Err(Error::Changed { path: path.to_owned() })
}
