//! A new text from an old one: spans replaced, everything else copied byte for byte.

use std::ops::Range;

/// Bytes that take the place of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The span in the old text; an empty one inserts.
    pub(crate) span: Range<usize>,
    /// What stands there afterwards.
    pub(crate) bytes: Vec<u8>,
}

/// Returns the text with all edits made; they may come in any order, but must not overlap.
pub(crate) fn compose(text: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let added: usize = edits.iter().map(|edit| edit.bytes.len()).sum();
    let mut out = Vec::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(text.get(at..edit.span.start).unwrap_or_default());
        out.extend_from_slice(&edit.bytes);
        at = edit.span.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_replaced_and_the_rest_stays() {
        let edit = |span: Range<usize>, bytes: &str| Edit { span, bytes: bytes.as_bytes().to_vec() };
        assert_eq!(compose(b"abcdef", vec![edit(6..6, "!"), edit(1..2, "BB"), edit(3..5, "")]), b"aBBcf!");
    }
}
