//! The cards of a single file: where each stands, its key and its digest.

use crate::source::naming::anonymous;
use crate::source::text::{Fault, Glance, Text, glance};
use contentline::items::{Item, items};
use rayon::prelude::*;
use record::Digest;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// One card of a file.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    /// The physical line on which it begins.
    pub(crate) line: usize,
    pub(crate) digest: Digest,
    pub(crate) glance: Glance,
    pub(crate) state: State,
}

/// What can be told of a card before its record is made.
#[derive(Debug)]
pub(crate) enum State {
    /// Its key.
    Whole(String),
    /// What is wrong, and the key where it can be told.
    Broken(Option<String>, Fault),
    /// A broken card that was reported with another one.
    Reported,
}

/// Returns the cards of a file, in order.
pub(crate) fn spans(text: &Text<'_>) -> Vec<Span> {
    let found: Vec<Item> = items(&text.bytes).collect();
    let mut spans: Vec<Span> = found.into_par_iter().map(|item| span(&text.bytes, item)).collect();
    name(&mut spans);
    spans
}

fn span(bytes: &[u8], item: Item) -> Span {
    let slice = bytes.get(item.span.clone()).unwrap_or_default();
    let glance = glance(slice);
    let state = match item.broken {
        None => State::Whole(glance.uid.clone().unwrap_or_default()),
        Some(broken) => State::Broken(glance.uid.clone(), Fault::new(slice, 1, &broken.into())),
    };
    Span { range: item.span, line: item.line, digest: Digest::of(slice), glance, state }
}

/// Gives each card its key: its UID, else what it holds. Cards that share a UID are broken, all under one report.
fn name(spans: &mut [Span]) {
    let mut lines: HashMap<String, Vec<usize>> = HashMap::new();
    for span in spans.iter() {
        if let (State::Whole(_), Some(uid)) = (&span.state, &span.glance.uid) {
            lines.entry(uid.clone()).or_default().push(span.line);
        }
    }
    let mut counts: HashMap<Digest, usize> = HashMap::new();
    let mut reported: HashSet<String> = HashSet::new();
    for span in spans.iter_mut() {
        match (&span.state, &span.glance.uid) {
            (State::Whole(_), None) => {
                let count = counts.entry(span.digest).or_insert(0);
                span.state = State::Whole(anonymous(span.digest, *count));
                *count += 1;
            }
            (State::Whole(_), Some(uid)) => {
                let on = lines.get(uid).map(Vec::as_slice).unwrap_or_default();
                if on.len() > 1 {
                    let first = reported.insert(uid.clone());
                    span.state = if first { shared(span, uid, on) } else { State::Reported };
                }
            }
            // A broken card whose UID a whole one has is another card, or a part of the same: its key is not told.
            (State::Broken(Some(key), fault), _) if lines.contains_key(key) || !reported.insert(key.clone()) => {
                span.state = State::Broken(None, fault.clone());
            }
            (State::Broken(..) | State::Reported, _) => {}
        }
    }
}

fn shared(span: &Span, uid: &str, lines: &[usize]) -> State {
    let places: Vec<String> = lines.iter().take(10).map(usize::to_string).collect();
    let reason = format!("the same UID stands in the cards on lines {}; keep one of them", places.join(" and "));
    State::Broken(Some(uid.to_owned()), Fault { title: span.glance.title(), line: Some(span.line), reason })
}
