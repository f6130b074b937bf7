//! The mapping: one row a property, read in both directions.

use crate::version::{self, Version};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One property and the fields that it stands for.
#[derive(Debug)]
pub(crate) struct Row {
    /// The property's name.
    pub(crate) property: &'static str,
    /// The repeated part that each of its lines is; none for fields of the record itself.
    pub(crate) stem: Option<&'static str>,
    /// How the value stands for fields.
    pub(crate) form: Form,
    /// A field with a constant value, by which several properties share a stem.
    pub(crate) fixed: Option<(&'static str, &'static str)>,
    /// The parameters that are fields.
    pub(crate) parameters: &'static [Parameter],
    /// The versions in which a new line is written with this property; lines that exist are read in all.
    pub(crate) written: &'static [Version],
}

/// How a value stands for fields; names are below the part, or below the record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Escaped text.
    Text(&'static str),
    /// Text without escapes.
    Plain(&'static str),
    /// Text without escapes that is a URI in 4.0 unless it says otherwise.
    Uid(&'static str),
    /// A keyword, in lower case in the field.
    Keyword(&'static str),
    /// A URI.
    Uri(&'static str),
    /// A telephone number, as text or as a `tel:` URI.
    Phone(&'static str),
    /// A date, or any text.
    Date(&'static str),
    /// A place.
    Place(&'static str),
    /// Components between semicolons, one field each; a new line has at least as many as the number says.
    Parts(&'static [&'static str], usize),
    /// Words between commas, one field each.
    Set(&'static str),
    /// A URI, or inline data as a blob.
    Media,
    /// A URI in `uri`, or a text in this field.
    Either(&'static str),
    /// A text, or a URI, in one field.
    TextOrUri(&'static str),
}

/// A parameter that is a field.
#[derive(Debug)]
pub(crate) enum Parameter {
    /// TYPE: each word is a true field; PREF is `pref` = 1.
    Words(&'static [(&'static str, &'static str)]),
    /// TYPE: the one word is the value of the field, in lower case.
    Word(&'static str),
    /// TYPE or MEDIATYPE: the media type, of this family where only the subtype is named.
    MediaType(&'static str),
    /// PREF: a number.
    Preference,
    /// Any text (RFC 6868), from these versions on.
    Text(&'static str, &'static str, &'static [Version]),
}

/// A line that belongs to another through their group, and stands for one of its fields.
#[derive(Debug)]
pub(crate) struct Companion {
    /// The property's name as it is written.
    pub(crate) property: &'static str,
    /// The field below the part.
    pub(crate) field: &'static str,
    /// The stem of the parts that can have it; none for all.
    pub(crate) stem: Option<&'static str>,
    /// The greatest number of characters that the field takes; zero for any.
    pub(crate) longest: usize,
    /// The versions in which a new line of it is written; those that exist are read in all.
    pub(crate) written: &'static [Version],
}

/// Apple's companions; some writers put whole addresses where the country code belongs, and those stay lines. `X-ABLabel` values such as `_$!<HomePage>!$_` are kept as they are.
pub(crate) static COMPANIONS: &[Companion] = &[
    Companion { property: "X-ABLabel", field: "label", stem: None, longest: 0, written: version::ALL },
    Companion { property: "X-ABADR", field: "countryCode", stem: Some("addresses"), longest: 2, written: OLD },
];

/// Fields that change by themselves: read, and never a reason to write.
pub(crate) const VOLATILE: &[&str] = &["prodId", "updated"];

const OLD: &[Version] = &[Version::V2_1, Version::V3_0];
const NEW: &[Version] = &[Version::V4_0];
const LATER: &[Version] = &[Version::V3_0, Version::V4_0];
const READ_ONLY: &[Version] = &[];

const CONTEXT: &[Parameter] = &[HOME_OR_WORK, Parameter::Preference];
const ADDRESS: &[Parameter] = &[
    Parameter::Words(&[
        ("HOME", "contexts/private"),
        ("WORK", "contexts/work"),
        ("BILLING", "contexts/billing"),
        ("DELIVERY", "contexts/delivery"),
    ]),
    Parameter::Preference,
    Parameter::Text("LABEL", "full", LATER),
    Parameter::Text("CC", "countryCode", NEW),
    Parameter::Text("GEO", "coordinates", NEW),
    Parameter::Text("TZ", "timeZone", NEW),
];
const PHONE: &[Parameter] = &[
    Parameter::Words(&[
        ("HOME", "contexts/private"),
        ("WORK", "contexts/work"),
        ("CELL", "features/mobile"),
        ("VOICE", "features/voice"),
        ("FAX", "features/fax"),
        ("PAGER", "features/pager"),
        ("VIDEO", "features/video"),
        ("TEXT", "features/text"),
        ("TEXTPHONE", "features/textphone"),
        ("MAIN", "features/main"),
    ]),
    Parameter::Preference,
];
const HOME_OR_WORK: Parameter = Parameter::Words(&[("HOME", "contexts/private"), ("WORK", "contexts/work")]);
/// RFC 9554 §4.9 and §4.10, and what was written before it.
const SERVICE: &[Parameter] = &[
    HOME_OR_WORK,
    Parameter::Preference,
    Parameter::Text("SERVICE-TYPE", "service", NEW),
    Parameter::Text("X-SERVICE-TYPE", "service", version::ALL),
    Parameter::Text("USERNAME", "user", NEW),
];
/// Apple names the service by TYPE.
const PROFILE: &[Parameter] = &[
    HOME_OR_WORK,
    Parameter::Preference,
    Parameter::Word("service"),
    Parameter::Text("X-SERVICE-TYPE", "service", version::ALL),
    Parameter::Text("X-USER", "user", version::ALL),
];
const SKILL: &[Parameter] = &[HOME_OR_WORK, Parameter::Preference, Parameter::Text("LEVEL", "level", version::ALL)];
const SORTED: &[Parameter] = &[Parameter::Text("SORT-AS", "name/sortAs", NEW)];
const RELATIVE: &[Parameter] = &[HOME_OR_WORK, Parameter::Word("relation"), Parameter::Preference];
const RELATION: &[Parameter] = &[Parameter::Word("relation"), Parameter::Preference];
const IMAGE: &[Parameter] = &[Parameter::MediaType("image"), Parameter::Preference];
const AUDIO: &[Parameter] = &[Parameter::MediaType("audio"), Parameter::Preference];

/// RFC 6350 §6.2.2; the last two are those of RFC 9554 §2.2.
const NAME: &[&str] =
    &["name/surname", "name/given", "name/given2", "name/title", "name/generation", "name/surname2", "name/generationMarker"];
/// RFC 6350 §6.3.1; from `room` on those of RFC 9554 §2.1.
const PLACE: &[&str] = &[
    "postOfficeBox",
    "apartment",
    "street",
    "locality",
    "region",
    "postcode",
    "country",
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
const UNITS: &[&str] = &["name", "units/1", "units/2", "units/3", "units/4", "units/5"];

/// All rows. Where several can write a field, the first one that is written in the version does.
pub(crate) static ROWS: &[Row] = &[
    one("UID", Form::Uid("uid")),                                                  // RFC 6350 §6.7.6
    one("KIND", Form::Keyword("kind")).only(NEW),                                  // §6.1.4
    one("X-ADDRESSBOOKSERVER-KIND", Form::Keyword("kind")).only(OLD),              // Apple
    one("FN", Form::Text("name/full")),                                            // §6.2.1
    one("N", Form::Parts(NAME, 5)).with(SORTED),                                   // §6.2.2
    one("SORT-STRING", Form::Text("name/sortAs")).only(OLD),                       // RFC 2426 §3.6.5
    one("X-PHONETIC-FIRST-NAME", Form::Text("name/phonetic/given")),               // Apple
    one("X-PHONETIC-LAST-NAME", Form::Text("name/phonetic/surname")),              // Apple
    one("NICKNAME", Form::Set("nicknames")),                                       // §6.2.3
    many("ORG", "organizations", Form::Parts(UNITS, 0), CONTEXT),                  // §6.6.4
    many("TITLE", "titles", Form::Text("name"), CONTEXT),                          // §6.6.1
    many("ROLE", "titles", Form::Text("name"), CONTEXT).fixed("kind", "role"),     // §6.6.2
    many("EMAIL", "emails", Form::Text("address"), CONTEXT),                       // §6.4.2
    many("TEL", "phones", Form::Phone("number"), PHONE),                           // §6.4.1
    many("ADR", "addresses", Form::Parts(PLACE, 7), ADDRESS),                      // §6.3.1
    many("LABEL", "addresses", Form::Text("full"), ADDRESS).only(OLD),             // RFC 2426 §3.2.2
    many("URL", "links", Form::Uri("uri"), CONTEXT),                               // §6.7.8
    many("BDAY", "anniversaries", Form::Date("date"), &[]).fixed("kind", "birth"), // §6.2.5
    many("ANNIVERSARY", "anniversaries", Form::Date("date"), &[]).fixed("kind", "wedding").only(NEW), // §6.2.6
    many("X-ANNIVERSARY", "anniversaries", Form::Date("date"), &[]).fixed("kind", "wedding").only(OLD),
    many("X-EVOLUTION-ANNIVERSARY", "anniversaries", Form::Date("date"), &[]).fixed("kind", "wedding").only(READ_ONLY),
    many("X-MS-ANNIVERSARY", "anniversaries", Form::Date("date"), &[]).fixed("kind", "wedding").only(READ_ONLY),
    many("DEATHDATE", "anniversaries", Form::Date("date"), &[]).fixed("kind", "death"), // RFC 6474 §2.3
    many("X-ABDATE", "anniversaries", Form::Date("date"), CONTEXT),                     // Apple
    many("NOTE", "notes", Form::Text("note"), &[]),                                     // §6.7.2
    one("CATEGORIES", Form::Set("keywords")),                                           // §6.7.1
    many("SOCIALPROFILE", "onlineServices", Form::Either("user"), SERVICE).fixed("kind", "socialProfile").only(NEW), // RFC 9554 §3.5
    many("X-SOCIALPROFILE", "onlineServices", Form::Either("user"), PROFILE).fixed("kind", "socialProfile").only(OLD), // Apple
    many("IMPP", "onlineServices", Form::Uri("uri"), SERVICE),                          // §6.4.3
    service("X-AIM", "AIM"),
    service("X-GOOGLE-TALK", "Google Talk"),
    service("X-ICQ", "ICQ"),
    service("X-JABBER", "Jabber"),
    service("X-MSN", "MSN"),
    service("X-SKYPE", "Skype"),
    service("X-TWITTER", "Twitter"),
    service("X-YAHOO", "Yahoo"),
    many("X-ABRELATEDNAMES", "relatedTo", Form::Text("name"), RELATIVE).only(OLD), // Apple
    many("RELATED", "relatedTo", Form::Either("name"), RELATION),                  // §6.6.6
    many("MEMBER", "members", Form::Plain("uid"), &[]).only(NEW),                  // §6.6.5
    many("X-ADDRESSBOOKSERVER-MEMBER", "members", Form::Plain("uid"), &[]).only(OLD), // Apple
    many("LANG", "preferredLanguages", Form::Plain("language"), CONTEXT),          // §6.4.4
    many("PHOTO", "media", Form::Media, IMAGE).fixed("kind", "photo"),             // §6.2.4
    many("LOGO", "media", Form::Media, IMAGE).fixed("kind", "logo"),               // §6.6.3
    many("SOUND", "media", Form::Media, AUDIO).fixed("kind", "sound"),             // §6.7.5
    many("KEY", "cryptoKeys", Form::Media, CONTEXT),                               // §6.8.1
    many("CALURI", "calendars", Form::Uri("uri"), CONTEXT).fixed("kind", "calendar"), // §6.9.3
    many("FBURL", "calendars", Form::Uri("uri"), CONTEXT).fixed("kind", "freeBusy"), // §6.9.1
    many("CALADRURI", "schedulingAddresses", Form::Uri("uri"), CONTEXT),           // §6.9.2
    many("SOURCE", "directories", Form::Uri("uri"), CONTEXT).fixed("kind", "entry"), // §6.1.3
    many("ORG-DIRECTORY", "directories", Form::Uri("uri"), CONTEXT),               // RFC 6715 §2.4
    many("CONTACT-URI", "links", Form::Uri("uri"), CONTEXT).fixed("kind", "contact"), // RFC 8605 §2.1
    many("EXPERTISE", "personalInfo", Form::Text("value"), SKILL).fixed("kind", "expertise"), // RFC 6715 §2.1
    many("HOBBY", "personalInfo", Form::Text("value"), SKILL).fixed("kind", "hobby"), // RFC 6715 §2.2
    many("INTEREST", "personalInfo", Form::Text("value"), SKILL).fixed("kind", "interest"), // RFC 6715 §2.3
    many("PRONOUNS", "pronouns", Form::Text("pronouns"), CONTEXT),                 // RFC 9554 §3.4
    one("GRAMGENDER", Form::Keyword("speakToAs/grammaticalGender")),               // RFC 9554 §3.2
    one("BIRTHPLACE", Form::TextOrUri("birthPlace")),                              // RFC 6474 §2.1
    one("DEATHPLACE", Form::TextOrUri("deathPlace")),                              // RFC 6474 §2.2
    one("GENDER", Form::Plain("gender")),                                          // §6.2.7
    one("LANGUAGE", Form::Plain("language")),                                      // RFC 9554 §3.3
    one("GEO", Form::Place("geo")),                                                // §6.5.2
    one("TZ", Form::Plain("timeZone")),                                            // §6.5.1
    one("CLASS", Form::Keyword("privacy")),                                        // RFC 2426 §3.7.1
    one("MAILER", Form::Text("mailer")),                                           // RFC 2426 §3.3.3
    one("CREATED", Form::Plain("created")),                                        // RFC 9554 §3.1
    one("PRODID", Form::Plain("prodId")).only(READ_ONLY),                          // §6.7.3
    one("REV", Form::Plain("updated")).only(READ_ONLY),                            // §6.7.4
];

const fn one(property: &'static str, form: Form) -> Row {
    Row { property, stem: None, form, fixed: None, parameters: &[], written: version::ALL }
}

const fn many(property: &'static str, stem: &'static str, form: Form, parameters: &'static [Parameter]) -> Row {
    Row { property, stem: Some(stem), form, fixed: None, parameters, written: version::ALL }
}

const fn service(property: &'static str, name: &'static str) -> Row {
    many(property, "onlineServices", Form::Text("user"), CONTEXT).fixed("service", name)
}

impl Row {
    const fn fixed(self, field: &'static str, value: &'static str) -> Self {
        Self { fixed: Some((field, value)), ..self }
    }

    const fn only(self, written: &'static [Version]) -> Self {
        Self { written, ..self }
    }

    const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// Returns the row of a property, in any case.
    pub(crate) fn of(property: &[u8]) -> Option<&'static Self> {
        let first = property.first()?.to_ascii_uppercase();
        let named = |name: &[u8]| name.first() == Some(&first) && name.eq_ignore_ascii_case(property);
        BY_LENGTH.get(property.len())?.iter().copied().find(|row| named(row.property.as_bytes()))
    }

    /// Returns the rows that parts of a stem can be written by, each with its place: those with a constant first.
    pub(crate) fn of_stem(stem: &str) -> &'static [(usize, &'static Self)] {
        BY_STEM.get(stem).map_or(&[], Vec::as_slice)
    }

    /// Returns the pointer that the unmapped parameters of a line without a part belong to.
    pub(crate) fn home(&self) -> &'static str {
        match &self.form {
            Form::Parts(..) => "name",
            Form::Text(field)
            | Form::Plain(field)
            | Form::Uid(field)
            | Form::Keyword(field)
            | Form::Uri(field)
            | Form::Phone(field)
            | Form::Date(field)
            | Form::Place(field)
            | Form::TextOrUri(field)
            | Form::Set(field) => field,
            Form::Media | Form::Either(_) => self.property,
        }
    }

    /// Returns the fields that its value stands for; none for a set, whose words are fields.
    fn names_of_value(&self) -> (&'static [&'static str], Option<&'static str>) {
        match &self.form {
            Form::Parts(names, _) => (names, None),
            Form::Set(_) => (&[], None),
            Form::Media => (&["uri", "content"], None),
            Form::Either(field) => (&["uri"], Some(field)),
            Form::Text(field)
            | Form::Plain(field)
            | Form::Uid(field)
            | Form::Keyword(field)
            | Form::Uri(field)
            | Form::Phone(field)
            | Form::Date(field)
            | Form::TextOrUri(field)
            | Form::Place(field) => (&[], Some(field)),
        }
    }

    /// Iterates over the fields that its lines stand for in some version, but for the words of a set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        let (names, name) = self.names_of_value();
        let fixed = self.fixed.map(|(field, _)| field);
        names.iter().copied().chain(name).chain(fixed).chain(self.parameters.iter().flat_map(Parameter::names))
    }

    /// Tells whether a line of this version can have the field, which its value or a parameter stands for.
    pub(crate) fn holds(&self, name: &str, version: Version) -> bool {
        let elsewhere =
            |one: &Parameter| matches!(one, Parameter::Text(_, field, versions) if *field == name && !versions.contains(&version));
        !self.parameters.iter().any(elsewhere) || self.names_of_value().1 == Some(name)
    }

    /// Returns the fields that its lines stand for, `<set>/*` for a set.
    pub(crate) fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = self.names().map(str::to_owned).collect();
        if let Form::Set(field) = self.form {
            fields.push(format!("{field}/*"));
        }
        fields
    }
}

impl Parameter {
    /// Iterates over the fields that it stands for.
    fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let (words, name): (&'static [(&str, &'static str)], _) = match self {
            Self::Words(words) => (words, None),
            Self::Word(field) | Self::Text(_, field, _) => (&[], Some(*field)),
            Self::MediaType(_) => (&[], Some("mediaType")),
            Self::Preference => (&[], Some("pref")),
        };
        words.iter().map(|(_, field)| *field).chain(name)
    }
}

/// The longest name of a property that has a row.
const LONGEST: usize = 32;

/// The rows by the length of their properties.
static BY_LENGTH: LazyLock<Vec<Vec<&'static Row>>> = LazyLock::new(|| {
    let of = |length| ROWS.iter().filter(|row| row.property.len() == length).collect();
    (0..=LONGEST).map(of).collect()
});

/// The rows of each stem.
static BY_STEM: LazyLock<HashMap<&'static str, Vec<(usize, &'static Row)>>> = LazyLock::new(|| {
    let mut rows: HashMap<&'static str, Vec<(usize, &'static Row)>> = HashMap::new();
    for (index, row) in ROWS.iter().enumerate() {
        if let Some(stem) = row.stem {
            rows.entry(stem).or_default().push((index, row));
        }
    }
    rows.values_mut().for_each(|all| all.sort_by_key(|(index, row)| (row.fixed.is_none(), *index)));
    rows
});

