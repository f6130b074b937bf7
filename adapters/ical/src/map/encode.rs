//! From fields to one line, by its row; the same for new lines and for lines that take the place of old ones.

use crate::map::decode::{Named, Raw, unkeyword};
use crate::map::lexical;
use crate::map::table::{Form, Parameter, Row};
use contentline::content::Content;
use contentline::error::Unwritable;
use contentline::escape::Escaping;
use contentline::parameter;
use record::vocabulary::OVERRIDES;
use record::{Blob, Value, pointer};
use std::collections::BTreeSet;

/// A line before its transport: parameters, the type that must be stated, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Parameters in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// The VALUE parameter, where it is not the property's default.
    pub(crate) value_type: Option<&'static str>,
    /// The value.
    pub(crate) body: Body,
    /// The fields that it stands for; the others have no form in such a line.
    pub(crate) used: BTreeSet<String>,
}

/// A value before its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Escaped text.
    Text(String),
    /// Inline data as base64 under ENCODING.
    Inline(Blob),
}

/// What a line is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'c> {
    /// The zone of the start that it is read by.
    pub(crate) zone: Option<&'c str>,
    /// The line that it takes the place of.
    pub(crate) old: Option<&'c Content<'c>>,
}

/// Makes a line of fields and unmapped parameters; `None` where the fields that make a line exist are missing.
pub(crate) fn encode(row: &Row, fields: &Named, raw: &Raw, target: Target<'_>) -> Result<Option<Encoded>, Unwritable> {
    let mut line = Line { row, fields, target, used: BTreeSet::new(), value_type: None, tzid: None };
    let Some(body) = line.body() else {
        return Ok(None);
    };
    let parameters = line.parameters(raw)?;
    Ok(Some(Encoded { parameters, value_type: line.value_type, body, used: line.used }))
}

struct Line<'l> {
    row: &'l Row,
    fields: &'l Named,
    target: Target<'l>,
    used: BTreeSet<String>,
    value_type: Option<&'static str>,
    tzid: Option<String>,
}

impl<'l> Line<'l> {
    fn body(&mut self) -> Option<Body> {
        let text = match self.row.form {
            Form::Text(field) => Escaping::Text.escape(self.text(field)?).into_owned(),
            Form::Plain(field) => self.text(field)?.to_owned(),
            Form::Keyword(field, words) => unkeyword(self.text(field)?, words),
            Form::Integer(field) => match self.take(field)? {
                Value::Integer(number) => number.to_string(),
                _ => return None,
            },
            Form::Uri(field) => self.uri(field)?.to_owned(),
            Form::When(field, zone) => self.when(field, zone, None)?,
            Form::Relative(field, zone) => self.when(field, zone, self.target.zone)?,
            Form::Instant(field) => lexical::write_when(self.take(field).filter(|value| matches!(value, Value::Instant(_)))?)?,
            Form::Duration(field) => self.duration(field)?.to_owned(),
            Form::Set(field) => self.words(field)?,
            Form::Dates(excluded) => self.dates(excluded)?,
            Form::Media => return self.media(),
            Form::Trigger => self.trigger()?,
            Form::Geo => lexical::write_geo(self.uri("geo")?)?,
            Form::Related => self.related()?,
        };
        Some(Body::Text(text))
    }

