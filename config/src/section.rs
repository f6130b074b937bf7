//! One table of the file: its keys in the order they were written, read as the types they must have.

use std::fmt::Display;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::keys;
use crate::printable::quoted;
use crate::problem::{Kind, Problem, Problems};
use crate::source::{Source, Span, Spanned};
use crate::suggest::nearest;

/// The file that is being read and what was found wrong with it so far.
pub(crate) struct Findings<'s> {
    pub(crate) source: &'s Source,
    pub(crate) problems: Problems,
}

impl<'s> Findings<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self { source, problems: Problems::default() }
    }

    /// Reports a problem at a place; `finish` adds its label, notes and help.
    pub(crate) fn report(&mut self, span: Span, kind: Kind, message: impl Display, finish: impl FnOnce(Problem) -> Problem) {
        let source = self.source;
        self.problems.push(|| finish(Problem::at(source, span, kind, message.to_string())));
    }
}

/// A key and its value.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'t> {
    pub(crate) name: &'t str,
    pub(crate) key: Span,
    pub(crate) value: &'t DeValue<'t>,
    pub(crate) at: Span,
}

/// Returns the entries of a table in the order of the file.
pub(crate) fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| Entry { name: key.get_ref(), key: key.span().into(), value: value.get_ref(), at: value.span().into() })
        .collect();
    entries.sort_by_key(|entry| entry.key.start);
    entries
}

/// A table of the file.
pub(crate) struct Section<'t> {
    rules: &'static str,
    place: String,
    /// Where the table begins.
    pub(crate) at: Span,
    /// Its entries, in the order of the file.
    pub(crate) entries: Vec<Entry<'t>>,
}

impl<'t> Section<'t> {
    /// Takes the whole document.
    pub(crate) fn root(table: &'t DeTable<'t>) -> Self {
        let place = "at the top of the file".to_owned();
        Self { rules: keys::ROOT, place, at: Span::default(), entries: entries(table) }
    }

    /// Takes the table `title`, which stands at `at` and follows the rules of `rules`.
    pub(crate) fn new(rules: &'static str, title: &str, at: Span, table: &'t DeTable<'t>) -> Self {
        Self { rules, place: format!("in `{title}`"), at, entries: entries(table) }
    }

    /// Returns where the table is, as a message says it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the entry of that name.
    pub(crate) fn entry(&self, name: &str) -> Option<Entry<'t>> {
        self.entries.iter().find(|entry| entry.name == name).copied()
    }

    /// Reports every key that is not legal here.
    pub(crate) fn reject_unknown(&self, findings: &mut Findings<'_>) {
        for entry in &self.entries {
            if keys::allowed(self.rules).all(|key| key != entry.name) {
                self.unknown(*entry, findings);
            }
        }
    }

    /// Reports one key that is not legal here.
    pub(crate) fn unknown(&self, entry: Entry<'_>, findings: &mut Findings<'_>) {
        let message = format!("unknown key {} {}", quoted(entry.name), self.place);
        let meant = nearest(entry.name, keys::allowed(self.rules));
        findings.report(entry.key, Kind::UnknownKey, message, |problem| {
            let options = if self.rules == keys::ENDPOINT { ", and the adapter's own options" } else { "" };
            let allowed = keys::allowed(self.rules).collect::<Vec<_>>().join(", ");
            let problem = match meant {
                Some(key) => problem.label(format!("did you mean `{key}`?")),
                None => problem.label("not a key of this table"),
            };
            problem.note(format!("keys allowed here: {allowed}{options}")).help(self.advice(entry.name, meant))
        });
    }

    fn advice(&self, name: &str, meant: Option<&str>) -> String {
        if let Some(key) = meant {
            return format!("write `{key}` in its place, then run `syncretic config check`");
        }
        match keys::home(name) {
            Some(table) => format!("`{name}` belongs under `{table}`; move the line there"),
            None if self.rules == keys::JOB => {
                format!("remove the line; an option of an adapter belongs under `{}`", keys::ENDPOINT)
            }
            None => "remove the line, then run `syncretic config check`".to_owned(),
        }
    }

    /// Reads a text that is not empty.
    pub(crate) fn text(&self, name: &str, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
        let entry = self.entry(name)?;
        let DeValue::String(text) = entry.value else {
            self.wrong_type(entry, "text", findings);
            return None;
        };
        if text.trim().is_empty() {
            self.wrong_value(entry, "is empty", "", findings);
            return None;
        }
        Some(Spanned::new(text.clone().into_owned(), entry.at))
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&self, name: &str, findings: &mut Findings<'_>) -> Option<bool> {
        let entry = self.entry(name)?;
        if let DeValue::Boolean(value) = entry.value {
            return Some(*value);
        }
        self.wrong_type(entry, "`true` or `false`, without quotes", findings);
        None
    }

    /// Reads an integer.
    pub(crate) fn integer(&self, name: &str, findings: &mut Findings<'_>) -> Option<Spanned<i64>> {
        let entry = self.entry(name)?;
        let DeValue::Integer(written) = entry.value else {
            self.wrong_type(entry, "an integer, without quotes", findings);
            return None;
        };
        let number = integer(written);
        if number.is_none() {
            self.wrong_value(entry, "is too large", "not a 64-bit integer", findings);
        }
        number.map(|number| Spanned::new(number, entry.at))
    }

    /// Reads a table that follows the rules of `rules`, and rejects its unknown keys.
    pub(crate) fn table(&self, name: &str, (rules, title): (&'static str, &str), findings: &mut Findings<'_>) -> Option<Self> {
        let entry = self.entry(name)?;
        let DeValue::Table(table) = entry.value else {
            self.wrong_shape(entry, "a table", title, findings);
            return None;
        };
        let section = Self::new(rules, title, entry.key, table);
        section.reject_unknown(findings);
        Some(section)
    }

    /// Reports a value of the wrong type, and shows the key's example.
    pub(crate) fn wrong_type(&self, entry: Entry<'_>, wanted: &str, findings: &mut Findings<'_>) {
        self.wrong_shape(entry, wanted, keys::example(self.rules, entry.name), findings);
    }

    /// Reports a value of the wrong type, and shows `example`.
    pub(crate) fn wrong_shape(&self, entry: Entry<'_>, wanted: &str, example: &str, findings: &mut Findings<'_>) {
        let message = format!("{} {} must be {wanted}", quoted(entry.name), self.place);
        let label = format!("this is {}", type_word(entry.value));
        findings.report(entry.at, Kind::WrongType, message, |problem| problem.label(label).help(format!("write `{example}`")));
    }

    /// Reports a value that is not one of the allowed ones: `` `key` in `[table]` `` and what is wrong with it.
    pub(crate) fn wrong_value(&self, entry: Entry<'_>, wrong: &str, label: &str, findings: &mut Findings<'_>) {
        let message = format!("{} {} {wrong}", quoted(entry.name), self.place);
        findings.report(entry.at, Kind::WrongValue, message, |problem| {
            problem.label(label).help(format!("write for instance `{}`", keys::example(self.rules, entry.name)))
        });
    }
}

/// Returns the number, if it fits.
pub(crate) fn integer(written: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(written.as_str(), written.radix()).ok()
}

/// Returns what a message calls a value of this type.
pub(crate) fn type_word(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
