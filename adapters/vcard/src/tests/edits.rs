//! Edits of cards: only the lines of what changed differ.

use crate::card::Card;
use crate::source::text::Text;
use crate::version::Version;
use crate::write::edit::{create, edit};
use crate::write::line::Manner;
use crate::write::refusal::Refusal;
use adapter::{Blobs, Error};
use contentline::charset::Charset;
use contentline::style::Style;
use record::{Digest, Kind, Record, Value};
use std::io::Read;

/// Blobs by their bytes.
pub(super) struct Shelf(pub(super) Vec<Vec<u8>>);

impl Blobs for Shelf {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, Error> {
        let found = self.0.iter().find(|bytes| Digest::of(bytes) == digest);
        found.map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read>).ok_or_else(|| Error::Fatal("no such blob".to_owned()))
    }
}

static NONE: Shelf = Shelf(Vec::new());

fn manner(version: Version, bytes: &[u8]) -> Manner<'static> {
    let charset = if std::str::from_utf8(bytes).is_ok() { Charset::UTF_8 } else { Charset::WINDOWS_1252 };
    Manner { version, charset, style: Style::of(bytes), blobs: &NONE }
}

/// How cards of a file are written.
pub(super) fn manner_of(version: Version, text: &Text<'_>) -> Manner<'static> {
    Manner { version, charset: text.charset, style: text.style(), blobs: &NONE }
}

/// Writes a new card.
pub(super) fn try_create(record: &Record, version: Version) -> Result<Vec<u8>, Refusal> {
    create(record, manner(version, b"")).map(|written| written.bytes)
}

/// Writes a new card that must be accepted.
pub(super) fn create_card(record: &Record, version: Version) -> Vec<u8> {
    try_create(record, version).unwrap()
}

fn read(bytes: &[u8]) -> Card<'_> {
    Card::read(bytes).unwrap()
}

/// Sets (or, with none, unsets) fields of a card and returns its new bytes.
fn try_edited(bytes: &[u8], changes: &[(&str, Option<Value>)]) -> Result<Vec<u8>, Refusal> {
    let card = read(bytes);
    let mut record = card.record.clone();
    for (pointer, value) in changes {
        match value {
            Some(value) => record.fields.insert((*pointer).into(), value.clone()),
            None => record.fields.remove(*pointer),
        };
    }
    edit(&card, &record, manner(card.version, bytes)).map(|written| written.bytes)
}

fn edited(text: &str, changes: &[(&str, Option<Value>)]) -> String {
    String::from_utf8(try_edited(text.as_bytes(), changes).unwrap()).unwrap()
}

fn set(pointer: &'static str, text: &str) -> (&'static str, Option<Value>) {
    (pointer, Some(Value::text(text)))
}

fn unset(pointer: &'static str) -> (&'static str, Option<Value>) {
    (pointer, None)
}

fn yes(pointer: &'static str) -> (&'static str, Option<Value>) {
    (pointer, Some(Value::Boolean(true)))
}

#[test]
fn an_edited_value_keeps_the_head_of_its_line_and_every_other_byte() {
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nitem1.tel;type=CELL;type=pref;X-A=1:+1\r\nitem1.X-ABLabel:Boat\r\nEND:VCARD\r\n";
    assert_eq!(edited(card, &[set("phones/1/number", "+2")]), card.replace(":+1", ":+2"));
    assert_eq!(edited(card, &[set("phones/1/label", "Car")]), card.replace("Boat", "Car"));
}

#[test]
fn an_edited_type_keeps_the_raw_value() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nADR;TYPE=HOME:;;St James\\'s\\, 12;London;;;UK\nEND:VCARD\n";
    let work = edited(card, &[unset("addresses/1/contexts/private"), yes("addresses/1/contexts/work")]);
    assert_eq!(work, card.replace("HOME", "WORK"));
}

#[test]
fn an_edited_component_keeps_the_raw_text_of_the_others() {
    let card = "BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nN:Lovelace;Ada;A,B;;ing. jr,M.Sc.\nEND:VCARD\n";
    assert_eq!(edited(card, &[set("name/given", "Adah")]), card.replace(";Ada;", ";Adah;"));
}

#[test]
fn a_removed_part_takes_its_label_along() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nitem1.URL:http://a\nitem1.X-ABLabel:_$!<HomePage>!$_\nTEL:1\nEND:VCARD\n";
    let changes = [unset("links/1/uri"), unset("links/1/label")];
    assert_eq!(edited(card, &changes), "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL:1\nEND:VCARD\n");
}

