//! The mapping: one row a property, read in both directions.

use crate::version::{self, Version};

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
    /// Components between semicolons, one field each.
    Parts(&'static [&'static str]),
    /// Words between commas, one field each.
    Set(&'static str),
    /// A URI, or inline data as a blob.
    Media,
    /// A URI in `uri`, or a text in `name`.
    Related,
}

/// A parameter that is a field.
#[derive(Debug)]
pub(crate) enum Parameter {
    /// TYPE: each word is a true field; PREF is `pref` = 1.
    Words(&'static [(&'static str, &'static str)]),
    /// TYPE: the one word is the value of the field.
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
}

/// Apple's companions; some writers put whole addresses where the country code belongs, and those stay lines. `X-ABLabel` values such as `_$!<HomePage>!$_` are kept as they are.
pub(crate) static COMPANIONS: &[Companion] = &[
    Companion { property: "X-ABLabel", field: "label", stem: None, longest: 0 },
    Companion { property: "X-ABADR", field: "countryCode", stem: Some("addresses"), longest: 2 },
];

/// Fields that change by themselves: read, and never a reason to write.
pub(crate) const VOLATILE: &[&str] = &["prodId", "updated"];

const OLD: &[Version] = &[Version::V2_1, Version::V3_0];
const NEW: &[Version] = &[Version::V4_0];
const LATER: &[Version] = &[Version::V3_0, Version::V4_0];
const READ_ONLY: &[Version] = &[];

const CONTEXT: &[Parameter] = &[Parameter::Words(&[("HOME", "contexts/private"), ("WORK", "contexts/work")]), Parameter::Preference];
const ADDRESS: &[Parameter] = &[
    Parameter::Words(&[
        ("HOME", "contexts/private"),
        ("WORK", "contexts/work"),
        ("BILLING", "contexts/billing"),
        ("DELIVERY", "contexts/delivery"),
    ]),
    Parameter::Preference,
    Parameter::Text("LABEL", "full", LATER),
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
const SERVICE: &[Parameter] = &[
    Parameter::Words(&[("HOME", "contexts/private"), ("WORK", "contexts/work")]),
    Parameter::Preference,
    Parameter::Text("X-SERVICE-TYPE", "service", version::ALL),
];
const RELATION: &[Parameter] = &[Parameter::Word("relation"), Parameter::Preference];
const IMAGE: &[Parameter] = &[Parameter::MediaType("image"), Parameter::Preference];
const AUDIO: &[Parameter] = &[Parameter::MediaType("audio"), Parameter::Preference];

const NAME: &[&str] = &["name/surname", "name/given", "name/given2", "name/title", "name/generation"];
const PLACE: &[&str] = &["postOfficeBox", "apartment", "street", "locality", "region", "postcode", "country"];
const UNITS: &[&str] = &["name", "units/1", "units/2", "units/3", "units/4", "units/5"];

/// All rows. Where several can write a field, the first one that is written in the version does.
pub(crate) static ROWS: &[Row] = &[
    one("UID", Form::Plain("uid")),                                                // RFC 6350 §6.7.6
    one("KIND", Form::Keyword("kind")).only(NEW),                                  // §6.1.4
    one("X-ADDRESSBOOKSERVER-KIND", Form::Keyword("kind")).only(OLD),              // Apple
    one("FN", Form::Text("name/full")),                                            // §6.2.1
    one("N", Form::Parts(NAME)),                                                   // §6.2.2
    one("SORT-STRING", Form::Text("name/sortAs")),                                 // RFC 2426 §3.6.5
    one("X-PHONETIC-FIRST-NAME", Form::Text("name/phonetic/given")),               // Apple
    one("X-PHONETIC-LAST-NAME", Form::Text("name/phonetic/surname")),              // Apple
    one("NICKNAME", Form::Set("nicknames")),                                       // §6.2.3
    many("ORG", "organizations", Form::Parts(UNITS), CONTEXT),                     // §6.6.4
    many("TITLE", "titles", Form::Text("name"), CONTEXT),                          // §6.6.1
    many("ROLE", "titles", Form::Text("name"), CONTEXT).fixed("kind", "role"),     // §6.6.2
    many("EMAIL", "emails", Form::Text("address"), CONTEXT),                       // §6.4.2
    many("TEL", "phones", Form::Phone("number"), PHONE),                           // §6.4.1
    many("ADR", "addresses", Form::Parts(PLACE), ADDRESS),                         // §6.3.1
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
    many("IMPP", "onlineServices", Form::Uri("uri"), SERVICE),                          // §6.4.3
    service("X-AIM", "AIM"),
    service("X-GOOGLE-TALK", "Google Talk"),
    service("X-ICQ", "ICQ"),
    service("X-JABBER", "Jabber"),
    service("X-MSN", "MSN"),
    service("X-SKYPE", "Skype"),
    service("X-TWITTER", "Twitter"),
    service("X-YAHOO", "Yahoo"),
    many("RELATED", "relatedTo", Form::Related, RELATION), // §6.6.6
    many("X-ABRELATEDNAMES", "relatedTo", Form::Text("name"), CONTEXT).only(READ_ONLY), // Apple
    many("MEMBER", "members", Form::Plain("uid"), &[]).only(NEW), // §6.6.5
    many("X-ADDRESSBOOKSERVER-MEMBER", "members", Form::Plain("uid"), &[]).only(OLD), // Apple
    many("LANG", "preferredLanguages", Form::Plain("language"), CONTEXT), // §6.4.4
    many("PHOTO", "media", Form::Media, IMAGE).fixed("kind", "photo"), // §6.2.4
    many("LOGO", "media", Form::Media, IMAGE).fixed("kind", "logo"), // §6.6.3
    many("SOUND", "media", Form::Media, AUDIO).fixed("kind", "sound"), // §6.7.5
    many("KEY", "cryptoKeys", Form::Media, CONTEXT),       // §6.8.1
    many("CALURI", "calendars", Form::Uri("uri"), CONTEXT).fixed("kind", "calendar"), // §6.9.3
    many("FBURL", "calendars", Form::Uri("uri"), CONTEXT).fixed("kind", "freeBusy"), // §6.9.1
    many("CALADRURI", "schedulingAddresses", Form::Uri("uri"), CONTEXT), // §6.9.2
    one("GENDER", Form::Plain("gender")),                  // §6.2.7
    one("LANGUAGE", Form::Plain("language")),              // RFC 9554 §3.3
    one("GEO", Form::Place("geo")),                        // §6.5.2
    one("TZ", Form::Text("timeZone")),                     // §6.5.1
    one("CLASS", Form::Keyword("privacy")),                // RFC 2426 §3.7.1
    one("MAILER", Form::Text("mailer")),                   // RFC 2426 §3.3.3
    one("CREATED", Form::Plain("created")),                // RFC 9554 §3.1
    one("PRODID", Form::Plain("prodId")).only(READ_ONLY),  // §6.7.3
    one("REV", Form::Plain("updated")).only(READ_ONLY),    // §6.7.4
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

    /// Returns the row of a property, in any case.
    pub(crate) fn of(property: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.property.eq_ignore_ascii_case(property))
    }

    /// Returns the pointer that the unmapped parameters of a line without a part belong to.
    pub(crate) fn home(&self) -> &'static str {
        match &self.form {
            Form::Parts(_) => "name",
            Form::Text(field)
            | Form::Plain(field)
            | Form::Keyword(field)
            | Form::Uri(field)
            | Form::Phone(field)
            | Form::Date(field)
            | Form::Place(field)
            | Form::Set(field) => field,
            Form::Media | Form::Related => self.property,
        }
    }

