//! What each column of a table means: made from the job's columns, a preset, or a guess.

use std::collections::{BTreeMap, BTreeSet};

use adapter::{Error, Keys, View};
use record::pointer::{Pattern, escape};
use record::{Digest, Kind, Pointer};

use crate::agenda;
use crate::dates::{Dates, Shown, shown_form};
use crate::formula::Guard;
use crate::guess;
use crate::mapping::{Form, Mapping, Selector};
use crate::moments::Moment;
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
    /// A piece of a moment.
    Moment,
}

/// Gives the first values of a column.
type Sample<'s> = &'s dyn Fn(usize) -> Vec<String>;

/// What the columns of a table mean.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) kind: Kind,
    /// The headers, each once.
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) slots: Vec<Slot>,
    /// The moments that columns hold together.
    pub(crate) moments: Vec<Moment>,
    /// The columns that name a row.
    pub(crate) key: Vec<usize>,
    /// The column of `uid`.
    pub(crate) uid: Option<usize>,
    /// Whether a full name is made of its components, since no column holds those.
    pub(crate) derives_name: bool,
    pub(crate) dates: Dates,
    pub(crate) guard: Guard,
    /// What tells this layout from another one.
    pub(crate) digest: [u8; 16],
}

impl Layout {
    /// Finds the meaning of every column; `sample` gives the first values of a column.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] if the job names a column that is not there, or a field that does not exist.
    pub(crate) fn find(headers: &[String], settings: &Settings, sample: Sample<'_>) -> Result<Self, Error> {
        let names = unique(headers);
        let preset = Preset::recognise(headers).filter(|preset| settings.kind.is_none_or(|kind| kind == preset.rows()));
        let (rows, mappings) = match &settings.columns {
            _ if settings.kind == Some(RowKind::Row) => (RowKind::Row, BTreeMap::new()),
            Some(columns) => configured(columns, &names, settings.kind)?,
            None => guessed(headers, preset, settings.kind, sample),
        };
        let draft = Draft { names, mappings, rows, preset: preset.filter(|preset| preset.rows() == rows) };
        let layout = draft.finish(settings, sample)?;
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
                Column::Slot | Column::Moment => {}
            }
        }
        patterns.extend(self.moments.iter().map(|moment| moment.pointer.as_str().to_owned()));
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

    /// Returns how many parts of each stem a new row can hold: one in the columns of each slot.
    pub(crate) fn room(&self) -> BTreeMap<&'static str, usize> {
        let mut room = BTreeMap::new();
        for slot in &self.slots {
            *room.entry(slot.part.stem).or_default() += 1;
        }
        room
    }

    fn check(&self, settings: &Settings) -> Result<(), Error> {
        let mut held = BTreeSet::new();
        for (column, name) in self.columns.iter().zip(&self.names) {
            let field = match column {
                Column::Field { pointer, .. } => pointer.as_str(),
                Column::Set { stem, .. } => stem,
                Column::Slot | Column::Moment => continue,
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

/// Reads the job's mappings, as of the kind that it names or that most of them are about.
fn configured(columns: &[(String, String)], names: &[String], kind: Option<RowKind>) -> Result<(RowKind, BTreeMap<usize, Mapping>), Error> {
    let read = |rows: RowKind| {
        let mut mappings = BTreeMap::new();
        for (header, meaning) in columns {
            let at = place_of(header, names).map_err(columns_error)?;
            let mapping = Mapping::read(meaning, rows).map_err(|reason| columns_error(format!("\"{header}\": {reason}")))?;
            mappings.insert(at, mapping);
        }
        Ok((rows, mappings))
    };
    if let Some(rows) = kind {
        return read(rows);
    }
    // What most of the mappings are about is meant; the first that is not tells what is wrong with it.
    let fitting = |rows: &RowKind| columns.iter().filter(|(_, meaning)| Mapping::read(meaning, *rows).is_ok()).count();
    let kinds = [RowKind::Task, RowKind::Event, RowKind::Contact];
    read(kinds.into_iter().max_by_key(fitting).unwrap_or(RowKind::Contact))
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

/// Finds out what the rows are, and what each column holds.
fn guessed(headers: &[String], preset: Option<Preset>, kind: Option<RowKind>, sample: Sample<'_>) -> (RowKind, BTreeMap<usize, Mapping>) {
    let rows = kind.or(preset.map(Preset::rows)).or_else(|| dated(headers, sample)).unwrap_or(RowKind::Contact);
    let mut mappings = BTreeMap::new();
    let mut alone = BTreeSet::new();
    for (at, header) in headers.iter().enumerate() {
        let header = header.trim();
        let found = meaning(headers, header, preset, rows);
        let id = || header.eq_ignore_ascii_case("id") && guess::look_like_ids(sample(at).iter().map(String::as_str));
        let found = found.or_else(|| (header.eq_ignore_ascii_case("uid") || id()).then(|| "uid".to_owned()));
        let Some(mapping) = found.and_then(|text| Mapping::read(&text, rows).ok()) else { continue };
        let once = match &mapping {
            Mapping::Field(field, _) => alone.insert(field.clone()),
            Mapping::Set(stem) | Mapping::Date(stem) => alone.insert((*stem).to_owned()),
            Mapping::Time(stem) => alone.insert(format!("{stem}/time")),
            Mapping::AllDay => alone.insert("allDay".to_owned()),
            Mapping::Part { .. } | Mapping::Type { .. } => true,
        };
        if once {
            mappings.insert(at, mapping);
        }
    }
    let telling = mappings.values().any(|mapping| !matches!(mapping, Mapping::Field(field, _) if field == "uid"));
    let rows = if kind.is_none() && !telling { RowKind::Row } else { rows };
    (rows, if rows == RowKind::Row { BTreeMap::new() } else { mappings })
}

fn meaning(headers: &[String], header: &str, preset: Option<Preset>, rows: RowKind) -> Option<String> {
    let job =
        || headers.iter().any(|header| guess::mapping(header).is_some_and(|found| found == "titles/name") && header.trim() != "Title");
    match preset {
        Some(preset) => preset.mapping(header),
        None if rows.is_dated() => agenda::mapping(header, rows == RowKind::Task).map(str::to_owned),
        // Beside a column of job titles, `Title` is what stands before a name.
        None if header == "Title" && job() => Some("name/title".to_owned()),
        None => guess::mapping(header),
    }
}

/// Tells whether a table without a known header is a calendar: its headers say so, and its dates are dates.
fn dated(headers: &[String], sample: Sample<'_>) -> Option<RowKind> {
    let person = |header: &String| {
        guess::mapping(header).is_some_and(|found| ["name/", "emails", "phones"].iter().any(|stem| found.starts_with(stem)))
    };
    let task = agenda::dated(headers, headers.iter().any(person))?;
    let kind = if task { RowKind::Task } else { RowKind::Event };
    // One unreadable date must not turn a whole table into an address book.
    if agenda::says_when(headers) {
        return Some(kind);
    }
    let wanted = if task { "due/date" } else { "start/date" };
    let dates = Dates::default();
    let is_date = |cell: &String| {
        let first = cell.trim().split([' ', 'T']).next().unwrap_or_default();
        dates.moment(cell).is_some() || !matches!(shown_form(std::iter::once(first)), Shown::Form(None))
    };
    let column = headers.iter().position(|header| agenda::mapping(header, task) == Some(wanted));
    let cells = column.map(sample).unwrap_or_default();
    let filled: Vec<&String> = cells.iter().filter(|cell| !cell.trim().is_empty()).collect();
    let dated = filled.iter().filter(|cell| is_date(cell)).count();
    (dated * 2 >= filled.len()).then_some(kind)
}

/// A layout in the making.
struct Draft {
    names: Vec<String>,
    mappings: BTreeMap<usize, Mapping>,
    rows: RowKind,
    preset: Option<Preset>,
}

impl Draft {
    fn finish(self, settings: &Settings, sample: Sample<'_>) -> Result<Layout, Error> {
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
        let moments = self.moments(&mut columns);
        let dates = self.dates(&moments, settings, sample)?;
        let uid = columns.iter().position(|column| matches!(column, Column::Field { pointer, .. } if pointer.as_str() == "uid"));
        let key = key(settings, &self.names, uid)?;
        let holds = |field: &str| columns.iter().any(|column| matches!(column, Column::Field { pointer, .. } if pointer.as_str() == field));
        let derives_name = holds("name/full") && !holds("name/given") && !holds("name/surname");
        let kind = self.rows.kind();
        let guard = settings.guard;
        let told = format!("{kind} {columns:?} {slots:?} {moments:?} {key:?} {:?} {guard:?} {}", settings.short_rows, dates.form());
        let mut parts: Vec<&[u8]> = vec![b"syncretic.csv-layout/2", told.as_bytes()];
        parts.extend(self.names.iter().map(String::as_bytes));
        let digest = Digest::of_parts(&parts).head();
        Ok(Layout { kind, columns, slots, moments, key, uid, derives_name, dates, guard, digest, names: self.names })
    }

    /// Joins the pieces of moments; a time without a date is carried as it stands.
    fn moments(&self, columns: &mut [Column]) -> Vec<Moment> {
        let all_day = self.mappings.iter().find(|(_, mapping)| **mapping == Mapping::AllDay).map(|(at, _)| *at);
        let mut moments = Vec::new();
        for (at, mapping) in &self.mappings {
            let Mapping::Date(stem) = mapping else { continue };
            let time = self.mappings.iter().find(|(_, other)| **other == Mapping::Time(stem)).map(|(at, _)| *at);
            let last_day = *stem == "end" && self.preset.is_none_or(Preset::names_last_day);
            let shared = matches!(*stem, "start" | "end");
            moments.push(Moment { pointer: Pointer::new(stem), date: *at, time, all_day: all_day.filter(|_| shared), last_day });
        }
        let used: BTreeSet<usize> = moments.iter().flat_map(|moment| [Some(moment.date), moment.time, moment.all_day]).flatten().collect();
        for (at, column) in columns.iter_mut().enumerate().filter(|(at, column)| matches!(column, Column::Moment) && !used.contains(at)) {
            *column = self.verbatim(at);
        }
        moments
    }

    /// Finds out how the table writes dates and times, where the job does not say it.
    fn dates(&self, moments: &[Moment], settings: &Settings, sample: Sample<'_>) -> Result<Dates, Error> {
        let mut dates = settings.dates.clone();
        if moments.is_empty() {
            return Ok(dates);
        }
        let cells: Vec<String> = moments.iter().flat_map(|moment| sample(moment.date)).collect();
        let usual = self.preset.and_then(Preset::dates);
        if dates.form().is_empty() {
            let form = match (shown_form(cells.iter().map(String::as_str)), usual) {
                (Shown::Either(..) | Shown::Form(None), Some(usual)) => Some(usual),
                // Where an export writes month before day, a day above twelve is a slip and does not turn all dates around.
                (Shown::Form(Some(form)), Some(usual)) if form.contains('/') && form != "%Y/%m/%d" => Some(usual),
                (Shown::Form(form), _) => form,
                (Shown::Either(one, other), None) => {
                    let reason = format!("the dates of this table can be read as \"{one}\" and as \"{other}\"; say which one is meant");
                    return Err(Error::Config { option: "date-format".to_owned(), reason });
                }
            };
            form.and_then(|form| dates.set_form(form).err()).map_or(Ok(()), |reason| Err(columns_error(reason)))?;
        }
        let times: Vec<String> = moments.iter().filter_map(|moment| moment.time).flat_map(sample).collect();
        let shown = times.iter().chain(&cells).map(String::as_str);
        dates.learn_clock(shown, self.preset.map_or("%H:%M", Preset::clock));
        Ok(dates)
    }

    fn column(&self, at: usize, slots: &mut Vec<Slot>, preset: Option<Preset>) -> Column {
        match self.mappings.get(&at) {
            Some(Mapping::Field(pointer, form)) => Column::Field { pointer: Pointer::new(pointer), form: *form },
            Some(Mapping::Date(_) | Mapping::Time(_) | Mapping::AllDay) => Column::Moment,
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
                slot.several = preset.is_none_or(Preset::holds_several) && matches!(part.stem, "emails" | "phones" | "links");
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
        let prefix = if self.rows == RowKind::Row { "cells" } else { "ext/csv/cells" };
        Column::Field { pointer: Pointer::from(format!("{prefix}/{name}")), form: Form::Prose }
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
