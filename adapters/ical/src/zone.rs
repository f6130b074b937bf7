//! Time zones: the definitions of a file by their TZID, and the names that programs know without one.

use contentline::content::Content;
use contentline::document::Document;
use contentline::parameter;
use record::{Pointer, pointer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// What a TZID means, found in this order; it is never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The file defines it (RFC 5545 §3.6.5).
    Own,
    /// IANA's name, whole or behind a prefix such as `/mozilla.org/20050126_1/`.
    Iana(&'static str),
    /// A name of Windows, for this zone of IANA's.
    Windows(&'static str),
    /// Nobody knows; it is kept as it is.
    Unresolved,
}

/// Finds what a TZID means in a file that defines it or not.
#[must_use]
pub fn resolve(tzid: &str, defined: bool) -> Resolution {
    if defined { Resolution::Own } else { by_name(tzid) }
}

/// Finds what a TZID means by its name alone.
pub(crate) fn by_name(tzid: &str) -> Resolution {
    if let Some((iana, windows)) = names().get(tzid) {
        return if *windows { Resolution::Windows(iana) } else { Resolution::Iana(iana) };
    }
    let suffixes = tzid.match_indices('/').filter_map(|(place, _)| tzid.get(place + 1..)).filter(|suffix| suffix.contains('/'));
    let known = suffixes.filter_map(|suffix| names().get(suffix)).find(|(_, windows)| !windows);
    known.map_or(Resolution::Unresolved, |(iana, _)| Resolution::Iana(iana))
}

/// Returns IANA's zone for each known name, and whether it is a name of Windows.
fn names() -> &'static HashMap<&'static str, (&'static str, bool)> {
    static NAMES: OnceLock<HashMap<&'static str, (&'static str, bool)>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let lines = include_str!("zones.txt").lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split_once('\t').map_or((line, (line, false)), |(name, iana)| (name, (iana, true)))).collect()
    })
}

/// Returns the pointer under which a definition travels: one that everybody knows by name is volatile there.
pub(crate) fn pointer_of(tzid: &str) -> Pointer {
    let stem = if by_name(tzid) == Resolution::Unresolved { "timeZones" } else { "ext/ical/zones" };
    Pointer::from(format!("{stem}/{}", pointer::escape(tzid)))
}

/// Returns the TZID that such a pointer is of.
pub(crate) fn tzid_of(pointer: &Pointer) -> Option<String> {
    let name = pointer.below("timeZones").or_else(|| pointer.below("ext/ical/zones"))?;
    (!name.contains('/')).then(|| pointer::unescape(name).into_owned())
}

/// The definitions of a file; of several with one TZID the first counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    texts: HashMap<String, String>,
}

impl Zones {
    /// Reads the definitions that stand at these places.
    pub(crate) fn read(bytes: &[u8], places: &[Range<usize>]) -> Self {
        let mut zones = Self::default();
        for place in places {
            zones.take(bytes.get(place.clone()).unwrap_or_default());
        }
        zones
    }

    /// Reads one definition.
    pub(crate) fn of(definition: &[u8]) -> Self {
        let mut zones = Self::default();
        zones.take(definition);
        zones
    }

    fn take(&mut self, slice: &[u8]) {
        if let Some((tzid, text)) = definition(slice) {
            self.texts.entry(tzid).or_insert(text);
        }
    }

    /// Returns the text of a definition: its lines, unfolded.
    pub(crate) fn text(&self, tzid: &str) -> Option<&str> {
        self.texts.get(tzid).map(String::as_str)
    }

    /// Adds a definition that is about to be written.
    pub(crate) fn add(&mut self, tzid: &str, text: &str) {
        self.texts.entry(tzid.to_owned()).or_insert_with(|| text.to_owned());
    }

    /// Returns all definitions, in order of TZID.
    pub(crate) fn all(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<(&str, &str)> = self.texts.iter().map(|(tzid, text)| (tzid.as_str(), text.as_str())).collect();
        all.sort_unstable();
        all
    }
}

/// Returns the TZID of a definition, which needs one, and its lines, unfolded.
pub(crate) fn definition(slice: &[u8]) -> Option<(String, String)> {
    let document = Document::read(slice).ok()?;
    let tzid = document.own(0).filter_map(|line| document.content(line)).find(|content| content.is("TZID"))?;
    let tzid = tzid.value().trim().to_owned();
    (!tzid.is_empty()).then(|| (tzid, text_of(&document)))
}

/// Returns the lines of a component, unfolded, without the blank ones.
pub(crate) fn text_of(document: &Document<'_>) -> String {
    let mut text = String::new();
    for content in (0..document.lines().len()).filter_map(|line| document.content(line)) {
        let line = content.text();
        if line.trim().is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&line);
    }
    text
}

/// Returns the TZID parameter of a line as it is meant.
pub(crate) fn tzid_parameter<'c>(content: &'c Content<'_>) -> Option<Cow<'c, str>> {
    let tzid = match content.parameter("TZID")? {
        Cow::Borrowed(raw) => Cow::Borrowed(parameter::unquoted(raw)),
        Cow::Owned(raw) => Cow::Owned(parameter::unquoted(&raw).to_owned()),
    };
    (!tzid.is_empty()).then_some(tzid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_its_definition_then_iana_then_windows_and_never_guessed() {
        assert_eq!(resolve("Europe/Berlin", true), Resolution::Own);
        assert_eq!(resolve("Europe/Berlin", false), Resolution::Iana("Europe/Berlin"));
        assert_eq!(resolve("/mozilla.org/20050126_1/Europe/Berlin", false), Resolution::Iana("Europe/Berlin"));
        assert_eq!(resolve("W. Europe Standard Time", false), Resolution::Windows("Europe/Berlin"));
        for unknown in ["US-Eastern", "Eastern", "GMT +0100", "europe/berlin", "Customized Time Zone", "", "/", "x/EST"] {
            assert_eq!(resolve(unknown, false), Resolution::Unresolved, "{unknown}");
        }
    }

    #[test]
    fn definitions_travel_by_their_names() {
        assert_eq!(pointer_of("Europe/Berlin").as_str(), "ext/ical/zones/Europe~1Berlin");
        assert_eq!(pointer_of("My/Zone").as_str(), "timeZones/My~1Zone");
        assert_eq!(tzid_of(&pointer_of("My/Zone")).as_deref(), Some("My/Zone"));
        let bytes = b"BEGIN:VTIMEZONE\r\nTZID:My \r\n Zone\r\nX:1\r\nEND:VTIMEZONE\r\n";
        let zones = Zones::of(bytes);
        assert_eq!(zones.text("My Zone"), Some("BEGIN:VTIMEZONE\nTZID:My Zone\nX:1\nEND:VTIMEZONE"));
    }
}
