//! Answers: bytes, JSON, and problems.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use protocol::Error;
use protocol::problem::{PROBLEM, Problem};
use serde::Serialize;

pub(crate) type Answer = Response<Body>;

/// Answers with bytes.
pub(crate) fn bytes(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Answer {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// Answers with a message.
pub(crate) fn json(message: &impl Serialize) -> Result<Answer, Error> {
    let text = serde_json::to_vec(message).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(bytes(StatusCode::OK, "application/json", text))
}

/// Answers that it is done, and nothing more.
pub(crate) fn done() -> Answer {
    let mut response = bytes(StatusCode::NO_CONTENT, "application/json", Body::empty());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// Answers with a problem. What the store's own disk said stays with whoever operates it.
pub(crate) fn problem(error: &Error, log: &dyn Fn(&str)) -> Answer {
    let mut problem = Problem::from(error);
    if problem.status >= 500 {
        log(&format!("{error}"));
    }
    if matches!(error, Error::Failed(_)) {
        problem.detail = "the store failed; its log says why".into();
        problem.subject = Some(problem.detail.clone());
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = bytes(status, PROBLEM, serde_json::to_vec(&problem).unwrap_or_default());
    match error {
        Error::TooMany { retry_after } => drop(response.headers_mut().insert(RETRY_AFTER, seconds(retry_after.as_secs() + 1))),
        Error::Unavailable(_) => drop(response.headers_mut().insert(RETRY_AFTER, seconds(1))),
        Error::Unauthenticated(_) => drop(response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        _ => {}
    }
    response
}

fn seconds(seconds: u64) -> HeaderValue {
    HeaderValue::from(seconds)
}
