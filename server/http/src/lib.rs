//! The store on the network: an HTTP server over the embedded store, with its data plane and its management plane.

mod answer;
mod blobs;
mod chunks;
mod context;
mod data;
mod dispatch;
mod events;
mod keys;
pub mod limits;
mod listen;
mod management;
mod metrics;
mod open;
mod openapi;
pub mod running;
mod shared;
mod stalled;
#[cfg(feature = "tls")]
pub mod tls;
mod tokens;

pub use keys::verifies;
pub use limits::Limits;

pub use running::{Options, Running, StartError, start};
