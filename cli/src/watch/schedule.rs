//! Which job is due, and why: pure, with the time as an argument.

use std::time::{Duration, Instant};

/// How long the files of a job must be quiet before it is synced: an application saves more than one file.
pub(crate) const QUIET: Duration = Duration::from_millis(300);
/// How long files that never become quiet can put a sync off.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);
/// The first and the longest pause after a temporary failure.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Why a job is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The watch began.
    Start,
    /// An application's files changed.
    Files,
    /// The store's head moved.
    Store,
    /// It was time.
    Schedule,
    /// The last sync was not done, and may work now.
    Retry,
}

impl Cause {
    /// Returns the word for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Files => "files",
            Self::Store => "store",
            Self::Schedule => "schedule",
            Self::Retry => "retry",
        }
    }
}

/// When each job is due.
#[derive(Debug)]
pub(crate) struct Schedule {
    every: Duration,
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    /// When the files first and last changed since the last sync.
    changed: Option<(Instant, Instant)>,
    /// Whether the store moved since.
    moved: bool,
    next: (Instant, Cause),
    failures: u32,
}

impl Schedule {
    /// Begins: every job is due at once, and then at least once in `every`.
    pub(crate) fn new(jobs: usize, every: Duration, now: Instant) -> Self {
        let job = || Job { changed: None, moved: false, next: (now, Cause::Start), failures: 0 };
        Self { every, jobs: std::iter::repeat_with(job).take(jobs).collect() }
    }

    /// Notes that files of a job changed.
    pub(crate) fn changed(&mut self, job: usize, now: Instant) {
        if let Some(job) = self.jobs.get_mut(job) {
            job.changed = Some((job.changed.map_or(now, |(first, _)| first), now));
        }
    }

    /// Notes that the head of a job's collection moved.
    pub(crate) fn moved(&mut self, job: usize) {
        if let Some(job) = self.jobs.get_mut(job) {
            job.moved = true;
        }
    }

    /// Returns a job that is due, the first of the configuration first.
    pub(crate) fn due(&self, now: Instant) -> Option<(usize, Cause)> {
        self.jobs.iter().enumerate().find_map(|(at, job)| {
            let (when, cause) = job.due(now);
            (when <= now).then_some((at, cause))
        })
    }

    /// Returns how long nothing is due.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        let soonest = self.jobs.iter().map(|job| job.due(now).0).min();
        soonest.map_or(self.every, |soonest| soonest.saturating_duration_since(now))
    }

    /// Notes that a job's sync begins: what changes from now on is for the next one.
    pub(crate) fn begin(&mut self, job: usize) {
        if let Some(job) = self.jobs.get_mut(job) {
            (job.changed, job.moved) = (None, false);
        }
    }

    /// Notes that a job's sync ended; `again` if it was not done and may work later, with chance to spread devices.
    pub(crate) fn end(&mut self, job: usize, again: bool, random: u64, now: Instant) {
        let Some(job) = self.jobs.get_mut(job) else { return };
        job.failures = if again { job.failures.saturating_add(1) } else { 0 };
        let regular = now + self.every;
        job.next = match job.failures {
            0 => (regular, Cause::Schedule),
            failures => {
                let (first, longest) = RETRY;
                let doubled = first.saturating_mul(1 << (failures - 1).min(16)).min(longest);
                let spread = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX) / 2 + 1;
                let pause = doubled / 2 + Duration::from_millis(random % spread);
                ((now + pause).min(regular), Cause::Retry)
            }
        };
    }
}

impl Job {
    fn due(&self, now: Instant) -> (Instant, Cause) {
        let quiet = self.changed.map(|(first, last)| ((last + QUIET).min(first + LONGEST), Cause::Files));
        let moved = self.moved.then_some((now, Cause::Store));
        [quiet, moved].into_iter().flatten().fold(self.next, |soonest, other| if other.0 < soonest.0 { other } else { soonest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A schedule of two jobs that were synced at `now`.
    fn rested(now: Instant) -> Schedule {
        let mut schedule = Schedule::new(2, 60 * SECOND, now);
        for job in 0..2 {
            assert_eq!(schedule.due(now), Some((job, Cause::Start)));
            schedule.begin(job);
            schedule.end(job, false, 0, now);
        }
        assert_eq!((schedule.due(now), schedule.idle(now)), (None, 60 * SECOND));
        schedule
    }

    #[test]
    fn a_job_is_synced_once_its_files_are_quiet() {
        let now = Instant::now();
        let mut schedule = rested(now);
        schedule.changed(1, now);
        schedule.changed(1, now + QUIET / 2);
        assert_eq!(schedule.due(now + QUIET), None);
        assert_eq!(schedule.idle(now + QUIET), QUIET / 2);
        assert_eq!(schedule.due(now + QUIET * 3 / 2), Some((1, Cause::Files)));
        schedule.begin(1);
        schedule.changed(1, now + SECOND);
        schedule.end(1, false, 0, now + SECOND);
        assert_eq!(schedule.due(now + SECOND + QUIET), Some((1, Cause::Files)), "what changes during a sync is for the next one");
    }

    #[test]
    fn files_that_are_never_quiet_are_synced_all_the_same() {
        let now = Instant::now();
        let mut schedule = rested(now);
        let steps = u32::try_from(LONGEST.as_millis() / 100).unwrap();
        (0..=steps).for_each(|step| schedule.changed(0, now + Duration::from_millis(100) * step));
        assert_eq!(schedule.due(now + LONGEST), Some((0, Cause::Files)));
    }

    #[test]
    fn a_moved_head_is_due_at_once_and_time_alone_is_enough() {
        let now = Instant::now();
        let mut schedule = rested(now);
        schedule.moved(1);
        schedule.moved(7);
        assert_eq!((schedule.due(now), schedule.idle(now)), (Some((1, Cause::Store)), Duration::ZERO));
        schedule.begin(1);
        schedule.end(1, false, 0, now);
        assert_eq!(schedule.due(now + 59 * SECOND), None);
        assert_eq!(schedule.due(now + 60 * SECOND), Some((0, Cause::Schedule)));
    }

    #[test]
    fn what_may_work_later_is_tried_later_and_later_but_never_later_than_the_schedule() {
        let now = Instant::now();
        let mut schedule = rested(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            schedule.end(0, true, 0, now);
            pauses.push(schedule.idle(now).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(schedule.due(now + 60 * SECOND).unwrap().0, 0);
        schedule.end(0, false, 0, now);
        assert_eq!(schedule.idle(now), 60 * SECOND);
    }
}
