//! The little language in which a column says what it holds: `phones[cell]/number`.

use record::Value;
use record::vocabulary::{CONTACT_FIELDS, EVENT_PARTS, PARTS, Part};

use crate::settings::RowKind;
use crate::truth::{BUSY, Choices, PRIVACY, PROGRESS, STATUS};
use crate::words::nearest;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// One field that stands alone.
    Field(String, Form),
    /// A set of words: `keywords` or `nicknames`.
    Set(&'static str),
    /// The date of a moment, which may hold its time too: `start` or `start/date`.
    Date(&'static str),
    /// The time of day of a moment: `start/time`.
    Time(&'static str),
    /// Whether whole days are meant: `allDay`.
    AllDay,
    /// A field of the part that the selector picks.
    Part { part: &'static Part, selector: Selector, rest: String },
    /// The words that say what the picked part is: `phones[1]/type`.
    Type { part: &'static Part, selector: Selector },
}

/// Which of several parts a column means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// What the part must be.
    pub(crate) needs: Vec<Need>,
    /// Which one of those that are, counted from one.
    pub(crate) nth: Option<usize>,
}

/// What a part must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The field below the part has this value.
    Is(String, Value),
    /// It has not.
    IsNot(String, Value),
    /// The label is this word, in any case.
    Label(String),
}

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// A text of several lines: a line break alone is one too.
    Prose,
    /// A URI.
    Uri,
    /// A date.
    Date,
    /// A whole number.
    Integer,
    /// A length of time (RFC 5545 §3.3.6).
    Duration,
    /// One of a few words.
    Choice(Choices),
    /// Yes, for this value.
    Truth(&'static str),
}

/// Fields of events and tasks that a column can hold, besides text: how, and whether events and tasks have it.
const DATED: &[(&str, Form, bool, bool)] = &[
    ("color", Form::Text, true, true),
    ("description", Form::Prose, true, true),
    ("dueTimeZone", Form::Text, false, true),
    ("duration", Form::Duration, true, true),
    ("endTimeZone", Form::Text, true, false),
    ("freeBusyStatus", Form::Choice(BUSY), true, false),
    ("geo", Form::Uri, true, true),
    ("organizer/calendarAddress", Form::Uri, true, true),
    ("organizer/name", Form::Text, true, true),
    ("percentComplete", Form::Integer, false, true),
    ("priority", Form::Integer, true, true),
    ("privacy", Form::Choice(PRIVACY), true, true),
    ("progress", Form::Choice(PROGRESS), false, true),
    ("recurrenceRule", Form::Text, true, true),
    ("status", Form::Choice(STATUS), true, false),
    ("timeZone", Form::Text, true, true),
    ("title", Form::Text, true, true),
    ("uid", Form::Text, true, true),
];

/// Moments of events and tasks, and which of the two has them.
const MOMENTS: &[(&str, bool, bool)] = &[("start", true, true), ("end", true, false), ("due", false, true), ("completed", false, true)];

/// Parts of events and tasks that a column can hold.
const DATED_PARTS: &[&str] = &["comments", "contacts", "links", "locations", "participants", "relatedTo", "virtualLocations"];

impl Form {
    /// Returns the form of the values of a part's field.
    pub(crate) fn of(rest: &str) -> Self {
        match rest {
            "uri" => Self::Uri,
            "note" | "comment" => Self::Prose,
            "date" => Self::Date,
            "calendarAddress" => Self::Uri,
            _ => Self::Text,
        }
    }
}

impl Form {
    /// Returns what a column of this form means, where text of another sort is a mistake.
    pub(crate) fn expected(self) -> Option<&'static str> {
        match self {
            Self::Integer => Some("a whole number"),
            Self::Duration => Some("a duration, as \"PT1H30M\""),
            Self::Text | Self::Prose | Self::Uri | Self::Date | Self::Choice(_) | Self::Truth(_) => None,
        }
    }

    /// Tells whether a text says nothing in such a column.
    pub(crate) fn is_blank(self, text: &str) -> bool {
        match self {
            Self::Prose => text.chars().all(|c| c.is_whitespace() && !matches!(c, '\n' | '\r')),
            _ => text.trim_start().is_empty(),
        }
    }
}

impl Mapping {
    /// Reads a mapping of a column of such rows.
    ///
    /// # Errors
    /// Fails with what is wrong with it, and the nearest right one.
    pub(crate) fn read(text: &str, rows: RowKind) -> Result<Self, String> {
        let stem_end = text.find(['[', '/']).unwrap_or(text.len());
        let (stem, below) = text.split_at(stem_end);
        if let Some(set) = sets(rows).iter().find(|set| **set == stem) {
            return if matches!(below, "" | "/*") { Ok(Self::Set(set)) } else { Err(format!("`{text}` is written `{set}`")) };
        }
        if let Some(part) = parts(rows).find(|part| part.stem == stem) {
            return of_part(part, below).ok_or_else(|| bad_part(text, part));
        }
        if let Some(found) = alone(text, rows) {
            return Ok(found);
        }
        let fields = fields(rows);
        let stems = parts(rows).map(|part| part.stem);
        match nearest(text, fields.iter().copied()).or_else(|| nearest(stem, stems)) {
            Some(meant) => {
                let is_stem = parts(rows).any(|part| part.stem == meant);
                Err(format!("`{text}` is no field; did you mean `{meant}{}`?", if is_stem { below } else { "" }))
            }
            None if rows.is_dated() => Err(format!("`{text}` is no field; fields are written as `title` or `locations/name`")),
            None => Err(format!("`{text}` is no field; fields are written as `name/full` or `phones[cell]/number`")),
        }
    }
}

/// The sets that such rows have.
fn sets(rows: RowKind) -> &'static [&'static str] {
    if rows.is_dated() { &["keywords", "resources"] } else { &["keywords", "nicknames"] }
}

