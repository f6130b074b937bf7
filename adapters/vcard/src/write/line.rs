//! The bytes of one line: what did not change keeps its raw head or its raw value.

use crate::map::encode::{Body, Encoded};
use crate::version::Version;
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

/// How lines of a card are written.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'w> {
    pub(crate) version: Version,
    /// The charset of lines that name none.
    pub(crate) charset: Charset,
    pub(crate) style: Style,
    pub(crate) blobs: &'w dyn Blobs,
}

/// A line that exists, and what its fields were encoded as.
pub(crate) struct Old<'o> {
    pub(crate) content: &'o Content<'o>,
    pub(crate) encoded: Option<&'o Encoded<'o>>,
}

/// Writes a property line; `group` is put before a head that has none.
pub(crate) fn property(
    name: &str,
    group: Option<&str>,
    line: &Encoded<'_>,
    old: Option<&Old<'_>>,
    manner: Manner<'_>,
) -> Result<Vec<u8>, Refusal> {
    let previous = old.and_then(|old| old.encoded);
    let same_head = previous.is_some_and(|previous| {
        previous.parameters == line.parameters && previous.value_type == line.value_type && same_kind(&previous.body, &line.body)
    });
    let same_value = previous.is_some_and(|previous| previous.body == line.body);
    let content = old.map(|old| old.content);
    let value = match content {
        Some(content) if same_value => Value { bytes: Cow::Borrowed(content.raw_value()), more: String::new() },
        _ => value_of(name, &line.body, content, manner)?,
    };
    let mut bytes = match content {
        Some(content) if same_head => content.raw_head().to_vec(),
        _ => head_of(name, content, line, previous),
    };
    if let Some(group) = group {
        bytes.splice(0..0, format!("{group}.").into_bytes());
    }
    bytes.extend_from_slice(value.more.as_bytes());
    bytes.push(b':');
    bytes.extend_from_slice(&value.bytes);
    let mut out = folded(name, &bytes, manner.style)?;
    let was_base64 = content.is_some_and(|content| content.transfer() == Transfer::Base64);
    if matches!(line.body, Body::Inline(_)) && manner.version == Version::V2_1 && !was_base64 {
        // In 2.1 a blank line ends base64.
        out.extend_from_slice(manner.style.ending.as_bytes());
    }
    Ok(out)
}

/// Writes a line of plain text such as a label.
pub(crate) fn text(head: &str, text: &str, old: Option<&Content<'_>>, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let escaped = manner.version.escaping().escape(text).into_owned();
    let value = value_of(head, &Body::Text(Cow::Owned(escaped)), old, manner)?;
    let mut bytes = old.map_or_else(|| head.as_bytes().to_vec(), |old| old.raw_head().to_vec());
    bytes.extend_from_slice(value.more.as_bytes());
    bytes.push(b':');
    bytes.extend_from_slice(&value.bytes);
    folded(head, &bytes, manner.style)
}

/// Writes a line that is kept as it is, in its own charset.
pub(crate) fn verbatim(line: &str, manner: Manner<'_>) -> Result<Vec<u8>, Refusal> {
    let content = Content::parse(Cow::Borrowed(line.as_bytes()));
    let charset = content.charset().filter(|_| content.transfer() == Transfer::Plain).unwrap_or(manner.charset);
    let name = content.name().into_owned();
    let bytes = charset.encode(line).map_err(|source| Refusal::Line { property: name.clone(), source })?;
    folded(&name, &bytes, manner.style)
}

struct Value<'v> {
    bytes: Cow<'v, [u8]>,
    /// Parameters that the transport adds to the head.
    more: String,
}

fn value_of<'v>(name: &str, body: &Body<'_>, old: Option<&Content<'_>>, manner: Manner<'_>) -> Result<Value<'v>, Refusal> {
    let text = match body {
        Body::Text(text) => return transported(text, old, manner).map_err(|source| Refusal::Line { property: name.to_owned(), source }),
        Body::Inline(blob) => encode_base64(&blob_bytes(name, *blob, manner.blobs)?),
        Body::Data(blob, media_type) => {
            format!("data:{media_type};base64,{}", encode_base64(&blob_bytes(name, *blob, manner.blobs)?))
        }
    };
    Ok(Value { bytes: Cow::Owned(text.into_bytes()), more: String::new() })
}

