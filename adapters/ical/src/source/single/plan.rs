//! What each operation does to a file of many items.

use crate::calendar::Calendar;
use crate::entry::{CALENDAR_UID, Entry};
use crate::map::table::Component;
use crate::source::assemble::{Additions, is_blank, new_file, rewritten};
use crate::source::spans::{CALENDAR_KEY, Found, Span};
use crate::write::edit::{Change, change, check, make, touched};
use crate::write::line::Manner;
use crate::write::refusal::Refusal;
use crate::write::splice::Splice;
use crate::zone::Zones;
use adapter::staging::Staged;
use adapter::{Expect, Fingerprint, Key, Op, Outcome, Outcomes};
use record::{Digest, Kind, Record, RecordId, Value};
use std::collections::{HashMap, HashSet};

/// What one operation does to the file.
pub(super) enum Plan {
    /// Nothing; the answer is known.
    Answer(Outcome),
    /// Spans of the file are replaced, and components added.
    Put { splices: Vec<Splice>, additions: Additions, shown: Box<Shown> },
    /// Spans of the file go.
    Remove { splices: Vec<Splice> },
}

/// What an item shows once it is written.
pub(super) struct Shown {
    pub(super) key: Key,
    pub(super) fingerprint: Fingerprint,
    pub(super) record: Record,
    /// Bytes of the item.
    pub(super) bytes: usize,
}

/// The file as it is now.
pub(super) struct Now<'n> {
    found: &'n Found<'n>,
    manner: Manner<'n>,
    by_key: HashMap<&'n str, usize>,
}

impl<'n> Now<'n> {
    pub(super) fn new(found: &'n Found<'n>, manner: Manner<'n>) -> Self {
        let mut by_key = HashMap::with_capacity(found.items.len());
        by_key.extend(found.items.iter().enumerate().filter_map(|(at, span)| Some((span.key.as_ref()?.0.as_str(), at))));
        Self { found, manner, by_key }
    }

    /// Tells whether an item has this UID, which is its key then.
    fn has_uid(&self, uid: &str) -> bool {
        let span = self.by_key.get(uid).and_then(|at| self.found.items.get(*at));
        span.is_some_and(|span| span.uid.as_deref() == Some(uid))
    }

