//! Pairing: which item is which seen record, where items have no stable key.
//!
//! Exactly equal contents pair first. What is left pairs by what it has in common, best first; who it is must
//! never hang on the order in which items happen to stand, so an undecidable tie pairs nobody.

pub(crate) mod content;
mod crowd;
mod level;

use std::cmp::Reverse;
use std::collections::HashMap;

use record::{Pointer, Record, RecordId};

use crate::pair::content::{Content, Reading};
use crate::pair::crowd::Crowd;
use crate::pair::level::{Edge, settle};

/// The most holders of one value that are always looked at.
const SHARED: usize = 64;
/// The most holders that are looked at in all, those of rare values aside.
const STEPS: usize = 1 << 22;

/// Returns for each of `items` the id of the `seen` record that it is.
///
/// An equal field counts 2, an equal `unique` field 3; the best score pairs first. Nothing in common, or a tie
/// that nothing but order could decide, pairs nobody; records with the same content are interchangeable and no
/// tie. Records of two kinds, or with two different `uid`s, never pair. Ids of repeated parts do not count.
/// Values that very many records share are looked at only as far as a fixed number of steps allows.
#[must_use]
pub fn pair(seen: &[(RecordId, &Record)], items: &[&Record], unique: Option<&Pointer>) -> Vec<Option<RecordId>> {
    let mut reading = Reading::new(unique);
    let mut then: Crowd<'_> = seen.iter().map(|(_, record)| reading.content(record)).collect();
    let mut now: Crowd<'_> = items.iter().map(|record| reading.content(record)).collect();

    let mut pairs = Vec::new();
    for (item, record) in now.equals(&then) {
        pairs.extend(now.take_with(item, &mut then, record));
    }
    let edges = edges(&then, &now, &reading);
    for level in edges.chunk_by(|(score, _), (next, _)| score == next) {
        let open = |edge: &Edge| now.size(edge.item) > 0 && then.size(edge.seen) > 0;
        let open: Vec<Edge> = level.iter().map(|(_, edge)| *edge).filter(open).collect();
        let settled = settle(&open, |item| now.size(item), |record| then.size(record));
        for edge in settled.pairs {
            pairs.extend(now.take_with(edge.item, &mut then, edge.seen));
        }
        for edge in settled.tied {
            now.close(edge.item);
            then.close(edge.seen);
        }
    }

    let ids: HashMap<usize, RecordId> =
        pairs.into_iter().filter_map(|(item, record)| seen.get(record).map(|(id, _)| (item, *id))).collect();
    (0..items.len()).map(|item| ids.get(&item).copied()).collect()
}

/// Returns who has how much in common with whom, best first.
fn edges(then: &Crowd<'_>, now: &Crowd<'_>, reading: &Reading<'_>) -> Vec<(Reverse<u32>, Edge)> {
    let mut holders: HashMap<u32, Vec<usize>> = HashMap::new();
    for (seen, content) in then.open() {
        for field in &content.fields {
            holders.entry(*field).or_default().push(seen);
        }
    }
    let steps = STEPS / now.open().count().max(1);
    let mut edges = Vec::new();
    for (item, content) in now.open() {
        for seen in candidates(content, &holders, steps) {
            let score = then.content(seen).filter(|other| other.may_be(content)).map_or(0, |other| reading.score(other, content));
            if score > 0 {
                edges.push((Reverse(score), Edge { item, seen }));
            }
        }
    }
    edges.sort_unstable();
    edges
}

/// Returns who shares a field with `content`: of rare fields everybody, of others as many as `steps` allow, rarest first.
fn candidates(content: &Content<'_>, holders: &HashMap<u32, Vec<usize>>, mut steps: usize) -> Vec<usize> {
    let mut shared: Vec<&Vec<usize>> = content.fields.iter().filter_map(|field| holders.get(field)).collect();
    shared.sort_unstable_by_key(|holders| holders.len());
    let mut found = Vec::new();
    for holders in shared {
        match steps.checked_sub(holders.len()) {
            Some(left) => steps = left,
            None if holders.len() <= SHARED => {}
            None => break,
        }
        found.extend_from_slice(holders);
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
