//! What crosses the boundary to a third party's adapter, whichever way it goes: borrowed bytes, before anyone believes them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Fault};

/// What a call is answered with, as `syn_status` says.
pub(crate) type Status = i32;

/// It went well.
pub(crate) const OK: Status = 0;
pub(crate) const CONFIG: Status = 1;
pub(crate) const AUTH: Status = 2;
pub(crate) const TRANSIENT: Status = 3;
pub(crate) const SOURCE: Status = 4;
pub(crate) const CHANGED: Status = 5;
pub(crate) const IO: Status = 6;
pub(crate) const CANCELLED: Status = 7;
#[cfg(feature = "host")]
pub(crate) const CLOSED: Status = 8;
pub(crate) const PROTOCOL: Status = 9;
pub(crate) const FATAL: Status = 10;
pub(crate) const PANIC: Status = 11;
pub(crate) const UNSUPPORTED: Status = 12;

/// The longest fingerprint in bytes.
pub(crate) const FINGERPRINT_MAX: usize = 128;
/// A number that is not known.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// The id of the host's part that offers secrets.
pub(crate) const SECRETS: &str = "syncretic.secrets/1";
/// The id of the host's part that offers large values.
pub(crate) const BLOBS: &str = "syncretic.blobs/1";
/// The id of the adapter's part that tells whether anything changed.
pub(crate) const SAME: &str = "syncretic.same/1";
/// The id of the adapter's part that streams large values.
pub(crate) const BLOB: &str = "syncretic.blob/1";

/// How an item was found, as `syn_item.state` says.
pub(crate) mod state {
    pub(crate) const ITEM: u32 = 0;
    pub(crate) const UNCHANGED: u32 = 1;
    pub(crate) const BROKEN: u32 = 2;
}

/// What became of an operation, as `syn_answer.outcome` says.
pub(crate) mod outcome {
    pub(crate) const DONE: u32 = 0;
    pub(crate) const DELETED: u32 = 1;
    pub(crate) const STALE: u32 = 2;
    pub(crate) const REFUSED: u32 = 3;
}

/// What became of an operation that was cut off, as `syn_fate.fate` says.
pub(crate) mod fate {
    pub(crate) const DONE: u32 = 0;
    pub(crate) const NOT_DONE: u32 = 1;
    pub(crate) const UNKNOWN: u32 = 2;
}

/// One item of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawItem<'a> {
    pub(crate) state: u32,
    pub(crate) key: &'a [u8],
    pub(crate) fingerprint: &'a [u8],
    pub(crate) record: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) title: &'a [u8],
    pub(crate) reason: &'a [u8],
}

/// One operation of a step. No key means a new item, no record a deletion, no fingerprint that nothing may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawOp<'a> {
    pub(crate) id: [u8; 16],
    pub(crate) key: Option<&'a str>,
    pub(crate) fingerprint: Option<&'a [u8]>,
    pub(crate) record: Option<std::borrow::Cow<'a, [u8]>>,
    pub(crate) changed: Vec<&'a str>,
}

/// The answer to one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawAnswer<'a> {
    pub(crate) outcome: u32,
    pub(crate) index: u64,
    pub(crate) key: &'a [u8],
    pub(crate) fingerprint: &'a [u8],
    pub(crate) record: &'a [u8],
    pub(crate) bytes: u64,
    pub(crate) reason: &'a [u8],
}

/// The fate of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawFate<'a> {
    pub(crate) fate: u32,
    pub(crate) key: &'a [u8],
    pub(crate) fingerprint: &'a [u8],
}

/// Why a call failed, in the words of the boundary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Status,
    pub(crate) message: String,
    pub(crate) subject: Vec<u8>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) os_error: i32,
}

impl Failure {
    pub(crate) fn new(code: Status, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), ..Self::default() }
    }

    fn about(code: Status, subject: &Path, message: impl Into<String>) -> Self {
        Self { subject: path_bytes(subject).to_vec(), ..Self::new(code, message) }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Config { option, reason } => Self { subject: option.clone().into_bytes(), ..Self::new(CONFIG, reason) },
            Error::Source { path, reason } => Self::about(SOURCE, path, reason),
            Error::Auth(reason) => Self::new(AUTH, reason),
            Error::Transient { reason, retry_after } => Self { retry_after: *retry_after, ..Self::new(TRANSIENT, reason) },
            Error::Changed { path } => Self::about(CHANGED, path, "it changed"),
            Error::Io { path, source } => {
                Self { os_error: source.raw_os_error().unwrap_or_default(), ..Self::about(IO, path, source.to_string()) }
            }
            Error::Cancelled => Self::new(CANCELLED, "cancelled"),
            Error::Fatal(_) | Error::Plugin { .. } => Self::new(FATAL, error.to_string()),
        }
    }
}

impl Failure {
    /// Returns it as an error of the plugin of this id.
    pub(crate) fn into_error(self, plugin: &str) -> Error {
        let Self { code, message, subject, retry_after, os_error } = self;
        let path = || path_of(&subject);
        match code {
            CONFIG => Error::Config { option: String::from_utf8_lossy(&subject).into_owned(), reason: message },
            AUTH => Error::Auth(message),
            TRANSIENT => Error::Transient { reason: message, retry_after },
            SOURCE => Error::Source { path: path(), reason: message },
            CHANGED => Error::Changed { path: path() },
            IO if os_error != 0 => Error::io(path(), io::Error::from_raw_os_error(os_error)),
            IO => Error::io(path(), io::Error::other(message)),
            CANCELLED => Error::Cancelled,
            PANIC => plugin_error(plugin, format!("it has a bug and stopped: {message}; tell its author")),
            PROTOCOL => plugin_error(plugin, format!("{message}; `syncretic plugin check {plugin}` shows what else is wrong with it")),
            _ => plugin_error(plugin, message),
        }
    }
}

fn plugin_error(plugin: &str, reason: String) -> Error {
    Error::Plugin { plugin: plugin.to_owned(), fault: Fault::Broken, reason }
}

/// Returns a path as it crosses: bytes on Unix, UTF-8 elsewhere.
#[cfg(unix)]
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}

/// Returns a path as it crosses: bytes on Unix, UTF-8 elsewhere.
#[cfg(not(unix))]
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    path.to_str().unwrap_or_default().as_bytes()
}

/// Reads a path that crossed.
#[cfg(unix)]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    let text: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
    PathBuf::from(text)
}

/// Reads a path that crossed.
#[cfg(not(unix))]
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_crosses_and_comes_back_as_itself() {
        let path = PathBuf::from("/a/b");
        let errors = [
            Error::Config { option: "colour".into(), reason: "must be red".into() },
            Error::Source { path: path.clone(), reason: "is not there".into() },
            Error::Auth("no key".into()),
            Error::Transient { reason: "busy".into(), retry_after: Some(Duration::from_millis(1500)) },
            Error::Transient { reason: "busy".into(), retry_after: None },
            Error::Changed { path: path.clone() },
            Error::io(path.clone(), io::Error::from_raw_os_error(13)),
            Error::Cancelled,
        ];
        for error in errors {
            let back = Failure::from(&error).into_error("x");
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_plugin_names_it_and_what_to_do() {
        let text = Failure::new(PANIC, "index out of bounds").into_error("org.example.x").to_string();
        assert!(text.contains("`org.example.x`") && text.contains("tell its author"), "{text}");
        let text = Failure::new(PROTOCOL, "a key is empty").into_error("org.example.x").to_string();
        assert!(text.contains("syncretic plugin check org.example.x"), "{text}");
    }
}
