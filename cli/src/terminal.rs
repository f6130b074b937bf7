//! Where words go: the result to stdout, everything else to stderr, colours only where a person looks.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::arguments::Format;

/// A colour of the eight that every terminal has; symbols and words carry the meaning too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Something new, something in order.
    Green,
    /// Something changed.
    Yellow,
    /// Something gone, something stopped.
    Red,
    /// Something that waits for a decision.
    Magenta,
    /// Something of less weight.
    Dim,
    /// Something of more weight.
    Bold,
}

/// The two streams, and what a person wants to see on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// How results are printed.
    pub(crate) format: Format,
    /// Whether results for people are left out.
    pub(crate) quiet: bool,
    /// How much more than usual is shown.
    pub(crate) verbosity: u8,
    colour: bool,
}

impl Terminal {
    /// Looks at the streams and at the environment.
    pub(crate) fn new(format: Format, quiet: bool, verbosity: u8) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { format, quiet, verbosity, colour: wanted && able && io::stdout().is_terminal() }
    }

    /// Tells whether the result is for people.
    pub(crate) fn human(&self) -> bool {
        self.format == Format::Human
    }

    /// Prints a line of the result for people.
    pub(crate) fn line(&self, line: impl Display) {
        if self.human() && !self.quiet {
            // Nobody reads a closed pipe, and there is nobody else to tell.
            let _ = writeln!(io::stdout().lock(), "{line}");
        }
    }

    /// Prints the whole result for programs, if that is what was asked for.
    pub(crate) fn object(&self, object: &Value) {
        if self.format == Format::Json {
            let _ = writeln!(io::stdout().lock(), "{object:#}");
        }
    }

    /// Tells whether a whole object for programs was asked for.
    pub(crate) fn wants_objects(&self) -> bool {
        self.format == Format::Json
    }

    /// Tells whether events for programs were asked for.
    pub(crate) fn wants_events(&self) -> bool {
        self.format == Format::Ndjson
    }

    /// Prints one event for programs, if that is what was asked for.
    pub(crate) fn event(&self, event: &Value) {
        if self.format == Format::Ndjson {
            let _ = writeln!(io::stdout().lock(), "{event}");
        }
    }

    /// Tells people something that is no result.
    pub(crate) fn note(&self, note: impl Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{note}");
        }
    }

    /// Tells what went wrong, whoever listens.
    pub(crate) fn error(&self, error: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{error}");
    }

    /// Returns the text in a colour, where colours are shown.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Green => 32,
            Paint::Yellow => 33,
            Paint::Red => 31,
            Paint::Magenta => 35,
            Paint::Dim => 2,
            Paint::Bold => 1,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Returns a text from somebody's file as one line that a terminal only shows and never obeys.
pub(crate) fn shown(text: &str) -> String {
    let visible = |character: char| match character {
        '\n' => '\u{23ce}',
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    };
    const LONGEST: usize = 60;
    let mut characters = text.chars().map(visible);
    let start: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() { start + "\u{2026}" } else { start }
}

/// Returns the rows with their columns aligned, two spaces between them; the last column is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter(|row| row.len() > column + 1).filter_map(|row| row.get(column)).map(|cell| measure(cell)).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(measure(cell)))));
        padded.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Counts the characters that a terminal shows: a colour is none.
fn measure(text: &str) -> usize {
    let mut inside = false;
    let seen = |character: &char| {
        let hidden = inside || *character == '\u{1b}';
        inside = hidden && *character != 'm';
        !hidden
    };
    text.chars().filter(seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_whatever_their_colour() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let lines = columns(&[row(&["a", "\u{1b}[31mred\u{1b}[0m", "x"]), row(&["long", "b", "y"]), row(&["a line of its own"])]);
        assert_eq!(lines, ["a      \u{1b}[31mred\u{1b}[0m   x", "long   b     y", "a line of its own"]);
    }

    #[test]
    fn a_terminal_is_never_told_what_to_do_by_a_record() {
        assert_eq!(shown("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{23ce}b");
        assert_eq!(shown(&"x".repeat(61)).chars().count(), 61);
    }
}
