//! Up to where this device has everything, as the server is told, and whether the server remembers more than the device does.

use engine::objects::Objects;
use protocol::{Collection, Cursor, DeviceId, State, Store};

/// A device that knows less than it once did: restored from a backup, or copied to another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WentBack {
    /// Up to where it had everything, by the server's account.
    pub(crate) was: u64,
    /// Up to where it has now.
    pub(crate) is: u64,
}

/// Returns the places of the endpoints that have one.
fn places<'o>(objects: impl Iterator<Item = &'o dyn Objects>) -> Vec<Option<Cursor>> {
    objects.map(|objects| objects.meta().ok().and_then(|meta| meta.cursor)).collect()
}

/// Returns what the server remembers of a device.
fn remembered(state: &State, own: DeviceId) -> Option<Cursor> {
    state.members.iter().find(|member| member.device == own).and_then(|member| member.cursor)
}

/// Tells whether the device went back in time: no endpoint has come as far as the server was told.
pub(crate) fn went_back<'o>(state: &State, own: DeviceId, objects: impl Iterator<Item = &'o dyn Objects>) -> Option<WentBack> {
    let farthest = places(objects).into_iter().flatten().max_by_key(|cursor| cursor.sequence)?;
    behind(farthest, remembered(state, own)?)
}

/// Compares how far a device has come with what the server was told; another log says nothing of the device.
fn behind(farthest: Cursor, told: Cursor) -> Option<WentBack> {
    let back = farthest.log == told.log && farthest.sequence < told.sequence;
    back.then_some(WentBack { was: told.sequence.0, is: farthest.sequence.0 })
}

/// Tells the server up to where every endpoint has everything, and takes in where the others stand by then.
///
/// It is for people who wait, and no part of the sync: what cannot be told is told next time.
pub(crate) fn arrive<'o>(
    store: &dyn Store,
    collection: &Collection,
    (state, own): &mut (State, DeviceId),
    objects: impl Iterator<Item = &'o dyn Objects>,
) {
    let places: Option<Vec<Cursor>> = places(objects).into_iter().collect();
    let Some(least) = places.unwrap_or_default().into_iter().min_by_key(|cursor| cursor.sequence) else { return };
    if remembered(state, *own) == Some(least) || store.arrived(collection, own, &least).is_err() {
        return;
    }
    if let Ok(now) = store.state(collection) {
        *state = now;
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Hash, LogId, Sequence};

    use super::*;

    fn at(log: u8, sequence: u64) -> Cursor {
        Cursor { log: LogId([log; 16]), sequence: Sequence(sequence), hash: Hash([3; 32]) }
    }

    #[test]
    fn a_device_that_is_where_it_said_is_no_news() {
        assert_eq!(behind(at(1, 7), at(1, 7)), None);
    }

    #[test]
    fn a_store_that_went_back_or_was_made_anew_is_not_the_devices_fault() {
        assert_eq!(behind(at(1, 7), at(1, 3)), None);
        assert_eq!(behind(at(1, 7), at(2, 9)), None);
    }

    #[test]
    fn a_device_that_the_server_heard_more_of_was_restored_or_copied() {
        assert_eq!(behind(at(1, 7), at(1, 9)), Some(WentBack { was: 9, is: 7 }));
    }
}