/// The parts of which such rows can hold a field.
fn parts(rows: RowKind) -> impl Iterator<Item = &'static Part> {
    let all = if rows.is_dated() { EVENT_PARTS } else { PARTS };
    all.iter().filter(move |part| !rows.is_dated() || DATED_PARTS.contains(&part.stem))
}

fn has(rows: RowKind, event: bool, task: bool) -> bool {
    if rows == RowKind::Task { task } else { event }
}

/// The names of the fields that stand alone.
fn fields(rows: RowKind) -> Vec<&'static str> {
    if !rows.is_dated() {
        return CONTACT_FIELDS.to_vec();
    }
    let moments = MOMENTS.iter().filter(|(_, event, task)| has(rows, *event, *task)).map(|(name, ..)| *name);
    DATED.iter().filter(|(_, _, event, task)| has(rows, *event, *task)).map(|(name, ..)| *name).chain(moments).collect()
}

/// Reads a field that stands alone, or a piece of a moment.
fn alone(text: &str, rows: RowKind) -> Option<Mapping> {
    if text.strip_prefix("ext/").is_some_and(|rest| rest.contains('/')) {
        return Some(Mapping::Field(text.to_owned(), Form::Prose));
    }
    if !rows.is_dated() {
        return CONTACT_FIELDS.contains(&text).then(|| Mapping::Field(text.to_owned(), Form::Text));
    }
    let moment =
        |name: &str| MOMENTS.iter().find(|(known, event, task)| *known == name && has(rows, *event, *task)).map(|(name, ..)| *name);
    match text {
        "allDay" => return Some(Mapping::AllDay),
        "privacy/private" => return Some(Mapping::Field("privacy".to_owned(), Form::Truth("private"))),
        _ => {}
    }
    if let Some(name) = text.strip_suffix("/time").and_then(moment) {
        return Some(Mapping::Time(name));
    }
    if let Some(name) = moment(text.strip_suffix("/date").unwrap_or(text)) {
        return Some(Mapping::Date(name));
    }
    let row = DATED.iter().find(|(known, _, event, task)| *known == text && has(rows, *event, *task))?;
    Some(Mapping::Field(text.to_owned(), row.1))
}

fn of_part(part: &'static Part, below: &str) -> Option<Mapping> {
    let (selector, rest) = match below.strip_prefix('[') {
        Some(inside) => {
            let (selector, rest) = inside.split_once(']')?;
            (Selector::read(part.stem, selector)?, rest.strip_prefix('/')?)
        }
        None => (Selector::any(part.stem), below.strip_prefix('/')?),
    };
    if rest == "type" {
        return Some(Mapping::Type { part, selector });
    }
    let known = part.heads.contains(&rest) || matches!(rest, "label");
    known.then(|| Mapping::Part { part, selector, rest: rest.to_owned() })
}

fn bad_part(text: &str, part: &Part) -> String {
    let head = part.heads.first().copied().unwrap_or_default();
    let heads = part.heads.join("`, `");
    let stem = part.stem;
    format!("`{text}` is no field; write `{stem}/{head}` or `{stem}[work]/{head}` (below the brackets stands one of `{heads}`)")
}

impl Selector {
    /// Returns the selector that takes every part of the stem.
    pub(crate) fn any(stem: &str) -> Self {
        // A role is kept among the titles, but a column of job titles does not mean it.
        let needs = if stem == "titles" { vec![Need::IsNot("kind".to_owned(), Value::text("role"))] } else { Vec::new() };
        Self { needs, nth: None }
    }

