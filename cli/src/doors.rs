//! The engine's doors on this machine: the embedded store, the device's key, the system's randomness, and the signals.

use std::io::Write;

use engine::{Doors, Keys, Point, Randomness};
use protocol::Store;

use crate::exit::Exit;
use crate::interrupt;
use crate::state::Device;

/// What a sync needs besides endpoints.
pub(crate) struct Machine {
    store: Box<dyn Store>,
    device: Device,
}

impl Machine {
    /// Joins a store and a key.
    pub(crate) fn new(store: impl Store + 'static, device: Device) -> Self {
        Self { store: Box::new(store), device }
    }

    /// Lends them to the engine.
    pub(crate) fn doors(&self) -> Doors<'_> {
        Doors { store: self.store.as_ref(), keys: &self.device, randomness: &System, pass: &pass }
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Returns the first digits of the device's id, for people.
    pub(crate) fn device(&self) -> String {
        short_device(&self.device)
    }
}

/// Returns the first digits of a device's id, for people.
pub(crate) fn short_device(device: &Device) -> String {
    device.device().to_string().chars().take(12).collect()
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
    let _ = writeln!(std::io::stderr().lock(), "{message}");
    std::process::exit(i32::from(exit.code()))
}
