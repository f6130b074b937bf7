//! From one line to fields, by its row; what cannot be given back exactly is not decoded.

use crate::map::lexical;
use crate::map::table::{Form, Parameter, Row, Words};
use contentline::content::Content;
use contentline::escape::Escaping;
use contentline::parameter;
use contentline::transport::Transfer;
use record::vocabulary::OVERRIDES;
use record::{Blob, Digest, Value, pointer};
use std::borrow::Cow;

/// Fields by their names below a part, or below the record, in order of name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named(Vec<(Cow<'static, str>, Value)>);

impl Named {
    /// Returns the value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Sets a field that is not set yet, and tells whether it did.
    pub(crate) fn put(&mut self, name: impl Into<Cow<'static, str>>, value: Value) -> bool {
        let name = name.into();
        match self.0.binary_search_by(|(found, _)| found.as_ref().cmp(&name)) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, (name, value));
                true
            }
        }
    }

    /// Iterates over names and values, in order of name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Named {
    type Item = (Cow<'static, str>, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Value)> for Named {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> Self {
        let mut all: Vec<(Cow<'static, str>, Value)> = fields.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        Self(all)
    }
}

/// Raw parameters by name, in order of name.
pub(crate) type Raw = Vec<(String, String)>;

/// What a line stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its fields.
    pub(crate) fields: Named,
    /// The parameters that are no fields.
    pub(crate) raw: Raw,
}

/// Reads one line; `None` where the line must be kept as it is. `zone` is the zone of the start that it is read by.
pub(crate) fn decode(row: &Row, content: &Content<'_>, zone: Option<&str>) -> Option<Decoded> {
    if content.group().is_some() {
        return None;
    }
    let mut line = Line { row, zone, decoded: Decoded::default(), value_type: None, tzid: None };
    for one in content.parameters() {
        line.parameter(&one.name, one.value)?;
    }
    if content.transfer() == Transfer::Base64 {
        if row.form != Form::Media {
            return None;
        }
        line.accept(&["BINARY"])?;
        line.inline(&content.bytes()?);
    } else {
        line.value(&content.value())?;
    }
    // A TZID that says nothing is kept beside the value.
    if let Some(tzid) = line.tzid.take() {
        line.keep("TZID", &tzid);
    }
    line.decoded.raw.sort_unstable();
    let spread = row.is_spread() && !line.decoded.raw.is_empty();
    (!spread).then_some(line.decoded)
}

/// Returns the value of a keyword; `None` where it would not be written as it was.
pub(crate) fn keyword(token: &str, words: Words) -> Option<String> {
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(token));
    let value = known.map_or_else(|| token.to_ascii_lowercase(), |(_, value)| (*value).to_owned());
    let back = words.iter().find(|(_, found)| *found == value).map_or(value.as_str(), |(word, _)| word);
    (plain && back.eq_ignore_ascii_case(token)).then_some(value)
}

/// Returns the keyword of a value.
pub(crate) fn unkeyword(value: &str, words: Words) -> String {
    words.iter().find(|(_, found)| *found == value).map_or_else(|| value.to_ascii_uppercase(), |(word, _)| (*word).to_owned())
}

struct Line<'r> {
    row: &'r Row,
    zone: Option<&'r str>,
    decoded: Decoded,
    value_type: Option<String>,
    tzid: Option<Cow<'r, str>>,
}

/// Returns a name in upper case, in which nearly all are written.
fn upper(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) { Cow::Owned(name.to_ascii_uppercase()) } else { Cow::Borrowed(name) }
}

impl<'r> Line<'r> {
    fn parameter(&mut self, name: &str, raw: Cow<'r, str>) -> Option<()> {
        match upper(name).as_ref() {
            // A bare word is no parameter of iCalendar, and how a value travels is none that is kept.
            "" => is_transfer(&raw).then_some(()),
            "CHARSET" => Some(()),
            "ENCODING" if is_transfer(&raw) => Some(()),
            "VALUE" if self.value_type.is_none() => {
                self.value_type = Some(parameter::unquoted(&raw).to_ascii_uppercase());
                Some(())
            }
            "TZID" if self.has_zone() && self.tzid.is_none() && !parameter::unquoted(&raw).is_empty() => {
                self.tzid = Some(raw);
                Some(())
            }
            upper => {
                self.named(upper, &raw);
                Some(())
            }
        }
    }

