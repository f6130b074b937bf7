//! A third party's adapter as the host calls it, wherever it runs: in this process, or behind a pipe.

use std::path::Path;
use std::sync::Arc;

use crate::crossing::{FINGERPRINT_MAX, Failure, OK, PROTOCOL, RawAnswer, RawFate, RawItem, RawOp, Status, UNSUPPORTED};
use crate::format::{Host, Options};
use crate::operation::Mode;

/// A rule of the boundary that the other side broke: a lower-case sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach(pub(crate) String);

impl Breach {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

fn unexpected(what: &str) -> Result<(), Breach> {
    Err(Breach(format!("it reported {what}, which nobody had asked for")))
}

/// Takes what an adapter says during one call. What a call does not ask for is a breach.
pub(crate) trait Receiver {
    fn item(&mut self, _item: RawItem<'_>) -> Result<(), Breach> {
        unexpected("an item")
    }

    fn scanned(&mut self, _root: &[u8], _note: &[u8]) -> Result<(), Breach> {
        unexpected("the end of a scan")
    }

    fn answer(&mut self, _answer: RawAnswer<'_>) -> Result<(), Breach> {
        unexpected("an answer")
    }

    fn fate(&mut self, _fate: RawFate<'_>) -> Result<(), Breach> {
        unexpected("a fate")
    }

    fn document(&mut self, _json: &[u8]) -> Result<(), Breach> {
        unexpected("a document")
    }

    fn same(&mut self, _same: bool) -> Result<(), Breach> {
        unexpected("whether all is the same")
    }

    fn give(&mut self, _bytes: &[u8]) -> Result<(), Breach> {
        unexpected("bytes")
    }

    /// Copies bytes of a blob that is to be written, from an offset on; none at its end.
    fn blob(&mut self, _digest: [u8; 32], _offset: u64, _into: &mut [u8]) -> Result<usize, Failure> {
        Err(Failure::new(PROTOCOL, "a blob is to be had during apply only"))
    }
}

impl From<Breach> for Failure {
    fn from(breach: Breach) -> Self {
        Self::new(PROTOCOL, breach.0)
    }
}

/// Tells whether a number is a status that this version knows.
pub(crate) fn is_status(status: Status) -> bool {
    (OK..=UNSUPPORTED).contains(&status)
}

/// What is asked of an opened endpoint.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    /// Its profile, as a document.
    Profile,
    /// Whether nothing changed since the scan that left the note.
    Same(&'a [u8]),
    /// Everything that is there.
    Scan(&'a dyn Lookup),
    /// The operations of a step.
    Apply { step: [u8; 16], ops: &'a [RawOp<'a>], mode: Mode },
    /// The fates of a step.
    Recover([u8; 16]),
    /// That a step is durable.
    Settle([u8; 16]),
    /// A blob's bytes.
    Blob { key: &'a str, digest: [u8; 32] },
}

impl Request<'_> {
    /// Returns what it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Same(_) => "same",
            Self::Scan(_) => "scan",
            Self::Apply { .. } => "apply",
            Self::Recover(_) => "recover",
            Self::Settle(_) => "settle",
            Self::Blob { .. } => "blob",
        }
    }
}

/// What is known of items, for any thread.
pub(crate) trait Lookup: Sync {
    /// Writes the fingerprint that the item had, and returns its length; zero if it is not known.
    fn known(&self, key: &str, into: &mut [u8; FINGERPRINT_MAX]) -> usize;

    /// Hands on everything that is known.
    fn each(&self, take: &mut dyn FnMut(&str, &[u8]));
}

/// One opened endpoint.
pub(crate) trait Backend: Send {
    /// Asks for one thing; what the adapter says goes to the receiver.
    fn call(&mut self, request: Request<'_>, receiver: &mut dyn Receiver) -> Result<(), Failure>;
}

/// An adapter that can open endpoints.
pub(crate) trait Opener: Send + Sync {
    /// Asks for its description, as a document.
    fn describe(&self, receiver: &mut dyn Receiver, host: Arc<dyn Host>) -> Result<(), Failure>;

    /// Opens an endpoint.
    fn open(&self, path: &Path, options: &Options, host: Arc<dyn Host>) -> Result<Box<dyn Backend>, Failure>;
}
