//! `syncretic fidelity`: what two sides can hold, by their own profiles, and what survives in each direction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adapter::{Format, OptionValue, Options, Profile, View};
use record::{Kind, Pointer, Record, Value, vocabulary};
use serde_json::json;

use crate::context::Context;
use crate::conversion::{open, unheard};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::formats;
use crate::terminal::{Paint, columns, shown};
use adapter::NothingKnown;

/// One side.
struct Side {
    name: String,
    profile: Profile,
    /// The versions of its format, where they do not hold the same.
    versions: Vec<(&'static str, View)>,
    /// How many parts of each stem an item can have, where that is limited.
    room: BTreeMap<&'static str, usize>,
}

/// How much of one side holds a field.
#[derive(Clone, PartialEq, Eq)]
enum Held {
    /// Nothing of it.
    Not,
    /// New items of these versions.
    In(Vec<&'static str>),
    /// That many parts of an item.
    Most(usize),
    /// All of it.
    Whole,
}

/// What becomes of one field.
struct Row {
    field: String,
    left: Held,
    right: Held,
}

/// Compares two adapters, files or folders.
pub(crate) fn fidelity(context: &Context, left: &Path, right: &Path) -> Outcome<Exit> {
    let kinds: Vec<Kind> = [left, right]
        .into_iter()
        .filter(|side| named(side).is_none())
        .flat_map(|side| side_of(side, &[], context))
        .flat_map(|side| side.profile.kinds)
        .collect();
    let (left, right) = (side_of(left, &kinds, context)?, side_of(right, &kinds, context)?);
    let shared: Vec<&Kind> = left.profile.kinds.iter().filter(|kind| right.profile.kinds.contains(kind)).collect();
    if shared.is_empty() {
        let words = |side: &Side| side.profile.kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join(", ");
        let failure = Failure::usage(format!("{} and {} hold nothing of the same kind", shown(&left.name), shown(&right.name)));
        return Err(failure.note(format!("{}: {}; {}: {}", shown(&left.name), words(&left), shown(&right.name), words(&right))));
    }
    let tables: Vec<(&Kind, Vec<Row>)> = shared.into_iter().map(|kind| (kind, rows(kind, &left, &right))).collect();
    for (kind, rows) in &tables {
        print(context, kind, rows, &left, &right);
    }
    let object = json!({
        "schema": "syncretic.fidelity/1",
        "left": left.name,
        "right": right.name,
        "kinds": tables.iter().map(|(kind, rows)| kind_json(kind, rows)).collect::<Vec<_>>(),
    });
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}

/// Returns the adapter that is meant, if it is not a place.
fn named(side: &Path) -> Option<&'static dyn Format> {
    formats::named(side.to_str()?).filter(|_| !side.exists())
}

/// Opens one side: a place as it is, an adapter with an empty place of its own that holds as much as it can.
fn side_of(side: &Path, kinds: &[Kind], context: &Context) -> Outcome<Side> {
    let name = side.display().to_string();
    if let Some(format) = named(side) {
        let (profile, room) = widest(format, kinds, context)?;
        return Ok(Side { name, profile, versions: formats::versions(format, None), room });
    }
    if !side.exists() {
        let failure = Failure::usage(format!("`{}` is neither an adapter nor a file or folder", shown(&name)));
        return Err(failure.note(format!("adapters: {}", formats::names().join(", "))));
    }
    let format = formats::by_ending(side, side.is_dir())
        .ok_or_else(|| Failure::usage(format!("`{}` does not say by its name which format it is", shown(&name))))?;
    let mut adapter = open(format, side, &Options::new(), context)?;
    adapter.scan(&NothingKnown, &mut unheard()).map_err(|error| Failure::new(Exit::Stopped, error.to_string()))?;
    let room = formats::room(format, side).map_err(|error| Failure::new(Exit::Stopped, error.to_string()))?;
    Ok(Side { name, profile: adapter.profile().clone(), versions: formats::versions(format, Some(side)), room })
}

/// Returns what an adapter can hold, and how many parts, in a new place made for every field of these kinds; of a contact's if
/// there are none.
fn widest(format: &'static dyn Format, kinds: &[Kind], context: &Context) -> Outcome<(Profile, BTreeMap<&'static str, usize>)> {
    /// More parts of a stem than a new place makes room for.
    const MANY: usize = 50;
    let folder = Scratch::new()?;
    let held = format.describe().kinds;
    let kind = kinds.iter().find(|kind| held.contains(kind)).or(held.first()).cloned().unwrap_or(Kind::CONTACT);
    let mut full = Record::new(kind.clone());
    for field in fields(&kind) {
        let parts = if field.contains('*') { MANY } else { 1 };
        full.fields.extend((1..=parts).map(|part| (Pointer::from(field.replace('*', &part.to_string())), Value::text("x"))));
    }
    let path = folder.0.join("place");
    let mut options = Options::new();
    match formats::blank(format, &[full]) {
        Some(content) => std::fs::write(&path, content).map_err(|error| Failure::io("make", &path, &error))?,
        None => drop(options.insert("create".to_owned(), OptionValue::Boolean(true))),
    }
    let mut adapter = open(format, &path, &options, context)?;
    let broken = |error: adapter::Error| Failure::new(Exit::Internal, error.to_string());
    adapter.scan(&NothingKnown, &mut unheard()).map_err(broken)?;
    Ok((adapter.profile().clone(), formats::room(format, &path).map_err(broken)?))
}

/// Returns every field of a kind, as the vocabulary names it.
fn fields(kind: &Kind) -> Vec<String> {
    let (alone, parts) = match kind.as_str() {
        "event" => (vocabulary::EVENT_FIELDS, vocabulary::EVENT_PARTS),
        "task" => (vocabulary::TASK_FIELDS, vocabulary::EVENT_PARTS),
        "journal" => (vocabulary::JOURNAL_FIELDS, vocabulary::EVENT_PARTS),
        "freebusy" => (vocabulary::FREEBUSY_FIELDS, &[][..]),
        "calendar" => (vocabulary::CALENDAR_FIELDS, &[][..]),
        "contact" | "group" => (vocabulary::CONTACT_FIELDS, vocabulary::PARTS),
        _ => (&["cells/*"][..], &[][..]),
    };
    let of_part = |part: &vocabulary::Part| {
        let own = part.heads.iter().chain(part.fields).copied();
        let said = part.traits.iter().flat_map(|said| expanded(said).iter().copied());
        own.chain(said).map(|rest| format!("{}/*/{rest}", part.stem)).collect::<Vec<_>>()
    };
    let mut fields: Vec<String> = alone.iter().map(|field| (*field).to_owned()).chain(parts.iter().flat_map(of_part)).collect();
    if matches!(kind.as_str(), "event" | "task" | "journal") {
        fields.push("recurrenceOverrides/*/title".to_owned());
        fields.extend(vocabulary::OVERRIDE_FIELDS.iter().map(|field| format!("{}/*/{field}", vocabulary::OVERRIDES)));
    }
    fields.sort();
    fields.dedup();
    fields
}

/// Returns the fields that a trait of parts stands for.
fn expanded(said: &'static str) -> &'static [&'static str] {
    const CONTEXTS: &[&str] = &["contexts/private", "contexts/work"];
    const FEATURES: &[&str] = &["features/fax", "features/mobile", "features/pager", "features/voice"];
    const OTHERS: &[&str] = &["action", "kind", "label", "mediaType", "pref", "relation", "relativeTo", "role"];
    match said {
        "contexts" => CONTEXTS,
        "features" => FEATURES,
        other => OTHERS.iter().position(|known| *known == other).and_then(|at| OTHERS.get(at..=at)).unwrap_or_default(),
    }
}

fn rows(kind: &Kind, left: &Side, right: &Side) -> Vec<Row> {
    let row = |field: String| Row { left: left.held(&field), right: right.held(&field), field };
    fields(kind).into_iter().map(row).filter(|row| row.left != Held::Not || row.right != Held::Not).collect()
}

impl Side {
    fn held(&self, field: &str) -> Held {
        let pointer = Pointer::new(&field.replace('*', "1"));
        if !self.profile.view.holds(&pointer) {
            return Held::Not;
        }
        let holding: Vec<&str> = self.versions.iter().filter(|(_, view)| view.holds(&pointer)).map(|(version, _)| *version).collect();
        match holding.len() {
            some if some == self.versions.len() => self.most(field).map_or(Held::Whole, Held::Most),
            0 => Held::Not,
            _ => Held::In(holding),
        }
    }

    /// Returns how many parts with this field an item can have, if that is limited.
    fn most(&self, field: &str) -> Option<usize> {
        let (stem, _) = field.split_once("/*/")?;
        self.room.get(stem).copied()
    }

    /// Returns its name with each of its versions; alone where it has none.
    fn variants(&self) -> Vec<(String, Option<&'static str>)> {
        let name = shown(&self.name);
        match self.versions.as_slice() {
            [] => vec![(name, None)],
            versions => versions.iter().map(|(version, _)| (format!("{name} {version}"), Some(*version))).collect(),
        }
    }
}

impl Held {
    /// Tells whether it is held in this version, or by a side that has none.
    fn within(&self, version: Option<&'static str>) -> bool {
        match self {
            Self::Not => false,
            Self::In(versions) => version.is_none_or(|version| versions.contains(&version)),
            Self::Most(_) | Self::Whole => true,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Not => "no".to_owned(),
            Self::In(versions) => versions.join(", "),
            Self::Most(most) => format!("up to {most}"),
            Self::Whole => "yes".to_owned(),
        }
    }

    fn paint(&self) -> Paint {
        match self {
            Self::Not => Paint::Red,
            Self::In(_) | Self::Most(_) => Paint::Yellow,
            Self::Whole => Paint::Green,
        }
    }
}

impl Row {
    fn is_shared(&self) -> bool {
        self.left == Held::Whole && self.right == Held::Whole
    }

    /// Returns what becomes of the field, for people.
    fn fate(&self, one: &str, other: &str) -> String {
        let fate = match (&self.left, &self.right) {
            (Held::Not, _) => return format!("only the store carries it past {one}"),
            (_, Held::Not) => return format!("only the store carries it past {other}"),
            (Held::In(_), Held::In(_)) => "survives both ways where both versions hold it".to_owned(),
            (Held::In(versions), _) => format!("survives both ways in {one} {}", versions.join(" and ")),
            (_, Held::In(versions)) => format!("survives both ways in {other} {}", versions.join(" and ")),
            (Held::Most(_) | Held::Whole, Held::Most(_) | Held::Whole) => "survives both ways".to_owned(),
        };
        match (&self.left, &self.right) {
            (Held::Most(left), Held::Most(right)) if left > right => format!("{fate}; only the store carries more past {other}"),
            (Held::Most(_), _) => format!("{fate}; only the store carries more past {one}"),
            (_, Held::Most(_)) => format!("{fate}; only the store carries more past {other}"),
            _ => fate,
        }
    }
}

fn print(context: &Context, kind: &Kind, rows: &[Row], left: &Side, right: &Side) {
    let terminal = &context.terminal;
    let (one, other) = (shown(&left.name), shown(&right.name));
    terminal.line(terminal.paint(Paint::Bold, &format!("{kind}: {one} and {other}")));
    let mark = |held: &Held| terminal.paint(held.paint(), &held.words());
    let listed = rows.iter().filter(|row| terminal.verbosity > 0 || !row.is_shared());
    let table = listed.map(|row| vec![format!("  {}", row.field), mark(&row.left), mark(&row.right), row.fate(&one, &other)]);
    let head = vec!["  field".to_owned(), one.clone(), other.clone(), String::new()];
    columns(&std::iter::once(head).chain(table).collect::<Vec<_>>()).iter().for_each(|line| terminal.line(line));
    let both = rows.iter().filter(|row| row.is_shared()).count();
    terminal.line(format!("  {both} fields survive both ways{}", if terminal.verbosity > 0 { "" } else { " (-v lists them)" }));
    for (one, of_left) in left.variants() {
        for (other, of_right) in right.variants() {
            let count = |what: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| what(row)).count();
            let both = count(&|row| row.left.within(of_left) && row.right.within(of_right));
            let (lefts, rights) = (count(&|row| row.left.within(of_left)), count(&|row| row.right.within(of_right)));
            terminal.line(format!("  {one} to {other}: {both} of {lefts} fields; {other} to {one}: {both} of {rights}"));
        }
    }
}

fn kind_json(kind: &Kind, rows: &[Row]) -> serde_json::Value {
    let row = |row: &Row| {
        let (left, right) = (row.left != Held::Not, row.right != Held::Not);
        let carried = if left && right { "both" } else { "store" };
        let mut object = json!({ "field": row.field, "left": left, "right": right, "carried_by": carried });
        for (name, held) in [("left_versions", &row.left), ("right_versions", &row.right)] {
            if let (Held::In(versions), Some(object)) = (held, object.as_object_mut()) {
                object.insert(name.to_owned(), json!(versions));
            }
        }
        for (name, held) in [("left_most", &row.left), ("right_most", &row.right)] {
            if let (Held::Most(most), Some(object)) = (held, object.as_object_mut()) {
                object.insert(name.to_owned(), json!(most));
            }
        }
        object
    };
    json!({ "kind": kind.as_str(), "fields": rows.iter().map(row).collect::<Vec<_>>() })
}

/// A folder that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|error| Failure::new(Exit::Internal, format!("the system gave no random bytes: {error}")))?;
        let folder = std::env::temp_dir().join(format!("syncretic-fidelity-{:016x}", u64::from_be_bytes(id)));
        std::fs::create_dir(&folder).map_err(|error| Failure::io("make", &folder, &error))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
