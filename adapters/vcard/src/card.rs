//! One card read: its record with local ids, and which lines stand for which fields.

use crate::map::decode::{self, Named, Raw};
use crate::map::table::{COMPANIONS, Companion, Form, Row};
use crate::unreadable::Unreadable;
use crate::version::Version;
use contentline::content::Content;
use contentline::document::Document;
use record::{Kind, Pointer, Record, Value, pointer};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A card and what its lines stand for.
#[derive(Debug)]
pub(crate) struct Card<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) version: Version,
    pub(crate) record: Record,
    pub(crate) items: Vec<Item>,
    /// The names of all groups, in lower case.
    pub(crate) groups: BTreeSet<String>,
}

/// Lines that stand for fields together.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) place: Place,
    /// The line of the property.
    pub(crate) line: usize,
    /// The lines of its companions, and the fields that they stand for.
    pub(crate) companions: Vec<(&'static Companion, usize)>,
    /// Its fields, named below the part or below the record.
    pub(crate) fields: Named,
    /// Its unmapped parameters.
    pub(crate) parameters: Raw,
}

/// Where the fields of an item stand in the record.
#[derive(Debug)]
pub(crate) enum Place {
    /// A repeated part: `phones/1`.
    Part(&'static Row, String),
    /// Fields of the record itself.
    Record(&'static Row),
    /// A line kept as it is, under this pointer.
    Line(Pointer),
    /// A component kept as it is, under this pointer; its bytes.
    Component(Pointer, Range<usize>),
}

impl<'a> Card<'a> {
    /// Reads the bytes of one card.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let document = Document::read(bytes)?;
        let mut roots = document.roots();
        let (first, second) = (roots.next(), roots.next());
        drop(roots);
        let name = first.and_then(|root| document.components().get(root)).map(|root| root.name.clone()).unwrap_or_default();
        if name != "VCARD" {
            return Err(Unreadable::NoCard { name });
        }
        if second.is_some() {
            return Err(Unreadable::Several);
        }
        let lines = Lines::of(&document);
        let version = lines.version()?;
        let mut reader = Reader::new(version);
        reader.properties(&lines);
        reader.agents(&document, &lines);
        reader.verbatim(&lines);
        if reader.items.is_empty() {
            return Err(Unreadable::Nothing);
        }
        let (record, items, groups) = (reader.record(), reader.items, lines.groups);
        Ok(Self { document, version, record, items, groups })
    }

    /// Returns the bytes of the blob with this digest, if the card holds it.
    pub(crate) fn blob(&self, digest: record::Digest) -> Option<Vec<u8>> {
        let holds = |item: &&Item| matches!(item.fields.get("content"), Some(Value::Blob(blob)) if blob.digest == digest);
        let item = self.items.iter().find(holds)?;
        decode::inline_bytes(&self.document.content(item.line)?)
    }
}

/// The card's own lines.
struct Lines<'a> {
    all: Vec<(usize, Content<'a>)>,
    /// How many lines of repeated parts each group has, and its companions.
    groups: BTreeSet<String>,
    parts: BTreeMap<String, usize>,
}

impl<'a> Lines<'a> {
    fn of(document: &Document<'a>) -> Self {
        let own = document.own(0).filter_map(|line| document.content(line).map(|content| (line, content)));
        let all: Vec<_> = own.filter(|(_, content)| !content.text().trim().is_empty()).collect();
        let mut groups = BTreeSet::new();
        let mut parts = BTreeMap::new();
        for (_, content) in &all {
            if let Some(group) = group_of(content) {
                if Row::of(&content.name()).is_some_and(|row| row.stem.is_some()) {
                    *parts.entry(group.clone()).or_insert(0) += 1;
                }
                groups.insert(group);
            }
        }
        Self { all, groups, parts }
    }

    /// Reads VERSION; a second one means that two cards have run together.
    fn version(&self) -> Result<Version, Unreadable> {
        let mut found = self.all.iter().filter(|(_, content)| content.is("VERSION"));
        let Some((_, content)) = found.next() else {
            return Ok(Version::V3_0);
        };
        if found.next().is_some() {
            return Err(Unreadable::RunTogether);
        }
        let value = content.value();
        Version::read(&value).ok_or_else(|| Unreadable::Version { found: value.chars().take(20).collect() })
    }

