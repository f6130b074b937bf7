//! The fuse: lets a device die at any effect inside one poll of its session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const NEVER: u32 = u32::MAX;

/// Counts the effects that a device may still have; once it is burnt, nothing that the dying session asks for happens.
#[derive(Clone, Debug)]
pub(super) struct Fuse(Arc<AtomicU32>);

impl Default for Fuse {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(NEVER)))
    }
}

impl Fuse {
    /// Lets the device die at the `effects`-th place where it can.
    pub(super) fn light(&self, effects: u32) {
        self.0.store(effects, Ordering::Relaxed);
    }

    /// Lets the device live.
    pub(super) fn remove(&self) {
        self.0.store(NEVER, Ordering::Relaxed);
    }

    /// Passes a place where the device can die, and tells whether it is dead.
    pub(super) fn burn(&self) -> bool {
        let left = self.0.load(Ordering::Relaxed);
        if left != NEVER && left > 0 {
            self.0.store(left - 1, Ordering::Relaxed);
        }
        self.burnt()
    }

    /// Tells whether the device is dead.
    pub(super) fn burnt(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}
