//! What holds the whole house together under test: the simulator, which runs the real engine in a made-up world, and the
//! corpus, which holds real files before the adapters.

pub mod corpus;
pub mod simulator;
