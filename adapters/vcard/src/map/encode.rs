//! From fields to one line, by its row; the same for new lines and for lines that take the place of old ones.

use crate::map::decode::{Named, Raw};
use crate::map::lexical;
use crate::map::table::{Form, Parameter, Row};
use crate::version::Version;
use contentline::content::Content;
use contentline::error::Unwritable;
use contentline::escape::Escaping;
use contentline::parameter;
use contentline::transport::Transfer;
use record::{Blob, Value, pointer};
use std::collections::BTreeSet;

/// A line before its transport: parameters, the type that must be stated, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Parameters in order; a name is empty for a bare value of 2.1.
    pub(crate) parameters: Vec<(String, String)>,
    /// The VALUE parameter, where it is not the property's default.
    pub(crate) value_type: Option<&'static str>,
    /// The value.
    pub(crate) body: Body,
    /// The fields that it stands for; the others of the part have no form in this version.
    pub(crate) used: BTreeSet<String>,
}

/// A value before its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Escaped text.
    Text(String),
    /// Inline data as base64 under ENCODING.
    Inline(Blob),
    /// Inline data as a `data:` URI of this type.
    Data(Blob, String),
}

/// What a line is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'c> {
    /// The version of the card.
    pub(crate) version: Version,
    /// The line that it takes the place of.
    pub(crate) old: Option<&'c Content<'c>>,
}

/// Makes a line of fields and unmapped parameters; `None` where the fields that make a line exist are missing.
pub(crate) fn encode(row: &Row, fields: &Named, raw: &Raw, target: Target<'_>) -> Result<Option<Encoded>, Unwritable> {
    let mut line = Line { row, fields, raw, target, used: BTreeSet::new(), value_type: None };
    let Some(body) = line.body() else {
        return Ok(None);
    };
    let parameters = line.parameters(&body)?;
    if let Some((field, value)) = row.fixed
        && fields.get(field).and_then(Value::as_text) == Some(value)
    {
        line.used.insert(field.to_owned());
    }
    Ok(Some(Encoded { parameters, value_type: line.value_type, body, used: line.used }))
}

struct Line<'l> {
    row: &'l Row,
    fields: &'l Named,
    raw: &'l Raw,
    target: Target<'l>,
    used: BTreeSet<String>,
    value_type: Option<&'static str>,
}

