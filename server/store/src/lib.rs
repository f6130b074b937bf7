//! The law suite of [`protocol::Store`], and the stores that keep logs on this machine: [`Sqlite`] in a folder, [`Memory`] in memory.

pub mod clock;
pub mod laws;
pub mod lease;
pub mod memory;
pub mod page;
mod random;
mod shelf;
pub mod sqlite;

pub use clock::Clock;
pub use memory::Memory;
pub use sqlite::Sqlite;
