//! New lines for fields that no line holds yet, by the same rows that edits use.

use crate::card::parameter_pointer;
use crate::map::decode::decode;
use crate::map::encode::{Encoded, Target, encode};
use crate::map::named::Fields;
use crate::map::spelling::Spelling;
use crate::map::table::{COMPANIONS, Companion, Form, ROWS, Row};
use crate::version::Version;
use crate::write::line::{self, Manner};
use crate::write::refusal::Refusal;
use crate::write::rest::{Part, Placed, Rest};
use contentline::content::Content;
use record::{Pointer, Value};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// A new line, or the lines that belong together.
pub(crate) struct Fresh {
    /// The property that it stands with.
    pub(crate) property: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// What a card has besides the fields that are still to be written.
#[derive(Default)]
pub(crate) struct Around {
    /// Fields that have no form in this version.
    pub(crate) unheld: BTreeSet<Pointer>,
    /// The names of all groups, in lower case.
    pub(crate) groups: BTreeSet<String>,
    /// What lines of the record itself say already: their fields, their homes, and `<home>;` where they have parameters.
    /// It is noted only where it matters: beside lines that are kept as they are.
    pub(crate) said: Option<HashSet<String>>,
    /// The groups that the card had before.
    pub(crate) old_groups: BTreeSet<String>,
}

/// Whether the lines are a whole card or stand in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A whole card: what its version asks for must stand in it.
    Card,
    /// Some lines more.
    Lines,
}

/// Writes what is left in `rest`, in the order of the table; what no row can write stays unheld.
pub(crate) fn lines(rest: &mut Rest<'_>, around: &mut Around, extent: Extent, manner: Manner<'_>) -> Result<Vec<Fresh>, Refusal> {
    let mut all = Vec::with_capacity(24);
    let parts = rest.take_parts();
    let mut chosen = Vec::with_capacity(parts.len());
    for placed in &parts {
        match row_of(placed, manner)? {
            Some((row, encoded)) => chosen.push((row, placed, encoded)),
            None => around.unhold(placed),
        }
    }
    chosen.sort_by_key(|(row, ..)| *row);
    let mut chosen = chosen.into_iter().peekable();
    for (index, row) in ROWS.iter().enumerate() {
        if row.stem.is_none() {
            all.extend(single(rest, around, row, extent, manner)?);
        }
        while let Some((_, placed, encoded)) = chosen.next_if(|(found, ..)| *found == index) {
            all.push(part(around, row, placed, &encoded, manner)?);
        }
    }
    let readable = |line: &str| !around.would_be_misread(line, manner.version);
    all.extend(verbatim(rest.take_verbatim("ext/vcard/lines", readable), manner)?);
    all.extend(verbatim(rest.take_verbatim("ext/vcard/components", |_| true), manner)?);
    around.unheld.extend(rest.take_all().into_iter().cloned());
    Ok(all)
}

/// Returns the row that writes a part, and its line: one whose constant it has, else one without.
fn row_of<'r>(placed: &Placed<'r>, manner: Manner<'_>) -> Result<Option<(usize, Encoded<'r>)>, Refusal> {
    let part = &placed.part;
    let spelling = Spelling::of(&part.raw, manner.version);
    let is_spelled = |row: &Row| spelling.is_some_and(|spelling| spelling.property() == row.property);
    let rows = Row::of_stem(placed.stem);
    let spelled = rows.iter().filter(|(_, row)| is_spelled(row));
    let usual = rows.iter().filter(|(_, row)| !is_spelled(row) && row.written.contains(&manner.version));
    for (index, row) in spelled.chain(usual) {
        let fits = row.fixed.is_none_or(|(field, value)| part.fields.get(field).and_then(Value::as_text) == Some(value));
        if fits && let Some(encoded) = encoded(row, part, manner)? {
            return Ok(Some((*index, encoded)));
        }
    }
    Ok(None)
}

fn encoded<'r>(row: &'static Row, part: &Part<'r>, manner: Manner<'_>) -> Result<Option<Encoded<'r>>, Refusal> {
    let target = Target { version: manner.version, old: None };
    encode(row, &part.fields, &part.raw, target).map_err(|source| Refusal::Line { property: row.property.to_owned(), source })
}

fn single(
    rest: &mut Rest<'_>,
    around: &mut Around,
    row: &'static Row,
    extent: Extent,
    manner: Manner<'_>,
) -> Result<Option<Fresh>, Refusal> {
    let spelled = rest.spelled(row.home(), manner.version);
    if !spelled.as_ref().map_or_else(|| row.written.contains(&manner.version), |property| *property == row.property) {
        return Ok(None);
    }
    let (takes, elsewhere) = (row.takes(manner.version), rest.spelled_singles(row, manner.version));
    let fields = rest.take_single(row, |name| takes(name) && !elsewhere.contains(&name));
    let required = extent == Extent::Card && matches!(row.property, "FN" | "N");
    if fields.is_empty() && !required {
        return Ok(None);
    }
    let part = Part { fields, raw: rest.take_raw(row.home()) };
    let Some(line) = encoded(row, &part, manner)? else {
        around.unheld.extend(part.fields.iter().map(|(name, _)| Pointer::new(name)));
        return Ok(None);
    };
    around.unhold_unused("", &part.fields, &line.used);
    around.note(row, &part);
    let bytes = line::property(row.property, None, &line, None, manner)?;
    Ok(Some(Fresh { property: row.property, bytes }))
}