    /// Reads what stands in the brackets: words, a number, or both.
    fn read(stem: &str, text: &str) -> Option<Self> {
        let mut words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let nth = words.last().and_then(|word| word.parse::<usize>().ok()).filter(|nth| (1..=1000).contains(nth));
        if nth.is_some() {
            words.pop();
        }
        if words.is_empty() {
            return nth.map(|_| Self { nth, ..Self::any(stem) });
        }
        let needs: Option<Vec<Need>> = words.iter().map(|word| trait_of(stem, word).map(|(rest, value)| Need::Is(rest, value))).collect();
        let needs = needs.unwrap_or_else(|| vec![Need::Label(words.join(" "))]);
        Some(Self { needs, nth })
    }
}

/// Returns the field that a word of a selector or of a type stands for.
pub(crate) fn trait_of(stem: &str, word: &str) -> Option<(String, Value)> {
    let word = word.to_lowercase();
    let yes = |path: &str| Some((path.to_owned(), Value::Boolean(true)));
    let kind = |kind: &str| Some(("kind".to_owned(), Value::text(kind)));
    match (stem, word.as_str()) {
        ("anniversaries", "birth" | "birthday") => kind("birth"),
        ("anniversaries", "wedding" | "anniversary") => kind("wedding"),
        ("anniversaries", "death") => kind("death"),
        ("titles", "role") => kind("role"),
        (_, "home" | "private" | "personal") => yes("contexts/private"),
        (_, "work" | "business") => yes("contexts/work"),
        ("addresses", "billing") => yes("contexts/billing"),
        ("addresses", "delivery") => yes("contexts/delivery"),
        ("phones", "cell" | "mobile") => yes("features/mobile"),
        ("phones", "fax") => yes("features/fax"),
        ("phones", "pager") => yes("features/pager"),
        ("phones", "main") => yes("features/main"),
        ("phones", "textphone") => yes("features/textphone"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> (Vec<Need>, Option<usize>) {
        match Mapping::read(text, RowKind::Contact).unwrap() {
            Mapping::Part { selector, .. } | Mapping::Type { selector, .. } => (selector.needs, selector.nth),
            other => panic!("{other:?}"),
        }
    }

    fn is(path: &str) -> Need {
        Need::Is(path.to_owned(), Value::Boolean(true))
    }

    #[test]
    fn selectors_are_words_numbers_or_labels() {
        assert_eq!(needs("phones/number"), (vec![], None));
        assert_eq!(needs("phones[2]/number"), (vec![], Some(2)));
        assert_eq!(needs("phones[cell]/number"), (vec![is("features/mobile")], None));
        assert_eq!(needs("phones[work fax 2]/number"), (vec![is("contexts/work"), is("features/fax")], Some(2)));
        assert_eq!(needs("emails[Lake house]/address"), (vec![Need::Label("Lake house".to_owned())], None));
        assert_eq!(needs("emails[cell]/address"), (vec![Need::Label("cell".to_owned())], None));
        let read = |text| Mapping::read(text, RowKind::Contact);
        assert_eq!(read("name/full"), Ok(Mapping::Field("name/full".to_owned(), Form::Text)));
        assert_eq!(read("keywords"), Ok(Mapping::Set("keywords")));
    }

    #[test]
    fn a_wrong_mapping_names_the_right_one() {
        let reason = |text| Mapping::read(text, RowKind::Contact).unwrap_err();
        assert!(reason("name/ful").contains("did you mean `name/full`"));
        assert!(reason("phone[cell]/number").contains("did you mean `phones[cell]/number`"));
        assert!(reason("phones[cell]").contains("write `phones/number`"));
        assert!(reason("phones[]/number").contains("write `phones/number`"));
        assert!(reason("nonsense").contains("is no field"));
    }

    #[test]
    fn events_and_tasks_have_moments() {
        let event = |text| Mapping::read(text, RowKind::Event);
        assert_eq!(event("start"), Ok(Mapping::Date("start")));
        assert_eq!(event("end/time"), Ok(Mapping::Time("end")));
        assert_eq!(event("title"), Ok(Mapping::Field("title".to_owned(), Form::Text)));
        assert_eq!(Mapping::read("due/date", RowKind::Task), Ok(Mapping::Date("due")));
        assert!(event("due").is_err() && Mapping::read("end", RowKind::Task).is_err());
        assert!(event("location/name").unwrap_err().contains("did you mean `locations/name`"));
        assert!(Mapping::read("titel", RowKind::Event).unwrap_err().contains("did you mean `title`"));
    }
}
