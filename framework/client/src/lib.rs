//! The store at the other end of a network: [`Remote`] is a [`Store`](protocol::Store) over HTTP, and [`manage`] is its management plane.
//!
//! Blocking, without a runtime. No redirect is followed, so a token goes where the person said and nowhere else; every
//! answer is bounded in size, every silence in time; what breaks is asked for again with growing pauses.

pub mod address;
mod blobs;
pub mod events;
pub mod http;
pub mod manage;
pub mod remote;
pub mod retry;
pub mod roster;
pub mod session;
pub mod sse;

pub use address::Address;
pub use events::Heads;
pub use http::{Line, Timeouts};
pub use remote::Remote;
pub use retry::{Policy, Rest};
pub use roster::{Names, Roster};
pub use session::{Key, Manners, Session};
