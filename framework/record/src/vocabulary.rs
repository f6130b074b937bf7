//! The vocabulary: every field that formats exchange, as `docs/fields.md` says it.
//!
//! Contacts speak JSContact (RFC 9553), events, tasks, journal entries and calendars JSCalendar (RFC 8984), flattened:
//! arrays are maps, and a repeated part stands below `<stem>/<id>/`. A part exists as long as one of its head fields
//! does. An override of a recurring event is a record of its own below `recurrenceOverrides/<recurrence-id>/`.

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

const LINKS: Part = Part { stem: "links", heads: &["uri"], fields: &[], traits: CONTEXT };
const MEDIA: Part = Part { stem: "media", heads: &["uri", "content"], fields: &["mediaType"], traits: CONTEXT };
const RELATED: Part =
    Part { stem: "relatedTo", heads: &["uri", "name", "uid"], fields: &["relation"], traits: &["relation", "contexts", "pref", "label"] };

/// Every repeated part of contacts and groups, in order of stem.
pub const PARTS: &[Part] = &[
    Part { stem: "addresses", heads: ADDRESS, fields: OF_ADDRESS, traits: CONTEXT },
    Part { stem: "anniversaries", heads: &["date"], fields: &[], traits: CONTEXT },
    Part { stem: "calendars", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "cryptoKeys", heads: &["uri", "content"], fields: &[], traits: CONTEXT },
    Part { stem: "directories", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "emails", heads: &["address"], fields: &[], traits: CONTEXT },
    LINKS,
    MEDIA,
    Part { stem: "members", heads: &["uid"], fields: &[], traits: CONTEXT },
    Part { stem: "notes", heads: &["note"], fields: &[], traits: CONTEXT },
    Part { stem: "onlineServices", heads: &["uri", "user"], fields: &["service"], traits: CONTEXT },
    Part { stem: "organizations", heads: ORGANIZATION, fields: &[], traits: CONTEXT },
    Part { stem: "personalInfo", heads: &["value"], fields: &["level"], traits: CONTEXT },
    Part { stem: "phones", heads: &["number"], fields: &["features/mobile"], traits: PHONE },
    Part { stem: "preferredLanguages", heads: &["language"], fields: &[], traits: CONTEXT },
    Part { stem: "pronouns", heads: &["pronouns"], fields: &[], traits: CONTEXT },
    RELATED,
    Part { stem: "schedulingAddresses", heads: &["uri"], fields: &[], traits: CONTEXT },
    Part { stem: "titles", heads: &["name"], fields: &[], traits: CONTEXT },
];

/// Every repeated part of events, tasks, journal entries and calendars, in order of stem.
pub const EVENT_PARTS: &[Part] = &[
    Part {
        stem: "alerts",
        heads: &["trigger"],
        fields: &["acknowledged", "action", "description", "duration", "relativeTo", "repeat", "title", "uid"],
        traits: &["action", "relativeTo"],
    },
    Part { stem: "attachments", heads: &["uri", "content"], fields: &["mediaType", "title"], traits: &["mediaType"] },
    Part { stem: "comments", heads: &["comment"], fields: &[], traits: &[] },
    Part { stem: "contacts", heads: &["contact"], fields: &[], traits: &[] },
    LINKS,
    Part { stem: "locations", heads: &["name"], fields: &[], traits: &[] },
    MEDIA,
    Part {
        stem: "participants",
        heads: &["calendarAddress"],
        fields: &["email", "expectReply", "kind", "name", "participationStatus", "role", "sentBy"],
        traits: &["kind", "role"],
    },
    RELATED,
    Part { stem: "virtualLocations", heads: &["uri"], fields: &["features/*", "name"], traits: &["features"] },
];

/// Returns the part whose pointers begin with `stem`, within an override or not.
#[must_use]
pub fn part(stem: &str) -> Option<&'static Part> {
    let stem = stem.get(override_length(stem)..)?;
    let find = |parts: &'static [Part]| parts.binary_search_by_key(&stem, |part| part.stem).ok().and_then(|at| parts.get(at));
    find(PARTS).or_else(|| find(EVENT_PARTS))
}

/// The map of the overrides of a recurring event (RFC 8984 §4.3.5).
pub const OVERRIDES: &str = "recurrenceOverrides";

/// Returns the length of `recurrenceOverrides/<recurrence-id>/` where a pointer begins so, else zero.
#[must_use]
pub fn override_length(pointer: &str) -> usize {
    let below = pointer.strip_prefix(OVERRIDES).and_then(|rest| rest.strip_prefix('/'));
    below.and_then(|rest| rest.find('/')).map_or(0, |end| OVERRIDES.len() + 1 + end + 1)
}

