//! What each column of a table means: made from the job's columns, a preset, or a guess.

use std::collections::{BTreeMap, BTreeSet};

use adapter::{Error, Keys, View};
use record::pointer::{Pattern, escape};
use record::{Digest, Kind, Pointer};

use crate::dates::Dates;
use crate::guess;
use crate::mapping::{Form, Mapping, Selector};
use crate::presets::Preset;
use crate::settings::{RowKind, Settings};
use crate::slots::{SAID, Slot, SlotColumn, implied};
use crate::words::nearest;

/// What one column holds.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// One field.
    Field { pointer: Pointer, form: Form },
    /// A set of words, and what stands between them.
    Set { stem: &'static str, separator: &'static str },
    /// A field of a slot.
    Slot,
}

/// What the columns of a table mean.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) kind: Kind,
    /// The headers, each once.
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) slots: Vec<Slot>,
    /// The columns that name a row.
    pub(crate) key: Vec<usize>,
    /// The column of `uid`.
    pub(crate) uid: Option<usize>,
    /// Whether a full name is made of its components, since no column holds those.
    pub(crate) derives_name: bool,
    pub(crate) dates: Dates,
    /// What tells this layout from another one.
    pub(crate) digest: [u8; 16],
}

impl Layout {
    /// Finds the meaning of every column; `sample` gives the first values of a column.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] if the job names a column that is not there, or a field that does not exist.
    pub(crate) fn find(headers: &[String], settings: &Settings, sample: &dyn Fn(usize) -> Vec<String>) -> Result<Self, Error> {
        let names = unique(headers);
        let preset = Preset::recognise(headers);
        let mappings = match &settings.columns {
            _ if settings.kind == Some(RowKind::Row) => BTreeMap::new(),
            Some(columns) => configured(columns, &names)?,
            None => guessed(headers, preset, sample),
        };
        let telling = mappings.values().any(|mapping| *mapping != Mapping::Field("uid".to_owned()));
        let contact = settings.kind.map_or(telling, |kind| kind == RowKind::Contact);
        let draft = Draft { names, mappings: if contact { mappings } else { BTreeMap::new() }, contact, preset };
        let layout = draft.finish(settings)?;
        layout.check(settings)?;
        Ok(layout)
    }

    /// Returns whether keys outlive changes.
    pub(crate) fn keys(&self) -> Keys {
        if self.key.is_empty() { Keys::Unstable } else { Keys::Stable }
    }

    /// Returns the fields that the columns can hold.
    pub(crate) fn view(&self) -> View {
        let mut patterns = BTreeSet::new();
        for column in &self.columns {
            match column {
                Column::Field { pointer, .. } => drop(patterns.insert(pointer.as_str().to_owned())),
                Column::Set { stem, .. } => drop(patterns.insert(format!("{stem}/*"))),
                Column::Slot => {}
            }
        }
        for slot in &self.slots {
            let stem = slot.part.stem;
            patterns.extend(slot.columns.iter().map(|column| format!("{stem}/*/{}", column.rest)));
            patterns.extend(implied(&slot.selector).map(|(rest, _)| format!("{stem}/*/{rest}")));
            if slot.words.is_some() {
                let said = SAID.iter().filter(|rest| slot.starred || **rest != "pref");
                patterns.extend(said.map(|rest| format!("{stem}/*/{rest}")));
            }
        }
        View(patterns.iter().map(|pattern| Pattern::new(pattern)).collect())
    }

    fn check(&self, settings: &Settings) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for (column, name) in self.columns.iter().zip(&self.names) {
            let field = match column {
                Column::Field { pointer, .. } => pointer.as_str(),
                Column::Set { stem, .. } => stem,
                Column::Slot => continue,
            };
            if settings.columns.is_some() && !held.insert(field) {
                return Err(columns_error(format!("column \"{name}\" would be the second one that holds `{field}`; leave one out")));
            }
        }
        match self.slots.iter().find(|slot| !slot.columns.iter().any(|column| column.head)) {
            Some(slot) if settings.columns.is_some() => {
                let head = slot.part.heads.first().copied().unwrap_or_default();
                Err(columns_error(format!("a column holds what belongs to `{0}`, but none holds `{0}/{head}`; add it", slot.part.stem)))
            }
            _ => Ok(()),
        }
    }
}

