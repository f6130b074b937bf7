//! The faults that a run may meet, as a set that fits a number.

use std::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// Something that makes a run harder.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name),* }

        /// Every fault with its name, in order of its bit.
        pub(super) const ALL: &[(Fault, &str)] = &[$((Fault::$name, $word)),*];
    };
}

faults! {
    /// A request never arrives.
    RequestLost = "request-lost",
    /// A request is performed and its answer never arrives.
    ReplyLost = "reply-lost",
    /// An envelope arrives once more, later.
    Doubled = "doubled",
    /// A request is performed after the device gave up on it.
    Late = "late",
    /// A read is answered from an older head.
    StaleRead = "stale-read",
    /// A device dies between two points.
    Crash = "crash",
    /// A device dies inside a step: between two writes of one apply, before or after a commit, around a message.
    Cut = "cut",
    /// An item cannot be read for a while.
    Broken = "broken",
    /// A scan finds that its source changed under it.
    Torn = "torn",
    /// The root is missing for a while.
    Unmounted = "unmounted",
    /// The root is another, empty place for a while.
    Replaced = "replaced",
    /// Most items are hidden for a while, and the listing says it is complete.
    Lying = "lying",
    /// An application refuses some records.
    Refusing = "refusing",
    /// Applications write values in forms of their own.
    Forms = "forms",
    /// Some applications cannot hold a field.
    Narrow = "narrow",
    /// Records have repeated parts whose order changes.
    Parts = "parts",
    /// An endpoint joins with a copy of another's data.
    JoinCopy = "join-copy",
    /// The store is a file that one device's endpoints share.
    Embedded = "embedded",
    /// Users settle conflicts, anywhere.
    Settled = "settled",
    /// A commit of the object store fails.
    DiskFull = "disk-full",
    /// An apply ends early with an error.
    ApplyBreaks = "apply-breaks",
    /// Users delete almost everything.
    MassDelete = "mass-delete",
    /// The device's value stands in a conflict.
    Mine = "mine",
    /// Items carry a field that changes by itself.
    Stamped = "stamped",
    /// The store loses its newest entries, as by a backup that is restored.
    RolledBack = "rolled-back",
    /// The store is made anew, empty.
    MadeAnew = "made-anew",
    /// The store keeps a snapshot and no older entries.
    Compacted = "compacted",
    /// A device's state is restored from a backup; its applications are not.
    Restored = "restored",
    /// A device is copied, state, applications and key.
    Cloned = "cloned",
    /// A device that dies loses its power: commits of its object stores that were not synced are taken back.
    PowerLost = "power-lost",
}

impl Fault {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.get(self as usize).map_or("", |(_, name)| name)
    }

    /// Tells whether it happens at moments that can be counted, rather than being the way a run is.
    #[must_use]
    pub fn strikes(self) -> bool {
        !matches!(self, Self::Forms | Self::Narrow | Self::Parts | Self::Embedded | Self::Mine | Self::Stamped)
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(pub u32);

impl Faults {
    /// Every fault.
    pub const EVERY: Self = Self((1 << ALL.len()) - 1);
    /// Every fault of the laws L1 to L8: stores and devices have no other past than their own.
    pub const MAIN: Self = Self((1 << Fault::RolledBack as u32) - 1);
    /// No fault.
    pub const NONE: Self = Self(0);

    /// Tells whether the set holds a fault.
    #[must_use]
    pub fn on(self, fault: Fault) -> bool {
        self.0 >> (fault as u32) & 1 == 1
    }

    /// Tells whether stores or devices may be restored, copied or compacted.
    #[must_use]
    pub fn upset(self) -> bool {
        self.without(Fault::PowerLost).0 & !Self::MAIN.0 & Self::EVERY.0 != 0
    }

    /// Returns the set without a fault.
    #[must_use]
    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << (fault as u32)))
    }

    /// Returns the set with a fault.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << (fault as u32))
    }

    /// Iterates over the faults in the set.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        ALL.iter().map(|(fault, _)| *fault).filter(move |fault| self.on(*fault))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = ALL.iter().filter(|(fault, _)| self.on(*fault)).map(|(_, name)| *name).collect();
        write!(f, "{:#x} ({})", self.0, names.join(", "))
    }
}