impl Line<'_> {
    fn escaping(&self) -> Escaping {
        self.target.version.escaping()
    }

    fn body(&mut self) -> Option<Body> {
        let text = match &self.row.form {
            Form::Text(field) => self.text(field).map(|text| self.escaping().escape(&text).into_owned())?,
            Form::Plain(field) | Form::Keyword(field) => self.text(field)?,
            Form::Uri(field) => self.raw_uri(field)?,
            Form::Phone(field) => self.phone(field)?,
            Form::Date(field) => self.date(field)?,
            Form::Place(field) => {
                let place = lexical::write_place(&self.uri(field)?, self.target.version)?;
                match &self.old_value() {
                    Some(old) if lexical::read_place(&self.escaping().unescape(old)) == lexical::read_place(&place) => old.clone(),
                    _ => place,
                }
            }
            Form::Parts(names) => self.parts(names)?,
            Form::Set(field) => self.words(field)?,
            Form::Media => return self.media(),
            Form::Related => self.related()?,
        };
        Some(Body::Text(text))
    }

    /// Takes a text field.
    fn text(&mut self, field: &str) -> Option<String> {
        let Some(Value::Text(text)) = self.fields.get(field) else {
            return self.required();
        };
        self.used.insert(field.to_owned());
        Some(text.clone())
    }

    /// FN must stand in the card even where it has nothing to say.
    fn required(&self) -> Option<String> {
        (self.row.property == "FN" && self.target.version.needs_full_name()).then(String::new)
    }

    fn uri(&mut self, field: &str) -> Option<String> {
        let Some(Value::Uri(uri)) = self.fields.get(field) else {
            return None;
        };
        self.used.insert(field.to_owned());
        Some(uri.clone())
    }

    /// Takes a URI as it is written: without escapes, unless a backslash in it would be read as one.
    fn raw_uri(&mut self, field: &str) -> Option<String> {
        let uri = self.uri(field)?;
        let plain = self.escaping().unescape(&uri) == uri;
        Some(if plain { uri } else { uri.replace('\\', "\\\\") })
    }

    fn phone(&mut self, field: &str) -> Option<String> {
        let number = self.text(field)?;
        let was_uri = self.old_type().is_some_and(|found| found.eq_ignore_ascii_case("uri"));
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.;=_~%*#?&:@!$".contains(&byte);
        if was_uri && !number.is_empty() && number.bytes().all(safe) {
            self.value_type = Some("uri");
            return Some(if has_scheme(&number) { number } else { format!("tel:{number}") });
        }
        Some(self.escaping().escape(&number).into_owned())
    }

    fn date(&mut self, field: &str) -> Option<String> {
        let value = self.fields.get(field)?;
        let old = self.old_value();
        let text = match value {
            Value::Date(date) => {
                let year = self.raw.get("X-APPLE-OMIT-YEAR").filter(|year| year.len() == 4);
                let yearless = date.strip_prefix("--").filter(|rest| rest.len() == 5);
                let whole = year.zip(yearless).map(|(year, rest)| format!("{year}-{rest}"));
                lexical::write_date(whole.as_ref().unwrap_or(date), self.target.version, old.as_deref())
            }
            Value::Text(text) => {
                // A text that an old line shows without VALUE=text is told from a date by its look alone.
                let told = self.old_type().is_none() && old.is_some_and(|old| lexical::read_date(&old).is_none());
                if !told || lexical::read_date(text).is_some() {
                    self.value_type = Some("text");
                }
                self.escaping().escape(text).into_owned()
            }
            _ => return None,
        };
        self.used.insert(field.to_owned());
        Some(text)
    }

    /// Joins components; those that did not change keep their raw escapes.
    fn parts(&mut self, names: &[&str]) -> Option<String> {
        let escaping = self.escaping();
        let old = self.old_value().unwrap_or_default();
        let old_pieces = escaping.split(&old, b';');
        let mut pieces: Vec<String> = Vec::with_capacity(names.len());
        let mut last = 0;
        for (place, name) in names.iter().enumerate() {
            let text = match self.fields.get(*name) {
                Some(Value::Text(text)) => text.as_str(),
                _ => "",
            };
            if !text.is_empty() {
                self.used.insert((*name).to_owned());
                last = place + 1;
            }
            let kept = old_pieces.get(place).filter(|piece| escaping.unescape(piece) == text);
            pieces.push(kept.map_or_else(|| escaping.escape(text).into_owned(), |piece| (*piece).to_owned()));
        }
        let labelled = self.row.property == "ADR" && self.target.version == Version::V4_0 && self.fields.contains_key("full");
        let needed = self.row.property == "N" && self.target.version.needs_name();
        if last == 0 && !labelled && !needed {
            return None;
        }
        let least = if self.target.old.is_some() {
            old_pieces.len().min(names.len())
        } else if self.row.property == "ORG" {
            0
        } else {
            names.len()
        };
        pieces.truncate(last.max(least));
        Some(pieces.join(";"))
    }

    /// Joins words: those of the old line in their order and with their raw escapes, then the new ones.
    fn words(&mut self, field: &str) -> Option<String> {
        let version = self.target.version;
        let below = format!("{field}/");
        let mut words: BTreeSet<String> = BTreeSet::new();
        for (name, value) in self.fields {
            if let (Some(word), Value::Boolean(true)) = (name.strip_prefix(&below), value) {
                words.insert(pointer::unescape(word).into_owned());
                self.used.insert(name.clone());
            }
        }
        if words.is_empty() {
            return None;
        }
        let old = self.old_value().unwrap_or_default();
        let mut pieces: Vec<String> = Vec::with_capacity(words.len());
        for piece in version.escaping().split(&old, b',') {
            if words.remove(&version.unescape_word(piece.trim())) {
                pieces.push(piece.to_owned());
            }
        }
        pieces.extend(words.iter().map(|word| version.escape_word(word)));
        Some(pieces.join(","))
    }

    fn media(&mut self) -> Option<Body> {
        if let Some(Value::Blob(blob)) = self.fields.get("content") {
            self.used.insert("content".to_owned());
            let was_inline = self.target.old.is_some_and(|old| old.transfer() == Transfer::Base64);
            if self.target.version != Version::V4_0 || was_inline {
                return Some(Body::Inline(*blob));
            }
            let media_type = self.text("mediaType").unwrap_or_default();
            return Some(Body::Data(*blob, media_type));
        }
        let uri = self.raw_uri("uri")?;
        // Without VALUE=uri, 2.1 and 3.0 take the value for inline data.
        if self.target.version != Version::V4_0 {
            self.value_type = Some("uri");
        }
        Some(Body::Text(uri))
    }

    fn related(&mut self) -> Option<String> {
        if let Some(uri) = self.raw_uri("uri") {
            return Some(uri);
        }
        let name = self.text("name")?;
        self.value_type = Some("text");
        Some(self.escaping().escape(&name).into_owned())
    }

    fn old_value(&self) -> Option<String> {
        self.target.old.map(|old| old.value().into_owned())
    }

    fn old_type(&self) -> Option<String> {
        self.target.old.and_then(|old| old.parameter("VALUE")).map(|raw| parameter::unquoted(&raw).to_owned())
    }

    fn parameters(&mut self, body: &Body) -> Result<Vec<(String, String)>, Unwritable> {
        let mut words: Vec<String> = Vec::new();
        let mut others: Vec<(String, String)> = Vec::new();
        for one in self.row.parameters {
            match one {
                Parameter::Words(known) => self.add_words(known, &mut words),
                Parameter::Word(field) => {
                    if let Some(word) = self.text(field) {
                        words.push(self.cased(&word));
                    }
                }
                Parameter::MediaType(family) => self.add_media_type(family, body, &mut words, &mut others),
                Parameter::Preference => self.add_preference(&mut words, &mut others),
                Parameter::Text(name, field, versions) => {
                    if versions.contains(&self.target.version)
                        && let Some(Value::Text(text)) = self.fields.get(*field)
                    {
                        others.push(((*name).to_owned(), parameter::encode(text)?.into_owned()));
                        self.used.insert((*field).to_owned());
                    }
                }
            }
        }
        if let Some(unmapped) = self.raw.get("TYPE") {
            words.extend(unmapped.split(',').map(str::to_owned));
        }
        let mut all = self.typed(&words);
        all.append(&mut others);
        all.extend(self.raw.iter().filter(|(name, _)| *name != "TYPE").map(|(name, raw)| (name.clone(), raw.clone())));
        Ok(all)
    }

    fn add_words(&mut self, known: &[(&str, &str)], words: &mut Vec<String>) {
        for (word, field) in known {
            if self.fields.get(*field) == Some(&Value::Boolean(true)) {
                self.used.insert((*field).to_owned());
                words.push(self.cased(word));
            }
        }
    }

    fn add_preference(&mut self, words: &mut Vec<String>, others: &mut Vec<(String, String)>) {
        let Some(Value::Integer(number)) = self.fields.get("pref") else {
            return;
        };
        self.used.insert("pref".to_owned());
        if *number == 1 && self.target.version != Version::V4_0 {
            words.push(self.cased("PREF"));
        } else {
            others.push(("PREF".to_owned(), number.to_string()));
        }
    }

    fn add_media_type(&mut self, family: &str, body: &Body, words: &mut Vec<String>, others: &mut Vec<(String, String)>) {
        if matches!(body, Body::Data(..)) {
            return;
        }
        let Some(media_type) = self.text("mediaType") else {
            return;
        };
        if self.target.version == Version::V4_0 {
            others.push(("MEDIATYPE".to_owned(), media_type));
            return;
        }
        let subtype = media_type.strip_prefix(family).and_then(|rest| rest.strip_prefix('/'));
        words.push(subtype.map_or_else(|| media_type.clone(), str::to_ascii_uppercase));
    }

    /// Writes a word of TYPE as the version does.
    fn cased(&self, word: &str) -> String {
        if self.target.version == Version::V4_0 { word.to_ascii_lowercase() } else { word.to_ascii_uppercase() }
    }

    fn typed(&self, words: &[String]) -> Vec<(String, String)> {
        if words.is_empty() {
            return Vec::new();
        }
        if self.target.version == Version::V2_1 {
            return words.iter().map(|word| (String::new(), word.clone())).collect();
        }
        vec![("TYPE".to_owned(), words.join(","))]
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}
