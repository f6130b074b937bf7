//! Text that was changed on two sides: merged line by line (diff3), and proven before anyone gets to see it.
//!
//! Lines are compared with their endings, so that line endings, a missing one at the end and a byte order mark are kept as they are.

use std::ops::Range;

use similar::{MergeRegion, MergeResolution, TextMerge};

/// The most lines of a text that is merged: in the worst case time grows with their square, and this many take some seconds.
pub const MOST_LINES: usize = 50_000;

/// Returns what two sides made of `base`, every change of both in it; none if both changed the same lines, or lines that touch, in
/// different ways, or if there are too many lines.
///
/// The result depends on the three texts alone, and not on which side is which.
#[must_use]
pub fn merge(base: &str, one: &str, other: &str) -> Option<String> {
    if [base, one, other].into_iter().any(|text| count(text) > MOST_LINES) {
        return None;
    }
    let merged = TextMerge::from_lines(base, one, other);
    let mut text = String::with_capacity(one.len().max(other.len()));
    let mut proof = Proof { merged: &merged, base: 0, one: 0, other: 0 };
    for region in merged.regions() {
        for line in proof.take(region)? {
            text.push_str(line);
        }
    }
    proof.is_whole().then_some(text)
}

/// Counts the lines: each ends with a line feed, a carriage return, or both.
fn count(text: &str) -> usize {
    let ends = |end: &str| text.matches(end).count();
    ends("\n") + ends("\r") - ends("\r\n") + usize::from(!text.ends_with(['\n', '\r']))
}

/// Holds a merge against the three texts: its regions follow each other without a gap in all of them, and where a side's
/// lines stand, the other side has not changed them. So each line of a side is in the result, or the other side took it away.
struct Proof<'m> {
    merged: &'m TextMerge<'m, 'm, 'm, str>,
    base: usize,
    one: usize,
    other: usize,
}

impl<'m> Proof<'m> {
    /// Returns the lines that stand in the next region; none if it is a conflict, or not proven.
    fn take(&mut self, region: &MergeRegion) -> Option<Vec<&'m str>> {
        let base = lines(&mut self.base, region.base_range(), |line| self.merged.base_line(line))?;
        let one = lines(&mut self.one, region.ours_range(), |line| self.merged.ours_line(line))?;
        let other = lines(&mut self.other, region.theirs_range(), |line| self.merged.theirs_line(line))?;
        match region.resolution() {
            MergeResolution::Unchanged => (base == one && base == other).then_some(base),
            MergeResolution::Ours => (base == other).then_some(one),
            MergeResolution::Theirs => (base == one).then_some(other),
            MergeResolution::Both => (one == other).then_some(one),
            _ => None,
        }
    }

    fn is_whole(&self) -> bool {
        (self.base, self.one, self.other) == (self.merged.base_len(), self.merged.ours_len(), self.merged.theirs_len())
    }
}

/// Returns the lines of a range that must begin where the last one ended.
fn lines<'m>(at: &mut usize, range: Range<usize>, line: impl Fn(usize) -> Option<&'m str>) -> Option<Vec<&'m str>> {
    let follows = range.start == *at && range.end >= *at;
    *at = range.end;
    if follows { range.map(line).collect() } else { None }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
