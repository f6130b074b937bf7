//! Tokens: each value that a user writes is written once in a run, so that it can be found again whatever form it takes.

use std::collections::BTreeSet;

use record::{Record, Value};

/// A value that a user wrote, whatever form an application gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Token(pub(super) u32);

/// How an application writes every value that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it came.
    Exact,
    /// In capitals.
    Loud,
    /// With a full stop behind it.
    Stopped,
}

impl Form {
    /// Returns the value that a user of such an application writes.
    pub(super) fn write(self, token: Token) -> Value {
        let plain = format!("v{}@sim.example", token.0);
        Value::Text(match self {
            Self::Exact => plain,
            Self::Loud => plain.to_uppercase(),
            Self::Stopped => format!("{plain}."),
        })
    }

    /// Returns the value as such an application shows it.
    pub(super) fn show(self, value: &Value) -> Value {
        match token(value).filter(|_| self != Self::Exact) {
            Some(token) => self.write(token),
            None => value.clone(),
        }
    }
}

/// Returns the token that a value stands for; names and paths stand for none.
pub(super) fn token(value: &Value) -> Option<Token> {
    let text = value.as_text()?;
    let (number, _) = text.strip_prefix(['v', 'V'])?.split_once('@')?;
    number.parse().ok().map(Token)
}

/// Returns the tokens that a record holds.
pub(super) fn tokens(record: &Record) -> BTreeSet<Token> {
    record.fields.values().filter_map(token).collect()
}
