//! The options of an endpoint as typed values.

use adapter::{Error, OptionKind, OptionSpec, OptionValue, Options};
use record::Kind;

use crate::charset::Charset;
use crate::dates::Dates;
use crate::formula::Guard;
use crate::words::nearest;

/// The options that the format takes, in the order of the documentation.
pub(crate) const OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "columns", kind: OptionKind::Table, summary: "What each column holds, as \"Mobile\" = \"phones[cell]/number\"." },
    OptionSpec {
        name: "key",
        kind: OptionKind::List,
        summary: "The columns that name a row; without them rows are told apart by content.",
    },
    OptionSpec {
        name: "kind",
        kind: OptionKind::Choice(&["contact", "event", "task", "row"]),
        summary: "What a row is: a contact, an event, a task, or a plain row; found by the header otherwise.",
    },
    OptionSpec {
        name: "date-format",
        kind: OptionKind::Text,
        summary: "How dates are written, as \"%d.%m.%Y\"; ISO dates are always read.",
    },
    OptionSpec {
        name: "time-format",
        kind: OptionKind::Text,
        summary: "How times of day are written, as \"%H:%M\" or \"%I:%M %p\"; found by itself otherwise, and both are always read.",
    },
    OptionSpec {
        name: "formula-guard",
        kind: OptionKind::Boolean,
        summary: "Whether a ' stands before values that a spreadsheet would take for formulas; it is no part of the value.",
    },
    OptionSpec {
        name: "short-rows",
        kind: OptionKind::Choice(&["refuse", "fill"]),
        summary: "Whether rows with fewer cells than the header are read.",
    },
    OptionSpec { name: "encoding", kind: OptionKind::Text, summary: "The encoding, as \"windows-1252\"; found by itself otherwise." },
    OptionSpec {
        name: "delimiter",
        kind: OptionKind::Text,
        summary: "What stands between cells, as \";\" or \"tab\"; found by itself otherwise.",
    },
];

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// A person or organisation.
    Contact,
    /// Something that takes place.
    Event,
    /// Something to be done.
    Task,
    /// Cells by the names of their columns.
    Row,
}

impl RowKind {
    /// Returns the kind of the records that such rows show.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Contact => Kind::CONTACT,
            Self::Event => Kind::EVENT,
            Self::Task => Kind::TASK,
            Self::Row => Kind::ROW,
        }
    }

    /// Tells whether its rows stand in a calendar.
    pub(crate) fn is_dated(self) -> bool {
        matches!(self, Self::Event | Self::Task)
    }
}

/// What becomes of a row with fewer cells than the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ShortRows {
    /// It is broken.
    #[default]
    Refuse,
    /// The missing cells count as empty.
    Fill,
}

/// The options of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) columns: Option<Vec<(String, String)>>,
    pub(crate) key: Vec<String>,
    pub(crate) kind: Option<RowKind>,
    pub(crate) dates: Dates,
    pub(crate) guard: Guard,
    pub(crate) short_rows: ShortRows,
    pub(crate) charset: Option<Charset>,
    pub(crate) delimiter: Option<u8>,
}

