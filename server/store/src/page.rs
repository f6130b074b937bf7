//! How much a page of entries holds, whatever the caller asks for.

use protocol::{Entry, Head, Page};

/// The most entries that a page holds.
pub const ENTRIES: usize = 1024;
/// The payload bytes that fill a page; the entry that reaches them is the last one in it.
pub const BYTES: usize = 8 << 20;

/// A page that is being filled: it is full at the caller's limit, at [`ENTRIES`], or at [`BYTES`].
pub(crate) struct Filling {
    limit: usize,
    bytes: usize,
    entries: Vec<Entry>,
}

impl Filling {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.min(ENTRIES), bytes: 0, entries: Vec::new() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.bytes >= BYTES
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.envelope.payload.len());
        self.entries.push(entry);
    }

    pub(crate) fn page(self, head: Head) -> Page {
        Page { entries: self.entries, head }
    }
}
