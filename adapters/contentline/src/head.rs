//! The head of a content line: where it ends, and how it says that the value is encoded.

use crate::transport::Transfer;
use memchr::{memchr, memchr2};

/// A search for the end of a head that goes on where it stopped when more text is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadSearch {
    at: usize,
    quoted: bool,
    first: Option<usize>,
    outside: Option<usize>,
}

impl HeadSearch {
    /// Searches what was appended to `text` since the last call.
    pub(crate) fn advance(&mut self, text: &[u8]) {
        while self.outside.is_none() {
            let rest = text.get(self.at..).unwrap_or_default();
            let Some(found) = memchr2(b':', b'"', rest) else {
                self.at = text.len();
                return;
            };
            let place = self.at + found;
            self.at = place + 1;
            if rest.get(found) == Some(&b'"') {
                self.quoted = !self.quoted;
                continue;
            }
            self.first.get_or_insert(place);
            if !self.quoted {
                self.outside = Some(place);
            }
        }
    }

    /// Returns the place of the colon: the first outside quotes, else (an unbalanced quote) the first.
    pub(crate) fn colon(&self) -> Option<usize> {
        self.outside.or(self.first)
    }
}

/// Returns the place of the colon that ends a head without parameters and quotes, as most are; none for any other head.
pub(crate) fn bare(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| matches!(byte, b':' | b';' | b'"'))?;
    (text.get(end) == Some(&b':')).then_some(end)
}

/// Returns the place of the colon that ends the head of an unfolded line.
pub(crate) fn colon(text: &[u8]) -> Option<usize> {
    let mut search = HeadSearch::default();
    search.advance(text);
    search.colon()
}

/// Returns how the value behind this head is encoded; a head without a colon may still be cut by a soft break.
pub(crate) fn transfer(head: &[u8]) -> Transfer {
    if memchr(b';', head).is_none() {
        return Transfer::Plain;
    }
    for token in head.split(|byte| *byte == b';').skip(1) {
        let token = token.trim_ascii();
        let named = token.get(..9).filter(|name| name.eq_ignore_ascii_case(b"ENCODING="));
        let value = if named.is_some() { token.get(9..).unwrap_or_default() } else { token };
        if let Some(transfer) = Transfer::named(value, named.is_some()) {
            return transfer;
        }
    }
    Transfer::Plain
}