    /// Plans one operation against the items that stand in the file now.
    pub(super) fn plan(&self, op: &Op<'_>) -> Plan {
        let stale = || Plan::Answer(Outcome::Stale);
        match *op {
            Op::Put { expect: Expect::Absent, record, .. } if record.kind == Kind::CALENDAR => self.new_calendar(record),
            Op::Put { id, expect: Expect::Absent, record, .. } => self.new_item(id, record),
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } if key.0 == CALENDAR_KEY => {
                self.calendar(expected, record)
            }
            Op::Put { key: Some(key), expect: Expect::Fingerprint(expected), record, .. } => {
                self.found.find(&self.by_key, key, expected).map_or_else(stale, |span| self.edit(span, record))
            }
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } if key.0 == CALENDAR_KEY => self.clear(expected),
            Op::Delete { key, expect: Expect::Fingerprint(expected), .. } => {
                self.found.find(&self.by_key, key, expected).map_or_else(stale, |span| Plan::Remove { splices: removals(&span.ranges) })
            }
            Op::Put { key: None, .. } | Op::Delete { .. } => stale(),
        }
    }

    fn edit(&self, span: &Span, record: &Record) -> Plan {
        let uid = record.text("uid");
        if uid != span.uid.as_deref() && uid.is_some_and(|uid| self.has_uid(uid)) {
            return Plan::Answer(Outcome::Stale);
        }
        let Ok(entry) = Entry::read(self.found.bytes, span.component, &span.ranges, &self.found.zones) else {
            return Plan::Answer(Outcome::Stale);
        };
        refused(self.edited(span, &entry, record))
    }

    fn edited(&self, span: &Span, entry: &Entry<'_>, record: &Record) -> Result<Plan, Refusal> {
        let Change { splices, zones, rest } = change(entry, record, self.manner)?;
        if splices.is_empty() && zones.is_empty() {
            let (key, fingerprint, record) = (span.key.clone(), span.fingerprint.clone(), entry.record.clone());
            let key = key.unwrap_or(Key(String::new()));
            return Ok(Plan::Answer(Outcome::Put { key, fingerprint, record, bytes: 0 }));
        }
        let written = touched(&span.ranges, &splices, self.found.bytes);
        let shown = self.shown(&written, span.component, &zones)?;
        check(&rest, &shown.record)?;
        Ok(Plan::Put { splices, additions: Additions { zones, ..Additions::default() }, shown: Box::new(shown) })
    }

    /// Reads back the components of one item.
    fn shown(&self, written: &[u8], component: &'static Component, more: &[(String, String)]) -> Result<Shown, Refusal> {
        let found = Calendar::read(written);
        let ranges: Vec<_> = found.pieces.iter().map(|piece| piece.range.clone()).collect();
        let whole = found.strays.is_empty() && found.pieces.iter().all(|piece| piece.broken.is_none() && piece.component == component);
        let same = found.pieces.iter().all(|piece| uid_of(written, piece) == found.pieces.first().and_then(|first| uid_of(written, first)));
        if !whole || !same || ranges.is_empty() {
            return Err(Refusal::Pieces(ranges.len()));
        }
        let mut zones: Zones = self.found.zones.clone();
        more.iter().for_each(|(tzid, text)| zones.add(tzid, text));
        let record = Entry::read(written, component, &ranges, &zones)?.record;
        let fingerprint = self.found.fingerprint_with(written, &ranges, more);
        let key = match record.text("uid").filter(|uid| !uid.trim().is_empty()) {
            Some(uid) => Key::new(uid),
            None => Key(vdir::naming::anonymous(Digest::of(&fingerprint.0), 0)),
        };
        Ok(Shown { key, fingerprint, record, bytes: written.len() })
    }

    fn new_item(&self, id: RecordId, record: &Record) -> Plan {
        let uid = record.text("uid").filter(|uid| !uid.trim().is_empty()).map_or_else(|| id.urn(), str::to_owned);
        if self.has_uid(&uid) {
            return Plan::Answer(Outcome::Stale);
        }
        let record = record.clone().with("uid", Value::text(&uid));
        refused(self.made(&record))
    }

    fn made(&self, record: &Record) -> Result<Plan, Refusal> {
        let made = make(record, false, &self.found.zones, self.manner)?;
        let component = Component::of(&record.kind).ok_or_else(|| Refusal::Kind(record.kind.to_string()))?;
        let shown = self.shown(&made.components, component, &made.zones)?;
        check(&made.rest, &shown.record)?;
        let additions = Additions { components: made.components, zones: made.zones, ..Additions::default() };
        Ok(Plan::Put { splices: Vec::new(), additions, shown: Box::new(shown) })
    }

    fn calendar(&self, expected: &Fingerprint, record: &Record) -> Plan {
        match self.found.own().filter(|(_, fingerprint)| fingerprint == expected) {
            Some((entry, fingerprint)) => refused(self.calendar_edited(&entry, &fingerprint, record)),
            None => Plan::Answer(Outcome::Stale),
        }
    }

    fn new_calendar(&self, record: &Record) -> Plan {
        if self.found.own().is_some() {
            return Plan::Answer(Outcome::Stale);
        }
        let Some(entry) = Entry::bare_calendar(self.found.bytes, &self.found.calendar, &self.found.zones) else {
            return refused(self.calendar_made(record));
        };
        refused(self.calendar_edited(&entry, &Fingerprint(Vec::new()), record))
    }

    /// Changes the lines of a calendar, and reads the whole file back.
    fn calendar_edited(&self, entry: &Entry<'_>, fingerprint: &Fingerprint, record: &Record) -> Result<Plan, Refusal> {
        let Change { splices, zones, rest } = change(entry, record, self.manner)?;
        let key = Key::new(CALENDAR_KEY);
        if splices.is_empty() && zones.is_empty() {
            let (fingerprint, record) = (fingerprint.clone(), entry.record.clone());
            return Ok(Plan::Answer(Outcome::Put { key, fingerprint, record, bytes: 0 }));
        }
        let bytes = splices.iter().map(|splice| splice.bytes.len()).sum();
        let additions = Additions { zones, ..Additions::default() };
        let whole = rewritten(self.found.bytes, &self.found.calendar, splices.clone(), &additions, self.manner)?;
        let shown = calendar_shown(&whole, bytes)?;
        check(&rest, &shown.record)?;
        Ok(Plan::Put { splices, additions, shown: Box::new(shown) })
    }

    /// Makes a calendar where the file has none.
    fn calendar_made(&self, record: &Record) -> Result<Plan, Refusal> {
        if !is_blank(self.found.bytes, &self.found.calendar) {
            return Err(Refusal::Unclosed);
        }
        let shell = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
        let calendar = Calendar::read(shell);
        let zones = Zones::default();
        let entry = Entry::bare_calendar(shell, &calendar, &zones).ok_or(Refusal::Unclosed)?;
        let Change { splices, zones, rest } = change(&entry, record, self.manner)?;
        let (further, lines): (Vec<Splice>, Vec<Splice>) = splices.into_iter().partition(|splice| splice.range.start == shell.len());
        let [lines, further] = [lines, further].map(|splices| splices.into_iter().flat_map(|splice| splice.bytes).collect::<Vec<u8>>());
        let bytes = lines.len() + further.len();
        let additions = Additions { components: Vec::new(), zones, lines, further };
        let shown = calendar_shown(&new_file(&additions, self.manner)?, bytes)?;
        check(&rest, &shown.record)?;
        Ok(Plan::Put { splices: Vec::new(), additions, shown: Box::new(shown) })
    }

    /// Takes away what a calendar says of itself, but for what every file must say.
    fn clear(&self, expected: &Fingerprint) -> Plan {
        let Some((entry, _)) = self.found.own().filter(|(_, fingerprint)| fingerprint == expected) else {
            return Plan::Answer(Outcome::Stale);
        };
        let mut kept = Record::new(Kind::CALENDAR).with("uid", Value::text(CALENDAR_UID));
        kept.fields.extend(entry.record.fields.get_key_value("prodId").map(|(key, value)| (key.clone(), value.clone())));
        match change(&entry, &kept, self.manner) {
            Ok(change) => Plan::Remove { splices: change.splices },
            Err(refusal) => Plan::Answer(Outcome::Refused { reason: refusal.to_string() }),
        }
    }
}

