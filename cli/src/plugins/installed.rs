//! A plugin as a format: held against its pins each time it is opened, then run in the way that the endpoint asks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter::format::Silent;
use adapter::host::Library;
use adapter::plugged::Plugin;
use adapter::remote::{Limits, Program};
use adapter::{Adapter, Description, Error, Fault, Format, Host, OptionValue, Options};
use record::Digest;

use super::lock::Pin;
use super::manifest::{self, DEADLINE, ISOLATION, Kind, Manifest};
use super::secrets::{Telling, Vault};

/// A plugin on the shelf, or in its author's folder.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    /// What it says it is.
    pub(crate) manifest: Manifest,
    /// Where it lies.
    pub(crate) folder: PathBuf,
    /// What it must still be; none in its author's folder.
    pub(crate) pin: Option<Pin>,
    /// Where its secrets are.
    pub(super) vault: Vault,
}

/// How one endpoint wants it to run.
struct Way {
    isolated: bool,
    limits: Limits,
}

impl Installed {
    fn id(&self) -> &'static str {
        self.manifest.description.id
    }

    fn wrong(&self, fault: Fault, reason: impl Into<String>) -> Error {
        Error::Plugin { plugin: self.id().to_owned(), fault, reason: reason.into() }
    }

    /// Returns the file that is run.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(&self.manifest.file)
    }

    /// Fails unless everything is what was let in.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let Some(pin) = &self.pin else { return Ok(()) };
        let file = self.file();
        for (path, expected) in [(file.as_path(), &pin.sha256), (&self.folder.join(manifest::NAME), &pin.manifest)] {
            let content = fs::read(path).map_err(|error| {
                let reason = format!("{} cannot be read: {error}; let it in again with `syncretic plugin add DIR`", path.display());
                self.wrong(Fault::Untrusted, reason)
            })?;
            if writable_by_others(path) {
                let path = path.display();
                let reason = format!("{path} can be written by others than its owner, so it is not run; type `chmod go-w {path}`");
                return Err(self.wrong(Fault::Untrusted, reason));
            }
            if Digest::of(&content).to_string() != *expected {
                let reason = format!(
                    "{} is not what was let in, so it is not run; look at it, then let it in again with `syncretic plugin add DIR`",
                    path.display()
                );
                return Err(self.wrong(Fault::Untrusted, reason));
            }
        }
        Ok(())
    }

    /// Takes the options that say how it is run out of an endpoint's.
    fn way(&self, options: &mut Options) -> Result<Way, Error> {
        let config = |option: &str, reason: &str| Error::Config { option: option.to_owned(), reason: reason.to_owned() };
        let isolated = match options.remove(ISOLATION) {
            None => true,
            Some(OptionValue::Text(word)) if word == "process" => true,
            Some(OptionValue::Text(word)) if word == "none" && self.manifest.kind == Kind::Library => false,
            Some(OptionValue::Text(word)) if word == "none" => {
                return Err(config(ISOLATION, "this plugin is a program, which always has a process of its own; remove the line"));
            }
            Some(_) => return Err(config(ISOLATION, "must be `process` or `none`")),
        };
        let mut limits = Limits::default();
        match options.remove(DEADLINE) {
            None => {}
            Some(OptionValue::Integer(seconds @ 1..=86_400)) => limits.silence = Duration::from_secs(seconds.unsigned_abs()),
            Some(_) => return Err(config(DEADLINE, "must be a number of seconds from 1 to 86400")),
        }
        Ok(Way { isolated, limits })
    }

    fn plugin(&self, way: &Way) -> Result<Plugin, Error> {
        let own = manifest::own(&self.manifest.description);
        let (id, file) = (self.id().to_owned(), self.file());
        match self.manifest.kind {
            Kind::Command => {
                let arguments = self.manifest.arguments.iter().map(Into::into).collect();
                Ok(Plugin::program(own, Program { id, command: file, arguments, limits: way.limits }))
            }
            Kind::Library if way.isolated => {
                let command =
                    std::env::current_exe().map_err(|error| self.wrong(Fault::Broken, format!("no helper can be started: {error}")))?;
                let arguments = vec!["adapter-host".into(), "--id".into(), self.id().into(), file.into()];
                Ok(Plugin::program(own, Program { id, command, arguments, limits: way.limits }))
            }
            Kind::Library => {
                load(&file, self.id()).map(|library| Plugin::library(own, library)).map_err(|reason| self.wrong(Fault::Broken, reason))
            }
        }
    }

    /// Asks the plugin itself what it is.
    pub(crate) fn ask(&self, mut options: Options) -> Result<Description, Error> {
        self.verify()?;
        let way = self.way(&mut options)?;
        self.plugin(&way)?.ask(Arc::new(Silent))
    }
}

/// Loads a library that must have this id.
pub(crate) fn load(file: &Path, id: &str) -> Result<Library, String> {
    let library = Library::load(file)?;
    if library.id() == id {
        return Ok(library);
    }
    Err(format!("the manifest says `{id}`, and the library says `{}`; tell its author", crate::terminal::shown(library.id())))
}

impl Format for Installed {
    fn describe(&self) -> Description {
        self.manifest.description.clone()
    }

    fn open(&self, path: PathBuf, options: &Options, host: Box<dyn Host>) -> Result<Box<dyn Adapter>, Error> {
        self.verify()?;
        let mut options = options.clone();
        let way = self.way(&mut options)?;
        self.vault.verify(self.id())?;
        let capable = self.manifest.capabilities.contains(&manifest::SECRETS);
        let telling = Telling { host, vault: self.vault.clone(), id: self.id(), capable };
        self.plugin(&way)?.open(path, &options, Box::new(telling))
    }
}

/// Tells whether others than its owner may write a file or folder.
#[cfg(unix)]
pub(super) fn writable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o022 != 0)
}

/// Elsewhere permissions are not told in this way.
#[cfg(not(unix))]
pub(super) fn writable_by_others(_path: &Path) -> bool {
    false
}
