//! Who asks: a device that signs the store's challenge, holds its token, and asks again what may be asked again.

use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::messages::{Challenge, Challenged, Granted, Proof};
use protocol::problem::{PROBLEM, Problem};
use protocol::routes::{Access, Method, Route};
use protocol::{DeviceId, Error, Fence, Signature, StoreId, Token, signed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::{Answer, Ask, Broken, Line, Verb};
use crate::retry::{Backoff, Policy, Rest, Turn};

/// The most bytes of an answer in JSON: a collection's devices, or a list of ids.
const MAX_JSON: u64 = 16 << 20;
/// The most bytes of a problem.
const MAX_PROBLEM: u64 = 64 << 10;
/// The media type of messages.
const JSON: &str = "application/json";

/// The device's key.
pub trait Key: Send + Sync {
    /// Returns this device.
    fn device(&self) -> DeviceId;

    /// Signs a message.
    fn sign(&self, message: &[u8]) -> Signature;
}

/// What a session needs besides its line.
pub struct Manners {
    /// How often a store is asked again.
    pub policy: Policy,
    /// Time and chance.
    pub rest: Box<dyn Rest>,
}

/// A device that asks one store.
pub struct Session {
    line: Line,
    store: StoreId,
    key: Box<dyn Key>,
    manners: Manners,
    token: Mutex<Option<Token>>,
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) route: Route,
    /// What fills in the route's path.
    pub(crate) parameters: &'a [&'a str],
    /// What follows the path after a `?`, if anything does.
    pub(crate) query: &'a str,
    pub(crate) body: Option<(&'static str, &'a [u8])>,
    pub(crate) fence: Option<Fence>,
    /// How much longer than usual the store may think.
    pub(crate) patience: Duration,
}

/// The whole answer to a question.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

/// Why one attempt gave no answer.
enum Trouble {
    /// It may work in a moment, or when the store says.
    Again(Error, Option<Duration>),
    /// Another device holds the lease, for a moment.
    Taken(Error),
    /// The token is not good, or not any more.
    Expired(Error),
    /// It would be the same again.
    Final(Error),
}

impl<'a> Call<'a> {
    /// Asks for a route.
    pub(crate) fn to(route: Route, parameters: &'a [&'a str]) -> Self {
        Self { route, parameters, query: "", body: None, fence: None, patience: Duration::ZERO }
    }

    /// Sends bytes along.
    pub(crate) fn with(self, kind: &'static str, bytes: &'a [u8]) -> Self {
        Self { body: Some((kind, bytes)), ..self }
    }

    fn path(&self) -> String {
        let path = self.route.path(self.parameters);
        if self.query.is_empty() { path } else { format!("{path}?{}", self.query) }
    }
}

impl Session {
    /// Takes a line to the store that was pinned when the device was enrolled; nothing is asked yet.
    #[must_use]
    pub fn new(line: Line, store: StoreId, key: Box<dyn Key>, manners: Manners) -> Self {
        Self { line, store, key, manners, token: Mutex::new(None) }
    }

