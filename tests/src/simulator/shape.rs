//! The shape of an application: how it names items, which fields it holds and how it writes values.

use adapter::{Atomicity, Keys, Profile, View};
use record::{Kind, Pattern, Pointer};

use super::token::Form;

/// How an application names its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// By a UID that is a field too.
    Uid,
    /// By a number of its own, new at every exchange, beside a path that no two items share.
    Path,
    /// Not at all: a row is its content.
    Rows,
}

/// What an application is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How it names its items.
    pub(super) identity: Identity,
    /// How it writes values.
    pub(super) form: Form,
    /// It cannot hold the third field.
    pub(super) narrow: bool,
    /// It holds a repeated part.
    pub(super) parts: bool,
    /// Its items carry a field that changes by itself.
    pub(super) stamped: bool,
    /// All items are in one file.
    pub(super) batch: bool,
}

/// The repeated part and its head.
pub(super) const STEM: &str = "emails";
pub(super) const HEAD: &str = "address";
/// The field that changes by itself.
pub(super) const STAMP: &str = "updated";

const CONTACT: &[&str] = &["name/full", "mailer", "timeZone"];
const FILE: &[&str] = &["cells/a", "cells/b", "cells/c"];

impl Shape {
    /// Returns the kind of its records.
    pub(super) fn kind(&self) -> Kind {
        if self.identity == Identity::Path { Kind::FILE } else { Kind::CONTACT }
    }

    /// Returns the fields with values that users write and see here.
    pub(super) fn slots(&self) -> &'static [&'static str] {
        let all = if self.identity == Identity::Path { FILE } else { CONTACT };
        let held = if self.narrow { 2 } else { 3 };
        all.get(..held).unwrap_or(all)
    }

    /// Returns the field that names an item.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self.identity {
            Identity::Uid => Some("uid"),
            Identity::Path => Some("path"),
            Identity::Rows => None,
        }
    }

    /// Returns what an adapter says of such an application.
    pub(super) fn profile(&self) -> Profile {
        let parts = self.parts.then(|| format!("{STEM}/*/{HEAD}"));
        let plain = self.slots().iter().copied().chain(self.name()).chain(self.stamped.then_some(STAMP)).map(str::to_owned);
        Profile {
            kinds: vec![self.kind()],
            keys: if self.identity == Identity::Rows { Keys::Unstable } else { Keys::Stable },
            atomicity: if self.batch { Atomicity::Batch } else { Atomicity::Item },
            view: View(plain.chain(parts).map(|text| Pattern::new(&text)).collect()),
            volatile: View(self.stamped.then(|| Pattern::new(STAMP)).into_iter().collect()),
            unique: (self.identity == Identity::Path).then(|| Pointer::new("path")),
        }
    }
}
