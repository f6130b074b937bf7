//! Reading: the digest of what stands under a name, proven not to have changed meanwhile.

use std::fs::File;
use std::io::{self, Read, Write};

use record::Digest;
use record::digest::Hasher;

use crate::beneath::{Look, Root};
use crate::mark::Sort;

/// How many bytes of a file are held at once.
pub(crate) const PIECE: usize = 256 * 1024;

/// Why something was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It kept changing.
    Changed,
    /// The operating system refused.
    Io(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns the digest of a link's text, which no file's content has.
pub(crate) fn of_link(text: &[u8]) -> Digest {
    Digest::of_parts(&[b"symbolic link", text])
}

/// Returns the digest of what stands at a path, and what it was while it was read.
///
/// # Errors
/// Fails if it changed during each of three attempts, or cannot be read.
pub(crate) fn digest(root: &Root, path: &[u8]) -> Result<(Digest, Look), Unread> {
    const ATTEMPTS: usize = 3;
    for _ in 0..ATTEMPTS {
        let before = root.look(path)?;
        let digest = match before.sort {
            Sort::Folder => return Ok((Digest([0; 32]), before)),
            Sort::Other => return Err(Unread::Io(io::Error::from(io::ErrorKind::InvalidInput))),
            Sort::Link => of_link(&root.read_link(path)?),
            Sort::File => {
                let (digest, length) = copy(&mut root.read(path)?, &mut io::sink())?;
                if length != before.stat.size {
                    continue;
                }
                digest
            }
        };
        if root.look(path)? == before {
            return Ok((digest, before));
        }
    }
    Err(Unread::Changed)
}

/// Copies a file piece by piece, and returns its digest and length.
pub(crate) fn copy(from: &mut File, to: &mut dyn Write) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut piece, mut length) = (Hasher::default(), vec![0; PIECE], 0);
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(read) => {
                let read = piece.get(..read).unwrap_or_default();
                hasher.update(read);
                to.write_all(read)?;
                length += read.len() as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tells whether the content at a path has this digest.
pub(crate) fn holds(root: &Root, path: &[u8], sort: Sort, wanted: Digest) -> bool {
    digest(root, path).is_ok_and(|(found, look)| look.sort == sort && found == wanted)
}
