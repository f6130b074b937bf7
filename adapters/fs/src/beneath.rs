//! The one place that calls the platform: whatever is opened, looked at, moved or removed lies beneath the root.
//!
//! No symbolic link is followed below the root, so that no path, and nobody who changes folders meanwhile, leads out of it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use adapter::staging::{Moment, Stat};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::mark::Sort;
use crate::name;

/// What the file system says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// What it is; every folder is a folder here, empty or not.
    pub(crate) sort: Sort,
    pub(crate) stat: Stat,
    pub(crate) born: Moment,
}

impl Look {
    /// Tells whether its owner may run it.
    pub(crate) fn executable(&self) -> bool {
        self.sort == Sort::File && self.stat.mode & 0o100 != 0
    }
}

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Root {
    folder: OwnedFd,
}

/// The folder in which a name stands.
pub(crate) enum Parent<'r> {
    /// The root itself.
    Root(BorrowedFd<'r>),
    /// One beneath it.
    Beneath(OwnedFd),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(folder) => folder.as_fd(),
            Self::Beneath(folder) => folder.as_fd(),
        }
    }
}

impl Root {
    /// Opens a folder; the path that leads to it may lead over links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { folder: rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty())? })
    }

    pub(crate) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// Opens a folder beneath.
    pub(crate) fn beneath(&self, path: &[u8]) -> io::Result<Self> {
        Ok(Self { folder: open_beneath(self.folder(), path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)? })
    }

    /// Opens the folder in which a path stands.
    pub(crate) fn parent<'p>(&self, path: &'p [u8]) -> io::Result<(Parent<'_>, &'p [u8])> {
        let (folder, name) = name::split(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(match folder {
            None => (Parent::Root(self.folder()), name),
            Some(folder) => (Parent::Beneath(open_beneath(self.folder(), folder, flags)?), name),
        })
    }

    /// Looks at a path.
    pub(crate) fn look(&self, path: &[u8]) -> io::Result<Look> {
        let (parent, name) = self.parent(path)?;
        look(parent.as_fd(), name)
    }

    /// Looks at a path; nothing if nothing stands there.
    pub(crate) fn find(&self, path: &[u8]) -> io::Result<Option<Look>> {
        absent(self.look(path))
    }

    /// Opens a file to read it; what is no file is not waited for.
    pub(crate) fn read(&self, path: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(open_beneath(self.folder(), path, flags)?))
    }

    /// Makes a new file and opens it.
    pub(crate) fn create(&self, path: &[u8], mode: u32) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(mode))?))
    }

    /// Returns the text of a link.
    pub(crate) fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::readlinkat(parent, name, Vec::new())?.into_bytes())
    }

    /// Makes a link with this text.
    pub(crate) fn link(&self, path: &[u8], target: &[u8]) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::symlinkat(target, parent, name)?)
    }

    /// Makes a folder.
    pub(crate) fn make_folder(&self, path: &[u8], mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode))?)
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(&self, path: &[u8]) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes a file or link; that it is gone already is as good.
    pub(crate) fn remove(&self, path: &[u8]) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets two names change what they stand for.
    pub(crate) fn exchange(&self, one: &[u8], other: &[u8]) -> io::Result<()> {
        self.rename(one, other, RenameFlags::EXCHANGE)
    }

    /// Moves to a name that must be free.
    pub(crate) fn place(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        match self.rename(from, to, RenameFlags::NOREPLACE) {
            Err(error) if is_unsupported(&error) => self.place_checked(from, to),
            otherwise => otherwise,
        }
    }

    /// Moves to a free name where that cannot be asked for: a second name is as good, checking and renaming nearly.
    fn place_checked(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        let ((old, old_name), (new, new_name)) = (self.parent(from)?, self.parent(to)?);
        match rustix::fs::linkat(&old, old_name, &new, new_name, AtFlags::empty()) {
            Ok(()) => return self.remove(from),
            Err(error @ (Errno::EXIST | Errno::NOENT)) => return Err(error.into()),
            Err(_) => {}
        }
        if self.find(to)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(rustix::fs::renameat(old, old_name, new, new_name)?)
    }

    fn rename(&self, from: &[u8], to: &[u8], flags: RenameFlags) -> io::Result<()> {
        let ((old, old_name), (new, new_name)) = (self.parent(from)?, self.parent(to)?);
        Ok(rustix::fs::renameat_with(old, old_name, new, new_name, flags)?)
    }

    /// Sets whether a file may be run by whoever may read it.
    pub(crate) fn set_executable(&self, path: &[u8], executable: bool) -> io::Result<()> {
        set_executable(&self.read(path)?, executable)
    }

    /// Makes everything durable that was done on this file system.
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return rustix::fs::syncfs(&self.folder).map_err(io::Error::from);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return {
            rustix::fs::sync();
            Ok(())
        };
    }

    /// Returns how many bytes are free.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let found = rustix::fs::fstatvfs(&self.folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// Tells whether the file system has no such operation.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    let none = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| none.contains(&code))
}

