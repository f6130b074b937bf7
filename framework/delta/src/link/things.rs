//! Things rather than people: rows, events, tasks with exactly equal content.

use std::collections::HashMap;

use record::Record;

use crate::link::join::{Join, LISTED};
use crate::link::{Candidate, Evidence, is_bookkeeping, is_person};
use crate::pair::content::{Exact, Reading};

/// Links things with equal content, as many as both sides have: they are interchangeable.
pub(super) fn link(join: &mut Join<'_>) {
    let (newcomers, residents) = join.open();
    let telling = |side: &[Candidate<'_>], open: &[usize]| -> Vec<(usize, Record)> {
        let candidates = open.iter().filter_map(|at| side.get(*at).map(|candidate| (*at, candidate.record)));
        candidates.filter(|(_, record)| !is_person(record)).map(|(at, record)| (at, without_bookkeeping(record))).collect()
    };
    let (newcomers, residents) = (telling(&join.newcomers, &newcomers), telling(&join.residents, &residents));

    let mut reading = Reading::new(None);
    let mut by_content: HashMap<Exact<'_>, Vec<usize>> = HashMap::new();
    for (at, record) in residents.iter().rev().filter(|(_, record)| !record.fields.is_empty()) {
        by_content.entry(reading.content(record).exact).or_default().push(*at);
    }
    for (at, record) in &newcomers {
        let Some(equal) = by_content.get_mut(&reading.content(record).exact) else { continue };
        // The nearest in order that nobody set apart; a bounded look, for all of them may be.
        let free = equal.iter().enumerate().rev().take(LISTED).find(|(_, resident)| join.may_be(*at, **resident)).map(|(place, _)| place);
        if let Some(place) = free {
            let resident = equal.remove(place);
            join.link(*at, resident, Evidence::Content);
        }
    }
}

fn without_bookkeeping(record: &Record) -> Record {
    let mut record = record.clone();
    record.fields.retain(|pointer, _| !is_bookkeeping(pointer.as_str()));
    record
}
