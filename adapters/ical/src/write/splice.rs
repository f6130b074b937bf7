//! Replacing spans of bytes.

use std::cmp::Reverse;
use std::ops::Range;

/// Bytes that take the place of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// Returns `old` after the splices; what lies within a span that another one takes away goes with it.
pub(crate) fn apply(old: &[u8], splices: &[Splice]) -> Vec<u8> {
    apply_within(old, &(0..old.len()), splices)
}

/// Returns a part of `old` after the splices that lie in it.
pub(crate) fn apply_within(old: &[u8], part: &Range<usize>, splices: &[Splice]) -> Vec<u8> {
    let within = |splice: &&Splice| splice.range.start >= part.start && splice.range.end <= part.end;
    let mut sorted: Vec<&Splice> = splices.iter().filter(within).collect();
    sorted.sort_by_key(|splice| (splice.range.start, !splice.range.is_empty(), Reverse(splice.range.end)));
    let more: usize = sorted.iter().map(|splice| splice.bytes.len()).sum();
    let mut bytes = Vec::with_capacity(part.len() + more);
    let mut at = part.start;
    for splice in sorted {
        if splice.range.start < at {
            continue;
        }
        bytes.extend_from_slice(old.get(at..splice.range.start).unwrap_or_default());
        bytes.extend_from_slice(&splice.bytes);
        at = splice.range.end;
    }
    bytes.extend_from_slice(old.get(at..part.end).unwrap_or_default());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splice(range: Range<usize>, text: &str) -> Splice {
        Splice { range, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn what_lies_in_a_removed_span_goes_with_it() {
        let splices = [splice(2..3, "x"), splice(1..4, ""), splice(1..1, "new"), splice(4..4, "end")];
        assert_eq!(apply(b"abcdef", &splices), b"anewendef");
        assert_eq!(apply_within(b"abcdef", &(4..6), &splices), b"endef");
    }
}
