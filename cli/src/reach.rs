//! A server within reach: its address checked, this device known there, one session for all jobs.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use client::{Address, Line, Manners, Policy, Remote, Rest, Roster, Session, Timeouts};
use protocol::{Collection, Error, State as Standing, Store};

use crate::cause;
use crate::doors::{Machine, random};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::state::{Device, Enrolled, Home};

/// The variable that says how many seconds a server may be silent.
pub(crate) const TIMEOUT: &str = "SYNCRETIC_TIMEOUT";
/// How long it takes at most to notice that someone asked to stop.
const NAP: Duration = Duration::from_millis(50);

/// A server that jobs may share.
pub(crate) struct Server {
    address: Address,
    opened: OnceLock<Arc<Remote>>,
}

impl Server {
    /// Takes an address; nothing is asked yet.
    pub(crate) fn at(address: Address) -> Self {
        Self { address, opened: OnceLock::new() }
    }

    /// Returns where it is.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the session there, which is begun at first use.
    pub(crate) fn remote(&self, home: &Home) -> Outcome<Arc<Remote>> {
        if let Some(remote) = self.opened.get() {
            return Ok(Arc::clone(remote));
        }
        let remote = Arc::new(open(home, &self.address)?);
        Ok(Arc::clone(self.opened.get_or_init(|| remote)))
    }

    /// Asks where a collection stands; one that is not there is made, if `make` and this device may. None if it is not there.
    pub(crate) fn standing(&self, home: &Home, collection: &Collection, make: bool) -> Outcome<Option<(Arc<Remote>, Standing)>> {
        let remote = self.remote(home)?;
        let state = match remote.state(collection) {
            Err(Error::NoSuchCollection(_)) if make => remote.head(collection).and_then(|_| remote.state(collection)),
            Err(Error::NoSuchCollection(_)) => return Ok(None),
            other => other,
        };
        let state = state.map_err(|error| cause::store(&error).within(self.address.host()))?;
        Ok(Some((remote, state)))
    }

    /// Opens a collection on it for a sync; none if it is not there and must not be made.
    pub(crate) fn machine(&self, home: &Home, collection: &Collection, make: bool) -> Outcome<Option<Machine>> {
        let Some((remote, state)) = self.standing(home, collection, make)? else { return Ok(None) };
        Ok(Some(Machine::on_network(remote, state, key(home)?)))
    }
}

fn open(home: &Home, address: &Address) -> Outcome<Remote> {
    home.check()?;
    let servers = home.servers();
    let enrolled = servers.find(address)?.ok_or_else(|| stranger(address))?;
    let roster = {
        let (servers, address) = (servers.clone(), address.clone());
        // What cannot be kept is asked for again next time.
        Roster::new(servers.pins(&address)?, move |names| drop(servers.pin(&address, names)))
    };
    let Enrolled { store, authority, .. } = enrolled;
    let session = Session::new(line(address, authority.as_deref())?, store, Box::new(key(home)?), manners());
    Ok(Remote::new(session, roster))
}

/// Returns the key of a device that is enrolled somewhere.
fn key(home: &Home) -> Outcome<Device> {
    home.known_device()?.ok_or_else(|| {
        Failure::new(Exit::Unauthorised, format!("the device's key is gone from `{}`", home.root().display()))
            .note("nothing was read or written")
            .help("put `device.key` back from a backup, or enroll the device again under a new name")
    })
}

/// Makes a line to a server.
pub(crate) fn line(address: &Address, authority: Option<&str>) -> Outcome<Line> {
    Line::new(address.clone(), timeouts(), authority).map_err(|error| Failure::usage(error.to_string()))
}

/// Returns how a server is asked again.
pub(crate) fn manners() -> Manners {
    Manners { policy: Policy { turn: timeouts().silence, ..Policy::default() }, rest: Box::new(Patient) }
}

fn timeouts() -> Timeouts {
    let seconds = std::env::var(TIMEOUT).ok().and_then(|seconds| seconds.parse::<f64>().ok());
    match seconds.filter(|seconds| (0.001..=3600.0).contains(seconds)).map(Duration::from_secs_f64) {
        Some(silence) => Timeouts { silence, connect: silence },
        None => Timeouts::default(),
    }
}

fn stranger(address: &Address) -> Failure {
    Failure::new(Exit::Unauthorised, format!("this device is not enrolled at {address}"))
        .note("nothing was read or written")
        .help(format!("get a code there, from its first start or from `syncretic device invite`; then type\nsyncretic device enroll {address} --code CODE --name NAME"))
}

/// Waits that end early when someone asks to stop.
struct Patient;

impl Rest for Patient {
    fn pause(&self, length: Duration) -> bool {
        let end = Instant::now() + length;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if interrupt::asked() || left.is_zero() {
                return !interrupt::asked();
            }
            thread::sleep(left.min(NAP));
        }
    }

    fn random(&self) -> u64 {
        random()
    }
}