/// Makes headers tell columns apart: a second `Notes` is `Notes#2`, a column without a name is `#3`.
fn unique(headers: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::with_capacity(headers.len());
    for (at, header) in headers.iter().enumerate() {
        let header = header.trim();
        // A pattern of the view would take a lone star for any name.
        let bare = header.is_empty() || header == "*" || header == "**";
        let mut name = if bare { format!("#{}", at + 1) } else { header.to_owned() };
        let mut ordinal = 1;
        while !seen.insert(name.clone()) {
            ordinal = if ordinal == 1 { at + 1 } else { ordinal + 1 };
            name = format!("{header}#{ordinal}");
        }
        names.push(name);
    }
    names
}

fn configured(columns: &[(String, String)], names: &[String]) -> Result<BTreeMap<usize, Mapping>, Error> {
    let mut mappings = BTreeMap::new();
    for (header, meaning) in columns {
        let at = place_of(header, names).map_err(columns_error)?;
        let mapping = Mapping::read(meaning).map_err(|reason| columns_error(format!("\"{header}\": {reason}")))?;
        mappings.insert(at, mapping);
    }
    Ok(mappings)
}

fn columns_error(reason: String) -> Error {
    Error::Config { option: "columns".to_owned(), reason }
}

/// Finds a column by its header; a difference in case or spaces around it does not matter.
fn place_of(header: &str, names: &[String]) -> Result<usize, String> {
    let wanted = header.trim();
    let found = names.iter().position(|name| name == wanted);
    if let Some(at) = found.or_else(|| names.iter().position(|name| name.to_lowercase() == wanted.to_lowercase())) {
        return Ok(at);
    }
    let hint = match nearest(wanted, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("it has \"{}\"", names.iter().take(12).map(String::as_str).collect::<Vec<_>>().join("\", \"")),
    };
    Err(format!("the table has no column \"{header}\"; {hint}"))
}

fn guessed(headers: &[String], preset: Option<Preset>, sample: &dyn Fn(usize) -> Vec<String>) -> BTreeMap<usize, Mapping> {
    let mut mappings = BTreeMap::new();
    let job = headers.iter().any(|header| guess::mapping(header).is_some_and(|found| found == "titles/name") && header.trim() != "Title");
    let mut alone = BTreeSet::new();
    for (at, header) in headers.iter().enumerate() {
        let header = header.trim();
        let found = match preset {
            Some(preset) => preset.mapping(header),
            // Beside a column of job titles, `Title` is what stands before a name.
            None if header == "Title" && job => Some("name/title".to_owned()),
            None => guess::mapping(header),
        };
        let id = || header.eq_ignore_ascii_case("id") && guess::look_like_ids(sample(at).iter().map(String::as_str));
        let found = found.or_else(|| (header.eq_ignore_ascii_case("uid") || id()).then(|| "uid".to_owned()));
        let Some(mapping) = found.and_then(|text| Mapping::read(&text).ok()) else { continue };
        let once = match &mapping {
            Mapping::Field(pointer) => alone.insert(pointer.clone()),
            Mapping::Set(stem) => alone.insert((*stem).to_owned()),
            Mapping::Part { .. } | Mapping::Type { .. } => true,
        };
        if once {
            mappings.insert(at, mapping);
        }
    }
    mappings
}

/// A layout in the making.
struct Draft {
    names: Vec<String>,
    mappings: BTreeMap<usize, Mapping>,
    contact: bool,
    preset: Option<Preset>,
}

impl Draft {
    fn finish(self, settings: &Settings) -> Result<Layout, Error> {
        let preset = self.preset.filter(|_| settings.columns.is_none());
        let mut slots: Vec<Slot> = Vec::new();
        let mut columns: Vec<Column> = (0..self.names.len()).map(|at| self.column(at, &mut slots, preset)).collect();
        let headless = |slot: &mut Slot| settings.columns.is_none() && !slot.columns.iter().any(|column| column.head);
        // What was only guessed and belongs to no value is carried as it stands.
        for slot in slots.extract_if(.., headless) {
            for at in slot.columns.iter().map(|column| column.column).chain(slot.words) {
                columns.get_mut(at).into_iter().for_each(|column| *column = self.verbatim(at));
            }
        }
        for slot in &mut slots {
            let count = slot.columns.len();
            slot.settle(&self.names, count);
        }
        number(&mut slots);
        let uid = columns.iter().position(|column| matches!(column, Column::Field { pointer, .. } if pointer.as_str() == "uid"));
        let key = key(settings, &self.names, uid)?;
        let holds = |field: &str| columns.iter().any(|column| matches!(column, Column::Field { pointer, .. } if pointer.as_str() == field));
        let derives_name = holds("name/full") && !holds("name/given") && !holds("name/surname");
        let kind = if self.contact { Kind::CONTACT } else { Kind::ROW };
        let told = format!("{kind} {columns:?} {slots:?} {key:?} {:?}", settings.short_rows);
        let mut parts: Vec<&[u8]> = vec![b"syncretic.csv-layout/1", told.as_bytes(), settings.dates.format().as_bytes()];
        parts.extend(self.names.iter().map(String::as_bytes));
        let digest = Digest::of_parts(&parts).head();
        Ok(Layout { kind, columns, slots, key, uid, derives_name, dates: settings.dates.clone(), digest, names: self.names })
    }

