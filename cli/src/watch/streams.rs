//! Listening to a server: a thread for each collection, which hears of every head and comes back when the line breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use client::Heads;
use protocol::{Collection, Error};

use crate::doors::random;
use crate::reach::Server;
use crate::state::Home;

/// The longest pause before a line that broke is opened again.
const LONGEST: Duration = Duration::from_secs(60);
/// How long it takes at most to notice that nobody listens any more.
const NAP: Duration = Duration::from_millis(200);

/// The threads that listen; they end when this is dropped, each at its next look.
#[derive(Default)]
pub(crate) struct Streams(Arc<AtomicBool>);

impl Drop for Streams {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Streams {
    /// Follows a collection; `moved` is called with the sequence of each head, and once with the last there could be when
    /// the server refuses, so that a sync finds out why.
    pub(crate) fn follow(&self, server: Arc<Server>, home: Home, collection: Collection, moved: impl Fn(u64) + Send + 'static) {
        let over = Arc::clone(&self.0);
        thread::spawn(move || {
            let (mut last, mut failures, mut refused) = (0, 0_u32, false);
            while !over.load(Ordering::Relaxed) {
                match listen(&server, &home, &collection, &mut last, &|head| moved(head)) {
                    Ok(()) => (failures, refused) = (0, false),
                    Err(again) => {
                        failures = failures.saturating_add(1);
                        if !again && !std::mem::replace(&mut refused, true) {
                            moved(u64::MAX);
                        }
                    }
                }
                rest(pause(failures, random()), &over);
            }
        });
    }
}

/// Hears heads until the stream ends. Fails if there was none; tells whether there may be one later.
fn listen(server: &Server, home: &Home, collection: &Collection, last: &mut u64, moved: &dyn Fn(u64)) -> Result<(), bool> {
    let remote = server.remote(home).map_err(|_| false)?;
    let mut heads = Heads::open(remote.session(), collection, Some(*last))
        .map_err(|error| matches!(error, Error::Unavailable(_) | Error::TooMany { .. } | Error::NoSuchCollection(_)))?;
    while let Ok(Some(head)) = heads.wait() {
        // A log that was restored from a backup counts from where it is.
        *last = head.sequence.0;
        moved(*last);
    }
    Ok(())
}

fn pause(failures: u32, random: u64) -> Duration {
    let doubled = Duration::from_millis(500).saturating_mul(1 << failures.min(10)).min(LONGEST);
    doubled / 2 + Duration::from_millis(random % (u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX) / 2 + 1))
}

fn rest(length: Duration, over: &AtomicBool) {
    let end = Instant::now() + length;
    while !over.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_keeps_breaking_is_opened_later_and_later_but_within_a_minute() {
        let pauses: Vec<u128> = [0, 1, 2, 7, 40].map(|failures| pause(failures, 0).as_millis()).to_vec();
        assert_eq!(pauses, [250, 500, 1000, 30_000, 30_000]);
        assert!(pause(40, u64::MAX) <= LONGEST);
    }
}
