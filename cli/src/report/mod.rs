//! What a job did or would do, for people and for programs.

pub(crate) mod changes;
pub(crate) mod held;
pub(crate) mod human;
pub(crate) mod json;
