//! From the engine's, the store's and the adapters' errors to what a person reads, and the exit code.

use std::io::ErrorKind;

use config::{Endpoint, Job, Problems, Source};
use engine::Hold;
use protocol::Collection;
use serde_json::json;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::moment::{clock, day};
use crate::report::json;
use crate::state::Holds;
use crate::terminal::shown;

/// What an error of a job is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// The configuration's text.
    pub(crate) source: &'a Source,
    /// The job.
    pub(crate) job: &'a Job,
    /// Whether it was only planned: then nothing was kept that could be confirmed.
    pub(crate) planned: bool,
}

impl About<'_> {
    /// Says why the engine stopped.
    pub(crate) fn engine(&self, error: engine::Error) -> Failure {
        match error {
            engine::Error::Adapter { endpoint, source } => self.adapter(&endpoint, &source),
            engine::Error::Held(hold) => self.hold(&hold),
            engine::Error::Store(error) => self.within(store(&error)),
            engine::Error::Objects { .. } => {
                let failure = Failure::new(Exit::Integrity, error.to_string());
                self.within(failure.note("no application's file was touched by this"))
            }
            engine::Error::Entry { .. } => {
                let failure = Failure::new(Exit::Integrity, error.to_string());
                self.within(failure.help("put the store back from a backup, or move the state directory away and sync again"))
            }
            engine::Error::Contended(_) | engine::Error::Unfinished(_) => self.within(Failure::new(Exit::Temporary, error.to_string())),
            engine::Error::Unknown(_) => Failure::usage(error.to_string()),
            other => self.within(Failure::new(Exit::Internal, other.to_string())),
        }
    }

    /// Says why an endpoint cannot be read or written.
    pub(crate) fn adapter(&self, endpoint: &str, error: &adapter::Error) -> Failure {
        let configured = self.job.endpoints.iter().find(|candidate| candidate.name.value == endpoint);
        let again = format!("then type `syncretic sync {}`", self.job.name.value);
        let failure = match error {
            adapter::Error::Config { option, reason } => match configured {
                Some(configured) => return self.option(configured, option, reason),
                None => Failure::usage(error.to_string()),
            },
            adapter::Error::Source { .. } => {
                let failure = Failure::new(Exit::Stopped, error.to_string());
                let failure = failure.note("nothing was taken for deleted, and nothing was written there");
                match configured {
                    Some(configured) => failure.help(format!("put it back, or correct {}; {again}", self.place(configured))),
                    None => failure,
                }
            }
            adapter::Error::Auth(_) => {
                let failure = Failure::new(Exit::Unauthorised, error.to_string()).note("nothing was taken for deleted");
                match configured.map(|configured| configured.adapter.value.as_str()).filter(|id| id.contains('.')) {
                    Some(id) => failure.help(format!("give the plugin its secret, `syncretic plugin secret {id} NAME`; {again}")),
                    None => failure,
                }
            }
            adapter::Error::Transient { .. } | adapter::Error::Changed { .. } => {
                Failure::new(Exit::Temporary, error.to_string()).note("nothing was taken for deleted").help(format!("try again: {again}"))
            }
            adapter::Error::Io { source, .. } => {
                let failure = Failure::new(io(source.kind()), error.to_string()).note("nothing was taken for deleted");
                failure.help(format!("see to the file, {again}"))
            }
            adapter::Error::Plugin { fault, .. } => {
                let exit = if *fault == adapter::Fault::Untrusted { Exit::Integrity } else { Exit::Internal };
                Failure::new(exit, error.to_string()).note("nothing was taken for deleted")
            }
            adapter::Error::Cancelled => Failure::new(Exit::Interrupted, "interrupted".to_owned()),
            _ => Failure::new(Exit::Internal, error.to_string()),
        };
        self.within(failure.within(&format!("endpoint `{}`", shown(endpoint))).detail("endpoint", json!(endpoint)))
    }

    fn option(&self, endpoint: &Endpoint, option: &str, reason: &str) -> Failure {
        let path: Vec<&str> = option.split('.').collect();
        let message = format!("option `{}` of adapter `{}`: {reason}", shown(option), endpoint.adapter.value);
        let problem = endpoint.wrong_option(self.source, &path, message).help("correct it, then type `syncretic config check`");
        Problems::from(problem).into()
    }

    fn place(&self, endpoint: &Endpoint) -> String {
        let line = self.source.location(endpoint.path.span).line;
        format!("`path` in {}:{line}", self.source.file().display())
    }

    fn within(&self, failure: Failure) -> Failure {
        failure.within(&format!("cannot sync job `{}`", self.job.name.value))
    }

    fn hold(&self, hold: &Hold) -> Failure {
        let mut titles: Vec<String> = hold.titles.iter().map(|title| format!("- {}", shown(title))).collect();
        let more = hold.records.len().saturating_sub(hold.titles.len());
        if more > 0 {
            titles.push(format!("... and {more} more"));
        }
        let failure = Failure::new(Exit::Stopped, format!("job `{}` stopped for safety: {hold}", self.job.name.value));
        let sync = format!("syncretic sync {}", self.job.name.value);
        let confirm = format!("syncretic sync --confirm {}", hold.name());
        failure
            .note("nothing was deleted anywhere")
            .note(format!("this would be deleted:\n{}", titles.join("\n")))
            .help(format!("if that is meant, type `{}`", if self.planned { sync } else { confirm }))
            .help(format!("if not, put the records back, then type `syncretic sync {}`", self.job.name.value))
            .detail("hold", json::hold(hold))
    }

    /// Keeps the hold that an error holds, so that it can be confirmed.
    pub(crate) fn keep(&self, holds: &Holds, collection: &Collection, error: &engine::Error) -> Outcome<()> {
        if let engine::Error::Held(hold) = error { holds.keep(collection, hold) } else { Ok(()) }
    }
}