    /// Returns the fields that its value stands for, `<set>/*` for a set.
    pub(crate) fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = match &self.form {
            Form::Parts(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            Form::Set(field) => vec![format!("{field}/*")],
            Form::Media => vec!["uri".to_owned(), "content".to_owned()],
            Form::Related => vec!["uri".to_owned(), "name".to_owned()],
            Form::Text(_) | Form::Plain(_) | Form::Keyword(_) | Form::Uri(_) | Form::Phone(_) | Form::Date(_) | Form::Place(_) => {
                vec![self.home().to_owned()]
            }
        };
        fields.extend(self.fixed.map(|(field, _)| field.to_owned()));
        for parameter in self.parameters {
            match parameter {
                Parameter::Words(words) => fields.extend(words.iter().map(|(_, field)| (*field).to_owned())),
                Parameter::Word(field) | Parameter::Text(_, field, _) => fields.push((*field).to_owned()),
                Parameter::MediaType(_) => fields.push("mediaType".to_owned()),
                Parameter::Preference => fields.push("pref".to_owned()),
            }
        }
        fields
    }
}

/// Returns every field that a card can hold, as patterns.
pub(crate) fn view() -> Vec<String> {
    let mut all = vec!["ext/vcard/**".to_owned()];
    for row in ROWS {
        match row.stem {
            Some(stem) => all.extend(row.fields().into_iter().map(|field| format!("{stem}/*/{field}"))),
            None => all.extend(row.fields()),
        }
    }
    for stem in ROWS.iter().filter_map(|row| row.stem) {
        let companions = COMPANIONS.iter().filter(|companion| companion.stem.is_none_or(|only| only == stem));
        all.extend(companions.map(|companion| format!("{stem}/*/{}", companion.field)));
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
    fn no_two_rows_read_one_property() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.property).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
