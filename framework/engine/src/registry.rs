//! The registry: where this device told the store that it stands, so that a restored or cloned one is noticed.
//!
//! Nothing hangs on it but a message: transactions have random ids and every append is compared with the head, so an old
//! state directory, or two installations with one key, lose nothing of others'.

use protocol::{Collection, Cursor, DeviceId, Store};

use crate::error::Error;

/// Where the store thinks that this device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Where this installation said it does, or nowhere yet.
    AsNoted,
    /// Further on: the state of this device was restored from a backup, or another installation uses its key.
    Ahead {
        /// What this installation noted last.
        noted: Option<Cursor>,
        /// What the store has noted.
        store: Cursor,
    },
}

/// Tells whether the store has heard from this device what this installation does not know to have said.
///
/// `noted` is what [`note`] returned last in this installation, kept beside its object stores. Whoever is ahead again
/// after the next [`note`] is a clone, and needs an identity of its own.
///
/// # Errors
/// Fails if the store cannot be reached.
pub fn stand(store: &dyn Store, collection: &Collection, device: &DeviceId, noted: Option<Cursor>) -> Result<Standing, Error> {
    let members = store.state(collection)?.members;
    let told = members.into_iter().find(|member| member.device == *device).and_then(|member| member.cursor);
    Ok(standing(noted, told))
}

fn standing(noted: Option<Cursor>, told: Option<Cursor>) -> Standing {
    let further = |told: &Cursor| noted.is_none_or(|noted| noted.log == told.log && noted.sequence < told.sequence);
    told.filter(further).map_or(Standing::AsNoted, |store| Standing::Ahead { noted, store })
}

/// Tells the store up to where this device has everything, and returns what is to be kept as noted.
///
/// # Errors
/// Fails if the store cannot be reached, or does not know the cursor.
pub fn note(store: &dyn Store, collection: &Collection, device: &DeviceId, cursor: &Cursor) -> Result<Cursor, Error> {
    store.arrived(collection, device, cursor)?;
    Ok(*cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Hash, LogId, Sequence};

    fn at(log: u8, sequence: u64) -> Cursor {
        Cursor { log: LogId([log; 16]), sequence: Sequence(sequence), hash: Hash([3; 32]) }
    }

    #[test]
    fn a_device_that_is_where_it_said_is_no_news() {
        for (noted, told) in [(None, None), (Some(at(1, 7)), Some(at(1, 7))), (Some(at(1, 7)), None)] {
            assert_eq!(standing(noted, told), Standing::AsNoted);
        }
    }

    #[test]
    fn a_store_that_went_back_or_was_made_anew_is_not_the_devices_fault() {
        assert_eq!(standing(Some(at(1, 7)), Some(at(1, 3))), Standing::AsNoted);
        assert_eq!(standing(Some(at(1, 7)), Some(at(2, 9))), Standing::AsNoted);
    }

    #[test]
    fn a_device_that_the_store_heard_more_of_was_restored_or_copied() {
        assert_eq!(standing(Some(at(1, 7)), Some(at(1, 9))), Standing::Ahead { noted: Some(at(1, 7)), store: at(1, 9) });
        assert_eq!(standing(None, Some(at(1, 9))), Standing::Ahead { noted: None, store: at(1, 9) });
    }
}
