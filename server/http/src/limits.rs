//! Limits: how much one device, or one stranger, may ask; how much is held in memory; how long anybody may take.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use protocol::{DeviceId, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the server allows. The defaults suit one person's devices and a thousand of them alike.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests a second of one device, in the long run.
    pub device_rate: NonZeroU32,
    /// Requests of one device at once.
    pub device_burst: NonZeroU32,
    /// Requests a second of one address that has not shown who it is, in the long run.
    pub stranger_rate: NonZeroU32,
    /// Requests of one such address at once.
    pub stranger_burst: NonZeroU32,
    /// Connections at once.
    pub connections: usize,
    /// Requests that are answered at once; event streams and waiting ones do not count.
    pub requests: usize,
    /// Bytes of bodies that are held in memory at once.
    pub memory: usize,
    /// Uploads and downloads of blobs at once.
    pub transfers: usize,
    /// The most bytes of a blob.
    pub blob: u64,
    /// How long a client may take for the head of a request, for the next part of a body, and to read the next part of an answer.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let number = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self {
            device_rate: number(500),
            device_burst: number(1000),
            stranger_rate: number(100),
            stranger_burst: number(2000),
            connections: 4096,
            requests: 512,
            memory: 512 << 20,
            transfers: 32,
            blob: 16 << 30,
            patience: Duration::from_secs(20),
        }
    }
}

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// The counters behind the limits.
pub(crate) struct Gates {
    devices: Keyed<DeviceId>,
    strangers: Keyed<IpAddr>,
    requests: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    transfers: Arc<Semaphore>,
}

/// The unit in which memory is counted.
const UNIT: usize = 1 << 10;

impl Gates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = |rate, burst| Quota::per_second(rate).allow_burst(burst);
        Self {
            devices: RateLimiter::hashmap(quota(limits.device_rate, limits.device_burst)),
            strangers: RateLimiter::hashmap(quota(limits.stranger_rate, limits.stranger_burst)),
            requests: Arc::new(Semaphore::new(limits.requests)),
            memory: Arc::new(Semaphore::new(limits.memory / UNIT)),
            transfers: Arc::new(Semaphore::new(limits.transfers)),
        }
    }

    /// Counts a request of a device.
    pub(crate) fn device(&self, device: &DeviceId) -> Result<(), Error> {
        self.devices.check_key(device).map_err(|until| later(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Counts a request of an address that has not shown who it is.
    pub(crate) fn stranger(&self, address: IpAddr) -> Result<(), Error> {
        self.strangers.check_key(&address).map_err(|until| later(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Takes a place among the requests that are answered at once.
    pub(crate) fn request(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.requests).try_acquire_owned().map_err(|_| later(Duration::from_secs(1)))
    }

    /// Takes memory for a body.
    pub(crate) fn memory(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Arc::clone(&self.memory).try_acquire_many_owned(units).map_err(|_| later(Duration::from_secs(2)))
    }

    /// Takes a place among the transfers of blobs.
    pub(crate) fn transfer(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.transfers).try_acquire_owned().map_err(|_| later(Duration::from_secs(1)))
    }

    /// Forgets who has not asked lately.
    pub(crate) fn tidy(&self) {
        self.devices.retain_recent();
        self.devices.shrink_to_fit();
        self.strangers.retain_recent();
        self.strangers.shrink_to_fit();
    }
}

fn later(retry_after: Duration) -> Error {
    Error::TooMany { retry_after }
}
