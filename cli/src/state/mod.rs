//! The state directory: the device's key, the embedded store, and an object store for each endpoint.
//!
//! ```text
//! VERSION                                  of this layout
//! device.key                               the device's secret key
//! store/                                   the embedded store
//! endpoints/<collection>/<endpoint>.sqlite the object stores
//! holds/<hold>                             what a safety stop showed
//! locks/<collection>                       held while a process syncs the collection
//! servers/<host>-<digest>/                 a server that this device is enrolled at
//! server/                                  the store of a server that is run here
//! ```

mod device;
mod holds;
mod lock;
mod servers;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use client::Address;
use protocol::Collection;
use record::Digest;

pub(crate) use device::Device;
pub(crate) use holds::Holds;
pub(crate) use lock::Lock;
pub(crate) use servers::{Enrolled, Servers};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The variable that names the state directory.
pub(crate) const VARIABLE: &str = "SYNCRETIC_STATE_HOME";
const VERSION: &str = "1";
/// The most characters of an endpoint's name that stand in its file's name.
const READABLE: usize = 40;

/// The state directory; it need not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Finds out where the state directory is: `SYNCRETIC_STATE_HOME`, else below `XDG_STATE_HOME`, else below `~/.local/state`.
    pub(crate) fn locate() -> Outcome<Self> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = match (named(VARIABLE), named("XDG_STATE_HOME"), std::env::home_dir()) {
            (Some(root), _, _) => std::path::absolute(&root).map_err(|error| Failure::io("find", &root, &error))?,
            // The XDG base directory specification: relative paths are to be ignored.
            (None, Some(state), _) if state.is_absolute() => state.join("syncretic"),
            (None, _, Some(home)) if home.is_absolute() => home.join(".local/state/syncretic"),
            _ => return Err(Failure::usage("no home folder is known, so there is no place for the state").help(format!("set {VARIABLE}"))),
        };
        Ok(Self { root })
    }

    /// Takes a directory.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the directory if it is not there, and checks its version.
    pub(crate) fn establish(&self) -> Outcome<()> {
        self.make(&self.root)?;
        if !self.check()? {
            let path = self.root.join("VERSION");
            write_once(&path, format!("{VERSION}\n").as_bytes(), 0o600).map_err(|error| Failure::io("write", &path, &error))?;
        }
        Ok(())
    }

    /// Checks the version of the directory; false if there is none yet.
    pub(crate) fn check(&self) -> Outcome<bool> {
        let path = self.root.join("VERSION");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim() == VERSION => Ok(true),
            Ok(text) => Err(self.foreign(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(self.foreign("binary data")),
            Err(error) => Err(Failure::io("read", &path, &error)),
        }
    }

    fn foreign(&self, found: &str) -> Failure {
        let message = format!(
            "the state directory `{}` has version `{}`, and this program knows version {VERSION}",
            self.root.display(),
            crate::terminal::shown(found.trim())
        );
        Failure::new(Exit::Integrity, message)
            .note("nothing was read or written")
            .help(format!("use the program that wrote it, or name another directory with {VARIABLE}"))
    }

    /// Returns where the embedded store lies.
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Returns where a server that is run here keeps everything, unless another place is named.
    pub(crate) fn server(&self) -> PathBuf {
        self.root.join("server")
    }

    /// Returns where an endpoint's object store lies.
    ///
    /// The place is part of the key: an endpoint whose path was changed joins anew, and what is not in the new place
    /// was not deleted. So is the server, if the collection is on one: another store is another log.
    pub(crate) fn objects(&self, server: Option<&Address>, collection: &Collection, endpoint: &str, place: &Path) -> PathBuf {
        let mut parts = vec![collection.as_str().as_bytes(), endpoint.as_bytes(), place.as_os_str().as_encoded_bytes()];
        parts.extend(server.map(|server| server.as_str().as_bytes()));
        let digest = Digest::of_parts(&parts).to_string();
        let plain = |character: char| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' };
        let readable: String = endpoint.chars().take(READABLE).map(plain).collect();
        let name = format!("{readable}-{}.sqlite", digest.get(..16).unwrap_or_default());
        self.root.join("endpoints").join(collection.as_str()).join(name)
    }

    /// Makes the folder that an endpoint's object store lies in.
    pub(crate) fn make_objects(&self, collection: &Collection) -> Outcome<()> {
        self.make(&self.root.join("endpoints").join(collection.as_str()))
    }

    /// Returns the device's key, which is made at first use.
    pub(crate) fn device(&self) -> Outcome<Device> {
        Device::open(&self.root.join("device.key"))
    }

    /// Returns the device's key if there is one.
    pub(crate) fn known_device(&self) -> Outcome<Option<Device>> {
        Device::read(&self.root.join("device.key"))
    }

    /// Returns the holds that were printed.
    pub(crate) fn holds(&self) -> Holds {
        Holds::in_folder(self.root.join("holds"))
    }

    /// Returns the servers that this device is enrolled at.
    pub(crate) fn servers(&self) -> Servers {
        Servers::in_folder(self.root.join("servers"))
    }

    /// Waits, for a bounded time, until this process is the only one that syncs the collection.
    pub(crate) fn lock(&self, collection: &Collection) -> Outcome<Lock> {
        let folder = self.root.join("locks");
        self.make(&folder)?;
        Lock::hold(&folder.join(collection.as_str()), collection)
    }

    pub(crate) fn make(&self, folder: &Path) -> Outcome<()> {
        make_private(folder).map_err(|error| {
            let failure = Failure::io("make the folder", folder, &error);
            failure.exiting(Exit::Usage).help(format!("make it writable to you, or name another state directory with {VARIABLE}"))
        })
    }
}

