//! One endpoint's session: the one path recover → scan → pull → merge → apply → push.

use std::time::Duration;

use adapter::Adapter;

use crate::apply::apply;
use crate::context::{Look, Session, Settings};
use crate::doors::{Doors, Point};
use crate::error::Error;
use crate::join::join;
use crate::objects::Objects;
use crate::publish::{Published, publish};
use crate::pull::pull;
use crate::recover::recover;
use crate::report::{Held, Report};
use crate::scan::scan;
use crate::target::intend;
use crate::trees::{Trees, agree};

/// How often a session starts over because others pushed first.
const MAX_ATTEMPTS: usize = 12;
/// How long others wait at most for a device that went first and is not heard of again.
const LEASE: Duration = Duration::from_secs(15);

/// Syncs one endpoint with its collection.
///
/// Dropping the future is a crash: the next session recovers.
///
/// # Errors
/// Fails if the application cannot be read whole, the guard stops, or store or object store fail. Nothing that
/// anyone wrote is lost by a failure, and nothing is taken for deleted.
pub async fn session(
    doors: &Doors<'_>,
    endpoint: &str,
    adapter: &mut dyn Adapter,
    objects: &mut dyn Objects,
    settings: &Settings,
) -> Result<Report, Error> {
    looking(doors, endpoint, adapter, objects, settings, Look::Again).await
}

pub(crate) async fn looking(
    doors: &Doors<'_>,
    endpoint: &str,
    adapter: &mut dyn Adapter,
    objects: &mut dyn Objects,
    settings: &Settings,
    look: Look,
) -> Result<Report, Error> {
    doors.at(Point::Begin).await;
    let mut session = Session::new(doors, endpoint, adapter, settings, Trees::open(objects)?);
    recover(&mut session).await?;
    for _ in 0..MAX_ATTEMPTS {
        if look == Look::Again {
            scan(&mut session).await?;
        }
        let published = attempt(&mut session).await;
        if !matches!(published, Ok(Published::Stale)) {
            let_others_go(&mut session);
        }
        if published? == Published::Everything {
            conclude(&mut session)?;
            return Ok(session.report);
        }
        go_first(&mut session)?;
    }
    Err(Error::Contended(settings.collection.to_string()))
}

/// Takes the collection's lease once others were first: from the next pull to its push they wait.
///
/// It only makes it calm: what makes it safe is that every append is compared with the head.
fn go_first(session: &mut Session<'_>) -> Result<(), Error> {
    if session.fence.is_none() {
        let device = session.doors.keys.device();
        session.fence = Some(session.doors.store.acquire(&session.settings.collection, &device, LEASE)?.fence);
    }
    Ok(())
}

/// Gives the lease back. If that fails, it ends by itself.
fn let_others_go(session: &mut Session<'_>) {
    if let Some(fence) = session.fence.take() {
        let _ = session.doors.store.release(&session.settings.collection, fence);
    }
}

async fn attempt(session: &mut Session<'_>) -> Result<Published, Error> {
    pull(session).await?;
    join(session)?;
    let attention = session.trees.attention();
    agree(&mut session.trees, &attention)?;
    session.unwritten.clear();
    session.report.unfinished = false;
    let wishes = intend(session)?;
    apply(session, wishes).await?;
    publish(session).await
}

/// Forgets the attention that records no longer need, keeps what is held, and closes the report.
fn conclude(session: &mut Session<'_>) -> Result<(), Error> {
    for id in session.trees.attention() {
        session.trees.fetch(id)?;
        if session.in_harmony(id) && !session.between_names(id) {
            session.trees.rest(id);
        }
    }
    let held: Vec<Held> = session.unread.drain(..).chain(session.unwritten.drain(..)).chain(session.findings.drain(..)).collect();
    if session.trees.objects().held()? != held {
        session.trees.put_held(held.clone());
    }
    session.trees.note_down()?;
    session.report.held = held;
    session.report.pushed = session.pushed.len();
    session.report.pulled = session.pulled.len();
    session.report.conflicts = session.trees.conflicts().count();
    session.report.head = session.trees.meta.cursor.map_or(0, |cursor| cursor.sequence.0);
    Ok(())
}
