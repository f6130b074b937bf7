//! What holds the whole house together under test: the simulator, which runs the real engine in a made-up world, the corpus,
//! which holds real files before the adapters, and trees of files under the real program.

pub mod corpus;
pub mod simulator;
pub mod trees;
