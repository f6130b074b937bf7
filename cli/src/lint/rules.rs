//! Where the RFCs say it: one table of properties and one of what components must have.

/// What is no matter of an RFC.
pub(crate) const FILE: &str = "a file of this kind";
/// The structure of a card.
pub(crate) const BROKEN_CARD: &str = "RFC 6350 §3.3";
/// The structure of a calendar.
pub(crate) const BROKEN_CALENDAR: &str = "RFC 5545 §3.4";
/// The characters of a card.
pub(crate) const CHARSET_CARD: &str = "RFC 6350 §3.1";
/// The characters of a calendar.
pub(crate) const CHARSET_CALENDAR: &str = "RFC 5545 §3.1.4";
/// A content line of a calendar.
pub(crate) const LINE_CALENDAR: &str = "RFC 5545 §3.1";
/// A parameter of a card.
pub(crate) const PARAMETER: &str = "RFC 6350 §5";
/// The number of properties in a card.
pub(crate) const CARDINALITY: &str = "RFC 6350 §3.3";

/// The properties of cards.
const CARD: &[(&str, &str)] = &[
    ("ADR", "RFC 6350 §6.3.1"),
    ("ANNIVERSARY", "RFC 6350 §6.2.6"),
    ("BDAY", "RFC 6350 §6.2.5"),
    ("BIRTHPLACE", "RFC 6474 §2.1"),
    ("CALADRURI", "RFC 6350 §6.9.2"),
    ("CALURI", "RFC 6350 §6.9.3"),
    ("CATEGORIES", "RFC 6350 §6.7.1"),
    ("CLIENTPIDMAP", "RFC 6350 §6.7.7"),
    ("CREATED", "RFC 9554 §3.1"),
    ("DEATHDATE", "RFC 6474 §2.3"),
    ("DEATHPLACE", "RFC 6474 §2.2"),
    ("EMAIL", "RFC 6350 §6.4.2"),
    ("FBURL", "RFC 6350 §6.9.1"),
    ("FN", "RFC 6350 §6.2.1"),
    ("GENDER", "RFC 6350 §6.2.7"),
    ("GEO", "RFC 6350 §6.5.2"),
    ("GRAMGENDER", "RFC 9554 §3.2"),
    ("IMPP", "RFC 6350 §6.4.3"),
    ("KEY", "RFC 6350 §6.8.1"),
    ("KIND", "RFC 6350 §6.1.4"),
    ("LANG", "RFC 6350 §6.4.4"),
    ("LANGUAGE", "RFC 9554 §3.3"),
    ("LOGO", "RFC 6350 §6.6.3"),
    ("MEMBER", "RFC 6350 §6.6.5"),
    ("N", "RFC 6350 §6.2.2"),
    ("NICKNAME", "RFC 6350 §6.2.3"),
    ("NOTE", "RFC 6350 §6.7.2"),
    ("ORG", "RFC 6350 §6.6.4"),
    ("PHOTO", "RFC 6350 §6.2.4"),
    ("PRODID", "RFC 6350 §6.7.3"),
    ("PRONOUNS", "RFC 9554 §3.4"),
    ("RELATED", "RFC 6350 §6.6.6"),
    ("REV", "RFC 6350 §6.7.4"),
    ("ROLE", "RFC 6350 §6.6.2"),
    ("SOCIALPROFILE", "RFC 9554 §3.5"),
    ("SOUND", "RFC 6350 §6.7.5"),
    ("SOURCE", "RFC 6350 §6.1.3"),
    ("TEL", "RFC 6350 §6.4.1"),
    ("TITLE", "RFC 6350 §6.6.1"),
    ("TZ", "RFC 6350 §6.5.1"),
    ("UID", "RFC 6350 §6.7.6"),
    ("URL", "RFC 6350 §6.7.8"),
    ("VERSION", "RFC 6350 §6.7.9"),
    ("XML", "RFC 6350 §6.1.5"),
];

/// Returns the section about a property of cards, in any case.
pub(crate) fn of_card_property(name: &str) -> &'static str {
    CARD.iter().find(|(property, _)| property.eq_ignore_ascii_case(name)).map_or("RFC 6350 §6", |(_, rule)| rule)
}

/// What each component of a calendar must have.
pub(crate) const REQUIRED: &[(&str, &[&str], &str)] = &[
    ("VCALENDAR", &["PRODID", "VERSION"], "RFC 5545 §3.6"),
    ("VEVENT", &["UID", "DTSTAMP"], "RFC 5545 §3.6.1"),
    ("VTODO", &["UID", "DTSTAMP"], "RFC 5545 §3.6.2"),
    ("VJOURNAL", &["UID", "DTSTAMP"], "RFC 5545 §3.6.3"),
    ("VFREEBUSY", &["UID", "DTSTAMP"], "RFC 5545 §3.6.4"),
    ("VTIMEZONE", &["TZID"], "RFC 5545 §3.6.5"),
    ("STANDARD", &["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"], "RFC 5545 §3.6.5"),
    ("DAYLIGHT", &["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"], "RFC 5545 §3.6.5"),
    ("VALARM", &["ACTION", "TRIGGER"], "RFC 5545 §3.6.6"),
];

/// Properties of which a component may have one at most (RFC 5545 §3.6.1 to §3.6.3).
pub(crate) const ONCE: &[&str] =
    &["UID", "DTSTAMP", "DTSTART", "DTEND", "DUE", "DURATION", "SUMMARY", "LOCATION", "STATUS", "SEQUENCE", "CREATED", "LAST-MODIFIED"];

/// The properties whose values are moments.
pub(crate) const MOMENTS: &[(&str, &str)] =
    &[("DTSTART", "RFC 5545 §3.8.2.4"), ("DTEND", "RFC 5545 §3.8.2.2"), ("DUE", "RFC 5545 §3.8.2.3")];

/// An id of one's own.
pub(crate) const ONE_ID: &str = "RFC 5545 §3.8.4.7";
/// A zone that is defined where it is used, once.
pub(crate) const DEFINED: &str = "RFC 5545 §3.6.5";
/// The parts of a rule.
pub(crate) const RULE: &str = "RFC 5545 §3.3.10";
/// The parts that a rule may have (RFC 5545 §3.3.10, RFC 7529 §4).
pub(crate) const RULE_PARTS: &[&str] = &[
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
    "RSCALE",
    "SKIP",
];
/// The ends that come after their beginning.
pub(crate) const END_LATER: &[(&str, &str)] = &[("DTEND", "RFC 5545 §3.8.2.2"), ("DUE", "RFC 5545 §3.8.2.3")];
