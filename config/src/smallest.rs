//! The smallest configuration: what a newcomer is shown.

/// The smallest useful file.
pub const SMALLEST: &str = include_str!("../examples/smallest.toml");
