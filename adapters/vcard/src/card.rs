//! One card read: its record with local ids, and which lines stand for which fields.

use crate::map::decode;
use crate::map::named::{Name, Named, Raw};
use crate::map::table::{COMPANIONS, Companion, Form, Row};
use crate::unreadable::Unreadable;
use crate::version::Version;
use contentline::content::Content;
use contentline::document::Document;
use record::{Kind, Pointer, Record, Value, pointer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A repeated part: `phones/1`.
    Part(&'static Row, Pointer),
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
        let (document, lines) = own_lines(bytes)?;
        let reader = Reader::read(&document, &lines)?;
        let record = record_of(reader.items.clone());
        Ok(Self { version: reader.version, record, items: reader.items, groups: lines.groups.into_keys().collect(), document })
    }

    /// Reads the version and the record of a card alone.
    pub(crate) fn shown(bytes: &[u8]) -> Result<(Version, Record), Unreadable> {
        let (document, lines) = own_lines(bytes)?;
        let reader = Reader::read(&document, &lines)?;
        Ok((reader.version, record_of(reader.items)))
    }

    /// Returns the bytes of the blob with this digest, if the card holds it.
    pub(crate) fn blob(&self, digest: record::Digest) -> Option<Vec<u8>> {
        let holds = |item: &&Item| matches!(item.fields.get("content"), Some(Value::Blob(blob)) if blob.digest == digest);
        let item = self.items.iter().find(holds)?;
        decode::inline_bytes(&self.document.content(item.line)?)
    }
}

/// Reads the structure of one card, and its own lines.
fn own_lines(bytes: &[u8]) -> Result<(Document<'_>, Lines<'_>), Unreadable> {
    let document = Document::read(bytes)?;
    let mut roots = document.roots();
    let (first, second) = (roots.next(), roots.next());
    drop(roots);
    let root = first.and_then(|root| document.components().get(root));
    if root.is_none_or(|root| root.name != "VCARD") {
        return Err(Unreadable::NoCard { name: root.map(|root| root.name.clone()).unwrap_or_default() });
    }
    if second.is_some() {
        return Err(Unreadable::Several);
    }
    let lines = Lines::of(&document);
    Ok((document, lines))
}

/// The card's own lines.
struct Lines<'a> {
    all: Vec<(usize, Content<'a>)>,
    groups: BTreeMap<String, Group>,
}

