//! The vocabulary: every field that formats exchange, as `docs/fields.md` says it.
//!
//! Contacts speak JSContact (RFC 9553), flattened: arrays are maps, and a repeated part
//! stands below `<stem>/<id>/`. A part exists as long as one of its head fields does.

/// A repeated part of a record: `<stem>/<id>/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first segment of its pointers.
    pub stem: &'static str,
    /// The fields that make the part exist; any one does.
    pub heads: &'static [&'static str],
    /// Its other fields, but for those that every part may have.
    pub fields: &'static [&'static str],
    /// The fields that say what it is rather than what its value is: they never tell two parts with one value apart.
    pub traits: &'static [&'static str],
}

const CONTEXT: &[&str] = &["contexts", "pref", "label", "kind"];
const PHONE: &[&str] = &["contexts", "features", "pref", "label"];
const ADDRESS: &[&str] = &[
    "postOfficeBox",
    "apartment",
    "street",
    "locality",
    "region",
    "postcode",
    "country",
    "full",
    "room",
    "apartmentNumber",
    "floor",
    "streetNumber",
    "streetName",
    "building",
    "block",
    "subdistrict",
    "district",
    "landmark",
    "direction",
];
const OF_ADDRESS: &[&str] = &["contexts/billing", "contexts/delivery", "coordinates", "countryCode", "timeZone"];
const ORGANIZATION: &[&str] = &["name", "units/1", "units/2", "units/3", "units/4", "units/5"];

/// Every repeated part, in order of stem.
pub const PARTS: &[Part] = &[
    Part { stem: "addresses", heads: ADDRESS, fields: OF_ADDRESS, traits: CONTEXT },
    Part { stem: "anniversaries", heads: &["date"], fields: &[], traits: CONTEXT },
    Part { stem: "calendars", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "cryptoKeys", heads: &["uri", "content"], fields: &[], traits: CONTEXT },
    Part { stem: "directories", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "emails", heads: &["address"], fields: &[], traits: CONTEXT },
    Part { stem: "links", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "media", heads: &["uri", "content"], fields: &["mediaType"], traits: CONTEXT },
    Part { stem: "members", heads: &["uid"], fields: &[], traits: CONTEXT },
    Part { stem: "notes", heads: &["note"], fields: &[], traits: CONTEXT },
    Part { stem: "onlineServices", heads: &["uri", "user"], fields: &["service"], traits: CONTEXT },
    Part { stem: "organizations", heads: ORGANIZATION, fields: &[], traits: CONTEXT },
    Part { stem: "personalInfo", heads: &["value"], fields: &["level"], traits: CONTEXT },
    Part { stem: "phones", heads: &["number"], fields: &["features/mobile"], traits: PHONE },
    Part { stem: "preferredLanguages", heads: &["language"], fields: &[], traits: CONTEXT },
    Part { stem: "pronouns", heads: &["pronouns"], fields: &[], traits: CONTEXT },
    Part { stem: "relatedTo", heads: &["uri", "name"], fields: &["relation"], traits: &["relation", "contexts", "pref", "label"] },
    Part { stem: "schedulingAddresses", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "titles", heads: &["name"], fields: &[], traits: CONTEXT },
];

/// Returns the part whose pointers begin with `stem`.
#[must_use]
pub fn part(stem: &str) -> Option<&'static Part> {
    PARTS.binary_search_by_key(&stem, |part| part.stem).ok().and_then(|at| PARTS.get(at))
}

/// Fields of a contact that stand alone, in order.
pub const CONTACT_FIELDS: &[&str] = &[
    "birthPlace",
    "created",
    "deathPlace",
    "gender",
    "geo",
    "keywords/*",
    "kind",
    "language",
    "mailer",
    "name/full",
    "name/generation",
    "name/generationMarker",
    "name/given",
    "name/given2",
    "name/phonetic/given",
    "name/phonetic/surname",
    "name/sortAs",
    "name/surname",
    "name/surname2",
    "name/title",
    "nicknames/*",
    "privacy",
    "prodId",
    "speakToAs/grammaticalGender",
    "timeZone",
    "uid",
    "updated",
];

/// Splits a pointer of a repeated part into stem, id and the rest.
///
/// Verbatim lines and components of a format are parts too: their stem is `ext/<format>/lines` or
/// `ext/<format>/components`, and they have no rest.
#[must_use]
pub fn split(pointer: &str) -> Option<(&str, &str, &str)> {
    if let Some(below) = pointer.strip_prefix("ext/") {
        let (format, below) = below.split_once('/')?;
        let (place, id) = below.split_once('/')?;
        if !matches!(place, "lines" | "components") || id.contains('/') {
            return None;
        }
        let stem = pointer.get(..4 + format.len() + 1 + place.len())?;
        return Some((stem, id, ""));
    }
    let (stem, below) = pointer.split_once('/')?;
    let (id, rest) = below.split_once('/')?;
    part(stem).map(|part| (part.stem, id, rest))
}

/// Returns the pointer of the part that an unmapped parameter belongs to, as `phones/1a2b`, and its format:
/// the pointer is `ext/<format>/params/<stem>/<id>/<NAME>`.
#[must_use]
pub fn parameter_owner(pointer: &str) -> Option<(&str, &str, &str)> {
    let (format, below) = pointer.strip_prefix("ext/")?.split_once('/')?;
    let (stem, below) = below.strip_prefix("params/")?.split_once('/')?;
    let (id, _) = below.split_once('/')?;
    part(stem).map(|part| (format, part.stem, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sorted_so_that_they_can_be_found() {
        assert!(PARTS.is_sorted_by_key(|part| part.stem));
        assert!(CONTACT_FIELDS.is_sorted());
        assert!(PARTS.iter().all(|p| part(p.stem) == Some(p)));
    }

    #[test]
    fn a_pointer_of_a_part_is_split() {
        assert_eq!(split("phones/1a/features/mobile"), Some(("phones", "1a", "features/mobile")));
        assert_eq!(split("ext/vcard/lines/7"), Some(("ext/vcard/lines", "7", "")));
        assert_eq!(split("name/full"), None);
        assert_eq!(split("ext/vcard/params/phones/1a/X-Q"), None);
        assert_eq!(parameter_owner("ext/vcard/params/phones/1a/X-Q"), Some(("vcard", "phones", "1a")));
        assert_eq!(parameter_owner("ext/vcard/params/uid/X-Q"), None);
    }
}
