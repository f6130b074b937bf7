//! What anybody may ask: what this is, how it is, and to be let in.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use protocol::messages::{About, Challenge, Challenged, Device, Enroll, Enrolled, Granted, Proof};
use protocol::routes::{Access, Route};
use protocol::{Error, signed};

use crate::answer::{self, Answer};
use crate::context::Context;
use crate::keys::verifies;
use crate::openapi;
use crate::tokens::TOKEN;

/// The page that shows the API. Nothing in it comes from elsewhere.
const PAGE: &str = include_str!("page.html");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

/// Shows one of the pages for people and machines that look after the server.
pub(crate) async fn show(context: &Context, route: Route) -> Result<Answer, Error> {
    let shared = &context.shared;
    let text = |text: String| Ok(answer::bytes(StatusCode::OK, "text/plain; charset=utf-8", text));
    match route {
        Route::Page => {
            let mut page = answer::bytes(StatusCode::OK, "text/html; charset=utf-8", PAGE);
            page.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            Ok(page)
        }
        Route::OpenApi => answer::json(&openapi::document()),
        Route::Metrics => text(shared.metrics.render()),
        Route::Readyz => {
            if *shared.stopping.borrow() {
                return Err(Error::Unavailable("the server is stopping".into()));
            }
            shared.blocking(|store| store.audit(0, 1)).await?;
            text("ok\n".into())
        }
        Route::About => answer::json(&About {
            service: "syncretic".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            api: 1,
            store: shared.identity,
            now: shared.clock.now(),
        }),
        _ => text("ok\n".into()),
    }
}

/// Enrolls a device that has a code and its key.
pub(crate) async fn enroll(context: &Context, body: Body) -> Result<Answer, Error> {
    let enroll: Enroll = context.message(body).await?;
    let message = signed::enrollment(&enroll.code, &enroll.device, &enroll.name);
    if !verifies(&enroll.device, &message, &enroll.signature) {
        return Err(Error::Integrity("the signature is not this device's over code, key and name".into()));
    }
    let store = context.shared.identity;
    let device: Device = context.shared.blocking(move |store| store.enroll(enroll)).await?;
    answer::json(&Enrolled { store, device })
}

/// Gives a device something to sign. Nobody is told whether it is known before it has signed.
pub(crate) async fn challenge(context: &Context, body: Body) -> Result<Answer, Error> {
    let Challenge { device } = context.message(body).await?;
    let (nonce, until) = context.shared.tokens.challenge(device, context.shared.clock.now())?;
    answer::json(&Challenged { store: context.shared.identity, nonce, until })
}

/// Gives a token to a device that signed.
pub(crate) async fn token(context: &Context, body: Body) -> Result<Answer, Error> {
    let shared = &context.shared;
    let Proof { device, nonce, signature } = context.message(body).await?;
    if !shared.tokens.answer(&device, &nonce, shared.clock.now()) {
        return Err(Error::Unauthenticated("the challenge is unknown, was answered already, or has ended".into()));
    }
    if !verifies(&device, &signed::challenge(&shared.identity, &nonce, &device), &signature) {
        let detail = device.to_string();
        shared.blocking(move |store| store.note("", "refuse-signature", &detail, "challenge")).await?;
        return Err(Error::Unauthenticated("the signature is not this device's over the challenge".into()));
    }
    shared.blocking(move |store| store.authorise(&device, Access::Device, None)).await?;
    let (token, until) = shared.tokens.issue(device, shared.clock.now())?;
    shared.heard_of(device);
    let device = shared.blocking(move |store| store.device(&device)).await?;
    answer::json(&Granted { token, until, seconds: TOKEN.as_secs(), device })
}
