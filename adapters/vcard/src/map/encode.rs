//! From fields to one line, by its row; the same for new lines and for lines that take the place of old ones.

use crate::map::lexical;
use crate::map::named::{Fields, Parameters};
use crate::map::spelling::{SPELLING, Spelling};
use crate::map::table::{Form, Parameter, Row};
use crate::version::Version;
use contentline::content::Content;
use contentline::error::Unwritable;
use contentline::escape::Escaping;
use contentline::parameter;
use contentline::transport::Transfer;
use record::{Blob, Value, pointer};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Parameters in order; a name is empty for a bare value of 2.1.
pub(crate) type Pairs<'f> = Vec<(Cow<'f, str>, Cow<'f, str>)>;

/// A line before its transport: parameters, the type that must be stated, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded<'f> {
    /// The parameters.
    pub(crate) parameters: Pairs<'f>,
    /// The VALUE parameter, where it is not the property's default.
    pub(crate) value_type: Option<&'static str>,
    /// The value.
    pub(crate) body: Body<'f>,
    /// Which of the fields it stands for, in their order; the others of the part have no form in this version.
    pub(crate) used: Vec<bool>,
}

/// A value before its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body<'f> {
    /// Escaped text.
    Text(Cow<'f, str>),
    /// Inline data as base64 under ENCODING.
    Inline(Blob),
    /// Inline data as a `data:` URI of this type.
    Data(Blob, &'f str),
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
pub(crate) fn encode<'f>(
    row: &'static Row,
    fields: &Fields<'f>,
    raw: &Parameters<'f>,
    target: Target<'_>,
) -> Result<Option<Encoded<'f>>, Unwritable> {
    let mut line = Line { row, fields, raw, target, used: vec![false; fields.len()], value_type: None };
    let Some(body) = line.body() else {
        return Ok(None);
    };
    let parameters = line.parameters(&body)?;
    if let Some((field, value)) = row.fixed
        && fields.get(field).and_then(Value::as_text) == Some(value)
    {
        line.find(field);
    }
    Ok(Some(Encoded { parameters, value_type: line.value_type, body, used: line.used }))
}

struct Line<'l, 'f> {
    row: &'static Row,
    fields: &'l Fields<'f>,
    raw: &'l Parameters<'f>,
    target: Target<'l>,
    used: Vec<bool>,
    value_type: Option<&'static str>,
}

