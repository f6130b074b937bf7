//! Pointers: the address of a field, a JSON Pointer without its leading slash (RFC 6901, RFC 8620 §5.3).

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;

use smol_str::{SmolStr, SmolStrBuilder};

/// The address of a field in a record, as `phones/1a2b/number`.
///
/// Pointers order by their bytes, so that a part's fields stand together. Most are short and take no memory of their own,
/// and a clone never does.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pointer(SmolStr);

impl Pointer {
    /// Makes a pointer from its text; segments are taken as escaped already.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SmolStr::new(text))
    }

    /// Makes a pointer from a text that the program holds anyway.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(SmolStr::new_static(text))
    }

    /// Makes a pointer from pieces that are escaped already, with a slash between them.
    #[must_use]
    pub fn concat(pieces: &[&str]) -> Self {
        let length = pieces.iter().map(|piece| piece.len() + 1).sum::<usize>().saturating_sub(1);
        let mut text = SmolStrBuilder::with_capacity(length);
        for (place, piece) in pieces.iter().enumerate() {
            if place > 0 {
                text.push('/');
            }
            text.push_str(piece);
        }
        Self(text.finish())
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
        Self(SmolStr::from(text))
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
        Self::concat(&[self.as_str(), rest])
    }

    /// Returns what follows `prefix/`, if this pointer stands below `prefix`.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)?.strip_prefix('/')
    }
}

impl Ord for Pointer {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (self.0.as_bytes(), other.0.as_bytes());
        // Most pairs differ in their first word already, which compares as a number.
        match (one.first_chunk(), other.first_chunk()) {
            (Some(first), Some(second)) if first != second => u64::from_be_bytes(*first).cmp(&u64::from_be_bytes(*second)),
            _ => one.cmp(other),
        }
    }
}

impl PartialOrd for Pointer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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
        Self(SmolStr::from(text))
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
    fn pieces_are_joined_as_they_stand() {
        assert_eq!(Pointer::concat(&["phones", "=a~1b", "number"]), Pointer::new("phones/=a~1b/number"));
        assert_eq!(Pointer::from_static("uid"), Pointer::new("uid"));
        let long = Pointer::new("ext/vcard/params/phones/0123456789abcdef/X-QUESTIONABLE");
        assert_eq!(Pointer::new("ext/vcard/params/phones/0123456789abcdef").join("X-QUESTIONABLE"), long);
    }

    #[test]
    fn pointers_order_by_their_bytes() {
        let texts = ["", "a", "emails/1", "emails/1/address", "emails/10/address", "emails/2", "emails/é", "uid", "ÿ/23456789"];
        for (at, one) in texts.iter().enumerate() {
            for (other_at, other) in texts.iter().enumerate() {
                assert_eq!(Pointer::new(one).cmp(&Pointer::new(other)), at.cmp(&other_at), "{one} {other}");
            }
        }
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
