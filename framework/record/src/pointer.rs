//! Pointers: the address of a field, a JSON Pointer without its leading slash (RFC 6901, RFC 8620 §5.3).

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

/// The address of a field in a record, as `phones/1a2b/number`.
///
/// Pointers order by their bytes, so that a part's fields stand together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Arc<str>);

impl Pointer {
    /// Makes a pointer from its text; segments are taken as escaped already.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Makes a pointer from plain segments, escaping `~` and `/` in each.
    #[must_use]
    pub fn of<'s>(segments: impl IntoIterator<Item = &'s str>) -> Self {
        let mut text = String::new();
        for segment in segments {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(&escape(segment));
        }
        Self(Arc::from(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Iterates over the segments as they stand, escaped.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the pointer `self/rest`.
    #[must_use]
    pub fn join(&self, rest: &str) -> Self {
        Self(Arc::from(format!("{}/{rest}", self.0)))
    }

    /// Returns what follows `prefix/`, if this pointer stands below `prefix`.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)?.strip_prefix('/')
    }
}

impl Borrow<str> for Pointer {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Pointer {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Pointer {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

/// Escapes one segment (RFC 6901 §3).
#[must_use]
pub fn escape(segment: &str) -> Cow<'_, str> {
    if segment.contains(['~', '/']) { Cow::Owned(segment.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(segment) }
}

/// Undoes [`escape`].
#[must_use]
pub fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') { Cow::Owned(segment.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(segment) }
}

/// A set of pointers: `*` stands for one segment, a last `**` for one segment or more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Makes a pattern from its text, as `phones/*/number` or `ext/vcard/**`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether `pointer` is in the set.
    #[must_use]
    pub fn matches(&self, pointer: &Pointer) -> bool {
        // Most patterns of a long list differ from a pointer in the first byte already.
        let first = self.0.as_bytes().first();
        if first != Some(&b'*') && first != pointer.0.as_bytes().first() {
            return false;
        }
        let mut segments = pointer.segments();
        for part in self.0.split('/') {
            match (part, segments.next()) {
                ("**", Some(_)) => return true,
                ("*", Some(_)) => {}
                (part, Some(segment)) if part == segment => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_escaped_and_read_back() {
        let pointer = Pointer::of(["cells", "Home/Work ~1"]);
        assert_eq!(pointer.as_str(), "cells/Home~1Work ~01");
        assert_eq!(pointer.segments().map(|s| unescape(s).into_owned()).collect::<Vec<_>>(), ["cells", "Home/Work ~1"]);
    }

    #[test]
    fn a_pattern_matches_whole_pointers_only() {
        let phone = Pattern::new("phones/*/number");
        assert!(phone.matches(&Pointer::new("phones/a/number")));
        assert!(!phone.matches(&Pointer::new("phones/a")));
        assert!(!phone.matches(&Pointer::new("phones/a/number/x")));
        assert!(Pattern::new("ext/vcard/**").matches(&Pointer::new("ext/vcard/lines/1")));
        assert!(!Pattern::new("ext/vcard/**").matches(&Pointer::new("ext/vcard")));
        assert!(Pattern::new("**").matches(&Pointer::new("uid")));
    }
}
