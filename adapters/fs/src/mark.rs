//! Fingerprints: what a file was when it was read, so that it need not be read again.

use adapter::Fingerprint;
use adapter::staging::{Moment, Stat};
use record::Digest;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A folder with nothing in it that is synced.
    Folder,
    /// A pipe, a socket, a device.
    Other,
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Whether an equal stat means an equal content.
    pub(crate) trusted: bool,
    pub(crate) sort: Sort,
    pub(crate) executable: bool,
    pub(crate) stat: Stat,
    /// When the file was made, zero where the file system does not tell: tells a file from a later one of the same number.
    pub(crate) born: Moment,
    /// The digest of its content; of a link, of its text.
    pub(crate) digest: Digest,
}

const FORMAT: u8 = 0x71;
const TRUSTED: u8 = 1;
const LINK: u8 = 2;
const FOLDER: u8 = 4;
const EXECUTABLE: u8 = 8;

impl Mark {
    /// Makes the mark of a folder, which has no content.
    pub(crate) fn folder() -> Self {
        let digest = Digest([0; 32]);
        Self { trusted: false, sort: Sort::Folder, executable: false, stat: Stat::default(), born: (0, 0), digest }
    }

    /// Tells whether a file with this stat must still be the same, without reading it.
    pub(crate) fn vouches_for(&self, sort: Sort, stat: &Stat, now: Moment) -> bool {
        self.trusted && self.sort == sort && self.stat.changed == stat.changed && self.is_unwritten(stat) && stat.is_settled(now)
    }

    /// Tells whether this is the same file with the same size and time, wherever it stands.
    pub(crate) fn is_unwritten(&self, stat: &Stat) -> bool {
        self.stat.size == stat.size
            && self.stat.modified == stat.modified
            && self.stat.inode == stat.inode
            && self.stat.device == stat.device
    }

    /// Tells whether this is the same file, by number and birth; without a birth, by size and time.
    pub(crate) fn is_file(&self, stat: &Stat, born: Moment) -> bool {
        let same_number = self.stat.inode == stat.inode && self.stat.device == stat.device;
        let known = self.born != (0, 0) && born != (0, 0);
        same_number && if known { self.born == born } else { self.is_unwritten(stat) }
    }

    /// Writes the mark as a fingerprint.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let sort = flag(self.sort == Sort::Link, LINK) | flag(self.sort == Sort::Folder, FOLDER);
        let mut bytes = Vec::with_capacity(94);
        bytes.extend([FORMAT, flag(self.trusted, TRUSTED) | flag(self.executable, EXECUTABLE) | sort]);
        bytes.extend(self.stat.size.to_be_bytes());
        for (seconds, nanoseconds) in [self.stat.modified, self.stat.changed, self.born] {
            bytes.extend(seconds.to_be_bytes());
            bytes.extend(nanoseconds.to_be_bytes());
        }
        bytes.extend(self.stat.inode.to_be_bytes());
        bytes.extend(self.stat.device.to_be_bytes());
        bytes.extend(self.digest.0);
        Fingerprint(bytes)
    }

    /// Reads a fingerprint; `None` where another kind of endpoint or another format made it.
    pub(crate) fn read(fingerprint: &Fingerprint) -> Option<Self> {
        let mut from = Reader(&fingerprint.0);
        let [format, flags] = from.take()?;
        let size = u64::from_be_bytes(from.take()?);
        let (modified, changed, born) = (from.moment()?, from.moment()?, from.moment()?);
        let inode = u64::from_be_bytes(from.take()?);
        let device = u64::from_be_bytes(from.take()?);
        let digest = Digest(from.take()?);
        let sort = match flags & (LINK | FOLDER) {
            LINK => Sort::Link,
            FOLDER => Sort::Folder,
            _ => Sort::File,
        };
        let stat = Stat { size, modified, changed, inode, device, ..Stat::default() };
        let mark = Self { trusted: flags & TRUSTED != 0, sort, executable: flags & EXECUTABLE != 0, stat, born, digest };
        (format == FORMAT && from.0.is_empty()).then_some(mark)
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn moment(&mut self) -> Option<Moment> {
        Some((i64::from_be_bytes(self.take()?), u32::from_be_bytes(self.take()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(modified: i64, now: i64) -> Mark {
        let stat = Stat { size: 7, modified: (modified, 5), changed: (modified, 6), inode: 9, device: 3, ..Stat::default() };
        let trusted = stat.is_settled((now, 0));
        Mark { trusted, sort: Sort::File, executable: true, stat, born: (5, 5), digest: Digest::of(b"x") }
    }

    #[test]
    fn a_fingerprint_reads_back_and_fits() {
        for mark in [mark(100, 200), Mark::folder(), Mark { sort: Sort::Link, ..mark(199, 200) }] {
            let fingerprint = mark.fingerprint();
            assert_eq!(Mark::read(&fingerprint), Some(mark));
            assert!(fingerprint.0.len() <= 128);
        }
        assert_eq!(Mark::read(&Fingerprint(Digest::of(b"x").0.to_vec())), None);
    }

    #[test]
    fn a_file_written_just_before_the_scan_is_hashed() {
        let old = mark(100, 200);
        assert!(old.vouches_for(Sort::File, &old.stat, (200, 0)));
        assert!(!old.vouches_for(Sort::File, &old.stat, (101, 0)));
        let racy = mark(199, 200);
        assert!(!racy.vouches_for(Sort::File, &racy.stat, (300, 0)));
        assert!(!old.vouches_for(Sort::File, &Stat { inode: 8, ..old.stat }, (200, 0)));
        assert!(!old.vouches_for(Sort::Link, &old.stat, (200, 0)));
    }

    #[test]
    fn a_number_that_was_given_again_is_another_file() {
        let old = mark(100, 200);
        assert!(old.is_file(&Stat { size: 8, ..old.stat }, (5, 5)));
        assert!(!old.is_file(&old.stat, (6, 0)));
        assert!(!Mark { born: (0, 0), ..old }.is_file(&Stat { size: 8, ..old.stat }, (5, 5)));
    }
}