    fn has_zone(&self) -> bool {
        matches!(self.row.form, Form::When(..) | Form::Relative(..) | Form::Dates(_))
    }

    fn named(&mut self, name: &str, raw: &str) {
        for one in self.row.parameters {
            let taken = match *one {
                Parameter::Text(property, field) => name == property && self.text_parameter(field, raw),
                Parameter::Keyword(property, field) => {
                    name == property && keyword(raw, &[]).is_some_and(|value| self.decoded.fields.put(field, Value::Text(value)))
                }
                Parameter::Boolean(property, field) => name == property && self.boolean_parameter(field, raw),
                Parameter::Words(property, field) => name == property && self.word_parameters(field, raw),
            };
            if taken {
                return;
            }
        }
        self.keep(name, raw);
    }

    fn text_parameter(&mut self, field: &'static str, raw: &str) -> bool {
        // Several values between commas are no one text.
        let one = parameter::each(raw).nth(1).is_none();
        let text = parameter::decode(raw);
        let kept = parameter::encode(&text).is_ok_and(|encoded| parameter::decode(&encoded) == text);
        one && kept && self.decoded.fields.put(field, Value::text(&text))
    }

    fn boolean_parameter(&mut self, field: &'static str, raw: &str) -> bool {
        let truth = [("TRUE", true), ("FALSE", false)].into_iter().find(|(word, _)| word.eq_ignore_ascii_case(raw));
        truth.is_some_and(|(_, truth)| self.decoded.fields.put(field, Value::Boolean(truth)))
    }

    fn word_parameters(&mut self, field: &str, raw: &str) -> bool {
        let words: Option<Vec<String>> = parameter::each(raw).map(|word| keyword(parameter::unquoted(word), &[])).collect();
        let Some(words) = words else { return false };
        for word in words {
            self.decoded.fields.put(format!("{field}/{}", pointer::escape(&word)), Value::Boolean(true));
        }
        true
    }

    fn keep(&mut self, name: &str, raw: &str) {
        match self.decoded.raw.iter_mut().find(|(found, _)| found == name) {
            Some((_, kept)) => {
                kept.push(',');
                kept.push_str(raw);
            }
            None => self.decoded.raw.push((name.to_owned(), raw.to_owned())),
        }
    }

    fn put(&mut self, field: &'static str, value: Value) -> Option<()> {
        self.decoded.fields.put(field, value).then_some(())
    }

    fn value(&mut self, value: &str) -> Option<()> {
        match self.row.form {
            Form::Text(field) => {
                self.accept(&["TEXT"])?;
                self.put(field, Value::Text(Escaping::Text.unescape(value).into_owned()))
            }
            Form::Plain(field) => {
                self.accept(&["TEXT", "RECUR"])?;
                self.put(field, Value::text(value))
            }
            Form::Keyword(field, words) => {
                self.accept(&["TEXT"])?;
                self.put(field, Value::Text(keyword(value.trim(), words)?))
            }
            Form::Integer(field) => {
                self.accept(&["INTEGER"])?;
                let number: i64 = value.trim().parse().ok()?;
                (number.to_string() == value.trim()).then_some(())?;
                self.put(field, Value::Integer(number))
            }
            Form::Uri(field) => {
                self.accept(&["URI", "CAL-ADDRESS"])?;
                self.put(field, Value::Uri(value.to_owned()))
            }
            Form::When(field, zone) => self.when(field, zone, value),
            Form::Relative(field, zone) => self.relative(field, zone, value),
            Form::Instant(field) => {
                self.accept(&["DATE-TIME"])?;
                let instant = lexical::read_when(value.trim()).filter(|value| matches!(value, Value::Instant(_)))?;
                self.put(field, instant)
            }
            Form::Duration(field) => {
                self.accept(&["DURATION"])?;
                self.duration(field, value)
            }
            Form::Set(field) => {
                self.accept(&["TEXT"])?;
                self.words(field, value)
            }
            Form::Dates(excluded) => self.dates(excluded, value),
            Form::Media => {
                self.accept(&["URI"])?;
                self.put("uri", Value::Uri(value.to_owned()))
            }
            Form::Trigger => self.trigger(value),
            Form::Geo => {
                self.accept(&["FLOAT"])?;
                self.put("geo", Value::Uri(lexical::read_geo(value.trim())?))
            }
            Form::Related => self.related(value),
        }
    }