    /// Returns the companions of a line that is the only part in its group.
    fn companions(&self, content: &Content<'_>, stem: &str) -> Vec<(&'static Companion, usize, &Content<'a>)> {
        let Some(group) = group_of(content).filter(|group| self.parts.get(group) == Some(&1)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for companion in COMPANIONS.iter().filter(|companion| companion.stem.is_none_or(|only| only == stem)) {
            let belongs = |(_, other): &&(usize, Content<'a>)| {
                other.is(companion.property) && group_of(other).as_deref() == Some(group.as_str()) && companion.takes(other)
            };
            let mut matching = self.all.iter().filter(belongs);
            // Of two labels neither is known to be the right one.
            if let (Some((line, other)), None) = (matching.next(), matching.next()) {
                found.push((companion, *line, other));
            }
        }
        found
    }
}

impl Companion {
    /// Tells whether the value of a line is one that the field can hold, and nothing else is said there.
    fn takes(&self, line: &Content<'_>) -> bool {
        let transported = |name: &str, raw: &str| name.eq_ignore_ascii_case("CHARSET") || raw.eq_ignore_ascii_case("QUOTED-PRINTABLE");
        let value = line.value();
        let fits = !value.is_empty() && (self.longest == 0 || value.chars().count() <= self.longest);
        fits && line.parameters().all(|one| transported(&one.name, &one.value))
    }
}

fn group_of(content: &Content<'_>) -> Option<String> {
    content.group().map(|group| group.to_ascii_lowercase())
}

struct Reader {
    version: Version,
    items: Vec<Item>,
    taken: BTreeSet<usize>,
    counts: BTreeMap<&'static str, usize>,
    explicit: BTreeSet<String>,
    singles: BTreeSet<String>,
}

impl Reader {
    fn new(version: Version) -> Self {
        Self {
            version,
            items: Vec::new(),
            taken: BTreeSet::new(),
            counts: BTreeMap::new(),
            explicit: BTreeSet::new(),
            singles: BTreeSet::new(),
        }
    }

    fn properties(&mut self, lines: &Lines<'_>) {
        for (line, content) in &lines.all {
            if content.is("VERSION") {
                self.taken.insert(*line);
                continue;
            }
            let row = if content.is_property() { Row::of(&content.name()) } else { None };
            let decoded = row.and_then(|row| Some((row, decode::decode(row, content, self.version)?)));
            let Some((row, decoded)) = decoded else { continue };
            match row.stem {
                Some(stem) => self.part(row, stem, *line, decoded, lines.companions(content, stem)),
                None => self.single(row, *line, decoded),
            }
        }
    }

    fn part(
        &mut self,
        row: &'static Row,
        stem: &'static str,
        line: usize,
        mut decoded: decode::Decoded,
        companions: Vec<(&'static Companion, usize, &Content<'_>)>,
    ) {
        let id = self.local_id(stem, decoded.explicit.as_deref());
        let mut kept = Vec::with_capacity(companions.len());
        for (companion, other, content) in companions {
            let text = self.version.escaping().unescape(&content.value()).into_owned();
            decoded.fields.insert(companion.field.to_owned(), Value::Text(text));
            self.taken.insert(other);
            kept.push((companion, other));
        }
        self.taken.insert(line);
        let place = Place::Part(row, format!("{stem}/{id}"));
        self.items.push(Item { place, line, companions: kept, fields: decoded.fields, parameters: decoded.parameters });
    }

    /// Returns the local id of the next part: its PROP-ID, else its position among its like.
    fn local_id(&mut self, stem: &'static str, explicit: Option<&str>) -> String {
        let count = self.counts.entry(stem).or_insert(0);
        *count += 1;
        let own = explicit.filter(|id| !id.is_empty()).map(|id| format!("={}", pointer::escape(id)));
        match own {
            Some(id) if self.explicit.insert(format!("{stem}/{id}")) => id,
            Some(_) | None => count.to_string(),
        }
    }

