//! The mapping: one row a property, read in both directions.

use record::Kind;
use std::sync::LazyLock;

/// A set of components, one bit each.
pub(crate) type On = u8;
pub(crate) const EVENT: On = 1;
pub(crate) const TASK: On = 2;
pub(crate) const JOURNAL: On = 4;
pub(crate) const FREEBUSY: On = 8;
pub(crate) const ALARM: On = 16;
/// A VCALENDAR that is a record of its own.
pub(crate) const CALENDAR: On = 32;
/// A VCALENDAR around one event.
pub(crate) const FILE: On = 64;
/// A further VCALENDAR of a file of many items, behind the one that is a record.
pub(crate) const FURTHER: On = 128;
/// Where what a further VCALENDAR says of itself stands, each below its number, from 2.
pub(crate) const CALENDARS: &str = "ext/ical/calendars";
const MOST: On = EVENT | TASK | JOURNAL;
const EACH: On = MOST | FREEBUSY;

/// A component that is a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Component {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its bit.
    pub(crate) on: On,
    /// What it is.
    pub(crate) kind: Kind,
}

/// The components that are records (RFC 5545 §3.6).
pub(crate) static COMPONENTS: &[Component] = &[
    Component { name: "VEVENT", on: EVENT, kind: Kind::EVENT },
    Component { name: "VTODO", on: TASK, kind: Kind::TASK },
    Component { name: "VJOURNAL", on: JOURNAL, kind: Kind::JOURNAL },
    Component { name: "VFREEBUSY", on: FREEBUSY, kind: Kind::FREEBUSY },
];

impl Component {
    /// Returns the component of this name, in any case.
    pub(crate) fn named(name: &[u8]) -> Option<&'static Self> {
        COMPONENTS.iter().find(|one| name.eq_ignore_ascii_case(one.name.as_bytes()))
    }

    /// Returns the component that holds records of this kind.
    pub(crate) fn of(kind: &Kind) -> Option<&'static Self> {
        COMPONENTS.iter().find(|one| one.kind == *kind)
    }
}

/// One property and the fields that it stands for.
#[derive(Debug)]
pub(crate) struct Row {
    /// The property's name.
    pub(crate) property: &'static str,
    /// The components in which the row holds.
    pub(crate) on: On,
    /// The repeated part that each of its lines is; none for fields of the record itself.
    pub(crate) stem: Option<&'static str>,
    /// Whether a component may have one such line only, so that the first one's part is always the same.
    pub(crate) sole: bool,
    /// How the value stands for fields.
    pub(crate) form: Form,
    /// The parameters that are fields.
    pub(crate) parameters: &'static [Parameter],
    /// Whether new lines are written with this property.
    pub(crate) written: bool,
}

