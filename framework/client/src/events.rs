//! Waiting for a collection's head to move.

use std::io::{self, BufReader, Read};
use std::time::Duration;

use protocol::routes::Route;
use protocol::{Collection, Error, Head};

use crate::session::{Call, Session, read};
use crate::sse::Events;

/// How much longer than usual a stream may be silent; a store says something at least every fifteen seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The stream of a collection's heads.
pub struct Heads {
    events: Events<BufReader<Box<dyn Read>>>,
}

impl Heads {
    /// Opens the stream; heads after the one of `last`, a sequence, come first.
    ///
    /// # Errors
    /// Fails as every question does, at once: when to try again is the caller's to know.
    pub fn open(session: &Session, collection: &Collection, last: Option<u64>) -> Result<Self, Error> {
        let last = last.map(|last| last.to_string());
        let name = [collection.as_str()];
        let body = session.open(&Call { patience: KEEP_ALIVE, ..Call::to(Route::Events, &name) }, last.as_deref())?;
        Ok(Self { events: Events::new(BufReader::new(Box::new(body)), last) })
    }

    /// Waits for a head; none if the store ended the stream.
    ///
    /// # Errors
    /// Fails if the stream breaks, is silent for too long, or is no stream of heads.
    pub fn wait(&mut self) -> Result<Option<Head>, Error> {
        loop {
            match self.events.wait().map_err(|error| broken(&error))? {
                None => return Ok(None),
                Some(event) if event.kind == "head" => return read(event.data.as_bytes()).map(Some),
                // A later store may tell more.
                Some(_) => {}
            }
        }
    }
}

fn broken(error: &io::Error) -> Error {
    Error::Unavailable(format!("the stream of events broke: {error}"))
}
