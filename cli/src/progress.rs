//! What an adapter may ask of its host; how far the work is, shown on a terminal once it takes longer than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use adapter::Host;

use crate::interrupt;

/// How long work may take without a word about it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two words about it.
const PAUSE: Duration = Duration::from_millis(100);

/// The host of one endpoint's adapter.
#[derive(Debug)]
pub(crate) struct Progress {
    endpoint: String,
    shown: bool,
    verbose: bool,
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    next: Instant,
    there: bool,
}

impl Progress {
    /// Makes the host of the endpoint of this name.
    pub(crate) fn of(endpoint: &str, quiet: bool, verbose: bool) -> Self {
        let line = Mutex::new(Line { next: Instant::now() + PATIENCE, there: false });
        Self { endpoint: endpoint.to_owned(), shown: !quiet && io::stderr().is_terminal(), verbose, line }
    }
}

impl Host for Progress {
    fn log(&self, message: &str) {
        if self.verbose {
            let _ = writeln!(io::stderr().lock(), "{}: {message}", self.endpoint);
        }
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        if !self.shown {
            return;
        }
        let Ok(mut line) = self.line.lock() else { return };
        let ended = of.is_some_and(|of| done >= of);
        let now = Instant::now();
        if ended {
            if line.there {
                let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
            }
            *line = Line { next: now + PATIENCE, there: false };
        } else if now >= line.next {
            let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K{}: {done}{of}", self.endpoint);
            let _ = io::stderr().flush();
            *line = Line { next: now + PAUSE, there: true };
        }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.line.get_mut().is_ok_and(|line| line.there) {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
