//! The items of a single file: where the pieces of each stand, its key and its fingerprint.

use crate::calendar::{Calendar, Piece};
use crate::entry::Entry;
use crate::map::table::Component;
use crate::unreadable::Unreadable;
use crate::zone::{Resolution, Zones, by_name};
use adapter::{Fingerprint, Key, Known};
use contentline::content::Content;
use contentline::error::Broken;
use rayon::prelude::*;
use record::Digest;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use vdir::naming::anonymous;

/// The key of a calendar's own record.
pub(crate) const CALENDAR_KEY: &str = "#calendar";

/// One item of a file.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) key: Option<Key>,
    pub(crate) uid: Option<String>,
    pub(crate) component: &'static Component,
    /// Its pieces, in order.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) fingerprint: Fingerprint,
    /// Why it cannot be read, and where.
    pub(crate) broken: Option<(usize, Unreadable)>,
}

/// What stands in a file.
#[derive(Debug)]
pub(crate) struct Found<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) calendar: Calendar,
    pub(crate) zones: Zones,
    pub(crate) items: Vec<Span>,
    /// The zones that nobody knows by name, with their definitions' digests.
    own_zones: Vec<(String, Digest)>,
}

/// What was found in a file, to be laid over the same bytes later.
#[derive(Debug)]
pub(crate) struct Kept {
    calendar: Calendar,
    zones: Zones,
    items: Vec<Span>,
    own_zones: Vec<(String, Digest)>,
}

impl<'t> Found<'t> {
    /// Finds the items of a file.
    pub(crate) fn read(bytes: &'t [u8]) -> Self {
        Self::looking_for(bytes, |_| true)
    }

    /// Finds the items of a file, with the fingerprints of those whose keys are wanted, or that have none but by what they hold.
    pub(crate) fn looking_for(bytes: &'t [u8], wanted: impl Fn(&Key) -> bool + Sync) -> Self {
        let calendar = Calendar::read(bytes);
        let zones = Zones::read(bytes, &calendar.zones);
        let own = zones.all().into_iter().filter(|(tzid, _)| by_name(tzid) == Resolution::Unresolved);
        let own_zones = own.map(|(tzid, text)| (tzid.to_owned(), Digest::of(text.as_bytes()))).collect();
        let mut found = Self { bytes, calendar, zones, items: Vec::new(), own_zones };
        found.items = found.grouped();
        found.tell(wanted);
        found
    }

    /// Lays what was found in these bytes before over them again, with the fingerprints of those whose keys are wanted now.
    pub(crate) fn again(bytes: &'t [u8], kept: Kept, wanted: impl Fn(&Key) -> bool + Sync) -> Self {
        let Kept { calendar, zones, items, own_zones } = kept;
        let mut found = Self { bytes, calendar, zones, items, own_zones };
        found.tell(wanted);
        found
    }

    /// Lets go of the bytes.
    pub(crate) fn keep(self) -> Kept {
        let Self { calendar, zones, items, own_zones, .. } = self;
        Kept { calendar, zones, items, own_zones }
    }

    /// Tells the fingerprints of items as far as they are wanted and not told yet.
    fn tell(&mut self, wanted: impl Fn(&Key) -> bool + Sync) {
        let Self { bytes, items, own_zones, .. } = self;
        let untold = |span: &&mut Span| span.fingerprint.0.is_empty() && span.key.as_ref().is_none_or(&wanted);
        items.par_iter_mut().filter(untold).for_each(|span| span.fingerprint = fingerprint(bytes, &span.ranges, own_zones));
        name_anonymous(items);
    }

    /// Puts the pieces of one UID together.
    fn grouped(&self) -> Vec<Span> {
        let mut by_uid: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(self.calendar.pieces.len());
        let mut items: Vec<Span> = Vec::with_capacity(self.calendar.pieces.len());
        for piece in &self.calendar.pieces {
            let uid = piece.uid.map(|line| Content::of(self.bytes, &line).into_value()).filter(|uid| !uid.trim().is_empty());
            let known = uid.as_ref().and_then(|uid| by_uid.get(uid)).copied();
            if let Some(span) = known.and_then(|at| items.get_mut(at)) {
                span.join(piece);
                continue;
            }
            let text = uid.as_ref().map(|uid| uid.clone().into_owned());
            if let Some(uid) = uid {
                by_uid.insert(uid, items.len());
            }
            items.push(Span::of(piece, text));
        }
        items
    }