#[test]
fn a_new_part_stands_behind_its_like_and_a_label_makes_a_group() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nTEL:1\nFN:Ada\nitem1.URL:http://a\nitem1.X-ABLabel:Boat\nEND:VCARD\n";
    let changed = edited(card, &[set("phones/new/number", "2"), set("phones/new/label", "Car"), yes("phones/new/features/mobile")]);
    assert_eq!(changed, card.replace("TEL:1\n", "TEL:1\nitem2.TEL;TYPE=CELL:2\nitem2.X-ABLabel:Car\n"));
    let labelled = edited(card, &[set("phones/1/label", "Car")]);
    assert_eq!(labelled, card.replace("TEL:1\n", "item2.TEL:1\nitem2.X-ABLabel:Car\n"));
}

#[test]
fn two_point_one_breaks_softly_and_names_its_charset() {
    let card = "BEGIN:VCARD\r\nVERSION:2.1\r\nN:Doe;John\r\nTEL;HOME:1\r\nEND:VCARD\r\n";
    let noted = edited(card, &[set("notes/a/note", "Zoë\nsecond")]);
    let line = "NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB=0D=0Asecond\r\n";
    assert_eq!(noted, card.replace("END", &format!("{line}END")));
    let named = edited(card, &[set("name/given", "Jörg")]);
    assert_eq!(named, card.replace("N:Doe;John", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Doe;J=C3=B6rg"));
    let worked = edited(card, &[yes("phones/1/contexts/work"), ("phones/1/pref", Some(Value::Integer(1)))]);
    assert_eq!(worked, card.replace("TEL;HOME", "TEL;HOME;WORK;PREF"));
}

#[test]
fn a_quoted_printable_line_stays_quoted_printable() {
    let card = "BEGIN:VCARD\nVERSION:2.1\nN:D\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Zo=EB=\n x\nEND:VCARD\n";
    let changed = edited(card, &[set("notes/1/note", "Zoé")]);
    assert_eq!(changed, card.replace("Zo=EB=\n x", "Zo=E9"));
}

#[test]
fn what_the_charset_lacks_is_refused() {
    let card = b"BEGIN:VCARD\nVERSION:3.0\nFN:Zo\xeb\nEND:VCARD\n";
    let refused = try_edited(card, &[set("name/full", "日本")]).unwrap_err();
    assert_eq!(refused.to_string(), "FN cannot be written: windows-1252 cannot hold the character '日'");
    assert_eq!(try_edited(card, &[set("name/full", "Zoé")]).unwrap(), b"BEGIN:VCARD\nVERSION:3.0\nFN:Zo\xe9\nEND:VCARD\n");
}

#[test]
fn words_are_added_to_their_line_and_taken_from_it() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nCATEGORIES:one,tw\\,o\nCATEGORIES:three\nEND:VCARD\n";
    assert_eq!(edited(card, &[yes("keywords/four")]), card.replace("three", "three,four"));
    assert_eq!(edited(card, &[unset("keywords/one")]), card.replace("one,", ""));
    assert_eq!(edited(card, &[unset("keywords/three")]), card.replace("CATEGORIES:three\n", ""));
}

#[test]
fn dates_keep_their_form_and_may_lack_a_year() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nBDAY;VALUE=date:19800322\nX-ANNIVERSARY;X-APPLE-OMIT-YEAR=1604:1604-02-03\nEND:VCARD\n";
    let shown = read(card.as_bytes()).record;
    assert_eq!(shown.field("anniversaries/2/date"), Some(&Value::Date("--02-03".to_owned())));
    let day = |day: &str| Some(Value::Date(day.to_owned()));
    assert_eq!(edited(card, &[("anniversaries/1/date", day("1980-03-23"))]), card.replace("19800322", "19800323"));
    assert_eq!(edited(card, &[("anniversaries/2/date", day("--02-04"))]), card.replace("1604-02-03", "1604-02-04"));
    let text = edited(card, &[set("anniversaries/1/date", "in spring")]);
    assert_eq!(text, card.replace("VALUE=date:19800322", "VALUE=text:in spring"));
}

#[test]
fn a_photo_is_a_blob_that_can_be_replaced() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nPHOTO;ENCODING=b;TYPE=PNG:AAEC\nEND:VCARD\n";
    let old = read(card.as_bytes());
    let digest = Digest::of(&[0, 1, 2]);
    assert_eq!(old.record.field("media/1/content"), Some(&Value::Blob(record::Blob { digest, length: 3 })));
    assert_eq!(old.record.text("media/1/mediaType"), Some("image/png"));
    assert_eq!(old.blob(digest), Some(vec![0, 1, 2]));
    let shelf = Shelf(vec![vec![9, 9]]);
    let blob = record::Blob { digest: Digest::of(&[9, 9]), length: 2 };
    let new = old.record.clone().with("media/1/content", Value::Blob(blob));
    let written = edit(&old, &new, Manner { blobs: &shelf, ..manner(Version::V3_0, card.as_bytes()) }).unwrap();
    assert_eq!(String::from_utf8(written.bytes).unwrap(), card.replace("AAEC", "CQk="));
    let missing = edit(&old, &new, manner(Version::V3_0, card.as_bytes())).unwrap_err();
    assert!(missing.to_string().contains("no such blob"));
}

