//! Why a command or a job stopped: one sentence, what it means for the data, and what to type next.

use std::fmt::{self, Display, Formatter};

use config::Problems;
use serde_json::{Map, Value, json};

use crate::exit::Exit;

/// Why something stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened: lower-case, fits after "error: ".
    pub(crate) message: String,
    more: Box<More>,
}

#[derive(Debug, Default)]
struct More {
    /// Facts that help to understand, the state of the data first.
    notes: Vec<String>,
    /// What to do next.
    help: Vec<String>,
    /// Further members of the error object, for programs.
    details: Map<String, Value>,
    /// The problems of the configuration, if that is what it is about.
    problems: Option<Problems>,
}

/// The result of what can stop.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Makes a failure of one sentence.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), more: Box::default() }
    }

    /// Makes a failure of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Makes a failure of a file or folder of ours.
    pub(crate) fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Internal, format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// Gives another exit code.
    #[must_use]
    pub(crate) fn exiting(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Adds a fact.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.more.notes.push(note.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.more.help.push(help.into());
        self
    }

    /// Adds a member for programs.
    #[must_use]
    pub(crate) fn detail(mut self, name: &str, value: Value) -> Self {
        self.more.details.insert(name.to_owned(), value);
        self
    }

    /// Puts words before the message.
    #[must_use]
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Returns the error object for programs.
    pub(crate) fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("exit".to_owned(), self.exit.code().into());
        object.insert("message".to_owned(), self.message.clone().into());
        object.insert("notes".to_owned(), self.more.notes.clone().into());
        object.insert("help".to_owned(), self.more.help.clone().into());
        object.extend(self.more.details.clone());
        if let Some(problems) = &self.more.problems {
            object.insert("problems".to_owned(), problems.list().iter().map(problem_json).collect());
        }
        Value::Object(object)
    }
}

fn problem_json(problem: &config::Problem) -> Value {
    json!({
        "kind": problem.kind().name(),
        "message": problem.message(),
        "file": problem.file().display().to_string(),
        "line": problem.location().map(|at| at.line),
        "column": problem.location().map(|at| at.column),
        "notes": problem.notes(),
        "help": problem.helps(),
    })
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let message = problems.list().first().map_or_else(|| "the configuration is wrong".to_owned(), |first| first.message().to_owned());
        Self { more: Box::new(More { problems: Some(problems), ..More::default() }), ..Self::usage(message) }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(problems) = &self.more.problems {
            return write!(f, "{problems}");
        }
        write!(f, "error: {}", visible(&self.message))?;
        let notes = self.more.notes.iter().map(|note| ("note", note));
        for (word, text) in notes.chain(self.more.help.iter().map(|help| ("help", help))) {
            let indent = " ".repeat(word.len() + 6);
            write!(f, "\n  = {word}: {}", visible(text).replace('\n', &format!("\n{indent}")))?;
        }
        Ok(())
    }
}

/// Returns the text as a terminal may show it: names of files can hold anything.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_never_tells_the_terminal_what_to_do() {
        assert_eq!(Failure::usage("no file `\u{1b}[2J`").to_string(), "error: no file `\u{fffd}[2J`");
    }

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let failure = Failure::usage("no job is called `x`").note("jobs: a, b").help("type\nsyncretic status").within("plan");
        let text = "error: plan: no job is called `x`\n  = note: jobs: a, b\n  = help: type\n          syncretic status";
        assert_eq!(failure.to_string(), text);
        assert_eq!(failure.json()["exit"], 2);
    }
}
