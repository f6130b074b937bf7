//! New lines for fields that no line holds yet, by the same rows that edits use.

use crate::card::parameter_pointer;
use crate::map::decode::{Named, Raw, decode};
use crate::map::encode::{Encoded, Target, encode};
use crate::map::table::{COMPANIONS, Form, ROWS, Row};
use crate::version::Version;
use crate::write::line::{self, Manner};
use crate::write::refusal::Refusal;
use contentline::content::Content;
use record::{Fields, Pointer, Value, pointer};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A new line, or the lines that belong together.
pub(crate) struct Fresh {
    /// The property that it stands with.
    pub(crate) property: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// What is still to be written, and what has no form in this version.
pub(crate) struct Rest<'g> {
    pub(crate) fields: Fields,
    pub(crate) unheld: BTreeSet<Pointer>,
    /// The names of all groups, in lower case.
    pub(crate) groups: &'g mut BTreeSet<String>,
    /// What lines of the record itself say already: their fields, their homes, and `<home>;` where they have parameters.
    pub(crate) said: BTreeSet<String>,
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
pub(crate) fn lines(rest: &mut Rest<'_>, extent: Extent, manner: Manner<'_>) -> Result<Vec<Fresh>, Refusal> {
    let mut all = Vec::new();
    let parts = rest.take_parts();
    for row in ROWS.iter() {
        match row.stem {
            None => all.extend(rest.single(row, extent, manner)?),
            Some(stem) => {
                for (id, part) in parts.get(stem).into_iter().flatten() {
                    if row_of(stem, part, manner)?.is_some_and(|found| std::ptr::eq(found, row)) {
                        all.extend(rest.part(row, &format!("{stem}/{id}"), part, manner)?);
                    }
                }
            }
        }
    }
    for (stem, ids) in &parts {
        for (id, part) in ids {
            if row_of(stem, part, manner)?.is_none() {
                rest.unhold(&format!("{stem}/{id}"), part);
            }
        }
    }
    rest.unhold_misread(manner.version);
    all.extend(rest.verbatim("ext/vcard/lines", manner)?);
    all.extend(rest.verbatim("ext/vcard/components", manner)?);
    rest.unheld.extend(std::mem::take(&mut rest.fields).into_keys());
    Ok(all)
}

/// Fields and unmapped parameters of a part.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) fields: Named,
    pub(crate) raw: Raw,
}

