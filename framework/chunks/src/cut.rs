//! The cut: where a blob's content says that a chunk ends (FastCDC, 2020), so that an insertion moves no other cut.

use std::io::{self, ErrorKind, Read};
use std::sync::LazyLock;

use fastcdc::v2020::{Normalization, cut, select_masks};
use protocol::chunk::MAX_CHUNK;

/// The shortest chunk, but for a blob's last one.
pub const MIN: usize = 16 << 10;
/// The length around which chunks lie.
pub const AVERAGE: usize = 64 << 10;
/// The longest chunk.
pub const MAX: usize = MAX_CHUNK;

/// How many bytes are held while cuts are looked for.
const BUFFER: usize = 4 * MAX;

static MASKS: LazyLock<(u64, u64)> = LazyLock::new(|| select_masks(AVERAGE, Normalization::Level1));

/// Cuts bytes as they come. The cuts do not depend on how they come.
pub struct Cutter {
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
}

impl Default for Cutter {
    fn default() -> Self {
        Self { buffer: vec![0; BUFFER].into_boxed_slice(), begin: 0, end: 0 }
    }
}

impl Cutter {
    /// Takes more bytes, and gives every chunk that they complete to `take`.
    ///
    /// # Errors
    /// Fails with what `take` fails with.
    pub fn feed<E>(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while !bytes.is_empty() {
            let room = self.room();
            let length = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(length);
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.end += length;
            bytes = later;
            self.give(MAX, take)?;
        }
        Ok(())
    }

    /// Gives what is left to `take`; what comes then belongs to another blob.
    ///
    /// # Errors
    /// Fails with what `take` fails with.
    pub fn finish<E>(&mut self, take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.give(1, take)
    }

    /// Reads `from` to its end and gives its chunks to `take`; memory does not grow with it.
    ///
    /// # Errors
    /// Fails with what `from` or `take` fails with.
    pub fn read(&mut self, from: &mut dyn Read, take: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        loop {
            match from.read(self.room()) {
                Ok(0) => return self.finish(take),
                Ok(length) => self.end += length.min(self.buffer.len() - self.end),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.give(MAX, take)?;
        }
    }

    /// Returns where the next bytes go: at least the length of three chunks.
    fn room(&mut self) -> &mut [u8] {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Gives chunks as long as `least` bytes are there: a cut depends on the longest chunk's length of bytes and no more.
    fn give<E>(&mut self, least: usize, take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while self.end - self.begin >= least {
            let held = self.buffer.get(self.begin..self.end).unwrap_or_default();
            let length = first(held);
            let chunk = held.get(..length).unwrap_or(held);
            self.begin += chunk.len();
            take(chunk)?;
        }
        Ok(())
    }
}

/// Returns the length of the first chunk of `bytes`.
fn first(bytes: &[u8]) -> usize {
    let (short, long) = *MASKS;
    cut(bytes, MIN, AVERAGE, MAX, short, long, short << 1, long << 1).1.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cuts_are_those_of_the_algorithm() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3] ^ n.to_le_bytes()[1]).collect();
        let mut found = Vec::new();
        let mut take = |chunk: &[u8]| {
            found.push(chunk.len());
            Ok::<(), ()>(())
        };
        Cutter::default().feed(&bytes, &mut take).unwrap();
        let expected: Vec<usize> = fastcdc::v2020::FastCDC::new(&bytes, MIN, AVERAGE, MAX).map(|chunk| chunk.length).collect();
        assert!(found.len() > 8 && expected.starts_with(&found), "{found:?} {expected:?}");
    }
}
