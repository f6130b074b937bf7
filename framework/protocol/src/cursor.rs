//! Places in a collection's log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Hash, LogId, Sequence};

/// A place in a log: up to which entry an endpoint has pulled, or on which a transaction was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The log.
    pub log: LogId,
    /// The entry.
    pub sequence: Sequence,
    /// Its hash; [`Hash::ZERO`] before the first.
    pub hash: Hash,
}

/// The newest place in a log.
pub type Head = Cursor;

impl Cursor {
    /// Returns the place before the first entry of a log.
    #[must_use]
    pub fn start(log: LogId) -> Self {
        Self { log, sequence: Sequence(0), hash: Hash::ZERO }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of log {}", self.sequence, self.hash, self.log)
    }
}
