//! One component of an item, line by line: what each stands for, whatever order the lines have.

use crate::calendar::Root;
use crate::entry::{Piece, own_lines};
use crate::map::decode::{Decoded, Named, Raw, decode};
use crate::map::table::{ALARM, CALENDAR, FILE, FURTHER, On, Row};
use contentline::content::Content;
use contentline::document::Document;
use contentline::line::Line;
use record::vocabulary::OVERRIDES;
use record::{Digest, Pointer, Value, pointer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

type Lines<'b> = [(Line, Content<'b>)];

/// A component and what its lines stand for.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) on: On,
    /// What its pointers begin with: nothing, an override, an alarm.
    pub(crate) prefix: String,
    /// From its BEGIN to behind its END.
    pub(crate) whole: Range<usize>,
    /// Where its END line begins.
    pub(crate) end: usize,
    /// Where the first component inside begins, else its END line.
    pub(crate) inner: usize,
    pub(crate) items: Vec<Item>,
}

/// A line, or a component, and the fields that it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) place: Place,
    pub(crate) line: Line,
    pub(crate) fields: Named,
    pub(crate) raw: Raw,
}

/// Where the fields of an item stand in the record.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A repeated part: `participants/1`, with the section's prefix.
    Part(&'static Row, String),
    /// Fields of the section itself.
    Own(&'static Row),
    /// A line or component kept as it is, under this pointer.
    Verbatim(Pointer, Range<usize>),
}

/// Where a component stands, whose lines were read already.
pub(super) struct Source {
    pub(super) whole: Range<usize>,
    pub(super) end: usize,
    pub(super) inner: usize,
    pub(super) others: Vec<Range<usize>>,
}

impl Source {
    pub(super) fn of(root: &Root) -> Self {
        let end = root.end.unwrap_or(root.whole.end);
        Self { whole: root.whole.clone(), end, inner: root.inner.min(end), others: root.others.clone() }
    }
}

/// Returns the zone of a component's start.
pub(super) fn zone_of(lines: &Lines<'_>, on: On) -> Option<String> {
    let (_, row) = Row::of(b"DTSTART", on)?;
    let starts = lines.iter().filter(|(_, content)| content.is(row.property)).filter_map(|(_, content)| decode(row, content, None));
    let start = starts.min_by(|one, other| one.fields.cmp(&other.fields))?;
    start.fields.get("timeZone").and_then(Value::as_text).map(str::to_owned)
}

/// Returns the prefix of the override that a RECURRENCE-ID names; none where it cannot be read.
pub(super) fn override_prefix(content: &Content<'_>, on: On, series: Option<&str>) -> Option<String> {
    let (_, row) = Row::of(b"RECURRENCE-ID", on)?;
    let decoded = decode(row, content, series)?;
    let id = decoded.fields.get("recurrenceId")?.as_text()?.to_owned();
    Some(format!("{OVERRIDES}/{id}/"))
}

/// Reads a component and its alarms, each as a section of its own.
pub(super) fn read(piece: &Piece<'_>, on: On, prefix: &str, series: Option<&str>, sections: &mut Vec<Section>) {
    let own = if prefix.is_empty() { None } else { Some(zone_of(&piece.lines, on)) };
    let zone = own.as_ref().map_or(series, Option::as_deref);
    let mut reader = Reader::new(on, prefix, [prefix, "ext/ical"].concat());
    reader.properties(&piece.lines, zone, series);
    let mut alarms = Alarms::default();
    let document = &piece.document;
    for child in document.children(0) {
        let Some(component) = document.components().get(child) else { continue };
        let span = document.span(component);
        let whole = span.start + piece.start..span.end + piece.start;
        if component.name == "VALARM"
            && let Some(alarm) = alarms.read(document, child, piece.start, prefix)
        {
            sections.push(alarm);
        } else {
            reader.component(document.bytes().get(span).unwrap_or_default(), whole);
        }
    }
    let lines = document.lines();
    let place = |index: usize| lines.get(index).map_or(0, |line| line.start) + piece.start;
    let whole = document.components().first().map(|root| document.span(root)).unwrap_or_default();
    let end = document.components().first().map_or(0, |root| place(root.last));
    let inner = document.components().get(1).map_or(end, |child| place(child.first));
    let whole = whole.start + piece.start..whole.end + piece.start;
    sections.push(Section { on, prefix: prefix.to_owned(), whole, end, inner, items: reader.finish() });
}

/// Keeps a whole component as it is.
pub(super) fn verbatim(piece: &Piece<'_>, pointer: &str) -> Section {
    let document = &piece.document;
    let span = document.components().first().map(|root| document.span(root)).unwrap_or_default();
    let whole = span.start + piece.start..span.end + piece.start;
    let line = Line { start: whole.start, body: whole.end, end: whole.end, folded: false };
    let fields = Named::from_iter([(String::new(), Value::Text(crate::zone::text_of(document)))]);
    let item = Item { place: Place::Verbatim(Pointer::new(pointer), whole.clone()), line, fields, raw: Raw::new() };
    Section { on: 0, prefix: String::new(), end: whole.end, inner: whole.end, whole, items: vec![item] }
}

/// Reads the own lines of a VCALENDAR.
pub(super) fn of_calendar(bytes: &[u8], lines: &Lines<'_>, on: On, prefix: String, source: Source) -> Section {
    let mut reader = Reader::new(on, &prefix, verbatim_place(on, &prefix));
    reader.properties(lines, None, None);
    for other in source.others {
        reader.component(bytes.get(other.clone()).unwrap_or_default(), other);
    }
    let Source { whole, end, inner, .. } = Source { others: Vec::new(), ..source };
    Section { on, prefix, whole, end, inner, items: reader.finish() }
}

struct Reader {
    on: On,
    prefix: String,
    /// Where verbatim lines and components stand.
    place: String,
    items: Vec<Item>,
    counts: BTreeMap<&'static str, usize>,
    spread: BTreeSet<String>,
    verbatim: Vec<(Line, String)>,
    components: usize,
    hashed: BTreeMap<String, usize>,
}

/// A line of the section's own fields, and its row's place in the table.
struct Single {
    order: usize,
    row: &'static Row,
    line: Line,
    text: String,
    decoded: Decoded,
}

impl Reader {
    fn new(on: On, prefix: &str, place: String) -> Self {
        Self {
            on,
            prefix: prefix.to_owned(),
            place,
            items: Vec::new(),
            counts: BTreeMap::new(),
            spread: BTreeSet::new(),
            verbatim: Vec::new(),
            components: 0,
            hashed: BTreeMap::new(),
        }
    }

    fn properties(&mut self, lines: &Lines<'_>, zone: Option<&str>, series: Option<&str>) {
        self.items.reserve(lines.len());
        let mut singles: Vec<Single> = Vec::with_capacity(lines.len());
        for (line, content) in lines {
            if self.is_silent(content) {
                continue;
            }
            let row = if content.is_property() { Row::of(content.raw_name(), self.on).filter(|(_, row)| self.takes(row)) } else { None };
            let decoded = row.and_then(|(order, row)| {
                let by = if row.property == "RECURRENCE-ID" { series } else { zone };
                Some((order, row, decode(row, content, by)?))
            });
            match decoded {
                None => self.verbatim.push((*line, content.text().into_owned())),
                Some((_, row, decoded)) if row.stem.is_some() => self.part(row, *line, decoded),
                Some((_, row, decoded)) if row.is_spread() => self.spread(row, *line, content, decoded),
                Some((order, row, decoded)) => {
                    self.single(Single { order, row, line: *line, text: String::new(), decoded }, lines, &mut singles);
                }
            }
        }
        for Single { row, line, decoded, .. } in singles {
            self.items.push(Item { place: Place::Own(row), line, fields: decoded.fields, raw: decoded.raw });
        }
    }

    /// Tells whether a line says only what every file of the format says, or what the series says.
    fn is_silent(&self, content: &Content<'_>) -> bool {
        let gregorian = || content.is("CALSCALE") && content.value().trim().eq_ignore_ascii_case("GREGORIAN");
        match self.on {
            CALENDAR => content.is("VERSION"),
            FURTHER => content.is("VERSION") || content.is("PRODID"),
            FILE => content.is("VERSION") || content.is("PRODID") || gregorian(),
            ALARM => false,
            _ => !self.prefix.is_empty() && content.is("UID"),
        }
    }

    /// Dates of a series stand in its master, and the name of an override in an override.
    fn takes(&self, row: &Row) -> bool {
        let master = self.prefix.is_empty();
        if row.property == "RECURRENCE-ID" { !master } else { master || !matches!(row.property, "EXDATE" | "RDATE") }
    }

    fn part(&mut self, row: &'static Row, line: Line, decoded: Decoded) {
        let stem = row.stem.unwrap_or_default();
        let count = self.counts.entry(stem).or_insert(0);
        *count += 1;
        // Two devices that add the one place an event can have mean the same one.
        let id = if row.sole && *count == 1 { "=1".to_owned() } else { count.to_string() };
        let base = [&self.prefix, stem, "/", &id].concat();
        self.items.push(Item { place: Place::Part(row, base), line, fields: decoded.fields, raw: decoded.raw });
    }

    /// Takes a line of a set, unless another line holds one of its words already.
    fn spread(&mut self, row: &'static Row, line: Line, content: &Content<'_>, decoded: Decoded) {
        if decoded.fields.iter().any(|(name, _)| self.spread.contains(name)) {
            self.verbatim.push((line, content.text().into_owned()));
            return;
        }
        self.spread.extend(decoded.fields.iter().map(|(name, _)| name.to_owned()));
        self.items.push(Item { place: Place::Own(row), line, fields: decoded.fields, raw: decoded.raw });
    }

    /// Takes a line for fields of the section; of several the first row's, then the smallest, whatever their order.
    fn single(&mut self, mut new: Single, lines: &Lines<'_>, singles: &mut Vec<Single>) {
        let Some(old) = singles.iter_mut().find(|old| old.row.home() == new.row.home()) else {
            singles.push(new);
            return;
        };
        let text_of = |single: &Single| {
            let found = lines.iter().find(|(line, _)| *line == single.line);
            found.map(|(_, content)| content.text().into_owned()).unwrap_or_default()
        };
        (old.text, new.text) = (text_of(old), text_of(&new));
        if (new.order, &new.text) < (old.order, &old.text) {
            std::mem::swap(old, &mut new);
        }
        self.verbatim.push((new.line, new.text));
    }

    fn component(&mut self, slice: &[u8], whole: Range<usize>) {
        self.components += 1;
        let text =
            Document::read(slice).map_or_else(|_| String::from_utf8_lossy(slice).into_owned(), |document| crate::zone::text_of(&document));
        let pointer = Pointer::from(format!("{}/components/{}", self.place, self.components));
        let line = Line { start: whole.start, body: whole.end, end: whole.end, folded: false };
        self.keep(pointer, whole, line, text);
    }

    fn keep(&mut self, pointer: Pointer, range: Range<usize>, line: Line, text: String) {
        let fields = Named::from_iter([(String::new(), Value::Text(text))]);
        self.items.push(Item { place: Place::Verbatim(pointer, range), line, fields, raw: Raw::new() });
    }

    fn finish(mut self) -> Vec<Item> {
        let mut verbatim = std::mem::take(&mut self.verbatim);
        verbatim.sort_by_key(|(line, _)| line.start);
        for (at, (line, text)) in verbatim.into_iter().enumerate() {
            // Nothing aligns what stands within a part, so an alarm's lines are named by what they hold.
            let id = if self.on == ALARM || self.on == FURTHER { self.hash(&text) } else { (at + 1).to_string() };
            let pointer = Pointer::from(format!("{}/lines/{id}", self.place));
            self.keep(pointer, line.start..line.end, line, text);
        }
        self.items.sort_by_key(|item| item.line.start);
        self.items
    }

    fn hash(&mut self, text: &str) -> String {
        let short: String = Digest::of(text.as_bytes()).to_string().chars().take(13).collect();
        let count = self.hashed.entry(short.clone()).or_default();
        *count += 1;
        if *count == 1 { short } else { format!("{short}-{count}") }
    }
}

/// The alarms of one component, while they are named.
#[derive(Default)]
struct Alarms {
    count: usize,
    explicit: BTreeSet<String>,
}

impl Alarms {
    /// Reads an alarm; none where it has no trigger, or components of its own.
    fn read(&mut self, document: &Document<'_>, component: usize, start: usize, prefix: &str) -> Option<Section> {
        let found = document.components().get(component)?;
        let lines = own_lines(document, component, start);
        let triggers = lines.iter().filter(|(_, content)| content.is("TRIGGER")).filter_map(|(_, content)| {
            let (_, row) = Row::of(b"TRIGGER", ALARM)?;
            decode(row, content, None)
        });
        if triggers.count() == 0 || document.children(component).next().is_some() {
            return None;
        }
        self.count += 1;
        let named =
            |property: &str| lines.iter().find(|(_, content)| content.is(property)).map(|(_, content)| content.value().trim().to_owned());
        let uid = named("UID").or_else(|| named("X-WR-ALARMUID")).filter(|uid| !uid.is_empty());
        let explicit = uid.filter(|uid| self.explicit.insert(uid.clone()));
        let id = explicit.map_or_else(|| self.count.to_string(), |uid| format!("={}", pointer::escape(&uid)));
        let prefix = format!("{prefix}alerts/{id}/");
        let mut reader = Reader::new(ALARM, &prefix, format!("{prefix}ext/ical"));
        reader.properties(&lines, None, None);
        let span = document.span(found);
        let end = document.lines().get(found.last).map_or(span.end, |line| line.start) + start;
        let whole = span.start + start..span.end + start;
        Some(Section { on: ALARM, prefix, whole, end, inner: end, items: reader.finish() })
    }
}

impl Section {
    /// Appends its fields under their pointers in the record.
    pub(crate) fn append(self, all: &mut Vec<(Pointer, Value)>) {
        let prefix = self.prefix.strip_suffix('/');
        for Item { place, fields, raw, .. } in self.items {
            let owner = match place {
                Place::Part(_, base) => {
                    all.extend(fields.into_iter().map(|(name, value)| (Pointer::concat(&[&base, &name]), value)));
                    Cow::Owned(base)
                }
                Place::Own(row) => {
                    all.extend(fields.into_iter().map(|(name, value)| (below(prefix, name), value)));
                    prefix.map_or(Cow::Borrowed(row.home()), |prefix| Cow::Owned([prefix, row.home()].join("/")))
                }
                Place::Verbatim(pointer, _) => {
                    all.extend(fields.into_iter().map(|(_, value)| (pointer.clone(), value)));
                    continue;
                }
            };
            all.extend(raw.into_iter().map(|(name, raw)| (parameter_pointer(&owner, &name), Value::Text(raw))));
        }
    }

    /// Returns where its verbatim lines and components stand.
    pub(crate) fn verbatim_place(&self) -> String {
        verbatim_place(self.on, &self.prefix)
    }
}

/// Returns the pointer of a field of the record, or of one that stands below another.
fn below(prefix: Option<&str>, name: Cow<'static, str>) -> Pointer {
    match (prefix, name) {
        (Some(prefix), name) => Pointer::concat(&[prefix, &name]),
        (None, Cow::Borrowed(name)) => Pointer::from_static(name),
        (None, Cow::Owned(name)) => Pointer::from(name),
    }
}

fn verbatim_place(on: On, prefix: &str) -> String {
    match on {
        FILE => "ext/vcalendar".to_owned(),
        FURTHER => prefix.trim_end_matches('/').to_owned(),
        _ => format!("{prefix}ext/ical"),
    }
}

/// Returns the pointer of an unmapped parameter.
pub(crate) fn parameter_pointer(owner: &str, name: &str) -> Pointer {
    Pointer::concat(&["ext/ical/params", owner, &pointer::escape(name)])
}
