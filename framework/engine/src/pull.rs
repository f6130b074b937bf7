//! The pull: entries after the cursor, verified, folded into the remote tree.

use protocol::{Appended, Cursor, Envelope, Error as StoreError};

use crate::context::Session;
use crate::doors::Point;
use crate::entry::take;
use crate::error::Error;
use crate::heal::heal;
use crate::snapshot::resume;

/// How often a store may go back during one pull.
const MAX_HEALED: usize = 3;
/// How many entries are asked for at once.
const PAGE: usize = 256;

/// Brings the remote tree to the collection's head.
pub(crate) async fn pull(session: &mut Session<'_>) -> Result<(), Error> {
    let collection = &session.settings.collection;
    if session.trees.meta.cursor.is_none() {
        let head = session.doors.store.head(collection)?;
        session.trees.meta.cursor = Some(Cursor::start(head.log));
    }
    let mut healed = 0;
    loop {
        let Some(cursor) = session.trees.meta.cursor else { return Ok(()) };
        let page = match session.doors.store.read(collection, &cursor, PAGE) {
            Err(StoreError::UnknownCursor { .. }) if healed < MAX_HEALED => {
                healed += 1;
                heal(session)?;
                continue;
            }
            Err(StoreError::Compacted { .. }) => {
                resume(session)?;
                continue;
            }
            answer => answer?,
        };
        for entry in &page.entries {
            take(session, entry)?;
        }
        let at = session.trees.meta.cursor.unwrap_or(cursor);
        let last = at.sequence >= page.head.sequence;
        if !last && page.entries.is_empty() {
            return Err(Error::Store(StoreError::Integrity(format!(
                "the store says its head is {} but sends nothing",
                page.head.sequence
            ))));
        }
        if last {
            match resend(session)? {
                Resent::More => continue,
                // It is asked for again by the push, if it is still meant then.
                Resent::Refused(out) => session.trees.meta.out = Some(*out),
                Resent::Nothing => session.trees.meta.out = None,
            }
            // Whatever was made on an earlier entry can no longer be accepted.
            session.trees.meta.frozen.retain(|frozen| frozen.base == at);
        }
        session.trees.note_down()?;
        session.doors.at(Point::Pulled).await;
        if last {
            return Ok(());
        }
    }
}

/// What became of a transaction of unknown fate that was sent once more.
enum Resent {
    /// There was none, or it can no longer be accepted.
    Nothing,
    /// There is more to pull.
    More,
    /// It is not in the log: it deletes more than its device may, and waits for approval or was rejected.
    Refused(Box<Envelope>),
}

/// Sends the transaction of unknown fate once more, if it can still be accepted: the same id is one entry, and whatever
/// becomes of it is known before anything is written here.
fn resend(session: &mut Session<'_>) -> Result<Resent, Error> {
    let Some(out) = session.trees.meta.out.take().filter(|out| Some(out.base) == session.trees.meta.cursor) else {
        return Ok(Resent::Nothing);
    };
    match session.doors.store.append(&session.settings.collection, &out) {
        Ok(Appended::Entry(entry)) if entry.sequence == out.base.sequence.next() => take(session, &entry).map(|()| Resent::More),
        Ok(Appended::Entry(_) | Appended::Stale(_)) => Ok(Resent::More),
        Err(StoreError::Held { .. } | StoreError::Rejected { .. }) => Ok(Resent::Refused(Box::new(out))),
        Err(error) => Err(error.into()),
    }
}
