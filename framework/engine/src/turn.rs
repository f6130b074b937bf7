//! The turn: the lease that a session holds from its last pull to its push, where devices that cannot see each other meet.

use std::time::Duration;

use protocol::Error as StoreError;

use crate::context::{Session, Turn};
use crate::error::Error;

/// How long others wait at most for a device that went first and is not heard of again.
const LEASE: Duration = Duration::from_secs(15);

/// Tells whether this session has to take the lease before it pushes.
pub(crate) fn is_to_come(session: &Session<'_>) -> bool {
    session.turn == Turn::Open && session.doors.store.is_shared()
}

/// Tells whether there is something to push, as far as is known before the pull.
pub(crate) fn has_news(session: &mut Session<'_>) -> Result<bool, Error> {
    if !session.trees.meta.pending.is_empty() {
        return Ok(true);
    }
    for id in session.trees.attention() {
        session.trees.fetch(id)?;
        if !session.untouchable.contains(&id) && session.with_sides(id, |sides| delta::merge::push(id, sides)).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the collection's lease: from the next pull to its push others wait.
///
/// It only makes it calm: what makes it safe is that every append is compared with the head.
pub(crate) fn go_first(session: &mut Session<'_>) -> Result<(), Error> {
    if session.turn == Turn::Open {
        let device = session.doors.keys.device();
        session.turn = match session.doors.store.acquire(&session.settings.collection, &device, LEASE) {
            Ok(lease) => Turn::Own(lease.fence),
            // What others wrote, it gets all the same.
            Err(StoreError::ReadOnly(_) | StoreError::NotAuthorised(_)) => Turn::Denied,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(())
}

/// Lets the lease last for longer, after what may have taken long. One that was lost is taken anew before the push.
pub(crate) fn go_on(session: &mut Session<'_>) {
    if let Turn::Own(fence) = session.turn
        && let Err(StoreError::StaleFence { .. }) = session.doors.store.renew(&session.settings.collection, fence, LEASE)
    {
        session.turn = Turn::Open;
    }
}

/// Gives the lease back. If that fails, it ends by itself.
pub(crate) fn let_others_go(session: &mut Session<'_>) {
    if let Turn::Own(fence) = std::mem::take(&mut session.turn) {
        let _ = session.doors.store.release(&session.settings.collection, fence);
    }
}
