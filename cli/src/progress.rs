//! How far the work is: a bar on a terminal, events for programs, and neither before the work has taken a second.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use adapter::Host;
use engine::{Listener, Phase, Progress, Share};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::interrupt;
use crate::terminal::{Terminal, shown};

/// How long work may take without a word about it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two words about it.
const PAUSE: Duration = Duration::from_millis(100);
/// Names how many seconds it may take instead.
const VARIABLE: &str = "SYNCRETIC_PROGRESS_AFTER";

/// Words for people: the phase, its amounts, how fast, how long still.
const BYTES: &str = "{prefix}  {wide_bar} {msg}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
const ITEMS: &str = "{prefix}  {wide_bar} {msg}  {per_sec}  {eta} left";
const UNKNOWN: &str = "{prefix}  {msg}";

/// Tells when a word is due: none before the patience is over, then at most one each pause, and one wherever a phase begins or ends.
#[derive(Clone, Copy, Debug)]
struct Throttle {
    patience: Duration,
    pause: Duration,
    next: Duration,
}

impl Throttle {
    fn new(patience: Duration, pause: Duration) -> Self {
        Self { patience, pause, next: patience }
    }

    /// Tells whether a word is due at `now`, and takes it for said.
    fn due(&mut self, now: Duration, edge: bool) -> bool {
        let due = now >= self.next || edge && now >= self.patience;
        if due {
            self.next = now + self.pause;
        }
        due
    }
}

/// One phase of one endpoint, as far as was heard.
#[derive(Clone, Debug)]
struct Stage {
    endpoint: String,
    number: u64,
    progress: Progress,
    told: bool,
}

impl Stage {
    /// Takes in what was heard; nothing ever becomes less. Tells whether anything did become more.
    fn take(&mut self, heard: &Progress) -> bool {
        let before = self.progress;
        let more = |known: &mut Share, heard: Share| {
            known.done = known.done.max(heard.done);
            known.of = known.of.max(heard.of).map(|of| of.max(known.done));
        };
        more(&mut self.progress.items, heard.items);
        more(&mut self.progress.bytes, heard.bytes);
        self.progress != before
    }

    fn is_whole(&self) -> bool {
        let whole = |share: Share| share.of.is_none_or(|of| share.done >= of);
        self.progress.items.of.is_some() && whole(self.progress.items) && whole(self.progress.bytes)
    }

    /// Tells whether this is where a phase begins anew.
    fn is_left_by(&self, endpoint: &str, heard: &Progress) -> bool {
        let begun = self.progress.items.done + self.progress.bytes.done > 0;
        let begins = heard.items.done + heard.bytes.done == 0;
        self.endpoint != endpoint || self.progress.phase != heard.phase || begun && begins
    }
}

/// What is known of the work, and what was last said of it.
#[derive(Debug)]
struct State {
    throttle: Throttle,
    stage: Option<Stage>,
    bar: Option<ProgressBar>,
}

/// Shows how far the work on one job is.
#[derive(Debug)]
pub(crate) struct Meter {
    /// The job; without one nothing is told to programs.
    job: Option<String>,
    terminal: Terminal,
    shown: bool,
    began: Instant,
    state: Mutex<State>,
}

impl Meter {
    /// Begins to measure the work on a job, or on something else.
    pub(crate) fn new(job: Option<&str>, terminal: &Terminal) -> Arc<Self> {
        let shown = !terminal.quiet && !terminal.wants_events() && io::stderr().is_terminal();
        let state = State { throttle: Throttle::new(patience(), PAUSE), stage: None, bar: None };
        Arc::new(Self { job: job.map(str::to_owned), terminal: *terminal, shown, began: Instant::now(), state: Mutex::new(state) })
    }

    /// Returns the host of an endpoint's adapter.
    pub(crate) fn host(self: &Arc<Self>, endpoint: &str) -> Measured {
        Measured { endpoint: endpoint.to_owned(), meter: Arc::clone(self) }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.state.lock().unwrap_or_else(PoisonError::into_inner).bar.take() {
            bar.finish_and_clear();
        }
    }

    fn take(&self, endpoint: &str, heard: &Progress) {
        let told = self.job.is_some() && self.terminal.wants_events();
        if !self.shown && !told {
            return;
        }
        let now = self.began.elapsed();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { throttle, stage, bar } = &mut *state;
        let number = stage.as_ref().map_or(0, |stage| stage.number);
        let begins = stage.as_ref().is_none_or(|stage| stage.is_left_by(endpoint, heard));
        if begins {
            *stage = Some(Stage { endpoint: endpoint.to_owned(), number: number + 1, progress: *heard, told: false });
            // It measures from here on how fast the work is.
            *bar = self.shown.then(hidden);
        } else if !stage.as_mut().is_some_and(|stage| stage.take(heard)) {
            return;
        }
        let Some(stage) = stage else { return };
        if let Some(bar) = bar.as_mut() {
            draw(bar, stage);
        }
        // Whoever heard of a phase hears of its end.
        if throttle.due(now, begins || stage.told && stage.is_whole()) {
            if let Some(bar) = bar.as_ref().filter(|_| !stage.told) {
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            }
            stage.told = true;
            if let Some(job) = &self.job {
                self.terminal.event(&event(job, stage));
            }
        }
    }

