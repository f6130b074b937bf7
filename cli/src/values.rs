//! Values and fields as people and programs read them, and as people type them.

use record::{Pointer, Value, vocabulary};
use serde_json::json;

use crate::terminal::shown;

/// Returns a field as people read it: the ids of parts mean nothing to them.
pub(crate) fn field(pointer: &Pointer) -> String {
    let plain = match vocabulary::split(pointer.as_str()) {
        Some((stem, _, "")) => stem.to_owned(),
        Some((stem, _, rest)) => format!("{stem}/{rest}"),
        None => pointer.as_str().to_owned(),
    };
    shown(&plain)
}

/// Returns a value as people read it, in quotation marks; `nothing` where there is none.
pub(crate) fn quoted(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(value) if value.as_text().is_some() => format!("\"{}\"", shown(&value.display())),
        Some(value) => shown(&value.display()),
    }
}

/// Returns a value for programs: a text, a number or a truth value; of bytes and blobs what they are.
pub(crate) fn json(value: Option<&Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Value::Integer(number)) => json!(number),
        Some(Value::Boolean(truth)) => json!(truth),
        Some(Value::Bytes(bytes)) => json!({ "bytes": bytes.len() }),
        Some(Value::Blob(blob)) => json!({ "blob": blob.digest.to_string(), "length": blob.length }),
        Some(value) => json!(value.display()),
    }
}

/// Reads a typed text as a value of the same type as `like`; nothing if it cannot be one.
pub(crate) fn typed(text: &str, like: Option<&Value>) -> Option<Value> {
    Some(match like {
        None | Some(Value::Text(_)) => Value::text(text),
        Some(Value::Integer(_)) => Value::Integer(text.parse().ok()?),
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().ok()?),
        Some(Value::Decimal(_)) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| Value::Decimal(text.to_owned()))?,
        Some(Value::Date(_)) => {
            fits(text, &["####-##-##", "####-##", "####", "--##-##", "--##", "---##"]).then(|| Value::Date(text.to_owned()))?
        }
        Some(Value::LocalDateTime(_)) => fits(text, &["####-##-##T##:##:##"]).then(|| Value::LocalDateTime(text.to_owned()))?,
        Some(Value::Instant(_)) => fits(text, &["####-##-##T##:##:##Z"]).then(|| Value::Instant(text.to_owned()))?,
        Some(Value::Duration(_)) => text.trim_start_matches(['+', '-']).starts_with('P').then(|| Value::Duration(text.to_owned()))?,
        Some(Value::Uri(_)) => text.contains(':').then(|| Value::Uri(text.to_owned()))?,
        Some(_) => return None,
    })
}

/// Tells whether the text has one of the shapes, where `#` is a digit.
fn fits(text: &str, shapes: &[&str]) -> bool {
    let alike = |(character, shape): (char, char)| if shape == '#' { character.is_ascii_digit() } else { character == shape };
    shapes.iter().any(|shape| shape.len() == text.len() && text.chars().zip(shape.chars()).all(alike))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_shown_without_the_ids_of_its_parts() {
        assert_eq!(field(&Pointer::new("phones/1a2b/number")), "phones/number");
        assert_eq!(field(&Pointer::new("name/full")), "name/full");
        assert_eq!(field(&Pointer::new("ext/vcard/lines/7")), "ext/vcard/lines");
    }

    #[test]
    fn a_typed_value_is_of_the_fields_type_or_refused() {
        let date = Value::Date("1815-12-10".to_owned());
        assert_eq!(typed("--12-10", Some(&date)), Some(Value::Date("--12-10".to_owned())));
        assert_eq!(typed("10.12.1815", Some(&date)), None);
        assert_eq!(typed("7", Some(&Value::Integer(1))), Some(Value::Integer(7)));
        assert_eq!(typed("seven", Some(&Value::Integer(1))), None);
        assert_eq!(typed("seven", None), Some(Value::text("seven")));
        assert_eq!(typed("1.5e", Some(&Value::Decimal("1.5".to_owned()))), None);
    }

    #[test]
    fn values_are_shown_and_handed_on() {
        assert_eq!(quoted(Some(&Value::text("a\nb"))), "\"a\u{23ce}b\"");
        assert_eq!(quoted(Some(&Value::Integer(3))), "3");
        assert_eq!(quoted(None), "nothing");
        assert_eq!(json(Some(&Value::Integer(3))), 3);
        assert_eq!(json(None), serde_json::Value::Null);
    }
}
