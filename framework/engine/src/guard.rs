//! The guard: the safety limit that stops a mass deletion before anything is written.

use std::collections::BTreeSet;

use record::RecordId;

use crate::error::Error;
use crate::report::{Direction, Hold};

/// How many titles of deleted records a hold names.
const TITLES: usize = 5;

/// How many deletions may pass at once: more than both limits is too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// So many percent of what the endpoint last showed.
    pub percent: u32,
    /// So many, however few records there are.
    pub minimum: usize,
}

impl Default for Guard {
    fn default() -> Self {
        Self { percent: 10, minimum: 5 }
    }
}

/// Deletions that are about to pass.
pub(crate) struct Deletions<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) direction: Direction,
    pub(crate) records: BTreeSet<RecordId>,
    pub(crate) of: usize,
    /// Whether the endpoint's place was replaced by an empty one: no deletion is few enough then.
    pub(crate) replaced: bool,
    /// Whether all that stands there now is of another kind than all that went: the source is read otherwise than before,
    /// and no deletion is few enough then.
    pub(crate) turned: bool,
}

impl Guard {
    /// Returns how many of `of` records may go at once.
    #[must_use]
    pub fn limit(&self, of: usize) -> usize {
        (of.saturating_mul(self.percent as usize) / 100).max(self.minimum)
    }

    /// Lets deletions pass that are few enough, or all of which a person confirmed.
    pub(crate) fn check(
        &self,
        deletions: Deletions<'_>,
        confirmed: &BTreeSet<RecordId>,
        mut title: impl FnMut(RecordId) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let Deletions { endpoint, direction, records, of, replaced, turned } = deletions;
        let limit = if replaced || turned { 0 } else { self.limit(of) };
        if records.len() <= limit || records.is_subset(confirmed) {
            return Ok(());
        }
        let titles = records.iter().take(TITLES).map(|id| title(*id)).collect::<Result<_, _>>()?;
        Err(Error::Held(Box::new(Hold { endpoint: endpoint.to_owned(), direction, records, titles, of, limit, replaced })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_deletions_than_both_limits_are_too_many() {
        let guard = Guard::default();
        assert_eq!((guard.limit(100), guard.limit(10), guard.limit(0)), (10, 5, 5));
    }
}