    /// Returns the line.
    #[must_use]
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Returns this device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.key.device()
    }

    /// Returns the store that is asked.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.store
    }

    /// Takes a store for the one to ask, when a device meets it for the first time.
    pub(crate) fn pin(&mut self, store: StoreId) {
        self.store = store;
    }

    /// Signs a message with the device's key.
    pub(crate) fn sign_message(&self, message: &[u8]) -> Signature {
        self.key.sign(message)
    }

    /// Waits before another attempt; false if it is time to give up.
    pub(crate) fn pause(&self, backoff: &mut Backoff, asked: Option<Duration>) -> bool {
        backoff.pause(asked, self.manners.rest.random()).is_some_and(|pause| self.manners.rest.pause(pause))
    }

    /// Signs in anew, and returns who this device is to the store.
    ///
    /// # Errors
    /// Fails as every question does.
    pub fn sign_in(&self) -> Result<Granted, Error> {
        let granted = self.insist(|| self.sign())?;
        *self.held() = Some(granted.token);
        Ok(granted)
    }

    /// Asks, and reads the whole answer, at most `limit` bytes; a problem is an error, but for a 409 that carries something else.
    pub(crate) fn ask(&self, call: &Call<'_>, limit: u64) -> Result<Reply, Error> {
        self.asking(call, |answer| {
            let (status, kind) = (answer.status, answer.kind.clone());
            Ok(Reply { status, kind, bytes: self.line.whole(answer, limit)? })
        })
    }

    /// Asks for a message.
    pub(crate) fn message<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        read(&self.ask(call, MAX_JSON)?.bytes)
    }

    /// Sends a message and asks for one.
    pub(crate) fn exchange<T: DeserializeOwned>(&self, call: &Call<'_>, message: &impl Serialize) -> Result<T, Error> {
        let bytes = write(message)?;
        self.message(&call.with(JSON, &bytes))
    }

    /// Sends a message that is answered by nothing.
    pub(crate) fn tell(&self, call: &Call<'_>, message: &impl Serialize) -> Result<(), Error> {
        let bytes = write(message)?;
        self.ask(&call.with(JSON, &bytes), MAX_JSON).map(drop)
    }

    /// Asks, and gives the answer to `take` as it comes. When it breaks, everything is asked for again.
    pub(crate) fn asking<T>(&self, call: &Call<'_>, mut take: impl FnMut(Answer) -> Result<T, Broken>) -> Result<T, Error> {
        let mut renewed = false;
        self.insist(|| {
            loop {
                match self.attempt(call, &mut take) {
                    Err(Trouble::Expired(_)) if !renewed => {
                        renewed = true;
                        *self.held() = None;
                    }
                    other => return other,
                }
            }
        })
    }

    /// Opens an answer that has no end; it is not asked for again.
    pub(crate) fn open(&self, call: &Call<'_>, last_event: Option<&str>) -> Result<impl Read + use<>, Error> {
        let mut opened = None;
        for _ in 0..2 {
            match self.once(call, last_event) {
                Ok(answer) => {
                    opened = Some(answer);
                    break;
                }
                Err(Trouble::Expired(error)) => {
                    if self.held().take().is_none() {
                        return Err(error);
                    }
                }
                Err(Trouble::Again(error, _) | Trouble::Taken(error) | Trouble::Final(error)) => return Err(error),
            }
        }
        let answer = opened.ok_or_else(|| Error::Unauthenticated("the store takes no token of this device".to_owned()))?;
        Ok(Line::reader(answer, u64::MAX))
    }

    fn attempt<T>(&self, call: &Call<'_>, take: &mut impl FnMut(Answer) -> Result<T, Broken>) -> Result<T, Trouble> {
        let answer = self.once(call, None)?;
        take(answer).map_err(trouble)
    }

    /// Sends a question once and looks at the head of the answer.
    fn once(&self, call: &Call<'_>, last_event: Option<&str>) -> Result<Answer, Trouble> {
        let token = if call.route.access() == Access::Open { None } else { Some(self.token()?) };
        let path = call.path();
        let token = token.map(|token| token.to_string());
        let fence = call.fence.map(|fence| fence.to_string());
        let ask = Ask {
            verb: verb(call.route),
            path: &path,
            token: token.as_deref(),
            body: call.body,
            patience: call.patience,
            last_event,
            fence: fence.as_deref(),
        };
        let answer = self.line.send(&ask).map_err(trouble)?;
        if (200..300).contains(&answer.status) || (answer.status == 409 && !answer.kind.starts_with(PROBLEM)) {
            return Ok(answer);
        }
        Err(self.refusal(answer))
    }

    /// Reads why the store refused.
    fn refusal(&self, answer: Answer) -> Trouble {
        let (status, kind, after) = (answer.status, answer.kind.clone(), answer.retry_after);
        let bytes = match self.line.whole(answer, MAX_PROBLEM) {
            Ok(bytes) => bytes,
            Err(broken) => return trouble(broken),
        };
        let problem = kind.starts_with(PROBLEM).then(|| serde_json::from_slice::<Problem>(&bytes).ok()).flatten();
        let host = self.line.address().host();
        let error = match problem {
            Some(problem) => Error::from(&problem),
            // Something on the way answered: a proxy, a portal, another service.
            None => Error::Unavailable(format!("`{host}` answered with status {status}, and not as a store does")),
        };
        match error {
            Error::TooMany { retry_after } => {
                Trouble::Again(Error::TooMany { retry_after }, Some(after.unwrap_or_default().max(retry_after)))
            }
            Error::Unavailable(_) if matches!(status, 408 | 429 | 502..=504) => Trouble::Again(error, after),
            Error::Leased { .. } => Trouble::Taken(error),
            Error::Unauthenticated(_) => Trouble::Expired(error),
            other => Trouble::Final(other),
        }
    }

    /// Returns the token, signing in if there is none.
    fn token(&self) -> Result<Token, Trouble> {
        let mut held = self.held();
        if let Some(token) = *held {
            return Ok(token);
        }
        let granted = self.sign()?;
        *held = Some(granted.token);
        Ok(granted.token)
    }

    fn held(&self) -> MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the store who this device is. A nonce is good once, so that both steps belong to one attempt.
    fn sign(&self) -> Result<Granted, Trouble> {
        let device = self.key.device();
        let challenged: Challenged = self.open_message(Route::Challenge, &Challenge { device })?;
        if challenged.store != self.store {
            let host = self.line.address().host();
            return Err(Trouble::Final(Error::Integrity(format!(
                "`{host}` is another store ({}) than the one that this device is enrolled at ({})",
                challenged.store, self.store
            ))));
        }
        let signature = self.key.sign(&signed::challenge(&self.store, &challenged.nonce, &device));
        self.open_message(Route::Token, &Proof { device, nonce: challenged.nonce, signature })
    }

    fn open_message<T: DeserializeOwned>(&self, route: Route, message: &impl Serialize) -> Result<T, Trouble> {
        let bytes = write(message).map_err(Trouble::Final)?;
        let answer = self.once(&Call::to(route, &[]).with(JSON, &bytes), None)?;
        let bytes = self.line.whole(answer, MAX_JSON).map_err(trouble)?;
        read(&bytes).map_err(Trouble::Final)
    }

    /// Tries until it works, would be the same again, or is enough.
    fn insist<T>(&self, mut attempt: impl FnMut() -> Result<T, Trouble>) -> Result<T, Error> {
        let (mut backoff, mut turn) = (Backoff::new(self.manners.policy), Turn::new(self.manners.policy));
        let rest = &self.manners.rest;
        loop {
            let (error, pause) = match attempt() {
                Ok(done) => return Ok(done),
                Err(Trouble::Final(error) | Trouble::Expired(error)) => return Err(error),
                Err(Trouble::Again(error, asked)) => (error, backoff.pause(asked, rest.random())),
                Err(Trouble::Taken(error)) => (error, turn.pause(rest.random())),
            };
            if !pause.is_some_and(|pause| rest.pause(pause)) {
                return Err(error);
            }
        }
    }
}

fn trouble(broken: Broken) -> Trouble {
    match broken {
        Broken::Unreached(reason) | Broken::Silent(reason) => Trouble::Again(Error::Unavailable(reason), None),
        Broken::Wrong(reason) => Trouble::Final(Error::Unavailable(reason)),
        Broken::TooLarge(reason) => Trouble::Final(Error::Malformed(format!("answer: {reason}"))),
    }
}

fn verb(route: Route) -> Verb {
    match route.method() {
        Method::Get => Verb::Get,
        Method::Post => Verb::Post,
        Method::Put => Verb::Put,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
    }
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Malformed(format!("answer: {error}")))
}

pub(crate) fn write(message: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(message).map_err(|error| Error::Malformed(format!("message: {error}")))
}

#[cfg(test)]
mod tests;
