//! Kinds of records: contact, event, row, file, and the reverse-domain names of plugins.

use std::borrow::Cow;
use std::fmt;

/// What a record is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A person or organisation (JSContact, RFC 9553).
    pub const CONTACT: Self = Self(Cow::Borrowed("contact"));
    /// A group of contacts (JSContact, RFC 9553).
    pub const GROUP: Self = Self(Cow::Borrowed("group"));
    /// A calendar event (JSCalendar, RFC 8984).
    pub const EVENT: Self = Self(Cow::Borrowed("event"));
    /// A task (JSCalendar, RFC 8984).
    pub const TASK: Self = Self(Cow::Borrowed("task"));
    /// A journal entry (RFC 5545 §3.6.3).
    pub const JOURNAL: Self = Self(Cow::Borrowed("journal"));
    /// A statement of free and busy times (RFC 5545 §3.6.4).
    pub const FREEBUSY: Self = Self(Cow::Borrowed("freebusy"));
    /// A calendar's own lines and zones.
    pub const CALENDAR: Self = Self(Cow::Borrowed("calendar"));
    /// A row of a table: `cells/<column>`.
    pub const ROW: Self = Self(Cow::Borrowed("row"));
    /// A file: path, content, modified time.
    pub const FILE: Self = Self(Cow::Borrowed("file"));

    /// Makes a kind from its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let known = [&Self::CONTACT, &Self::GROUP, &Self::EVENT, &Self::TASK, &Self::JOURNAL, &Self::CALENDAR, &Self::ROW, &Self::FILE];
        known.into_iter().find(|kind| kind.as_str() == name).cloned().unwrap_or_else(|| Self(Cow::Owned(name.to_owned())))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.0)
    }
}
