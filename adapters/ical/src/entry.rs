//! One item read: its record with local ids, and which lines stand for which fields.

mod section;

use crate::calendar::{Calendar, Root};
use crate::map::table::{CALENDAR, CALENDARS, Component, FILE, FURTHER};
use crate::unreadable::Unreadable;
use crate::zone::{Zones, pointer_of, tzid_parameter};
use contentline::content::Content;
use contentline::document::Document;
use contentline::line::{Line, lines};
use record::{Digest, Fields, Kind, Pointer, Record, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::entry::section::Source;
pub(crate) use crate::entry::section::{Item, Place, Section, parameter_pointer};

/// The UID of the one calendar record of a collection.
pub(crate) const CALENDAR_UID: &str = "calendar";

/// An item and what its lines stand for.
#[derive(Debug)]
pub(crate) struct Entry<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) record: Record,
    pub(crate) sections: Vec<Section>,
    /// The definitions of the file.
    pub(crate) zones: &'b Zones,
}

/// A component with its own lines.
pub(crate) struct Piece<'b> {
    document: Document<'b>,
    start: usize,
    lines: Vec<(Line, Content<'b>)>,
}

impl<'b> Piece<'b> {
    fn read(bytes: &'b [u8], range: &Range<usize>) -> Result<Self, Unreadable> {
        let document = Document::read(bytes.get(range.clone()).unwrap_or_default())?;
        let lines = own_lines(&document, 0, range.start);
        Ok(Self { document, start: range.start, lines })
    }

    fn line(&self, property: &str) -> Option<&Content<'b>> {
        self.lines.iter().map(|(_, content)| content).find(|content| content.is(property))
    }
}

/// Returns the lines that stand in a component itself, without the blank ones, at their places in the file.
fn own_lines<'b>(document: &Document<'b>, component: usize, start: usize) -> Vec<(Line, Content<'b>)> {
    let all = document.lines();
    let mut lines = Vec::with_capacity(all.len());
    let own = document.own(component).filter_map(|at| Some((all.get(at)?, document.content(at)?)));
    lines.extend(own.filter(|(_, content)| !content.is_blank()).map(|(line, content)| (moved(line, start), content)));
    lines
}

fn moved(line: &Line, by: usize) -> Line {
    Line { start: line.start + by, body: line.body + by, end: line.end + by, folded: line.folded }
}

impl<'b> Entry<'b> {
    /// Reads the components of one UID, a series and its overrides.
    pub(crate) fn read(
        bytes: &'b [u8],
        component: &'static Component,
        ranges: &[Range<usize>],
        zones: &'b Zones,
    ) -> Result<Self, Unreadable> {
        let Builder { sections, more, .. } = Builder::read(bytes, component, ranges, zones)?;
        let record = Record { kind: component.kind.clone(), fields: fields_of(sections.clone(), more) };
        Ok(Self { bytes, record, sections, zones })
    }

    /// Reads the record of the components of one UID alone.
    pub(crate) fn shown(bytes: &[u8], component: &'static Component, ranges: &[Range<usize>], zones: &Zones) -> Result<Record, Unreadable> {
        let Builder { sections, more, .. } = Builder::read(bytes, component, ranges, zones)?;
        Ok(Record { kind: component.kind.clone(), fields: fields_of(sections, more) })
    }

    /// Adds the lines of the VCALENDAR around an item that has it for itself.
    pub(crate) fn with_file(
        mut self,
        runs: &[Range<usize>],
        others: &[Range<usize>],
        whole: &Range<usize>,
        end: usize,
        inner: usize,
    ) -> Self {
        let source = Source { whole: whole.clone(), end, inner, others: others.to_vec() };
        let section = section::of_calendar(self.bytes, &run_lines(self.bytes, runs), FILE, String::new(), source);
        self.record.fields.extend(fields_of(vec![section.clone()], Vec::new()));
        self.sections.push(section);
        self
    }

    /// Reads the record of a file's calendar itself; none where it says nothing but what every file must.
    ///
    /// A zone that no item names has its place nowhere else.
    pub(crate) fn calendar(bytes: &'b [u8], calendar: &Calendar, zones: &'b Zones) -> Option<Self> {
        let entry = Self::bare_calendar(bytes, calendar, zones)?;
        let needed = |item: &Item| matches!(&item.place, Place::Own(row) if row.property == "PRODID");
        let telling = entry.sections.iter().flat_map(|section| &section.items).any(|item| !needed(item));
        let unnamed = || zones.all().into_iter().any(|(tzid, _)| !calendar.names(bytes, tzid));
        (telling || unnamed()).then_some(entry)
    }

