//! A job: its endpoints, session after session, until nothing moves.

use adapter::Adapter;

use crate::context::{Look, Settings};
use crate::doors::{Doors, block_on};
use crate::error::Error;
use crate::objects::Objects;
use crate::report::Report;
use crate::session::looking;

/// How many rounds a job makes at most; what is left then waits for the next sync.
const MAX_ROUNDS: usize = 12;

/// One replica of the collection on this device.
pub struct Endpoint {
    /// Its name, unique in the job.
    pub name: String,
    /// Its adapter.
    pub adapter: Box<dyn Adapter>,
    /// Its object store.
    pub objects: Box<dyn Objects>,
}

/// What a job did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobReport {
    /// The sequence of the collection's head.
    pub head: u64,
    /// What each endpoint did, over all rounds.
    pub reports: Vec<Report>,
    /// How many rounds it took.
    pub rounds: usize,
    /// Whether every endpoint stands at the head with nothing left to do.
    pub settled: bool,
}

/// Runs a job's endpoints in rounds until nothing moves.
///
/// # Errors
/// Fails as [`session`](crate::session::session) does, at the first endpoint that fails.
pub fn run(doors: &Doors<'_>, endpoints: &mut [Endpoint], settings: &Settings) -> Result<JobReport, Error> {
    block_on(rounds(doors, endpoints, settings, false))
}

pub(crate) async fn rounds(doors: &Doors<'_>, endpoints: &mut [Endpoint], settings: &Settings, trust: bool) -> Result<JobReport, Error> {
    let mut job = JobReport { reports: endpoints.iter().map(|_| Report::default()).collect(), ..JobReport::default() };
    let mut due: Vec<bool> = vec![true; endpoints.len()];
    while job.rounds < MAX_ROUNDS && due.contains(&true) {
        job.rounds += 1;
        for ((endpoint, total), due) in endpoints.iter_mut().zip(&mut job.reports).zip(&mut due) {
            if !*due && total.head >= job.head {
                continue;
            }
            let look = if trust && job.rounds > 1 { Look::Trust } else { Look::Again };
            let report = looking(doors, &endpoint.name, endpoint.adapter.as_mut(), endpoint.objects.as_mut(), settings, look).await?;
            *due = report.unfinished;
            job.head = job.head.max(report.head);
            add(total, report);
        }
        for (total, due) in job.reports.iter().zip(&mut due) {
            *due |= total.head < job.head;
        }
    }
    job.settled = !due.contains(&true);
    Ok(job)
}

/// Adds a later session's report to what the endpoint did before.
fn add(total: &mut Report, report: Report) {
    let (pushed, pulled, bytes_written) =
        (total.pushed + report.pushed, total.pulled + report.pulled, total.bytes_written + report.bytes_written);
    let mut effects = std::mem::take(&mut total.effects);
    effects.extend(report.effects.iter().cloned());
    let mut events = std::mem::take(&mut total.events);
    events.extend(report.events.iter().cloned());
    *total = Report { pushed, pulled, bytes_written, effects, events, ..report };
}