    /// Takes a line for fields of the record, unless one of them has a line already.
    fn single(&mut self, row: &'static Row, line: usize, decoded: decode::Decoded) {
        let mut names: Vec<String> = decoded.fields.keys().cloned().collect();
        if !matches!(row.form, Form::Set(_)) {
            names.push(format!("={}", row.home()));
        } else if !decoded.parameters.is_empty() {
            names.push(format!("={};", row.home()));
        }
        if names.iter().any(|name| self.singles.contains(name)) {
            return;
        }
        self.singles.extend(names);
        self.taken.insert(line);
        let place = Place::Record(row);
        self.items.push(Item { place, line, companions: Vec::new(), fields: decoded.fields, parameters: decoded.parameters });
    }

    /// Keeps components as they are, each with the `AGENT:` before it (vCard 2.1 §2.4.3).
    fn agents(&mut self, document: &Document<'_>, lines: &Lines<'_>) {
        for (index, child) in document.children(0).enumerate() {
            let Some(component) = document.components().get(child) else { continue };
            let agent = lines.all.iter().rev().find(|(line, _)| *line < component.first);
            let agent = agent.filter(|(line, content)| is_agent(content) && is_gap(document, line + 1..component.first));
            let mut span = document.span(component);
            if let Some((line, _)) = agent {
                self.taken.insert(*line);
                span.start = document.lines().get(*line).map_or(span.start, |line| line.start);
            }
            let pointer = Pointer::new(&format!("ext/vcard/components/{}", index + 1));
            let first = agent.map_or(component.first, |(line, _)| *line);
            let text = text_of(document, first..component.last + 1);
            self.keep(Place::Component(pointer, span), first, text);
        }
    }

    fn verbatim(&mut self, lines: &Lines<'_>) {
        let mut count = 0;
        for (line, content) in &lines.all {
            if self.taken.contains(line) {
                continue;
            }
            count += 1;
            let pointer = Pointer::new(&format!("ext/vcard/lines/{count}"));
            self.keep(Place::Line(pointer), *line, content.text().into_owned());
        }
    }

    fn keep(&mut self, place: Place, line: usize, text: String) {
        let fields = Named::from([(String::new(), Value::Text(text))]);
        self.items.push(Item { place, line, companions: Vec::new(), fields, parameters: Raw::new() });
    }

    fn record(&self) -> Record {
        let mut record = Record::new(Kind::CONTACT);
        for item in &self.items {
            record.fields.extend(item.pointers());
        }
        if record.text("kind") == Some("group") {
            record.kind = Kind::GROUP;
        }
        record
    }
}

impl Item {
    /// Returns its fields under their pointers in the record.
    fn pointers(&self) -> Vec<(Pointer, Value)> {
        let (prefix, home) = match &self.place {
            Place::Part(_, base) => (format!("{base}/"), base.as_str()),
            Place::Record(row) => (String::new(), row.home()),
            Place::Line(pointer) | Place::Component(pointer, _) => {
                return self.fields.values().map(|value| (pointer.clone(), value.clone())).collect();
            }
        };
        let fields = self.fields.iter().map(|(name, value)| (Pointer::from(format!("{prefix}{name}")), value.clone()));
        let raw = self.parameters.iter().map(|(name, raw)| (parameter_pointer(home, name), Value::text(raw)));
        fields.chain(raw).collect()
    }
}

/// Returns the pointer of an unmapped parameter.
pub(crate) fn parameter_pointer(home: &str, name: &str) -> Pointer {
    Pointer::from(format!("ext/vcard/params/{home}/{}", pointer::escape(name)))
}

fn is_agent(content: &Content<'_>) -> bool {
    content.is("AGENT") && content.raw_value().trim_ascii().is_empty()
}

fn is_gap(document: &Document<'_>, mut lines: Range<usize>) -> bool {
    lines.all(|line| document.lines().get(line).is_some_and(|line| line.raw(document.bytes()).trim_ascii().is_empty()))
}

/// Returns lines unfolded, without the blank ones.
fn text_of(document: &Document<'_>, lines: Range<usize>) -> String {
    let texts: Vec<String> = lines
        .filter_map(|line| document.content(line))
        .map(|content| content.text().into_owned())
        .filter(|text| !text.trim().is_empty())
        .collect();
    texts.join("\n")
}