/// Returns every field that a card can hold, as patterns.
pub(crate) fn view() -> Vec<String> {
    patterns(|_| true, |_, _| true, |_| true)
}

/// Returns every field that a new card of a version can hold, as patterns; what changes by itself counts in all.
pub(crate) fn view_in(version: Version) -> Vec<String> {
    patterns(
        |row| row.written.contains(&version) || VOLATILE.contains(&row.home()),
        |row, field| row.holds(field, version),
        |companion| companion.written.contains(&version),
    )
}

fn patterns(rows: impl Fn(&Row) -> bool, holds: impl Fn(&Row, &str) -> bool, companions: impl Fn(&Companion) -> bool) -> Vec<String> {
    let mut all = vec!["ext/vcard/**".to_owned()];
    for row in ROWS.iter().filter(|row| rows(row)) {
        let fields = row.fields().into_iter().filter(|field| holds(row, field));
        match row.stem {
            Some(stem) => {
                all.extend(fields.map(|field| format!("{stem}/*/{field}")));
                let own = COMPANIONS.iter().filter(|companion| companion.stem.is_none_or(|only| only == stem) && companions(companion));
                all.extend(own.map(|companion| format!("{stem}/*/{}", companion.field)));
            }
            None => all.extend(fields),
        }
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Pattern;
    use record::vocabulary::{CONTACT_FIELDS, part};

    #[test]
    fn every_field_is_in_the_vocabulary() {
        for row in ROWS {
            match row.stem {
                Some(stem) => assert!(part(stem).is_some(), "{stem}"),
                None => row.fields().iter().for_each(|field| assert!(CONTACT_FIELDS.contains(&field.as_str()), "{field}")),
            }
        }
    }

    #[test]
    fn every_field_of_the_vocabulary_has_a_row() {
        let view: Vec<Pattern> = view().iter().map(|text| Pattern::new(text)).collect();
        for field in CONTACT_FIELDS {
            assert!(view.iter().any(|pattern| pattern.as_str() == *field), "{field}");
        }
        for part in record::vocabulary::PARTS {
            assert!(ROWS.iter().any(|row| row.stem == Some(part.stem)), "{}", part.stem);
        }
    }

    #[test]
    fn rows_are_found_by_their_property_in_any_case() {
        for row in ROWS {
            assert!(std::ptr::eq(Row::of(row.property.to_ascii_lowercase().as_bytes()).unwrap(), row), "{}", row.property);
        }
        assert!(Row::of(b"X-UNHEARD-OF").is_none());
        assert!(Row::of(&[b'X'; 100]).is_none());
    }

    #[test]
    fn no_two_rows_read_one_property() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.property).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