/// Tells whether a path leads out of the root or over a link.
pub(crate) fn leads_astray(error: &io::Error) -> bool {
    let astray = [Errno::XDEV, Errno::LOOP].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| astray.contains(&code))
}

/// Turns "not there" into nothing: the name is free, or a folder above it is missing or a file.
pub(crate) fn absent<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets whether an open file may be run by whoever may read it.
pub(crate) fn set_executable(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = file.metadata()?.permissions();
    let mode = permissions.mode();
    let wanted = if executable { mode | ((mode & 0o444) >> 2) | 0o100 } else { mode & !0o111 };
    if wanted != mode {
        permissions.set_mode(wanted);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

/// Sets when a name was last modified.
pub(crate) fn set_modified(parent: BorrowedFd<'_>, name: &[u8], seconds: i64) -> io::Result<()> {
    let unchanged = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let times = Timestamps { last_access: unchanged, last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 } };
    Ok(rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Opens what lies beneath a folder, over no link.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_beneath(folder: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    const ATTEMPTS: usize = 16;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve) {
            Ok(found) => return Ok(found),
            // Someone renames folders meanwhile.
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS | Errno::PERM) => break,
            Err(error) => return Err(error.into()),
        }
    }
    open_by_names(folder, path, flags)
}

/// Opens what lies beneath a folder, over no link.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_beneath(folder: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    open_by_names(folder, path, flags)
}

/// Opens name by name, none of which may be a link or lead up.
fn open_by_names(folder: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let (above, last) = name::split(path);
    let mut current: Option<OwnedFd> = None;
    for name in above.into_iter().flat_map(|above| above.split(|byte| *byte == b'/')) {
        let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = open_one(current.as_ref().map_or(folder, AsFd::as_fd), name, step)?;
        current = Some(next);
    }
    open_one(current.as_ref().map_or(folder, AsFd::as_fd), last, flags | OFlags::NOFOLLOW)
}

fn open_one(folder: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    if matches!(name, b"" | b"." | b"..") {
        return Err(Errno::XDEV.into());
    }
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

/// Looks at a name in a folder, without following it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn look(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<Look> {
    use rustix::fs::StatxFlags;
    let found = rustix::fs::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
    let born = if found.stx_mask & StatxFlags::BTIME.bits() == 0 { (0, 0) } else { (found.stx_btime.tv_sec, found.stx_btime.tv_nsec) };
    let mode = u32::from(found.stx_mode);
    let stat = Stat {
        size: found.stx_size,
        modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        inode: found.stx_ino,
        device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
        mode,
        owner: found.stx_uid,
        group: found.stx_gid,
    };
    Ok(Look { sort: sort(FileType::from_raw_mode(mode)), stat, born })
}

/// Looks at a name in a folder, without following it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn look(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<Look> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let _ = flags;
    let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let nanoseconds = |value: i64| u32::try_from(value).unwrap_or_default();
    let mode = u32::from(found.st_mode);
    let stat = Stat {
        size: u64::try_from(found.st_size).unwrap_or_default(),
        modified: (found.st_mtime, nanoseconds(found.st_mtime_nsec)),
        changed: (found.st_ctime, nanoseconds(found.st_ctime_nsec)),
        inode: found.st_ino,
        device: u64::try_from(found.st_dev).unwrap_or_default(),
        mode,
        owner: found.st_uid,
        group: found.st_gid,
    };
    Ok(Look { sort: sort(FileType::from_raw_mode(found.st_mode)), stat, born: (0, 0) })
}

/// Tells what a type of file is here.
pub(crate) fn sort(found: FileType) -> Sort {
    match found {
        FileType::RegularFile => Sort::File,
        FileType::Symlink => Sort::Link,
        FileType::Directory => Sort::Folder,
        _ => Sort::Other,
    }
}

/// Hands on every name in an open folder with what it is, as far as the folder tells.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn list(folder: BorrowedFd<'_>, take: &mut dyn FnMut(&[u8], FileType)) -> io::Result<()> {
    let mut buffer: Vec<u8> = Vec::with_capacity(32 * 1024);
    let mut names = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            take(name, entry.file_type());
        }
    }
    Ok(())
}

/// Hands on every name in an open folder with what it is, as far as the folder tells.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn list(folder: BorrowedFd<'_>, take: &mut dyn FnMut(&[u8], FileType)) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            take(name, entry.file_type());
        }
    }
    Ok(())
}

/// Opens a folder by its name in another one; a link is none.
pub(crate) fn open_folder(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}
