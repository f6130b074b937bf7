//! A new file from an old one: spans of its text replaced, everything else copied byte for byte.

use std::path::Path;

use crate::opened::Opened;
use crate::source::Origin;
use crate::stream::{AnyStream, Edit, Spliced};

/// A table's file with edits that nobody has written yet.
#[derive(Debug)]
pub(crate) struct Edited<'e> {
    pub(crate) opened: &'e Opened<'e>,
    /// In order; they do not overlap.
    pub(crate) edits: &'e [Edit],
}

impl Origin for Edited<'_> {
    fn path(&self) -> &Path {
        self.opened.origin.path()
    }

    fn raw(&self) -> AnyStream<'_> {
        let encoding = self.opened.table.encoding;
        Box::new(encoding.encoded(Spliced::new(encoding.decoded(self.opened.origin.raw()), self.edits)))
    }
}