impl<'f> Line<'_, 'f> {
    /// Takes a field.
    fn find(&mut self, field: &str) -> Option<&'f Value> {
        let (at, value) = self.fields.find(field)?;
        self.mark(at);
        Some(value)
    }

    fn mark(&mut self, at: usize) {
        if let Some(used) = self.used.get_mut(at) {
            *used = true;
        }
    }

    /// Tells whether a field was taken.
    fn is_used(&self, field: &str) -> bool {
        self.fields.find(field).is_some_and(|(at, _)| self.used.get(at) == Some(&true))
    }

    fn escaping(&self) -> Escaping {
        self.target.version.escaping()
    }

    fn body(&mut self) -> Option<Body<'f>> {
        let text = match &self.row.form {
            Form::Text(field) => self.escaped(field)?,
            Form::Plain(field) | Form::Keyword(field) => Cow::Borrowed(self.text(field)?),
            Form::Uid(field) => Cow::Borrowed(self.uid(field)?),
            Form::Uri(field) => self.raw_uri(field)?,
            Form::Phone(field) => self.phone(field)?,
            Form::Date(field) => self.date(field)?,
            Form::Place(field) => self.place(field)?,
            Form::Parts(names, least) => Cow::Owned(self.parts(names, *least)?),
            Form::Set(field) => Cow::Owned(self.words(field)?),
            Form::Media => return self.media(),
            Form::Either(field) => self.either(field)?,
            Form::TextOrUri(field) => match self.raw_uri(field) {
                Some(uri) => {
                    self.value_type = Some("uri");
                    uri
                }
                None => self.escaped(field)?,
            },
        };
        Some(Body::Text(text))
    }

    /// Takes a text field as its value is written.
    fn escaped(&mut self, field: &str) -> Option<Cow<'f, str>> {
        self.text(field).map(|text| self.escaping().escape(text))
    }

    /// Takes a text field.
    fn text(&mut self, field: &str) -> Option<&'f str> {
        match self.fields.find(field) {
            Some((at, Value::Text(text))) => {
                self.mark(at);
                Some(text)
            }
            _ => self.required(),
        }
    }

    /// FN must stand in the card even where it has nothing to say.
    fn required(&self) -> Option<&'static str> {
        (self.row.property == "FN" && self.target.version.needs_full_name()).then_some("")
    }

    /// Takes a UID; one that is no URI says so in 4.0 (RFC 6350 §6.7.6), unless the old line did without.
    fn uid(&mut self, field: &str) -> Option<&'f str> {
        let uid = self.text(field)?;
        let free = match self.target.old {
            Some(_) => self.old_type().is_some_and(|found| found.eq_ignore_ascii_case("text")),
            None => self.target.version == Version::V4_0 && !lexical::is_uri(uid),
        };
        self.value_type = free.then_some("text");
        Some(uid)
    }

    fn uri(&mut self, field: &str) -> Option<&'f str> {
        let (at, Value::Uri(uri)) = self.fields.find(field)? else {
            return None;
        };
        self.mark(at);
        Some(uri)
    }

    /// Takes a URI as it is written: without escapes, unless a backslash in it would be read as one.
    fn raw_uri(&mut self, field: &str) -> Option<Cow<'f, str>> {
        let uri = self.uri(field)?;
        let plain = !uri.contains('\\') || self.escaping().unescape(uri) == uri;
        Some(if plain { Cow::Borrowed(uri) } else { Cow::Owned(uri.replace('\\', "\\\\")) })
    }

    fn place(&mut self, field: &str) -> Option<Cow<'f, str>> {
        let place = lexical::write_place(self.uri(field)?, self.target.version)?;
        let same = |old: &String| lexical::read_place(&self.escaping().unescape(old)) == lexical::read_place(&place);
        Some(Cow::Owned(self.old_value().filter(same).unwrap_or(place)))
    }

    fn phone(&mut self, field: &str) -> Option<Cow<'f, str>> {
        let number = self.text(field)?;
        let was_uri = self.old_type().is_some_and(|found| found.eq_ignore_ascii_case("uri"));
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.;=_~%*#?&:@!$".contains(&byte);
        if was_uri && !number.is_empty() && number.bytes().all(safe) {
            self.value_type = Some("uri");
            return Some(if lexical::has_scheme(number) { Cow::Borrowed(number) } else { Cow::Owned(format!("tel:{number}")) });
        }
        Some(self.escaping().escape(number))
    }

    fn date(&mut self, field: &str) -> Option<Cow<'f, str>> {
        let old = self.old_value();
        match self.find(field)? {
            Value::Date(date) => {
                let year = self.raw.get("X-APPLE-OMIT-YEAR").filter(|year| year.len() == 4);
                let yearless = date.strip_prefix("--").filter(|rest| rest.len() == 5);
                let whole = year.zip(yearless).map(|(year, rest)| format!("{year}-{rest}"));
                Some(Cow::Owned(lexical::write_date(whole.as_ref().unwrap_or(date), self.target.version, old.as_deref())))
            }
            Value::Text(text) => {
                // A text that an old line shows without VALUE=text is told from a date by its look alone.
                let told = self.old_type().is_none() && old.is_some_and(|old| lexical::read_date(&old).is_none());
                if lexical::read_date(text).is_some() || !(told || lexical::is_moment(text)) {
                    self.value_type = Some("text");
                }
                Some(self.escaping().escape(text))
            }
            _ => None,
        }
    }

    /// Joins components; those that did not change keep their raw escapes.
    fn parts(&mut self, names: &[&str], basic: usize) -> Option<String> {
        let escaping = self.escaping();
        let old = self.old_value().unwrap_or_default();
        let old_pieces: Vec<&str> = if self.target.old.is_some() { escaping.split(&old, b';') } else { Vec::new() };
        let mut joined = String::with_capacity(64);
        let (mut last, mut end) = (0, 0);
        let needed = self.row.property == "N" && self.target.version.needs_name();
        let least = if self.target.old.is_some() { old_pieces.len().min(names.len()) } else { basic };
        for (place, name) in names.iter().enumerate() {
            if place > 0 {
                joined.push(';');
            }
            let text = match self.fields.find(name) {
                Some((at, Value::Text(text))) if !text.is_empty() => {
                    self.mark(at);
                    last = place + 1;
                    text.as_str()
                }
                _ => "",
            };
            match old_pieces.get(place).filter(|piece| escaping.unescape(piece) == text) {
                Some(piece) => joined.push_str(piece),
                None => joined.push_str(&self.component(name, text)),
            }
            if last.max(least) == place + 1 {
                end = joined.len();
            }
        }
        let labelled = self.row.property == "ADR" && self.target.version == Version::V4_0 && self.fields.contains("full");
        if last == 0 && !labelled && !needed {
            return None;
        }
        joined.truncate(end);
        Some(joined)
    }

    /// Escapes one component; in the titles of a name a comma without a blank separates, as in `Jr.,M.D.` (RFC 6350 §6.2.2).
    fn component<'t>(&self, name: &str, text: &'t str) -> Cow<'t, str> {
        let escaped = self.escaping().escape(text);
        let titles = matches!(name, "name/title" | "name/generation") && self.target.version != Version::V2_1;
        if titles && text.contains(',') && !text.contains(", ") { Cow::Owned(escaped.replace("\\,", ",")) } else { escaped }
    }

    /// Joins words: those of the old line in their order and with their raw escapes, then the new ones.
    fn words(&mut self, field: &str) -> Option<String> {
        let version = self.target.version;
        let mut words: BTreeSet<Cow<'f, str>> = BTreeSet::new();
        let fields: &Fields<'f> = self.fields;
        for (at, (name, value)) in fields.iter().enumerate() {
            let word = name.strip_prefix(field).and_then(|rest| rest.strip_prefix('/'));
            if let (Some(word), Value::Boolean(true)) = (word, value) {
                words.insert(Cow::Owned(pointer::unescape(word).into_owned()));
                self.mark(at);
            }
        }
        if words.is_empty() {
            return None;
        }
        let old = self.old_value().unwrap_or_default();
        let mut pieces: Vec<Cow<'_, str>> = Vec::with_capacity(words.len());
        for piece in version.escaping().pieces(&old, b',') {
            if words.remove(version.unescape_word(piece.trim()).as_str()) {
                pieces.push(Cow::Borrowed(piece));
            }
        }
        pieces.extend(words.iter().map(|word| Cow::Owned(version.escape_word(word))));
        Some(pieces.join(","))
    }

    fn media(&mut self) -> Option<Body<'f>> {
        if let Some((at, Value::Blob(blob))) = self.fields.find("content") {
            self.mark(at);
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

    fn either(&mut self, field: &str) -> Option<Cow<'f, str>> {
        if let Some(uri) = self.raw_uri("uri") {
            return Some(uri);
        }
        let text = self.escaped(field)?;
        self.value_type = Some("text");
        Some(text)
    }

    fn old_value(&self) -> Option<String> {
        self.target.old.map(|old| old.value().into_owned())
    }

    fn old_type(&self) -> Option<String> {
        self.target.old.and_then(|old| old.parameter("VALUE")).map(|raw| parameter::unquoted(&raw).to_owned())
    }

    fn parameters(&mut self, body: &Body<'f>) -> Result<Pairs<'f>, Unwritable> {
        let spelling = Spelling::of(self.raw, self.target.version);
        let row = self.row;
        // A field that was spelled by one parameter is not written by another one.
        let is_spelled_by_another = |name: &str, field: &str| {
            let other = |one: &Parameter| matches!(one, Parameter::Text(other, found, _) if *found == field && *other != name && spelling.is_some_and(|spelling| spelling.has(other)));
            row.parameters.iter().any(other)
        };
        let mut words: Vec<Cow<'f, str>> = Vec::new();
        let mut others: Pairs<'f> = Vec::new();
        for one in self.row.parameters {
            match one {
                Parameter::Words(known) => self.add_words(known, &mut words),
                Parameter::Word(field) => self.add_word(field, &mut words),
                Parameter::MediaType(family) => self.add_media_type(family, body, &mut words, &mut others),
                Parameter::Preference => self.add_preference(&mut words, &mut others),
                Parameter::Text(name, field, versions) => {
                    if versions.contains(&self.target.version)
                        && !is_spelled_by_another(name, field)
                        && !self.is_used(field)
                        && let Some((at, Value::Text(text))) = self.fields.find(field)
                    {
                        self.mark(at);
                        others.push((Cow::Borrowed(name), parameter::encode(text)?));
                    }
                }
            }
        }
        words.extend(self.raw.get("TYPE").into_iter().flat_map(|unmapped| unmapped.split(',').map(Cow::Borrowed)));
        let mut all = self.typed(words);
        all.append(&mut others);
        all.extend(
            self.raw
                .iter()
                .filter(|(name, _)| !["TYPE", SPELLING].contains(&name.as_ref()))
                .map(|(name, raw)| (name.clone(), Cow::Borrowed(raw))),
        );
        Ok(all)
    }

    fn add_words(&mut self, known: &'static [(&str, &str)], words: &mut Vec<Cow<'f, str>>) {
        for (word, field) in known {
            if let Some((at, Value::Boolean(true))) = self.fields.find(field) {
                self.mark(at);
                words.push(self.cased(word));
            }
        }
    }

    /// Adds a field that is one word of TYPE, if it reads back as it is.
    fn add_word(&mut self, field: &str, words: &mut Vec<Cow<'f, str>>) {
        let is_token = |text: &str| {
            !matches!(text, "" | "pref" | "home" | "work") && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        if let Some((at, Value::Text(word))) = self.fields.find(field)
            && is_token(word)
        {
            self.mark(at);
            words.push(Cow::Borrowed(word));
        }
    }

    fn add_preference(&mut self, words: &mut Vec<Cow<'f, str>>, others: &mut Pairs<'f>) {
        let Some((at, Value::Integer(number))) = self.fields.find("pref") else {
            return;
        };
        self.mark(at);
        if *number == 1 && self.target.version != Version::V4_0 {
            words.push(self.cased("PREF"));
        } else {
            others.push((Cow::Borrowed("PREF"), Cow::Owned(number.to_string())));
        }
    }

    fn add_media_type(&mut self, family: &str, body: &Body<'f>, words: &mut Vec<Cow<'f, str>>, others: &mut Pairs<'f>) {
        if matches!(body, Body::Data(..)) {
            return;
        }
        let Some(media_type) = self.text("mediaType") else {
            return;
        };
        if self.target.version == Version::V4_0 {
            others.push((Cow::Borrowed("MEDIATYPE"), Cow::Borrowed(media_type)));
            return;
        }
        let subtype = media_type.strip_prefix(family).and_then(|rest| rest.strip_prefix('/'));
        words.push(subtype.map_or(Cow::Borrowed(media_type), |subtype| Cow::Owned(subtype.to_ascii_uppercase())));
    }

    /// Writes a word of TYPE, which the table has in upper case, as the version does.
    fn cased(&self, word: &'static str) -> Cow<'f, str> {
        if self.target.version == Version::V4_0 { Cow::Owned(word.to_ascii_lowercase()) } else { Cow::Borrowed(word) }
    }

    fn typed(&self, mut words: Vec<Cow<'f, str>>) -> Pairs<'f> {
        if self.target.version == Version::V2_1 {
            return words.into_iter().map(|word| (Cow::Borrowed(""), word)).collect();
        }
        match words.len() {
            0 => Vec::new(),
            1 => vec![(Cow::Borrowed("TYPE"), words.pop().unwrap_or_default())],
            _ => vec![(Cow::Borrowed("TYPE"), Cow::Owned(words.join(",")))],
        }
    }
}
