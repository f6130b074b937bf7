//! Why an endpoint as a whole cannot be read or written.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error of an adapter. Texts are lower-case and fit after "cannot sync job `home`: ".
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing or wrong.
    Config {
        /// The option's name.
        option: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The place that the endpoint reads is not there, or not whole: nothing is taken for deleted.
    Source {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Credentials are missing or refused.
    Auth(String),
    /// It may work later.
    Transient {
        /// What is wrong.
        reason: String,
        /// How long to wait, if known.
        retry_after: Option<Duration>,
    },
    /// The source changed while it was read or written.
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Someone asked to stop.
    Cancelled,
    /// Nothing more can be done with this adapter.
    Fatal(String),
    /// A third party's adapter cannot be trusted, loaded or understood, or it ended.
    Plugin {
        /// Its id.
        plugin: String,
        /// What kind of wrong it is.
        fault: Fault,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// What is wrong with a third party's adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is not what was let in: it was not run.
    Untrusted,
    /// It cannot be loaded or understood, or it ended.
    Broken,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { option, reason } => write!(f, "option `{option}`: {reason}"),
            Self::Source { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Auth(reason) => write!(f, "not authorised: {reason}"),
            Self::Transient { reason, .. } | Self::Fatal(reason) => f.write_str(reason),
            Self::Changed { path } => write!(f, "{} changed while it was read; sync again", path.display()),
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Plugin { plugin, reason, .. } => write!(f, "plugin `{plugin}`: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error {
    /// Wraps an error of the operating system with the file that it is about.
    #[must_use]
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