fn uid_of(bytes: &[u8], piece: &crate::calendar::Piece) -> Option<String> {
    piece.uid.map(|line| contentline::content::Content::of(bytes, &line).value().into_owned())
}

fn calendar_shown(whole: &[u8], bytes: usize) -> Result<Shown, Refusal> {
    let found = Found::read(whole);
    let (entry, fingerprint) = found.own().ok_or(Refusal::Pieces(0))?;
    Ok(Shown { key: Key::new(CALENDAR_KEY), fingerprint, record: entry.record, bytes })
}

fn refused(plan: Result<Plan, Refusal>) -> Plan {
    plan.unwrap_or_else(|refusal| Plan::Answer(Outcome::Refused { reason: refusal.to_string() }))
}

fn removals(ranges: &[std::ops::Range<usize>]) -> Vec<Splice> {
    ranges.iter().map(|range| Splice { range: range.clone(), bytes: Vec::new() }).collect()
}

/// Lets only the first of several new items have a UID, and only one calendar be made.
pub(super) fn one_a_uid(plans: Vec<Plan>) -> Vec<Plan> {
    let mut keys: HashSet<String> = HashSet::new();
    let free = |plan: Plan| match plan {
        Plan::Put { splices, additions, shown } => {
            if keys.insert(shown.key.0.clone()) {
                Plan::Put { splices, additions, shown }
            } else {
                Plan::Answer(Outcome::Stale)
            }
        }
        other => other,
    };
    plans.into_iter().map(free).collect()
}

/// Returns all splices and additions of the plans.
pub(super) fn gathered(plans: &[Plan]) -> (Vec<Splice>, Additions) {
    let (mut all, mut more) = (Vec::new(), Additions::default());
    for plan in plans {
        match plan {
            Plan::Answer(_) => {}
            Plan::Remove { splices } => all.extend(splices.iter().cloned()),
            Plan::Put { splices, additions, .. } => {
                all.extend(splices.iter().cloned());
                more.components.extend_from_slice(&additions.components);
                more.lines.extend_from_slice(&additions.lines);
                more.further.extend_from_slice(&additions.further);
                more.zones.extend(additions.zones.iter().cloned());
            }
        }
    }
    (all, more)
}

/// Returns what the journal says of each operation that changes the file.
pub(super) fn staged(plans: &[Plan]) -> Vec<Staged> {
    let one = |(index, plan): (usize, &Plan)| match plan {
        Plan::Answer(_) => None,
        Plan::Put { shown, .. } => Some(Staged { index, key: Some(shown.key.clone()), fingerprint: Some(shown.fingerprint.clone()) }),
        Plan::Remove { .. } => Some(Staged { index, key: None, fingerprint: None }),
    };
    plans.iter().enumerate().filter_map(one).collect()
}

/// Answers each plan; an item counts its own bytes, and the first change those of the rest of the file too.
pub(super) fn answer(plans: Vec<Plan>, done: bool, file: usize, out: &mut dyn Outcomes) {
    let of_items: usize = plans.iter().map(Plan::bytes).sum();
    let mut rest = file.saturating_sub(of_items);
    for (index, plan) in plans.into_iter().enumerate() {
        let mut bytes = plan.bytes();
        if !matches!(plan, Plan::Answer(_)) {
            bytes += std::mem::take(&mut rest);
        }
        let outcome = match plan {
            Plan::Answer(outcome) => outcome,
            Plan::Put { .. } | Plan::Remove { .. } if !done => Outcome::Stale,
            Plan::Put { shown, .. } => {
                let Shown { key, fingerprint, record, .. } = *shown;
                Outcome::Put { key, fingerprint, record, bytes: bytes as u64 }
            }
            Plan::Remove { .. } => Outcome::Deleted { bytes: bytes as u64 },
        };
        out.outcome(index, outcome);
    }
}

impl Plan {
    /// Returns how many bytes the item has that it writes.
    fn bytes(&self) -> usize {
        match self {
            Self::Put { shown, .. } => shown.bytes,
            Self::Answer(_) | Self::Remove { .. } => 0,
        }
    }
}
