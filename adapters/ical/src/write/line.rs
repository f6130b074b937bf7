//! The bytes of one line: what did not change keeps its raw head or its raw value.

use crate::map::encode::{Body, Encoded};
use crate::write::refusal::Refusal;
use adapter::Blobs;
use contentline::charset::Charset;
use contentline::content::Content;
use contentline::error::Unwritable;
use contentline::fold::fold;
use contentline::parameter;
use contentline::style::Style;
use contentline::transport::{Transfer, encode_base64, encode_quoted};
use record::{Blob, Digest};
use std::borrow::Cow;
use std::io::Read;

/// How lines are written.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'w> {
    /// The charset of lines that name none.
    pub(crate) charset: Charset,
    pub(crate) style: Style,
    pub(crate) blobs: &'w dyn Blobs,
}

/// A line that exists, and what its fields were encoded as.
pub(crate) struct Old<'o> {
    pub(crate) content: &'o Content<'o>,
    pub(crate) encoded: Option<&'o Encoded>,
}

/// Writes a property line.
pub(crate) fn property(name: &str, line: &Encoded, old: Option<&Old<'_>>, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let previous = old.and_then(|old| old.encoded);
    let same_head = previous.is_some_and(|previous| {
        previous.parameters == line.parameters && previous.value_type == line.value_type && same_kind(&previous.body, &line.body)
    });
    let same_value = previous.is_some_and(|previous| previous.body == line.body);
    let content = old.map(|old| old.content);
    let value = match content {
        Some(content) if same_value => Cow::Borrowed(content.raw_value()),
        _ => value_of(name, &line.body, content, manner)?,
    };
    let mut bytes = match content {
        Some(content) if same_head => content.raw_head().to_vec(),
        _ => encoded_head(name, content, line, previous, manner)?,
    };
    bytes.push(b':');
    bytes.extend_from_slice(&value);
    folded(name, &bytes, manner.style)
}

/// Writes a line that is kept as it is.
pub(crate) fn verbatim(line: &str, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let content = Content::parse(Cow::Borrowed(line.as_bytes()));
    let charset = content.charset().filter(|_| content.transfer() == Transfer::Plain).unwrap_or(manner.charset);
    let name = content.name().into_owned();
    let bytes = charset.encode(line).map_err(|source| Refusal::Line { property: name.clone(), source })?;
    folded(&name, &bytes, manner.style)
}

/// Writes several lines that are kept as they are.
pub(crate) fn verbatim_lines(text: &str, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(text.len() + text.len() / 16 + 2);
    for line in text.split('\n') {
        bytes.extend(verbatim(line, manner)?);
    }
    Ok(bytes)
}

fn value_of<'v>(name: &str, body: &Body, old: Option<&Content<'_>>, manner: Manner<'_>) -> Result<Cow<'v, [u8]>, Refusal> {
    match body {
        Body::Text(text) => transported(text, old, manner).map_err(|source| Refusal::Line { property: name.to_owned(), source }),
        Body::Inline(blob) => Ok(Cow::Owned(encode_base64(&blob_bytes(name, *blob, manner.blobs)?).into_bytes())),
    }
}

/// Puts a value into the charset and the transfer encoding of its line.
fn transported<'v>(text: &str, old: Option<&Content<'_>>, manner: Manner<'_>) -> Result<Cow<'v, [u8]>, Unwritable> {
    let charset = old.map_or(manner.charset, |old| old.charset_to_write(manner.charset));
    let was_quoted = old.is_some_and(|old| old.transfer() == Transfer::QuotedPrintable);
    let text = if was_quoted { Cow::Owned(text.replace('\n', "\r\n")) } else { Cow::Borrowed(text) };
    let bytes = charset.encode(&text)?;
    Ok(Cow::Owned(if was_quoted { encode_quoted(&bytes).into_bytes() } else { bytes.into_owned() }))
}

fn blob_bytes(field: &str, blob: Blob, blobs: &dyn Blobs) -> Result<Vec<u8>, Refusal> {
    let refusal = |reason: String| Refusal::Blob { field: field.to_owned(), reason };
    let mut bytes = Vec::new();
    let mut reader = blobs.open(blob.digest).map_err(|error| refusal(error.to_string()))?;
    reader.read_to_end(&mut bytes).map_err(|error| refusal(error.to_string()))?;
    if Digest::of(&bytes) == blob.digest { Ok(bytes) } else { Err(refusal("they are not what their digest says".to_owned())) }
}

/// Makes a head; what says how an old value travels stays in it as long as it travels so.
fn head_of(name: &str, old: Option<&Content<'_>>, line: &Encoded, previous: Option<&Encoded>) -> String {
    let mut head = String::new();
    let same_type = previous.is_some_and(|previous| previous.value_type == line.value_type);
    let same_transport = previous.is_some_and(|previous| same_kind(&previous.body, &line.body));
    if let Some(old) = old {
        head.push_str(&old.name());
        for one in old.parameters() {
            let own = line.parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case(&one.name));
            let kept = (same_transport && is_transport(&one.name)) || (same_type && one.name.eq_ignore_ascii_case("VALUE"));
            if kept && !own {
                push_parameter(&mut head, &one.name, &one.value);
            }
        }
    } else {
        head.push_str(name);
    }
    if let Some(value_type) = line.value_type.filter(|_| !(same_type && old.is_some_and(|old| old.parameter("VALUE").is_some()))) {
        push_parameter(&mut head, "VALUE", value_type);
    }
    if matches!(line.body, Body::Inline(_)) && !same_transport {
        push_parameter(&mut head, "ENCODING", "BASE64");
    }
    for (name, raw) in &line.parameters {
        push_parameter(&mut head, name, raw);
    }
    head
}

fn encoded_head(
    name: &str,
    old: Option<&Content<'_>>,
    line: &Encoded,
    previous: Option<&Encoded>,
    manner: Manner<'_>,
) -> Result<Vec<u8>, Refusal> {
    let head = head_of(name, old, line, previous);
    let charset = old.map_or(manner.charset, |old| Charset::to_write(old.raw_head(), old.charset(), manner.charset));
    let bytes = charset.encode(&head).map_err(|source| Refusal::Line { property: name.to_owned(), source })?;
    Ok(bytes.into_owned())
}

fn push_parameter(head: &mut String, name: &str, raw: &str) {
    head.push(';');
    if !name.is_empty() {
        head.push_str(name);
        head.push('=');
    }
    head.push_str(raw);
}

fn is_transport(name: &str) -> bool {
    ["CHARSET", "ENCODING", ""].iter().any(|known| known.eq_ignore_ascii_case(parameter::unquoted(name)))
}

fn same_kind(one: &Body, other: &Body) -> bool {
    matches!((one, other), (Body::Text(_), Body::Text(_)) | (Body::Inline(_), Body::Inline(_)))
}

fn folded(name: &str, line: &[u8], style: Style) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(line.len() + line.len() / 32 + 4);
    fold(line, &style, &mut out).map_err(|source| Refusal::Line { property: name.to_owned(), source })?;
    Ok(out)
}