fn part(around: &mut Around, row: &'static Row, placed: &Placed<'_>, line: &Encoded<'_>, manner: Manner<'_>) -> Result<Fresh, Refusal> {
    let fields = &placed.part.fields;
    let mut texts = Vec::new();
    for companion in Companion::of(placed.stem) {
        if let Some((at, Value::Text(text))) = fields.find(companion.field)
            && line.used.get(at) != Some(&true)
            && companion.written.contains(&manner.version)
            && companion.fits(text)
        {
            texts.push((at, companion, text));
        }
    }
    let mut used = line.used.clone();
    texts.iter().filter_map(|(at, ..)| used.get_mut(*at).map(|used| *used = true)).for_each(drop);
    around.unhold_unused(placed.base, fields, &used);
    let group = if texts.is_empty() { None } else { Some(around.new_group()) };
    let mut bytes = line::property(row.property, group.as_deref(), line, None, manner)?;
    for (_, companion, text) in texts {
        let head = format!("{}.{}", group.as_deref().unwrap_or_default(), companion.property);
        bytes.extend(line::text(&head, text, None, manner)?);
    }
    Ok(Fresh { property: row.property, bytes })
}

fn verbatim(texts: Vec<&str>, manner: Manner<'_>) -> Result<Vec<Fresh>, Refusal> {
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let mut bytes = Vec::new();
        for line in text.split('\n') {
            bytes.extend(line::verbatim(line, manner)?);
        }
        all.push(Fresh { property: "", bytes });
    }
    Ok(all)
}

impl Companion {
    /// Iterates over the companions that parts of a stem can have.
    pub(crate) fn of(stem: &str) -> impl Iterator<Item = &'static Self> {
        COMPANIONS.iter().filter(move |companion| companion.stem.is_none_or(|only| only == stem))
    }

    /// Tells whether a line of its own can hold the text.
    pub(crate) fn fits(&self, text: &str) -> bool {
        !text.is_empty() && (self.longest == 0 || text.chars().count() <= self.longest)
    }
}

impl Around {
    /// Notes fields of a line that the version has no form for; `base` is the part's pointer, or nothing.
    pub(crate) fn unhold_unused(&mut self, base: &str, fields: &Fields<'_>, used: &[bool]) {
        for ((name, _), _) in fields.iter().zip(used).filter(|(_, used)| !**used) {
            self.unheld.insert(if base.is_empty() { Pointer::new(name) } else { Pointer::concat(&[base, name]) });
        }
    }

    fn unhold(&mut self, placed: &Placed<'_>) {
        self.unheld.extend(placed.part.fields.iter().map(|(name, _)| Pointer::concat(&[placed.base, name])));
        self.unheld.extend(placed.part.raw.iter().map(|(name, _)| parameter_pointer(placed.base, name)));
    }

    fn note(&mut self, row: &Row, part: &Part<'_>) {
        let Some(said) = &mut self.said else { return };
        said.extend(part.fields.iter().map(|(name, _)| name.clone().into_owned()));
        said.insert(row.home().to_owned());
        if !part.raw.is_empty() {
            said.insert(format!("{};", row.home()));
        }
    }

    /// Returns a group name that no line has.
    pub(crate) fn new_group(&mut self) -> String {
        let mut number = self.groups.len() + 1;
        while !self.groups.insert(format!("item{number}")) {
            number += 1;
        }
        format!("item{number}")
    }

    /// Tells whether a line that was kept as it is would be none in this card or version, or be read as fields.
    fn would_be_misread(&self, line: &str, version: Version) -> bool {
        let content = Content::parse(Cow::Borrowed(line.as_bytes()));
        // 4.0 has no bare parameters: such a line of 2.1 is none there.
        if version == Version::V4_0 && content.parameters().any(|one| one.name.is_empty()) {
            return true;
        }
        if COMPANIONS.iter().any(|companion| content.is(companion.property)) {
            return content.group().is_some_and(|group| self.old_groups.contains(&group.to_ascii_lowercase()));
        }
        let row = Row::of(content.raw_name()).filter(|_| content.is_property());
        let Some((row, decoded)) = row.and_then(|row| Some((row, decode(row, &content, version)?))) else {
            return false;
        };
        let said = |name: &str| self.said.as_ref().is_some_and(|said| said.contains(name));
        match (row.stem, &row.form) {
            (Some(_), _) => true,
            (None, Form::Set(field)) => {
                let taken = !decoded.parameters.is_empty() && said(&format!("{field};"));
                !taken && !decoded.fields.names().any(|word| said(word))
            }
            (None, _) => !said(row.home()),
        }
    }
}
