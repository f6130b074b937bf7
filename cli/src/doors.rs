//! The engine's doors on this machine: the embedded store, the device's key, the system's randomness, and the signals.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use client::Remote;
use engine::{Doors, Keys, Point, Randomness};
use protocol::{Collection, DeviceId, Signature, State, Store};

use crate::exit::Exit;
use crate::interrupt;
use crate::state::Device;

/// What a sync needs besides endpoints.
pub(crate) struct Machine {
    store: Arc<dyn Store>,
    signer: Signer,
    state: Option<State>,
}

/// The key, and whoever vouches for the keys of others.
struct Signer {
    device: Device,
    server: Option<Arc<Remote>>,
}

impl Machine {
    /// Joins a store of this machine and a key.
    pub(crate) fn new(store: impl Store + 'static, device: Device) -> Self {
        Self { store: Arc::new(store), signer: Signer { device, server: None }, state: None }
    }

    /// Joins a store on the network, where its collection stands, and a key.
    pub(crate) fn on_network(server: Arc<Remote>, state: State, device: Device) -> Self {
        let store: Arc<dyn Store> = Arc::clone(&server) as Arc<dyn Store>;
        Self { store, signer: Signer { device, server: Some(server) }, state: Some(state) }
    }

    /// Lends them to the engine.
    pub(crate) fn doors(&self) -> Doors<'_> {
        Doors { store: self.store.as_ref(), keys: &self.signer, randomness: &System, progress: &engine::Nobody, pass: &pass }
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Returns where the collection stood on the network when this was opened.
    pub(crate) fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Returns this device.
    pub(crate) fn id(&self) -> DeviceId {
        Keys::device(&self.signer)
    }

    /// Returns what the device is called on the network, if the collection is there.
    pub(crate) fn name(&self) -> Option<&str> {
        let own = self.id();
        self.state.as_ref()?.members.iter().find(|member| member.device == own).map(|member| member.name.as_str())
    }

    /// Returns the first digits of the device's id, for people.
    pub(crate) fn device(&self) -> String {
        short_device(&self.signer.device)
    }
}

impl Keys for Signer {
    fn device(&self) -> DeviceId {
        Keys::device(&self.device)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Keys::sign(&self.device, message)
    }

    /// On the network a true signature is not enough: it must be of a device that the store vouches for.
    fn verify(&self, collection: &Collection, device: &DeviceId, message: &[u8], signature: &Signature) -> bool {
        let vouched = self.server.as_ref().is_none_or(|server| *device == Keys::device(self) || server.vouches(collection, device));
        vouched && self.device.verify(collection, device, message, signature)
    }
}

/// Returns what this machine calls itself, as far as that is a name.
#[cfg(unix)]
pub(crate) fn host_name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().ok()?.split('.').next()?.to_owned();
    let letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    (!name.is_empty() && name != "localhost" && name.len() <= 63 && name.chars().all(letter)).then_some(name)
}

/// Elsewhere it is not asked.
#[cfg(not(unix))]
pub(crate) fn host_name() -> Option<String> {
    None
}

/// Returns the first digits of a device's id, for people.
pub(crate) fn short_device(device: &Device) -> String {
    Keys::device(device).to_string().chars().take(12).collect()
}

/// Returns a random number; zero where the system gives none, for what chance only makes calmer.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_or(0, |()| u64::from_ne_bytes(bytes))
}

struct System;

impl Randomness for System {
    fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        match getrandom::fill(&mut id) {
            Ok(()) => id,
            // Nothing may go on with an id that somebody else may have; ending here is as safe as a crash.
            Err(error) => end(Exit::Internal, &format!("error: the system gave no random bytes: {error}")),
        }
    }
}

/// Every point is a good place to end: what was begun is durable and will be recovered.
fn pass(_: Point) -> bool {
    if interrupt::asked() {
        let (exit, message) = interrupt::farewell();
        end(exit, message);
    }
    true
}

fn end(exit: Exit, message: &str) -> ! {
    // Nobody takes a bar away any more that stands there.
    let over = if std::io::stderr().is_terminal() { "\r\u{1b}[K" } else { "" };
    let _ = writeln!(std::io::stderr().lock(), "{over}{message}");
    std::process::exit(i32::from(exit.code()))
}