/// Puts a value into the charset and the transfer encoding of its line.
fn transported<'v>(text: &str, old: Option<&Content<'_>>, manner: Manner<'_>) -> Result<Value<'v>, Unwritable> {
    let was_quoted = old.is_some_and(|old| old.transfer() == Transfer::QuotedPrintable);
    let declared = old.and_then(Content::charset);
    let eight_bit = declared.is_some() || old.is_some_and(|old| !old.raw_value().is_ascii());
    let quoted = was_quoted || (manner.version == Version::V2_1 && (text.contains('\n') || (!text.is_ascii() && !eight_bit)));
    if !quoted {
        let charset = old.map_or(manner.charset, |old| old.charset_to_write(manner.charset));
        return Ok(Value { bytes: Cow::Owned(charset.encode(text)?.into_owned()), more: String::new() });
    }
    let charset = match old {
        Some(old) if was_quoted || eight_bit => old.charset_to_write(manner.charset),
        _ => Charset::UTF_8,
    };
    let mut more = String::new();
    if !text.is_ascii() && declared.is_none() {
        more.push_str(&format!(";CHARSET={}", charset.name()));
    }
    if !was_quoted {
        more.push_str(";ENCODING=QUOTED-PRINTABLE");
    }
    let lines = text.replace('\n', "\r\n");
    let bytes = charset.encode(&lines)?;
    Ok(Value { bytes: Cow::Owned(encode_quoted(&bytes).into_bytes()), more })
}

fn blob_bytes(field: &str, blob: Blob, blobs: &dyn Blobs) -> Result<Vec<u8>, Refusal> {
    let refusal = |reason: String| Refusal::Blob { field: field.to_owned(), reason };
    let mut bytes = Vec::new();
    let mut reader = blobs.open(blob.digest).map_err(|error| refusal(error.to_string()))?;
    reader.read_to_end(&mut bytes).map_err(|error| refusal(error.to_string()))?;
    if Digest::of(&bytes) == blob.digest { Ok(bytes) } else { Err(refusal("they are not what their digest says".to_owned())) }
}

/// Makes a head; what says how an old value travels stays in it as long as it travels so.
fn head_of(name: &str, old: Option<&Content<'_>>, line: &Encoded<'_>, previous: Option<&Encoded<'_>>) -> Vec<u8> {
    let mut head = String::new();
    let same_type = previous.is_some_and(|previous| previous.value_type == line.value_type);
    let same_transport = previous.is_some_and(|previous| same_kind(&previous.body, &line.body));
    if let Some(old) = old {
        if let Some(group) = old.group() {
            head.push_str(&group);
            head.push('.');
        }
        head.push_str(&old.name());
        for one in old.parameters() {
            let own = line.parameters.iter().any(|(name, _)| !name.is_empty() && name.eq_ignore_ascii_case(&one.name));
            let kept = (same_transport && is_transport(&one.name, &one.value)) || (same_type && is_value_type(&one.name, &one.value));
            if kept && !own {
                push_parameter(&mut head, &one.name, &one.value);
            }
        }
    } else {
        head.push_str(name);
    }
    if let Some(value_type) = line.value_type.filter(|_| !same_type) {
        push_parameter(&mut head, "VALUE", value_type);
    }
    if matches!(line.body, Body::Inline(_)) && !same_transport {
        let bare = line.parameters.iter().any(|(name, _)| name.is_empty());
        push_parameter(&mut head, "ENCODING", if bare { "BASE64" } else { "b" });
    }
    for (name, raw) in &line.parameters {
        push_parameter(&mut head, name, raw);
    }
    head.into_bytes()
}

fn push_parameter(head: &mut String, name: &str, raw: &str) {
    head.push(';');
    if !name.is_empty() {
        head.push_str(name);
        head.push('=');
    }
    head.push_str(raw);
}

fn is_transport(name: &str, raw: &str) -> bool {
    let bare = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(parameter::unquoted(raw)));
    name.eq_ignore_ascii_case("CHARSET")
        || name.eq_ignore_ascii_case("ENCODING")
        || (name.is_empty() && bare(&["QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"]))
}

fn is_value_type(name: &str, raw: &str) -> bool {
    let bare = ["INLINE", "URL", "CONTENT-ID", "CID"];
    name.eq_ignore_ascii_case("VALUE") || (name.is_empty() && bare.iter().any(|known| known.eq_ignore_ascii_case(raw)))
}

fn same_kind(one: &Body<'_>, other: &Body<'_>) -> bool {
    matches!((one, other), (Body::Text(_) | Body::Data(..), Body::Text(_) | Body::Data(..)) | (Body::Inline(_), Body::Inline(_)))
}

fn folded(name: &str, line: &[u8], style: Style) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(line.len() + line.len() / 32 + 4);
    fold(line, &style, &mut out).map_err(|source| Refusal::Line { property: name.to_owned(), source })?;
    Ok(out)
}
