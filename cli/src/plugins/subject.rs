//! `check.toml`: how the files of a plugin's format are made, edited and damaged without asking the plugin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adapter::{Format, Item, OptionValue, Options, told};
use conformance::Subject;
use record::Record;
use serde_json::{Map, json};
use toml::{Table, Value};

use super::shelf::CHECK;
use crate::failure::{Failure, Outcome};

const KEYS: &[&str] = &[
    "place",
    "kind",
    "field",
    "empty",
    "head",
    "item",
    "between",
    "tail",
    "sample",
    "edit",
    "damage",
    "unknown",
    "options",
    "exempt",
    "lines-of-an-edit",
];

/// A replacement in the line of an item.
struct Replacement {
    from: Vec<u8>,
    to: Vec<u8>,
}

/// The subject that `check.toml` describes.
pub(crate) struct Described<'f> {
    format: &'f dyn Format,
    place: String,
    kind: String,
    field: &'static str,
    empty: String,
    head: String,
    item: String,
    between: String,
    tail: String,
    sample: Table,
    edit: Replacement,
    damage: Option<Replacement>,
    unknown: Option<Replacement>,
    options: Options,
    lines_of_an_edit: usize,
    exemptions: Vec<(&'static str, &'static str)>,
}

impl<'f> Described<'f> {
    /// Reads how a plugin is checked.
    pub(crate) fn read(folder: &Path, format: &'f dyn Format, own: Options) -> Outcome<Self> {
        let path = folder.join(CHECK);
        let text = fs::read_to_string(&path).map_err(|error| {
            let failure = Failure::usage(format!("`{}` cannot be read: {error}", path.display()));
            failure.help("write one as docs/plugins/checks.md shows, or begin with `syncretic plugin new`")
        })?;
        let wrong = |reason: String| Failure::usage(format!("{}: {}", path.display(), reason.trim_end()));
        let table: Table = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let mut described = Self::of(&table, format).map_err(wrong)?;
        described.options.extend(own);
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
        let lines = table.get("lines-of-an-edit").map_or(Some(1), |value| usize::try_from(value.as_integer()?).ok());
        Ok(Self {
            format,
            place: text("place")?,
            kind: text("kind")?,
            field: told::kept(&text("field")?),
            empty: text("empty")?,
            head: part("head")?,
            item: text("item")?,
            between: part("between")?,
            tail: part("tail")?,
            sample,
            edit: replacement(table, "edit")?.ok_or("[edit] is missing")?,
            damage: replacement(table, "damage")?,
            unknown: replacement(table, "unknown")?,
            options: options(table)?,
            lines_of_an_edit: lines.ok_or("`lines-of-an-edit` is no number of lines")?,
            exemptions: exemptions.ok_or("[exempt] holds something else than texts")?,
        })
    }

    fn record(&self, number: usize) -> Result<Record, String> {
        let value = |value: &Value| match value {
            Value::String(text) => Ok(json!(numbered(text, number))),
            other => serde_json::to_value(other).map_err(|error| error.to_string()),
        };
        let fields = self.sample.iter().map(|(name, field)| Ok((name.clone(), value(field)?))).collect::<Result<Map<_, _>, String>>()?;
        told::record(&json!({ "kind": self.kind, "fields": fields }).to_string()).map_err(|reason| format!("[sample]: {reason}"))
    }
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
        if count == 0 {
            return fs::write(path, &self.empty);
        }
        let items: Vec<String> = (0..count).map(|number| numbered(&self.item, number)).collect();
        fs::write(path, [self.head.as_str(), &items.join(&self.between), &self.tail].concat())
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
