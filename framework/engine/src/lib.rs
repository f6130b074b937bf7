//! One endpoint's sync: the object store and the one path recover → scan → pull → merge → apply → push.
//!
//! The engine knows adapters, deltas, records and the store's protocol; it never knows a format by name, the
//! configuration, or which store it talks to. It is deterministic: clock, randomness, keys, application, object
//! store and store come in through [`Doors`]. Every step is durable before the next begins, and between two steps
//! the path passes a [`Point`], where a simulator may let others go first, or end everything.

pub mod decide;
pub mod doors;
mod entry;
pub mod error;
pub mod job;
pub mod objects;
pub mod progress;
pub mod report;
pub mod session;
pub mod snapshot;

mod absent;
mod apply;
mod aside;
pub mod context;
mod found;
mod guard;
mod heal;
mod identity;
mod incoming;
mod join;
mod lines;
mod names;
mod parallel;
mod plan;
mod publish;
mod pull;
mod recover;
mod rehearsing;
mod scan;
mod target;
mod texts;
mod trees;
mod turn;
mod wish;

pub use context::Settings;
pub use doors::{Doors, Keys, Point, Randomness};
pub use error::Error;
pub use guard::Guard;
pub use job::{Endpoint, JobReport, run};
pub use plan::plan;
pub use progress::{Listener, Nobody, Phase, Progress, Share};
pub use report::{Deed, Direction, Effect, Event, Held, Hold, Report};
pub use session::session;
pub use snapshot::snapshot;