/// Makes a folder, and those above it, that only its owner may enter.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a whole file in one step, unless there is one of this name already; durable before it returns.
///
/// Only its owner may read it where `mode` says so.
fn write_once(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let staged = PathBuf::from(name);
    let written = stage(&staged, content, mode).and_then(|()| fs::hard_link(&staged, path));
    let _ = fs::remove_file(&staged);
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
    }
}

/// Writes a whole file in one step, in the place of the one that is there; durable before it returns.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let staged = PathBuf::from(name);
    let written = stage(&staged, content, mode).and_then(|()| fs::rename(&staged, path));
    if written.is_err() {
        let _ = fs::remove_file(&staged);
    }
    written.and_then(|()| path.parent().map_or(Ok(()), sync_folder))
}

fn stage(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be synced by itself; its file system's journal keeps its names.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("state"));
        (folder, home)
    }

    #[test]
    fn a_state_directory_is_its_owners_alone() {
        let (_folder, home) = home();
        assert!(!home.check().unwrap());
        home.establish().unwrap();
        home.establish().unwrap();
        assert!(home.check().unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(home.root()).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_state_directory_of_another_version_is_left_alone() {
        let (_folder, home) = home();
        fs::create_dir(home.root()).unwrap();
        fs::write(home.root().join("VERSION"), "2\n").unwrap();
        let failure = home.establish().unwrap_err();
        assert_eq!(failure.exit, Exit::Integrity);
        assert!(failure.message.contains("version `2`"), "{}", failure.message);
    }

    #[test]
    fn endpoints_whose_names_look_alike_have_files_of_their_own() {
        let (_folder, home) = home();
        let contacts: Collection = "contacts".parse().unwrap();
        let name = |endpoint: &str| {
            home.objects(None, &contacts, endpoint, Path::new("/here")).file_name().unwrap().to_string_lossy().into_owned()
        };
        assert!(name("csv:a/b.csv").starts_with("csv_a_b_csv-"));
        assert_ne!(name("csv:a/b.csv"), name("csv:a_b.csv"));
        assert!(name(&"x/../".repeat(60)).len() < 80);
    }
}
