//! What a column holds, guessed from the header that a person wrote.

use crate::words::plain;

/// Names of columns, as [`plain`] makes them, in English, German, French and Spanish.
const NAMES: &[(&str, &[&str])] = &[
    ("name/full", &["name", "fullname", "displayname", "contact", "contactname", "vollername", "nomcomplet", "nombrecompleto"]),
    ("name/given", &["firstname", "givenname", "first", "forename", "vorname", "prenom", "nombre", "nombredepila"]),
    ("name/given2", &["middlename", "additionalname", "zweitername", "deuxiemeprenom", "segundonombre"]),
    (
        "name/surname",
        &["lastname", "surname", "familyname", "last", "nachname", "familienname", "nom", "nomdefamille", "apellido", "apellidos"],
    ),
    ("name/title", &["nameprefix", "prefix", "salutation", "anrede", "civilite", "tratamiento"]),
    ("name/generation", &["namesuffix", "suffix", "namenszusatz", "suffixe", "sufijo"]),
    ("nicknames", &["nickname", "spitzname", "surnom", "apodo"]),
    (
        "emails/address",
        &[
            "email",
            "emailaddress",
            "mail",
            "mailaddress",
            "emailadresse",
            "mailadresse",
            "courriel",
            "adresseemail",
            "correo",
            "correoelectronico",
        ],
    ),
    (
        "emails[work]/address",
        &[
            "workemail",
            "businessemail",
            "officeemail",
            "emailwork",
            "emailbusiness",
            "emailgeschaftlich",
            "geschaftlicheemail",
            "emailarbeit",
            "emailprofessionnel",
            "courrielprofessionnel",
            "correotrabajo",
            "emailtrabajo",
        ],
    ),
    (
        "emails[home]/address",
        &[
            "homeemail",
            "personalemail",
            "privateemail",
            "emailhome",
            "emailprivate",
            "emailpersonal",
            "emailprivat",
            "privateemailadresse",
            "emailpersonnel",
            "courrielpersonnel",
            "correopersonal",
        ],
    ),
    (
        "phones/number",
        &[
            "phone",
            "phonenumber",
            "telephone",
            "telephonenumber",
            "tel",
            "telefon",
            "telefonnummer",
            "numerodetelephone",
            "telefono",
            "numerodetelefono",
        ],
    ),
    (
        "phones[cell]/number",
        &[
            "mobile",
            "cell",
            "cellphone",
            "mobilephone",
            "mobilenumber",
            "handy",
            "mobil",
            "mobiltelefon",
            "handynummer",
            "mobilnummer",
            "portable",
            "telephoneportable",
            "telephonemobile",
            "movil",
            "celular",
            "telefonomovil",
        ],
    ),
    (
        "phones[home]/number",
        &[
            "homephone",
            "privatephone",
            "phonehome",
            "hometelephone",
            "telefonprivat",
            "privattelefon",
            "festnetz",
            "telephonedomicile",
            "telephonefixe",
            "telefonocasa",
            "telefonoparticular",
        ],
    ),
    (
        "phones[work]/number",
        &[
            "workphone",
            "businessphone",
            "officephone",
            "phonework",
            "phoneoffice",
            "telefongeschaftlich",
            "telefonarbeit",
            "telefonburo",
            "telephonebureau",
            "telephoneprofessionnel",
            "telefonotrabajo",
        ],
    ),
    ("phones[fax]/number", &["fax", "faxnumber", "faxnummer", "telecopie"]),
    ("phones[work fax]/number", &["workfax", "businessfax"]),
    ("phones[home fax]/number", &["homefax"]),
    ("phones[pager]/number", &["pager"]),
    (
        "organizations/name",
        &[
            "company",
            "companyname",
            "organization",
            "organisation",
            "employer",
            "firma",
            "unternehmen",
            "entreprise",
            "societe",
            "empresa",
            "compania",
            "organizacion",
        ],
    ),
    ("organizations/units/1", &["department", "abteilung", "departement", "service", "departamento"]),
    ("titles/name", &["title", "jobtitle", "position", "beruf", "stelle", "berufsbezeichnung", "fonction", "poste", "cargo", "puesto"]),
    ("titles[role]/name", &["role", "rolle"]),
    (
        "anniversaries[birth]/date",
        &[
            "birthday",
            "birthdate",
            "dateofbirth",
            "dob",
            "geburtstag",
            "geburtsdatum",
            "anniversaire",
            "datedenaissance",
            "cumpleanos",
            "fechadenacimiento",
        ],
    ),
    ("anniversaries[wedding]/date", &["anniversary", "weddinganniversary", "hochzeitstag"]),
    (
        "notes/note",
        &[
            "note",
            "notes",
            "comment",
            "comments",
            "remarks",
            "notiz",
            "notizen",
            "bemerkung",
            "bemerkungen",
            "remarque",
            "remarques",
            "commentaire",
            "nota",
            "notas",
            "comentarios",
        ],
    ),
    ("links/uri", &["website", "web", "url", "homepage", "webpage", "webseite", "internetseite", "siteweb", "sitioweb", "paginaweb"]),
    (
        "keywords",
        &[
            "categories",
            "category",
            "tags",
            "labels",
            "groups",
            "kategorien",
            "kategorie",
            "gruppen",
            "etiquettes",
            "categorias",
            "etiquetas",
        ],
    ),
    ("uid", &["uid"]),
];