/// The lines of one group.
#[derive(Default)]
struct Group {
    /// How many of them are repeated parts.
    parts: usize,
    /// The places of its companions among the card's own lines.
    companions: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(document: &Document<'a>) -> Self {
        let mut all = Vec::with_capacity(document.lines().len());
        let own = document.own(0).filter_map(|line| document.content(line).map(|content| (line, content)));
        all.extend(own.filter(|(_, content)| !content.is_blank()));
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for (place, (_, content)) in all.iter().enumerate() {
            let Some(name) = group_of(content) else { continue };
            let group = groups.entry(name).or_default();
            if Row::of(content.raw_name()).is_some_and(|row| row.stem.is_some()) {
                group.parts += 1;
            } else if COMPANIONS.iter().any(|companion| content.is(companion.property)) {
                group.companions.push(place);
            }
        }
        Self { all, groups }
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
        let group = group_of(content).and_then(|name| self.groups.get(&name));
        let Some(group) = group.filter(|group| group.parts == 1 && !group.companions.is_empty()) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for companion in COMPANIONS.iter().filter(|companion| companion.stem.is_none_or(|only| only == stem)) {
            let lines = group.companions.iter().filter_map(|place| self.all.get(*place));
            let mut matching = lines.filter(|(_, other)| other.is(companion.property) && companion.takes(other));
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
    /// Which lines stand for something already.
    taken: Vec<bool>,
    counts: Vec<(&'static str, usize)>,
    explicit: HashSet<Pointer>,
    singles: Vec<Name>,
    sets: Vec<Words>,
}

/// The words of one set, as far as lines hold them already.
struct Words {
    home: &'static str,
    /// The item of the first line; its words are not looked at before there is a second one.
    first: usize,
    words: HashSet<Name>,
    parameters: bool,
}

impl Reader {
    fn read(document: &Document<'_>, lines: &Lines<'_>) -> Result<Self, Unreadable> {
        let mut reader = Self {
            version: lines.version()?,
            items: Vec::with_capacity(lines.all.len()),
            taken: vec![false; document.lines().len()],
            counts: Vec::new(),
            explicit: HashSet::new(),
            singles: Vec::new(),
            sets: Vec::new(),
        };
        reader.properties(lines);
        reader.agents(document, lines);
        reader.verbatim(lines);
        if reader.items.is_empty() { Err(Unreadable::Nothing) } else { Ok(reader) }
    }

    fn take(&mut self, line: usize) {
        if let Some(taken) = self.taken.get_mut(line) {
            *taken = true;
        }
    }

    fn properties(&mut self, lines: &Lines<'_>) {
        for (line, content) in &lines.all {
            if content.is("VERSION") {
                self.take(*line);
                continue;
            }
            let row = if content.is_property() { Row::of(content.raw_name()) } else { None };
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
            if decoded.fields.put(Cow::Borrowed(companion.field), Value::Text(text)) {
                self.take(other);
                kept.push((companion, other));
            }
        }
        self.take(line);
        let place = Place::Part(row, id);
        self.items.push(Item { place, line, companions: kept, fields: decoded.fields, parameters: decoded.parameters });
    }

    /// Returns the pointer of the next part: by its PROP-ID, else by its position among its like.
    fn local_id(&mut self, stem: &'static str, explicit: Option<&str>) -> Pointer {
        let count = match self.counts.iter_mut().find(|(found, _)| *found == stem) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.counts.push((stem, 1));
                1
            }
        };
        let own = explicit.filter(|id| !id.is_empty()).map(|id| Pointer::from(format!("{stem}/={}", pointer::escape(id))));
        match own {
            Some(own) if self.explicit.insert(own.clone()) => own,
            Some(_) | None => Pointer::concat(&[stem, &ordinal(count)]),
        }
    }

    /// Takes a line for fields of the record, unless one of them has a line already.
    fn single(&mut self, row: &'static Row, line: usize, decoded: decode::Decoded) {
        let repeats = if matches!(row.form, Form::Set(_)) { self.repeats_word(row, &decoded) } else { self.repeats(row, &decoded) };
        if repeats {
            return;
        }
        self.take(line);
        let place = Place::Record(row);
        self.items.push(Item { place, line, companions: Vec::new(), fields: decoded.fields, parameters: decoded.parameters });
    }

    /// Tells whether a line of this row, or one with one of its fields, was there before; if not, notes them.
    fn repeats(&mut self, row: &'static Row, decoded: &decode::Decoded) -> bool {
        let home = Cow::Borrowed(row.home());
        let repeats = decoded.fields.names().chain([&home]).any(|name| self.singles.contains(name));
        if !repeats {
            self.singles.extend(decoded.fields.names().cloned().chain([home]));
        }
        repeats
    }

    /// Tells whether an earlier line of the set has one of the words, or parameters too; if not, notes them.
    fn repeats_word(&mut self, row: &'static Row, decoded: &decode::Decoded) -> bool {
        let next = self.items.len();
        let with_parameters = !decoded.parameters.is_empty();
        let Some(set) = self.sets.iter_mut().find(|set| set.home == row.home()) else {
            self.sets.push(Words { home: row.home(), first: next, words: HashSet::new(), parameters: with_parameters });
            return false;
        };
        if set.words.is_empty()
            && let Some(first) = self.items.get(set.first)
        {
            set.words.extend(first.fields.names().cloned());
        }
        if (with_parameters && set.parameters) || decoded.fields.names().any(|word| set.words.contains(word)) {
            return true;
        }
        set.parameters |= with_parameters;
        set.words.extend(decoded.fields.names().cloned());
        false
    }

    /// Keeps components as they are, each with the `AGENT:` before it (vCard 2.1 §2.4.3).
    fn agents(&mut self, document: &Document<'_>, lines: &Lines<'_>) {
        for (index, child) in document.children(0).enumerate() {
            let Some(component) = document.components().get(child) else { continue };
            let agent = lines.all.iter().rev().find(|(line, _)| *line < component.first);
            let agent = agent.filter(|(line, content)| is_agent(content) && is_gap(document, line + 1..component.first));
            let mut span = document.span(component);
            if let Some((line, _)) = agent {
                self.take(*line);
                span.start = document.lines().get(*line).map_or(span.start, |line| line.start);
            }
            let pointer = Pointer::concat(&["ext/vcard/components", &ordinal(index + 1)]);
            let first = agent.map_or(component.first, |(line, _)| *line);
            let text = text_of(document, first..component.last + 1);
            self.keep(Place::Component(pointer, span), first, text);
        }
    }

    fn verbatim(&mut self, lines: &Lines<'_>) {
        let mut count = 0;
        for (line, content) in &lines.all {
            if self.taken.get(*line) == Some(&true) {
                continue;
            }
            count += 1;
            let pointer = Pointer::concat(&["ext/vcard/lines", &ordinal(count)]);
            self.keep(Place::Line(pointer), *line, content.text().into_owned());
        }
    }

    fn keep(&mut self, place: Place, line: usize, text: String) {
        let fields = Named::of(vec![(Cow::Borrowed(""), Value::Text(text))]);
        self.items.push(Item { place, line, companions: Vec::new(), fields, parameters: Raw::default() });
    }
}

/// Returns a number from 1 as text; small ones take no memory.
fn ordinal(number: usize) -> Cow<'static, str> {
    const SMALL: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    SMALL.get(number).map_or_else(|| Cow::Owned(number.to_string()), |text| Cow::Borrowed(*text))
}

