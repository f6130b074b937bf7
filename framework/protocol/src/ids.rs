//! Names, ids, sequences and hashes that device and store share.

use std::fmt;
use std::str::FromStr;

/// The name of a collection: 1–64 letters, digits, `-`, `_` or `.`, not beginning with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collection(String);

/// A text that is no collection name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no collection name: 1 to 64 letters, digits, `-`, `_` or `.` are allowed, and no dot at the front")]
pub struct NotACollection(pub String);

impl Collection {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Collection {
    type Err = NotACollection;

    fn from_str(text: &str) -> Result<Self, NotACollection> {
        let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let length = text.chars().count();
        if (1..=64).contains(&length) && text.chars().all(legal) && !text.starts_with('.') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotACollection(text.to_owned()))
        }
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of an entry in its collection's log; the first entry has 1, and 0 is before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Returns the sequence after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// The number of a lease: greater than every one before it in the collection. An append under a smaller one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A text that is not the hexadecimal form of an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {digits} lower-case hexadecimal digits")]
pub struct NotAnId {
    /// The kind of id.
    pub what: &'static str,
    /// How many digits it has.
    pub digits: usize,
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase()).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, digit| value << 4 | digit);
    }
    Some(bytes)
}

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                from_hex(text).map(Self).ok_or(NotAnId { what: stringify!($name), digits: 2 * $length })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

bytes!(
    /// The identity of one incarnation of a log.
    LogId, 16
);
bytes!(
    /// The id of a transaction: random, made once, the same however often it is sent.
    TransactionId, 16
);
bytes!(
    /// A device: its Ed25519 public key.
    DeviceId, 32
);
bytes!(
    /// An Ed25519 signature.
    Signature, 64
);
bytes!(
    /// A link of the log's hash chain (SHA-256).
    Hash, 32
);
bytes!(
    /// A digest of a record's id, keyed by the collection, so that a store can count records but not name them.
    RecordDigest, 16
);
bytes!(
    /// The id of a blob: opaque to a store but for the check that whoever puts it names it rightly (SHA-256).
    BlobId, 32
);
bytes!(
    /// The id of a chunk of a blob: a digest of its content, keyed by the collection.
    ChunkId, 32
);

bytes!(
    /// The identity of a store on the network: random, made with it, pinned by its devices.
    StoreId, 16
);
bytes!(
    /// What a store asks a device to sign, once.
    Nonce, 32
);
bytes!(
    /// A bearer token: random, good for a quarter of an hour, stored only as its digest.
    Token, 32
);
bytes!(
    /// An enrollment code: random, single use, expiring, stored only as its digest.
    Code, 16
);

impl Hash {
    /// The hash before the first entry.
    pub const ZERO: Self = Self([0; 32]);
}
