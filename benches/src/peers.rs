//! The peers: programs that sync two folders of files, each with a state of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// A program that syncs two folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Unison.
    Unison,
    /// vdirsyncer.
    Vdirsyncer,
    /// rclone bisync.
    Rclone,
}

const ALL: [Peer; 3] = [Peer::Unison, Peer::Vdirsyncer, Peer::Rclone];

/// Returns the peers that are installed.
pub(crate) fn installed() -> Vec<Peer> {
    ALL.into_iter().filter(|peer| found(peer.program())).collect()
}

/// Returns the programs that are not.
pub(crate) fn absent() -> Vec<&'static str> {
    ALL.into_iter().map(Peer::program).filter(|program| !found(program)).collect()
}

/// Tells whether a program is installed.
pub(crate) fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Peer {
    /// Returns its program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Unison => "unison",
            Self::Vdirsyncer => "vdirsyncer",
            Self::Rclone => "rclone",
        }
    }

    /// Returns what the table calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Unison => "Unison",
            Self::Vdirsyncer => "vdirsyncer",
            Self::Rclone => "rclone bisync",
        }
    }

    /// Makes its configuration for the folders `a` and `b` in `home`, without any state, and the folder `b`.
    pub(crate) fn configure(self, home: &Path) -> Result<(), Error> {
        let state = home.join("state");
        crate::data::aside(&state)?;
        for folder in [&state, &home.join("b")] {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        }
        if self == Self::Vdirsyncer {
            let storage = |name: &str| {
                format!("[storage {name}]\ntype = \"filesystem\"\npath = \"{}\"\nfileext = \".vcf\"\n", home.join(name).display())
            };
            let pair = "[pair contacts]\na = \"a\"\nb = \"b\"\ncollections = null\n";
            let text = format!("[general]\nstatus_path = \"{}\"\n{pair}{}{}", state.display(), storage("a"), storage("b"));
            let path = home.join("vdirsyncer.conf");
            fs::write(&path, text).map_err(|error| Error::io(&path, error))?;
        }
        Ok(())
    }

    /// Returns the command that must have run once before the first sync, if there is one.
    pub(crate) fn discover(self, home: &Path) -> Option<Command> {
        (self == Self::Vdirsyncer).then(|| self.command(home, &["discover"]))
    }

    /// Returns the command of a first sync.
    pub(crate) fn first(self, home: &Path) -> Command {
        match self {
            Self::Rclone => self.command(home, &["--resync"]),
            Self::Unison | Self::Vdirsyncer => self.sync(home),
        }
    }

    /// Returns the command of any later sync.
    pub(crate) fn sync(self, home: &Path) -> Command {
        match self {
            Self::Vdirsyncer => self.command(home, &["sync"]),
            Self::Unison | Self::Rclone => self.command(home, &[]),
        }
    }

    fn command(self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        let (a, b, state): (PathBuf, PathBuf, PathBuf) = (home.join("a"), home.join("b"), home.join("state"));
        command.current_dir(home).env("HOME", home);
        match self {
            Self::Unison => {
                command.env("UNISON", &state).arg(a).arg(b).args(["-batch", "-auto", "-ui", "text", "-silent", "-fastcheck", "true"])
            }
            Self::Vdirsyncer => command.arg("-c").arg(home.join("vdirsyncer.conf")),
            Self::Rclone => command.arg("bisync").arg(a).arg(b).arg("--workdir").arg(state).arg("-q"),
        };
        command.args(arguments);
        command
    }
}