impl Settings {
    /// Reads the options of an endpoint.
    ///
    /// # Errors
    /// Fails with [`Error::Config`] for the first option that is unknown or wrong.
    pub(crate) fn read(options: &Options) -> Result<Self, Error> {
        let mut settings = Self::default();
        for (name, value) in options {
            settings.set(name, value).map_err(|reason| Error::Config { option: name.clone(), reason })?;
        }
        if settings.kind == Some(RowKind::Row) && settings.columns.is_some() {
            let reason = "plain rows hold every column under its own name; leave out `columns`, or name another kind";
            return Err(Error::Config { option: "columns".to_owned(), reason: reason.to_owned() });
        }
        if settings.delimiter == Some(b'|') && settings.charset.is_some_and(Charset::hides_bars) {
            let reason = "`|` can be half of a character in this encoding; use another delimiter or UTF-8";
            return Err(Error::Config { option: "delimiter".to_owned(), reason: reason.to_owned() });
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &OptionValue) -> Result<(), String> {
        match (name, value) {
            ("columns", OptionValue::Table(columns)) => self.columns = Some(columns.clone()),
            ("key", OptionValue::List(columns)) => self.key.clone_from(columns),
            ("key", OptionValue::Text(column)) => self.key = vec![column.clone()],
            ("kind", OptionValue::Text(kind)) => self.kind = Some(row_kind(kind)?),
            ("date-format", OptionValue::Text(format)) => self.dates.set_form(format)?,
            ("time-format", OptionValue::Text(format)) => self.dates.set_clock(format)?,
            ("formula-guard", OptionValue::Boolean(true)) => self.guard = Guard::Apostrophe,
            ("formula-guard", OptionValue::Boolean(false)) => self.guard = Guard::Off,
            ("short-rows", OptionValue::Text(word)) => self.short_rows = short_rows(word)?,
            ("encoding", OptionValue::Text(label)) => self.charset = Some(charset(label)?),
            ("delimiter", OptionValue::Text(text)) => self.delimiter = Some(delimiter(text)?),
            _ => return Err(misfit(name)),
        }
        Ok(())
    }
}

fn misfit(name: &str) -> String {
    if let Some(option) = OPTIONS.iter().find(|option| option.name == name) {
        return format!("takes {}", kind_words(option.kind));
    }
    match nearest(name, OPTIONS.iter().map(|option| option.name)) {
        Some(meant) => format!("is not known to the adapter csv; did you mean `{meant}`?"),
        None => "is not known to the adapter csv".to_owned(),
    }
}

fn kind_words(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::List => "a list of texts",
        OptionKind::Table => "a table of texts",
        OptionKind::Boolean => "true or false",
        _ => "a text",
    }
}

fn row_kind(word: &str) -> Result<RowKind, String> {
    match word {
        "contact" => Ok(RowKind::Contact),
        "event" => Ok(RowKind::Event),
        "task" => Ok(RowKind::Task),
        "row" => Ok(RowKind::Row),
        _ => Err(format!("is \"contact\", \"event\", \"task\" or \"row\", not \"{word}\"")),
    }
}

fn short_rows(word: &str) -> Result<ShortRows, String> {
    match word {
        "refuse" => Ok(ShortRows::Refuse),
        "fill" => Ok(ShortRows::Fill),
        _ => Err(format!("is \"refuse\" or \"fill\", not \"{word}\"")),
    }
}

fn charset(label: &str) -> Result<Charset, String> {
    Charset::named(label).ok_or_else(|| {
        format!("\"{label}\" is no encoding that can be edited in place; use \"utf-8\", \"utf-16le\", \"windows-1252\" or the like")
    })
}

fn delimiter(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab", _) => Ok(b'\t'),
        (_, [byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err(format!("is one character, as \",\", \";\", \"|\" or \"tab\", not \"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: OptionValue) -> Result<Settings, String> {
        Settings::read(&Options::from([(name.to_owned(), value)])).map_err(|error| error.to_string())
    }

    fn text(text: &str) -> OptionValue {
        OptionValue::Text(text.to_owned())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(read("delimiter", text("tab")).unwrap().delimiter, Some(b'\t'));
        assert_eq!(read("key", text("uid")).unwrap().key, ["uid"]);
        assert_eq!(read("encoding", text("latin1")).unwrap().charset.map(Charset::name), Some("windows-1252"));
        assert_eq!(read("short-rows", text("fill")).unwrap().short_rows, ShortRows::Fill);
    }

    #[test]
    fn a_wrong_option_says_what_is_expected() {
        let reason = |name, value| read(name, value).unwrap_err();
        assert_eq!(reason("colums", text("x")), "option `colums`: is not known to the adapter csv; did you mean `columns`?");
        assert_eq!(reason("columns", text("x")), "option `columns`: takes a table of texts");
        assert!(reason("delimiter", text("ab")).contains("one character"));
        assert!(reason("date-format", text("%d")).contains("%d.%m.%Y"));
        assert!(reason("encoding", text("klingon")).contains("\"klingon\""));
    }
}
