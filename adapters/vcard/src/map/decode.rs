//! From one line to fields, by its row; what cannot be given back exactly is not decoded.

use crate::map::lexical;
use crate::map::named::{Name, Named, Raw};
use crate::map::spelling::{SPELLING, spelling};
use crate::map::table::{Form, Parameter, Row};
use crate::version::Version;
use contentline::content::Content;
use contentline::parameter;
use contentline::transport::{Transfer, decode_base64};
use record::{Blob, Digest, Value, pointer};
use std::borrow::Cow;

/// No program writes more parameters; a line that has them is kept as it is.
const MOST_PARAMETERS: usize = 128;

/// What a line stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its fields.
    pub(crate) fields: Named,
    /// The parameters that are no fields.
    pub(crate) parameters: Raw,
    /// The value of PROP-ID (RFC 9554 §4.7).
    pub(crate) explicit: Option<String>,
}

/// Reads one line; `None` where the line must be kept as it is.
///
/// A line with PHONETIC (RFC 9554 §4.6) says how another one sounds, and stands for no field of its own.
pub(crate) fn decode(row: &Row, content: &Content<'_>, version: Version) -> Option<Decoded> {
    let phonetic = || content.parameter("PHONETIC").is_some() || content.parameter("SCRIPT").is_some();
    if content.parameter_count() > MOST_PARAMETERS || (content.parameter_count() > 0 && phonetic()) {
        return None;
    }
    let mut line = Line { row, version, decoded: Decoded::default(), value_type: None, spelled: Vec::new() };
    for one in content.parameters() {
        line.parameter(&one.name, &one.value);
    }
    if content.transfer() == Transfer::Base64 && row.form != Form::Media {
        return None;
    }
    let value = content.value();
    if row.stem.is_none() && value.trim_matches([';', ' ']).is_empty() {
        let bare = line.decoded.parameters.is_empty() && line.decoded.fields.is_empty() && line.value_type.is_none();
        return bare.then_some(line.decoded);
    }
    if row.form == Form::Media && content.transfer() == Transfer::Base64 {
        line.inline(&content.bytes()?, None)?;
    } else {
        line.value(&value)?;
    }
    if let Some((field, value)) = row.fixed {
        line.put(field, || Value::text(value));
    }
    if let Some(spelling) = spelling(row, version, &line.spelled) {
        line.keep(Cow::Borrowed(SPELLING), &spelling);
    }
    Some(line.decoded)
}

/// Returns the bytes of inline data in a line, if it holds any.
pub(crate) fn inline_bytes(content: &Content<'_>) -> Option<Vec<u8>> {
    if content.transfer() == Transfer::Base64 {
        return content.bytes();
    }
    data_uri(&content.value()).map(|(_, bytes)| bytes)
}

struct Line<'r> {
    row: &'r Row,
    version: Version,
    decoded: Decoded,
    value_type: Option<Type>,
    /// The parameters that a new line would name otherwise.
    spelled: Vec<&'static str>,
}

/// The types of values that decide how a line is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Uri,
    Date,
    Binary,
    Number,
    Other,
}

impl Type {
    fn named(raw: &str) -> Self {
        const KNOWN: [(&str, Type); 9] = [
            ("TEXT", Type::Text),
            ("URI", Type::Uri),
            ("URL", Type::Uri),
            ("DATE", Type::Date),
            ("DATE-TIME", Type::Date),
            ("DATE-AND-OR-TIME", Type::Date),
            ("BINARY", Type::Binary),
            ("INLINE", Type::Binary),
            ("PHONE-NUMBER", Type::Number),
        ];
        let raw = parameter::unquoted(raw);
        KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(raw)).map_or(Self::Other, |(_, found)| *found)
    }
}

