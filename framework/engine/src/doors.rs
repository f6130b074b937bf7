//! The doors through which the engine meets the world: store, keys, randomness, and the points between durable steps.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use protocol::{Collection, DeviceId, Signature, Store};

use crate::progress::Listener;

/// A place between two durable steps of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Point {
    /// A session begins.
    Begin,
    /// What an earlier run began has been recovered.
    Recovered,
    /// The application has been read, nothing is kept yet.
    Scanned,
    /// What was read has been kept.
    Observed,
    /// A page of entries has been kept.
    Pulled,
    /// The step of writing has been kept, nothing is written yet.
    Intended,
    /// The application has been written, the object store does not know yet.
    Applied,
    /// The object store knows what was written.
    Advanced,
    /// The step is settled with the adapter.
    Settled,
    /// The transaction has been frozen, not sent.
    Frozen,
    /// The transaction has been sent and answered, the object store does not know yet.
    Sent,
    /// The object store knows that the transaction is in the log.
    Acknowledged,
}

/// The device's key: it signs what this device appends and verifies what others did.
pub trait Keys {
    /// Returns this device.
    fn device(&self) -> DeviceId;

    /// Signs a message.
    fn sign(&self, message: &[u8]) -> Signature;

    /// Tells whether `device` signed the message, and may write to the collection.
    fn verify(&self, collection: &Collection, device: &DeviceId, message: &[u8], signature: &Signature) -> bool;
}

/// A source of random ids.
pub trait Randomness {
    /// Returns sixteen random bytes.
    fn id(&self) -> [u8; 16];
}

/// Everything that the path needs besides one endpoint's adapter and object store.
#[derive(Clone, Copy)]
pub struct Doors<'d> {
    /// The store.
    pub store: &'d dyn Store,
    /// The device's key.
    pub keys: &'d dyn Keys,
    /// Randomness.
    pub randomness: &'d dyn Randomness,
    /// Whoever wants to know how far the work is.
    pub progress: &'d dyn Listener,
    /// Called at each point: true goes on at once, false lets others go first.
    pub pass: &'d dyn Fn(Point) -> bool,
}

impl Doors<'_> {
    /// Passes a point.
    pub(crate) fn at(&self, point: Point) -> impl Future<Output = ()> + '_ {
        Passing { pass: self.pass, point, asked: false }
    }
}

struct Passing<'d> {
    pass: &'d dyn Fn(Point) -> bool,
    point: Point,
    asked: bool,
}

impl Future for Passing<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.asked {
            return Poll::Ready(());
        }
        self.asked = true;
        if (self.pass)(self.point) { Poll::Ready(()) } else { Poll::Pending }
    }
}

struct Awake;

impl Wake for Awake {
    fn wake(self: Arc<Self>) {}
}

/// Runs a future whose doors block: it is polled until it is done.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Awake));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