#[test]
fn a_new_photo_is_written_as_each_version_does() {
    let bytes = vec![0_u8; 60];
    let blob = record::Blob { digest: Digest::of(&bytes), length: 60 };
    let record = Record::new(Kind::CONTACT)
        .with("name/full", Value::text("A"))
        .with("media/x/content", Value::Blob(blob))
        .with("media/x/kind", Value::text("photo"))
        .with("media/x/mediaType", Value::text("image/jpeg"));
    let shelf = Shelf(vec![bytes]);
    let made = |version| {
        let style = Style { ending: "\n", ..Style::default() };
        let written = create(&record, Manner { version, charset: Charset::UTF_8, style, blobs: &shelf }).unwrap();
        assert!(written.record.text("media/1/mediaType").is_some());
        String::from_utf8(written.bytes).unwrap()
    };
    assert!(made(Version::V2_1).contains("PHOTO;ENCODING=BASE64;JPEG:AAAA"));
    assert!(made(Version::V2_1).contains("AAAA\n\nEND"));
    assert!(made(Version::V3_0).contains("PHOTO;ENCODING=b;TYPE=JPEG:AAAA"));
    assert!(made(Version::V4_0).contains("PHOTO:data:image/jpeg;base64,AAAA"));
}

#[test]
fn an_inline_key_is_a_blob_in_every_version() {
    let card = "BEGIN:VCARD\nVERSION:2.1\nN:A\nKEY;X509;ENCODING=BASE64:\n AAEC\n\nEND:VCARD\n";
    let shown = read(card.as_bytes()).record;
    let blob = record::Blob { digest: Digest::of(&[0, 1, 2]), length: 3 };
    assert_eq!(shown.field("cryptoKeys/1/content"), Some(&Value::Blob(blob)));
    let shelf = Shelf(vec![vec![0, 1, 2]]);
    for version in crate::version::ALL {
        let written = create(&shown, Manner { blobs: &shelf, ..manner(*version, b"") }).unwrap();
        assert_eq!(written.record.field("cryptoKeys/1/content"), Some(&Value::Blob(blob)));
    }
}

#[test]
fn a_telephone_uri_stays_one_where_it_can() {
    let card = "BEGIN:VCARD\nVERSION:4.0\nFN:A\nTEL;VALUE=uri;TYPE=\"work,voice\":tel:+1-418-656-9254;ext=102\nEND:VCARD\n";
    assert_eq!(read(card.as_bytes()).record.text("phones/1/number"), Some("+1-418-656-9254;ext=102"));
    assert_eq!(edited(card, &[set("phones/1/number", "+2")]), card.replace("+1-418-656-9254;ext=102", "+2"));
    let text = edited(card, &[set("phones/1/number", "call me")]);
    assert_eq!(text, card.replace(";VALUE=uri;TYPE=\"work,voice\":tel:+1-418-656-9254;ext=102", ";TYPE=work,voice:call me"));
}

#[test]
fn a_full_name_is_derived_where_the_version_needs_one() {
    let record = Record::new(Kind::CONTACT).with("name/given", Value::text("Ada")).with("name/surname", Value::text("Lovelace"));
    let written = create(&record, manner(Version::V4_0, b"")).unwrap();
    assert_eq!(written.record.text("name/full"), Some("Ada Lovelace"));
    let card = read(&written.bytes);
    let renamed = edit(&card, &record.with("name/given", Value::text("Adah")), manner(Version::V4_0, &written.bytes)).unwrap();
    assert_eq!(renamed.record.text("name/full"), Some("Adah Lovelace"));
}

#[test]
fn an_empty_full_name_stays_empty_until_somebody_names_the_card() {
    for card in ["BEGIN:VCARD\nVERSION:3.0\nFN:\nN:a\nEND:VCARD\n", "BEGIN:VCARD\nVERSION:3.0\nFN;VALUE=uri:\nN:a\nEND:VCARD\n"] {
        assert_eq!(edited(card, &[]), card);
        assert!(edited(card, &[set("name/full", "A")]).contains("FN:A\n"));
    }
}

