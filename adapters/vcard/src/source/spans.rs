//! The cards of a single file: where each stands, its key and its digest.

use crate::source::text::{Fault, Text, fault, glance, uid_of};
use contentline::items::{Item, items};
use rayon::prelude::*;
use record::Digest;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use vdir::naming::anonymous;

/// One card of a file.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    /// The physical line on which it begins.
    pub(crate) line: usize,
    pub(crate) digest: Digest,
    pub(crate) uid: Option<String>,
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
    let shared = shared(&spans);
    name_anonymous(&mut spans);
    if !shared.is_empty() {
        break_shared(&mut spans, &shared, &text.bytes);
    }
    unname_doubtful(&mut spans);
    spans
}

fn span(bytes: &[u8], item: Item) -> Span {
    let slice = bytes.get(item.span.clone()).unwrap_or_default();
    let uid = uid_of(slice);
    let state = match item.broken {
        None => State::Whole(uid.clone().unwrap_or_default()),
        Some(broken) => State::Broken(uid.clone(), fault(slice, 1, &broken.into())),
    };
    Span { range: item.span, line: item.line, digest: Digest::of(slice), uid, state }
}

/// Returns the lines of whole cards that share a UID, by that UID.
fn shared(spans: &[Span]) -> HashMap<String, Vec<usize>> {
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(spans.len());
    let mut shared: HashMap<String, Vec<usize>> = HashMap::new();
    for span in spans {
        if let (State::Whole(_), Some(uid)) = (&span.state, &span.uid)
            && let Some(line) = first.insert(uid, span.line)
        {
            shared.entry(uid.clone()).or_insert_with(|| vec![line]).push(span.line);
        }
    }
    shared
}

/// Gives cards without a UID a key made of what they hold.
fn name_anonymous(spans: &mut [Span]) {
    let mut counts: HashMap<Digest, usize> = HashMap::new();
    for span in spans.iter_mut().filter(|span| span.uid.is_none() && matches!(span.state, State::Whole(_))) {
        let count = counts.entry(span.digest).or_insert(0);
        span.state = State::Whole(anonymous(span.digest, *count));
        *count += 1;
    }
}

/// Breaks cards that share a UID, all under one report.
fn break_shared(spans: &mut [Span], shared: &HashMap<String, Vec<usize>>, bytes: &[u8]) {
    let mut reported: HashSet<&str> = HashSet::new();
    for span in spans.iter_mut().filter(|span| matches!(span.state, State::Whole(_))) {
        let found = span.uid.as_ref().and_then(|uid| shared.get_key_value(uid));
        let Some((uid, lines)) = found else { continue };
        span.state = if reported.insert(uid) {
            let places: Vec<String> = lines.iter().take(10).map(usize::to_string).collect();
            let reason = format!("the same UID stands in the cards on lines {}; keep one of them", places.join(" and "));
            let title = glance(bytes.get(span.range.clone()).unwrap_or_default()).title();
            State::Broken(Some(uid.clone()), Fault { title, line: Some(span.line), reason })
        } else {
            State::Reported
        };
    }
}

/// Takes the key from broken cards whose UID another card has: which of them is the item is not told.
fn unname_doubtful(spans: &mut [Span]) {
    if !spans.iter().any(|span| matches!(span.state, State::Broken(..))) {
        return;
    }
    let mut keys: HashSet<String> =
        spans.iter().filter(|span| matches!(span.state, State::Whole(_))).filter_map(|span| span.uid.clone()).collect();
    for span in spans {
        if let State::Broken(key @ Some(_), _) = &mut span.state
            && !key.iter().all(|key| keys.insert(key.clone()))
        {
            *key = None;
        }
    }
}