/// How a value stands for fields; names are below the part, or below the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Escaped text.
    Text(&'static str),
    /// Text without escapes.
    Plain(&'static str),
    /// A keyword, by these words, or in lower case.
    Keyword(&'static str, Words),
    /// A whole number.
    Integer(&'static str),
    /// A URI.
    Uri(&'static str),
    /// A date, local time or instant, with the field of its zone.
    When(&'static str, &'static str),
    /// The same, where the zone is that of the start unless the field says otherwise.
    Relative(&'static str, &'static str),
    /// An instant.
    Instant(&'static str),
    /// A duration.
    Duration(&'static str),
    /// Words between commas, one field each.
    Set(&'static str),
    /// Dates between commas: `recurrenceOverrides/<date>/excluded` with this value.
    Dates(bool),
    /// A URI, or inline data as a blob.
    Media,
    /// A duration or an instant.
    Trigger,
    /// A position.
    Geo,
    /// The UID of another item, or a URI.
    Related,
}

/// Keywords and the values that they stand for.
pub(crate) type Words = &'static [(&'static str, &'static str)];

/// A parameter that is a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameter {
    /// Any text (RFC 6868).
    Text(&'static str, &'static str),
    /// A keyword.
    Keyword(&'static str, &'static str),
    /// TRUE or FALSE.
    Boolean(&'static str, &'static str),
    /// Words, each a true field below this one.
    Words(&'static str, &'static str),
}

/// Fields that change by themselves: read, and never a reason to write (RFC 5545 §3.8.7).
pub(crate) const VOLATILE: &[&str] = &["created", "prodId", "sequence", "stamp", "updated"];

const ORGANIZER: &[Parameter] =
    &[Parameter::Text("CN", "organizer/name"), Parameter::Text("EMAIL", "organizer/email"), Parameter::Text("SENT-BY", "organizer/sentBy")];
const ATTENDEE: &[Parameter] = &[
    Parameter::Keyword("CUTYPE", "kind"),
    Parameter::Keyword("ROLE", "role"),
    Parameter::Keyword("PARTSTAT", "participationStatus"),
    Parameter::Boolean("RSVP", "expectReply"),
    Parameter::Text("CN", "name"),
    Parameter::Text("EMAIL", "email"),
    Parameter::Text("SENT-BY", "sentBy"),
];
const DOCUMENT: &[Parameter] = &[Parameter::Text("FMTTYPE", "mediaType"), Parameter::Text("FILENAME", "title")];
const IMAGE: &[Parameter] = &[Parameter::Text("FMTTYPE", "mediaType")];
const CONFERENCE: &[Parameter] = &[Parameter::Text("LABEL", "name"), Parameter::Words("FEATURE", "features")];
const RELATION: &[Parameter] = &[Parameter::Keyword("RELTYPE", "relation")];
const TRIGGER: &[Parameter] = &[Parameter::Keyword("RELATED", "relativeTo")];

const CLASSES: Words = &[("CONFIDENTIAL", "secret")];
const TRANSPARENCIES: Words = &[("OPAQUE", "busy"), ("TRANSPARENT", "free")];

/// All rows. Where several can write a field, the first one that is written does.
pub(crate) static ROWS: &[Row] = &[
    one("UID", EACH, Form::Plain("uid")),         // RFC 5545 §3.8.4.7
    one("DTSTAMP", EACH, Form::Instant("stamp")), // §3.8.7.2
    one("RECURRENCE-ID", MOST, Form::Relative("recurrenceId", "recurrenceIdTimeZone")).with(&[Parameter::Keyword("RANGE", "range")]), // §3.8.4.4
    one("DTSTART", EACH, Form::When("start", "timeZone")),                // §3.8.2.4
    one("DTEND", EVENT | FREEBUSY, Form::Relative("end", "endTimeZone")), // §3.8.2.2
    one("DUE", TASK, Form::Relative("due", "dueTimeZone")),               // §3.8.2.3
    one("DURATION", EVENT | TASK, Form::Duration("duration")),            // §3.8.2.5
    one("COMPLETED", TASK, Form::Instant("completed")),                   // §3.8.2.1
    one("RRULE", MOST, Form::Plain("recurrenceRule")),                    // §3.8.5.3
    one("EXDATE", MOST, Form::Dates(true)),                               // §3.8.5.1
    one("RDATE", MOST, Form::Dates(false)),                               // §3.8.5.2
    one("SUMMARY", MOST, Form::Text("title")),                            // §3.8.1.12
    one("DESCRIPTION", MOST, Form::Text("description")),                  // §3.8.1.5
    many("LOCATION", EVENT | TASK, "locations", Form::Text("name"), &[]).sole(), // §3.8.1.7
    one("GEO", EVENT | TASK, Form::Geo),                                  // §3.8.1.6
    many("CONFERENCE", EVENT | TASK, "virtualLocations", Form::Uri("uri"), CONFERENCE), // RFC 7986 §5.11
    many("URL", EACH, "links", Form::Uri("uri"), &[]).sole(),             // §3.8.4.6
    one("CATEGORIES", MOST, Form::Set("keywords")),                       // §3.8.1.2
    one("RESOURCES", EVENT | TASK, Form::Set("resources")),               // §3.8.1.10
    one("STATUS", EVENT | JOURNAL, Form::Keyword("status", &[])),         // §3.8.1.11
    one("STATUS", TASK, Form::Keyword("progress", &[])),                  // §3.8.1.11
    one("PERCENT-COMPLETE", TASK, Form::Integer("percentComplete")),      // §3.8.1.8
    one("PRIORITY", EVENT | TASK, Form::Integer("priority")),             // §3.8.1.9
    one("CLASS", MOST, Form::Keyword("privacy", CLASSES)),                // §3.8.1.3
    one("TRANSP", EVENT, Form::Keyword("freeBusyStatus", TRANSPARENCIES)), // §3.8.2.7
    one("COLOR", MOST, Form::Text("color")),                              // RFC 7986 §5.9
    one("ORGANIZER", EACH, Form::Uri("organizer/calendarAddress")).with(ORGANIZER), // §3.8.4.3
    many("ATTENDEE", EACH, "participants", Form::Uri("calendarAddress"), ATTENDEE), // §3.8.4.1
    many("ATTACH", MOST, "attachments", Form::Media, DOCUMENT),           // §3.8.1.1
    many("IMAGE", MOST, "media", Form::Media, IMAGE),                     // RFC 7986 §5.10
    many("COMMENT", EACH, "comments", Form::Text("comment"), &[]),        // §3.8.1.4
    many("CONTACT", EACH, "contacts", Form::Text("contact"), &[]),        // §3.8.4.2
    many("RELATED-TO", MOST, "relatedTo", Form::Related, RELATION),       // §3.8.4.5
    one("CREATED", MOST, Form::Instant("created")),                       // §3.8.7.1
    one("LAST-MODIFIED", MOST, Form::Instant("updated")),                 // §3.8.7.3
    one("SEQUENCE", MOST, Form::Integer("sequence")),                     // §3.8.7.4
    one("UID", ALARM, Form::Plain("uid")),                                // RFC 9074 §4
    one("ACTION", ALARM, Form::Keyword("action", &[])),                   // §3.8.6.1
    one("TRIGGER", ALARM, Form::Trigger).with(TRIGGER),                   // §3.8.6.3
    one("DESCRIPTION", ALARM, Form::Text("description")),
    one("SUMMARY", ALARM, Form::Text("title")),
    one("DURATION", ALARM, Form::Duration("duration")),
    one("REPEAT", ALARM, Form::Integer("repeat")),                        // §3.8.6.2
    one("ACKNOWLEDGED", ALARM, Form::Instant("acknowledged")),            // RFC 9074 §6.1
    one("METHOD", CALENDAR | FILE, Form::Keyword("method", &[])),         // §3.7.2
    one("PRODID", CALENDAR, Form::Text("prodId")).read(),                 // §3.7.3
    one("CALSCALE", CALENDAR, Form::Keyword("calendarScale", &[])),       // §3.7.1
    one("X-WR-CALNAME", CALENDAR, Form::Text("title")),                   // Apple
    one("X-WR-CALDESC", CALENDAR, Form::Text("description")),             // Apple
    one("X-WR-TIMEZONE", CALENDAR, Form::Text("timeZone")),               // Apple
    one("COLOR", CALENDAR, Form::Text("color")),                          // RFC 7986 §5.9
    one("REFRESH-INTERVAL", CALENDAR, Form::Duration("refreshInterval")), // RFC 7986 §5.7
    one("SOURCE", CALENDAR, Form::Uri("source")),                         // RFC 7986 §5.8
    one("LAST-MODIFIED", CALENDAR, Form::Instant("updated")).read(),      // RFC 7986 §5.4
    many("URL", CALENDAR, "links", Form::Uri("uri"), &[]).sole(),         // RFC 7986 §5.5
    one("CATEGORIES", CALENDAR, Form::Set("keywords")),                   // RFC 7986 §5.6
    many("IMAGE", CALENDAR, "media", Form::Media, IMAGE),                 // RFC 7986 §5.10
];

const fn one(property: &'static str, on: On, form: Form) -> Row {
    Row { property, on, stem: None, sole: false, form, parameters: &[], written: true }
}

const fn many(property: &'static str, on: On, stem: &'static str, form: Form, parameters: &'static [Parameter]) -> Row {
    Row { property, on, stem: Some(stem), sole: false, form, parameters, written: true }
}

impl Row {
    const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    const fn sole(self) -> Self {
        Self { sole: true, ..self }
    }

    const fn read(self) -> Self {
        Self { written: false, ..self }
    }

    /// Returns the row of a property in a component, and its place in the table.
    pub(crate) fn of(property: &[u8], on: On) -> Option<(usize, &'static Self)> {
        let first = property.first()?.to_ascii_uppercase();
        let named = |name: &[u8]| name.first() == Some(&first) && name.eq_ignore_ascii_case(property);
        BY_LENGTH.get(property.len())?.iter().copied().find(|(_, row)| row.on & on != 0 && named(row.property.as_bytes()))
    }

    /// Returns the pointer that the unmapped parameters of a line without a part belong to.
    pub(crate) fn home(&self) -> &'static str {
        match self.form {
            Form::Text(field)
            | Form::Plain(field)
            | Form::Keyword(field, _)
            | Form::Integer(field)
            | Form::Uri(field)
            | Form::When(field, _)
            | Form::Relative(field, _)
            | Form::Instant(field)
            | Form::Duration(field)
            | Form::Set(field) => field,
            Form::Geo => "geo",
            Form::Trigger => "trigger",
            Form::Media | Form::Related => "uri",
            Form::Dates(_) => "excluded",
        }
    }

    /// Returns the fields that a line stands for; `<set>/*` for a set.
    pub(crate) fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = match self.form {
            Form::When(field, zone) | Form::Relative(field, zone) => vec![field.to_owned(), zone.to_owned()],
            Form::Set(field) => vec![format!("{field}/*")],
            Form::Media => vec!["uri".to_owned(), "content".to_owned()],
            Form::Related => vec!["uri".to_owned(), "uid".to_owned()],
            Form::Dates(_) => vec!["recurrenceOverrides/*/excluded".to_owned()],
            _ => vec![self.home().to_owned()],
        };
        fields.extend(self.parameters.iter().map(|one| match one {
            Parameter::Text(_, field) | Parameter::Keyword(_, field) | Parameter::Boolean(_, field) => (*field).to_owned(),
            Parameter::Words(_, field) => format!("{field}/*"),
        }));
        fields
    }

    /// Tells whether its lines are read by another line's zone.
    pub(crate) fn is_relative(&self) -> bool {
        matches!(self.form, Form::Relative(..) | Form::Dates(_))
    }

    /// Tells whether its field changes by itself: an item that exists keeps its own.
    pub(crate) fn is_volatile(&self) -> bool {
        VOLATILE.contains(&self.home())
    }

    /// Tells whether each of several lines holds some of its fields.
    pub(crate) fn is_spread(&self) -> bool {
        matches!(self.form, Form::Set(_) | Form::Dates(_))
    }
}

/// The longest name of a property that has a row.
const LONGEST: usize = 32;

/// The rows by the length of their properties, each with its place.
static BY_LENGTH: LazyLock<Vec<Vec<(usize, &'static Row)>>> = LazyLock::new(|| {
    let of = |length| ROWS.iter().enumerate().filter(|(_, row)| row.property.len() == length).collect();
    (0..=LONGEST).map(of).collect()
});

/// Returns every field that records of some components can hold, as patterns.
pub(crate) fn view(on: On) -> Vec<String> {
    let mut all: Vec<String> = ["ext/ical/**", "timeZones/*"].map(str::to_owned).to_vec();
    if on & MOST != 0 {
        all.push("recurrenceOverrides/**".to_owned());
        all.extend(["lines", "params/*"].map(|place| format!("alerts/*/ext/ical/{place}/*")));
        for row in ROWS.iter().filter(|row| row.on & ALARM != 0) {
            all.extend(row.fields().into_iter().map(|field| format!("alerts/*/{field}")));
        }
    }
    if on & FILE != 0 {
        all.push("ext/vcalendar/**".to_owned());
    }
    for row in ROWS.iter().filter(|row| row.on & on != 0 && !matches!(row.form, Form::Dates(_)) && row.property != "RECURRENCE-ID") {
        match row.stem {
            Some(stem) => all.extend(row.fields().into_iter().map(|field| format!("{stem}/*/{field}"))),
            None => all.extend(row.fields()),
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Returns what changes by itself, as patterns.
pub(crate) fn volatile() -> Vec<String> {
    let own = VOLATILE.iter().flat_map(|field| {
        [(*field).to_owned(), format!("recurrenceOverrides/*/{field}"), format!("ext/ical/params/{field}/*")].into_iter()
    });
    let below = VOLATILE.iter().map(|field| format!("ext/ical/params/recurrenceOverrides/*/{field}/*"));
    own.chain(below).chain(["ext/ical/zones/*".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::vocabulary::{
        CALENDAR_FIELDS, EVENT_FIELDS, EVENT_PARTS, FREEBUSY_FIELDS, JOURNAL_FIELDS, OVERRIDE_FIELDS, TASK_FIELDS, part,
    };
    use std::collections::BTreeSet;

    fn own(on: On) -> BTreeSet<String> {
        let rows = ROWS.iter().filter(|row| row.on & on != 0 && row.stem.is_none() && !matches!(row.form, Form::Dates(_)));
        rows.flat_map(Row::fields).filter(|field| !OVERRIDE_FIELDS.contains(&field.as_str())).collect()
    }

    #[test]
    fn every_field_of_the_vocabulary_has_a_row_and_the_reverse() {
        for (on, fields) in [(EVENT, EVENT_FIELDS), (TASK, TASK_FIELDS), (JOURNAL, JOURNAL_FIELDS), (FREEBUSY, FREEBUSY_FIELDS)] {
            let expected = fields.iter().filter(|field| **field != "timeZones/*").map(|field| (*field).to_owned()).collect();
            assert_eq!(own(on | FILE), expected);
        }
        // What a line of a calendar cannot say: that there is one, and its zones.
        let mut calendar = own(CALENDAR);
        calendar.extend(["uid", "timeZones/*"].map(str::to_owned));
        assert_eq!(calendar, CALENDAR_FIELDS.iter().map(|field| (*field).to_owned()).collect());
    }

    #[test]
    fn every_part_of_the_vocabulary_has_rows_and_the_reverse() {
        let mut stems: BTreeSet<&str> = ROWS.iter().filter_map(|row| row.stem).collect();
        stems.insert("alerts");
        assert_eq!(stems, EVENT_PARTS.iter().map(|part| part.stem).collect());
        for row in ROWS {
            let Some(part) = row.stem.and_then(part) else { continue };
            for field in row.fields() {
                assert!(part.heads.contains(&field.as_str()) || part.fields.contains(&field.as_str()), "{} {field}", part.stem);
            }
        }
    }

    #[test]
    fn rows_are_found_by_their_property_in_any_case() {
        for (place, row) in ROWS.iter().enumerate() {
            let (found, same) = Row::of(row.property.to_ascii_lowercase().as_bytes(), row.on).unwrap();
            assert!(found == place && std::ptr::eq(row, same), "{}", row.property);
        }
        assert!(Row::of(b"X-UNHEARD-OF", EVENT).is_none() && Row::of(b"DUE", EVENT).is_none());
        assert!(Row::of(b"", EVENT).is_none() && Row::of(&[b'X'; 100], EVENT).is_none());
    }

    #[test]
    fn no_two_rows_of_a_component_read_one_property() {
        for on in [EVENT, TASK, JOURNAL, FREEBUSY, ALARM, CALENDAR, FILE] {
            let names: Vec<&str> = ROWS.iter().filter(|row| row.on & on != 0).map(|row| row.property).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        }
    }
}
