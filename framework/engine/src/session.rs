//! One endpoint's session: the one path recover → scan → pull → merge → apply → push.

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
use crate::turn::{go_first, go_on, has_news, is_to_come, let_others_go};

/// How often a session starts over because others pushed first.
const MAX_ATTEMPTS: usize = 12;

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
    let published = attempts(&mut session, look).await;
    let_others_go(&mut session);
    published?;
    conclude(&mut session)?;
    Ok(session.report)
}

/// Tries until everything is told, again each time that others were first.
async fn attempts(session: &mut Session<'_>, look: Look) -> Result<(), Error> {
    for _ in 0..MAX_ATTEMPTS {
        if look == Look::Again {
            scan(session).await?;
        }
        if attempt(session).await? == Published::Everything {
            return Ok(());
        }
        go_first(session)?;
    }
    Err(Error::Contended(session.settings.collection.to_string()))
}

async fn attempt(session: &mut Session<'_>) -> Result<Published, Error> {
    if is_to_come(session) {
        if session.trees.meta.cursor.is_none() {
            // A newcomer has much to read, and nobody needs to wait for that.
            pull(session).await?;
        }
        if has_news(session)? {
            go_first(session)?;
        }
    }
    pull(session).await?;
    join(session)?;
    let attention = session.trees.attention();
    agree(&mut session.trees, &attention)?;
    session.unwritten.clear();
    session.report.unfinished = false;
    let wishes = intend(session)?;
    let writes = !wishes.is_empty();
    apply(session, wishes).await?;
    if writes {
        go_on(session);
    }
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
