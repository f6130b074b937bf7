//! One process at a time syncs a collection on this machine; another one waits, but not for ever.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::Collection;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;

/// How long a process waits for another.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it sleeps between two looks.
const NAP: Duration = Duration::from_millis(25);

/// A collection that is this process's for as long as this value lives. The system frees it when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock, at most ten seconds.
    pub(crate) fn hold(path: &Path, collection: &Collection) -> Outcome<Self> {
        Self::within(path, collection, PATIENCE)
    }

    fn within(path: &Path, collection: &Collection, patience: Duration) -> Outcome<Self> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|error| Failure::io("write", path, &error))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if interrupt::asked() => {
                    return Err(Failure::new(Exit::Interrupted, "interrupted while waiting for another syncretic process"));
                }
                Err(TryLockError::WouldBlock) if begin.elapsed() < patience => std::thread::sleep(NAP),
                Err(TryLockError::WouldBlock) => return Err(busy(collection)),
                // Where there are no locks, compare-and-swap still keeps everything safe.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(Failure::io("lock", path, &error)),
            }
        }
    }
}

fn busy(collection: &Collection) -> Failure {
    Failure::new(Exit::Temporary, format!("another syncretic process is at work on collection `{collection}`"))
        .note("nothing was read or written")
        .help("wait until it is done, then try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_waits_a_bounded_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts");
        let contacts: Collection = "contacts".parse().unwrap();
        let first = Lock::hold(&path, &contacts).unwrap();
        let failure = Lock::within(&path, &contacts, Duration::ZERO).unwrap_err();
        assert_eq!(failure.exit, Exit::Temporary);
        drop(first);
        assert!(Lock::within(&path, &contacts, Duration::ZERO).is_ok());
    }
}