    /// Reads a calendar that may say nothing yet but what every file must; none where the file has no whole one.
    pub(crate) fn bare_calendar(bytes: &'b [u8], calendar: &Calendar, zones: &'b Zones) -> Option<Self> {
        let whole = |root: &&Root| root.end.is_some();
        let first = calendar.roots.first().filter(whole)?;
        let mut sections = vec![section::of_calendar(bytes, &run_lines(bytes, &first.own), CALENDAR, String::new(), Source::of(first))];
        for root in calendar.roots.iter().skip(1).filter(whole) {
            let prefix = format!("{CALENDARS}/{}/", sections.len() + 1);
            let section = section::of_calendar(bytes, &run_lines(bytes, &root.own), FURTHER, prefix, Source::of(root));
            // One that says nothing has no number, so that a new file without it counts alike.
            if !section.items.is_empty() {
                sections.push(section);
            }
        }
        let uid = (Pointer::from_static("uid"), Value::text(CALENDAR_UID));
        let mut record = Record { kind: Kind::CALENDAR, fields: fields_of(sections.clone(), vec![uid]) };
        record.fields.extend(zones.all().into_iter().map(|(tzid, text)| (pointer_of(tzid), Value::text(text))));
        Some(Self { bytes, record, sections, zones })
    }

    /// Returns the bytes of the blob with this digest, if the item holds it.
    pub(crate) fn blob(&self, digest: Digest) -> Option<Vec<u8>> {
        let holds = |item: &&Item| matches!(item.fields.get("content"), Some(Value::Blob(blob)) if blob.digest == digest);
        let item = self.sections.iter().flat_map(|section| &section.items).find(holds)?;
        Content::of(self.bytes, &item.line).bytes()
    }
}

/// Returns the lines of several runs, without the blank ones.
fn run_lines<'b>(bytes: &'b [u8], runs: &[Range<usize>]) -> Vec<(Line, Content<'b>)> {
    let mut all = Vec::new();
    for run in runs {
        let slice = bytes.get(run.clone()).unwrap_or_default();
        for line in lines(slice).filter(|line| !line.raw(slice).trim_ascii().is_empty()) {
            all.push((moved(&line, run.start), Content::of(slice, &line)));
        }
    }
    all
}

/// What becomes of an item's pieces.
#[derive(Default)]
struct Builder {
    /// The overrides that have a section, and pieces that have none.
    overrides: BTreeSet<String>,
    kept: usize,
    sections: Vec<Section>,
    /// The fields that are those of no line alone.
    more: Vec<(Pointer, Value)>,
}

impl Builder {
    /// Reads the components of one UID.
    fn read(bytes: &[u8], component: &'static Component, ranges: &[Range<usize>], zones: &Zones) -> Result<Self, Unreadable> {
        let pieces: Vec<Piece<'_>> = ranges.iter().map(|range| Piece::read(bytes, range)).collect::<Result<_, _>>()?;
        let mut masters = pieces.iter().filter(|piece| piece.line("RECURRENCE-ID").is_none());
        let master = masters.next();
        if masters.next().is_some() {
            return Err(Unreadable::Twice);
        }
        let series = master.and_then(|master| section::zone_of(&master.lines, component.on));
        let mut builder = Self { sections: Vec::with_capacity(pieces.len()), ..Self::default() };
        for piece in &pieces {
            builder.piece(piece, component, series.as_deref());
        }
        builder.zones(&pieces, zones);
        builder.uid(&pieces);
        Ok(builder)
    }

    fn piece(&mut self, piece: &Piece<'_>, component: &'static Component, series: Option<&str>) {
        let prefix = match piece.line("RECURRENCE-ID") {
            None => Some(String::new()),
            Some(content) => section::override_prefix(content, component.on, series).filter(|prefix| self.overrides.insert(prefix.clone())),
        };
        match prefix {
            Some(prefix) => section::read(piece, component.on, &prefix, series, &mut self.sections),
            // An override without a date, or a second one of the same date, is kept as it is.
            None => {
                self.kept += 1;
                self.sections.push(section::verbatim(piece, &format!("ext/ical/components/piece-{}", self.kept)));
            }
        }
    }

    /// Adds the definitions of the zones that lines name.
    fn zones(&mut self, pieces: &[Piece<'_>], zones: &Zones) {
        let mut seen: Vec<Cow<'_, str>> = Vec::new();
        for piece in pieces {
            for tzid in piece.lines.iter().filter_map(|(_, content)| tzid_parameter(content)) {
                if seen.contains(&tzid) {
                    continue;
                }
                if let Some(text) = zones.text(&tzid) {
                    self.more.push((pointer_of(&tzid), Value::text(text)));
                }
                seen.push(tzid);
            }
        }
    }

    /// Overrides have the UID of their series, wherever that stands.
    fn uid(&mut self, pieces: &[Piece<'_>]) {
        let uid = pieces.iter().find_map(|piece| piece.line("UID")).map(|content| content.value().into_owned());
        self.more.extend(uid.map(|uid| (Pointer::from_static("uid"), Value::Text(uid))));
    }
}

/// Returns the fields that lines stand for, and more.
fn fields_of(sections: Vec<Section>, more: Vec<(Pointer, Value)>) -> Fields {
    let mut all = more;
    all.reserve(sections.iter().map(|section| section.items.len() * 2).sum());
    sections.into_iter().for_each(|section| section.append(&mut all));
    all.into_iter().collect()
}