    fn column(&self, at: usize, slots: &mut Vec<Slot>, preset: Option<Preset>) -> Column {
        match self.mappings.get(&at) {
            Some(Mapping::Field(pointer)) => Column::Field { pointer: Pointer::new(pointer), form: Form::Text },
            Some(Mapping::Set(stem)) => Column::Set { stem, separator: preset.map_or(",", Preset::separator) },
            Some(Mapping::Part { part, selector, rest }) => {
                let column = SlotColumn {
                    column: at,
                    rest: rest.clone(),
                    form: Form::of(rest),
                    pointer: Pointer::new(rest),
                    head: part.heads.contains(&rest.as_str()),
                };
                let lacks = |slot: &Slot| !slot.columns.iter().any(|column| column.rest == *rest);
                let slot = slot(slots, part, selector, lacks);
                slot.columns.push(column);
                slot.several = preset.is_some_and(Preset::holds_several) && matches!(part.stem, "emails" | "phones" | "links");
                Column::Slot
            }
            Some(Mapping::Type { part, selector }) => {
                let slot = slot(slots, part, selector, |slot| slot.words.is_none());
                slot.words = Some(at);
                slot.starred = preset.is_some_and(Preset::holds_several);
                Column::Slot
            }
            None => self.verbatim(at),
        }
    }

    fn verbatim(&self, at: usize) -> Column {
        let name = escape(self.names.get(at).map(String::as_str).unwrap_or_default());
        let prefix = if self.contact { "ext/csv/cells" } else { "cells" };
        Column::Field { pointer: Pointer::from(format!("{prefix}/{name}")), form: Form::Text }
    }
}

/// Returns the slot of the same part and selector that has room, or a new one.
fn slot<'s>(
    slots: &'s mut Vec<Slot>,
    part: &'static record::vocabulary::Part,
    selector: &Selector,
    room: impl Fn(&Slot) -> bool,
) -> &'s mut Slot {
    let found = slots.iter().position(|slot| slot.part.stem == part.stem && slot.selector == *selector && room(slot));
    let at = found.unwrap_or(slots.len());
    if found.is_none() {
        slots.push(Slot {
            part,
            place: String::new(),
            selector: selector.clone(),
            skip: 0,
            columns: Vec::new(),
            words: None,
            implied: Vec::new(),
            several: false,
            starred: false,
        });
    }
    #[expect(clippy::indexing_slicing, reason = "the slot at this place was found or pushed just now")]
    &mut slots[at]
}

/// Numbers the slots of each selector, and notes how many parts each leaves to slots that this table does not have.
fn number(slots: &mut [Slot]) {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, slot) in slots.iter().enumerate() {
        groups.entry(format!("{} {:?}", slot.part.stem, slot.selector.needs)).or_default().push(at);
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|at| slots.get(*at).map(|slot| (slot.selector.nth.unwrap_or(1), *at)));
        let mut last = 0;
        for (before, at) in group.into_iter().enumerate() {
            let Some(slot) = slots.get_mut(at) else { continue };
            last = slot.selector.nth.unwrap_or(1).max(last + 1);
            slot.selector.nth = Some(last);
            slot.skip = last - 1 - before;
        }
    }
}

fn key(settings: &Settings, names: &[String], uid: Option<usize>) -> Result<Vec<usize>, Error> {
    if settings.key.is_empty() {
        return Ok(uid.into_iter().collect());
    }
    let place = |header: &String| place_of(header, names).map_err(|reason| Error::Config { option: "key".to_owned(), reason });
    settings.key.iter().map(place).collect()
}
