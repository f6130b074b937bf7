//! One request and its answer: bounded in time and size, no redirect followed, nothing guessed.

use std::io::{self, Read};
use std::time::Duration;

use protocol::routes::FENCE;
use ureq::http::{Method, Request, Response, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Timeout};

use crate::address::Address;

/// The most bytes that an answer's headers may have.
const MAX_HEADERS: usize = 64 << 10;
/// The longest that one request may take, whatever trickles.
const LONGEST: Duration = Duration::from_secs(900);

/// How long a server may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until it is connected.
    pub connect: Duration,
    /// Until it answers, and between two pieces of what it sends or takes.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(20) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Nobody was reached: the request was not acted on.
    #[error("{0}")]
    Unreached(String),
    /// The connection broke or fell silent: whether the request was acted on is not known.
    #[error("{0}")]
    Silent(String),
    /// Somebody answered, and it is not the server or not this protocol; asking again would not help.
    #[error("{0}")]
    Wrong(String),
    /// The answer is larger than it may be.
    #[error("{0}")]
    TooLarge(String),
}

/// A line to one server.
#[derive(Clone, Debug)]
pub struct Line {
    agent: Agent,
    address: Address,
    timeouts: Timeouts,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) verb: Verb,
    /// Path and query, beginning with `/`.
    pub(crate) path: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: Option<(&'static str, &'a [u8])>,
    /// How much longer than usual the server may think: a long poll.
    pub(crate) patience: Duration,
    /// Where an event stream goes on.
    pub(crate) last_event: Option<&'a str>,
    /// The number of the lease that it is done under.
    pub(crate) fence: Option<&'a str>,
}

/// The methods that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The head of an answer; its body is still to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) kind: String,
    body: Body,
}

impl Line {
    /// Makes a line; nothing is sent yet. `authority` is the PEM text of the only certificates that are trusted, if one is given.
    ///
    /// # Errors
    /// Fails if `authority` holds no certificate.
    pub fn new(address: Address, timeouts: Timeouts, authority: Option<&str>) -> Result<Self, Broken> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A token goes where the person said, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(address.as_str().starts_with("https://"))
            .max_response_header_size(MAX_HEADERS)
            .accept_encoding("identity")
            .user_agent(concat!("syncretic/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(LONGEST))
            .timeout_connect(Some(timeouts.connect))
            .timeout_resolve(Some(timeouts.connect))
            .timeout_recv_response(Some(timeouts.silence))
            .timeout_per_read(Some(timeouts.silence))
            .timeout_per_write(Some(timeouts.silence));
        if address.is_loopback() {
            config = config.proxy(None);
        }
        if let Some(authority) = authority {
            config = config.tls_config(TlsConfig::builder().root_certs(certificates(authority)?).build());
        }
        Ok(Self { agent: config.build().new_agent(), address, timeouts })
    }

    /// Returns where it leads.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(&self, ask: &Ask<'_>) -> Result<Answer, Broken> {
        let mut request = Request::builder().method(ask.verb.http()).uri(self.address.join(ask.path));
        request = request.header(header::ACCEPT, "application/json, application/problem+json, application/octet-stream, text/event-stream");
        if let Some(token) = ask.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(last) = ask.last_event {
            request = request.header("last-event-id", last);
        }
        if let Some(fence) = ask.fence {
            request = request.header(FENCE, fence);
        }
        let body = match ask.body {
            Some((kind, bytes)) => {
                request = request.header(header::CONTENT_TYPE, kind).header(header::CONTENT_LENGTH, bytes.len());
                bytes
            }
            None => &[],
        };
        let made = |error: ureq::http::Error| Broken::Wrong(format!("`{}` cannot be asked for: {error}", ask.path));
        let answer = match ask.verb {
            Verb::Get | Verb::Delete => self.run(request.body(()).map_err(made)?, ask.patience),
            Verb::Post | Verb::Put | Verb::Patch => self.run(request.body(body).map_err(made)?, ask.patience),
        };
        self.head(answer.map_err(|error| self.broken(error))?)
    }

