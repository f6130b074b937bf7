//! The adapters: the one table that names them, and their options as the configuration writes them.

use std::collections::BTreeMap;
use std::path::Path;

use adapter::{Description, Format, Host, OptionKind, OptionSpec, OptionValue, Options, View};
use config::{Endpoint, Expected, Kind, Problem, Shape, Source};
use record::Record;

use crate::failure::{Failure, Outcome};
use crate::plugins::Shelf;
use crate::state::Home;
use crate::terminal::shown;

/// An adapter that is built in.
struct Entry {
    format: fn() -> &'static dyn Format,
    /// The endings of the files that it is for; `/` is a folder.
    endings: &'static [&'static str],
    /// Whether it reads folders of such files.
    folders: bool,
    /// The content of a new, empty file that can hold records like these, where the adapter does not make its place itself.
    blank: Option<Blank>,
    /// The versions of the format, where they do not hold the same.
    versions: Option<Versions>,
    /// How many parts an item at a place can have, where that is limited.
    room: Option<Room>,
}

/// Returns the versions of a format and what new items of each can hold; those at a place, where one is named.
type Versions = fn(Option<&Path>) -> Vec<(&'static str, View)>;

/// Returns how many parts of each stem a new item at a place can hold.
type Room = fn(&Path) -> Result<BTreeMap<&'static str, usize>, adapter::Error>;

/// Makes the content of an empty file.
type Blank = fn(&[Record]) -> Vec<u8>;

/// Every adapter.
const FORMATS: &[Entry] = &[
    Entry {
        format: adapter_csv::format,
        endings: &["csv", "tsv", "txt"],
        folders: false,
        blank: Some(adapter_csv::outline),
        versions: None,
        room: Some(adapter_csv::room),
    },
    Entry {
        format: adapter_vcard::format,
        endings: &["vcf", "vcard", "/"],
        folders: true,
        blank: None,
        versions: Some(vcard_versions),
        room: None,
    },
    // A folder of files is asked for by name only: what lies in a folder says nothing of how it is meant.
    Entry { format: adapter_fs::format, endings: &[], folders: false, blank: None, versions: None, room: None },
    Entry {
        format: adapter_ical::format,
        endings: &["ics", "ical", "ifb", "icalendar"],
        folders: true,
        blank: None,
        versions: None,
        room: None,
    },
];

/// Returns the content of a new, empty file that can hold records like these; none if the adapter makes its place
/// itself, given the option `create`.
pub(crate) fn blank(format: &dyn Format, records: &[Record]) -> Option<Vec<u8>> {
    entry(format)?.blank.map(|blank| blank(records))
}

/// Returns how many parts of each stem a new item at this place can hold; nothing of a stem that may stand any number of times.
///
/// # Errors
/// Fails if the place cannot be read.
pub(crate) fn room(format: &dyn Format, place: &Path) -> Result<BTreeMap<&'static str, usize>, adapter::Error> {
    entry(format).and_then(|entry| entry.room).map_or_else(|| Ok(BTreeMap::new()), |room| room(place))
}

fn entry(format: &dyn Format) -> Option<&'static Entry> {
    let id = format.describe().id;
    FORMATS.iter().find(|entry| (entry.format)().describe().id == id)
}

/// Returns the versions of a format and what new items of each can hold; none where they all hold the same.
pub(crate) fn versions(format: &dyn Format, place: Option<&Path>) -> Vec<(&'static str, View)> {
    entry(format).and_then(|entry| entry.versions).map(|versions| versions(place)).unwrap_or_default()
}

/// The versions of vCard; an empty place gets cards of the newest.
fn vcard_versions(place: Option<&Path>) -> Vec<(&'static str, View)> {
    let mut all = adapter_vcard::holding::versions();
    let there = place.map(adapter_vcard::holding::versions_at);
    let newest = all.last().map(|(version, _)| *version);
    all.retain(|(version, _)| match &there {
        Some(there) if there.is_empty() => Some(*version) == newest,
        Some(there) => there.contains(version),
        None => true,
    });
    all
}

/// Returns the adapter of this name: one that is built in, or a plugin that was let in.
pub(crate) fn named(id: &str) -> Option<&'static dyn Format> {
    all().find(|format| format.describe().id == id).or_else(|| plugin(id).ok().flatten())
}

/// Returns the plugin of this id, kept as long as the process lives.
fn plugin(id: &str) -> Outcome<Option<&'static dyn Format>> {
    // What is built in has a plain name, a plugin's has dots.
    if !id.contains('.') {
        return Ok(None);
    }
    let installed = Shelf::of(&Home::locate()?).named(id)?;
    Ok(installed.map(|installed| {
        let kept: &'static dyn Format = Box::leak(Box::new(installed));
        kept
    }))
}