/// Returns the name of a parameter in upper case.
fn upper(name: &str) -> Name {
    const KNOWN: [&str; 12] =
        ["TYPE", "PREF", "VALUE", "CHARSET", "ENCODING", "LANGUAGE", "ALTID", "PID", "PROP-ID", "MEDIATYPE", "LABEL", "SORT-AS"];
    match KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_ascii_uppercase()),
    }
}

impl Line<'_> {
    fn parameter(&mut self, name: &str, raw: &str) {
        let name = if name.is_empty() { Cow::Borrowed(bare_name(raw)) } else { upper(name) };
        match name.as_ref() {
            "CHARSET" => {}
            "ENCODING" if is_transfer(raw) => {}
            "VALUE" if !self.keeps_type(raw) => self.value_type = Some(Type::named(raw)),
            "PROP-ID" => {
                self.decoded.explicit.get_or_insert_with(|| parameter::unquoted(raw).to_owned());
                self.keep(name, raw);
            }
            "TYPE" => self.types(raw),
            _ => self.named(name, raw),
        }
    }

    /// Tells whether VALUE is kept as it is: its type makes no difference to the field.
    fn keeps_type(&self, raw: &str) -> bool {
        match self.row.form {
            Form::Plain(_) => true,
            Form::Uid(_) => !matches!(Type::named(raw), Type::Text | Type::Uri),
            _ => false,
        }
    }

    fn named(&mut self, name: Name, raw: &str) {
        for one in self.row.parameters {
            let taken = match one {
                Parameter::Preference if name == "PREF" => {
                    let number = parameter::unquoted(raw).parse::<i64>();
                    number.is_ok_and(|number| self.put("pref", || Value::Integer(number)))
                }
                Parameter::Text(property, field, versions) if name == *property && versions.contains(&self.version) => {
                    let taken = self.put(field, || Value::Text(text_of(property, raw)));
                    if taken && self.row.has_other_name(property, field, self.version) {
                        self.spelled.push(property);
                    }
                    taken
                }
                Parameter::MediaType(_) if name == "MEDIATYPE" && is_media_type(raw) => self.put("mediaType", || Value::text(raw)),
                Parameter::Preference | Parameter::Text(..) | Parameter::MediaType(_) | Parameter::Words(_) | Parameter::Word(_) => false,
            };
            if taken {
                return;
            }
        }
        self.keep(name, raw);
    }

    fn types(&mut self, raw: &str) {
        for word in parameter::each(raw).flat_map(|one| parameter::unquoted(one).split(',')) {
            let word = word.trim();
            if !word.is_empty() && !self.word(word) {
                self.keep(Cow::Borrowed("TYPE"), word);
            }
        }
    }

    /// Takes one word of TYPE as a field, if a row's parameter says so.
    fn word(&mut self, word: &str) -> bool {
        for one in self.row.parameters {
            let taken = match one {
                Parameter::Words(words) => match words.iter().find(|(token, _)| token.eq_ignore_ascii_case(word)) {
                    Some((_, field)) => self.put(field, || Value::Boolean(true)) || self.decoded.fields.contains(field),
                    None => false,
                },
                Parameter::Word(field) => !word.eq_ignore_ascii_case("PREF") && self.put(field, || Value::Text(word.to_ascii_lowercase())),
                Parameter::MediaType(family) => self.version != Version::V4_0 && self.subtype(family, word),
                Parameter::Preference => word.eq_ignore_ascii_case("PREF") && self.put("pref", || Value::Integer(1)),
                Parameter::Text(..) => false,
            };
            if taken {
                return true;
            }
        }
        false
    }

    fn subtype(&mut self, family: &str, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        if ["home", "work", "pref"].contains(&word.as_str()) {
            return false;
        }
        let media_type = if word.contains('/') { word } else { format!("{family}/{word}") };
        is_media_type(&media_type) && self.put("mediaType", || Value::Text(media_type))
    }

    /// Sets a field that is not set yet, and tells whether it did.
    fn put(&mut self, field: &'static str, value: impl FnOnce() -> Value) -> bool {
        !self.decoded.fields.contains(field) && self.decoded.fields.put(Cow::Borrowed(field), value())
    }

    fn keep(&mut self, name: Name, raw: &str) {
        if let Some(kept) = self.decoded.parameters.entry(name, String::new) {
            if !kept.is_empty() {
                kept.push(',');
            }
            kept.push_str(raw);
        }
    }

    fn value(&mut self, value: &str) -> Option<()> {
        match &self.row.form {
            Form::Text(field) => {
                self.accept(&[Type::Text])?;
                self.text(field, value)
            }
            Form::Plain(field) | Form::Uid(field) => self.filled(field, Value::text(value)),
            Form::Keyword(field) => {
                let word = value.trim();
                let keyword = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                self.accept(&[Type::Text]).filter(|()| keyword)?;
                self.filled(field, Value::text(&word.to_ascii_lowercase()))
            }
            Form::Uri(field) => {
                self.accept(&[Type::Uri])?;
                self.uri(field, value)
            }
            Form::Phone(field) => self.phone(field, value),
            Form::Date(field) => self.date(field, value),
            Form::Place(field) => {
                self.accept(&[Type::Uri])?;
                let place = lexical::read_place(&self.version.escaping().unescape(value))?;
                self.filled(field, Value::Uri(place))
            }
            Form::Parts(names, _) => {
                self.accept(&[Type::Text])?;
                self.parts(names, value)
            }
            Form::Set(field) => {
                self.accept(&[Type::Text])?;
                self.words(field, value)
            }
            Form::Media => self.media(value),
            Form::Either(field) => self.either(field, value),
            Form::TextOrUri(field) => {
                self.accept(&[Type::Uri, Type::Text])?;
                if self.value_type == Some(Type::Uri) { self.uri(field, value) } else { self.text(field, value) }
            }
        }
    }

    /// Goes on only where VALUE is missing or one of these.
    fn accept(&self, types: &[Type]) -> Option<()> {
        self.value_type.is_none_or(|found| types.contains(&found)).then_some(())
    }

    /// Sets a field that must not be empty, and that no parameter may have set before.
    fn filled(&mut self, field: &'static str, value: Value) -> Option<()> {
        if value.as_text().is_some_and(str::is_empty) {
            return None;
        }
        self.decoded.fields.put(Cow::Borrowed(field), value).then_some(())
    }

    fn text(&mut self, field: &'static str, value: &str) -> Option<()> {
        let text = self.version.escaping().unescape(value).into_owned();
        self.filled(field, Value::Text(text))
    }

    fn uri(&mut self, field: &'static str, value: &str) -> Option<()> {
        let uri = self.version.escaping().unescape(value).into_owned();
        let whole = !uri.contains('\n');
        whole.then_some(()).and_then(|()| self.filled(field, Value::Uri(uri)))
    }

    fn phone(&mut self, field: &'static str, value: &str) -> Option<()> {
        self.accept(&[Type::Text, Type::Uri, Type::Number])?;
        if self.value_type != Some(Type::Uri) {
            return self.text(field, value);
        }
        let tel = value.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
        let number = if tel { value.get(4..).unwrap_or_default() } else { value };
        self.filled(field, Value::text(number))
    }

    fn date(&mut self, field: &'static str, value: &str) -> Option<()> {
        self.accept(&[Type::Text, Type::Date])?;
        if self.value_type == Some(Type::Text) {
            return self.text(field, value);
        }
        match lexical::read_date(value) {
            Some(date) => {
                let omitted = self.decoded.parameters.get("X-APPLE-OMIT-YEAR");
                let yearless = omitted.and_then(|year| date.strip_prefix(year.as_str())?.strip_prefix('-')).filter(|rest| rest.len() == 5);
                let date = yearless.map_or_else(|| date.clone(), |rest| format!("--{rest}"));
                self.filled(field, Value::Date(date))
            }
            None => self.text(field, value),
        }
    }

    fn parts(&mut self, names: &'static [&'static str], value: &str) -> Option<()> {
        let escaping = self.version.escaping();
        let mut named = false;
        for (place, piece) in escaping.pieces(value, b';').enumerate() {
            if piece.is_empty() {
                continue;
            }
            let text = escaping.unescape(piece).into_owned();
            self.filled(names.get(place)?, Value::Text(text))?;
            named = true;
        }
        named.then_some(()).or_else(|| self.label_alone())
    }

    /// An address may have nothing but its label (RFC 6350 §6.3.1).
    fn label_alone(&self) -> Option<()> {
        self.decoded.fields.contains("full").then_some(())
    }

    fn words(&mut self, field: &str, value: &str) -> Option<()> {
        let words = self.version.escaping().pieces(value, b',').map(|piece| self.version.unescape_word(piece.trim()));
        let named = words.filter(|word| !word.is_empty()).map(|word| {
            let name = [field, &pointer::escape(&word)].join("/");
            (Cow::Owned(name), Value::Boolean(true))
        });
        self.decoded.fields = Named::of(named.collect());
        (!self.decoded.fields.is_empty()).then_some(())
    }

    fn media(&mut self, value: &str) -> Option<()> {
        self.accept(&[Type::Uri, Type::Binary])?;
        let typed = self.row.parameters.iter().any(|one| matches!(one, Parameter::MediaType(_)));
        // A part without a media type cannot give that of a `data:` URI back, so the URI stays one.
        if let Some((media_type, bytes)) = data_uri(value).filter(|(media_type, _)| typed || media_type.is_none()) {
            return self.inline(&bytes, media_type);
        }
        value.contains(':').then_some(()).and_then(|()| self.uri("uri", value))
    }

    fn inline(&mut self, bytes: &[u8], media_type: Option<String>) -> Option<()> {
        let blob = Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        self.filled("content", Value::Blob(blob))?;
        match media_type {
            Some(media_type) => {
                let said = self.decoded.fields.get("mediaType").and_then(Value::as_text) == Some(&media_type);
                if said { Some(()) } else { self.filled("mediaType", Value::Text(media_type)) }
            }
            None => Some(()),
        }
    }

    fn either(&mut self, field: &'static str, value: &str) -> Option<()> {
        self.accept(&[Type::Uri, Type::Text])?;
        if self.value_type == Some(Type::Text) { self.text(field, value) } else { self.uri("uri", value) }
    }
}

