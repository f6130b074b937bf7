//! What is told of a card before its record is made, and what is wrong with one that cannot be read.

pub(crate) use contentline::text::Text;
pub(crate) use vdir::Fault;

use contentline::content::Content;
use contentline::line::{Line, lines};
use vdir::{Traits, uid_digest};

use crate::unreadable::Unreadable;
use crate::version::Version;

/// What the lines of a card say before they are mapped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glance {
    pub(crate) uid: Option<String>,
    version: Option<Version>,
    title: Option<String>,
    name: Option<String>,
    pub(crate) bare: bool,
}

/// Returns the UID of a card, whole or broken; that of a nested component does not count.
pub(crate) fn uid_of(bytes: &[u8]) -> Option<String> {
    let mut depth = 0_usize;
    for line in lines(bytes) {
        let raw = line.raw(bytes);
        if starts(raw, b"BEGIN:") {
            depth += 1;
        } else if starts(raw, b"END:") {
            depth = depth.saturating_sub(1);
        } else if depth <= 1 && name_of(raw).eq_ignore_ascii_case(b"UID") {
            let uid = Content::of(bytes, &line).value().into_owned();
            if !uid.is_empty() {
                return Some(uid);
            }
        }
    }
    None
}

/// Returns the name of a property without its group.
fn name_of(raw: &[u8]) -> &[u8] {
    let end = raw.iter().position(|byte| matches!(byte, b':' | b';')).unwrap_or(0);
    let name = raw.get(..end).unwrap_or_default();
    name.iter().rposition(|byte| *byte == b'.').and_then(|dot| name.get(dot + 1..)).unwrap_or(name)
}

/// Looks at the lines of a card, whole or broken; those of nested components do not count.
pub(crate) fn glance(bytes: &[u8]) -> Glance {
    let mut seen = Glance::default();
    let mut depth = 0_usize;
    for line in lines(bytes) {
        let raw = line.raw(bytes);
        // A card that is cut off may be followed by another one, which is not nested.
        if starts(raw, b"BEGIN:") {
            depth += 1;
            seen.bare = depth == 1 && line.ending(bytes) == b"\n" || seen.bare;
        } else if starts(raw, b"END:") {
            depth = depth.saturating_sub(1);
        } else if depth <= 1 {
            seen.take(bytes, &line);
        }
    }
    seen
}

impl Glance {
    fn take(&mut self, bytes: &[u8], line: &Line) {
        let raw = line.raw(bytes);
        let name = name_of(raw);
        let told = [&b"UID"[..], b"FN", b"N", b"VERSION"].iter().any(|known| known.eq_ignore_ascii_case(name));
        if !told {
            return;
        }
        let content = Content::of(bytes, line);
        let value = content.value().into_owned();
        match name.to_ascii_uppercase().as_slice() {
            b"UID" if !value.is_empty() && self.uid.is_none() => self.uid = Some(value),
            b"FN" if !value.is_empty() && self.title.is_none() => self.title = Some(value),
            b"N" if self.name.is_none() => self.name = Some(value),
            b"VERSION" if self.version.is_none() => self.version = Version::read(&value),
            _ => {}
        }
    }

    /// Returns what a person calls the card.
    pub(crate) fn title(&self) -> Option<String> {
        let name = self.name.as_ref().map(|name| name.split(';').rev().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
        let title = self.title.clone().or(name)?;
        let title: String = title.chars().filter(|character| !character.is_control()).take(80).collect();
        (!title.trim().is_empty()).then_some(title)
    }

    /// Returns the version; a card that names none is read as 3.0.
    pub(crate) fn version(&self) -> Version {
        self.version.unwrap_or(Version::V3_0)
    }

    /// Returns what a fingerprint keeps of the card.
    pub(crate) fn traits(&self) -> Traits {
        Traits { uid: self.uid.as_deref().map(uid_digest), bare: self.bare, own: self.version().byte() }
    }
}

fn starts(raw: &[u8], word: &[u8]) -> bool {
    raw.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Describes what is wrong with the card that begins on `first` (from 1).
pub(crate) fn fault(bytes: &[u8], first: usize, unreadable: &Unreadable) -> Fault {
    let line = unreadable.line().map_or(first, |line| line + first - 1);
    let reason = match unreadable {
        // The place names the line already.
        Unreadable::Structure(broken) => {
            broken.to_string().split_once(": ").map_or_else(|| broken.to_string(), |(_, reason)| reason.to_owned())
        }
        other => other.to_string(),
    };
    Fault { title: glance(bytes).title(), line: Some(line), reason }
}
