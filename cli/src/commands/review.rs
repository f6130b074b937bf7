//! What waits for a person, in all jobs: found in the object stores, chosen by the first digits of its id.

use engine::objects::Objects;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs::{Prepared, State};
use crate::prefix;
use crate::work::{self, Opened};

/// One thing that waits, and where.
pub(crate) struct Waiting<T> {
    /// Which of the jobs it is in.
    pub(crate) job: usize,
    /// Which of the job's endpoints knows it.
    pub(crate) endpoint: usize,
    /// Its id, in full.
    pub(crate) id: String,
    /// What it is.
    pub(crate) what: T,
}

/// Gathers what waits in the jobs, without writing anything.
pub(crate) fn gather<T>(
    context: &Context,
    prepared: &[Prepared<'_>],
    each: impl Fn(&Prepared<'_>, &[Box<dyn Objects>]) -> Outcome<Vec<(usize, String, T)>>,
) -> Outcome<Vec<Waiting<T>>> {
    let mut waiting = Vec::new();
    for (at, job) in prepared.iter().enumerate() {
        let opened = work::open(job, &context.home, State::Look)?;
        let found = each(job, &opened.objects)?;
        waiting.extend(found.into_iter().map(|(endpoint, id, what)| Waiting { job: at, endpoint, id, what }));
    }
    Ok(waiting)
}

/// Returns the only one whose id begins as typed.
pub(crate) fn choose<T>(waiting: Vec<Waiting<T>>, (what, letters): (&str, &str), typed: &str) -> Outcome<Waiting<T>> {
    let found = prefix::find(waiting.iter().map(|one| one.id.as_str()), letters, typed);
    let id = found.map_err(|error| error.failure(what, typed))?.to_owned();
    let chosen = waiting.into_iter().find(|one| one.id == id);
    chosen.ok_or_else(|| Failure::usage(format!("there is no {what} `{typed}`")))
}

/// Returns how many digits tell the ids apart.
pub(crate) fn length<T>(waiting: &[Waiting<T>]) -> usize {
    prefix::length(waiting.iter().map(|one| one.id.as_str()))
}

/// Decides something in one job and syncs it, so that the decision stands in every file.
pub(crate) fn decide(
    context: &Context,
    prepared: &Prepared<'_>,
    endpoint: usize,
    decision: impl FnOnce(&Opened, &mut dyn Objects) -> Result<(), engine::Error>,
) -> Outcome<Exit> {
    let mut opened = work::open(prepared, &context.home, State::Make)?;
    let mut stores = std::mem::take(&mut opened.objects);
    let Some(objects) = stores.get_mut(endpoint) else {
        return Err(Failure::new(Exit::Internal, "the endpoint is gone from the configuration"));
    };
    decision(&opened, objects.as_mut()).map_err(|error| prepared.about().engine(error))?;
    drop((stores, opened));
    let done = work::work(prepared, &context.home, &context.terminal, work::Deed::Sync, &std::collections::BTreeSet::new());
    let exit = done.exit();
    crate::summary::print(&context.terminal, std::slice::from_ref(&done), work::Deed::Sync);
    if let Some(failure) = done.failure {
        context.terminal.error(&failure);
        context.terminal.error("The decision is kept; the next sync puts it into the files.");
        return Ok(exit);
    }
    Ok(Exit::Done)
}
