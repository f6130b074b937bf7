//! The devices that were seen at a store: their keys, pinned, with the names that they go by.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{DeviceId, Member};

/// Names by device.
pub type Names = BTreeMap<DeviceId, String>;

/// The devices that were ever seen at a store.
///
/// A device is its public key. Once seen, it stays known, revoked or not, whatever the store says later: what it signed
/// before it was revoked stays valid.
pub struct Roster {
    names: Mutex<Names>,
    keep: Box<dyn Fn(&Names) + Send + Sync>,
}

impl Roster {
    /// Takes the devices that were seen before; `keep` is called with all of them when there is a new one or a new name.
    #[must_use]
    pub fn new(names: Names, keep: impl Fn(&Names) + Send + Sync + 'static) -> Self {
        Self { names: Mutex::new(names), keep: Box::new(keep) }
    }

    /// Tells whether a device was seen.
    #[must_use]
    pub fn knows(&self, device: &DeviceId) -> bool {
        self.names().contains_key(device)
    }

    /// Returns a device's name.
    #[must_use]
    pub fn name(&self, device: &DeviceId) -> Option<String> {
        self.names().get(device).cloned()
    }

    /// Sees devices.
    pub(crate) fn see(&self, members: &[Member]) {
        let mut names = self.names();
        let news = members.iter().filter(|member| names.get(&member.device) != Some(&member.name)).count();
        if news > 0 {
            names.extend(members.iter().map(|member| (member.device, member.name.clone())));
            (self.keep)(&names);
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use protocol::Right;

    use super::*;

    fn member(digit: u8, name: &str, right: Option<Right>) -> Member {
        Member { device: DeviceId([digit; 32]), name: name.to_owned(), right, cursor: None, lag: 0, seen: None, revoked: None }
    }

    static KEPT: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn a_device_that_was_seen_stays_known_whatever_the_store_says_later() {
        let roster = Roster::new(Names::new(), |names| KEPT.store(names.len(), Ordering::SeqCst));
        let (laptop, desktop) = (member(1, "laptop", Some(Right::Write)), member(2, "desktop", Some(Right::Write)));
        assert!(!roster.knows(&laptop.device));
        roster.see(&[laptop.clone(), desktop.clone()]);
        assert_eq!(KEPT.swap(0, Ordering::SeqCst), 2);
        roster.see(std::slice::from_ref(&laptop));
        assert_eq!(KEPT.swap(0, Ordering::SeqCst), 0, "nothing new is nothing to keep");
        assert!(roster.knows(&desktop.device));
        roster.see(&[member(1, "old laptop", None)]);
        assert_eq!((roster.name(&laptop.device), KEPT.load(Ordering::SeqCst)), (Some("old laptop".to_owned()), 2));
    }
}