/// Makes the record that items show together.
fn record_of(items: Vec<Item>) -> Record {
    let mut all: Vec<(Pointer, Value)> = Vec::with_capacity(items.len() * 3);
    items.into_iter().for_each(|item| item.append(&mut all));
    let mut record = Record { kind: Kind::CONTACT, fields: all.into_iter().collect() };
    if record.text("kind") == Some("group") {
        record.kind = Kind::GROUP;
    }
    record
}

impl Item {
    /// Tells whether its fields are those of the record itself.
    pub(crate) fn is_of_record(&self) -> bool {
        matches!(self.place, Place::Record(_))
    }

    /// Appends its fields under their pointers in the record.
    fn append(self, all: &mut Vec<(Pointer, Value)>) {
        let home = match self.place {
            Place::Part(_, base) => {
                let pointer = |name: &Name| Pointer::concat(&[base.as_str(), name]);
                all.extend(self.fields.into_iter().map(|(name, value)| (pointer(&name), value)));
                base
            }
            Place::Record(row) => {
                all.extend(self.fields.into_iter().map(|(name, value)| (pointer_of(name), value)));
                Pointer::from_static(row.home())
            }
            Place::Line(pointer) | Place::Component(pointer, _) => {
                all.extend(self.fields.into_iter().map(|(_, value)| (pointer.clone(), value)));
                return;
            }
        };
        let raw = self.parameters.into_iter().map(|(name, raw)| (parameter_pointer(home.as_str(), &name), Value::Text(raw)));
        all.extend(raw);
    }
}

fn pointer_of(name: Name) -> Pointer {
    match name {
        Cow::Borrowed(name) => Pointer::from_static(name),
        Cow::Owned(name) => Pointer::from(name),
    }
}

/// Returns the pointer of an unmapped parameter.
pub(crate) fn parameter_pointer(home: &str, name: &str) -> Pointer {
    Pointer::concat(&["ext/vcard/params", home, &pointer::escape(name)])
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
