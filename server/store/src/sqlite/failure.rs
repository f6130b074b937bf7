//! What went wrong on the disk or in the database, said with the file's name and what to do.

use std::fmt::Display;
use std::io;
use std::path::Path;

use protocol::Error;
use rusqlite::ErrorCode;

/// Says that the file system refused something.
pub(super) fn io(doing: &str, path: &Path, error: &io::Error) -> Error {
    Error::Failed(format!("cannot {doing} `{}`: {error}", path.display()))
}

/// Says that a file does not hold what was written to it.
pub(super) fn damaged(path: &Path, what: impl Display) -> Error {
    Error::Integrity(format!(
        "`{}` is damaged: {what}; put the store's folder back from a backup, or move it away and sync again: \
         every device puts back what it holds",
        path.display()
    ))
}

/// Says why SQLite failed.
pub(super) fn database(path: &Path, error: &rusqlite::Error) -> Error {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(path, error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Unavailable(format!("`{shown}` is held by another process; try again when that is done"))
        }
        Some(ErrorCode::DiskFull) => Error::Failed(format!("no space is left for `{shown}`; nothing was kept")),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::Failed(format!("cannot write `{shown}`: {error}; check who owns its folder"))
        }
        Some(_) => Error::Failed(format!("`{shown}`: {error}")),
        // Not SQLite but a value that has another type or length than the one that was written.
        None => damaged(path, error),
    }
}