/// Says why the store did not do what it was asked for a sync.
pub(crate) fn store(error: &protocol::Error) -> Failure {
    if interrupt::asked() {
        return Failure::new(Exit::Interrupted, "interrupted; nothing is lost, and the next `syncretic sync` goes on from here");
    }
    let failure = Failure::new(gravity(error), sentence(error)).note("no application's file was touched by this");
    advice(error).into_iter().fold(failure, Failure::help)
}

/// Says why the store did not do what it was asked by a person.
pub(crate) fn management(error: &protocol::Error) -> Failure {
    let failure = Failure::new(gravity(error), sentence(error));
    match error {
        protocol::Error::WrongCode | protocol::Error::Revoked { .. } | protocol::Error::Unavailable(_) => {
            advice(error).into_iter().fold(failure, Failure::help)
        }
        _ => failure,
    }
}

fn gravity(error: &protocol::Error) -> Exit {
    use protocol::Error;
    match error {
        Error::Unavailable(_) | Error::Leased { .. } | Error::StaleFence { .. } | Error::TooMany { .. } => Exit::Temporary,
        Error::NotAuthorised(_)
        | Error::ReadOnly(_)
        | Error::Unauthenticated(_)
        | Error::Revoked { .. }
        | Error::UnknownDevice(_)
        | Error::WrongCode
        | Error::NoSuchCollection(_) => Exit::Unauthorised,
        Error::Held { .. } | Error::Rejected { .. } => Exit::Stopped,
        Error::UnknownCursor { .. }
        | Error::Malformed(_)
        | Error::Newer { .. }
        | Error::Integrity(_)
        | Error::Compacted { .. }
        | Error::NoSuchBlob(_)
        | Error::NoSuchChunk(_) => Exit::Integrity,
        Error::NotFound(_) | Error::Conflict(_) | Error::NoSnapshot(_) => Exit::Usage,
        _ => Exit::Internal,
    }
}

/// Returns the error as people say it: with times that they read at a glance.
fn sentence(error: &protocol::Error) -> String {
    match error {
        protocol::Error::Revoked { device, by, at } => format!("device `{}` was revoked on {} by `{}`", shown(device), day(*at), shown(by)),
        protocol::Error::Leased { collection, holder, until } => {
            format!("device `{}` is at work on collection `{collection}` and holds its lease until {}", shown(holder), clock(*until))
        }
        other => other.to_string(),
    }
}

/// Returns what to do about it.
fn advice(error: &protocol::Error) -> Option<&'static str> {
    use protocol::Error;
    Some(match error {
        Error::Unavailable(_) => "look at the network and at the server, then try again; nothing is lost meanwhile",
        Error::Leased { .. } => "wait until it is done, then try again; `syncretic lease list` shows who holds what",
        Error::Revoked { .. } => {
            "if that was not meant, ask an administrator for a new code, move `device.key` out of the state directory, and enroll the device again"
        }
        Error::UnknownDevice(_) | Error::Unauthenticated(_) => {
            "the store may have been restored from a time before this device; ask an administrator for a code, and enroll the device again"
        }
        Error::NotAuthorised(_) | Error::NoSuchCollection(_) => {
            "ask an administrator of the store for a right on the collection: `syncretic device grant`"
        }
        Error::ReadOnly(_) => "ask an administrator of the store for the right to write, or put the files back as they were",
        Error::WrongCode => "an administrator makes a code with `syncretic device invite --grant COLLECTION=write`",
        Error::Held { .. } => {
            "if they are meant, an administrator of the collection types `syncretic deletion list` and approves them; if not, put the records back"
        }
        Error::Rejected { .. } => "put the records back, and the next sync goes on",
        Error::Newer { .. } => "upgrade whichever of the two is older",
        _ => return None,
    })
}

/// Tells whether the operating system may be of another mind later.
fn io(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::ResourceBusy
        | ErrorKind::TimedOut
        | ErrorKind::WouldBlock
        | ErrorKind::Interrupted
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::StaleNetworkFileHandle => Exit::Temporary,
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Exit::Stopped,
        _ => Exit::Internal,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    #[test]
    fn a_revoked_device_learns_when_and_by_whom() {
        let at = Timestamp(1_794_441_600_000);
        let failure = store(&protocol::Error::Revoked { device: "laptop".to_owned(), by: "desktop".to_owned(), at });
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Unauthorised, "device `laptop` was revoked on 12 Nov 2026 by `desktop`")
        );
        assert_eq!(clock(at), "00:00:00 UTC");
    }
}
