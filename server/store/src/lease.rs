//! The rules of leases, as pure functions: who gets one, who keeps one, and what one keeps from others.

use std::time::Duration;

use protocol::{Collection, DeviceId, Error, Fence, Lease, Timestamp};

/// Returns the lease if it has not ended.
#[must_use]
pub fn held(lease: Option<Lease>, now: Timestamp) -> Option<Lease> {
    lease.filter(|lease| now < lease.until)
}

/// Gives a device the lease with the number after `last`, unless another device holds it.
///
/// # Errors
/// Fails with [`Error::Leased`] if one does.
pub fn acquire(collection: &Collection, held: Option<&Lease>, last: Fence, device: &DeviceId, until: Timestamp) -> Result<Lease, Error> {
    match held {
        Some(lease) if lease.holder != *device => Err(refused(collection, lease)),
        _ => Ok(Lease { holder: *device, name: String::new(), fence: Fence(last.0.saturating_add(1)), until }),
    }
}

/// Lets a lease last longer.
///
/// # Errors
/// Fails with [`Error::StaleFence`] if the lease with this number is not held.
pub fn renew(collection: &Collection, held: Option<Lease>, fence: Fence, now: Timestamp, time: Duration) -> Result<Lease, Error> {
    let lease = held.filter(|lease| lease.fence == fence).ok_or_else(|| stale(collection, fence))?;
    Ok(Lease { until: now.after(time), ..lease })
}

/// Tells whether a device may append, under a lease or without one.
///
/// # Errors
/// Fails with [`Error::StaleFence`] if the lease it names is not held, and with [`Error::Leased`] if another device holds one.
pub fn may_append(collection: &Collection, held: Option<&Lease>, device: &DeviceId, fence: Option<Fence>) -> Result<(), Error> {
    match (held, fence) {
        (held, Some(fence)) if held.is_none_or(|lease| lease.fence != fence) => Err(stale(collection, fence)),
        (Some(lease), _) if lease.holder != *device => Err(refused(collection, lease)),
        _ => Ok(()),
    }
}

/// Says who holds the lease.
#[must_use]
pub fn refused(collection: &Collection, lease: &Lease) -> Error {
    let holder = if lease.name.is_empty() { lease.holder.to_string() } else { lease.name.clone() };
    Error::Leased { collection: collection.to_string(), holder, until: lease.until }
}

fn stale(collection: &Collection, fence: Fence) -> Error {
    Error::StaleFence { collection: collection.to_string(), fence }
}