    fn run(&self, request: Request<impl ureq::AsSendBody>, patience: Duration) -> Result<Response<Body>, ureq::Error> {
        let silence = self.timeouts.silence.saturating_add(patience);
        let request = self.agent.configure_request(request).timeout_recv_response(Some(silence)).timeout_per_read(Some(silence)).build();
        self.agent.run(request)
    }

    fn head(&self, answer: Response<Body>) -> Result<Answer, Broken> {
        let text = |name: header::HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if answer.status().is_redirection() {
            let to = text(header::LOCATION).unwrap_or_else(|| "elsewhere".to_owned());
            return Err(Broken::Wrong(format!(
                "{} sends on to `{to}`, which is not followed; if that is your server, use its address",
                self.address
            )));
        }
        let retry_after = text(header::RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let kind = text(header::CONTENT_TYPE).unwrap_or_default();
        Ok(Answer { status: answer.status().as_u16(), retry_after, kind, body: answer.into_body() })
    }

    fn broken(&self, error: ureq::Error) -> Broken {
        let host = self.address.host();
        match error {
            ureq::Error::HostNotFound => Broken::Unreached(format!("there is no host `{host}`")),
            ureq::Error::ConnectionFailed => Broken::Unreached(format!("`{host}` refused the connection")),
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Broken::Unreached(format!("`{host}` cannot be reached in time")),
            ureq::Error::Timeout(_) => Broken::Silent(format!("`{host}` did not answer in time")),
            ureq::Error::Io(error) => self.io(&error),
            ureq::Error::Rustls(error) => Broken::Wrong(format!("`{host}` could not show that it is `{host}`: {error}")),
            ureq::Error::Tls(reason) => Broken::Wrong(format!("`{host}` could not show that it is `{host}`: {reason}")),
            ureq::Error::BodyExceedsLimit(limit) => Broken::TooLarge(format!("`{host}` sent more than {limit} bytes")),
            ureq::Error::Protocol(error) => Broken::Silent(format!("`{host}` did not answer in HTTP: {error}")),
            other => Broken::Wrong(format!("`{host}` cannot be asked: {other}")),
        }
    }

    fn io(&self, error: &io::Error) -> Broken {
        let host = self.address.host();
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            return match inner {
                ureq::Error::Timeout(_) => Broken::Silent(format!("`{host}` did not answer in time")),
                ureq::Error::BodyExceedsLimit(limit) => Broken::TooLarge(format!("`{host}` sent more than {limit} bytes")),
                other => Broken::Silent(format!("the connection to `{host}` broke: {other}")),
            };
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Broken::Unreached(format!("`{host}` refused the connection")),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Broken::Unreached(format!("`{host}` cannot be reached: {error}"))
            }
            io::ErrorKind::InvalidData => Broken::Wrong(format!("`{host}` could not show that it is `{host}`: {error}")),
            _ => Broken::Silent(format!("the connection to `{host}` broke: {error}")),
        }
    }

    /// Reads the whole body of an answer, at most `limit` bytes.
    pub(crate) fn whole(&self, answer: Answer, limit: u64) -> Result<Vec<u8>, Broken> {
        answer.body.into_with_config().limit(limit).read_to_vec().map_err(|error| self.broken(error))
    }

    /// Returns the body of an answer to be read bit by bit, at most `limit` bytes.
    pub(crate) fn reader(answer: Answer, limit: u64) -> impl Read {
        answer.body.into_with_config().limit(limit).reader()
    }
}

impl Verb {
    fn http(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

fn certificates(pem: &str) -> Result<RootCerts, Broken> {
    let mut found = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            found.push(certificate);
        }
    }
    let none = found.is_empty();
    let roots: &[Certificate<'static>] = &found;
    if none {
        Err(Broken::Wrong("the certificate file holds no certificate (PEM)".to_owned()))
    } else {
        Ok(RootCerts::new_with_certs(roots))
    }
}

#[cfg(test)]
mod tests;