    /// Goes on only where VALUE is missing or one of these.
    fn accept(&self, types: &[&str]) -> Option<()> {
        self.value_type.as_deref().is_none_or(|found| types.contains(&found)).then_some(())
    }

    /// Reads a point in time. Outlook omits VALUE=DATE, so eight digits mean a date whatever the parameter says.
    fn moment(&self, value: &str) -> Option<Value> {
        let moment = lexical::read_when(value.trim())?;
        let types: &[&str] = if matches!(moment, Value::Date(_)) { &["DATE"] } else { &["DATE-TIME"] };
        self.accept(types).map(|()| moment)
    }

    fn when(&mut self, field: &'static str, zone: &'static str, value: &str) -> Option<()> {
        let moment = self.moment(value)?;
        if matches!(moment, Value::LocalDateTime(_))
            && let Some(tzid) = self.tzid.take()
        {
            self.put(zone, Value::text(parameter::unquoted(&tzid)))?;
        }
        self.put(field, moment)
    }

    fn relative(&mut self, field: &'static str, zone: &'static str, value: &str) -> Option<()> {
        let moment = self.moment(value)?;
        if matches!(moment, Value::LocalDateTime(_)) {
            let tzid = self.tzid.take().map(|raw| parameter::unquoted(&raw).to_owned());
            if tzid.as_deref() != self.zone {
                self.put(zone, Value::Text(tzid.unwrap_or_default()))?;
            }
        }
        self.put(field, moment)
    }

    fn duration(&mut self, field: &'static str, value: &str) -> Option<()> {
        let value = value.trim();
        lexical::is_duration(value).then_some(())?;
        self.put(field, Value::Duration(value.to_owned()))
    }

    fn words(&mut self, field: &str, value: &str) -> Option<()> {
        for piece in Escaping::Text.pieces(value, b',') {
            let word = Escaping::Text.unescape(piece.trim());
            if !word.is_empty() {
                self.decoded.fields.put([field, "/", &pointer::escape(&word)].concat(), Value::Boolean(true));
            }
        }
        (!self.decoded.fields.is_empty()).then_some(())
    }

    /// Reads dates in the zone of the start, in UTC, or whole days; a line has one of these forms.
    fn dates(&mut self, excluded: bool, value: &str) -> Option<()> {
        let mut form = None;
        for piece in value.split(',') {
            let moment = self.moment(piece)?;
            let found = std::mem::discriminant(&moment);
            (*form.get_or_insert(found) == found).then_some(())?;
            if matches!(moment, Value::LocalDateTime(_)) {
                let tzid = self.tzid.as_deref().map(parameter::unquoted);
                (tzid == self.zone).then_some(())?;
            }
            let name = format!("{OVERRIDES}/{}/excluded", moment.as_text()?);
            self.decoded.fields.put(name, Value::Boolean(excluded));
            if matches!(moment, Value::LocalDateTime(_)) {
                continue;
            }
            // A zone beside a date or an instant says nothing that could be kept.
            self.tzid.is_none().then_some(())?;
        }
        self.tzid = None;
        Some(())
    }

    fn trigger(&mut self, value: &str) -> Option<()> {
        let value = value.trim();
        if lexical::is_duration(value) {
            self.accept(&["DURATION"])?;
            return self.put("trigger", Value::Duration(value.to_owned()));
        }
        self.accept(&["DATE-TIME"])?;
        let instant = lexical::read_when(value).filter(|value| matches!(value, Value::Instant(_)))?;
        self.put("trigger", instant)
    }

    fn related(&mut self, value: &str) -> Option<()> {
        self.accept(&["TEXT", "UID", "URI"])?;
        match self.value_type.as_deref() {
            Some("URI") => self.put("uri", Value::Uri(value.to_owned())),
            _ => self.put("uid", Value::text(value)),
        }
    }

    /// Takes inline data.
    fn inline(&mut self, bytes: &[u8]) {
        let blob = Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        self.decoded.fields.put("content", Value::Blob(blob));
    }
}

fn is_transfer(raw: &str) -> bool {
    ["QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"].iter().any(|known| known.eq_ignore_ascii_case(parameter::unquoted(raw)))
}