/// Returns the row that writes a part: one whose constant it has, else one without.
fn row_of(stem: &str, part: &Part, manner: Manner<'_>) -> Result<Option<&'static Row>, Refusal> {
    for with_constant in [true, false] {
        for row in ROWS.iter().filter(|row| row.stem == Some(stem) && row.written.contains(&manner.version)) {
            let fits = match row.fixed {
                Some((field, value)) => with_constant && part.fields.get(field).and_then(Value::as_text) == Some(value),
                None => !with_constant,
            };
            if fits && encoded(row, part, manner)?.is_some() {
                return Ok(Some(row));
            }
        }
    }
    Ok(None)
}

fn encoded(row: &Row, part: &Part, manner: Manner<'_>) -> Result<Option<Encoded>, Refusal> {
    let target = Target { version: manner.version, old: None };
    encode(row, &part.fields, &part.raw, target).map_err(|source| Refusal::Line { property: row.property.to_owned(), source })
}

impl Rest<'_> {
    /// Takes the fields and the unmapped parameters at `base` out of what is left.
    pub(crate) fn take_part(&mut self, base: &str) -> Part {
        Part { fields: self.take_below(base), raw: self.take_raw(base) }
    }

    /// Takes the fields of a row of the record itself; of a set, all its words.
    pub(crate) fn take_single(&mut self, row: &Row) -> Named {
        if let Form::Set(field) = row.form {
            return self.take_below(field).into_iter().map(|(word, value)| (format!("{field}/{word}"), value)).collect();
        }
        let names = row.fields().into_iter();
        names.filter_map(|name| self.fields.remove(name.as_str()).map(|value| (name, value))).collect()
    }

    /// Takes the unmapped parameters of `home`.
    pub(crate) fn take_raw(&mut self, home: &str) -> Raw {
        let prefix = format!("ext/vcard/params/{home}");
        let found = keys_below(&self.fields, &prefix).into_iter().filter(|(_, name)| !name.contains('/'));
        let found: Vec<_> = found.collect();
        let mut raw = Raw::new();
        for (key, name) in found {
            if let Some(text) = self.fields.get(&key).and_then(Value::as_text) {
                raw.insert(pointer::unescape(&name).into_owned(), text.to_owned());
                self.fields.remove(&key);
            }
        }
        raw
    }

    /// Notes fields of a line that the version has no form for.
    pub(crate) fn unhold_unused(&mut self, prefix: &str, fields: &Named, used: &BTreeSet<String>) {
        let companion = |name: &str| COMPANIONS.iter().any(|companion| companion.field == name);
        let unused = fields.keys().filter(|name| !used.contains(*name) && !companion(name));
        self.unheld.extend(unused.map(|name| Pointer::from(format!("{prefix}{name}"))));
    }

    fn unhold(&mut self, base: &str, part: &Part) {
        self.unheld.extend(part.fields.keys().map(|name| Pointer::from(format!("{base}/{name}"))));
        self.unheld.extend(part.raw.keys().map(|name| parameter_pointer(base, name)));
    }

    fn take_below(&mut self, base: &str) -> Named {
        let keys = keys_below(&self.fields, base);
        keys.into_iter().filter_map(|(key, name)| self.fields.remove(&key).map(|value| (name, value))).collect()
    }

    /// Takes every part that is left, by stem and id.
    fn take_parts(&mut self) -> BTreeMap<&'static str, BTreeMap<String, Part>> {
        let mut parts: BTreeMap<&'static str, BTreeMap<String, Part>> = BTreeMap::new();
        for stem in ROWS.iter().filter_map(|row| row.stem) {
            if parts.contains_key(stem) {
                continue;
            }
            let ids: BTreeSet<String> =
                keys_below(&self.fields, stem).into_iter().filter_map(|(_, name)| Some(name.split_once('/')?.0.to_owned())).collect();
            let taken = ids.into_iter().map(|id| (id.clone(), self.take_part(&format!("{stem}/{id}"))));
            parts.insert(stem, taken.collect());
        }
        parts
    }

    fn single(&mut self, row: &'static Row, extent: Extent, manner: Manner<'_>) -> Result<Option<Fresh>, Refusal> {
        if !row.written.contains(&manner.version) {
            return Ok(None);
        }
        let fields = self.take_single(row);
        let required = extent == Extent::Card && matches!(row.property, "FN" | "N");
        if fields.is_empty() && !required {
            return Ok(None);
        }
        let part = Part { fields, raw: self.take_raw(row.home()) };
        let Some(line) = encoded(row, &part, manner)? else {
            self.unheld.extend(part.fields.into_keys().map(Pointer::from));
            return Ok(None);
        };
        self.unhold_unused("", &part.fields, &line.used);
        self.said.extend(part.fields.keys().cloned().chain([row.home().to_owned()]));
        if !part.raw.is_empty() {
            self.said.insert(format!("{};", row.home()));
        }
        let bytes = line::property(row.property, None, &line, None, manner)?;
        Ok(Some(Fresh { property: row.property, bytes }))
    }

    fn part(&mut self, row: &'static Row, base: &str, part: &Part, manner: Manner<'_>) -> Result<Option<Fresh>, Refusal> {
        let Some(line) = encoded(row, part, manner)? else {
            return Ok(None);
        };
        self.unhold_unused(&format!("{base}/"), &part.fields, &line.used);
        let applies = |only: Option<&str>| only.is_none_or(|only| row.stem == Some(only));
        let companions = COMPANIONS.iter().filter(|companion| applies(companion.stem));
        let texts: Vec<_> = companions.filter_map(|companion| Some((companion, part.fields.get(companion.field)?.as_text()?))).collect();
        let group = if texts.is_empty() { None } else { Some(self.new_group()) };
        let mut bytes = line::property(row.property, group.as_deref(), &line, None, manner)?;
        for (companion, text) in texts {
            let head = format!("{}.{}", group.as_deref().unwrap_or_default(), companion.property);
            bytes.extend(line::text(&head, text, None, manner)?);
        }
        Ok(Some(Fresh { property: row.property, bytes }))
    }

    /// Returns a group name that no line has.
    pub(crate) fn new_group(&mut self) -> String {
        let mut number = self.groups.len() + 1;
        while !self.groups.insert(format!("item{number}")) {
            number += 1;
        }
        format!("item{number}")
    }

    /// Notes verbatim lines that would be read as fields in this card or version; elsewhere they stay as they are.
    fn unhold_misread(&mut self, version: Version) {
        let lines = keys_below(&self.fields, "ext/vcard/lines").into_iter().map(|(key, _)| key);
        let misread: Vec<Pointer> = lines
            .filter(|key| self.fields.get(key).and_then(Value::as_text).is_some_and(|line| self.would_be_read(line, version)))
            .collect();
        for key in misread {
            self.fields.remove(&key);
            self.unheld.insert(key);
        }
    }

    fn would_be_read(&self, line: &str, version: Version) -> bool {
        let content = Content::parse(Cow::Borrowed(line.as_bytes()));
        if COMPANIONS.iter().any(|companion| content.is(companion.property)) {
            return content.group().is_some_and(|group| self.old_groups.contains(&group.to_ascii_lowercase()));
        }
        let row = Row::of(&content.name()).filter(|_| content.is_property());
        let Some((row, decoded)) = row.and_then(|row| Some((row, decode(row, &content, version)?))) else {
            return false;
        };
        match (row.stem, &row.form) {
            (Some(_), _) => true,
            (None, Form::Set(field)) => {
                let taken = !decoded.parameters.is_empty() && self.said.contains(&format!("{field};"));
                !taken && !decoded.fields.keys().any(|word| self.said.contains(word))
            }
            (None, _) => !self.said.contains(row.home()),
        }
    }

    fn verbatim(&mut self, stem: &str, manner: Manner<'_>) -> Result<Vec<Fresh>, Refusal> {
        let mut all = Vec::new();
        for (_, value) in self.take_below(stem) {
            let mut bytes = Vec::new();
            for text in value.as_text().unwrap_or_default().split('\n') {
                bytes.extend(line::verbatim(text, manner)?);
            }
            all.push(Fresh { property: "", bytes });
        }
        Ok(all)
    }
}

/// Returns the pointers below `prefix/`, each with what follows.
fn keys_below(fields: &Fields, prefix: &str) -> Vec<(Pointer, String)> {
    let start = Pointer::from(format!("{prefix}/"));
    let below = fields.range(start..).map_while(|(key, _)| Some((key.clone(), key.below(prefix)?.to_owned())));
    below.collect()
}