#[test]
fn nested_agents_and_unknown_lines_are_kept_and_move_whole() {
    let card = "BEGIN:VCARD\nVERSION:2.1\nN:A\nAGENT:\nBEGIN:VCARD\nVERSION:2.1\nN:B\nEND:VCARD\nX-Q:1\nEND:VCARD\n";
    let shown = read(card.as_bytes()).record;
    assert_eq!(shown.text("ext/vcard/components/1"), Some("AGENT:\nBEGIN:VCARD\nVERSION:2.1\nN:B\nEND:VCARD"));
    assert_eq!(shown.text("ext/vcard/lines/1"), Some("X-Q:1"));
    let again = create(&shown, manner(Version::V2_1, card.as_bytes())).unwrap();
    assert_eq!(again.record, shown);
    assert_eq!(edited(card, &[set("emails/1/address", "a@b")]), card.replace("AGENT", "EMAIL:a@b\nAGENT"));
    assert_eq!(edited(card, &[unset("ext/vcard/lines/1")]), card.replace("X-Q:1\n", ""));
}

#[test]
fn a_line_that_would_end_the_card_is_refused() {
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nEND:VCARD\n";
    assert!(try_edited(card.as_bytes(), &[set("ext/vcard/lines/9", "END:VCARD")]).is_err());
    assert!(try_edited(card.as_bytes(), &[set("name/full", "a\rb")]).is_err());
}

#[test]
fn order_of_lines_folds_and_line_endings_are_no_change() {
    let one = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nN:;Ada;;;\r\nTEL;TYPE=CELL,HOME:+1\r\nTEL:+2\r\nNOTE:a long note\r\nEND:VCARD\r\n";
    let other = "BEGIN:VCARD\nVERSION:3.0\nNOTE:a lo\n ng note\nTEL:+2\nTEL;type=home;type=cell:\n +1\nN:;Ada;;;\nFN:Ada\nEND:VCARD\n";
    let (one, other) = (read(one.as_bytes()).record, read(other.as_bytes()).record);
    assert_ne!(one, other);
    crate::write::proof::check(&one, &std::collections::BTreeSet::new(), &other).unwrap();
}

#[test]
fn a_derived_name_follows_the_full_name_and_a_written_one_stays() {
    let derived = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nN:Lovelace;Ada;;;\nEND:VCARD\n";
    let changes = [set("name/full", "Ada King"), unset("name/given"), unset("name/surname")];
    assert_eq!(edited(derived, &changes), derived.replace("Ada Lovelace", "Ada King").replace("Lovelace;", "King;"));
    let empty = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nN:;;;;\nEND:VCARD\n";
    assert_eq!(edited(empty, &[set("name/full", "Ada King")]), empty.replace("Lovelace", "King"));
    let written = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nN:Byron;Ada;;;\nEND:VCARD\n";
    assert_eq!(edited(written, &[set("name/full", "Ada King")]), written.replace("Lovelace", "King"));
}

#[test]
fn a_country_code_stands_where_its_version_says() {
    let new = "BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nADR;CC=GB:;;12 Long Street;;;;\nEND:VCARD\n";
    assert_eq!(edited(new, &[set("addresses/1/countryCode", "IE")]), new.replace("CC=GB", "CC=IE"));
    let apple = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nitem1.ADR:;;12 Long Street;;;;\nitem1.X-ABADR:gb\nEND:VCARD\n";
    assert_eq!(edited(apple, &[set("addresses/1/countryCode", "ie")]), apple.replace("ADR:gb", "ADR:ie"));
}

#[test]
fn what_other_lines_say_is_not_drawn_into_the_name() {
    let card = "BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nN:Lovelace;Ada;;;\nSORT-STRING:Love\nEND:VCARD\n";
    assert_eq!(edited(card, &[set("name/given", "Augusta")]), card.replace(";Ada;", ";Augusta;"));
}

#[test]
fn many_groups_and_many_parameters_take_linear_time() {
    let groups: String = (0..20_000).map(|n| format!("g{n}.TEL:{n}\ng{n}.X-ABLabel:l{n}\n")).collect();
    let parameters: String = (0..50_000).map(|n| format!(";X-{}=1", 50_000 - n)).collect();
    let words: String = (0..50_000).map(|n| format!("w{},", 50_000 - n)).collect();
    let card = format!("BEGIN:VCARD\nVERSION:3.0\nFN:A\n{groups}NOTE{parameters}:x\nCATEGORIES:{words}\nEND:VCARD\n");
    let record = read(card.as_bytes()).record;
    assert_eq!(record.text("phones/20000/label"), Some("l19999"));
    assert!(record.field("notes/1/note").is_none());
    assert!(record.field("keywords/w50000").is_some());
}
