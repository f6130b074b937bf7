//! An adapter's own options: handed on as they were written, and held against what an adapter says it expects.

use std::fmt::{self, Display, Formatter};

use toml::de::DeValue;

use crate::job::Endpoint;
use crate::printable::quoted;
use crate::problem::{Kind, Problem};
use crate::section::{Entry, Findings, entries, integer, type_word};
use crate::source::{Source, Span, Spanned};
use crate::suggest::nearest;

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

impl Endpoint {
    /// Holds the options against what the adapter accepts, and returns a problem for each that does not fit.
    #[must_use]
    pub fn check(&self, source: &Source, expected: &[Expected<'_>]) -> Vec<Problem> {
        let written = self.options.iter().filter_map(|(name, value)| match expected.iter().find(|option| option.name == name.value) {
            None => Some(self.unknown_option(source, name, expected)),
            Some(option) => self.wrong_shape(source, value, option),
        });
        let missing = expected.iter().filter(|option| option.required && self.options.value(option.name).is_none());
        written.chain(missing.map(|option| self.missing_option(source, option))).collect()
    }

    /// Reports what an adapter says about one of its options, or about a part of it: `["columns", "Mobile"]`.
    ///
    /// Without such an option the endpoint's adapter is marked.
    #[must_use]
    pub fn wrong_option(&self, source: &Source, option: &[&str], message: impl Into<String>) -> Problem {
        let mut span = self.adapter.span;
        let mut within = Some(&self.options);
        for name in option {
            let Some(value) = within.and_then(|options| options.value(name)) else {
                break;
            };
            span = value.span;
            within = if let OptionValue::Table(inner) = &value.value { Some(inner) } else { None };
        }
        Problem::at(source, span, Kind::Option, message)
    }

    /// Reports that no adapter of the written name is known.
    #[must_use]
    pub fn unknown_adapter(&self, source: &Source, known: &[&str]) -> Problem {
        let message = format!("no adapter is called {}", quoted(&self.adapter));
        let problem = Problem::at(source, self.adapter.span, Kind::WrongValue, message);
        let problem = problem.note(format!("adapters: {}", known.join(", ")));
        match nearest(&self.adapter, known.iter().copied()) {
            Some(name) => problem.label(format!("did you mean `{name}`?")).help(format!("write `adapter = \"{name}\"`")),
            None => problem.help("write one of the adapters above, then run `syncretic config check`"),
        }
    }

    fn unknown_option(&self, source: &Source, name: &Spanned<String>, expected: &[Expected<'_>]) -> Problem {
        let adapter = quoted(&self.adapter);
        let message = format!("adapter {adapter} has no option {}", quoted(name));
        let problem = Problem::at(source, name.span, Kind::Option, message);
        let names: Vec<_> = expected.iter().map(|option| option.name).collect();
        let problem = match names.as_slice() {
            [] => problem.note(format!("adapter {adapter} has no options")),
            names => problem.note(format!("options of {adapter}: {}", names.join(", "))),
        };
        match nearest(name, names.iter().copied().chain(["name", "adapter", "path"])) {
            Some(meant) => problem.label(format!("did you mean `{meant}`?")).help(format!("write `{meant}` in its place")),
            None => problem.label("not an option").help("remove the line, then run `syncretic config check`"),
        }
    }

    fn wrong_shape(&self, source: &Source, value: &Spanned<OptionValue>, option: &Expected<'_>) -> Option<Problem> {
        let Some((span, found)) = misfit(value, option.shapes) else {
            return self.wrong_choice(source, value, option);
        };
        let wanted: Vec<_> = option.shapes.iter().map(Shape::to_string).collect();
        let message = format!("option `{}` of adapter {} must be {}", option.name, quoted(&self.adapter), wanted.join(" or "));
        let problem = Problem::at(source, span, Kind::Option, message).label(format!("this is {found}"));
        Some(with_example(problem, option))
    }

    fn wrong_choice(&self, source: &Source, value: &Spanned<OptionValue>, option: &Expected<'_>) -> Option<Problem> {
        let OptionValue::Text(text) = &value.value else {
            return None;
        };
        if option.choices.is_empty() || option.choices.contains(&text.as_str()) {
            return None;
        }
        let message = format!("option `{}` of adapter {} cannot be {}", option.name, quoted(&self.adapter), quoted(text));
        let problem = Problem::at(source, value.span, Kind::Option, message).note(format!("it is one of: {}", option.choices.join(", ")));
        Some(match nearest(text, option.choices.iter().copied()) {
            Some(word) => problem.label(format!("did you mean `{word}`?")).help(format!("write `{} = \"{word}\"`", option.name)),
            None => problem.help("write one of the words above, then run `syncretic config check`"),
        })
    }

    fn missing_option(&self, source: &Source, option: &Expected<'_>) -> Problem {
        let message = format!("adapter {} needs the option `{}`", quoted(&self.adapter), option.name);
        let problem = Problem::at(source, self.adapter.span, Kind::Option, message);
        with_example(problem.label("this adapter"), option)
    }
}

/// Returns the place and the type of what fits none of the shapes, if anything does not.
fn misfit(value: &Spanned<OptionValue>, shapes: &[Shape]) -> Option<(Span, Shape)> {
    let found = value.shape();
    if shapes.is_empty() || shapes.contains(&found) {
        return None;
    }
    let not_text = |inner: &&Spanned<OptionValue>| inner.shape() != Shape::Text;
    let inner = match &value.value {
        OptionValue::List(items) if shapes.contains(&Shape::Texts) => items.iter().find(not_text),
        OptionValue::Table(table) if shapes.contains(&Shape::TextTable) => table.iter().map(|(_, inner)| inner).find(not_text),
        _ => Some(value),
    };
    inner.map(|inner| (inner.span, inner.shape()))
}

fn with_example(problem: Problem, option: &Expected<'_>) -> Problem {
    if option.example.is_empty() { problem } else { problem.help(format!("write for instance `{}`", option.example)) }
}
