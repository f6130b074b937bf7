//! `check.toml`: how the files of a plugin's format are made, edited and damaged without asking the plugin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter::{Format, Item, OptionValue, Options, told};
use conformance::{Fuzzing, Subject};
use record::{Blob, Record};
use serde_json::{Map, json};
use toml::{Table, Value};

use super::shelf::CHECK;
use crate::failure::{Failure, Outcome};

const KEYS: &[&str] = &[
    "place",
    "file",
    "kind",
    "field",
    "repeats",
    "date",
    "number",
    "odd",
    "empty",
    "head",
    "item",
    "between",
    "tail",
    "sample",
    "edit",
    "damage",
    "unknown",
    "blob",
    "volatile",
    "options",
    "exempt",
    "lines-of-an-edit",
];

/// What starts a subject's step in a process of its own.
pub(crate) type Actor = Box<dyn Fn(&Path) -> Option<Command>>;

/// A replacement in the line of an item.
struct Replacement {
    from: Vec<u8>,
    to: Vec<u8>,
}

/// A field and its value, as they are written.
struct Field {
    name: &'static str,
    value: Value,
}

/// The subject that `check.toml` describes.
pub(crate) struct Described<'f> {
    format: &'f dyn Format,
    place: String,
    /// The name of an item's file, where the place is a folder.
    file: Option<String>,
    kind: String,
    field: &'static str,
    repeats: bool,
    date: Option<&'static str>,
    number: Option<&'static str>,
    odd: Vec<String>,
    empty: String,
    head: String,
    item: String,
    between: String,
    tail: String,
    sample: Table,
    edit: Replacement,
    damage: Option<Replacement>,
    unknown: Option<Replacement>,
    /// The field that holds a blob, and what stands beside it.
    blob: Option<(&'static str, Table)>,
    volatile: Option<Field>,
    options: Options,
    lines_of_an_edit: usize,
    exemptions: Vec<(&'static str, &'static str)>,
    /// How much chance is taken.
    pub(crate) fuzzing: Fuzzing,
    /// What can be killed.
    pub(crate) actor: Option<Actor>,
    /// Whether the adapter works in this process.
    pub(crate) here: bool,
}

impl<'f> Described<'f> {
    /// Reads how a plugin is checked.
    pub(crate) fn read(folder: &Path, format: &'f dyn Format, own: Options) -> Outcome<Self> {
        let path = folder.join(CHECK);
        let text = fs::read_to_string(&path).map_err(|error| {
            let failure = Failure::usage(format!("`{}` cannot be read: {error}", path.display()));
            failure.help("write one as docs/plugins/checks.md shows, or begin with `syncretic plugin new`")
        })?;
        let mut described = Self::parse(&path.display().to_string(), &text, format)?;
        described.options.extend(own);
        Ok(described)
    }

    /// Reads how an adapter is checked from the text of a file of this name.
    pub(crate) fn parse(name: &str, text: &str, format: &'f dyn Format) -> Outcome<Self> {
        let wrong = |reason: String| Failure::usage(format!("{name}: {}", reason.trim_end()));
        let table: Table = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let described = Self::of(&table, format).map_err(wrong)?;
        described.record(0).map_err(wrong)?;
        Ok(described)
    }