/// Tells whether the parts of a stem are verbatim lines or components.
#[must_use]
pub fn is_verbatim(stem: &str) -> bool {
    stem.get(override_length(stem)..).is_some_and(|stem| stem.starts_with("ext/"))
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

/// Fields of an event that stand alone, in order; each of them may stand in an override as well.
pub const EVENT_FIELDS: &[&str] = &[
    "color",
    "created",
    "description",
    "duration",
    "end",
    "endTimeZone",
    "freeBusyStatus",
    "geo",
    "keywords/*",
    "method",
    "organizer/calendarAddress",
    "organizer/email",
    "organizer/name",
    "organizer/sentBy",
    "priority",
    "privacy",
    "recurrenceRule",
    "resources/*",
    "sequence",
    "stamp",
    "start",
    "status",
    "timeZone",
    "timeZones/*",
    "title",
    "uid",
    "updated",
];

/// Fields of a task that stand alone, in order.
pub const TASK_FIELDS: &[&str] = &[
    "color",
    "completed",
    "created",
    "description",
    "due",
    "dueTimeZone",
    "duration",
    "geo",
    "keywords/*",
    "method",
    "organizer/calendarAddress",
    "organizer/email",
    "organizer/name",
    "organizer/sentBy",
    "percentComplete",
    "priority",
    "privacy",
    "progress",
    "recurrenceRule",
    "resources/*",
    "sequence",
    "stamp",
    "start",
    "timeZone",
    "timeZones/*",
    "title",
    "uid",
    "updated",
];

/// Fields of a journal entry that stand alone, in order.
pub const JOURNAL_FIELDS: &[&str] = &[
    "color",
    "created",
    "description",
    "keywords/*",
    "method",
    "organizer/calendarAddress",
    "organizer/email",
    "organizer/name",
    "organizer/sentBy",
    "privacy",
    "recurrenceRule",
    "sequence",
    "stamp",
    "start",
    "status",
    "timeZone",
    "timeZones/*",
    "title",
    "uid",
    "updated",
];

/// Fields of a statement of free and busy times that stand alone, in order.
pub const FREEBUSY_FIELDS: &[&str] = &[
    "end",
    "endTimeZone",
    "method",
    "organizer/calendarAddress",
    "organizer/email",
    "organizer/name",
    "organizer/sentBy",
    "stamp",
    "start",
    "timeZone",
    "timeZones/*",
    "uid",
];

/// Fields of a calendar that stand alone, in order.
pub const CALENDAR_FIELDS: &[&str] = &[
    "calendarScale",
    "color",
    "description",
    "keywords/*",
    "method",
    "prodId",
    "refreshInterval",
    "source",
    "timeZone",
    "timeZones/*",
    "title",
    "uid",
    "updated",
];

/// What an override, or a date that is left out or added, has besides the fields and parts of its record, in order.
pub const OVERRIDE_FIELDS: &[&str] = &["excluded", "range", "recurrenceId", "recurrenceIdTimeZone"];

/// Splits a pointer of a repeated part into stem, id and the rest; the stem begins with the override that it is in.
///
/// Verbatim lines and components of a format are parts too: their stem is `ext/<format>/lines` or
/// `ext/<format>/components`, and they have no rest.
#[must_use]
pub fn split(pointer: &str) -> Option<(&str, &str, &str)> {
    let start = override_length(pointer);
    let own = pointer.get(start..)?;
    if let Some(below) = own.strip_prefix("ext/") {
        let (format, below) = below.split_once('/')?;
        let (place, id) = below.split_once('/')?;
        if !matches!(place, "lines" | "components") || id.contains('/') {
            return None;
        }
        let stem = pointer.get(..start + 4 + format.len() + 1 + place.len())?;
        return Some((stem, id, ""));
    }
    part_of(pointer, start)
}

/// Returns the part that an unmapped parameter belongs to, as format, stem and id: the pointer is
/// `ext/<format>/params/<stem>/<id>/<NAME>`, where the stem begins with the override that the part is in.
#[must_use]
pub fn parameter_owner(pointer: &str) -> Option<(&str, &str, &str)> {
    let (format, below) = pointer.strip_prefix("ext/")?.split_once('/')?;
    let owner = below.strip_prefix("params/")?;
    part_of(owner, override_length(owner)).map(|(stem, id, _)| (format, stem, id))
}

/// Splits a pointer whose stem begins at `start`.
fn part_of(pointer: &str, start: usize) -> Option<(&str, &str, &str)> {
    let (stem, below) = pointer.get(start..)?.split_once('/')?;
    let (id, rest) = below.split_once('/')?;
    part(stem)?;
    Some((pointer.get(..start + stem.len())?, id, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sorted_so_that_they_can_be_found() {
        assert!(PARTS.is_sorted_by_key(|part| part.stem));
        assert!(EVENT_PARTS.is_sorted_by_key(|part| part.stem));
        for fields in [CONTACT_FIELDS, EVENT_FIELDS, TASK_FIELDS, JOURNAL_FIELDS, FREEBUSY_FIELDS, CALENDAR_FIELDS, OVERRIDE_FIELDS] {
            assert!(fields.is_sorted());
        }
        assert!(PARTS.iter().chain(EVENT_PARTS).all(|p| part(p.stem) == Some(p)));
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

    #[test]
    fn parts_within_an_override_are_parts_of_their_own() {
        let at = "recurrenceOverrides/2026-01-01T10:00:00";
        let alert = format!("{at}/alerts/1/trigger");
        assert_eq!(split(&alert), Some((format!("{at}/alerts").as_str(), "1", "trigger")));
        assert_eq!(part(&format!("{at}/alerts")).map(|part| part.stem), Some("alerts"));
        let line = format!("{at}/ext/ical/lines/7");
        let (stem, id, rest) = split(&line).unwrap();
        assert!((id, rest) == ("7", "") && is_verbatim(stem) && stem.ends_with("/ext/ical/lines"));
        assert_eq!(split(&format!("{at}/title")), None);
        assert_eq!(split("recurrenceOverrides/2026-01-01/excluded"), None);
        let parameter = format!("ext/ical/params/{at}/participants/2/X-Q");
        assert_eq!(parameter_owner(&parameter), Some(("ical", format!("{at}/participants").as_str(), "2")));
        assert_eq!(parameter_owner(&format!("ext/ical/params/{at}/title/LANGUAGE")), None);
    }
}
