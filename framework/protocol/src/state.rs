//! What management tells of a collection: where it stands, who may do what, who is behind, who holds the lease.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cursor::{Cursor, Head};
use crate::ids::{DeviceId, Fence};
use crate::timestamp::Timestamp;

/// What a log holds at a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// This place; sequence 0 is the place before the first entry.
    Here(Cursor),
    /// Nothing: the log is shorter, and this is its head.
    Beyond(Head),
    /// Its entries have been compacted away up to this place.
    Compacted(Cursor),
}

/// What a device may do with a collection; each right holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Read its entries, snapshots and blobs.
    Read,
    /// Append to it.
    Write,
    /// Grant, settle held transactions, compact, and change its settings.
    Admin,
}

/// Which accesses a lease keeps from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeaseMode {
    /// Their appends.
    #[default]
    Write,
    /// Their appends and their reads.
    Exclusive,
}

/// Texts and values of an enumeration, read in both directions.
macro_rules! words {
    ($name:ident, $what:literal, $($text:literal = $value:ident),+) => {
        impl $name {
            /// All values with their words.
            pub const ALL: &[(&str, Self)] = &[$(($text, Self::$value)),+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Self::ALL.iter().find(|(_, value)| value == self).map_or(Ok(()), |(text, _)| f.write_str(text))
            }
        }

        impl FromStr for $name {
            type Err = NotAWord;

            fn from_str(text: &str) -> Result<Self, NotAWord> {
                let found = Self::ALL.iter().find(|(word, _)| *word == text);
                found.map(|(_, value)| *value).ok_or_else(|| NotAWord { what: $what, found: text.to_owned() })
            }
        }
    };
}

/// A text that is none of the words that were expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}")]
pub struct NotAWord {
    /// What was expected.
    pub what: &'static str,
    /// What was found.
    pub found: String,
}

words!(Right, "right: read, write or admin", "read" = Read, "write" = Write, "admin" = Admin);
words!(LeaseMode, "lease mode: write or exclusive", "write" = Write, "exclusive" = Exclusive);

/// The time-limited right to write a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Who holds it.
    pub holder: DeviceId,
    /// The holder's name, if the store knows one.
    pub name: String,
    /// Its number.
    pub fence: Fence,
    /// When it ends by itself, by the store's clock.
    pub until: Timestamp,
}

/// When a device lost its rights, and through whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// The name of the device that revoked it.
    pub by: String,
}

/// A device as a collection knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Its public key.
    pub device: DeviceId,
    /// Its name.
    pub name: String,
    /// What it may do here; nothing if that was taken from it.
    pub right: Option<Right>,
    /// Up to where it said that it has everything.
    pub cursor: Option<Cursor>,
    /// How many entries it lacks by that.
    pub lag: u64,
    /// When it was last heard of.
    pub seen: Option<Timestamp>,
    /// Set if the device was revoked. What it signed before stays valid.
    pub revoked: Option<Revocation>,
}

/// Where a collection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct State {
    /// The log's head.
    pub head: Head,
    /// The place up to which entries have been compacted away; the start if none were.
    pub horizon: Cursor,
    /// The place of the newest snapshot.
    pub snapshot: Option<Cursor>,
    /// What a lease keeps from others.
    pub lease_mode: LeaseMode,
    /// The lease, if one is held.
    pub lease: Option<Lease>,
    /// What the asking device may do; everything, where nobody is asked for rights.
    pub right: Right,
    /// Every device that has or had a right here; in an embedded store, those that reported a cursor.
    pub members: Vec<Member>,
}
