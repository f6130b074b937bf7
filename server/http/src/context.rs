//! One request: who asks, for what, and how its parts are read.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::BodyExt;
use protocol::json::FromObject;
use protocol::{Collection, DeviceId, Error, Right};
use serde::de::DeserializeOwned;
use store::sqlite::Authorised;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::shared::Shared;

/// The most bytes of a JSON body.
pub(crate) const MESSAGE: usize = 1 << 20;
/// A body slower than this many bytes a second is given up.
const SLOWEST: usize = 16 << 10;
/// Bodies up to this length are not counted against the memory.
const SMALL: usize = 64 << 10;

/// A request.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) parts: Parts,
    pub(crate) parameters: Vec<(String, String)>,
    /// Who asks; absent on open routes, and without its rights where those are looked at later.
    pub(crate) caller: Option<Caller>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) device: DeviceId,
    pub(crate) authorised: Option<Authorised>,
}

impl Context {
    /// Returns who asks.
    pub(crate) fn device(&self) -> Result<DeviceId, Error> {
        self.caller.as_ref().map(|caller| caller.device).ok_or_else(|| Error::Unauthenticated("no token was given".into()))
    }

    /// Returns what the caller may do with the collection.
    pub(crate) fn right(&self) -> Right {
        self.caller.as_ref().and_then(|caller| caller.authorised.as_ref()).map_or(Right::Read, |authorised| authorised.right)
    }

    /// Reads a parameter of the path.
    pub(crate) fn parameter<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, Error> {
        let value = self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
        value.parse().map_err(|error| Error::Malformed(format!("{name}: {error}")))
    }

    /// Reads the collection's name.
    pub(crate) fn collection(&self) -> Result<Collection, Error> {
        self.parameter("collection")
    }

    /// Reads the query; every name in it has to be known.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        query(self.parts.uri.query().unwrap_or_default())
    }

    /// Reads a message.
    pub(crate) async fn message<T: DeserializeOwned>(&self, body: Body) -> Result<T, Error> {
        let kind = self.parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Error::Malformed("the body: its content type is application/json".into()));
        }
        let (bytes, _memory) = self.bytes(body, MESSAGE).await?;
        let read = serde_json::from_slice(&bytes).map(|FromObject(message)| message);
        read.map_err(|error| Error::Malformed(format!("the body: {error}")))
    }

    /// Reads a body of at most `limit` bytes into memory, which stays counted until the permit is dropped.
    pub(crate) async fn bytes(&self, body: Body, limit: usize) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Error> {
        let declared = self.declared_length().unwrap_or(limit);
        if declared > limit {
            return Err(Error::TooLarge { length: declared, limit });
        }
        let memory = if declared > SMALL { Some(self.shared.gates.memory(declared)?) } else { None };
        let patience = self.shared.limits.patience;
        let longest = patience + Duration::from_secs((declared / SLOWEST) as u64);
        let read = timeout(longest, collect(body, limit, patience)).await;
        read.unwrap_or_else(|_| Err(slow())).map(|bytes| (bytes, memory))
    }

    fn declared_length(&self) -> Option<usize> {
        self.parts.headers.get("content-length")?.to_str().ok()?.parse().ok()
    }
}

/// The client took too long for its body.
pub(crate) fn slow() -> Error {
    Error::Malformed("the body: it came too slowly".into())
}

async fn collect(mut body: Body, limit: usize, patience: Duration) -> Result<Bytes, Error> {
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = timeout(patience, body.frame()).await.map_err(|_| slow())? {
        let frame = frame.map_err(|error| Error::Malformed(format!("the body: {error}")))?;
        let Ok(bytes) = frame.into_data() else { continue };
        let length = first.len().max(rest.len()) + bytes.len();
        if length > limit {
            return Err(Error::TooLarge { length, limit });
        }
        if first.is_empty() && rest.is_empty() {
            first = bytes;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&bytes);
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}

/// Reads a query's pairs as the fields of a message, whose numbers are read from their text.
fn query<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut fields = serde_json::Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(Error::Malformed("the query: it is not percent-encoded text".into()));
        };
        // Ids may consist of digits alone, but are longer than any number.
        let number = value.parse::<u64>().ok().filter(|_| value.len() <= 20);
        let value = number.map_or(serde_json::Value::String(value), serde_json::Value::from);
        if fields.insert(name.clone(), value).is_some() {
            return Err(Error::Malformed(format!("the query: `{name}` is there twice")));
        }
    }
    serde_json::from_value(serde_json::Value::Object(fields)).map_err(|error| Error::Malformed(format!("the query: {error}")))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
