//! What holds the whole house together under test: the simulator, which runs the real engine in a made-up world.

pub mod simulator;
