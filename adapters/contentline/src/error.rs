//! What can be wrong with the structure of a file, and with a line that is to be written.

use thiserror::Error;

/// Why the components of a file cannot be told apart; lines are physical and count from 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// The file ends, or the next item begins, before a component is closed.
    #[error("line {line}: BEGIN:{name} has no END:{name}; the item is cut off")]
    Unclosed {
        /// Where the component begins.
        line: usize,
        /// The component's name.
        name: String,
    },
    /// An END stands where nothing is open.
    #[error("line {line}: END:{name} without a BEGIN:{name}")]
    Unopened {
        /// Where the END stands.
        line: usize,
        /// The name that it closes.
        name: String,
    },
    /// An END closes another component than the innermost open one.
    #[error("line {line}: found END:{found}, expected END:{expected}")]
    Mismatched {
        /// Where the END stands.
        line: usize,
        /// The innermost open component.
        expected: String,
        /// The name that the END closes.
        found: String,
    },
    /// Components are nested deeper than any real file does.
    #[error("line {line}: components are nested deeper than {limit}")]
    TooDeep {
        /// Where the first BEGIN beyond the limit stands.
        line: usize,
        /// The deepest nesting that is read.
        limit: usize,
    },
    /// Text stands outside every component.
    #[error("line {line}: text outside of BEGIN and END")]
    Outside {
        /// Where the text begins.
        line: usize,
    },
    /// Nothing but blank lines.
    #[error("there is nothing in it; it may have been cut off")]
    Empty,
}

impl Broken {
    /// Returns the physical line that the fault was found on, if there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unclosed { line, .. }
            | Self::Unopened { line, .. }
            | Self::Mismatched { line, .. }
            | Self::TooDeep { line, .. }
            | Self::Outside { line } => Some(*line),
            Self::Empty => None,
        }
    }

    /// Returns the same fault with its line moved down by `lines`.
    #[must_use]
    pub fn moved(mut self, lines: usize) -> Self {
        match &mut self {
            Self::Unclosed { line, .. }
            | Self::Unopened { line, .. }
            | Self::Mismatched { line, .. }
            | Self::TooDeep { line, .. }
            | Self::Outside { line } => *line = line.saturating_add(lines),
            Self::Empty => {}
        }
        self
    }
}

/// Why a line cannot be written so that it reads back the same.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unwritable {
    /// The charset of the line or file lacks a character.
    #[error("{charset} cannot hold the character {character:?}")]
    Charset {
        /// The first character that it lacks.
        character: char,
        /// The name of the charset.
        charset: &'static str,
    },
    /// The bytes of the text would be read as UTF-8, and so as another text.
    #[error("the text would be read back as UTF-8 and not as {charset}")]
    Ambiguous {
        /// The name of the charset.
        charset: &'static str,
    },
    /// A bare line break would end the line.
    #[error("the value holds a bare line break, which the format cannot carry")]
    LineBreak,
    /// A line that is empty or begins with a blank would continue the line before it.
    #[error("the line is empty or begins with a blank, and would belong to the line before it")]
    Blank,
    /// A quoted-printable line that ends in `=` would swallow the line after it.
    #[error("a quoted-printable value that ends in `=` would swallow the next line")]
    Dangling,
    /// A parameter value holds a control character.
    #[error("a parameter cannot hold the character {character:?}")]
    Parameter {
        /// The first such character.
        character: char,
    },
}

/// Why a file that looks like UTF-16 cannot be decoded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("byte {offset}: the file begins as UTF-16, but this is not UTF-16")]
pub struct NotUtf16 {
    /// Where the first unit that is no character stands.
    pub offset: usize,
}
