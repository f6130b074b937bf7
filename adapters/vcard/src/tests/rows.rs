//! The properties and parameters of the RFCs, row by row: read, edited in place, and written anew in every version.

use crate::card::Card;
use crate::source::text::Text;
use crate::tests::edits::{Shelf, manner_of};
use crate::version::{ALL, Version};
use crate::write::edit::{create, edit};
use crate::write::line::Manner;
use contentline::charset::Charset;
use contentline::style::Style;
use record::{Record, Value, vocabulary};

/// Where a row is from, the version of its card, its line, and one field that it stands for with what it shows.
///
/// `=` stands for the whole line, kept as it is; a parameter without a field stands below `ext/vcard/params`.
struct Case(&'static str, Version, &'static str, &'static str, &'static str);

const V2: Version = Version::V2_1;
const V3: Version = Version::V3_0;
const V4: Version = Version::V4_0;
const LINE: &str = "ext/vcard/lines/1";

const CASES: &[Case] = &[
    // RFC 6350, properties.
    Case("6.1.3", V4, "SOURCE:ldap://ldap.example.com/cn=Babs", "directories/1/uri", "ldap://ldap.example.com/cn=Babs"),
    Case("6.1.4", V4, "KIND:org", "kind", "org"),
    Case("6.1.5", V4, "XML:<config xmlns=\"http://example.org/x\"/>", LINE, "="),
    Case("6.2.3", V4, "NICKNAME:Jim,Jimmie", "nicknames/Jimmie", "true"),
    Case("6.2.4", V4, "PHOTO:http://www.example.com/pub/photos/jqp.gif", "media/1/uri", "http://www.example.com/pub/photos/jqp.gif"),
    Case("6.2.4", V4, "PHOTO:data:image/jpeg;base64,MIICajCCAdOgAwIBAg==", "media/1/mediaType", "image/jpeg"),
    Case("6.2.5", V4, "BDAY:19960415", "anniversaries/1/date", "1996-04-15"),
    Case("6.2.5", V4, "BDAY:--0415", "anniversaries/1/date", "--04-15"),
    Case("6.2.5", V4, "BDAY;VALUE=text:circa 1800", "anniversaries/1/date", "circa 1800"),
    Case("6.2.5", V4, "BDAY:19531015T231000Z", "anniversaries/1/date", "19531015T231000Z"),
    Case("6.2.6", V4, "ANNIVERSARY:19960415", "anniversaries/1/kind", "wedding"),
    Case("6.2.7", V4, "GENDER:O;intersex", "gender", "O;intersex"),
    Case("6.3.1", V4, "ADR:;;123 Main Street;Any Town;CA;91921-1234;U.S.A.", "addresses/1/street", "123 Main Street"),
    Case("6.3.1", V4, "ADR;LABEL=\"Mr. John Q. Public\\n123 Main\":;;123 Main;;;;", "addresses/1/full", "Mr. John Q. Public\n123 Main"),
    Case("6.4.1", V4, "TEL;VALUE=uri;PREF=1;TYPE=\"voice,home\":tel:+1-555-555-5555", "phones/1/number", "+1-555-555-5555"),
    Case("6.4.1", V4, "TEL;TYPE=textphone:+1", "phones/1/features/textphone", "true"),
    Case("6.4.2", V4, "EMAIL;TYPE=work:jqpublic@xyz.example.com", "emails/1/address", "jqpublic@xyz.example.com"),
    Case("6.4.3", V4, "IMPP;PREF=1:xmpp:alice@example.com", "onlineServices/1/uri", "xmpp:alice@example.com"),
    Case("6.4.4", V4, "LANG;TYPE=work;PREF=1:en", "preferredLanguages/1/language", "en"),
    Case("6.5.1", V4, "TZ:Raleigh/North America", "timeZone", "Raleigh/North America"),
    Case("6.5.1", V4, "TZ;VALUE=utc-offset:-0500", "timeZone", "-0500"),
    Case("6.5.2", V4, "GEO:geo:37.386013,-122.082932", "geo", "geo:37.386013,-122.082932"),
    Case("6.6.1", V4, "TITLE:Research Scientist", "titles/1/name", "Research Scientist"),
    Case("6.6.2", V4, "ROLE:Project Leader", "titles/1/kind", "role"),
    Case("6.6.3", V4, "LOGO:http://www.example.com/pub/logos/abccorp.jpg", "media/1/kind", "logo"),
    Case("6.6.4", V4, "ORG:ABC\\, Inc.;North American Division;Marketing", "organizations/1/units/2", "Marketing"),
    Case(
        "6.6.5",
        V4,
        "MEMBER:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af",
        "members/1/uid",
        "urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af",
    ),
    Case("6.6.6", V4, "RELATED;TYPE=friend:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "relatedTo/1/relation", "friend"),
    Case("6.6.6", V4, "RELATED;TYPE=co-worker;VALUE=text:Please contact my assistant", "relatedTo/1/name", "Please contact my assistant"),
    Case("6.7.1", V4, "CATEGORIES:INTERNET,IETF,a\\,b", "keywords/a,b", "true"),
    Case("6.7.2", V4, "NOTE:one\\ntwo\\, three", "notes/1/note", "one\ntwo, three"),
    Case("6.7.5", V4, "SOUND:CID:JOHNQPUBLIC.part8.19960229T080000.xyzMail@example.com", "media/1/kind", "sound"),
    Case("6.7.6", V4, "UID:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "uid", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    Case("6.7.6", V4, "UID;VALUE=text:pas-id-3E65", "uid", "pas-id-3E65"),
    Case("6.7.6", V3, "UID:pas-id-3E65", "uid", "pas-id-3E65"),
    Case("6.7.7", V4, "CLIENTPIDMAP:1;urn:uuid:53e374d9-337e-4727-8803-a1e9c14e0556", LINE, "="),
    Case(
        "6.7.8",
        V4,
        "URL:http://example.org/restaurant.french/~chezchic.html",
        "links/1/uri",
        "http://example.org/restaurant.french/~chezchic.html",
    ),
    Case("6.8.1", V4, "KEY;MEDIATYPE=application/pgp-keys:ftp://example.com/keys/jdoe", "cryptoKeys/1/uri", "ftp://example.com/keys/jdoe"),
    Case("6.9.1", V4, "FBURL;PREF=1:http://www.example.com/busy/janedoe", "calendars/1/kind", "freeBusy"),
    Case("6.9.2", V4, "CALADRURI;PREF=1:mailto:janedoe@example.com", "schedulingAddresses/1/uri", "mailto:janedoe@example.com"),
    Case("6.9.3", V4, "CALURI;PREF=1:http://cal.example.com/calA", "calendars/1/kind", "calendar"),
    Case("6.10", V4, "X-UNHEARD;X-P=\"a;b\":;;what\\, ever", LINE, "="),
    Case("6.10", V4, "ITEM-OF-A-LATER-RFC:value", LINE, "="),
    // RFC 6350, parameters.
    Case("5.1", V4, "ROLE;LANGUAGE=tr:hoca", "ext/vcard/params/titles/1/LANGUAGE", "tr"),
    Case("5.3", V4, "TEL;PREF=20:+1", "phones/1/pref", "20"),
    Case("5.4", V4, "TITLE;ALTID=1;LANGUAGE=fr:Patron", "ext/vcard/params/titles/1/ALTID", "1"),
    Case("5.5", V4, "EMAIL;PID=4.1,5.3:jdoe@example.com", "ext/vcard/params/emails/1/PID", "4.1,5.3"),
    Case("5.6", V4, "URL;TYPE=home:http://example.org/", "links/1/contexts/private", "true"),
    Case("5.6", V4, "EMAIL;TYPE=home,internet:a@example.org", "ext/vcard/params/emails/1/TYPE", "internet"),
    Case("5.7", V4, "PHOTO;MEDIATYPE=image/gif:http://example.org/p", "media/1/mediaType", "image/gif"),
    Case("5.8", V4, "BDAY;CALSCALE=gregorian:19960415", "ext/vcard/params/anniversaries/1/CALSCALE", "gregorian"),
    Case("5.9", V4, "ORG;SORT-AS=\"ABC\":ABC\\, Inc.", "ext/vcard/params/organizations/1/SORT-AS", "\"ABC\""),
    Case("5.10", V4, "ADR;GEO=\"geo:12.3457,78.910\":;;Main;;;;", "addresses/1/coordinates", "geo:12.3457,78.910"),
    Case("5.11", V4, "ADR;TZ=\"America/New_York\":;;Main;;;;", "addresses/1/timeZone", "America/New_York"),
    Case("RFC 6868", V4, "ADR;LABEL=\"a^nb^'c^^\":;;Main;;;;", "addresses/1/full", "a\nb\"c^"),
    // RFC 6474, 6715, 8605.
    Case("6474 2.1", V4, "BIRTHPLACE:Babies'R'Us Hospital", "birthPlace", "Babies'R'Us Hospital"),
    Case("6474 2.1", V4, "BIRTHPLACE;VALUE=uri:geo:46.769307,-71.283079", "birthPlace", "geo:46.769307,-71.283079"),
    Case("6474 2.2", V4, "DEATHPLACE:Aboard the Titanic\\, near Newfoundland", "deathPlace", "Aboard the Titanic, near Newfoundland"),
    Case("6474 2.3", V4, "DEATHDATE:19960415", "anniversaries/1/kind", "death"),
    Case("6715 2.1", V4, "EXPERTISE;LEVEL=beginner;INDEX=2:chinese literature", "personalInfo/1/level", "beginner"),
    Case("6715 2.2", V4, "HOBBY;INDEX=1;LEVEL=high:reading", "ext/vcard/params/personalInfo/1/INDEX", "1"),
    Case("6715 2.3", V4, "INTEREST;LEVEL=medium:r&b music", "personalInfo/1/value", "r&b music"),
    Case(
        "6715 2.4",
        V4,
        "ORG-DIRECTORY;INDEX=1:http://directory.mycompany.example.com",
        "directories/1/uri",
        "http://directory.mycompany.example.com",
    ),
    Case("8605 2.1", V4, "CONTACT-URI;PREF=1:mailto:contact@example.com", "links/1/kind", "contact"),
    Case("8605 3.1", V4, "ADR;CC=US:;;Main;;;;U.S.A.", "addresses/1/countryCode", "US"),
    // RFC 9554 and 9555.
    Case("9554 2.1", V4, "ADR:;;;;;;;Room 3;Apt 7;4;12;Long Street;B;C;D;E;by the tower;N", "addresses/1/streetName", "Long Street"),
    Case("9554 2.1", V4, "ADR:;;;;;;;Room 3;Apt 7;4;12;Long Street;B;C;D;E;by the tower;N", "addresses/1/direction", "N"),
    Case("9554 3.1", V4, "CREATED:20220705T093412Z", "created", "20220705T093412Z"),
    Case("9554 3.2", V4, "GRAMGENDER:neuter", "speakToAs/grammaticalGender", "neuter"),
    Case("9554 3.3", V4, "LANGUAGE:de-AT", "language", "de-AT"),
    Case("9554 3.4", V4, "PRONOUNS;LANGUAGE=en;PREF=1:xe/xir", "pronouns/1/pronouns", "xe/xir"),
    Case("9554 3.5", V4, "SOCIALPROFILE;SERVICE-TYPE=Mastodon:https://example.com/@foo", "onlineServices/1/service", "Mastodon"),
    Case("9554 3.5", V4, "SOCIALPROFILE;SERVICE-TYPE=SomeSite;VALUE=text:peter94", "onlineServices/1/user", "peter94"),
    Case(
        "9554 4.1",
        V4,
        "NOTE;AUTHOR=\"mailto:john@example.com\":This is some note.",
        "ext/vcard/params/notes/1/AUTHOR",
        "\"mailto:john@example.com\"",
    ),
    Case("9554 4.2", V4, "NOTE;AUTHOR-NAME=\"John Doe\":This is some note.", "ext/vcard/params/notes/1/AUTHOR-NAME", "\"John Doe\""),
    Case("9554 4.3", V4, "NOTE;CREATED=20221122T151823Z:This is some note.", "ext/vcard/params/notes/1/CREATED", "20221122T151823Z"),
    Case("9554 4.4", V4, "ADR;DERIVED=true:;;Main;;;;", "ext/vcard/params/addresses/1/DERIVED", "true"),
    Case("9554 4.6", V4, "N;ALTID=1;LANGUAGE=zh-Hant;PHONETIC=jyut;SCRIPT=Latn:syun1;zung1saan1;;;", LINE, "="),
    Case("9554 4.7", V4, "PHOTO;PROP-ID=p827:data:image/jpeg;base64,MIICajCCAdOgAwIBAg==", "media/=p827/mediaType", "image/jpeg"),
    Case("9554 4.9", V4, "IMPP;SERVICE-TYPE=Skype:skype:alice@example.com", "onlineServices/1/service", "Skype"),
    Case("9554 4.10", V4, "SOCIALPROFILE;USERNAME=\"The Foo\":https://example.com/@foo", "onlineServices/1/user", "The Foo"),
    Case("9554 5.1", V4, "ADR;TYPE=billing,delivery:;;Main;;;;", "addresses/1/contexts/delivery", "true"),
    Case("9555 3.2.1", V4, "JSPROP;JSPTR=\"example.com:foo\":\"bar\"", LINE, "="),
    Case("9555 3.3.2", V4, "ADR;JSCOMPS=\"s,\\, ;11;12\":;;;;;;;;;;12;Main", "ext/vcard/params/addresses/1/JSCOMPS", "\"s,\\, ;11;12\""),
    // RFC 2426 and what was written with it.
    Case("2426 2.1.2", V3, "NAME:Babs", LINE, "="),
    Case("2426 3.1.4", V3, "PHOTO;ENCODING=b;TYPE=JPEG:MIICajCCAdOgAwIBAg==", "media/1/mediaType", "image/jpeg"),
    Case(
        "2426 3.1.4",
        V3,
        "PHOTO;VALUE=uri:http://www.abc.com/pub/photos/jqpublic.gif",
        "media/1/uri",
        "http://www.abc.com/pub/photos/jqpublic.gif",
    ),
    Case("2426 3.1.5", V3, "BDAY:1996-04-15", "anniversaries/1/date", "1996-04-15"),
    Case("2426 3.2.2", V3, "LABEL;TYPE=DOM,HOME:Mr.John Q. Public\\nMail Drop", "addresses/1/full", "Mr.John Q. Public\nMail Drop"),
    Case("2426 3.3.1", V3, "TEL;TYPE=work,voice,pref,msg:+1-213-555-1234", "ext/vcard/params/phones/1/TYPE", "msg"),
    Case("2426 3.3.2", V3, "EMAIL;TYPE=INTERNET,PREF:jane@abc.com", "emails/1/pref", "1"),
    Case("2426 3.3.3", V3, "MAILER:PigeonMail 2.1", "mailer", "PigeonMail 2.1"),
    Case("2426 3.4.1", V3, "TZ;VALUE=text:-05:00\\; EST", "timeZone", "-05:00\\; EST"),
    Case("2426 3.4.2", V3, "GEO:37.386013;-122.082932", "geo", "geo:37.386013,-122.082932"),
    Case("2426 3.5.4", V3, "AGENT;VALUE=uri:CID:JQPUBLIC.part3@host1.com", LINE, "="),
    Case("2426 3.6.5", V3, "SORT-STRING:Harten", "name/sortAs", "Harten"),
    Case("2426 3.7.1", V3, "CLASS:CONFIDENTIAL", "privacy", "confidential"),
    Case("2426 3.7.2", V3, "KEY;ENCODING=b;TYPE=PGP:MIICajCCAdOgAwIBAg==", "ext/vcard/params/cryptoKeys/1/TYPE", "PGP"),
    // What Apple, Google, Outlook, Nextcloud and others write.
    Case("Apple", V3, "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-22", "anniversaries/1/date", "--03-22"),
    Case("Apple", V3, "item1.X-ABDATE;type=pref:2011-06-14", "anniversaries/1/date", "2011-06-14"),
    Case("Apple", V3, "item1.X-ABRELATEDNAMES:Jane", "relatedTo/1/name", "Jane"),
    Case("Apple", V3, "X-SOCIALPROFILE;type=twitter;x-user=ada:http://twitter.com/ada", "onlineServices/1/service", "twitter"),
    Case("Apple", V3, "X-SOCIALPROFILE;type=twitter;x-user=ada:http://twitter.com/ada", "onlineServices/1/user", "ada"),
    Case("Apple", V3, "IMPP;X-SERVICE-TYPE=Skype;type=HOME:skype:ada", "onlineServices/1/service", "Skype"),
    Case("Apple", V3, "X-PHONETIC-FIRST-NAME:Eiuda", "name/phonetic/given", "Eiuda"),
    Case("Apple", V3, "X-MAIDENNAME:Byron", LINE, "="),
    Case("Apple", V3, "X-ABSHOWAS:COMPANY", LINE, "="),
    Case("Apple", V3, "X-ADDRESSBOOKSERVER-KIND:group", "kind", "group"),
    Case("Apple", V3, "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1", "members/1/uid", "urn:uuid:1"),
    Case("Apple", V3, "PHOTO;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&9&9&a==;ENCODING=b;TYPE=JPEG:AAEC", "media/1/kind", "photo"),
    Case("Outlook", V3, "X-MS-ANNIVERSARY:2011-06-14", "anniversaries/1/kind", "wedding"),
    Case("Outlook", V2, "X-MS-OL-DEFAULT-POSTAL-ADDRESS:2", LINE, "="),
    Case("Outlook", V2, "TEL;WORK;VOICE:(905) 555-1234", "phones/1/contexts/work", "true"),
    Case("Outlook", V2, "EMAIL;PREF;INTERNET:john@example.com", "emails/1/pref", "1"),
    Case("Nextcloud", V3, "CATEGORIES:Friends,Work", "keywords/Friends", "true"),
    Case("Evolution", V3, "X-EVOLUTION-SPOUSE:Jane", LINE, "="),
    Case("Evolution", V3, "X-AIM;TYPE=HOME:ada", "onlineServices/1/user", "ada"),
    Case("Android", V2, "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Ada;1;;;", LINE, "="),
    // vCard 2.1.
    Case("2.1", V2, "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Z=C3=BCrich=0D=0Atwo", "notes/1/note", "Zürich\ntwo"),
    Case("2.1", V2, "NOTE;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:Z=FCrich", "notes/1/note", "Zürich"),
    Case("2.1", V2, "PHOTO;ENCODING=BASE64;JPEG:AAEC", "media/1/mediaType", "image/jpeg"),
    Case("2.1", V2, "LABEL;DOM;HOME:123 Main", "addresses/1/full", "123 Main"),
    Case("2.1", V2, "AGENT:something", LINE, "="),
];

/// What a version has no form for: the end of the field, and the version.
const UNHELD: &[(&str, Version)] = &[
    // The address as it is printed stands in a line of its own there, and would be another address.
    ("/full", V2),
    ("/coordinates", V2),
    ("/coordinates", V3),
    ("/timeZone", V2),
    ("/timeZone", V3),
    // 4.0 has no LABEL property; an address of nothing but a label is an ADR with that parameter there.
    ("addresses/1/full", V2),
];

fn card(version: Version, line: &str) -> String {
    let group = if line.starts_with("item1.") { "item1.X-ABLabel:Boat\r\n" } else { "" };
    format!("BEGIN:VCARD\r\nVERSION:{}\r\nFN:Ada Lovelace\r\nN:Lovelace;Ada;;;\r\n{line}\r\n{group}END:VCARD\r\n", version.text())
}

/// Returns a card of every row.
pub(super) fn cards() -> impl Iterator<Item = String> {
    CASES.iter().map(|Case(_, version, line, ..)| card(*version, line))
}

fn shown(record: &Record, field: &str) -> Option<String> {
    record.field(field).map(Value::display)
}

/// Finds a field by all but the id of its part.
fn found(record: &Record, field: &str) -> Vec<String> {
    let place = |pointer: &str| match (vocabulary::split(pointer), vocabulary::parameter_owner(pointer)) {
        (Some((stem, _, rest)), _) => format!("{stem}/*/{rest}"),
        (None, Some((_, stem, _))) => format!("{stem}/*/{}", pointer.rsplit('/').next().unwrap_or_default()),
        (None, None) => pointer.to_owned(),
    };
    let wanted = place(field);
    record.fields.iter().filter(|(pointer, _)| place(pointer.as_str()) == wanted).map(|(_, value)| value.display()).collect()
}

#[test]
fn every_row_is_read() {
    for Case(section, version, line, field, value) in CASES {
        let text = card(*version, line);
        let value = if *value == "=" { line } else { value };
        let record = Card::read(text.as_bytes()).unwrap().record;
        assert_eq!(shown(&record, field).as_deref(), Some(*value), "{section}: {line}: {field}\n{record:#?}");
    }
}

#[test]
fn every_row_keeps_its_bytes_when_something_else_changes() {
    for Case(section, version, line, field, _) in CASES {
        let text = card(*version, line);
        let file = Text::new(text.as_bytes()).unwrap();
        let read = Card::read(text.as_bytes()).unwrap();
        let changed = read.record.clone().with("titles/new/name", Value::text("Countess"));
        let written = edit(&read, &changed, manner_of(*version, &file)).unwrap();
        let added = String::from_utf8(written.bytes).unwrap().replacen("TITLE:Countess\r\n", "", 1);
        assert_eq!(added, text, "{section}: {field}");
    }
}

#[test]
fn every_row_is_edited_in_its_own_line() {
    for Case(section, version, line, field, _) in CASES {
        let text = card(*version, line);
        let file = Text::new(text.as_bytes()).unwrap();
        let read = Card::read(text.as_bytes()).unwrap();
        let value = match read.record.field(field).unwrap() {
            Value::Text(_) if field.starts_with("ext/vcard/lines") => Value::text("X-OTHER:line"),
            Value::Text(_) if *field == "media/1/mediaType" || *field == "media/=p827/mediaType" => Value::text("image/png"),
            Value::Text(_) => Value::text("other"),
            Value::Uri(uri) if uri.starts_with("geo:") => Value::Uri("geo:1.5,2.5".to_owned()),
            Value::Uri(_) => Value::Uri("https://other.example/".to_owned()),
            Value::Date(_) => Value::Date("2001-02-03".to_owned()),
            Value::Integer(_) => Value::Integer(7),
            // A flag is edited by another of its kind.
            Value::Boolean(_) => continue,
            other => panic!("{other:?}"),
        };
        let changed = read.record.clone().with(field, value.clone());
        let shelf = Shelf(read.record.blobs().map(|blob| read.blob(blob.digest).unwrap()).collect());
        let written = match edit(&read, &changed, Manner { blobs: &shelf, ..manner_of(*version, &file) }) {
            Ok(written) => written,
            Err(refusal) => panic!("{section}: {line}: {refusal}"),
        };
        let kind = field.ends_with("/kind");
        let shows = found(&written.record, field);
        assert!(kind || shows.contains(&value.display()), "{section}: {line}: {field} shows {shows:?}");
        let bytes = String::from_utf8(written.bytes).unwrap();
        let kept = text.split_inclusive("\r\n").filter(|old| *old != format!("{line}\r\n") && !old.starts_with("item1."));
        let missing: Vec<&str> = kept.filter(|old| !bytes.contains(old)).collect();
        assert!(missing.is_empty(), "{section}: {line}: {missing:?} is gone");
    }
}

#[test]
fn every_row_survives_a_new_card_of_every_version() {
    for Case(section, version, line, field, value) in CASES {
        let text = card(*version, line);
        let value = if *value == "=" { line } else { value };
        let read = Card::read(text.as_bytes()).unwrap();
        let shelf = Shelf(read.record.blobs().map(|blob| read.blob(blob.digest).unwrap()).collect());
        for target in ALL {
            if UNHELD.iter().any(|(end, unheld)| target == unheld && field.ends_with(end)) {
                continue;
            }
            let manner = Manner { version: *target, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
            let written = create(&read.record, manner).unwrap_or_else(|refusal| panic!("{section}: {line} in {target:?}: {refusal}"));
            let shows = found(&written.record, field);
            let bytes = String::from_utf8_lossy(&written.bytes).into_owned();
            assert!(shows.iter().any(|found| found == value), "{section}: {line} in {target:?}: {field} shows {shows:?}\n{bytes}");
        }
    }
}

/// Rows that the strict reader (version 0.6) does not take, and why.
const NOT_STRICT: &[(&str, &str)] = &[
    ("MEMBER:", "it stands without KIND:group in the row"),
    ("EMAIL;PID=", "it stands without CLIENTPIDMAP in the row"),
    ("N;ALTID=1", "the name that it belongs to has no ALTID in the row"),
];

#[test]
fn a_strict_reader_takes_every_new_card_of_4_0() {
    let mut refused = Vec::new();
    for Case(section, version, line, ..) in CASES.iter().filter(|case| case.1 == V4) {
        let read_text = card(*version, line);
        let read = Card::read(read_text.as_bytes()).unwrap();
        let shelf = Shelf(read.record.blobs().map(|blob| read.blob(blob.digest).unwrap()).collect());
        let manner = Manner { version: V4, charset: Charset::UTF_8, style: Style::default(), blobs: &shelf };
        let written = create(&read.record, manner).unwrap();
        let text = String::from_utf8(written.bytes).unwrap();
        let strict = vcard::VCard::parse_multiple(&text).map_err(|error| error.to_string());
        let strict = strict.and_then(|cards| cards.iter().try_for_each(|card| card.validate().map_err(|error| error.to_string())));
        if let Err(error) = strict
            && !NOT_STRICT.iter().any(|(known, _)| line.starts_with(known))
        {
            refused.push(format!("{section}: {line}: {error}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
