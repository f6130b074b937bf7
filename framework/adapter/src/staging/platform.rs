//! The calls that change the file system, and what stands in for them where the platform has none.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use record::Digest;
use record::digest::Hasher;

use crate::staging::stat::Stat;

/// How many bytes are copied at once.
pub(super) const BLOCK: usize = 256 * 1024;

/// Every change of the file system that staging makes goes through here, one call an action.
#[derive(Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) script: Option<super::tests::Script>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

/// An action on the file system, as the tests see it coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act<'a> {
    /// A folder is made.
    MakeFolder(&'a Path),
    /// A file is written.
    Write(&'a Path, &'a [u8]),
    /// Two files change places.
    Exchange(&'a Path, &'a Path),
    /// A file is moved to a free name.
    Place(&'a Path, &'a Path),
    /// A file is moved.
    Rename(&'a Path, &'a Path),
    /// A file gets a second name, or is copied.
    Keep(&'a Path, &'a Path),
    /// A file is removed.
    Remove(&'a Path),
    /// An empty folder is removed.
    RemoveFolder(&'a Path),
    /// Everything done so far becomes durable.
    Sync,
}

#[cfg(not(test))]
impl Disk {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests put a script here")]
    fn before(&self, _act: Act<'_>) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Disk {
    fn before(&self, act: Act<'_>) -> io::Result<()> {
        self.script.as_ref().map_or(Ok(()), |script| script.before(act))
    }
}

impl Disk {
    /// Makes a folder that only its owner can enter.
    pub(super) fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.before(Act::MakeFolder(path))?;
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    /// Writes a new file, with the mode, owner, group and attributes of `like`.
    pub(super) fn write(&self, path: &Path, bytes: &[u8], like: Option<&Path>) -> io::Result<()> {
        self.before(Act::Write(path, bytes))?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        like.map_or(Ok(()), |like| resemble(&file, like))
    }

    /// Writes a new file as [`Disk::write`] does, block by block, and returns the digest of what was written.
    pub(super) fn write_from(&self, path: &Path, content: &mut dyn Read, like: &Path) -> io::Result<Digest> {
        self.before(Act::Write(path, &[]))?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let (mut hasher, mut block) = (Hasher::default(), vec![0; BLOCK]);
        loop {
            match content.read(&mut block) {
                Ok(0) => break,
                Ok(read) => {
                    let read = block.get(..read).unwrap_or_default();
                    hasher.update(read);
                    file.write_all(read)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        resemble(&file, like)?;
        Ok(hasher.finish())
    }

    /// Lets two files change places.
    ///
    /// # Errors
    /// `Unsupported` where platform or file system cannot.
    pub(super) fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.before(Act::Exchange(one, other))?;
        exchange(one, other)
    }

    /// Moves a file to a name that must be free.
    pub(super) fn place(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.before(Act::Place(from, to)).and_then(|()| place(from, to)) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.place_checked(from, to),
            otherwise => otherwise,
        }
    }

    /// Moves a file to a free name where that cannot be asked for: a second name is as good, checking and renaming nearly.
    fn place_checked(&self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Ok(()) => return self.remove(from),
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => return Err(error),
            Err(_) => {}
        }
        if fs::symlink_metadata(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    /// Moves a file.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Act::Rename(from, to))?;
        fs::rename(from, to)
    }

    /// Gives a file a second name, or copies it where there are none.
    pub(super) fn keep(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Act::Keep(from, to))?;
        match fs::hard_link(from, to) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
                fs::copy(from, to)?;
                File::open(to)?.sync_all()
            }
            otherwise => otherwise,
        }
    }

    /// Removes a file.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.before(Act::Remove(path))?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.before(Act::RemoveFolder(path))?;
        fs::remove_dir(path)
    }

    /// Makes everything durable that was done on the file system of `folder`; `all` names what was touched, for platforms that need to be told.
    pub(super) fn sync(&self, folder: &Path, all: impl Iterator<Item = PathBuf>) -> io::Result<()> {
        self.before(Act::Sync)?;
        sync(folder, all)
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(from: &Path, to: &Path, flags: rustix::fs::RenameFlags) -> io::Result<()> {
    use rustix::io::Errno;
    rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags).map_err(|error| match error {
        Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => io::ErrorKind::Unsupported.into(),
        other => other.into(),
    })
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn place(from: &Path, to: &Path) -> io::Result<()> {
    rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn place(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync(folder: &Path, _all: impl Iterator<Item = PathBuf>) -> io::Result<()> {
    rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn sync(_folder: &Path, all: impl Iterator<Item = PathBuf>) -> io::Result<()> {
    for path in all {
        match File::open(&path).and_then(|file| file.sync_all()) {
            // A folder cannot be opened everywhere; a deletion has no file of its own.
            Err(error) if error.kind() != io::ErrorKind::NotFound && !path.is_dir() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Tells whether files can be made and removed in a folder.
#[cfg(unix)]
pub(super) fn writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::Access;
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

/// Tells whether files can be made and removed in a folder.
#[cfg(not(unix))]
pub(super) fn writable(folder: &Path) -> io::Result<()> {
    fs::metadata(folder).map(|_| ())
}

/// Gives a file the mode, owner, group and extended attributes of another.
#[cfg(unix)]
fn resemble(file: &File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (model, own) = (File::open(like)?, file.metadata()?);
    let wanted = model.metadata()?;
    if (wanted.uid(), wanted.gid()) != (own.uid(), own.gid()) {
        fchown(file, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    copy_attributes(&model, file);
    file.set_permissions(wanted.permissions())
}

/// Gives a file the permissions of another.
#[cfg(not(unix))]
fn resemble(file: &File, like: &Path) -> io::Result<()> {
    file.set_permissions(fs::metadata(like)?.permissions())
}

/// Copies extended attributes (access lists, tags) as far as the file system lets: none of them is worth failing for.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn copy_attributes(from: &File, to: &File) {
    const LONGEST: usize = 1 << 16;
    let mut names = vec![0_u8; LONGEST];
    let Ok(length) = rustix::fs::flistxattr(from, names.as_mut_slice()) else { return };
    let mut value = vec![0_u8; if length == 0 { 0 } else { LONGEST }];
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let Ok(length) = rustix::fs::fgetxattr(from, name, value.as_mut_slice()) else { continue };
        let _ = rustix::fs::fsetxattr(to, name, value.get(..length).unwrap_or_default(), rustix::fs::XattrFlags::empty());
    }
}

/// Copies extended attributes where the platform has them.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn copy_attributes(_from: &File, _to: &File) {}

/// Tells whether two names lead to one file.
#[cfg(unix)]
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
}

/// Tells whether two names lead to one file.
#[cfg(not(unix))]
pub(super) fn same_file(_one: &Path, _other: &Path) -> bool {
    false
}

/// Reads what the platform tells of a file.
#[cfg(unix)]
pub(super) fn stat_of(metadata: &Metadata) -> Stat {
    use std::os::unix::fs::MetadataExt as _;
    Stat {
        size: metadata.len(),
        modified: (metadata.mtime(), u32::try_from(metadata.mtime_nsec()).unwrap_or_default()),
        changed: (metadata.ctime(), u32::try_from(metadata.ctime_nsec()).unwrap_or_default()),
        inode: metadata.ino(),
        device: metadata.dev(),
        mode: metadata.mode(),
        owner: metadata.uid(),
        group: metadata.gid(),
    }
}

/// Reads what the platform tells of a file.
#[cfg(not(unix))]
pub(super) fn stat_of(metadata: &Metadata) -> Stat {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Stat { size: metadata.len(), modified: (seconds, since.subsec_nanos()), ..Stat::default() }
}

/// Returns a path as bytes.
#[cfg(unix)]
pub(super) fn path_to_bytes(path: &Path) -> Option<&[u8]> {
    Some(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// Returns a path as bytes.
#[cfg(not(unix))]
pub(super) fn path_to_bytes(path: &Path) -> Option<&[u8]> {
    path.to_str().map(str::as_bytes)
}

/// Reads a path from bytes.
#[cfg(unix)]
pub(super) fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    let text: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
    Some(PathBuf::from(text))
}

/// Reads a path from bytes.
#[cfg(not(unix))]
pub(super) fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}