    fn take(&mut self, field: &str) -> Option<&'l Value> {
        let value = self.fields.get(field)?;
        self.used.insert(field.to_owned());
        Some(value)
    }

    fn text(&mut self, field: &str) -> Option<&'l str> {
        match self.take(field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn uri(&mut self, field: &str) -> Option<&'l str> {
        match self.take(field)? {
            Value::Uri(uri) => Some(uri),
            _ => None,
        }
    }

    fn duration(&mut self, field: &str) -> Option<&'l str> {
        match self.take(field)? {
            Value::Duration(text) if lexical::is_duration(text) => Some(text),
            _ => None,
        }
    }

    /// Writes a point in time; `zone` is where a local one is without a zone of its own.
    fn when(&mut self, field: &str, own: &str, zone: Option<&str>) -> Option<String> {
        let value = self.take(field)?;
        let text = lexical::write_when(value)?;
        match value {
            Value::Date(_) => self.value_type = Some("DATE"),
            Value::LocalDateTime(_) => {
                let own = self.text(own);
                self.tzid = own.or(zone).filter(|tzid| !tzid.is_empty()).map(str::to_owned);
            }
            _ => {}
        }
        Some(text)
    }

    /// Joins words: those of the old line in their order and with their raw escapes, then the new ones.
    fn words(&mut self, field: &str) -> Option<String> {
        let below = format!("{field}/");
        let mut words: BTreeSet<String> = BTreeSet::new();
        for (name, value) in self.fields.iter() {
            if let (Some(word), Value::Boolean(true)) = (name.strip_prefix(&below), value) {
                words.insert(pointer::unescape(word).into_owned());
                self.used.insert(name.to_owned());
            }
        }
        if words.is_empty() {
            return None;
        }
        let old = self.target.old.map(|old| old.value().into_owned()).unwrap_or_default();
        let mut pieces: Vec<String> = Vec::with_capacity(words.len());
        for piece in Escaping::Text.split(&old, b',') {
            if words.remove(Escaping::Text.unescape(piece.trim()).as_ref()) {
                pieces.push(piece.to_owned());
            }
        }
        pieces.extend(words.iter().map(|word| Escaping::Text.escape(word).into_owned()));
        Some(pieces.join(","))
    }

    /// Joins dates: those of the old line in their order, then the new ones; all must have one form.
    fn dates(&mut self, excluded: bool) -> Option<String> {
        let mut dates: BTreeSet<String> = BTreeSet::new();
        let mut form = None;
        for (name, value) in self.fields.iter() {
            if *value != Value::Boolean(excluded) {
                continue;
            }
            let moment = lexical::read_id(date_of(name)?)?;
            let found = std::mem::discriminant(&moment);
            (*form.get_or_insert(found) == found).then_some(())?;
            match moment {
                Value::Date(_) => self.value_type = Some("DATE"),
                Value::LocalDateTime(_) => self.tzid = self.target.zone.map(str::to_owned),
                _ => {}
            }
            dates.insert(lexical::write_when(&moment)?);
            self.used.insert(name.to_owned());
        }
        if dates.is_empty() {
            return None;
        }
        let old = self.target.old.map(|old| old.value().into_owned()).unwrap_or_default();
        let mut pieces: Vec<String> = old.split(',').filter(|piece| dates.remove(piece.trim())).map(str::to_owned).collect();
        pieces.extend(dates);
        Some(pieces.join(","))
    }

    fn media(&mut self) -> Option<Body> {
        if let Some(Value::Blob(blob)) = self.fields.get("content") {
            self.used.insert("content".to_owned());
            self.value_type = Some("BINARY");
            return Some(Body::Inline(*blob));
        }
        self.uri("uri").map(|uri| Body::Text(uri.to_owned()))
    }

    fn trigger(&mut self) -> Option<String> {
        match self.take("trigger")? {
            Value::Duration(text) if lexical::is_duration(text) => Some(text.clone()),
            instant @ Value::Instant(_) => {
                self.value_type = Some("DATE-TIME");
                lexical::write_when(instant)
            }
            _ => None,
        }
    }

    fn related(&mut self) -> Option<String> {
        if let Some(uid) = self.text("uid") {
            return Some(uid.to_owned());
        }
        self.value_type = Some("URI");
        self.uri("uri").map(str::to_owned)
    }

    fn parameters(&mut self, raw: &Raw) -> Result<Vec<(String, String)>, Unwritable> {
        let mut all: Vec<(String, String)> = Vec::new();
        if let Some(tzid) = self.tzid.take() {
            all.push(("TZID".to_owned(), zone_parameter(&tzid)?));
        }
        for one in self.row.parameters {
            let encoded = match *one {
                Parameter::Text(name, field) => match self.text(field) {
                    Some(text) => Some((name, parameter::encode(text)?.into_owned())),
                    None => None,
                },
                Parameter::Keyword(name, field) => self.text(field).map(|value| (name, value.to_ascii_uppercase())),
                Parameter::Boolean(name, field) => match self.take(field) {
                    Some(Value::Boolean(truth)) => Some((name, if *truth { "TRUE" } else { "FALSE" }.to_owned())),
                    _ => None,
                },
                Parameter::Words(name, field) => self.word_parameter(field).map(|words| (name, words)),
            };
            all.extend(encoded.map(|(name, value)| (name.to_owned(), value)));
        }
        let own = all.len();
        for (name, value) in raw {
            if !all.iter().take(own).any(|(found, _)| found == name) {
                all.push((name.clone(), value.clone()));
            }
        }
        Ok(all)
    }

    fn word_parameter(&mut self, field: &str) -> Option<String> {
        let below = format!("{field}/");
        let mut words = Vec::new();
        for (name, value) in self.fields.iter() {
            if let (Some(word), Value::Boolean(true)) = (name.strip_prefix(&below), value) {
                words.push(pointer::unescape(word).to_ascii_uppercase());
                self.used.insert(name.to_owned());
            }
        }
        (!words.is_empty()).then(|| words.join(","))
    }
}

/// Returns the date of `recurrenceOverrides/<date>/excluded`.
pub(crate) fn date_of(name: &str) -> Option<&str> {
    name.strip_prefix(OVERRIDES)?.strip_prefix('/')?.strip_suffix("/excluded")
}

/// Writes a TZID; one without separators stands without quotes, as most programs write it.
fn zone_parameter(tzid: &str) -> Result<String, Unwritable> {
    if !tzid.contains(['"', ',', ';', ':', '^', '=']) && !tzid.chars().any(char::is_control) && tzid.trim() == tzid {
        return Ok(tzid.to_owned());
    }
    if tzid.contains('"') {
        return Err(Unwritable::Parameter { character: '"' });
    }
    if let Some(character) = tzid.chars().find(|character| character.is_control()) {
        return Err(Unwritable::Parameter { character });
    }
    Ok(format!("\"{tzid}\""))
}