    fn of(table: &Table, format: &'f dyn Format) -> Result<Self, String> {
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("there is no key `{unknown}`; keys: {}", KEYS.join(", ")));
        }
        let text = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(format!("`{name}` is missing or no text"));
        let part = |name: &str| if table.contains_key(name) { text(name) } else { Ok(String::new()) };
        let sample = table.get("sample").and_then(Value::as_table).cloned().ok_or("[sample] is missing")?;
        let exemptions = table.get("exempt").and_then(Value::as_table).into_iter().flatten();
        let exemptions = exemptions.map(|(name, reason)| Some((told::kept(name), told::kept(reason.as_str()?)))).collect::<Option<_>>();
        let maybe = |name: &str| table.contains_key(name).then(|| text(name)).transpose();
        let pointer = |name: &str| maybe(name).map(|pointer| pointer.map(|pointer| told::kept(&pointer)));
        let file = maybe("file")?;
        let odd = table.get("odd").map_or(Some(Vec::new()), |odd| {
            odd.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        let lines = table.get("lines-of-an-edit").map_or(Some(1), |value| usize::try_from(value.as_integer()?).ok());
        Ok(Self {
            format,
            place: text("place")?,
            kind: text("kind")?,
            field: told::kept(&text("field")?),
            repeats: table.get("repeats").is_some_and(|repeats| repeats.as_bool() == Some(true)),
            date: pointer("date")?,
            number: pointer("number")?,
            odd: odd.ok_or("`odd` is no list of texts")?,
            empty: if file.is_some() { part("empty")? } else { text("empty")? },
            file,
            head: part("head")?,
            item: text("item")?,
            between: part("between")?,
            tail: part("tail")?,
            sample,
            edit: replacement(table, "edit")?.ok_or("[edit] is missing")?,
            damage: replacement(table, "damage")?,
            unknown: replacement(table, "unknown")?,
            blob: blob(table)?,
            volatile: volatile(table)?,
            options: options(table)?,
            lines_of_an_edit: lines.ok_or("`lines-of-an-edit` is no number of lines")?,
            exemptions: exemptions.ok_or("[exempt] holds something else than texts")?,
            fuzzing: Fuzzing::default(),
            actor: None,
            here: true,
        })
    }

    fn record(&self, number: usize) -> Result<Record, String> {
        fields(&self.kind, &self.sample, number).map_err(|reason| format!("[sample]: {reason}"))
    }

    /// Returns the name of the file of an item, inside the folder.
    fn file(&self, path: &Path, number: usize) -> Option<PathBuf> {
        self.file.as_ref().map(|name| path.join(numbered(name, number)))
    }

    /// Writes contents, each in a file of its own where the place is a folder.
    fn write(&self, path: &Path, contents: &[String]) -> io::Result<()> {
        if self.file.is_none() {
            return fs::write(path, [self.head.as_str(), &contents.join(&self.between), &self.tail].concat());
        }
        fs::create_dir(path)?;
        let files = (0..).map_while(|number| self.file(path, number));
        files.zip(contents).try_for_each(|(file, content)| fs::write(file, [self.head.as_str(), content, &self.tail].concat()))
    }
}

/// Makes a record of these fields, as the protocol's JSON writes them.
fn fields(kind: &str, table: &Table, number: usize) -> Result<Record, String> {
    let value = |value: &Value| match value {
        Value::String(text) => Ok(json!(numbered(text, number))),
        other => serde_json::to_value(other).map_err(|error| error.to_string()),
    };
    let fields = table.iter().map(|(name, field)| Ok((name.clone(), value(field)?))).collect::<Result<Map<_, _>, String>>()?;
    told::record(&json!({ "kind": kind, "fields": fields }).to_string())
}

/// Reads a field that is named in a table.
fn named(table: &Table, name: &str) -> Result<Option<(&'static str, Table)>, String> {
    let Some(found) = table.get(name) else { return Ok(None) };
    let found = found.as_table().ok_or_else(|| format!("`{name}` is no table"))?;
    let field = found.get("field").and_then(Value::as_str).ok_or_else(|| format!("[{name}] has no text `field`"))?;
    Ok(Some((told::kept(field), found.clone())))
}

fn blob(table: &Table) -> Result<Option<(&'static str, Table)>, String> {
    let Some((field, found)) = named(table, "blob")? else { return Ok(None) };
    let beside = found.get("beside").and_then(Value::as_table).cloned().unwrap_or_default();
    fields("x", &beside, 0).map_err(|reason| format!("[blob.beside]: {reason}"))?;
    Ok(Some((field, beside)))
}

fn volatile(table: &Table) -> Result<Option<Field>, String> {
    let Some((name, found)) = named(table, "volatile")? else { return Ok(None) };
    let value = found.get("value").cloned().ok_or("[volatile] has no `value`")?;
    let alone = Table::from_iter([(name.to_owned(), value.clone())]);
    fields("x", &alone, 0).map_err(|reason| format!("[volatile]: {reason}"))?;
    Ok(Some(Field { name, value }))
}

fn numbered(text: &str, number: usize) -> String {
    text.replace("{n}", &number.to_string())
}

fn replacement(table: &Table, name: &str) -> Result<Option<Replacement>, String> {
    let Some(found) = table.get(name) else { return Ok(None) };
    let text = |key: &str| found.get(key).and_then(Value::as_str);
    let from = text("replace").ok_or_else(|| format!("[{name}] has no text `replace`"))?;
    let hex = |text: &str| {
        let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        (0..text.len()).step_by(2).map(digits).collect::<Option<Vec<u8>>>()
    };
    let to = match (text("with"), text("with-hex")) {
        (Some(with), None) => with.as_bytes().to_vec(),
        (None, Some(digits)) => hex(digits).ok_or_else(|| format!("[{name}] `with-hex` holds no hexadecimal digits"))?,
        _ => return Err(format!("[{name}] has one of `with` and `with-hex`")),
    };
    Ok(Some(Replacement { from: from.as_bytes().to_vec(), to }))
}

