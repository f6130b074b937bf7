//! Quiet: at rest another session writes zero bytes and appends nothing.

use std::task::{Context, Poll, Waker};

use super::endpoint::Errand;
use super::world::{Violation, World};

impl World {
    /// L5: runs one more session everywhere and looks at its report.
    pub(super) fn restless(&mut self) -> Option<Violation> {
        for at in 0..self.endpoints.len() {
            let length = self.log.look().length();
            let mut running = self.errand(at, self.settings(at)).map(Errand::begin)?;
            let result = loop {
                if let Poll::Ready(result) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    break result;
                }
            };
            let report = match result {
                Ok(report) => report,
                Err(error) => return Some(Violation::new("FAILED", format!("another session of e{at} failed: {error}"))),
            };
            let still = report.bytes_written == 0 && report.pushed == 0 && report.pulled == 0 && self.log.look().length() == length;
            if !still {
                return Some(Violation::new("RESTLESS", format!("another session of e{at} did something: {report:?}")));
            }
        }
        None
    }
}