/// Returns the adapter for a file or folder by its name's ending; of a folder that is there, by what is in it.
pub(crate) fn by_ending(path: &Path, folder: bool) -> Option<&'static dyn Format> {
    let ending = |path: &Path| path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    if folder
        && let Some(found) = std::fs::read_dir(path).ok().and_then(|entries| {
            let endings = entries.flatten().filter_map(|entry| ending(&entry.path()));
            let of = |ending: &String| FORMATS.iter().find(|entry| entry.folders && entry.endings.contains(&ending.as_str()));
            endings.filter_map(|ending| of(&ending)).next()
        })
    {
        return Some((found.format)());
    }
    let ending = ending(path);
    let wanted = if folder { "/" } else { ending.as_deref()? };
    FORMATS.iter().find(|entry| entry.endings.contains(&wanted)).map(|entry| (entry.format)())
}

/// Returns all adapters.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Format> {
    FORMATS.iter().map(|entry| (entry.format)())
}

/// Returns the names of all adapters.
pub(crate) fn names() -> Vec<&'static str> {
    all().map(|format| format.describe().id).collect()
}

/// Finds the adapter of an endpoint and holds its options against what the adapter takes.
///
/// # Errors
/// Fails with everything that does not fit.
pub(crate) fn check(source: &Source, endpoint: &Endpoint) -> Result<(&'static dyn Format, Options), Vec<Problem>> {
    let builtin = all().find(|format| format.describe().id == endpoint.adapter.value);
    let plugin = || plugin(&endpoint.adapter).map_err(|failure| vec![unusable(source, endpoint, &failure)]);
    let Some(format) = builtin.map_or_else(plugin, |format| Ok(Some(format)))? else {
        return Err(vec![unknown(source, endpoint)]);
    };
    let Description { options, .. } = format.describe();
    let expected: Vec<Expected<'_>> = options.iter().map(expected).collect();
    let problems = endpoint.check(source, &expected);
    if !problems.is_empty() {
        return Err(problems);
    }
    let kind = |name: &str| options.iter().find(|spec| spec.name == name).map(|spec| spec.kind);
    let values = endpoint.options.iter().filter_map(|(name, written)| Some((name.value.clone(), option(kind(name)?, written)?)));
    Ok((format, values.collect()))
}

fn unknown(source: &Source, endpoint: &Endpoint) -> Problem {
    if !endpoint.adapter.contains('.') {
        return endpoint.unknown_adapter(source, &names());
    }
    let message = format!("no plugin `{}` was let in", shown(&endpoint.adapter));
    let problem = Problem::at(source, endpoint.adapter.span, Kind::WrongValue, message).label("a plugin's id");
    problem.note("a plugin is named by its id, never by its path").help("let it in with `syncretic plugin add DIR`")
}

fn unusable(source: &Source, endpoint: &Endpoint, failure: &Failure) -> Problem {
    let message = format!("plugin `{}` cannot be used: {}", shown(&endpoint.adapter), failure.message);
    Problem::at(source, endpoint.adapter.span, Kind::WrongValue, message).help("let it in again with `syncretic plugin add DIR`")
}

/// Opens an adapter.
///
/// # Errors
/// As [`Format::open`].
pub(crate) fn open(
    format: &dyn Format,
    path: &Path,
    options: &Options,
    host: impl Host + 'static,
) -> Result<Box<dyn adapter::Adapter>, adapter::Error> {
    format.open(path.to_owned(), options, Box::new(host))
}

fn expected(spec: &OptionSpec) -> Expected<'_> {
    let (shapes, choices): (&[Shape], &[&str]) = match spec.kind {
        OptionKind::Choice(words) => (&[Shape::Text], words),
        OptionKind::Integer => (&[Shape::Integer], &[]),
        OptionKind::Boolean => (&[Shape::Boolean], &[]),
        OptionKind::List => (&[Shape::Texts, Shape::Text], &[]),
        OptionKind::Table => (&[Shape::TextTable], &[]),
        _ => (&[Shape::Text], &[]),
    };
    Expected { name: spec.name, shapes, choices, required: false, example: "" }
}

fn option(kind: OptionKind, value: &config::OptionValue) -> Option<OptionValue> {
    let text = |value: &config::OptionValue| if let config::OptionValue::Text(text) = value { Some(text.clone()) } else { None };
    Some(match value {
        config::OptionValue::Text(text) if kind == OptionKind::List => OptionValue::List(vec![text.clone()]),
        config::OptionValue::Text(text) => OptionValue::Text(text.clone()),
        config::OptionValue::Integer(number) => OptionValue::Integer(*number),
        config::OptionValue::Boolean(truth) => OptionValue::Boolean(*truth),
        config::OptionValue::List(items) => OptionValue::List(items.iter().map(|item| text(item)).collect::<Option<_>>()?),
        config::OptionValue::Table(table) => {
            OptionValue::Table(table.iter().map(|(name, value)| Some((name.value.clone(), text(value)?))).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
