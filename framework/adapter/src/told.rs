//! The JSON that an adapter tells about itself, read: nothing in it is believed before it is checked.

use record::{Kind, Pattern, Pointer, Record};
use serde_json::{Map, Value};

use crate::format::{Description, OptionKind, OptionSpec};
use crate::lines;
use crate::profile::{Atomicity, Keys, Profile, View};

/// The most entries of a list, and the most bytes of a text.
const MOST: usize = 4096;

/// A document that is not what it must be: a lower-case sentence without a full stop.
pub type Wrong = String;

/// What a plugin says it is, its texts kept as long as the process lives.
///
/// # Errors
/// Fails with a sentence that names the member that is missing or wrong.
pub fn description(json: &[u8]) -> Result<Description, Wrong> {
    let object = object(json)?;
    let specs = object.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let options = specs.iter().take(MOST).map(option).collect::<Result<_, _>>()?;
    Ok(Description { id: kept(text(&object, "id")?), summary: kept(text(&object, "summary")?), kinds: kinds(&object)?, options })
}

/// Keeps a text as long as the process lives, as a library that is never unloaded.
#[must_use]
pub fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn option(value: &Value) -> Result<OptionSpec, Wrong> {
    let object = value.as_object().ok_or("an option is no object")?;
    let (name, summary) = (kept(text(object, "name")?), kept(text(object, "summary")?));
    let kind = match text(object, "type")? {
        "text" => OptionKind::Text,
        "integer" => OptionKind::Integer,
        "boolean" => OptionKind::Boolean,
        "list" => OptionKind::List,
        "table" => OptionKind::Table,
        "choice" => {
            let words: Vec<&'static str> = texts(object, "choices")?.into_iter().map(kept).collect();
            OptionKind::Choice(Box::leak(words.into_boxed_slice()))
        }
        other => return Err(format!("option `{name}` has the type `{other}`, which does not exist")),
    };
    Ok(OptionSpec { name, kind, summary })
}

/// Reads a record that is written as the protocol's JSON.
///
/// # Errors
/// Fails with a sentence that says what is missing or wrong.
pub fn record(json: &str) -> Result<Record, Wrong> {
    let value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    lines::read_record(&value).map_err(|breach| breach.0)
}

/// Reads a profile.
pub(crate) fn profile(json: &[u8]) -> Result<Profile, Wrong> {
    let object = object(json)?;
    let keys = match text(&object, "keys")? {
        "stable" => Keys::Stable,
        "unstable" => Keys::Unstable,
        other => return Err(format!("`keys` is `{other}`; it is `stable` or `unstable`")),
    };
    let atomicity = match text(&object, "atomicity")? {
        "batch" => Atomicity::Batch,
        "item" => Atomicity::Item,
        "none" => Atomicity::None,
        other => return Err(format!("`atomicity` is `{other}`; it is `batch`, `item` or `none`")),
    };
    let view = |name: &str| texts(&object, name).map(|patterns| View(patterns.into_iter().map(Pattern::new).collect()));
    let unique = object.get("unique").and_then(Value::as_str).map(Pointer::new);
    let volatile = if object.contains_key("volatile") { view("volatile")? } else { View::default() };
    Ok(Profile { kinds: kinds(&object)?, keys, atomicity, view: view("view")?, volatile, unique })
}

fn object(json: &[u8]) -> Result<Map<String, Value>, Wrong> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("its document is no JSON object".to_owned()),
        Err(error) => Err(format!("its document is no JSON: {error}")),
    }
}

fn text<'o>(object: &'o Map<String, Value>, name: &str) -> Result<&'o str, Wrong> {
    let text = object.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is missing or no text"))?;
    if text.len() > MOST { Err(format!("`{name}` is longer than {MOST} bytes")) } else { Ok(text) }
}

fn texts<'o>(object: &'o Map<String, Value>, name: &str) -> Result<Vec<&'o str>, Wrong> {
    let wrong = || format!("`{name}` is missing or no list of at most {MOST} texts");
    let list = object.get(name).and_then(Value::as_array).filter(|list| list.len() <= MOST).ok_or_else(wrong)?;
    list.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
}

fn kinds(object: &Map<String, Value>) -> Result<Vec<Kind>, Wrong> {
    let kinds: Vec<Kind> = texts(object, "kinds")?.into_iter().map(Kind::new).collect();
    if kinds.is_empty() { Err("`kinds` is empty".to_owned()) } else { Ok(kinds) }
}
