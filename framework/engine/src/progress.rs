//! How far the work is: told to whoever listens, as items and bytes move.
//!
//! Telling costs a few counters where nobody listens. How often a person or a program hears of it is the listener's business.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use chunks::download::Assembly;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The application is looked at.
    Look,
    /// Large values go to the store.
    Send,
    /// Large values come from the store.
    Fetch,
    /// The application is written.
    Write,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What is done of it; never more than the whole.
    pub done: u64,
    /// The whole, if it is known.
    pub of: Option<u64>,
}

/// How far one phase is. The next one begins with nothing done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Items: records, or large values.
    pub items: Share,
    /// Bytes of large values.
    pub bytes: Share,
}

/// Whoever wants to know how far the work is. Threads may tell it at the same time, and then not in order.
pub trait Listener: Sync {
    /// Takes the progress of an endpoint: often, so it has to be quick.
    fn hear(&self, endpoint: &str, progress: &Progress);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Listener for Nobody {
    fn hear(&self, _endpoint: &str, _progress: &Progress) {}
}

/// One phase of an endpoint's work.
pub(crate) struct Work<'w> {
    listener: &'w dyn Listener,
    endpoint: &'w str,
    phase: Phase,
    items: AtomicU64,
    bytes: AtomicU64,
    of: (Option<u64>, Option<u64>),
}

impl<'w> Work<'w> {
    /// Begins a phase of so many items and bytes, as far as that is known.
    pub(crate) fn begin(listener: &'w dyn Listener, endpoint: &'w str, phase: Phase, of: (Option<u64>, Option<u64>)) -> Self {
        let work = Self { listener, endpoint, phase, items: AtomicU64::new(0), bytes: AtomicU64::new(0), of };
        work.tell();
        work
    }

    /// Takes note of one more item.
    pub(crate) fn item(&self) {
        self.items.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    /// Takes note that at least so many items are done.
    pub(crate) fn reach(&self, items: u64) {
        if self.items.fetch_max(items, Ordering::Relaxed) < items {
            self.tell();
        }
    }

    /// Takes note of bytes.
    pub(crate) fn bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// Ends the phase: all of it is done, or dealt with in another way. Where the whole was not known, it was `items`.
    pub(crate) fn end(self, items: u64) {
        let (items, bytes) = (self.of.0.unwrap_or(items), self.of.1);
        let whole = |of: u64| Share { done: of, of: Some(of) };
        let progress = Progress { phase: self.phase, items: whole(items), bytes: bytes.map(whole).unwrap_or_default() };
        self.listener.hear(self.endpoint, &progress);
    }

    fn tell(&self) {
        let share = |done: &AtomicU64, of: Option<u64>| {
            let done = done.load(Ordering::Relaxed);
            Share { done: of.map_or(done, |of| done.min(of)), of }
        };
        let progress = Progress { phase: self.phase, items: share(&self.items, self.of.0), bytes: share(&self.bytes, self.of.1) };
        self.listener.hear(self.endpoint, &progress);
    }
}

/// A stream whose bytes count as they pass, and which is an item once nobody reads it any more.
pub(crate) struct Counted<'c, T> {
    pub(crate) inner: T,
    pub(crate) work: &'c Work<'c>,
}

impl<T: Read> Read for Counted<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.work.bytes(length as u64);
        Ok(length)
    }
}

impl<T> Drop for Counted<'_, T> {
    fn drop(&mut self) {
        self.work.item();
    }
}

/// A place in which a blob is put together; the bytes that are in their place count.
pub(crate) struct Assembled<'c> {
    pub(crate) file: std::fs::File,
    pub(crate) work: &'c Work<'c>,
}

impl Read for Assembled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for Assembled<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.work.bytes(length as u64);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Assembled<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Assembly for Assembled<'_> {
    fn resize(&mut self, length: u64) -> io::Result<()> {
        self.file.resize(length)
    }

    fn present(&mut self, length: u64) {
        self.work.bytes(length);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Progress>>);

    impl Listener for Heard {
        fn hear(&self, _: &str, progress: &Progress) {
            self.0.lock().unwrap().push(*progress);
        }
    }

    #[test]
    fn a_phase_begins_with_nothing_ends_with_all_and_never_tells_of_more() {
        let heard = Heard::default();
        let work = Work::begin(&heard, "folder", Phase::Send, (Some(2), Some(10)));
        let mut stream = Counted { inner: [7_u8; 12].as_slice(), work: &work };
        io::copy(&mut stream, &mut io::sink()).unwrap();
        drop(stream);
        work.reach(1);
        work.end(0);
        let heard = heard.0.into_inner().unwrap();
        let done: Vec<(u64, u64)> = heard.iter().map(|progress| (progress.items.done, progress.bytes.done)).collect();
        assert_eq!(done.first(), Some(&(0, 0)));
        assert_eq!(done.last(), Some(&(2, 10)));
        assert!(done.is_sorted() && done.contains(&(1, 10)), "{done:?}");
        assert!(heard.iter().all(|progress| progress.items.of == Some(2) && progress.bytes.of == Some(10)));
    }
}
