//! A third party's adapter behind the traits of this crate: the engine and the conformance suite cannot tell the difference.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use record::{Digest, Kind};

use crate::backend::{Backend, Opener, Request};
use crate::contract::{Adapter, Blobs, Known, Outcomes, Scan, Sink};
use crate::crossing::{Failure, PROTOCOL};
use crate::error::Error;
use crate::format::{Description, Format, Host, Options};
use crate::host::Library;
use crate::item::Key;
use crate::operation::{Fate, Mode, Op, StepId};
use crate::profile::Profile;
use crate::reading::{Applying, Document, Knowledge, Looking, Nothing, Recovering, Scanning, Streaming, failed, lend};
use crate::remote::Program;
use crate::told;

/// A third party's adapter: a library in this process, or a program behind a pipe.
pub struct Plugin {
    description: Description,
    opener: Box<dyn Opener>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plugin({})", self.description.id)
    }
}

impl Plugin {
    /// Wraps a loaded library that its manifest describes.
    #[must_use]
    pub fn library(description: Description, library: Library) -> Self {
        Self { description, opener: Box::new(library) }
    }

    /// Wraps a program that speaks the protocol of `docs/plugins/protocol.md`. It is started for each endpoint.
    #[must_use]
    pub fn program(description: Description, program: Program) -> Self {
        Self { description, opener: Box::new(program) }
    }

    /// Asks the adapter itself what it is; [`Format::describe`] says what its manifest says.
    ///
    /// # Errors
    /// Fails if it cannot be started or understood.
    pub fn ask(&self, host: Arc<dyn Host>) -> Result<Description, Error> {
        let id = self.description.id;
        let mut document = Document::default();
        self.opener.describe(&mut document, host).map_err(failed(id))?;
        told::description(&document.0).map_err(|reason| Failure::new(PROTOCOL, reason).into_error(id))
    }
}

impl Format for Plugin {
    fn describe(&self) -> Description {
        self.description.clone()
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        let id = self.description.id;
        let mut backend = self.opener.open(&path, options, Arc::from(host)).map_err(failed(id))?;
        let kinds = self.description.kinds.clone();
        let profile = profile(backend.as_mut(), &kinds).map_err(failed(id))?;
        Ok(Box::new(Opened { id, path, backend, kinds, profile }))
    }
}

/// Asks for the profile; it may hold nothing that the manifest does not name.
fn profile(backend: &mut dyn Backend, kinds: &[Kind]) -> Result<Profile, Failure> {
    let mut document = Document::default();
    backend.call(Request::Profile, &mut document)?;
    let profile = told::profile(&document.0).map_err(|reason| Failure::new(PROTOCOL, reason))?;
    match profile.kinds.iter().find(|kind| !kinds.contains(kind)) {
        None => Ok(profile),
        Some(kind) => Err(Failure::new(PROTOCOL, format!("it says that it holds `{kind}`, which its manifest does not"))),
    }
}

struct Opened {
    id: &'static str,
    path: PathBuf,
    backend: Box<dyn Backend>,
    kinds: Vec<Kind>,
    profile: Profile,
}

impl Adapter for Opened {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn same(&mut self, note: &[u8]) -> Result<bool, Error> {
        let mut looking = Looking::default();
        self.backend.call(Request::Same(note), &mut looking).map_err(failed(self.id))?;
        Ok(looking.0)
    }

    fn scan(&mut self, known: &dyn Known, out: &mut dyn Sink) -> Result<Scan, Error> {
        let mut scanning = Scanning::new(out, &self.path);
        let scanned = self.backend.call(Request::Scan(&Knowledge(known)), &mut scanning);
        let scan = scanned.and_then(|()| Ok(scanning.finish()?)).map_err(failed(self.id))?;
        self.profile = profile(self.backend.as_mut(), &self.kinds).map_err(failed(self.id))?;
        Ok(scan)
    }

    fn apply(&mut self, step: StepId, ops: &[Op<'_>], mode: Mode, blobs: &dyn Blobs, out: &mut dyn Outcomes) -> Result<(), Error> {
        let lent: Vec<_> = ops.iter().map(lend).collect();
        let mut applying = Applying::new(ops, blobs, out);
        let applied = self.backend.call(Request::Apply { step: step.0, ops: &lent, mode }, &mut applying);
        applied.and_then(|()| Ok(applying.finish()?)).map_err(failed(self.id))
    }

    fn recover(&mut self, step: StepId) -> Result<Vec<Fate>, Error> {
        let mut recovering = Recovering::default();
        self.backend.call(Request::Recover(step.0), &mut recovering).map_err(failed(self.id))?;
        Ok(recovering.0)
    }

    fn settle(&mut self, step: StepId) -> Result<(), Error> {
        self.backend.call(Request::Settle(step.0), &mut Nothing).map_err(failed(self.id))
    }

    fn blob(&mut self, key: &Key, digest: Digest, to: &mut dyn Write) -> Result<(), Error> {
        let mut streaming = Streaming::new(to);
        let streamed = self.backend.call(Request::Blob { key: &key.0, digest: digest.0 }, &mut streaming);
        streamed.and_then(|()| streaming.finish()).map_err(failed(self.id))
    }
}
