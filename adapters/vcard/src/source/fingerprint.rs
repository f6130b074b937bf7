//! Fingerprints: what a file was when it was read, so that it need not be read again.

use crate::version::Version;
use adapter::Fingerprint;
use adapter::staging::{Moment, Stat};
use record::Digest;

/// What is told of a card besides its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traits {
    /// A digest of its UID.
    pub(crate) uid: Option<[u8; 16]>,
    pub(crate) version: Version,
    /// Whether its lines end in a bare LF.
    pub(crate) bare: bool,
}

/// What is known of a file of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMark {
    /// Whether an equal stat means an equal content.
    pub(crate) trusted: bool,
    pub(crate) stat: Stat,
    pub(crate) digest: Digest,
    pub(crate) traits: Traits,
}

const FORMAT: u8 = 1;
/// Bytes of a fingerprint.
const LENGTH: usize = 91;
const TRUSTED: u8 = 1;
const NAMED: u8 = 2;
const BARE: u8 = 4;

impl FileMark {
    /// Makes the mark of a file that was read just now.
    pub(crate) fn new(stat: Stat, digest: Digest, traits: Traits, now: Moment) -> Self {
        Self { trusted: stat.is_settled(now), stat, digest, traits }
    }

    /// Tells whether a file with this stat must still be the same, without reading it.
    pub(crate) fn vouches_for(&self, stat: &Stat, now: Moment) -> bool {
        let same = self.stat.size == stat.size
            && self.stat.modified == stat.modified
            && self.stat.changed == stat.changed
            && self.stat.inode == stat.inode;
        self.trusted && same && stat.is_settled(now)
    }

    /// Writes the mark as a fingerprint.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(self.trusted, TRUSTED) | flag(self.traits.uid.is_some(), NAMED) | flag(self.traits.bare, BARE);
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend([FORMAT, flags, version_byte(self.traits.version)]);
        bytes.extend(self.stat.size.to_be_bytes());
        for (seconds, nanoseconds) in [self.stat.modified, self.stat.changed] {
            bytes.extend(seconds.to_be_bytes());
            bytes.extend(nanoseconds.to_be_bytes());
        }
        bytes.extend(self.stat.inode.to_be_bytes());
        bytes.extend(self.digest.0);
        bytes.extend(self.traits.uid.unwrap_or_default());
        Fingerprint(bytes)
    }

    /// Reads a fingerprint; `None` where another kind of endpoint or another format made it.
    pub(crate) fn read(fingerprint: &Fingerprint) -> Option<Self> {
        let mut from = Reader(&fingerprint.0);
        let [format, flags, version] = from.take()?;
        let size = u64::from_be_bytes(from.take()?);
        let modified = (i64::from_be_bytes(from.take()?), u32::from_be_bytes(from.take()?));
        let changed = (i64::from_be_bytes(from.take()?), u32::from_be_bytes(from.take()?));
        let inode = u64::from_be_bytes(from.take()?);
        let digest = Digest(from.take()?);
        let uid: [u8; 16] = from.take()?;
        let version = version_of(version)?;
        let traits = Traits { uid: (flags & NAMED != 0).then_some(uid), version, bare: flags & BARE != 0 };
        let stat = Stat { size, modified, changed, inode, ..Stat::default() };
        (format == FORMAT && from.0.is_empty()).then_some(Self { trusted: flags & TRUSTED != 0, stat, digest, traits })
    }
}

/// Makes the fingerprint of a card in a file of many: its content alone.
pub(crate) fn of_card(digest: Digest) -> Fingerprint {
    Fingerprint(digest.0.to_vec())
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }
}

fn version_byte(version: Version) -> u8 {
    match version {
        Version::V2_1 => 21,
        Version::V3_0 => 30,
        Version::V4_0 => 40,
    }
}

fn version_of(byte: u8) -> Option<Version> {
    crate::version::ALL.iter().copied().find(|version| version_byte(*version) == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(modified: i64, now: i64) -> FileMark {
        let stat = Stat { size: 7, modified: (modified, 5), changed: (modified, 6), inode: 9, ..Stat::default() };
        let traits = Traits { uid: Some([3; 16]), version: Version::V3_0, bare: true };
        FileMark::new(stat, Digest::of(b"x"), traits, (now, 0))
    }

    #[test]
    fn a_fingerprint_reads_back_and_fits() {
        let fingerprint = mark(100, 200).fingerprint();
        assert_eq!(FileMark::read(&fingerprint), Some(mark(100, 200)));
        assert!(fingerprint.0.len() <= 128);
        assert_eq!(FileMark::read(&of_card(Digest::of(b"x"))), None);
        assert_eq!(FileMark::read(&Fingerprint(Vec::new())), None);
    }

    #[test]
    fn a_file_written_just_before_the_scan_is_hashed() {
        let old = mark(100, 200);
        assert!(old.vouches_for(&old.stat, (200, 0)));
        assert!(!old.vouches_for(&old.stat, (101, 0)));
        let racy = mark(199, 200);
        assert!(!racy.vouches_for(&racy.stat, (300, 0)));
        assert!(!old.vouches_for(&Stat { inode: 8, ..old.stat }, (200, 0)));
    }
}
