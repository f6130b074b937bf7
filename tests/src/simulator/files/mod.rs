//! Worlds of files: endpoints that hold folders, people who move, swap, save by rename and delete, and the rules of `adapters/fs`.
//!
//! The disk is in memory and the adapter follows the rules of `adapters/fs` one by one: key and path, what is recognised as moved,
//! which names are free, how a step is staged, exchanged, undone, recovered and settled. The engine is the real one.

mod disk;
mod endpoint;
mod face;
mod folder;
mod meetings;
mod mishaps;
mod oracles;
mod place;
mod plan;
mod recovery;
mod rest;
mod scan;
mod step;
mod users;
mod versions;
mod world;

pub(super) use world::simulate;
