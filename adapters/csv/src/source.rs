//! Where the bytes of a table come from: memory, a file too large for that, or either with edits.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use adapter::Error;
use adapter::staging::{Stat, read_whole};
use record::Digest;
use record::digest::Hasher;

use crate::stream::{AnyStream, BLOCK, Held, Stream};

/// Something that can be read from its beginning as often as needed.
pub(crate) trait Origin: Debug + Sync {
    /// Names the file, for people.
    fn path(&self) -> &Path;

    /// Begins to read the bytes of the file.
    fn raw(&self) -> AnyStream<'_>;

    /// Makes an error out of what went wrong while it was read.
    fn failure(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::InvalidData => Error::Source { path: self.path().to_owned(), reason: error.to_string() },
            _ => Error::io(self.path(), error),
        }
    }
}

/// A table's file.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Held(Vec<u8>),
    File { file: Mutex<File>, stat: Stat },
}

impl Source {
    /// Opens a file; one of at most `most` bytes is held in memory.
    ///
    /// # Errors
    /// Fails if it cannot be read, or a small one keeps changing.
    pub(crate) fn open(path: &Path, most: u64) -> Result<Self, Error> {
        let fails = |error| Error::io(path, error);
        if std::fs::metadata(path).map_err(fails)?.len() <= most {
            return Ok(Self::held(path, read_whole(path)?.0));
        }
        let file = File::open(path).map_err(fails)?;
        let stat = Stat::from(&file.metadata().map_err(fails)?);
        Ok(Self { path: path.to_owned(), content: Content::File { file: Mutex::new(file), stat } })
    }

    /// Takes bytes for the file's.
    pub(crate) fn held(path: &Path, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), content: Content::Held(bytes) }
    }

    /// Fails if the file changed since it was opened, so that what was read of it may be of two times.
    ///
    /// # Errors
    /// Fails with [`Error::Changed`] then.
    pub(crate) fn settled(&self) -> Result<(), Error> {
        let Content::File { file, stat } = &self.content else { return Ok(()) };
        let metadata = file.lock().unwrap_or_else(PoisonError::into_inner).metadata().map_err(|error| Error::io(&self.path, error))?;
        if Stat::from(&metadata) == *stat { Ok(()) } else { Err(Error::Changed { path: self.path.clone() }) }
    }

    /// Returns the digest of the file.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub(crate) fn digest(&self) -> Result<Digest, Error> {
        if let Content::Held(bytes) = &self.content {
            return Ok(Digest::of(bytes));
        }
        digest(self.raw()).map_err(|error| self.failure(error))
    }
}

/// Returns the digest of a stream.
///
/// # Errors
/// Fails as the stream does.
pub(crate) fn digest(mut stream: impl Stream) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut block = Vec::new();
    while stream.more(&mut block)? {
        hasher.update(&block);
        block.clear();
    }
    Ok(hasher.finish())
}

impl Origin for Source {
    fn path(&self) -> &Path {
        &self.path
    }

    fn raw(&self) -> AnyStream<'_> {
        match &self.content {
            Content::Held(bytes) => Box::new(Held(bytes)),
            Content::File { file, .. } => Box::new(Positioned { file, at: 0 }),
        }
    }
}

/// A file that is read from a place of its own, while others read it too.
struct Positioned<'f> {
    file: &'f Mutex<File>,
    at: u64,
}

impl Stream for Positioned<'_> {
    fn more(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = (&mut *file).take(BLOCK as u64).read_to_end(to)?;
        self.at += read as u64;
        Ok(read > 0)
    }
}
