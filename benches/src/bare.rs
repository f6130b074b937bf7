//! The least that any program must do for the same work.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Asks for the state of every file below the folders; returns how many there are.
pub(crate) fn walk(folders: &[PathBuf]) -> Result<u64, Error> {
    let (mut files, mut folders) = (0, folders.to_vec());
    while let Some(folder) = folders.pop() {
        let fails = |error| Error::io(&folder, error);
        for entry in fs::read_dir(&folder).map_err(fails)? {
            let entry = entry.map_err(fails)?;
            let found = entry.metadata().map_err(fails)?;
            files += u64::from(found.is_file());
            if found.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(files)
}

/// Copies the files of a folder into a new one, each under another name first, and syncs once.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let fails = |error| Error::io(to, error);
    fs::create_dir_all(to).map_err(fails)?;
    for entry in fs::read_dir(from).map_err(fails)? {
        let name = entry.map_err(fails)?.file_name();
        let bytes = fs::read(from.join(&name)).map_err(fails)?;
        let mut staged = name.clone();
        staged.push(".new");
        let staged = to.join(staged);
        fs::write(&staged, bytes).map_err(fails)?;
        fs::rename(&staged, to.join(&name)).map_err(fails)?;
    }
    sync(to)
}

/// Makes everything durable that was written on a folder's file system.
#[cfg(target_os = "linux")]
pub(crate) fn sync(folder: &Path) -> Result<(), Error> {
    let open = File::open(folder).map_err(|error| Error::io(folder, error))?;
    rustix::fs::syncfs(open).map_err(|error| Error::io(folder, error.into()))
}

/// Makes the folder durable, as far as the platform can.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|open| open.sync_all()).map_err(|error| Error::io(folder, error))
}
