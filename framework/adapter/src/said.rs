//! The control messages of the protocol that both sides need: greetings, options, steps and errors.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::backend::Breach;
use crate::crossing::{
    AUTH, CANCELLED, CHANGED, CLOSED, CONFIG, FATAL, Failure, IO, PANIC, PROTOCOL, SOURCE, Status, TRANSIENT, UNSUPPORTED,
};
use crate::format::{OptionValue, Options};
use crate::lines::{octets, read_octets, unhex};
use crate::wire::{Encoding, PROTOCOL_NAME, VERSION};

/// The words for why a call fails.
const CODES: &[(Status, &str)] = &[
    (CONFIG, "config"),
    (AUTH, "auth"),
    (TRANSIENT, "transient"),
    (SOURCE, "source"),
    (CHANGED, "changed"),
    (IO, "io"),
    (CANCELLED, "cancelled"),
    (CLOSED, "closed"),
    (PROTOCOL, "protocol"),
    (FATAL, "fatal"),
    (PANIC, "panic"),
    (UNSUPPORTED, "unsupported"),
];

/// Writes why a call failed.
pub(crate) fn failure(failure: &Failure) -> Value {
    let code = CODES.iter().find(|(code, _)| *code == failure.code).map_or("fatal", |(_, word)| word);
    let mut body = Map::new();
    body.insert("code".to_owned(), code.into());
    body.insert("message".to_owned(), failure.message.clone().into());
    body.insert("subject".to_owned(), octets(&failure.subject));
    if let Some(time) = failure.retry_after {
        body.insert("retry-after-ms".to_owned(), u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into());
    }
    if failure.os_error != 0 {
        body.insert("os-error".to_owned(), failure.os_error.into());
    }
    Value::Object(body)
}

/// Reads why a call failed.
pub(crate) fn read_failure(body: &Value) -> Failure {
    let word = body.get("code").and_then(Value::as_str).unwrap_or_default();
    let Some((code, _)) = CODES.iter().find(|(_, known)| *known == word) else {
        return Failure::new(PROTOCOL, format!("it failed with the code `{word}`, which does not exist"));
    };
    let message = body.get("message").and_then(Value::as_str).filter(|message| !message.is_empty());
    Failure {
        code: *code,
        message: message.unwrap_or("it failed and gave no reason").to_owned(),
        subject: body.get("subject").and_then(read_octets).unwrap_or_default(),
        retry_after: body.get("retry-after-ms").and_then(Value::as_u64).map(Duration::from_millis),
        os_error: body.get("os-error").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or_default(),
    }
}

fn version() -> String {
    format!("{}.{}", VERSION.0, VERSION.1)
}

/// Writes the host's greeting.
pub(crate) fn greeting() -> Value {
    json!({ "protocol": PROTOCOL_NAME, "version": version(), "encodings": ["json", "cbor"] })
}

/// Writes the adapter's greeting.
pub(crate) fn reply() -> Value {
    json!({ "protocol": PROTOCOL_NAME, "version": version(), "encoding": "cbor" })
}

/// Reads a greeting, and returns the encoding that it chose, if it chose one.
pub(crate) fn read_greeting(body: &Value) -> Result<Option<Encoding>, Breach> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("protocol") != PROTOCOL_NAME {
        return Err(Breach(format!("it speaks the protocol `{}` and not `{PROTOCOL_NAME}`", text("protocol"))));
    }
    let major = text("version").split('.').next().and_then(|major| major.parse::<u64>().ok());
    if major != Some(VERSION.0) {
        let (theirs, ours) = (text("version"), version());
        return Err(Breach(format!(
            "it speaks version `{theirs}` of the protocol and this Syncretic {ours}; update the one that is older"
        )));
    }
    match text("encoding") {
        "" => Ok(None),
        "json" => Ok(Some(Encoding::Lines)),
        "cbor" => Ok(Some(Encoding::Frames)),
        other => Err(Breach(format!("it chose the encoding `{other}`; there are `json` and `cbor`"))),
    }
}

/// Writes options.
pub(crate) fn options(options: &Options) -> Value {
    let value = |value: &OptionValue| match value {
        OptionValue::Text(text) => Value::from(text.as_str()),
        OptionValue::Integer(number) => Value::from(*number),
        OptionValue::Boolean(truth) => Value::from(*truth),
        OptionValue::List(texts) => Value::from(texts.clone()),
        OptionValue::Table(pairs) => pairs.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect(),
    };
    options.iter().map(|(name, option)| (name.clone(), value(option))).collect()
}

/// Reads options.
pub(crate) fn read_options(body: &Value) -> Option<Options> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |value: &Value| match value {
        Value::String(text) => Some(OptionValue::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(OptionValue::Integer),
        Value::Bool(truth) => Some(OptionValue::Boolean(*truth)),
        Value::Array(texts) => texts.iter().map(text).collect::<Option<_>>().map(OptionValue::List),
        Value::Object(pairs) => {
            pairs.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect::<Option<_>>().map(OptionValue::Table)
        }
        Value::Null => None,
    };
    body.as_object()?.iter().map(|(name, value)| Some((name.clone(), read(value)?))).collect()
}

/// Reads exactly `N` bytes that are written as hexadecimal digits.
pub(crate) fn digits<const N: usize>(body: &Value, name: &str) -> Result<[u8; N], Breach> {
    let bytes = body.get(name).and_then(Value::as_str).and_then(unhex).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Breach(format!("`{name}` is not {N} bytes as hexadecimal digits")))
}
