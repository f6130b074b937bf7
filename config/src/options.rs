//! An adapter's own options: handed on as they were written, and held against what an adapter says it expects.

use std::fmt::{self, Display, Formatter};

use toml::de::DeValue;

use crate::problem::Kind;
use crate::section::{Entry, Findings, entries, integer, type_word};
use crate::source::{Span, Spanned};

/// How deep lists and tables may be nested in an option.
const DEPTH: usize = 8;

/// Options by name, in the order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    entries: Vec<(Spanned<String>, Spanned<OptionValue>)>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Spanned<Self>>),
    /// A table, in the order it was written.
    Table(Options),
}

/// The type of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// A text.
    Text,
    /// An integer.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A table.
    Table,
    /// A list that holds nothing but texts; of a value, [`Shape::List`] is said.
    Texts,
    /// A table that holds nothing but texts; of a value, [`Shape::Table`] is said.
    TextTable,
}

impl Display for Shape {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Text => "text",
            Self::Integer => "an integer",
            Self::Boolean => "`true` or `false`",
            Self::List => "a list",
            Self::Table => "a table",
            Self::Texts => "a list of texts",
            Self::TextTable => "a table of texts",
        })
    }
}

/// An option that an adapter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Its name.
    pub name: &'a str,
    /// The types its value may have; none means any.
    pub shapes: &'a [Shape],
    /// The words that a text must be one of; none means any.
    pub choices: &'a [&'a str],
    /// Whether the endpoint is wrong without it.
    pub required: bool,
    /// A line that sets it, for the help; may be empty.
    pub example: &'a str,
}

impl OptionValue {
    /// Returns its type.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Text(_) => Shape::Text,
            Self::Integer(_) => Shape::Integer,
            Self::Boolean(_) => Shape::Boolean,
            Self::List(_) => Shape::List,
            Self::Table(_) => Shape::Table,
        }
    }
}

impl Options {
    /// Returns the names and values in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&Spanned<String>, &Spanned<OptionValue>)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// Returns the value of an option.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Spanned<OptionValue>> {
        self.iter().find(|(written, _)| written.value == name).map(|(_, value)| value)
    }

    /// Returns the number of options.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes those entries that are options; what no option can be is reported.
    pub(crate) fn read<'t>(from: impl IntoIterator<Item = Entry<'t>>, findings: &mut Findings<'_>) -> Self {
        Self { entries: read_entries(from, DEPTH, findings) }
    }
}

fn read_entries<'t>(
    from: impl IntoIterator<Item = Entry<'t>>,
    depth: usize,
    findings: &mut Findings<'_>,
) -> Vec<(Spanned<String>, Spanned<OptionValue>)> {
    from.into_iter()
        .filter_map(|entry| {
            let value = read_value(entry.value, entry.at, depth, findings)?;
            Some((Spanned::new(entry.name.to_owned(), entry.key), Spanned::new(value, entry.at)))
        })
        .collect()
}

fn read_value(value: &DeValue<'_>, at: Span, depth: usize, findings: &mut Findings<'_>) -> Option<OptionValue> {
    match value {
        DeValue::String(text) => Some(OptionValue::Text(text.clone().into_owned())),
        DeValue::Boolean(value) => Some(OptionValue::Boolean(*value)),
        DeValue::Integer(written) => {
            let number = integer(written);
            if number.is_none() {
                refuse(value, at, "an integer of an option must fit 64 bits", findings);
            }
            number.map(OptionValue::Integer)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => {
            refuse(value, at, "an option must be text, an integer, a boolean, a list or a table", findings);
            None
        }
        DeValue::Array(_) | DeValue::Table(_) if depth == 0 => {
            refuse(value, at, &format!("an option is nested deeper than {DEPTH} levels"), findings);
            None
        }
        DeValue::Array(items) => {
            let items = items.iter().filter_map(|item| {
                let at = item.span().into();
                Some(Spanned::new(read_value(item.get_ref(), at, depth - 1, findings)?, at))
            });
            Some(OptionValue::List(items.collect()))
        }
        DeValue::Table(table) => Some(OptionValue::Table(Options { entries: read_entries(entries(table), depth - 1, findings) })),
    }
}

fn refuse(value: &DeValue<'_>, at: Span, message: &str, findings: &mut Findings<'_>) {
    findings.report(at, Kind::WrongType, message, |problem| {
        let problem = problem.label(format!("this is {}", type_word(value)));
        match value {
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Integer(_) => problem.help("put it in quotes"),
            _ => problem.help("write it flatter"),
        }
    });
}
