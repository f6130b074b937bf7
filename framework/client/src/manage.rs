//! The management plane: devices, invitations, collections, rights, leases and the audit log of a store.

use protocol::messages::{
    About, Audit, Collections, Decide, Device, Devices, Enroll, Enrolled, Grant, HeldTransaction, HeldTransactions, Invitation, Invite,
    Listed, Rename, SetGrant, Settings, Settled, Verdict,
};
use protocol::routes::Route;
use protocol::{Code, Collection, DeviceId, Error, State, StoreId, TransactionId, signed};

use crate::http::Line;
use crate::retry::{Backoff, Policy};
use crate::session::{Call, Key, Manners, Session};

/// Makes a device one of a store's, and returns who it is there.
///
/// A code whose answer was lost is not lost: the device finds that it is enrolled.
///
/// # Errors
/// Fails with [`Error::WrongCode`] if the code is not good, and as every question does.
pub fn enroll(line: Line, key: Box<dyn Key>, manners: Manners, code: Code, name: &str) -> Result<Enrolled, Error> {
    let once = Policy { attempts: 1, ..manners.policy };
    let mut backoff = Backoff::new(manners.policy);
    // Whose store this is, nobody knows yet: what it says of itself is what is pinned.
    let mut session = Session::new(line, StoreId([0; 16]), key, Manners { policy: once, rest: manners.rest });
    let device = session.device();
    let signature = session.sign_message(&signed::enrollment(&code, &device, name));
    let message = Enroll { code, device, name: name.to_owned(), signature };
    let mut lost = false;
    loop {
        let attempt = about(&session).and_then(|about| {
            session.pin(about.store);
            session.exchange(&Call::to(Route::Enroll, &[]), &message)
        });
        let (error, asked) = match attempt {
            Err(Error::WrongCode) if lost => {
                let granted = session.sign_in().map_err(|_| Error::WrongCode)?;
                return Ok(Enrolled { store: session.store(), device: granted.device });
            }
            Err(error @ Error::Unavailable(_)) => (error, None),
            Err(Error::TooMany { retry_after }) => (Error::TooMany { retry_after }, Some(retry_after)),
            other => return other,
        };
        lost = true;
        if !session.pause(&mut backoff, asked) {
            return Err(error);
        }
    }
}

/// Returns what a store says of itself to anybody.
///
/// # Errors
/// Fails with [`Error::Unavailable`] if somebody else answers, and as every question does.
pub fn about(session: &Session) -> Result<About, Error> {
    let host = session.line().address().host();
    let other = || Error::Unavailable(format!("what answers at `{host}` is no syncretic server"));
    match session.message::<About>(&Call::to(Route::About, &[])) {
        Ok(about) if about.service == "syncretic" && about.api == 1 => Ok(about),
        Ok(about) if about.service == "syncretic" => {
            Err(Error::Newer { what: format!("the API of `{host}`"), found: u64::from(about.api), known: 1 })
        }
        Ok(_) | Err(Error::Malformed(_)) => Err(other()),
        Err(error) => Err(error),
    }
}

/// Returns who this device is to the store.
///
/// # Errors
/// Fails as every question does.
pub fn me(session: &Session) -> Result<Device, Error> {
    session.message(&Call::to(Route::Me, &[]))
}

/// Returns the collections that this device may read, by name.
///
/// # Errors
/// Fails as every question does.
pub fn collections(session: &Session) -> Result<Vec<Listed>, Error> {
    session.message::<Collections>(&Call::to(Route::ListCollections, &[])).map(|found| found.collections)
}

/// Makes a collection; one that is there stays as it is.
///
/// # Errors
/// Fails with [`Error::NotAuthorised`] if this device does not administer the store, and as every question does.
pub fn create(session: &Session, collection: &Collection) -> Result<State, Error> {
    session.message(&Call::to(Route::CreateCollection, &[collection.as_str()]))
}

/// Changes settings of a collection; what is absent stays.
///
/// # Errors
/// Fails as every question does.
pub fn set(session: &Session, collection: &Collection, settings: &Settings) -> Result<Settled, Error> {
    session.exchange(&Call::to(Route::CollectionSettings, &[collection.as_str()]), settings)
}

/// Returns the transactions of a collection that delete more than their devices may, the oldest first; decided ones too.
///
/// # Errors
/// Fails as every question does.
pub fn held(session: &Session, collection: &Collection) -> Result<Vec<HeldTransaction>, Error> {
    session.message::<HeldTransactions>(&Call::to(Route::ListHeld, &[collection.as_str()])).map(|found| found.held)
}

/// Decides about a held transaction.
///
/// # Errors
/// Fails with [`Error::Conflict`] if it was decided otherwise already, and as every question does.
pub fn decide(session: &Session, collection: &Collection, transaction: TransactionId, verdict: Verdict) -> Result<HeldTransaction, Error> {
    let route = [collection.as_str(), &transaction.to_string()];
    session.exchange(&Call::to(Route::DecideHeld, &route), &Decide { verdict })
}

/// Returns all devices, by name.
///
/// # Errors
/// Fails as every question does.
pub fn devices(session: &Session) -> Result<Vec<Device>, Error> {
    session.message::<Devices>(&Call::to(Route::ListDevices, &[])).map(|found| found.devices)
}

/// Gives a device another name.
///
/// # Errors
/// Fails with [`Error::Conflict`] if the name is taken, and as every question does.
pub fn rename(session: &Session, device: &DeviceId, name: &str) -> Result<Device, Error> {
    session.exchange(&Call::to(Route::RenameDevice, &[&device.to_string()]), &Rename { name: name.to_owned() })
}

/// Takes every right from a device, from every append that begins after this returns.
///
/// # Errors
/// Fails as every question does.
pub fn revoke(session: &Session, device: &DeviceId) -> Result<Device, Error> {
    session.message(&Call::to(Route::RevokeDevice, &[&device.to_string()]))
}

/// Makes an enrollment code.
///
/// # Errors
/// Fails as every question does.
pub fn invite(session: &Session, invite: &Invite) -> Result<Invitation, Error> {
    session.exchange(&Call::to(Route::Invite, &[]), invite)
}

/// Gives a device a right on a collection.
///
/// # Errors
/// Fails as every question does.
pub fn grant(session: &Session, device: &DeviceId, grant: &Grant) -> Result<(), Error> {
    let message = SetGrant { right: grant.right, delete_budget: grant.delete_budget };
    session.tell(&Call::to(Route::SetGrant, &[grant.collection.as_str(), &device.to_string()]), &message)
}

/// Takes a device's right on a collection.
///
/// # Errors
/// Fails as every question does.
pub fn withdraw(session: &Session, device: &DeviceId, collection: &Collection) -> Result<(), Error> {
    session.ask(&Call::to(Route::RemoveGrant, &[collection.as_str(), &device.to_string()]), 0).map(drop)
}

/// Returns lines of the audit log after the one of this number.
///
/// # Errors
/// Fails as every question does.
pub fn audit(session: &Session, after: u64, limit: usize) -> Result<Audit, Error> {
    let query = format!("after={after}&limit={limit}");
    session.message(&Call { query: &query, ..Call::to(Route::Audit, &[]) })
}
