//! From one line to fields, by its row; what cannot be given back exactly is not decoded.

use crate::map::lexical;
use crate::map::table::{Form, Parameter, Row};
use crate::version::Version;
use contentline::content::Content;
use contentline::parameter;
use contentline::transport::{Transfer, decode_base64};
use record::{Blob, Digest, Value, pointer};
use std::collections::BTreeMap;

/// Fields by their names below a part, or below the record.
pub(crate) type Named = BTreeMap<String, Value>;
/// Raw parameters by name.
pub(crate) type Raw = BTreeMap<String, String>;

/// What a line stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its fields.
    pub(crate) fields: Named,
    /// The parameters that are no fields.
    pub(crate) parameters: Raw,
    /// The value of PROP-ID (RFC 9554 §4.5).
    pub(crate) explicit: Option<String>,
}

/// Reads one line; `None` where the line must be kept as it is.
pub(crate) fn decode(row: &Row, content: &Content<'_>, version: Version) -> Option<Decoded> {
    let mut line = Line { row, version, decoded: Decoded::default(), value_type: None };
    for one in content.parameters() {
        line.parameter(&one.name, &one.value);
    }
    if content.transfer() == Transfer::Base64 && row.form != Form::Media {
        return None;
    }
    let value = content.value();
    if row.stem.is_none() && value.trim_matches([';', ' ']).is_empty() {
        let bare = line.decoded.parameters.is_empty() && line.value_type.is_none();
        return bare.then_some(line.decoded);
    }
    if row.form == Form::Media && content.transfer() == Transfer::Base64 {
        line.inline(&content.bytes()?, None);
    } else {
        line.value(&value)?;
    }
    if let Some((field, value)) = row.fixed {
        line.decoded.fields.insert(field.to_owned(), Value::text(value));
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
    value_type: Option<String>,
}

impl Line<'_> {
    fn parameter(&mut self, name: &str, raw: &str) {
        let upper = name.to_ascii_uppercase();
        let name = if upper.is_empty() { bare_name(raw) } else { upper.as_str() };
        match name {
            "CHARSET" => {}
            "ENCODING" if is_transfer(raw) => {}
            "VALUE" if !matches!(self.row.form, Form::Plain(_)) => self.value_type = Some(raw.to_ascii_uppercase()),
            "PROP-ID" => {
                self.decoded.explicit.get_or_insert_with(|| parameter::unquoted(raw).to_owned());
                self.keep(name, raw);
            }
            "TYPE" => self.types(raw),
            _ => self.named(name, raw),
        }
    }

    fn named(&mut self, name: &str, raw: &str) {
        for one in self.row.parameters {
            match one {
                Parameter::Preference if name == "PREF" => {
                    if let Ok(number) = parameter::unquoted(raw).parse::<i64>()
                        && self.put("pref", Value::Integer(number))
                    {
                        return;
                    }
                }
                Parameter::Text(property, field, versions)
                    if name == *property && versions.contains(&self.version) && self.put(field, Value::text(&parameter::decode(raw))) =>
                {
                    return;
                }
                Parameter::MediaType(_) if name == "MEDIATYPE" && is_media_type(raw) && self.put("mediaType", Value::text(raw)) => {
                    return;
                }
                Parameter::Preference | Parameter::Text(..) | Parameter::MediaType(_) | Parameter::Words(_) | Parameter::Word(_) => {}
            }
        }
        self.keep(name, raw);
    }

    fn types(&mut self, raw: &str) {
        let words = parameter::elements(raw);
        for word in words.into_iter().flat_map(|one| parameter::unquoted(one).split(',')) {
            let word = word.trim();
            if !word.is_empty() && !self.word(word) {
                self.keep("TYPE", word);
            }
        }
    }

    /// Takes one word of TYPE as a field, if a row's parameter says so.
    fn word(&mut self, word: &str) -> bool {
        for one in self.row.parameters {
            let taken = match one {
                Parameter::Words(words) => match words.iter().find(|(token, _)| token.eq_ignore_ascii_case(word)) {
                    Some((_, field)) => self.put(field, Value::Boolean(true)) || self.decoded.fields.contains_key(*field),
                    None => false,
                },
                Parameter::Word(field) => !word.eq_ignore_ascii_case("PREF") && self.put(field, Value::text(&word.to_ascii_lowercase())),
                Parameter::MediaType(family) => self.version != Version::V4_0 && self.subtype(family, word),
                Parameter::Preference => word.eq_ignore_ascii_case("PREF") && self.put("pref", Value::Integer(1)),
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
        is_media_type(&media_type) && self.put("mediaType", Value::text(&media_type))
    }

    /// Sets a field that is not set yet, and tells whether it did.
    fn put(&mut self, field: &str, value: Value) -> bool {
        if self.decoded.fields.contains_key(field) {
            return false;
        }
        self.decoded.fields.insert(field.to_owned(), value);
        true
    }

    fn keep(&mut self, name: &str, raw: &str) {
        let kept = self.decoded.parameters.entry(name.to_owned()).or_default();
        if !kept.is_empty() {
            kept.push(',');
        }
        kept.push_str(raw);
    }

    fn value(&mut self, value: &str) -> Option<()> {
        match &self.row.form {
            Form::Text(field) => {
                self.accept(&["TEXT"])?;
                self.text(field, value)
            }
            Form::Plain(field) => self.filled(field, Value::text(value)),
            Form::Keyword(field) => {
                let word = value.trim();
                let keyword = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                self.accept(&["TEXT"]).filter(|()| keyword)?;
                self.filled(field, Value::text(&word.to_ascii_lowercase()))
            }
            Form::Uri(field) => {
                self.accept(&["URI", "URL"])?;
                self.uri(field, value)
            }
            Form::Phone(field) => self.phone(field, value),
            Form::Date(field) => self.date(field, value),
            Form::Place(field) => {
                self.accept(&["URI"])?;
                let place = lexical::read_place(&self.version.escaping().unescape(value))?;
                self.filled(field, Value::Uri(place))
            }
            Form::Parts(names) => {
                self.accept(&["TEXT"])?;
                self.parts(names, value)
            }
            Form::Set(field) => {
                self.accept(&["TEXT"])?;
                self.words(field, value)
            }
            Form::Media => self.media(value),
            Form::Related => self.related(value),
        }
    }

    /// Goes on only where VALUE is missing or one of these.
    fn accept(&self, types: &[&str]) -> Option<()> {
        self.value_type.as_deref().is_none_or(|found| types.contains(&found)).then_some(())
    }

    fn filled(&mut self, field: &str, value: Value) -> Option<()> {
        if value.as_text().is_some_and(str::is_empty) {
            return None;
        }
        self.decoded.fields.insert(field.to_owned(), value);
        Some(())
    }

    fn text(&mut self, field: &str, value: &str) -> Option<()> {
        let text = self.version.escaping().unescape(value).into_owned();
        self.filled(field, Value::Text(text))
    }

    fn uri(&mut self, field: &str, value: &str) -> Option<()> {
        let uri = self.version.escaping().unescape(value).into_owned();
        let whole = !uri.contains('\n');
        whole.then_some(()).and_then(|()| self.filled(field, Value::Uri(uri)))
    }

    fn phone(&mut self, field: &str, value: &str) -> Option<()> {
        self.accept(&["TEXT", "URI", "PHONE-NUMBER"])?;
        if self.value_type.as_deref() != Some("URI") {
            return self.text(field, value);
        }
        let tel = value.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
        let number = if tel { value.get(4..).unwrap_or_default() } else { value };
        self.filled(field, Value::text(number))
    }

    fn date(&mut self, field: &str, value: &str) -> Option<()> {
        self.accept(&["TEXT", "DATE", "DATE-TIME", "DATE-AND-OR-TIME"])?;
        if self.value_type.as_deref() == Some("TEXT") {
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

    fn parts(&mut self, names: &[&str], value: &str) -> Option<()> {
        let escaping = self.version.escaping();
        for (place, piece) in escaping.split(value, b';').into_iter().enumerate() {
            if piece.is_empty() {
                continue;
            }
            let text = escaping.unescape(piece).into_owned();
            self.decoded.fields.insert((*names.get(place)?).to_owned(), Value::Text(text));
        }
        names.iter().any(|name| self.decoded.fields.contains_key(*name)).then_some(()).or_else(|| self.label_alone())
    }

    /// An address may have nothing but its label (RFC 6350 §6.3.1).
    fn label_alone(&self) -> Option<()> {
        self.decoded.fields.contains_key("full").then_some(())
    }

    fn words(&mut self, field: &str, value: &str) -> Option<()> {
        for piece in self.version.escaping().split(value, b',') {
            let word = self.version.unescape_word(piece.trim());
            if !word.is_empty() {
                self.decoded.fields.insert(format!("{field}/{}", pointer::escape(&word)), Value::Boolean(true));
            }
        }
        (!self.decoded.fields.is_empty()).then_some(())
    }

    fn media(&mut self, value: &str) -> Option<()> {
        self.accept(&["URI", "URL", "BINARY"])?;
        let typed = self.row.parameters.iter().any(|one| matches!(one, Parameter::MediaType(_)));
        // A part without a media type cannot give that of a `data:` URI back, so the URI stays one.
        if let Some((media_type, bytes)) = data_uri(value).filter(|(media_type, _)| typed || media_type.is_none()) {
            self.inline(&bytes, media_type);
            return Some(());
        }
        value.contains(':').then_some(()).and_then(|()| self.uri("uri", value))
    }

    fn inline(&mut self, bytes: &[u8], media_type: Option<String>) {
        let blob = Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        self.decoded.fields.insert("content".to_owned(), Value::Blob(blob));
        if let Some(media_type) = media_type {
            self.decoded.fields.insert("mediaType".to_owned(), Value::Text(media_type));
        }
    }

    fn related(&mut self, value: &str) -> Option<()> {
        self.accept(&["URI", "TEXT"])?;
        if self.value_type.as_deref() == Some("TEXT") { self.text("name", value) } else { self.uri("uri", value) }
    }
}

/// Returns the parameter that a bare value of 2.1 stands for.
fn bare_name(raw: &str) -> &'static str {
    match raw.to_ascii_uppercase().as_str() {
        "QUOTED-PRINTABLE" | "BASE64" | "8BIT" | "7BIT" => "ENCODING",
        "INLINE" | "URL" | "CONTENT-ID" | "CID" => "VALUE",
        _ => "TYPE",
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