    fn log(&self, endpoint: &str, message: &str) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let say = || drop(writeln!(io::stderr().lock(), "{endpoint}: {message}"));
        match &state.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Listener for Meter {
    fn hear(&self, endpoint: &str, progress: &Progress) {
        self.take(endpoint, progress);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns how long work may take without a word about it.
fn patience() -> Duration {
    let named = std::env::var(VARIABLE).ok().and_then(|seconds| seconds.parse::<f64>().ok());
    named.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(PATIENCE)
}

fn hidden() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

/// Lets a bar show a stage.
fn draw(bar: &ProgressBar, stage: &Stage) {
    let Progress { items, bytes, .. } = stage.progress;
    let (template, share) = match (bytes.of.filter(|of| *of > 0), items.of) {
        (Some(_), _) => (BYTES, bytes),
        (None, Some(_)) => (ITEMS, items),
        (None, None) => (UNKNOWN, items),
    };
    if bar.length() != share.of || bar.prefix().is_empty() {
        // The templates are constants that a test holds to be right.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_prefix(format!("{}: {}", shown(&stage.endpoint), doing(stage.progress.phase)));
        share.of.iter().for_each(|of| bar.set_length(*of));
    }
    bar.set_message(items.of.map_or_else(|| items.done.to_string(), |of| format!("{} of {of}", items.done)));
    bar.set_position(share.done);
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Look => "looking",
        Phase::Send => "sending",
        Phase::Fetch => "fetching",
        Phase::Write => "writing",
        _ => "working",
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Look => "look",
        Phase::Send => "send",
        Phase::Fetch => "fetch",
        Phase::Write => "write",
        _ => "other",
    }
}

/// Returns the event that tells programs of a stage.
fn event(job: &str, stage: &Stage) -> Value {
    let share = |share: Share| json!({ "done": share.done, "of": share.of });
    json!({
        "v": 1,
        "type": "progress",
        "job": job,
        "endpoint": stage.endpoint,
        "number": stage.number,
        "phase": name(stage.progress.phase),
        "items": share(stage.progress.items),
        "bytes": share(stage.progress.bytes),
    })
}

/// The host of one endpoint's adapter: what an adapter tells of its work is how far the look at the application is.
#[derive(Debug)]
pub(crate) struct Measured {
    endpoint: String,
    meter: Arc<Meter>,
}

impl Host for Measured {
    fn log(&self, message: &str) {
        if self.meter.terminal.verbosity > 1 {
            self.meter.log(&self.endpoint, message);
        }
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        let items = Share { done: of.map_or(done, |of| done.min(of)), of };
        self.meter.take(&self.endpoint, &Progress { phase: Phase::Look, items, bytes: Share::default() });
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(phase: Phase, items: (u64, Option<u64>), bytes: (u64, Option<u64>)) -> Progress {
        let share = |(done, of)| Share { done, of };
        Progress { phase, items: share(items), bytes: share(bytes) }
    }

    fn stage() -> Stage {
        let progress = progress(Phase::Send, (1, Some(3)), (1 << 20, Some(10 << 30)));
        Stage { endpoint: "fs:documents".to_owned(), number: 2, progress, told: false }
    }

    #[test]
    fn nothing_is_said_before_the_patience_is_over_and_then_once_a_pause() {
        let at = Duration::from_millis;
        let mut throttle = Throttle::new(at(1000), at(100));
        let said: Vec<u64> = (0..2000).filter(|now| throttle.due(at(*now), false)).collect();
        assert_eq!(said, (1000..2000).step_by(100).collect::<Vec<u64>>());
        assert!(!throttle.due(at(1999), false) && throttle.due(at(5000), false) && !throttle.due(at(5099), false));
        assert!(throttle.due(at(5099), true) && !throttle.due(at(5100), false), "where a phase begins or ends");
        assert!(!Throttle::new(at(1000), at(100)).due(at(999), true), "of what takes less than that nobody hears");
    }

    #[test]
    fn what_threads_tell_out_of_order_never_goes_back() {
        let mut stage = stage();
        assert!(!stage.take(&progress(Phase::Send, (0, Some(3)), (5, Some(10 << 30)))));
        assert!(stage.take(&progress(Phase::Send, (3, Some(3)), (5, Some(10 << 30)))) && !stage.is_whole());
        assert!(stage.take(&progress(Phase::Send, (3, Some(3)), (10 << 30, Some(10 << 30)))) && stage.is_whole());
        // What an adapter counts and what the engine counts need not be the same things.
        let mut look = Stage { progress: progress(Phase::Look, (0, None), (0, None)), ..stage };
        assert!(look.take(&progress(Phase::Look, (9, Some(9)), (0, None))) && look.is_whole());
        assert!(!look.take(&progress(Phase::Look, (7, Some(7)), (0, None))));
        assert!(look.take(&progress(Phase::Look, (12, Some(12)), (0, None))));
        assert_eq!(look.progress.items, Share { done: 12, of: Some(12) });
    }

    #[test]
    fn a_phase_that_begins_anew_is_another_stage() {
        let stage = stage();
        let again = progress(Phase::Send, (0, Some(1)), (0, Some(7)));
        assert!(stage.is_left_by("fs:documents", &again));
        assert!(!stage.is_left_by("fs:documents", &progress(Phase::Send, (1, Some(3)), (2 << 20, Some(10 << 30)))));
        assert!(stage.is_left_by("fs:backup", &stage.progress));
        assert!(stage.is_left_by("fs:documents", &progress(Phase::Write, (1, Some(3)), (0, None))));
    }

    #[test]
    fn the_event_is_the_one_that_is_documented() {
        let golden = include_str!("../tests/fixtures/progress-1.ndjson");
        assert_eq!(format!("{}\n", event("documents", &stage())), golden);
    }

    #[test]
    fn the_words_for_people_can_be_shown() {
        for template in [BYTES, ITEMS, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        let bar = hidden();
        draw(&bar, &stage());
        assert_eq!((bar.length(), bar.position()), (Some(10 << 30), 1 << 20));
        assert_eq!((bar.prefix().as_str(), bar.message().as_str()), ("fs:documents: sending", "1 of 3"));
    }
}
