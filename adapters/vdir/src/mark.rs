//! Fingerprints: what a file was when it was read, so that it need not be read again.

use adapter::Fingerprint;
use adapter::staging::{Moment, Stat};
use record::Digest;

use crate::Traits;

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMark {
    /// Whether an equal stat means an equal content.
    pub(crate) trusted: bool,
    pub(crate) stat: Stat,
    pub(crate) digest: Digest,
    pub(crate) traits: Traits,
}

/// The form that is written. Cards had one of their own, of the same fields.
const FORMAT: u8 = 2;
const OF_CARDS: u8 = 1;
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
        bytes.extend([FORMAT, flags, self.traits.own]);
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
        let [format, flags, own] = from.take()?;
        let size = u64::from_be_bytes(from.take()?);
        let modified = (i64::from_be_bytes(from.take()?), u32::from_be_bytes(from.take()?));
        let changed = (i64::from_be_bytes(from.take()?), u32::from_be_bytes(from.take()?));
        let inode = u64::from_be_bytes(from.take()?);
        let digest = Digest(from.take()?);
        let uid: [u8; 16] = from.take()?;
        let traits = Traits { uid: (flags & NAMED != 0).then_some(uid), own, bare: flags & BARE != 0 };
        let stat = Stat { size, modified, changed, inode, ..Stat::default() };
        (matches!(format, FORMAT | OF_CARDS) && from.0.is_empty()).then_some(Self { trusted: flags & TRUSTED != 0, stat, digest, traits })
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(modified: i64, now: i64) -> FileMark {
        let stat = Stat { size: 7, modified: (modified, 5), changed: (modified, 6), inode: 9, ..Stat::default() };
        let traits = Traits { uid: Some([3; 16]), own: 30, bare: true };
        FileMark::new(stat, Digest::of(b"x"), traits, (now, 0))
    }

    #[test]
    fn a_fingerprint_reads_back_and_fits() {
        let fingerprint = mark(100, 200).fingerprint();
        assert_eq!(FileMark::read(&fingerprint), Some(mark(100, 200)));
        assert!(fingerprint.0.len() <= 128);
        assert_eq!(FileMark::read(&Fingerprint(Digest::of(b"x").0.to_vec())), None);
        assert_eq!(FileMark::read(&Fingerprint(Vec::new())), None);
        let written_as = |format: u8| Fingerprint([&[format], &fingerprint.0[1..]].concat());
        assert_eq!(FileMark::read(&written_as(1)), Some(mark(100, 200)), "what was kept of cards before");
        assert_eq!(FileMark::read(&written_as(3)), None);
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