fn options(table: &Table) -> Result<Options, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |value: &Value| match value {
        Value::String(text) => Some(OptionValue::Text(text.clone())),
        Value::Integer(number) => Some(OptionValue::Integer(*number)),
        Value::Boolean(truth) => Some(OptionValue::Boolean(*truth)),
        Value::Array(items) => items.iter().map(text).collect::<Option<_>>().map(OptionValue::List),
        Value::Table(pairs) => {
            pairs.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect::<Option<_>>().map(OptionValue::Table)
        }
        Value::Float(_) | Value::Datetime(_) => None,
    };
    let written = table.get("options").and_then(Value::as_table).into_iter().flatten();
    let one = |(name, value): (&String, &Value)| {
        Ok((name.clone(), read(value).ok_or_else(|| format!("[options] `{name}` has a type that no option takes"))?))
    };
    written.map(one).collect()
}

impl Replacement {
    /// Replaces the first occurrence in the line on which the item stands.
    fn perform(&self, path: &Path, item: &Item) -> io::Result<()> {
        let path = if item.place.path.as_os_str().is_empty() { path } else { &item.place.path };
        let content = fs::read(path)?;
        let wanted = item.place.line.and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
        let mut start = 0;
        for (line, number) in content.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            let found = line.windows(self.from.len()).position(|window| window == self.from);
            if number >= wanted
                && let Some(at) = found
            {
                let at = start + at;
                let (head, tail) = (content.get(..at).unwrap_or_default(), content.get(at + self.from.len()..).unwrap_or_default());
                return fs::write(path, [head, &self.to, tail].concat());
            }
            start += line.len();
        }
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("`{}` is not in the line of item {}", String::from_utf8_lossy(&self.from), item.key),
        ))
    }
}

impl Subject for Described<'_> {
    fn format(&self) -> &dyn Format {
        self.format
    }

    fn options(&self) -> Options {
        self.options.clone()
    }

    fn place(&self, folder: &Path) -> PathBuf {
        folder.join(&self.place)
    }

    fn make(&self, path: &Path, count: usize) -> io::Result<()> {
        if count == 0 && self.file.is_none() {
            return fs::write(path, &self.empty);
        }
        self.write(path, &(0..count).map(|number| numbered(&self.item, number)).collect::<Vec<_>>())
    }

    fn make_oddly(&self, path: &Path) -> io::Result<bool> {
        if self.odd.is_empty() { Ok(false) } else { self.write(path, &self.odd).map(|()| true) }
    }

    fn repeats(&self) -> bool {
        self.repeats
    }

    fn date(&self) -> Option<&'static str> {
        self.date
    }

    fn number(&self) -> Option<&'static str> {
        self.number
    }

    fn with_blob(&self, record: &Record, blob: Blob) -> Option<Record> {
        let (field, beside) = self.blob.as_ref()?;
        let mut record = record.clone().with(field, record::Value::Blob(blob));
        record.fields.extend(fields(&self.kind, beside, 0).ok()?.fields.iter().map(|(pointer, value)| (pointer.clone(), value.clone())));
        Some(record)
    }

    fn volatile(&self) -> Option<(&'static str, record::Value)> {
        let Field { name, value } = self.volatile.as_ref()?;
        let alone = Table::from_iter([((*name).to_owned(), value.clone())]);
        fields(&self.kind, &alone, 0).ok()?.field(name).cloned().map(|value| (*name, value))
    }

    fn fuzzing(&self) -> Fuzzing {
        self.fuzzing
    }

    fn actor(&self, folder: &Path) -> Option<Command> {
        self.actor.as_ref()?(folder)
    }

    fn crashes_here(&self) -> bool {
        self.here
    }

    fn sample(&self, number: usize) -> Record {
        // It could be read when the file was, and only its numbers are others now.
        self.record(number).unwrap_or_else(|_| Record::new(record::Kind::new(&self.kind)))
    }

    fn field(&self) -> &'static str {
        self.field
    }

    fn edit(&self, path: &Path, item: &Item) -> io::Result<()> {
        self.edit.perform(path, item)
    }

    fn damage(&self, path: &Path, item: &Item) -> io::Result<bool> {
        self.damage.as_ref().map_or(Ok(false), |damage| damage.perform(path, item).map(|()| true))
    }

    fn add_unknown(&self, path: &Path, item: &Item) -> io::Result<Option<Vec<u8>>> {
        let Some(unknown) = &self.unknown else { return Ok(None) };
        unknown.perform(path, item).map(|()| Some(unknown.to.clone()))
    }

    fn lines_of_an_edit(&self) -> usize {
        self.lines_of_an_edit
    }

    fn exemptions(&self) -> &[(&'static str, &'static str)] {
        &self.exemptions
    }
}