    /// Returns the fingerprint of pieces that come with definitions of their own.
    pub(crate) fn fingerprint_with(&self, bytes: &[u8], ranges: &[Range<usize>], more: &[(String, String)]) -> Fingerprint {
        let mut own_zones = self.own_zones.clone();
        for (tzid, text) in more.iter().filter(|(tzid, _)| by_name(tzid) == Resolution::Unresolved) {
            own_zones.push((tzid.clone(), Digest::of(text.as_bytes())));
        }
        own_zones.sort();
        fingerprint(bytes, ranges, &own_zones)
    }

    /// Reads the calendar's own record, if there is something to say.
    pub(crate) fn own(&self) -> Option<(Entry<'_>, Fingerprint)> {
        let entry = Entry::calendar(self.bytes, &self.calendar, &self.zones)?;
        let roots = self.calendar.roots.iter().flat_map(|root| root.own.iter().chain(&root.others));
        let places = roots.chain(&self.calendar.zones);
        let parts: Vec<&[u8]> = places.map(|range| self.bytes.get(range.clone()).unwrap_or_default()).collect();
        Some((entry, Fingerprint(Digest::of_parts(&parts).0.to_vec())))
    }

    /// Tells whether the file ends within a calendar.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.calendar.roots.last().is_some_and(|root| root.end.is_none())
    }

    /// Returns the item of this key, if it is still what was expected.
    pub(crate) fn find(&self, by_key: &HashMap<&str, usize>, key: &Key, expected: &Fingerprint) -> Option<&Span> {
        let span = by_key.get(key.0.as_str()).and_then(|at| self.items.get(*at))?;
        (span.broken.is_none() && span.fingerprint == *expected).then_some(span)
    }
}

/// Returns the fingerprint of the pieces of an item: what they hold, and what the zones of their own that they name mean.
fn fingerprint(bytes: &[u8], ranges: &[Range<usize>], own_zones: &[(String, Digest)]) -> Fingerprint {
    let slice = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    let digest = match ranges {
        [only] => Digest::of(slice(only)),
        several => Digest::of_parts(&several.iter().map(slice).collect::<Vec<_>>()),
    };
    let mut fingerprint = digest.0.to_vec();
    let named = |tzid: &str| ranges.iter().any(|range| memchr::memmem::find(slice(range), tzid.as_bytes()).is_some());
    let meant: Vec<&[u8]> = own_zones.iter().filter(|(tzid, _)| named(tzid)).map(|(_, digest)| &digest.0[..]).collect();
    if !meant.is_empty() {
        fingerprint.extend(Digest::of_parts(&meant).head());
    }
    Fingerprint(fingerprint)
}

impl Span {
    fn of(piece: &Piece, uid: Option<String>) -> Self {
        let mut span = Self {
            key: uid.as_deref().map(Key::new),
            uid,
            component: piece.component,
            ranges: vec![piece.range.clone()],
            fingerprint: Fingerprint(Vec::new()),
            broken: None,
        };
        span.note(piece.range.start, piece.broken.clone());
        span
    }

    /// Returns where it stands: where it is broken, if it is.
    pub(crate) fn place(&self) -> usize {
        self.broken.as_ref().map_or_else(|| self.ranges.first().map_or(0, |range| range.start), |(at, _)| *at)
    }

    /// Tells whether it is whole and what it was before.
    pub(crate) fn is_same(&self, known: &dyn Known) -> bool {
        let before = self.key.as_ref().filter(|_| self.broken.is_none()).and_then(|key| known.fingerprint(key));
        before.is_some_and(|before| before == self.fingerprint)
    }

    /// Tells whether an item of its key was there before.
    pub(crate) fn is_known(&self, known: &dyn Known) -> bool {
        self.key.as_ref().is_some_and(|key| known.fingerprint(key).is_some())
    }

    fn join(&mut self, piece: &Piece) {
        self.ranges.push(piece.range.clone());
        self.note(piece.range.start, piece.broken.clone());
        if self.component != piece.component && self.broken.is_none() {
            self.broken = Some((piece.range.start, Unreadable::Mixed(self.component.name, piece.component.name)));
        }
    }

    fn note(&mut self, at: usize, broken: Option<Broken>) {
        if let Some(broken) = broken
            && self.broken.is_none()
        {
            self.broken = Some((at, broken.into()));
        }
    }
}

/// Gives items without a UID a key made of what they hold; a broken one has none.
fn name_anonymous(items: &mut [Span]) {
    let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
    for span in items.iter_mut().filter(|span| span.uid.is_none() && span.broken.is_none()) {
        let count = counts.entry(span.fingerprint.0.clone()).or_insert(0);
        span.key = Some(Key(anonymous(Digest::of(&span.fingerprint.0), *count)));
        *count += 1;
    }
}