/// Returns the text of a parameter; a LABEL may have the line breaks of a value (RFC 6350 §6.3.1).
fn text_of(name: &str, raw: &str) -> String {
    let text = parameter::decode(raw).into_owned();
    if name == "LABEL" && text.contains("\\n") { text.replace("\\n", "\n") } else { text }
}

/// Returns the parameter that a bare value of 2.1 stands for.
fn bare_name(raw: &str) -> &'static str {
    let one_of = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(raw));
    if one_of(&["QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"]) {
        "ENCODING"
    } else if one_of(&["INLINE", "URL", "CONTENT-ID", "CID"]) {
        "VALUE"
    } else {
        "TYPE"
    }
}

fn is_transfer(raw: &str) -> bool {
    ["QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"].iter().any(|known| known.eq_ignore_ascii_case(parameter::unquoted(raw)))
}

fn is_media_type(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
    };
    text.split_once('/').is_some_and(|(family, subtype)| word(family) && word(subtype))
}

/// Reads `data:<type>;base64,<data>` (RFC 2397); other forms stay URIs.
fn data_uri(value: &str) -> Option<(Option<String>, Vec<u8>)> {
    let rest = value.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:")).and(value.get(5..))?;
    let (head, data) = rest.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    if !media_type.is_empty() && !is_media_type(media_type) {
        return None;
    }
    let bytes = decode_base64(data.as_bytes())?;
    Some(((!media_type.is_empty()).then(|| media_type.to_owned()), bytes))
}