/// Names of the lines of an address.
const LINES: &[(&str, &[&str])] = &[
    ("full", &["address", "adresse", "anschrift", "direccion", "postaladdress"]),
    ("street", &["street", "streetaddress", "addressline1", "strasse", "rue", "calle"]),
    ("apartment", &["addressline2", "apartment", "suite", "adresszusatz"]),
    ("postOfficeBox", &["pobox", "postfach", "boitepostale"]),
    ("locality", &["city", "town", "locality", "stadt", "ort", "wohnort", "ville", "ciudad", "localidad"]),
    ("region", &["state", "region", "province", "county", "bundesland", "etat", "provincia"]),
    ("postcode", &["postalcode", "zip", "zipcode", "postcode", "plz", "postleitzahl", "codepostal", "codigopostal"]),
    ("country", &["country", "countryregion", "land", "pays", "pais"]),
];

const PLACES: &[(&str, &[&str])] = &[
    ("home", &["home", "private", "personal", "privat", "domicile", "casa"]),
    ("work", &["work", "business", "office", "company", "geschaftlich", "arbeit", "bureau", "trabajo"]),
];

/// Returns what a column of this name holds, in the language of [`crate::mapping`].
pub(crate) fn mapping(header: &str) -> Option<String> {
    let name = plain(header);
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(base.len()..).filter(|digits| !digits.is_empty());
    if let Some(found) = listed(NAMES, &name).map(str::to_owned).or_else(|| address(&name)) {
        return Some(found);
    }
    let found = listed(NAMES, base).map(str::to_owned).or_else(|| address(base))?;
    numbered(&found, number?)
}

fn listed(table: &[(&'static str, &[&str])], name: &str) -> Option<&'static str> {
    table.iter().find(|(_, names)| names.contains(&name)).map(|(mapping, _)| *mapping)
}

/// Reads `city`, `homecity` and `cityhome` alike.
fn address(name: &str) -> Option<String> {
    if let Some(line) = listed(LINES, name) {
        return Some(format!("addresses/{line}"));
    }
    PLACES.iter().find_map(|(place, words)| {
        let lines = words.iter().filter_map(|word| name.strip_prefix(word).or_else(|| name.strip_suffix(word)));
        lines.filter_map(|line| listed(LINES, line)).map(|line| format!("addresses[{place}]/{line}")).next()
    })
}

/// Puts a column's number into its mapping: `Phone 2` is `phones[2]/number`, `Mobile 2` is `phones[cell 2]/number`.
fn numbered(mapping: &str, number: &str) -> Option<String> {
    if let Some((stem, rest)) = mapping.split_once(']') {
        return Some(format!("{stem} {number}]{rest}"));
    }
    let (stem, rest) = mapping.split_once('/').filter(|(stem, _)| *stem != "name")?;
    Some(format!("{stem}[{number}]/{rest}"))
}

/// Tells whether most of the values look like ids rather than like numbers that count rows.
pub(crate) fn look_like_ids<'v>(values: impl Iterator<Item = &'v str>) -> bool {
    let id = |value: &str| {
        let long = (12..=200).contains(&value.len());
        long && !value.contains(char::is_whitespace) && value.bytes().any(|byte| byte.is_ascii_digit()) && !value.contains("://")
    };
    let (mut seen, mut ids) = (0_usize, 0_usize);
    for value in values.filter(|value| !value.is_empty()) {
        seen += 1;
        ids += usize::from(id(value));
    }
    ids > 0 && ids * 10 >= seen * 9
}

/// Tells whether a cell looks like somebody's data rather than like the name of a column.
pub(crate) fn looks_like_data(cell: &str) -> bool {
    let text = cell.trim();
    let mail = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !text.contains(' '));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let phone = digits >= 6 && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-()./ ".contains(&byte));
    mail || phone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;
    use crate::settings::RowKind;

    #[test]
    fn common_headers_are_understood_in_four_languages() {
        let expected = [
            ("E-Mail", "emails/address"),
            ("Work e-mail", "emails[work]/address"),
            ("Téléphone portable", "phones[cell]/number"),
            ("Apellidos", "name/surname"),
            ("Geburtstag", "anniversaries[birth]/date"),
            ("Straße", "addresses/street"),
            ("Home City", "addresses[home]/locality"),
            ("Code postal", "addresses/postcode"),
            ("Phone 2", "phones[2]/number"),
            ("Mobile 2", "phones[cell 2]/number"),
            ("Address Line 1", "addresses/street"),
        ];
        for (header, meaning) in expected {
            assert_eq!(mapping(header).as_deref(), Some(meaning), "{header}");
        }
        assert_eq!(mapping("Favourite colour"), None);
        assert_eq!(mapping("Name 2"), None);
    }

    #[test]
    fn every_guess_is_a_mapping() {
        for (meaning, _) in NAMES {
            Mapping::read(meaning, RowKind::Contact).unwrap();
        }
        for (line, _) in LINES {
            Mapping::read(&format!("addresses[home]/{line}"), RowKind::Contact).unwrap();
        }
    }

    #[test]
    fn row_numbers_are_no_ids() {
        assert!(look_like_ids(["urn:uuid:8b1c2d3e-0000", "6f1e2d3c4b5a", ""].into_iter()));
        assert!(!look_like_ids(["1", "2", "3"].into_iter()));
        assert!(!look_like_ids(["", ""].into_iter()));
    }

    #[test]
    fn addresses_and_numbers_are_data() {
        assert!(looks_like_data("ada@example.org"));
        assert!(looks_like_data("+44 20 7946 0000"));
        assert!(!looks_like_data("E-mail 1 - Value"));
        assert!(!looks_like_data("@home"));
        assert!(!looks_like_data("2024"));
    }
}
