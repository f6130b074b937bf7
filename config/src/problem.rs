//! What is wrong with a configuration, shown the way a compiler shows it: the place, the line, and what to type next.

use std::fmt::{self, Display, Formatter, Write as _};
use std::path::{Path, PathBuf};

use crate::printable;
use crate::source::{Location, Source, Span};

/// The number of problems that are kept and shown; the rest are counted.
const SHOWN: usize = 50;
/// The number of characters of a line that are shown.
const EXCERPT: usize = 120;
/// The number of characters that stand before the marked ones in a line that is too long to show.
const LEAD: usize = 40;

/// What sort of problem it is: the stable name for programs that read our output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The file cannot be read.
    Unreadable,
    /// The text is not TOML.
    Syntax,
    /// No such key exists here.
    UnknownKey,
    /// A key or table that must be there is not.
    Missing,
    /// The value is of the wrong type.
    WrongType,
    /// The value is of the right type, but not one of those that are allowed.
    WrongValue,
    /// Two things that must differ are the same.
    Duplicate,
    /// An adapter does not accept one of its options.
    Option,
}

impl Kind {
    /// Returns the stable name, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::Missing => "missing",
            Self::WrongType => "wrong-type",
            Self::WrongValue => "wrong-value",
            Self::Duplicate => "duplicate",
            Self::Option => "option",
        }
    }
}

/// One thing that is wrong, where it stands, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render())]
pub struct Problem {
    kind: Kind,
    message: String,
    file: PathBuf,
    spot: Option<Spot>,
    notes: Vec<String>,
    help: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    location: Location,
    excerpt: String,
    before: usize,
    marked: usize,
    label: String,
}

impl Problem {
    /// Reports a problem at a place of the file.
    pub fn at(source: &Source, span: Span, kind: Kind, message: impl Into<String>) -> Self {
        let mut problem = Self::with_file(source.file(), kind, message);
        problem.spot = Some(Spot::new(source, span));
        problem
    }

    /// Reports a problem with the file as a whole.
    pub fn with_file(file: &Path, kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), file: file.to_owned(), spot: None, notes: Vec::new(), help: Vec::new() }
    }

    /// Adds the words that stand beside the marker; without a place they are dropped.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        if let Some(spot) = &mut self.spot {
            spot.label = label.into();
        }
        self
    }

    /// Adds a fact that helps to understand; further lines of it are indented.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to type next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Returns what sort of problem it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the problem in one sentence, without its place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the file that it is about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the line and the column, unless the whole file is meant.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.spot.as_ref().map(|spot| spot.location)
    }

    /// Returns the facts that help to understand.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns what to type next.
    #[must_use]
    pub fn helps(&self) -> &[String] {
        &self.help
    }

    fn render(&self) -> String {
        let gutter = self.spot.as_ref().map_or(1, |spot| spot.location.line.to_string().len());
        let margin = " ".repeat(gutter);
        let file = printable::line(&self.file.display().to_string());
        let mut out = format!("error: {}\n{margin}--> {file}", self.message);
        if let Some(spot) = &self.spot {
            spot.render(&margin, &mut out);
        }
        let notes = self.notes.iter().map(|note| ("note", note));
        let help = self.help.iter().map(|help| ("help", help));
        for (word, text) in notes.chain(help) {
            let text = text.replace('\n', &format!("\n{margin}           "));
            let _ = write!(out, "\n{margin} = {word}: {text}");
        }
        out
    }
}

impl Spot {
    fn new(source: &Source, span: Span) -> Self {
        let location = source.location(span);
        let line = source.line(span);
        let before = location.column - 1;
        let skipped = if line.chars().nth(EXCERPT).is_some() { before.saturating_sub(LEAD) } else { 0 };
        let mut rest = line.chars().skip(skipped);
        let mut excerpt: String = rest.by_ref().take(EXCERPT).map(printable::visible).collect();
        if rest.next().is_some() {
            excerpt.push_str("...");
        }
        let cut = if skipped > 0 { "..." } else { "" };
        Self {
            location,
            excerpt: format!("{cut}{excerpt}"),
            before: before - skipped + cut.len(),
            marked: source.width(span).min(EXCERPT - LEAD),
            label: String::new(),
        }
    }

    fn render(&self, margin: &str, out: &mut String) {
        let Location { line, column } = self.location;
        let excerpt = if self.excerpt.is_empty() { String::new() } else { format!(" {}", self.excerpt) };
        let (space, marker) = (" ".repeat(self.before), "^".repeat(self.marked));
        let label = if self.label.is_empty() { String::new() } else { format!(" {}", self.label) };
        let _ = write!(out, ":{line}:{column}\n{margin} |\n{line} |{excerpt}\n{margin} | {space}{marker}{label}");
    }
}

/// Everything that is wrong with a configuration, in the order of the file; never empty where it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Returns the problems that were kept: the first fifty.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Returns how many problems there are, those not kept included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }

    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a problem; it is only counted when there are many already.
    pub fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.list.len() < SHOWN {
            self.list.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// Puts the problems in the order of the file.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|problem| problem.location().map(|at| (at.line, at.column)));
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], more: 0 }
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        problems.into_iter().for_each(|problem| self.push(|| problem));
    }
}

impl Display for Problems {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            write!(out, "{problem}\n\n")?;
        }
        let Some(first) = self.list.first() else {
            return Ok(());
        };
        let file = printable::line(&first.file.display().to_string());
        match self.count() {
            1 => write!(out, "nothing was synced: 1 problem in {file}"),
            count if self.more > 0 => write!(out, "nothing was synced: {count} problems in {file}, the first {SHOWN} shown"),
            count => write!(out, "nothing was synced: {count} problems in {file}"),
        }
    }
}

impl std::error::Error for Problems {}
