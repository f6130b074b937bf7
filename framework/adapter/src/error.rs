//! Why an endpoint as a whole cannot be read or written.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error of an adapter. Texts are lower-case and fit after "cannot sync job `home`: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing or wrong.
    #[error("option `{option}`: {reason}")]
    Config {
        /// The option's name.
        option: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The place that the endpoint reads is not there, or not whole: nothing is taken for deleted.
    #[error("{path}: {reason}", path = path.display())]
    Source {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Credentials are missing or refused.
    #[error("not authorised: {0}")]
    Auth(String),
    /// It may work later.
    #[error("{reason}")]
    Transient {
        /// What is wrong.
        reason: String,
        /// How long to wait, if known.
        retry_after: Option<Duration>,
    },
    /// The source changed while it was read or written.
    #[error("{path} changed while it was read; sync again", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Someone asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Nothing more can be done with this adapter.
    #[error("{0}")]
    Fatal(String),
}

impl Error {
    /// Wraps an error of the operating system with the file that it is about.
    #[must_use]
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
